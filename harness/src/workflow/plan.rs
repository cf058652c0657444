//! Which jobs run, by what those before them came to. Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::expression::{Object, Scope, Status, Stopped, Template, Value};
use super::matrix;
use super::model::{Data, Job, Workflow};

/// How a job or a step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Conclusion {
    Success,
    Failure,
    Skipped,
}

impl Conclusion {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Skipped => "skipped",
        }
    }
}

/// What a job left.
#[derive(Debug, Clone)]
pub(super) struct Outcome {
    pub(super) conclusion: Conclusion,
    pub(super) outputs: Object,
}

/// The jobs that are done, by their ids.
pub(super) type Outcomes = BTreeMap<String, Outcome>;

/// How everything that a job needs ended, and what that needed in turn: a
/// failure or a skip goes through the whole chain
/// (<https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#jobsjob_idneeds>).
pub(super) fn status(workflow: &Workflow, job: &Job, done: &Outcomes) -> Status {
    let mut waiting: Vec<&str> = job.needs.iter().map(String::as_str).collect();
    let mut seen = BTreeSet::new();
    let mut status = Status::Success;
    while let Some(id) = waiting.pop() {
        if !seen.insert(id) {
            continue;
        }
        match done.get(id).map(|outcome| outcome.conclusion) {
            Some(Conclusion::Failure) => return Status::Failure,
            Some(Conclusion::Success) => {}
            Some(Conclusion::Skipped) | None => status = Status::Skipped,
        }
        let needed = workflow.jobs.iter().find(|job| job.id == id);
        waiting.extend(needed.iter().flat_map(|job| job.needs.iter().map(String::as_str)));
    }
    status
}

/// The `needs` of a job.
pub(super) fn needs(job: &Job, done: &Outcomes) -> Value {
    of_jobs(done.iter().filter(|(id, _)| job.needs.contains(id)))
}

/// `jobs`, for the outputs of a called workflow.
pub(super) fn jobs(done: &Outcomes) -> Value {
    of_jobs(done.iter())
}

fn of_jobs<'o>(outcomes: impl Iterator<Item = (&'o String, &'o Outcome)>) -> Value {
    let of = |outcome: &Outcome| {
        let mut members = Object::default();
        members.set("result", outcome.conclusion.name());
        members.set("outputs", outcome.outputs.clone());
        Value::from(members)
    };
    outcomes.map(|(id, outcome)| (id.clone(), of(outcome))).collect::<Object>().into()
}

/// Whether a job runs: where it has no condition, when all it needs succeeded.
///
/// # Errors
/// What stops its condition.
pub(super) fn runs(job: &Job, scope: &Scope) -> Result<bool, Stopped> {
    match &job.condition {
        Some(condition) => condition.holds(scope),
        None => Ok(scope.status == Status::Success),
    }
}

/// The values of `matrix` with which a job runs; of a job without one a single
/// null.
///
/// # Errors
/// What is wrong with it.
pub(super) fn combinations(job: &Job, scope: &Scope) -> Result<Vec<Value>, Stopped> {
    match &job.matrix {
        None => Ok(vec![Value::Null]),
        Some(matrix) => {
            let value = matrix.value(scope)?;
            let found = matrix::expand(&value).map_err(Stopped::Fault)?;
            Ok(found.into_iter().map(Value::from).collect())
        }
    }
}

/// A template that must come to true or false.
///
/// # Errors
/// That it does not.
pub(super) fn flag(template: Option<&Template>, or: bool, scope: &Scope) -> Result<bool, Stopped> {
    let Some(template) = template else { return Ok(or) };
    match template.value(scope, &mut |_| {})?.text().as_ref() {
        "true" => Ok(true),
        "false" => Ok(false),
        other => Err(Stopped::Fault(format!("`{other}` is neither true nor false"))),
    }
}

impl Data {
    /// What it comes to.
    ///
    /// # Errors
    /// What stops an expression.
    pub(super) fn value(&self, scope: &Scope) -> Result<Value, Stopped> {
        Ok(match self {
            Self::Plain(value) => value.clone(),
            Self::Text(template) => template.value(scope, &mut |_| {})?,
            Self::List(items) => {
                items.iter().map(|item| item.value(scope)).collect::<Result<Vec<_>, _>>()?.into()
            }
            Self::Map(members) => {
                let mut object = Object::default();
                for (name, value) in members {
                    object.set(name.clone(), value.value(scope)?);
                }
                object.into()
            }
        })
    }
}
