//! GitHub's workflows.

use super::{Diagnosis, Found, Kind, start};
use crate::tools::PythonTools;
use crate::workflow::{Repository, Substitutes, Workflow, WorkflowError};

pub(super) async fn examine(found: &Found, tools: Option<&PythonTools>, diagnosis: &mut Diagnosis) {
    let python = tools.map(|tools| tools.version.as_str()).unwrap_or_default();
    for path in &found.workflows {
        let repository = Repository::of(path);
        match Workflow::examine(path, repository.as_ref(), &Substitutes::new()) {
            Ok((workflow, unsupported)) => {
                let stand_ins = workflow.stand_ins(python).await;
                diagnosis.add(Kind::Workflow, unsupported.into_iter().chain(stand_ins));
            }
            Err(WorkflowError::Invalid { place, message }) => {
                diagnosis.unreadable(Kind::Workflow, place, message);
            }
            Err(error) => diagnosis.unreadable(Kind::Workflow, start(path), error.to_string()),
        }
    }
    diagnosis.complete(Kind::Workflow, found.workflows.iter().cloned());
}
