//! What a network lets through, for every address, protocol and port. Pure: no I/O.
//!
//! Traffic is a set of boxes: intervals of addresses, protocols and ports. Routes, network
//! ACLs and security groups cut boxes, so that an answer holds for each packet and not for
//! samples of them.
//!
//! - [`traffic`]: the sets;
//! - [`network`]: what is in a VPC;
//! - [`leaves`]: the traffic of an interface by the way that it takes out;
//! - [`offered`]: what is let out, by where routes lead, whatever becomes of it there;
//! - [`enters`]: what of the internet comes to it;
//! - [`between`]: what an interface can send to another of the network, and [`stages`] what
//!   each of the parts on the way lets through.

pub mod network;
mod reach;
pub mod traffic;

pub use reach::{Left, Offered, Way, between, enters, leaves, offered, stages};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
