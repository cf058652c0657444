//! `actions/github-script`: the step's script, by the machine's Node.js, with
//! the packages of GitHub's toolkit.

use std::path::PathBuf;

use ringfence_sandbox::Wall;

use super::super::WorkflowError;
use super::super::expression::Object;
use super::super::model::{Published, Step};
use super::super::shell::Program;
use super::job::JobRun;
use super::script::Prepared;
use super::state::State;
use super::step::Given;
use super::tools::found;
use super::{Runner, failed, shown};
use crate::tools::Toolkit;

const PROGRAM: &str = include_str!("github_script.js");

impl JobRun<'_> {
    pub(super) async fn github_script(
        &mut self,
        runner: &Runner<'_>,
        step: &Step,
        action: &Published,
        given: &Given,
        outputs: &mut Object,
        state: &mut State<'_>,
    ) -> Result<(), WorkflowError> {
        let node = found("node").map_err(|message| failed(step, message))?;
        let toolkit = Toolkit::provision(state.phase)
            .await
            .map_err(|error| failed(step, error.to_string()))?;
        let inside = self.place.shown_at(&toolkit.directory, "toolkit");
        let mut variables = given.variables();
        // The step's own token, unless it names one.
        let token = "INPUT_GITHUB-TOKEN".to_owned();
        if let Some(own) = self.frame.github.get("token") {
            variables.entry(token).or_insert_with(|| own.text().to_string());
        }
        let octokit = has_octokit(&action.version).to_string();
        variables.insert("RINGFENCE_OCTOKIT".to_owned(), octokit);
        variables.insert("RINGFENCE_TOOLKIT".to_owned(), shown(&inside));
        let prepared = Prepared {
            text: PROGRAM,
            program: Program { name: shown(&node), options: Vec::new() },
            directory: PathBuf::from(self.workspace()),
            variables,
            walls: vec![Wall::ReadableAt(toolkit.directory, inside)],
        };
        self.execute(runner, step, prepared, outputs, state).await
    }
}

/// Whether a script has the client as `octokit`, too: from version 7 on, and so where
/// the version does not say.
fn has_octokit(version: &str) -> bool {
    let major = version.strip_prefix('v').and_then(|rest| rest.split('.').next());
    major.and_then(|major| major.parse::<u32>().ok()).is_none_or(|major| major >= 7)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::has_octokit;

    #[rstest]
    #[case("v6", false)]
    #[case("v6.4.1", false)]
    #[case("v7", true)]
    #[case("v8.0.0", true)]
    #[case("60a0d83039c74a4aee543508d2ffcb1c3799cdea", true)]
    fn octokit_came_with_version_7(#[case] version: &str, #[case] there: bool) {
        assert_eq!(has_octokit(version), there);
    }
}
