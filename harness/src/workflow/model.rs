//! What a workflow file says.

use std::path::PathBuf;

use super::events::Triggers;
use super::expression::{Condition, Template, Value};
use crate::config::Place;

/// A workflow.
#[derive(Debug, Clone)]
pub struct Workflow {
    /// Its file, as messages name it.
    pub file: PathBuf,
    /// Its name; the file's where it has none.
    pub name: String,
    /// Its jobs, in an order in which they can run.
    pub jobs: Vec<Job>,
    pub(super) triggers: Triggers,
    pub(super) env: Texts,
}

/// Names with texts, in the order of the file.
pub(super) type Texts = Vec<(String, Template)>;

/// A job.
#[derive(Debug, Clone)]
pub struct Job {
    /// Its id.
    pub id: String,
    /// Where it is.
    pub place: Place,
    /// What it is called in messages: `jobs.ID`.
    pub(super) construct: String,
    pub(super) needs: Vec<String>,
    pub(super) condition: Option<Condition>,
    pub(super) permissions: Permissions,
    pub(super) environment: Option<Template>,
    pub(super) matrix: Option<Data>,
    pub(super) fail_fast: Option<Template>,
    pub(super) continue_on_error: Option<Template>,
    pub(super) work: JobWork,
}

/// What a job does.
#[derive(Debug, Clone)]
pub(super) enum JobWork {
    /// Runs steps.
    Steps(Box<StepsJob>),
    /// Calls another workflow.
    Call(Box<Call>),
}

/// A job of steps.
#[derive(Debug, Clone, Default)]
pub(super) struct StepsJob {
    pub(super) steps: Vec<Step>,
    pub(super) env: Texts,
    pub(super) defaults: Defaults,
    pub(super) outputs: Texts,
    pub(super) timeout: Option<Template>,
}

/// A job that calls another workflow.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub(super) workflow: Called,
    /// Where it says so.
    pub(super) at: Place,
    pub(super) with: Texts,
    pub(super) secrets: Secrets,
}

/// The workflow that a job calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Called {
    /// One of this repository, by its path.
    Local(PathBuf),
    /// One of another repository, as it is written.
    Elsewhere(String),
}

/// The secrets that a called workflow gets.
#[derive(Debug, Clone)]
pub(super) enum Secrets {
    /// All of the caller's.
    Inherited,
    /// These.
    Given(Texts),
}

/// A step.
#[derive(Debug, Clone)]
pub struct Step {
    /// Its name, or what it does where it has none.
    pub name: String,
    /// Where it is.
    pub place: Place,
    /// What it does.
    pub work: Work,
    /// What it is called in messages: `jobs.ID.steps[2]`.
    pub(super) construct: String,
    pub(super) id: Option<String>,
    pub(super) condition: Option<Condition>,
    pub(super) env: Texts,
    pub(super) timeout: Option<Template>,
    pub(super) continue_on_error: Option<Template>,
}

/// What a step does.
#[derive(Debug, Clone)]
pub enum Work {
    /// Runs an action.
    Uses {
        /// Which.
        action: Action,
        /// Its inputs.
        with: Inputs,
    },
    /// Runs a script.
    Run(Script),
}

/// The inputs of an action.
#[derive(Debug, Clone, Default)]
pub struct Inputs(pub(super) Texts);

/// A script of a step.
#[derive(Debug, Clone)]
pub struct Script {
    pub(super) text: Template,
    pub(super) shell: Option<Template>,
    pub(super) directory: Option<Template>,
}

/// The action that a step uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// A directory of this repository.
    Local(PathBuf),
    /// `owner/name` or `owner/name/path`, at a version.
    Published(Published),
    /// A container image.
    Image(String),
}

/// An action of another repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// `owner/name` or `owner/name/path`.
    pub(super) name: String,
    /// A tag, a branch or a commit.
    pub(super) version: String,
}

/// What the run's token may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Permissions {
    pub(super) id_token: bool,
    pub(super) contents: bool,
}

impl Permissions {
    /// Where nothing is said: contents, and never an OIDC token.
    pub(super) const DEFAULT: Self = Self { id_token: false, contents: true };

    /// No more than a caller's: a called workflow can take away, and add
    /// nothing
    /// (<https://docs.github.com/en/actions/reference/workflows-and-actions/reusing-workflow-configurations>).
    pub(super) const fn within(self, caller: Self) -> Self {
        Self {
            id_token: self.id_token && caller.id_token,
            contents: self.contents && caller.contents,
        }
    }
}

/// `defaults.run`.
#[derive(Debug, Clone, Default)]
pub(super) struct Defaults {
    pub(super) shell: Option<Template>,
    pub(super) directory: Option<Template>,
}

/// A value that has texts with expressions in it.
#[derive(Debug, Clone)]
pub(super) enum Data {
    Text(Template),
    Plain(Value),
    List(Vec<Data>),
    Map(Vec<(String, Data)>),
}

impl Job {
    /// Its steps; none where it calls another workflow.
    pub fn steps(&self) -> &[Step] {
        match &self.work {
            JobWork::Steps(job) => &job.steps,
            JobWork::Call(_) => &[],
        }
    }
}
