//! What a caller may do.

use http::request;
use ringfence_policy::Outcome;
use ringfence_services::credentials::{Identity, Session};
use ringfence_wire::{Call, Service, ServiceError};

use super::{Passage, Pipeline};
use crate::authorize::{Keys, Subject, Verdict, verdicts, worded};
use crate::batch_secrets::Batch;
use crate::context::requested_region;
use crate::delete_objects::Partial;
use crate::journal::Ending;
use crate::recording::{Inputs, Overlay, Recorded};
use crate::refusal;
use crate::requirements::{
    Extent, Requirement, RequirementsError, forms, requirements, requirements_of_absence,
};

impl Pipeline {
    /// Decides whether the caller may make the call, or a part of it.
    pub(super) async fn authorize(
        &self,
        call: &Call,
        caller: &Session,
        parts: &request::Parts,
        passage: &mut Passage,
    ) -> Result<Granted, ServiceError> {
        let service = call.service();
        if call.operation.unsigned && service != Service::Sts && self.may_limit_unsigned(service) {
            let (name, operation) = (service.name(), call.name());
            return Err(refusal::unmapped(format!(
                "{name}:{operation} takes no signature; whether a resource control policy denies \
                 it is not decided here"
            )));
        }
        let mut required = match requirements(call, caller, &self.present(&call.region)).await {
            Ok(required) => required,
            Err(RequirementsError::Service(error)) => return Err(error),
            // Of an account's own root: another's needs what the account allows it.
            Err(unmapped)
                if matches!(caller.identity, Identity::Root { .. })
                    && caller.identity.account_id() == Some(&self.setting.account_id) =>
            {
                // Root needs no permission, and policies of the organization are
                // the only ones that could limit it.
                if !self.may_limit_root(caller, service) {
                    if self.observer.is_some() {
                        passage.unmapped(unmapped.to_string());
                    }
                    passage.entry.outcome = Ending::Allowed;
                    return Ok(Granted::Call);
                }
                return Err(refusal::unmapped(unmapped.to_string()));
            }
            Err(unmapped) if self.observer.is_some() => {
                passage.unmapped(unmapped.to_string());
                return Ok(Granted::Call);
            }
            Err(unmapped) => return Err(refusal::unmapped(unmapped.to_string())),
        };
        // Root may do the same by the names that a service has.
        let is_root = matches!(caller.identity, Identity::Root { .. });
        if !is_root || self.may_limit_root(caller, service) {
            forms::check(call, &required)?;
        }
        require_token_tags(&caller.identity, &mut required);
        let acting = &self.setting.account_id;
        if let Some((requirement, owner)) = self.directories.elsewhere(&required, acting).await? {
            passage.entry.outcome = Ending::Undecided;
            return Err(refusal::elsewhere(requirement, owner));
        }
        let inputs = self.inputs_of(call, caller, &required, parts, passage).await?;
        let verdicts = self.decide(inputs, required, passage);
        if self.observer.is_some() {
            return Ok(Granted::Call);
        }
        let denial = |verdict: &Verdict| denial(verdict, call, caller, passage);
        if let Some(partial) = Partial::of(call, &verdicts, denial) {
            passage.entry.outcome = Ending::Allowed;
            return Ok(Granted::Part(partial));
        }
        if let Some(batch) = Batch::of(call, &verdicts, denial)? {
            passage.entry.outcome = Ending::Allowed;
            return Ok(Granted::Secrets(batch));
        }
        refused_by(&verdicts, call, caller, passage)?;
        Ok(Granted::Call)
    }

    /// Whether resource control policies of the account could limit a call that clients
    /// do not sign.
    fn may_limit_unsigned(&self, service: Service) -> bool {
        let own = self.perimeter.organizations.of(&self.setting.account_id);
        own.is_some_and(|it| it.may_limit_unsigned(service))
    }

    /// Whether policies of its organization, or of the account that it acts in, could
    /// limit a root user's call whose permissions are not known.
    fn may_limit_root(&self, caller: &Session, service: Service) -> bool {
        let account = caller.identity.account_id().unwrap_or_default();
        let home = self.perimeter.organizations.of(account);
        home.is_some_and(|it| it.may_limit_root(service)) || self.may_limit_unsigned(service)
    }

    /// What decides about the permissions that a call requires.
    pub(super) async fn inputs_of(
        &self,
        call: &Call,
        caller: &Session,
        required: &[Requirement],
        parts: &request::Parts,
        passage: &Passage,
    ) -> Result<Inputs, ServiceError> {
        let service = call.service();
        let subject = Subject::of(caller, &self.directories, &self.perimeter, service)
            .await
            .map_err(|error| worded(error, service))?;
        let circumstances = passage.circumstances(&parts.headers);
        let region = requested_region(call);
        subject
            .inputs(required, region, caller, &self.directory, &circumstances, Keys::OfCall)
            .map_err(|error| worded(error, service))
    }

