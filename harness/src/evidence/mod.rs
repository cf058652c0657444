//! The evidence of a run while it is made: the bundle in the run directory.
//!
//! From its first moment the run directory holds a `run.json` that says
//! `incomplete`; it is replaced at the end alone. However a run dies, what it
//! leaves says so.

mod calibrated;
mod inputs;
mod keeper;
mod merging;
mod provenance;
mod raw;
mod redact;
mod sensitive;
mod signing;

pub use calibrated::{Unrecordable, record_calibration, recordable};
pub use inputs::{Inputs, counted};
pub use keeper::{Keeper, Wanted, abandon, catalogue};
pub use merging::{Unmergeable, merge_bundles};
pub(crate) use provenance::WORKER;
pub use provenance::provenance;
pub use redact::{Redacted, Redactor};
pub use signing::{Unsignable, catalogue_of, sign_bundle};
