//! AWS's wire protocols, pure: bytes to service, operation and input, and
//! replies and errors back in the protocol that the caller speaks; Signature
//! Version 4, both ways. No state, no policies, no I/O, no clock.
//!
//! The road of a request through this crate:
//!
//! 1. [`identify::identify`] turns a request into a [`Call`];
//! 2. [`signature`] reads and checks its signature;
//! 3. whoever answers returns a [`Reply`] or a [`ServiceError`];
//! 4. [`reply::render`] and [`error::render`] write these back.
//!
//! [`request::encode`] and [`response::decode`] are the same road as a client.

pub mod call;
mod cbor;
pub mod error;
pub mod identify;
pub mod operation;
pub mod post;
mod query_error;
pub mod reply;
pub mod request;
pub mod response;
mod route;
mod s3_lists;
pub mod secret;
pub mod signature;
mod strict_json;
mod text;
mod xml;

pub use call::Call;
pub use error::ServiceError;
pub use operation::{Operation, Protocol, Service};
pub use reply::Reply;
pub use ringfence_models::services;
pub use secret::Secret;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
