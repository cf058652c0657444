//! What starts a workflow, and the event that is played.
//!
//! <https://docs.github.com/en/actions/reference/workflows-and-actions/events-that-trigger-workflows>

use std::collections::BTreeMap;

use super::WorkflowError;
use super::expression::{Object, Value};
use super::filter::Filter;
use super::model::Texts;
use crate::config::Place;

/// Everything that can start a workflow.
pub(super) const EVENTS: [&str; 36] = [
    "branch_protection_rule",
    "check_run",
    "check_suite",
    "create",
    "delete",
    "deployment",
    "deployment_status",
    "discussion",
    "discussion_comment",
    "fork",
    "gollum",
    "image_version",
    "issue_comment",
    "issues",
    "label",
    "merge_group",
    "milestone",
    "page_build",
    "project",
    "project_card",
    "project_column",
    "public",
    "pull_request",
    "pull_request_review",
    "pull_request_review_comment",
    "pull_request_target",
    "push",
    "registry_package",
    "release",
    "repository_dispatch",
    "schedule",
    "status",
    "watch",
    "workflow_call",
    "workflow_dispatch",
    "workflow_run",
];

/// What a workflow is started by, in the order in which one is chosen where
/// nothing says which: what deploys by itself, what somebody starts in order to
/// deploy, then the others.
const PREFERRED: [&str; 9] = [
    "push",
    "workflow_dispatch",
    "release",
    "schedule",
    "repository_dispatch",
    "workflow_run",
    "merge_group",
    "pull_request",
    "pull_request_target",
];

/// `on`.
#[derive(Debug, Clone)]
pub(super) struct Triggers {
    pub(super) place: Place,
    pub(super) all: Vec<Trigger>,
}

/// One event of it.
#[derive(Debug, Clone, Default)]
pub(super) struct Trigger {
    pub(super) event: String,
    pub(super) filter: Filter,
    /// `types`.
    pub(super) activities: Vec<String>,
    pub(super) schedules: Vec<String>,
    pub(super) inputs: Vec<Input>,
    /// Of `workflow_call`, with whether they are required.
    pub(super) secrets: Vec<(String, bool)>,
    pub(super) outputs: Texts,
}

/// An input of `workflow_dispatch` or `workflow_call`.
#[derive(Debug, Clone)]
pub(super) struct Input {
    pub(super) name: String,
    pub(super) kind: InputKind,
    pub(super) required: bool,
    pub(super) default: Option<super::expression::Template>,
}

/// What an input takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum InputKind {
    Text,
    Flag,
    Number,
    Choice(Vec<String>),
}

impl Triggers {
    pub(super) fn of(&self, event: &str) -> Option<&Trigger> {
        self.all.iter().find(|trigger| trigger.event == event)
    }

    /// The event that is played on a ref: the one that is named, or else the
    /// first by which the workflow deploys.
    ///
    /// # Errors
    /// That it does not start the workflow.
    pub(super) fn played(
        &self,
        named: Option<&str>,
        git_ref: &str,
    ) -> Result<&Trigger, WorkflowError> {
        let starts = |event: &str| {
            self.of(event).filter(|trigger| event != "push" || trigger.filter.passes(git_ref))
        };
        let found = match named {
            Some(event) => starts(event),
            None => PREFERRED
                .into_iter()
                .find_map(starts)
                .or_else(|| self.all.iter().find(|trigger| trigger.event != "push")),
        };
        found.ok_or_else(|| WorkflowError::NotTriggered {
            place: self.place.clone(),
            event: named.unwrap_or("push").to_owned(),
            git_ref: git_ref.to_owned(),
        })
    }
}

impl Trigger {
    /// The values of its inputs: what is given, else the default, else what
    /// GitHub has for a kind.
    ///
    /// # Errors
    /// What is given and is none, and what is missing.
    pub(super) fn inputs(
        &self,
        given: &BTreeMap<String, Value>,
        default: &mut dyn FnMut(&super::expression::Template) -> Result<Value, String>,
    ) -> Result<Object, String> {
        let known = |name: &str| self.inputs.iter().any(|it| it.name.eq_ignore_ascii_case(name));
        if let Some(unknown) = given.keys().find(|name| !known(name)) {
            return Err(format!("there is no input `{unknown}`"));
        }
        let mut values = Object::default();
        for input in &self.inputs {
            let given = given.iter().find(|(name, _)| name.eq_ignore_ascii_case(&input.name));
            let value = match (given, &input.default) {
                (Some((_, value)), _) => value.clone(),
                (None, Some(template)) => default(template)?,
                (None, None) if input.required => {
                    return Err(format!("the input `{}` is required", input.name));
                }
                (None, None) => Value::Null,
            };
            values.set(input.name.clone(), input.value(&value)?);
        }
        Ok(values)
    }
}

impl Input {
    fn value(&self, given: &Value) -> Result<Value, String> {
        let text = given.text();
        let wrong = |expected: &str| {
            Err(format!("the input `{}` takes {expected}, not `{text}`", self.name))
        };
        match &self.kind {
            InputKind::Text => Ok(Value::Text(text)),
            InputKind::Flag => match text.as_ref() {
                "true" => Ok(true.into()),
                "false" | "" => Ok(false.into()),
                _ => wrong("true or false"),
            },
            InputKind::Number => match text.trim().parse::<f64>() {
                Ok(number) => Ok(number.into()),
                Err(_) if text.is_empty() => Ok(0.0.into()),
                Err(_) => wrong("a number"),
            },
            InputKind::Choice(options) => match options.iter().any(|it| **it == *text) {
                true => Ok(Value::Text(text)),
                // A choice has a value always: the first.
                false if text.is_empty() && !self.required => {
                    Ok(options.first().map_or(Value::Null, |it| it.as_str().into()))
                }
                false => wrong(&format!("one of {}", options.join(", "))),
            },
        }
    }
}
