//! Composite actions of the repository.

use std::path::Path;

use super::super::WorkflowError;
use super::super::expression::{Object, Status, Value};
use super::super::local::{Composite, DEEPEST, Repository};
use super::super::model::{Defaults, Step};
use super::job::JobRun;
use super::state::State;
use super::step::Given;
use super::{Run, Runner, failed, shown};

impl JobRun<'_> {
    #[expect(clippy::too_many_arguments, reason = "a step, what runs it, and where it leads")]
    pub(super) async fn composite(
        &mut self,
        runner: &Runner<'_>,
        run: &Run<'_>,
        step: &Step,
        path: &Path,
        given: &Given,
        outputs: &mut Object,
        state: &mut State<'_>,
    ) -> Result<(), WorkflowError> {
        if !self.checked_out {
            let path = path.display();
            return Err(failed(step, format!("`./{path}` is not there: nothing was checked out")));
        }
        if self.frame.depth >= DEEPEST {
            return Err(failed(step, format!("actions use one another over {DEEPEST} levels")));
        }
        // As the repository has it: what a step made of it in the workspace is
        // read by the steps alone.
        let action = Repository::at(run.repository).action(path, &step.place)?;
        let outer = self.frame.clone();
        self.frame.inputs = self.inputs_of(runner, step, &action, given, state).await?.into();
        self.frame.github.set("action_path", shown(&self.workspace().join(path)));
        self.frame.steps = Object::default();
        self.frame.status = Status::Success;
        self.frame.variables.extend(std::mem::take(&mut self.own));
        self.frame.defaults = Defaults::default();
        self.frame.depth += 1;
        let mut result = Box::pin(self.all(runner, run, &action.steps, state)).await;
        self.refresh(self.variables());
        for (name, template) in &action.outputs {
            match self.value(runner, step, template, state).await {
                Ok(value) => outputs.set(name.clone(), Value::Text(value.text())),
                Err(error) => result = result.and(Err(error)),
            }
        }
        self.frame = outer;
        result
    }

    async fn inputs_of(
        &mut self,
        runner: &Runner<'_>,
        step: &Step,
        action: &Composite,
        given: &Given,
        state: &mut State<'_>,
    ) -> Result<Object, WorkflowError> {
        let mut inputs = Object::default();
        for input in &action.inputs {
            let given = given.all().iter().find(|(name, _)| name.eq_ignore_ascii_case(&input.name));
            let value = match (given, &input.default) {
                (Some((_, value)), _) => value.text().to_string(),
                (None, Some(default)) => self.text(runner, step, default, state).await?,
                (None, None) => String::new(),
            };
            inputs.set(input.name.clone(), value);
        }
        match given.all().iter().find(|(name, _)| inputs.get(name).is_none()) {
            Some((name, _)) => Err(failed(step, format!("the action has no input `{name}`"))),
            None => Ok(inputs),
        }
    }
}
