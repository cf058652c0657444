//! Who may do what, before and after a change: the identities and the resources'
//! policies of two estates, each compared for all requests (`ringfence-prove`).
//!
//! What is not known yet is never taken for absent: whatever hangs on it is
//! undecided.

mod absent;
mod anew;
mod besides;
mod bounded;
mod by_resources;
pub mod can;
pub(crate) mod colons;
mod complete;
mod configurations;
mod contested;
pub(crate) mod control;
pub(crate) mod denies;
pub mod deployed;
mod destroyed;
pub mod diff;
pub(crate) mod elsewhere;
pub mod estate;
pub(crate) mod federated;
pub mod files;
pub mod forms;
mod given;
mod given_stacks;
pub(crate) mod grants;
pub(crate) mod ids;
mod inlines;
mod kept;
mod letting;
mod managed;
mod managed_twice;
mod members;
mod moved;
mod overwritten;
mod own;
mod owners;
mod partial;
mod permission_sets;
mod placed;
mod plan;
mod public;
mod reached;
mod recreated;
pub mod reference;
pub(crate) mod running;
pub(crate) mod sessions;
mod shape;
mod standing;
mod stands;
pub mod stated;
pub(crate) mod tagged;
mod templates;
mod together;
pub mod told;
pub(crate) mod unnamed;
mod unowned;
mod ways_in;
pub mod what;

pub(crate) use plan::principal;
