//! Programs that others wrote, run behind walls.
//!
//! A [`Confinement`] lists what a program may read, write and reach; nothing
//! else is there for it: no other process, no other file, no other port, no
//! variable of our environment. What it started ends when it ends, and all of
//! it ends when its [`Confined`] goes, or our process dies.
//!
//! How strong the walls are is said by the [`Mechanism`]: the strongest that
//! works here is found by trying. A mechanism that was found and then fails is
//! an error; nothing is run behind weaker walls than were said.
//!
//! The kernel's calls are made by a launcher in Python (`launcher/*.py`), which
//! needs Python's standard library alone; this crate has no unsafe code.

mod confinement;
mod launch;
mod mechanism;
mod relay;
mod user;

pub use confinement::{Bounds, Confinement, Opening, Wall, interpreter, python};
pub use launch::{Confined, Output, Started, started};
pub use mechanism::{Mechanism, Sandbox};
pub use user::User;

#[cfg(test)]
mod tests;
