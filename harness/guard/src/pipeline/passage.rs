//! A request on its way: what the journal will say of it.

use std::net::IpAddr;
use std::time::Instant;

use bytes::Bytes;
use http::Response;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use ringfence_policy::Outcome;
use ringfence_services::credentials::{Key, Session};
use ringfence_wire::{Call, Service, error};
use time::OffsetDateTime;

use super::deciding;
use crate::authorize::Verdict;
use crate::bindings::Ended;
use crate::context::{Circumstances, rfc3339};
use crate::journal::{Change, Check, Ending, Entry, Journal};
use crate::observe::{Observer, limiting};
use crate::recording::Inputs;
use crate::root_watch::RootUse;
use crate::signing::{Arrival, Signed};

/// A request on its way, with the entry that it leaves.
#[derive(Debug)]
pub(crate) struct Passage {
    pub(crate) entry: Entry,
    pub(crate) source_ip: IpAddr,
    pub(crate) now: OffsetDateTime,
    pub(super) root: Option<RootUse>,
    /// The name that the call ended, for the policies of all accounts.
    pub(super) ended: Option<Ended>,
    /// How the request is signed, where it is.
    pub(super) scheme: Option<Signed>,
    started: Instant,
}

impl Passage {
    pub(super) fn begin(source_ip: IpAddr, now: OffsetDateTime) -> Self {
        let entry = Entry {
            time: rfc3339(now),
            request_id: uuid::Uuid::new_v4().to_string(),
            principal: String::new(),
            access_key_id: String::new(),
            service: String::new(),
            operation: String::new(),
            called_via: Vec::new(),
            checks: Vec::new(),
            outcome: Ending::Refused,
            error: None,
            change: None,
            let_in: None,
            observed: None,
            explanation: None,
            status: 0,
            upstream_status: None,
            duration_us: 0,
        };
        Self {
            entry,
            source_ip,
            now,
            root: None,
            ended: None,
            scheme: None,
            started: Instant::now(),
        }
    }

    /// Notes who signed, with which key.
    pub(crate) fn signed(&mut self, key: &Key, headers: &HeaderMap) {
        self.caller(&key.session);
        self.entry.access_key_id.clone_from(&key.credentials.access_key_id);
        self.root = RootUse::of(key, headers);
    }

    pub(crate) fn caller(&mut self, caller: &Session) {
        self.entry.principal = caller.identity.arn();
        self.entry.called_via.clone_from(&caller.called_via);
    }

    pub(crate) fn circumstances<'a>(&self, headers: &'a HeaderMap) -> Circumstances<'a> {
        let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
        let content_sha256 = text(HeaderName::from_static("x-amz-content-sha256"));
        Circumstances {
            source_ip: self.source_ip,
            user_agent: text(header::USER_AGENT),
            referer: text(header::REFERER),
            arrival: Some(Arrival { signed: self.scheme, content_sha256 }),
            now: self.now,
        }
    }

    /// Notes what was decided, permission by permission.
    pub(crate) fn decided(&mut self, verdicts: &[Verdict]) {
        let checks = verdicts.iter();
        let checks = checks.map(|verdict| Check::new(&verdict.requirement, &verdict.decision));
        self.entry.checks.extend(checks);
        self.entry.outcome = match deciding(verdicts).map(|verdict| verdict.decision.outcome) {
            None | Some(Outcome::Allow) => Ending::Allowed,
            Some(Outcome::Undecided) => Ending::Undecided,
            Some(Outcome::ImplicitDeny | Outcome::ExplicitDeny) => Ending::Denied,
        };
    }

    /// Notes what an allowed call changes, where it changes something.
    pub(super) fn changed(&mut self, call: &Call) {
        let entry = &mut self.entry;
        if entry.outcome == Ending::Allowed && entry.checks.iter().any(Check::is_change) {
            entry.change = Some(Change::of(call, &entry.checks));
        }
    }

    /// Notes that the call goes on without a permission being known, where
    /// nothing is refused.
    pub(super) fn unmapped(&mut self, reason: String) {
        self.entry.observed.get_or_insert_default().unmapped = Some(reason);
    }

    /// Notes what an observer sees of a decision: the checks about it are the
    /// last of the entry.
    pub(crate) fn observed(&mut self, inputs: &Inputs, observer: &Observer) {
        let decided = self.entry.checks.len().saturating_sub(inputs.asked.len());
        for (check, asked) in self.entry.checks.iter_mut().skip(decided).zip(&inputs.asked) {
            check.keys = limiting(&asked.context);
        }
        let observed = self.entry.observed.get_or_insert_default();
        if let Some(policies) = observer.news(inputs) {
            observed.policies = Some(policies);
        }
    }

    /// Notes that a call which may be made is not valid. What a guard that
    /// enforces would have refused before stays as it is.
    pub(super) fn invalid(&mut self) {
        if self.entry.outcome == Ending::Allowed {
            self.entry.outcome = Ending::Refused;
        }
    }

    pub(super) fn end(mut self, journal: &Journal, response: &mut Response<Bytes>) {
        if let Ok(id) = HeaderValue::from_str(&self.entry.request_id) {
            for name in ["x-amzn-requestid", "x-amz-request-id"] {
                response.headers_mut().insert(HeaderName::from_static(name), id.clone());
            }
        }
        // S3's second id: of the host.
        if self.entry.service == Service::S3.name()
            && let Ok(id) = HeaderValue::from_str(&error::host_id(&self.entry.request_id))
        {
            response.headers_mut().insert(HeaderName::from_static("x-amz-id-2"), id);
        }
        self.entry.status = response.status().as_u16();
        let elapsed = self.started.elapsed().as_micros();
        self.entry.duration_us = u64::try_from(elapsed).unwrap_or(u64::MAX);
        journal.record(&self.entry);
    }
}
