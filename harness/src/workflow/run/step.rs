//! What a step does.

use std::collections::BTreeMap;

use super::super::actions::{self, Substitute};
use super::super::expression::{Object, Value};
use super::super::model::{Action, Published, Step, Texts, Work};
use super::super::{WorkflowError, shell};
use super::job::JobRun;
use super::script::Prepared;
use super::state::State;
use super::{Run, Runner, failed};

/// The inputs of an action.
pub(super) struct Given(Vec<(String, Value)>);

impl Given {
    /// One of them; none where it is empty.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        let found = self.0.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        let text = found.map(|(_, value)| value.text().to_string());
        text.filter(|text| !text.is_empty())
    }

    /// Whether one is true; none where it is empty.
    pub(super) fn flag(&self, name: &str) -> Option<bool> {
        self.text(name).map(|text| text.eq_ignore_ascii_case("true"))
    }

    /// The lines of one that are not empty.
    pub(super) fn lines(&self, name: &str) -> Vec<String> {
        let text = self.text(name).unwrap_or_default();
        text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
    }

    pub(super) fn all(&self) -> &[(String, Value)] {
        &self.0
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }

    /// As a published action finds them
    /// (<https://docs.github.com/en/actions/reference/workflows-and-actions/metadata-syntax#inputs>).
    pub(super) fn variables(&self) -> BTreeMap<String, String> {
        let named = |name: &str| format!("INPUT_{}", name.replace(' ', "_").to_uppercase());
        self.0.iter().map(|(name, value)| (named(name), value.text().to_string())).collect()
    }
}

impl JobRun<'_> {
    pub(super) async fn step(
        &mut self,
        runner: &Runner<'_>,
        run: &Run<'_>,
        step: &Step,
        outputs: &mut Object,
        state: &mut State<'_>,
    ) -> Result<(), WorkflowError> {
        match &step.work {
            Work::Run(script) => self.script(runner, step, script, outputs, state).await,
            Work::Uses { action, with } => {
                let with: &Texts = &with.0;
                let given = Given(self.texts(runner, step, with, state).await?);
                match action {
                    Action::Published(action) => {
                        self.published(runner, run, step, action, &given, outputs, state).await
                    }
                    Action::Local(path) => {
                        self.composite(runner, run, step, path, &given, outputs, state).await
                    }
                    Action::Image(image) => {
                        Err(failed(step, format!("the container `{image}` is not run here")))
                    }
                }
            }
        }
    }

    #[expect(clippy::too_many_arguments, reason = "a step, what runs it, and where it leads")]
    async fn published(
        &mut self,
        runner: &Runner<'_>,
        run: &Run<'_>,
        step: &Step,
        action: &Published,
        given: &Given,
        outputs: &mut Object,
        state: &mut State<'_>,
    ) -> Result<(), WorkflowError> {
        let name = action.name.as_str();
        // What the configuration says wins.
        if let Some(substitute) = actions::substitute(&run.actions, name) {
            return self.substitute(runner, step, name, substitute, given, outputs, state).await;
        }
        let Some(name) = actions::known(name) else {
            return Err(failed(step, format!("the action `{name}` is not known here")));
        };
        if let Some(tool) = actions::tool(name) {
            return self.set_up(step, tool, given, state).await;
        }
        match name {
            actions::CHECKOUT => self.check_out(runner, run, step, given, outputs, state).await,
            actions::CREDENTIALS => self.credentials(runner, step, given, outputs, state).await,
            actions::SETUP_SAM => {
                self.setup_sam(given, state);
                Ok(())
            }
            actions::SETUP_PYTHON => self.setup_python(runner, step, given, state).await,
            actions::UPLOAD => self.upload(runner, step, given, outputs, state).await,
            actions::DOWNLOAD => self.download(runner, step, given, outputs, state).await,
            actions::ECR_LOGIN => self.ecr_login(runner, step, outputs, state).await,
            actions::GITHUB_SCRIPT => {
                self.github_script(runner, step, action, given, outputs, state).await
            }
            actions::CLOUDFORMATION => {
                self.cloudformation(runner, step, action, given, outputs, state).await
            }
            cache if actions::CACHE.contains(&cache) => self.cache(step, given, outputs),
            _ => Err(failed(step, format!("the action `{name}` is not known here"))),
        }
    }

    /// What the configuration says of an action.
    #[expect(clippy::too_many_arguments, reason = "a step, what runs it, and where it leads")]
    async fn substitute(
        &mut self,
        runner: &Runner<'_>,
        step: &Step,
        name: &str,
        substitute: &Substitute,
        given: &Given,
        outputs: &mut Object,
        state: &mut State<'_>,
    ) -> Result<(), WorkflowError> {
        let Some(script) = &substitute.run else {
            substitute.outputs.iter().for_each(|(name, value)| outputs.set(name, value.as_str()));
            state.skipped(format!("step `{}`: the action `{name}` was left out", step.name));
            return Ok(());
        };
        state.stand_in(format!("a script of the configuration stands in for the action `{name}`"));
        // As an action finds its inputs.
        let variables: BTreeMap<String, String> = given
            .all()
            .iter()
            .map(|(name, value)| {
                let name = format!("INPUT_{}", name.replace([' ', '-'], "_").to_uppercase());
                (name, value.text().to_string())
            })
            .collect();
        let program = shell::program(Some("bash")).map_err(|message| failed(step, message))?;
        let directory = self.workspace().to_owned();
        let prepared = Prepared { text: script, program, directory, variables, walls: Vec::new() };
        self.execute(runner, step, prepared, outputs, state).await
    }
}
