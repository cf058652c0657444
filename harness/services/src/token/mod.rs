//! JSON Web Tokens, verified strictly: for STS's web identities and for the
//! JWT authorizers of HTTP APIs.
//!
//! A token is read ([`compact`]), its key is found ([`keys`], [`issuers`]), its
//! signature is checked, and only then are its claims looked at ([`claims`]):
//! the order in which API Gateway does it
//! (<https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-jwt-authorizer.html>).
//! Who may be the audience is the caller's business.
//!
//! Whatever is ambiguous is refused: a member that occurs twice, a header that
//! is marked critical, two keys of one id, padding, trailing bits. A token, or
//! a part of its signature, is in no error and in no `Debug`.

mod claims;
mod compact;
mod discovery;
mod error;
mod issuers;
mod json;
mod keys;
mod reach;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

pub use compact::unverified_issuer;
pub use error::TokenError;
pub use issuers::{Issuers, Rules};
pub use keys::{KeySource, SharedKeys};
