//! What stands in a file of the estate and will not run here as it is.

use crate::config::Place;

/// What becomes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// Something else runs in its place.
    StandsIn,
    /// It does not run.
    Unsupported,
}

/// A construct that will not run here as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// Where it stands.
    pub place: Place,
    /// Its name: `jobs.deploy.steps[2].uses`, `Resources.Queue`, `provider.okta`.
    pub construct: String,
    /// What becomes of it.
    pub outcome: Outcome,
    /// Why, or what stands in.
    pub because: String,
}

impl std::fmt::Display for Remark {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.place, self.because)
    }
}

/// Those that do not run.
pub fn unsupported(remarks: impl IntoIterator<Item = Remark>) -> Vec<Remark> {
    remarks.into_iter().filter(|remark| remark.outcome == Outcome::Unsupported).collect()
}
