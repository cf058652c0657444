//! A step's script, behind its walls.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use ringfence_sandbox::{Confinement, Wall};

use super::super::expression::Object;
use super::super::model::{Script, Step};
use super::super::place::{self, StepFiles, assignments};
use super::super::shell::{self, Program};
use super::super::{WorkflowError, contexts, stand_in};
use super::commands::Commands;
use super::job::JobRun;
use super::kept::Kept;
use super::state::State;
use super::{Runner, failed, failure, run_failed, within};
use crate::process;
use crate::registries::Visit;

/// How many last lines an error shows.
const SHOWN: usize = 25;

/// A script with all that it is run with.
pub(super) struct Prepared<'p> {
    pub(super) text: &'p str,
    pub(super) program: Program,
    pub(super) directory: PathBuf,
    /// Variables beside the step's own.
    pub(super) variables: BTreeMap<String, String>,
    /// What there is beside what each step has.
    pub(super) walls: Vec<Wall>,
}

impl JobRun<'_> {
    /// `run:`
    pub(super) async fn script(
        &mut self,
        runner: &Runner<'_>,
        step: &Step,
        script: &Script,
        outputs: &mut Object,
        state: &mut State<'_>,
    ) -> Result<(), WorkflowError> {
        let text = self.text(runner, step, &script.text, state).await?;
        if stand_in::asks_container(&text) {
            state.stand_in(stand_in::LOCAL_BUILD.to_owned());
        }
        let shell = script.shell.clone().or(self.frame.defaults.shell.clone());
        let shell = match &shell {
            Some(shell) => Some(self.text(runner, step, shell, state).await?),
            None => None,
        };
        let directory = script.directory.clone().or(self.frame.defaults.directory.clone());
        let directory = match &directory {
            Some(directory) => self.text(runner, step, directory, state).await?,
            None => String::new(),
        };
        let program = shell::program(shell.as_deref()).map_err(|message| failed(step, message))?;
        let directory = match directory.as_str() {
            "" => self.place.workspace.inside.clone(),
            directory => within(&self.place.workspace.inside, directory),
        };
        let variables = BTreeMap::new();
        let prepared = Prepared { text: &text, program, directory, variables, walls: Vec::new() };
        self.execute(runner, step, prepared, outputs, state).await
    }

    /// Runs a script to its end, and does what it asks of the runner.
    pub(super) async fn execute(
        &mut self,
        runner: &Runner<'_>,
        step: &Step,
        prepared: Prepared<'_>,
        outputs: &mut Object,
        state: &mut State<'_>,
    ) -> Result<(), WorkflowError> {
        let at = |error| run_failed(step, error);
        let files = self.place.next_step(prepared.text).map_err(at)?;
        let mut arguments: Vec<OsString> =
            prepared.program.options.iter().map(Into::into).collect();
        arguments.push(files.script.clone().into());
        let proxy = runner.registries.open().await.map_err(at)?;
        let mut openings = runner.endpoint.socket_addrs(|| None).map_err(at)?;
        openings.push(proxy.address());
        let openings = openings.into_iter().map(Into::into).collect();
        let mut variables = self.variables();
        variables.extend(prepared.variables);
        let github = contexts::variables(&self.frame.github);
        let environment =
            self.place.environment(&files, runner.endpoint, &proxy, &github, &variables);
        let mut walls = self.place.walls(&files);
        walls.extend(prepared.walls);
        let confinement = Confinement {
            arguments,
            environment: environment.into_iter().collect(),
            directory: prepared.directory,
            walls,
            openings,
            bounds: runner.bounds,
            ..Confinement::of(prepared.program.name, self.place.user)
        };
        let mut kept = Kept::default();
        let mut commands = Commands::default();
        let finished = process::run_confined(runner.sandbox, &confinement, |_, line| {
            commands.line(line, outputs, state);
            kept.push(line);
        })
        .await
        .map_err(at)?;
        for (visit, count) in proxy.visits() {
            let Visit { host, port, allowed } = visit;
            let how = if allowed { "reached" } else { "was refused" };
            let text = format!("step `{}` {how} {host}:{port} ({count})", step.name);
            state.report.reached.push(text);
        }
        // A mask is of the lines before it, too.
        let log: Vec<String> = kept.into_lines().map(|line| state.mask(&line)).collect();
        let tail: Vec<String> = log.iter().rev().take(SHOWN).rev().cloned().collect();
        state.report.log.extend(log);
        let written = self.written(step, &files, outputs);
        if finished.status.success() {
            return written;
        }
        let message = match (finished.exceeded, finished.status.code()) {
            (Some(bound), _) => format!("ended, because it used {bound}"),
            (None, Some(code)) => format!("exit code {code}"),
            (None, None) => finished.status.to_string(),
        };
        Err(failure(step, message, None, tail))
    }

    /// What the step wrote to the files of GitHub's commands.
    fn written(
        &mut self,
        step: &Step,
        files: &StepFiles,
        outputs: &mut Object,
    ) -> Result<(), WorkflowError> {
        let read = |name: &str| {
            place::written(&files.directory.outside.join("written").join(name))
                .map_err(|error| failed(step, error.to_string()))
        };
        let of = |text: &str| assignments(text).map_err(|message| failed(step, message));
        let (env, output, path) = (read("env")?, read("output")?, read("path")?);
        self.place.exported.extend(of(&env)?);
        for (name, value) in of(&output)? {
            outputs.set(name, value);
        }
        for line in path.lines().filter(|line| !line.trim().is_empty()) {
            self.place.path.insert(0, PathBuf::from(line.trim()));
        }
        Ok(())
    }

    /// The workspace, as the steps see it.
    pub(super) fn workspace(&self) -> &Path {
        &self.place.workspace.inside
    }
}
