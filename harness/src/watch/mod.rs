//! A stack that is kept: what changes of its sources is applied, and the attacks
//! that this can affect are made again.
//!
//! What a change can affect is found by [`kept`]: each request of each finding is
//! decided again by the guard's own evaluation under the policies as they are now.
//! That is sound where the text of policies alone changed ([`documents`]); else all
//! attacks are made again.

mod documents;
mod kept;
mod session;
mod told;
mod tree;
mod wake;

pub(crate) use session::{Chosen, Session, survives};
pub(crate) use tree::Watcher;
