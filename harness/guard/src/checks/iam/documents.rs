//! The policies that IAM refuses to store, in its own sentences. Where a policy
//! is malformed, and why, goes to the journal.

use ringfence_policy::malformed::{self, Use};
use ringfence_policy::{Document, DocumentError, Kind};
use ringfence_wire::{Call, ServiceError};

use super::trust;
use crate::carrier;

pub(super) fn refused(message: impl Into<String>) -> ServiceError {
    ServiceError::new(400, "MalformedPolicyDocument", message)
}

/// Checks the document of a call that stores one.
pub(super) fn check(call: &Call) -> Result<(), ServiceError> {
    if carrier::is_feigned(call) {
        return Err(refused("the document looks like one in which Ringfence keeps another"));
    }
    match call.name() {
        "CreatePolicy" | "CreatePolicyVersion" => identity(call, Use::Managed),
        "PutRolePolicy" | "PutUserPolicy" | "PutGroupPolicy" => identity(call, Use::Inline),
        "CreateRole" => trusted(call, "AssumeRolePolicyDocument"),
        "UpdateAssumeRolePolicy" => trusted(call, "PolicyDocument"),
        _ => Ok(()),
    }
}

fn identity(call: &Call, stored: Use) -> Result<(), ServiceError> {
    let text = call.text("PolicyDocument").unwrap_or_default();
    let parsed = match stored {
        Use::Managed => Document::parse_managed("policy", text, Kind::Identity),
        Use::Inline => Document::parse("policy", text, Kind::Identity),
    };
    parsed.map(drop).map_err(|cause| worded(malformed::identity(text, stored), &cause))
}

fn trusted(call: &Call, member: &str) -> Result<(), ServiceError> {
    let text = call.text(member).unwrap_or_default();
    if let Err(cause) = Document::parse("trust policy", text, Kind::Trust) {
        return Err(worded(malformed::trust(text), &cause));
    }
    // What the engine can read and IAM does not take.
    malformed::trust(text).map_or(Ok(()), |sentence| Err(refused(sentence)))?;
    trust::github(text)
}

/// IAM's sentence; our own words where IAM stores what is refused here.
fn worded(sentence: Option<String>, cause: &DocumentError) -> ServiceError {
    let own = cause.to_string();
    refused(sentence.unwrap_or_else(|| own.clone())).explained(own)
}
