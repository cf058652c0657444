//! The values of a step's templates.

use super::super::WorkflowError;
use super::super::expression::{Stopped, Template, Value};
use super::super::model::{Step, Texts};
use super::job::{JobRun, has_no_value};
use super::state::State;
use super::{Runner, invalid};

/// How many hashes of files one text may ask for.
const HASHES: usize = 20;

impl JobRun<'_> {
    /// What a template comes to; the files that it asks the hash of are hashed.
    pub(super) async fn value(
        &mut self,
        runner: &Runner<'_>,
        step: &Step,
        template: &Template,
        state: &mut State<'_>,
    ) -> Result<Value, WorkflowError> {
        for _ in 0..HASHES {
            let mut empty = Vec::new();
            match template.value(&self.scope, &mut |name| empty.push(name.to_owned())) {
                Ok(value) => {
                    empty.iter().for_each(|name| state.note(has_no_value(&step.place, name)));
                    return Ok(value);
                }
                Err(Stopped::Fault(message)) => return Err(invalid(&step.place, message)),
                Err(Stopped::Hash(patterns)) => self.hash(runner, step, patterns).await?,
            }
        }
        Err(invalid(&step.place, format!("more than {HASHES} hashes of files in one text")))
    }

    /// The same as a text.
    pub(super) async fn text(
        &mut self,
        runner: &Runner<'_>,
        step: &Step,
        template: &Template,
        state: &mut State<'_>,
    ) -> Result<String, WorkflowError> {
        Ok(self.value(runner, step, template, state).await?.text().to_string())
    }

    /// The same of all of a map.
    pub(super) async fn texts(
        &mut self,
        runner: &Runner<'_>,
        step: &Step,
        texts: &Texts,
        state: &mut State<'_>,
    ) -> Result<Vec<(String, Value)>, WorkflowError> {
        let mut found = Vec::with_capacity(texts.len());
        for (name, template) in texts {
            found.push((name.clone(), self.value(runner, step, template, state).await?));
        }
        Ok(found)
    }

    /// Whether the step's condition holds.
    pub(super) async fn holds(
        &mut self,
        runner: &Runner<'_>,
        step: &Step,
        _state: &mut State<'_>,
    ) -> Result<bool, WorkflowError> {
        let Some(condition) = &step.condition else { return Ok(true) };
        for _ in 0..HASHES {
            match condition.holds(&self.scope) {
                Ok(holds) => return Ok(holds),
                Err(Stopped::Fault(message)) => return Err(invalid(&step.place, message)),
                Err(Stopped::Hash(patterns)) => self.hash(runner, step, patterns).await?,
            }
        }
        Err(invalid(&step.place, format!("more than {HASHES} hashes of files in one text")))
    }
}
