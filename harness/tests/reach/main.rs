//! The built binary on networks: what `prove` says of their guard rails, and what `reach`
//! answers.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test stops where it fails")]

mod endpoints;
mod networks;
mod rails;
mod reached;
