//! The engine with its mistakes.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a build script stops where it fails")]

#[path = "mistakes.rs"]
mod mistakes;
#[path = "seeding.rs"]
mod seeding;

fn main() {
    // Not read here: the engine's tests list its files when they are built, and
    // are built again when this crate is.
    println!("cargo:rerun-if-changed=../corpus");
    seeding::seed(mistakes::MISTAKES);
}
