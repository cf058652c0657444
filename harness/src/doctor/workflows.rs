//! GitHub's workflows.

use super::{Diagnosis, Found, Kind, start};
use crate::remark::{Outcome, Remark};
use crate::tools::PythonTools;
use crate::workflow::{Workflow, WorkflowError};

pub(super) async fn examine(found: &Found, tools: Option<&PythonTools>, diagnosis: &mut Diagnosis) {
    let python = tools.map(|tools| tools.version.as_str()).unwrap_or_default();
    for path in &found.workflows {
        match Workflow::load(path) {
            Ok(workflow) => {
                let stand_ins = workflow.stand_ins(python).await;
                diagnosis.add(Kind::Workflow, not_started(&workflow).into_iter().chain(stand_ins));
            }
            Err(WorkflowError::Unsupported(remarks)) => diagnosis.add(Kind::Workflow, remarks),
            Err(WorkflowError::Invalid { place, message }) => {
                diagnosis.unreadable(Kind::Workflow, place, message);
            }
            Err(error) => diagnosis.unreadable(Kind::Workflow, start(path), error.to_string()),
        }
    }
    diagnosis.complete(Kind::Workflow, found.workflows.iter().cloned());
}

/// A run pushes to the repository, and what that does not start is not run.
fn not_started(workflow: &Workflow) -> Option<Remark> {
    let place = workflow.starts_by_push().err()?;
    Some(Remark {
        place,
        construct: "on".to_owned(),
        outcome: Outcome::Unsupported,
        because: "a push does not start this workflow".to_owned(),
    })
}
