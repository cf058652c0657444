//! The built binary's `prove`.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test stops where it fails")]

mod assumed;
mod beside;
mod certificates;
mod combined;
mod control;
mod denied;
mod elsewhere;
mod federated;
mod findings;
mod grants;
mod inputs;
mod lists;
mod made;
mod named;
mod partly;
mod plans;
mod rails;
mod renamed;
mod replaced;
mod shop;
mod stacks;
mod subnets;
mod teams;
mod unknown;
mod unsent;
mod whose;
