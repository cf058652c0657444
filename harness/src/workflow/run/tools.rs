//! The actions that set up a tool of this machine, and the smaller ones.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use tokio::process::Command;

use super::super::actions::Tool;
use super::super::expression::Object;
use super::super::model::Step;
use super::super::{WorkflowError, shell};
use super::job::JobRun;
use super::script::Prepared;
use super::state::State;
use super::step::Given;
use super::{Runner, failed};
use crate::process;

/// Where a tool must be for steps to see it: what else lies on this machine is
/// somebody's own.
const SYSTEM: [&str; 2] = ["/usr", "/bin"];

const ECR: &str = "set -e\nendpoint=$(aws ecr get-authorization-token --query 'authorizationData[0].proxyEndpoint' --output text)\necho \"registry=${endpoint#https://}\" >> \"$GITHUB_OUTPUT\"\n";

impl JobRun<'_> {
    /// The tool that the machine has stands in for the one that is asked for,
    /// said aloud.
    pub(super) async fn set_up(
        &mut self,
        step: &Step,
        tool: Tool,
        given: &Given,
        state: &mut State<'_>,
    ) -> Result<(), WorkflowError> {
        let path = found(tool.program).map_err(|message| failed(step, message))?;
        let version = version(&path, tool.asks).await;
        let asked = given.text(tool.input).unwrap_or_else(|| "the newest".to_owned());
        state.stand_in(format!("this machine's {version} stands in for {} {asked}", tool.program));
        if let Some(directory) = path.parent() {
            self.place.path.insert(0, directory.to_owned());
        }
        Ok(())
    }

    /// `actions/cache`: nothing was ever cached.
    pub(super) fn cache(
        &self,
        step: &Step,
        given: &Given,
        outputs: &mut Object,
    ) -> Result<(), WorkflowError> {
        outputs.set("cache-hit", "");
        outputs.set("cache-matched-key", "");
        let key = given.text("key").unwrap_or_default();
        if given.flag("fail-on-cache-miss").unwrap_or_default() {
            let message = format!(
                "Failed to restore cache entry. Exiting as fail-on-cache-miss is set. Input key: {key}"
            );
            return Err(failed(step, message));
        }
        outputs.set("cache-primary-key", key);
        Ok(())
    }

    /// `aws-actions/amazon-ecr-login`: the call that it makes, as the step's
    /// role; there is no Docker here to log in with.
    pub(super) async fn ecr_login(
        &mut self,
        runner: &Runner<'_>,
        step: &Step,
        outputs: &mut Object,
        state: &mut State<'_>,
    ) -> Result<(), WorkflowError> {
        let prepared = Prepared {
            text: ECR,
            program: shell::program(Some("bash")).map_err(|message| failed(step, message))?,
            directory: self.workspace().to_owned(),
            variables: BTreeMap::new(),
            walls: Vec::new(),
        };
        self.execute(runner, step, prepared, outputs, state).await
    }
}

/// A tool of this machine that steps see.
pub(super) fn found(program: &str) -> Result<PathBuf, String> {
    let search = std::env::var_os("PATH").unwrap_or_default();
    let usual = ["/usr/local/go/bin", "/usr/lib/go/bin"].map(PathBuf::from);
    let all = std::env::split_paths(&search).chain(usual);
    let mut hidden = None;
    for directory in all {
        let path = directory.join(program);
        let Ok(real) = path.canonicalize() else { continue };
        if [&path, &real].iter().all(|it| SYSTEM.iter().any(|prefix| it.starts_with(prefix))) {
            return Ok(path);
        }
        hidden = Some(path);
    }
    Err(match hidden {
        Some(path) => format!(
            "`{program}` is at `{}`, where steps do not see it: a system directory is needed",
            path.display()
        ),
        None => format!("this machine has no `{program}`"),
    })
}

/// What a tool says of its version.
async fn version(path: &Path, asks: &str) -> String {
    let mut command = Command::new(path);
    command.arg(asks).env_clear().env("PATH", "/usr/bin:/bin").env("HOME", "/nonexistent");
    let mut first = None;
    let finished = process::run(&mut command, |_, line| {
        first.get_or_insert_with(|| line.trim().to_owned());
    });
    // A tool that does not say is told by its path.
    let _ = finished.await;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    match first.filter(|line| !line.is_empty()) {
        Some(line) if line.contains(&*name) => line,
        Some(line) => format!("{name} {line}"),
        None => name.into_owned(),
    }
}
