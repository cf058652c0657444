//! The guard rails that speak of permissions, each as a claim about all requests of an
//! identity, with all its policies composed.
//!
//! - [`guarded`]: whom the rails are about and what they guard, from an estate's files
//!   and the configuration;
//! - [`claims`]: each rail as what an identity may be allowed at most;
//! - [`declared`]: the same of the rails that the configuration has;
//! - `limited`: claims under control policies and the policies of VPC endpoints;
//! - [`decide`]: a claim is proved, violated by a request that the engine allows, or
//!   undecided;
//! - [`reach`]: the ways between functions and the internet;
//! - [`paths`]: who can come to act as whom, closed under itself;
//! - [`told`]: the results as text, JSON and Markdown, with how long they [`took`];
//!   [`sarif`] as SARIF, at the files;
//! - [`calls`]: a request that breaks a claim as a call that somebody can make;
//! - [`certificates`]: what is proved written down, to be checked by others;
//! - [`deployed`]: the same of a stack that runs, for the record of a run;
//! - [`accounts`]: the same of several accounts together.
//!
//! No name of an estate stands here: what is guarded is derived, as the attacks derive
//! it.

pub mod accounts;
pub mod calls;
pub mod certificates;
pub mod claims;
pub mod decide;
pub mod declared;
pub mod deployed;
pub mod guarded;
mod guises;
mod limited;
mod network;
pub mod paths;
#[cfg(test)]
mod random;
pub mod reach;
pub mod sarif;
mod statements;
pub mod told;
pub mod took;
mod trust;
