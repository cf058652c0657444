//! Who can come to act as whom: the graph of an estate's identities, closed under
//! itself.
//!
//! - [`means`]: by what one identity gains another, as data;
//! - [`handed`]: by which calls a role is handed to which service, as data;
//! - [`saml`]: the SAML providers whose assertions roles take;
//! - [`world`]: the identities of an estate, and what means act upon;
//! - [`holder`]: what an identity with its policies, or with those that it has gained,
//!   is allowed of each means: one question to the prover for all that its policies do
//!   not tell apart;
//! - [`denied`]: what the policies of resources deny of that;
//! - [`answers`]: what many identities' questions have in common;
//! - [`tags`]: what a resource is tagged with, and who puts tags on it;
//! - [`classes`]: the things that nothing tells apart;
//! - [`closure`]: all that a source comes to, step by step;
//! - [`shared`]: what the closures of all sources share;
//! - [`own`]: who the sources are, and what is a source's own;
//! - [`told`]: the paths as text, JSON and Markdown.

mod answers;
mod bits;
mod classes;
mod closure;
mod denied;
mod grown;
mod handed;
mod holder;
mod index;
mod means;
mod own;
mod question;
mod read;
mod saml;
mod search;
mod shared;
mod tags;
pub mod told;
mod world;

pub use means::known;
pub use search::{CannotAsk, Found, Path, Reached, Request, Source, search};
