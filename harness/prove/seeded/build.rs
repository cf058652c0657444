//! The prover with its mistakes.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a build script stops where it fails")]

mod mistakes;
#[path = "../../policy/seeded/seeding.rs"]
mod seeding;

fn main() {
    println!("cargo:rerun-if-changed=../../policy/seeded/seeding.rs");
    seeding::seed(mistakes::MISTAKES);
}