    /// Refuses to tell a caller that something is not there, where AWS would.
    pub(super) async fn hide_absence(
        &self,
        call: &Call,
        caller: &Session,
        parts: &request::Parts,
        passage: &mut Passage,
    ) -> Result<(), ServiceError> {
        let present = self.present(&call.region);
        let required = match requirements_of_absence(call, caller, &present).await {
            Ok(required) => required,
            Err(RequirementsError::Service(error)) => return Err(error),
            Err(unmapped) => return Err(refusal::unmapped(unmapped.to_string())),
        };
        if required.is_empty() {
            return Ok(());
        }
        let inputs = self.inputs_of(call, caller, &required, parts, passage).await?;
        // Not recorded: the recorded decision is that about the call itself.
        let verdicts = verdicts(required, inputs.decide(&Overlay::none()));
        let outcome = passage.entry.outcome;
        passage.decided(&verdicts);
        if let Some(observer) = &self.observer {
            passage.observed(&inputs, observer);
            if outcome != Ending::Allowed {
                // What would have refused the call itself came first.
                passage.entry.outcome = outcome;
            }
            return Ok(());
        }
        refused_by(&verdicts, call, caller, passage)
    }

    /// Decides, and keeps what was decided about.
    pub(crate) fn decide(
        &self,
        inputs: Inputs,
        required: Vec<Requirement>,
        passage: &mut Passage,
    ) -> Vec<Verdict> {
        // The items that a call lists do not wait for one another.
        let of_items = required.iter().any(|required| required.extent != Extent::Call);
        let decisions = match of_items || self.observer.is_some() {
            true => inputs.decide_each(&Overlay::none()),
            false => inputs.decide(&Overlay::none()),
        };
        let verdicts = verdicts(required, decisions);
        passage.decided(&verdicts);
        if let Some(observer) = &self.observer {
            passage.observed(&inputs, observer);
        }
        if let Some(recording) = &self.recording {
            recording.keep(Recorded::of(&passage.entry, inputs));
        }
        verdicts
    }
}

/// How much of a call its caller may do.
#[derive(Debug)]
pub(super) enum Granted {
    /// All of it.
    Call,
    /// The deletion of some objects of many, or of none.
    Part(Partial),
    /// The values of some secrets of many, or of none.
    Secrets(Batch),
}

/// The refusal of a call, where one of its permissions was denied.
fn refused_by(
    verdicts: &[Verdict],
    call: &Call,
    caller: &Session,
    passage: &Passage,
) -> Result<(), ServiceError> {
    match deciding(verdicts) {
        Some(denied) => Err(denial(denied, call, caller, passage)),
        None => Ok(()),
    }
}

/// The verdict that refuses: the first denial, or else the first that is
/// undecided.
pub(crate) fn deciding<'v>(verdicts: impl IntoIterator<Item = &'v Verdict>) -> Option<&'v Verdict> {
    let mut undecided = None;
    for verdict in verdicts {
        match verdict.decision.outcome {
            Outcome::Allow => {}
            Outcome::Undecided => undecided = undecided.or(Some(verdict)),
            Outcome::ImplicitDeny | Outcome::ExplicitDeny => return Some(verdict),
        }
    }
    undecided
}

fn denial(verdict: &Verdict, call: &Call, caller: &Session, passage: &Passage) -> ServiceError {
    refusal::denied(
        call.service(),
        call.name(),
        &caller.identity,
        &verdict.requirement,
        &verdict.decision,
        &passage.entry.request_id,
    )
}

/// A token may carry session tags and a source identity, which the call does
/// not show: the trust policy must allow these as well
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html>).
fn require_token_tags(identity: &Identity, required: &mut Vec<Requirement>) {
    let Identity::WebIdentity(web) = identity else { return };
    let Some(assume) = required.first().cloned() else { return };
    if !web.tags.is_empty() {
        let mut tag = Requirement { action: "sts:TagSession".to_owned(), ..assume.clone() };
        for (key, value) in &web.tags {
            tag.context.set(&format!("aws:RequestTag/{key}"), value);
        }
        tag.context.set_list("aws:TagKeys", web.tags.iter().map(|(key, _)| key));
        tag.context.set_list("sts:TransitiveTagKeys", &web.transitive_tag_keys);
        required.push(tag);
    }
    if let Some(source) = &web.source_identity {
        let mut set = Requirement { action: "sts:SetSourceIdentity".to_owned(), ..assume };
        set.context.set("sts:SourceIdentity", source);
        required.push(set);
    }
}
