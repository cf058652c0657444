//! `ringfence calibrate`: a run's decisions beside those of AWS's own policy
//! simulator, in an account of the user's. Read-only.
//!
//! What is compared, and how, is in the crate `ringfence-calibrate`; here is
//! what talks to AWS.

mod analyzer;
mod credentials;
mod principals;
mod record;
mod simulator;

pub use self::analyzer::{Analyzer, Check, PRICE_PER_CHECK_USD, PolicyType};
pub use self::credentials::{Endpoints, Session, session};
pub use self::principals::{Deployed, deployed};
pub use self::record::write;
pub use self::simulator::{Asked, Pace, ask};

/// Why an account cannot be asked.
#[derive(Debug, thiserror::Error)]
pub enum CalibrateError {
    /// No credentials.
    #[error("no credentials for AWS: {0}")]
    Credentials(String),
    /// An endpoint that is none.
    #[error("`{url}` is no endpoint")]
    Endpoint {
        /// What was given.
        url: String,
        /// What is wrong with it.
        source: url::ParseError,
    },
    /// A region whose endpoints are not known.
    #[error("the endpoints of the region `{0}` are not known here; name one with --endpoint-url")]
    Region(String),
    /// AWS refuses.
    #[error("{operation}: {error}")]
    Refused {
        /// The call.
        operation: &'static str,
        /// Its error.
        error: Box<ringfence_wire::ServiceError>,
    },
    /// An answer without what AWS always sends.
    #[error("{operation}: the answer has no {member}")]
    Answer {
        /// The call.
        operation: &'static str,
        /// What is missing.
        member: &'static str,
    },
    /// A page of the simulator's that is none.
    #[error(transparent)]
    Simulator(#[from] ringfence_calibrate::answer::AnswerError),
}
