//! Ringfence tests and proves that the guard rails of an AWS estate hold: it starts an emulator behind the guard, applies the platform team's
//! Terraform, deploys the applications by their own workflows, attacks the
//! result as every identity involved and says, control by control, what held.

// First: its macros are for all that follows.
#[macro_use]
mod printing;

mod accepted;
pub mod access;
pub mod attacks;
pub mod aws;
pub mod calibrate;
mod calls;
mod changed;
#[doc(hidden)]
pub mod commands;
pub mod config;
mod copying;
pub mod coverage;
mod declared;
pub mod doctor;
pub mod emulator;
pub mod evidence;
pub mod exchange;
pub mod exit;
pub mod guard_rail;
mod hcl;
pub mod init;
pub mod integrity;
pub mod issuers;
pub mod least;
pub mod lint;
pub mod mutations;
mod plain;
pub mod process;
pub mod progress;
pub mod proof;
pub mod registries;
pub mod remark;
pub mod root;
pub mod scratch;
pub mod stack;
mod template;
pub mod terraform;
pub mod tools;
mod watch;
pub mod workflow;
