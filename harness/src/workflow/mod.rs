//! GitHub workflows, run as GitHub would: every step of every job, on a copy
//! of the repository, with a token of the run's own exchanged at the guard.
//!
//! What a workflow may not do on GitHub fails here too: without `id-token:
//! write` there is no token, without `contents: read` no checkout of a private
//! repository. Actions, keys and expressions that are not known here are
//! errors that name file and line, never skipped.

mod actions;
mod check;
mod checkout;
mod contexts;
mod events;
mod expression;
mod filter;
mod local;
mod matrix;
mod model;
mod parse;
mod place;
mod plan;
mod python;
mod reader;
mod run;
mod shell;
mod stand_in;

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use ringfence_wire::ServiceError;

use crate::config::Place;
use crate::remark::Remark;

pub use actions::{Substitute, Substitutes};
pub use local::Repository;
pub use model::{Action, Inputs, Job, Script, Step, Work, Workflow};
pub(crate) use parse::DIALECT;
pub use run::{Report, Run, Runner, STEP_BOUNDS};

/// Why a workflow did not do its work.
#[derive(Debug, thiserror::Error)]
pub enum WorkflowError {
    /// The file cannot be read.
    #[error("cannot read the workflow `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file has what cannot be run here: all of it.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Unsupported(Vec<Remark>),
    /// The file is no workflow, or an expression of it has no value.
    #[error("{place}: {message}")]
    Invalid {
        /// Where.
        place: Place,
        /// What is wrong.
        message: String,
    },
    /// The event does not start it.
    #[error("{place}: a {event} to `{git_ref}` does not start this workflow")]
    NotTriggered {
        /// Where it says what does.
        place: Place,
        /// What happened.
        event: String,
        /// On which ref.
        git_ref: String,
    },
    /// A step failed.
    #[error("{}: step `{}` failed: {}{}", .0.place, .0.step, .0.message, tail_of(&.0.tail))]
    Step(Box<StepFailure>),
    /// A step cannot be run at all.
    #[error("{place}: cannot run step `{step}`")]
    Run {
        /// Where it is.
        place: Place,
        /// Its name.
        step: String,
        /// What the system says.
        source: io::Error,
    },
}

/// How a step failed.
#[derive(Debug)]
pub struct StepFailure {
    /// Where it is.
    pub place: Place,
    /// Its name.
    pub step: String,
    /// How it ended.
    pub message: String,
    /// The error of AWS, where AWS refused the step's role.
    pub aws: Option<ServiceError>,
    /// Its last lines, secrets masked.
    pub tail: Vec<String>,
}

fn tail_of(tail: &[String]) -> String {
    tail.iter().map(|line| format!("\n    {line}")).collect()
}

/// A step that was run.
#[derive(Debug, Clone)]
pub struct StepRecord {
    /// Its job.
    pub job: String,
    /// Its name.
    pub step: String,
    /// How long it took.
    pub took: Duration,
}

#[cfg(test)]
mod tests;
