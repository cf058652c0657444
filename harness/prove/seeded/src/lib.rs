//! `ringfence-prove` with mistakes that can be switched on, one
//! at a time. It is the prover's own source: `build.rs` puts a switch into each
//! place of `mistakes.rs`. Only the prover's tests depend on this crate, to
//! show that they find every mistake; nothing that ships does.

#![allow(warnings, clippy::all, reason = "a copy with mistakes")]

use std::sync::atomic::{AtomicUsize, Ordering};

static SEEDED: AtomicUsize = AtomicUsize::new(usize::MAX);

/// Switches one mistake on, and every other off.
pub fn seed(mistake: usize) {
    SEEDED.store(mistake, Ordering::SeqCst);
}

fn has(mistake: usize) -> bool {
    SEEDED.load(Ordering::Relaxed) == mistake
}

include!(concat!(env!("OUT_DIR"), "/src/lib.rs"));
