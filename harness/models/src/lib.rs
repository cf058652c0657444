//! AWS as data, and nothing else: no I/O, no state, no decisions.
//!
//! - [`Service`] is one of AWS's APIs by its id, which is everywhere the one
//!   name of the service: `apigatewayv2`, `stepfunctions`. What tells a request's
//!   service is known at once (signing name, host, `X-Amz-Target`, API version);
//!   the rest, its [`Model`], is unpacked when first asked for.
//! - [`actions`] holds what IAM knows of a prefix: actions, resource types and
//!   condition keys. Several services may share a prefix (`rds`, `docdb` and
//!   `neptune`), and some prefixes belong to no API.
//! - [`Partition`] is one of AWS's partitions, and tells which one a region is in.
//! - [`types`] holds CloudFormation's resource types.
//! - [`managed`] holds the documents of AWS's managed policies.
//!
//! The data is made by `cargo xtask models update`; see `docs/models.md`.
//!
//! ```
//! use ringfence_models::Service;
//!
//! let sqs = Service::of("sqs").unwrap();
//! let operation = sqs.operation("SendMessageBatch").unwrap();
//! let actions: Vec<String> =
//!     operation.actions.iter().flatten().map(ToString::to_string).collect();
//! assert_eq!(actions, ["sqs:SendMessage"]);
//! ```

pub mod actions;
mod decode;
pub mod managed;
mod model;
pub mod needs;
mod operation;
mod packed;
mod partition;
mod service;
mod shape;
pub mod types;

pub use model::{ErrorModel, Model};
pub use operation::{ActionName, Operation};
pub use partition::Partition;
pub use service::{Protocol, Service, services};
pub use shape::{Form, Kind, Location, Member, Shape};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
