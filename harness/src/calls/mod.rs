//! Calls of AWS's operations, built back from what they ask for.
//!
//! - [`built`]: a call for an action upon a resource, by the names of members alone;
//! - [`places`]: the places of an input, and how a value is put there;
//! - [`asked`]: what a call asks for, as the guard would read it from the wire;
//! - [`inverse`]: the calls that ask for an action upon a resource under condition keys;
//! - [`command`]: a call as AWS's command line takes it.

pub(crate) mod asked;
pub(crate) mod built;
pub(crate) mod command;
pub(crate) mod inverse;
mod markers;
mod places;
