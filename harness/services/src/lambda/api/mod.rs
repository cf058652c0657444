//! The API but for the invocation: what an input must satisfy, and what a call
//! changes and shows.

pub(in crate::lambda) mod alias;
pub(in crate::lambda) mod change;
pub(in crate::lambda) mod constraints;
pub(in crate::lambda) mod control;
pub(in crate::lambda) mod input;
pub(in crate::lambda) mod limits;
pub(in crate::lambda) mod location;
pub(in crate::lambda) mod network;
pub(in crate::lambda) mod page;
pub(in crate::lambda) mod policy;
pub(in crate::lambda) mod settings;
pub(in crate::lambda) mod url;
pub(in crate::lambda) mod versions;
