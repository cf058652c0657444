//! `actions/checkout`.

use std::collections::BTreeMap;
use std::path::Path;

use ringfence_sandbox::Wall;

use super::super::expression::Object;
use super::super::model::Step;
use super::super::{WorkflowError, checkout, shell};
use super::job::JobRun;
use super::script::Prepared;
use super::state::State;
use super::step::Given;
use super::{Run, Runner, failed, run_failed, shown, within};
use crate::copying;

/// Into a directory of the workspace, which earlier steps could write: behind
/// the walls of a step.
const INTO: &str = "set -e\nrm -rf -- \"$RINGFENCE_TARGET\"\nmkdir -p -- \"$RINGFENCE_TARGET\"\ncp -a -- \"$RINGFENCE_SOURCE\"/. \"$RINGFENCE_TARGET\"\n";

impl JobRun<'_> {
    pub(super) async fn check_out(
        &mut self,
        runner: &Runner<'_>,
        run: &Run<'_>,
        step: &Step,
        given: &Given,
        outputs: &mut Object,
        state: &mut State<'_>,
    ) -> Result<(), WorkflowError> {
        let own = self.identity.repository();
        if let Some(other) = given.text("repository").filter(|it| !it.eq_ignore_ascii_case(&own)) {
            return Err(failed(step, format!("another repository, `{other}`, is not here")));
        }
        if !self.permissions.contents {
            return Err(failed(
                step,
                "the repository is private and `permissions` has no `contents: read`",
            ));
        }
        if let Some(asked) = given.text("ref").filter(|asked| !self.is_played(asked)) {
            let text = format!("the repository's directory stands in for its ref `{asked}`");
            state.stand_in(text);
        }
        let path = given.text("path").filter(|path| path != "." && path != "./");
        match path {
            Some(path) => self.copy_to(runner, run.repository, step, &path, state).await?,
            None => {
                let workspace = &self.place.workspace.outside;
                checkout::checkout(run.repository, workspace, self.place.user)
                    .map_err(|source| run_failed(step, source))?;
                self.checked_out = true;
            }
        }
        outputs.set("ref", self.identity.git_ref.as_str());
        outputs.set("commit", self.identity.sha.as_str());
        Ok(())
    }

    /// Whether a ref is that of the run.
    fn is_played(&self, asked: &str) -> bool {
        let run = &self.identity;
        let short = run.git_ref.strip_prefix("refs/heads/");
        let short = short.or_else(|| run.git_ref.strip_prefix("refs/tags/"));
        asked == run.git_ref || asked == run.sha || Some(asked) == short || asked == run.head_ref()
    }

    async fn copy_to(
        &mut self,
        runner: &Runner<'_>,
        repository: &Path,
        step: &Step,
        path: &str,
        state: &mut State<'_>,
    ) -> Result<(), WorkflowError> {
        let at = |error| run_failed(step, error);
        let copy = self.place.extra("checkout").map_err(at)?;
        copying::tree(repository, &copy.outside).map_err(at)?;
        self.place.user.own(&copy.outside).map_err(at)?;
        let variables = BTreeMap::from([
            ("RINGFENCE_SOURCE".to_owned(), shown(&copy.inside)),
            ("RINGFENCE_TARGET".to_owned(), shown(&within(self.workspace(), path))),
        ]);
        let prepared = Prepared {
            text: INTO,
            program: shell::program(Some("bash")).map_err(|message| failed(step, message))?,
            directory: self.workspace().to_owned(),
            variables,
            walls: vec![Wall::ReadableAt(copy.outside, copy.inside)],
        };
        self.execute(runner, step, prepared, &mut Object::default(), state).await
    }
}
