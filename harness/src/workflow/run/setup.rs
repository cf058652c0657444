//! The actions that set up tools.

use std::fs;
use std::os::unix::fs::symlink;

use super::super::model::Step;
use super::super::{WorkflowError, python, stand_in};
use super::job::JobRun;
use super::state::State;
use super::step::Given;
use super::{Runner, failed, run_failed};

impl JobRun<'_> {
    /// `aws-actions/setup-sam`: ours is there already.
    pub(super) fn setup_sam(&self, given: &Given, state: &mut State<'_>) {
        let asked = given.text("version").unwrap_or_default();
        if let Some(text) = stand_in::sam(&asked) {
            state.stand_in(text);
        }
    }

    /// `actions/setup-python`: the interpreter where it is installed, else a
    /// stand-in, said aloud.
    pub(super) async fn setup_python(
        &mut self,
        runner: &Runner<'_>,
        step: &Step,
        given: &Given,
        state: &mut State<'_>,
    ) -> Result<(), WorkflowError> {
        let version = given.text("python-version").unwrap_or_default();
        let Some(minor) = python::minor(&version).map_err(|text| failed(step, text))? else {
            return Ok(());
        };
        let Some(path) = python::installed(minor).await else {
            state.stand_in(stand_in::python(&runner.tools.version, &version));
            return Ok(());
        };
        let name = format!("python3.{minor}");
        let at = |source| run_failed(step, source);
        let place = &mut self.place;
        let bin = place.pythons.outside.join(&name);
        if !bin.exists() {
            fs::create_dir(&bin).map_err(at)?;
            for link in ["python", "python3", name.as_str()] {
                symlink(&path, bin.join(link)).map_err(at)?;
            }
        }
        for prefix in ringfence_sandbox::interpreter(&path) {
            if !place.tools.contains(&prefix) {
                place.tools.push(prefix);
            }
        }
        place.path.insert(0, place.pythons.inside.join(&name));
        Ok(())
    }
}
