//! The AWS services that Ringfence answers itself, because LocalStack
//! Community lacks them or answers without regard to the caller: STS, Lambda,
//! HTTP APIs and CloudFormation, with the token verification they share.
//!
//! Nothing here decides who may call what. Where a service acts for somebody
//! (CloudFormation for its caller, Lambda for an execution role, API Gateway
//! for a route), it calls the guard's own endpoint with a session of that
//! somebody ([`client::Client`]), and so meets the same pipeline as everybody.

pub mod client;
pub mod cloudformation;
pub mod credentials;
pub mod function_targets;
pub mod gateway;
pub mod http_api;
pub mod lacking;
pub mod lambda;
pub mod rest_api;
pub mod setting;
pub mod sts;
pub mod token;

pub use credentials::{Credentials, Identity, Keyring, Session};
pub use setting::Setting;
