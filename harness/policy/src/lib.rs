//! The IAM policy language: documents and a request in, a decision and its
//! reasons out. Pure: no I/O, no clock, no emulator's types.
//!
//! Compile documents once with [`Document::parse`], which refuses what AWS
//! refuses, with line and column; then [`decide`] requests, many times.
//!
//! ```
//! use std::sync::Arc;
//! use ringfence_policy::{Context, Document, Kind, Outcome, Policies, Principal, Request, decide};
//!
//! let policy = Document::parse(
//!     "deployer",
//!     r#"{
//!         "Version": "2012-10-17",
//!         "Statement": {
//!             "Effect": "Allow",
//!             "Action": "iam:CreateRole",
//!             "Resource": "arn:aws:iam::123456789012:role/app-*",
//!             "Condition": {"StringEquals": {"iam:PermissionsBoundary": "arn:aws:iam::123456789012:policy/limits"}}
//!         }
//!     }"#,
//!     Kind::Identity,
//! )?;
//! let policies = Policies { identity: vec![Arc::new(policy)], ..Policies::default() };
//! let principal = Principal::User { arn: "arn:aws:iam::123456789012:user/alice".into() };
//! let request = Request {
//!     principal: &principal,
//!     action: "iam:CreateRole",
//!     resource: "arn:aws:iam::123456789012:role/app-a",
//!     resource_account: None,
//!     context: &Context::new(),
//! };
//!
//! let decision = decide(&request, &policies);
//! assert_eq!(decision.outcome, Outcome::ImplicitDeny);
//! assert_eq!(
//!     decision.reason("iam:CreateRole"),
//!     "because no identity-based policy allows the iam:CreateRole action",
//! );
//! assert!(decision.explanation.contains(
//!     "allowed but for condition StringEquals iam:PermissionsBoundary: the request has no such key"
//! ));
//! # Ok::<(), ringfence_policy::DocumentError>(())
//! ```
//!
//! # Which function
//! [`decide`] gives the verdict with its statements and an explanation for
//! people; [`judge`] the verdict alone, several times as fast and without
//! allocating for policies without variables. [`Decision::reason`] words a
//! denial as AWS does; [`layer_outcome`] says what one layer alone would. [`catalog`] says which actions, resource types and
//! condition keys exist; [`lint`] finds policies that do not do what they say;
//! [`jsonl`] decides lines of JSON.
//!
//! # Sources
//! Each rule names AWS's page beside its code. `[SIM]` is
//! <https://github.com/cloud-copilot/iam-simulate>: where AWS is silent, its
//! findings are followed. Where sources differ:
//!
//! - An Allow for a role session's own ARN is not limited by an implicit deny
//!   of its session policy, as AWS's evaluation page says; `[SIM]` denies it.
//! - A Deny with `NotPrincipal` leaves only those out whom it names themselves, a
//!   session together with its role, as AWS's pages say; `[SIM]` leaves out all
//!   of a named account or role.
//! - Nobody assumes a role without a trust policy; `[SIM]` takes the identity
//!   policy's word for it.
//! - A `*` at the end of a part of an ARN goes on beyond the colon, and one
//!   within a resource's type matches as any other: AWS's page on `Resource`
//!   says the former, its managed policies
//!   (`arn:aws:ec2:*:*:security-group*/*`) rest on the latter; `[SIM]` does
//!   neither.
//! - A variable without a value differs from everything, so that a negated
//!   operator matches, as AWS's page on variables says; `[SIM]` and older
//!   copies of the page take the whole statement for not matching.
//!
//! Where nobody's findings are known, the choice is ours, and errs towards
//! refusing: what cannot be read as the operator's type (`12abc` as a number)
//! passes no test of an Allow, negated or not, and every test of a Deny; an ARN
//! with fewer than six parts stands for all that begin so, under `NotResource`
//! as under `Resource`.
//!
//! Stricter than IAM, which stores them, and on purpose: an empty list of
//! values, an operator that does not exist and tests no key, a date such as
//! `01T`. Nobody means what they do.
//!
//! Not modelled: the management account, which neither service control policies
//! nor resource control policies bind (give none); services that want the account
//! named too in `NotPrincipal`; grants of KMS; access control lists of S3.

mod arn;
pub mod catalog;
mod compile;
mod condition;
pub mod decision;
pub mod document;
pub mod evaluate;
mod explain;
mod index;
pub mod json;
pub mod jsonl;
pub mod key;
mod layers;
mod line;
pub mod lint;
mod logic;
pub mod malformed;
mod operator;
mod pattern;
mod principal;
mod recent;
pub mod request;
mod resource_control;
mod resource_format;
mod scan;
mod service_name;
mod special;
mod statement;
pub mod symbolic;
mod value;
mod variables;

pub use decision::{Decision, Layer, Outcome, StatementRef};
pub use document::{Document, DocumentError, Kind, Version};
pub use evaluate::{Policies, Verdict, decide, judge, layer_outcome};
pub use explain::{NearMiss, near_misses};
pub use pattern::Wildcard;
pub use request::{Context, Principal, Request, Sharing, Values};
pub use resource_control::supports as resource_control_supports;
pub use value::ValueType;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
