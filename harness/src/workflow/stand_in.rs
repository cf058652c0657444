//! What runs in place of the tools that a workflow asks for, known before it
//! runs where its versions are plain.

use super::model::{Action, Job, Work, Workflow};
use super::{actions, python};
use crate::remark::{Outcome, Remark};
use crate::tools::PythonTools;

/// What stands in for a version of the SAM CLI, where anything does.
pub(super) fn sam(asked: &str) -> Option<String> {
    let ours = PythonTools::pinned("aws-sam-cli").unwrap_or_default();
    let other = !asked.is_empty() && asked != ours;
    other.then(|| format!("SAM CLI {ours} stands in for {asked}"))
}

/// That our Python stands in for a version.
pub(super) fn python(ours: &str, asked: &str) -> String {
    format!("Python {ours} stands in for {asked}")
}

impl Workflow {
    /// What will run in place of what the workflow asks for; `python` is the
    /// version of the interpreter that stands in for others.
    pub async fn stand_ins(&self, python: &str) -> Vec<Remark> {
        let mut found = Vec::new();
        for step in self.jobs.iter().flat_map(Job::steps) {
            let Work::Uses { action: Action::Published(action), with } = &step.work else {
                continue;
            };
            let input = |name: &str| {
                let found = with.0.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
                found.and_then(|(_, template)| template.plain())
            };
            let because = match action.as_str() {
                actions::SETUP_SAM => input("version").and_then(sam),
                actions::SETUP_PYTHON => match input("python-version") {
                    Some(version) => missing(version).await.then(|| self::python(python, version)),
                    None => None,
                },
                _ => None,
            };
            found.extend(because.map(|because| Remark {
                place: step.place.clone(),
                construct: action.clone(),
                outcome: Outcome::StandsIn,
                because,
            }));
        }
        found
    }
}

/// Whether this machine has no interpreter of a version.
async fn missing(version: &str) -> bool {
    match python::minor(version) {
        Ok(Some(minor)) => python::installed(minor).await.is_none(),
        _ => false,
    }
}
