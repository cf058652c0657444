//! What IAM refuses in a call's content and emulators take.

mod arns;
mod creation;
mod deletion;
mod documents;
mod protected;
mod trust;

pub(crate) use creation::check as creation;
pub(crate) use deletion::check as deletion;
use ringfence_wire::{Call, ServiceError};

pub(crate) use arns::check as arns;
pub(crate) use protected::check as protected;

/// Checks the policy document of a call, where it stores one.
///
/// # Errors
/// `MalformedPolicyDocument`, in IAM's words.
pub(crate) fn documents(call: &Call) -> Result<(), ServiceError> {
    documents::check(call)
}
