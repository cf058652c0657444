//! The guard: every AWS call passes here, is authenticated, authorized as IAM
//! would, journaled, and then answered or sent upstream.
//!
//! [`Guard::start`] opens one port of the loopback. A request's road is
//! `pipeline`: identify, authenticate, authorize, journal, answer. What cannot
//! be told at any of these stations is refused there. What a call requires is
//! said by [`requirements`]; what was decided is kept in the [`journal`], and
//! what it was decided about, where asked for, in the [`recording`].

mod account;
mod accounts;
mod admit;
mod api_keys;
mod ask;
mod authenticate;
mod authorize;
mod batch_secrets;
mod bindings;
mod bodies;
mod carrier;
mod checks;
mod completed;
mod connections;
mod context;
pub mod coverage;
mod data_plane;
mod delete_objects;
mod directory;
mod dry_run;
mod exists;
mod guard;
mod identity_tags;
mod inspect;
pub mod journal;
mod keys;
mod lengths;
mod limits;
mod memory;
mod mended;
mod naming;
mod observe;
mod organization;
mod patience;
mod perimeter;
mod pipeline;
mod post_object;
mod read_back;
pub mod recording;
mod refusal;
pub mod requirements;
mod root_watch;
mod server;
mod services;
mod signing;
mod simulate;
mod state;
pub mod supposed;
mod uploads;
mod upstream;
mod validate;
mod vpc_endpoint;

#[cfg(test)]
mod tests;

pub use ask::{Caller, NotRecorded, Question};
pub use checks::s3::is_public as is_public_bucket_policy;
pub use guard::{AccountConfig, Config, Guard, GuardError, Reach, UserKey};
pub use journal::Journal;
pub use observe::Mode;
pub use organization::{Membership, NoMembership};
pub use recording::{Attached, Inputs, Overlay, Recorded, Recording};
pub use refusal::{UNDECIDED, UNMAPPED};
pub use root_watch::RootCall;
pub use upstream::{SECRET_HEADER, UpstreamEndpoint, UpstreamError};
pub use vpc_endpoint::{NoVpcEndpoint, VpcEndpoint};
