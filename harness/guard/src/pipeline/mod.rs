//! The one road of every request: identify, authenticate, authorize, journal,
//! answer here or upstream. A request that any of these cannot do goes no
//! further.
//!
//! `receive` reads a request and says who calls; `decide` says what the caller
//! may do; `lockout` whether a policy would keep its author out; `answer` checks what was decided and answers it here, or has
//! `forward` send it upstream. A [`Passage`] goes along and keeps what the
//! journal will say.

mod answer;
mod decide;
mod destinations;
mod forward;
mod lacked;
mod lockout;
mod passage;
mod receive;

use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response, request};
use ringfence_services::Setting;
use ringfence_wire::{Call, Service, ServiceError, error, identify};

pub(crate) use decide::deciding;
pub(crate) use passage::Passage;

use crate::accounts::Directories;
use crate::admit;
use crate::directory::Directory;
use crate::journal::Journal;
use crate::memory::Memory;
use crate::observe::Observer;
use crate::perimeter::Perimeter;
use crate::recording::Recording;
use crate::root_watch::RootWatch;
use crate::services::Services;
use crate::state::Present;
use crate::upstream::Upstream;

/// Everything that a request meets in an account.
#[derive(Debug)]
pub(crate) struct Pipeline {
    /// Those of the other accounts that are guarded. Requests arrive at the first
    /// account's, which hands them to the one that they act in.
    pub(crate) others: Vec<Pipeline>,
    pub(crate) directories: Directories,
    pub(crate) setting: Arc<Setting>,
    pub(crate) journal: Arc<Journal>,
    pub(crate) upstream: Upstream,
    pub(crate) directory: Arc<Directory>,
    pub(crate) services: Services,
    pub(crate) perimeter: Arc<Perimeter>,
    /// Kept only where the configuration asked for it.
    pub(crate) recording: Option<Arc<Recording>>,
    /// There where decisions refuse nothing.
    pub(crate) observer: Option<Arc<Observer>>,
    /// For the bodies of requests.
    pub(crate) memory: Arc<Memory>,
    pub(crate) root_watch: Arc<RootWatch>,
}

impl Pipeline {
    /// Takes a request to its answer.
    pub(crate) async fn handle(
        &self,
        request: Request<Bytes>,
        source_ip: IpAddr,
    ) -> Response<Bytes> {
        let mut passage = Passage::begin(source_ip, self.setting.now());
        let (parts, body) = request.into_parts();
        let mut response = match self.served(&parts) {
            Some(target) => {
                let serving = self.serving(&target, &parts);
                serving.serve(target, parts, body, &mut passage).await
            }
            None => self.call(parts, body, &mut passage).await,
        };
        if let Some(used) = passage.root.take() {
            self.root_watch.keep(used, &passage.entry);
        }
        passage.end(&self.journal, &mut response);
        response
    }

    /// The accounts that are guarded, from the first.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Self> {
        std::iter::once(self).chain(&self.others)
    }

    /// That of an account; this one's where it is not guarded.
    pub(crate) fn of(&self, account: &str) -> &Self {
        self.all().find(|it| it.setting.account_id == account).unwrap_or(self)
    }

    /// That of the account that a call acts in, whose caller is of the account `home`,
    /// or of none.
    ///
    /// # Errors
    /// That the upstream does not answer.
    pub(crate) async fn acting(
        &self,
        call: &Call,
        home: Option<&str>,
    ) -> Result<&Self, ServiceError> {
        let home = self.of(home.unwrap_or(&self.setting.account_id));
        let account = self.directories.acting(call, &home.setting.account_id).await?;
        Ok(self.of(account))
    }

    /// The account's state in a region, for mappings.
    pub(crate) fn present<'a>(&'a self, region: &'a str) -> Present<'a> {
        Present {
            directory: &self.directory,
            services: &self.services,
            account_id: &self.setting.account_id,
            region,
        }
    }

    /// Refuses a request whose body was not read, in the protocol that it speaks to a
    /// service, or in the form of an HTTP API.
    pub(crate) fn refuse_body(
        &self,
        error: &ServiceError,
        parts: &request::Parts,
        service: Option<Service>,
        source_ip: IpAddr,
    ) -> Response<Bytes> {
        let mut passage = Passage::begin(source_ip, self.setting.now());
        passage.entry.error = Some(error.code.to_string());
        let mut response = match service {
            Some(service) => {
                let protocol = identify::error_protocol(parts, service);
                error::render_as(error, service, protocol, &passage.entry.request_id)
            }
            None => admit::plain(error),
        };
        passage.end(&self.journal, &mut response);
        response
    }
}
