//! The proofs, end to end, against one shared stack.
//!
//! `RINGFENCE_BACKEND` chooses the upstream (`auto` where it is not set). Tests
//! that touch the stack take turns: each asserts on what the journal says of
//! its own calls, and some deploy.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "the whole crate is tests: what is not there fails them"
)]

mod actions;
mod applications;
mod attacks;
mod cloudformation;
mod delete_objects;
mod drafted;
mod estate;
mod estates;
mod foreign;
mod gateways;
mod guard_rails;
mod identities;
mod issuers;
mod kept;
mod layer1;
mod lists;
mod managed_policies;
mod members;
mod missing;
mod mutations;
mod names;
mod object_lock;
mod outward;
mod published;
mod recorded;
mod resources;
mod sdk;
mod services;
mod stack;
mod translator;
