//! Calibration: the decisions of this engine put to AWS's own policy simulator.
//!
//! The crate does no I/O. [`cases`] reads decisions, [`scope`] tells which of
//! them a simulation can judge, [`simulation`] turns those into inputs of
//! `SimulateCustomPolicy` and `SimulatePrincipalPolicy`, [`answer`] reads what
//! AWS said, [`deployed`] compares policies, and [`summary`] counts. Whoever
//! calls sends the questions and hands the answers back.
//!
//! Source of what can be simulated:
//! <https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulateCustomPolicy.html>.

pub mod account;
pub mod answer;
pub mod cases;
pub mod decisions;
pub mod deployed;
pub mod scope;
pub mod simulation;
pub mod summary;
