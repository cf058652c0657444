//! What a workflow uses that will not run here: in its own steps, in those of
//! the actions of its repository, and in the workflows that it calls.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::WorkflowError;
use super::actions::{self, Substitutes};
use super::local::{DEEPEST, Repository};
use super::model::{Action, Call, Called, JobWork, Published, Step, Work, Workflow};
use crate::config::Place;
use crate::remark::{Outcome, Remark};

impl Workflow {
    /// Everything that it uses and that cannot be run.
    pub fn unsupported(
        &self,
        repository: Option<&Repository>,
        substitutes: &Substitutes,
    ) -> Vec<Remark> {
        let mut check = Check { repository, substitutes, seen: BTreeSet::new(), found: Vec::new() };
        check.workflow(self, 1);
        check.found
    }
}

struct Check<'c> {
    repository: Option<&'c Repository>,
    substitutes: &'c Substitutes,
    seen: BTreeSet<PathBuf>,
    found: Vec<Remark>,
}

impl Check<'_> {
    fn workflow(&mut self, workflow: &Workflow, depth: usize) {
        for job in &workflow.jobs {
            match &job.work {
                JobWork::Steps(work) => self.steps(&work.steps, depth),
                JobWork::Call(call) => self.called(call, &job.construct, depth),
            }
        }
    }

    fn called(&mut self, call: &Call, construct: &str, depth: usize) {
        let (place, construct) = (&call.at, format!("{construct}.uses"));
        match &call.workflow {
            Called::Elsewhere(uses) => {
                let because = format!("`{uses}` is a workflow of another repository, not run here");
                self.tell(place, &construct, &because);
            }
            Called::Local(path) => {
                if depth >= DEEPEST {
                    let because = format!("workflows call one another over {DEEPEST} levels");
                    return self.tell(place, &construct, &because);
                }
                let Some(repository) = self.own(place, &construct, path) else { return };
                match repository.workflow(path, place) {
                    Ok(workflow) => {
                        if workflow.triggers.of("workflow_call").is_none() {
                            let because =
                                format!("`{}` has no `on: workflow_call`", path.display());
                            self.tell(place, &construct, &because);
                        }
                        self.workflow(&workflow, depth + 1);
                    }
                    Err(error) => self.error(place, &construct, error),
                }
            }
        }
    }

    fn steps(&mut self, steps: &[Step], depth: usize) {
        for step in steps {
            let Work::Uses { action, .. } = &step.work else { continue };
            match action {
                Action::Published(Published { name, .. }) => {
                    let known = actions::known(name).is_some()
                        || actions::substitute(self.substitutes, name).is_some();
                    if !known {
                        let because = format!(
                            "the action `{name}` is not known here: {} are; `[actions.\"{name}\"]` of the configuration can stand for it",
                            actions::all_known()
                        );
                        self.tell(&step.place, &step.construct, &because);
                    }
                }
                Action::Image(image) => {
                    let because = format!("the container `{image}` is not run here");
                    self.tell(&step.place, &step.construct, &because);
                }
                Action::Local(path) => {
                    if depth >= DEEPEST {
                        let because = format!("actions use one another over {DEEPEST} levels");
                        self.tell(&step.place, &step.construct, &because);
                        continue;
                    }
                    let own = self.own(&step.place, &step.construct, path);
                    let Some(repository) = own else { continue };
                    match repository.action(path, &step.place) {
                        Ok(action) => self.steps(&action.steps, depth + 1),
                        Err(error) => self.error(&step.place, &step.construct, error),
                    }
                }
            }
        }
    }

    /// The repository, where what is used of it was not looked at before.
    fn own(&mut self, place: &Place, construct: &str, path: &Path) -> Option<Repository> {
        let Some(repository) = self.repository else {
            let because = "which repository this is of is not known";
            self.tell(place, construct, because);
            return None;
        };
        self.seen.insert(path.to_owned()).then(|| repository.clone())
    }

    fn tell(&mut self, place: &Place, construct: &str, because: &str) {
        self.found.push(Remark {
            place: place.clone(),
            construct: construct.to_owned(),
            outcome: Outcome::Unsupported,
            because: because.to_owned(),
        });
    }

    fn error(&mut self, place: &Place, construct: &str, error: WorkflowError) {
        match error {
            WorkflowError::Unsupported(remarks) => self.found.extend(remarks),
            WorkflowError::Invalid { place, message } => self.tell(&place, construct, &message),
            other => self.tell(place, construct, &other.to_string()),
        }
    }
}
