//! Certificates that all requests which some policies allow are allowed by others, and
//! their checker.
//!
//! A certificate cuts all requests of a caller into classes: by action, by what is acted
//! upon and by each condition key ([`form`]). Of each class it has one request, and says
//! which side decides it. The checker ([`check`]) trusts none of it. It shares the engine
//! (`ringfence-policy`) with the prover and nothing else: it decides each class again,
//! for the whole class and for its request, and shows by itself that there is no other
//! class.
//!
//! What it does not know how to check it refuses, by name: a certificate is good or it
//! is none.

pub mod check;
pub mod cover;
mod follow;
pub mod form;
mod language;
pub mod matter;
pub mod packets;
mod values;
mod walk;

pub use check::{Refused, check};
pub use form::{Certificate, Certificates, Unread, VERSION};
pub use matter::Known;
