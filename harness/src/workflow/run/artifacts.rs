//! `actions/upload-artifact` and `actions/download-artifact`: directories that
//! the jobs of a run hand on. What is in them is the steps' own: it is written
//! and read behind their walls alone.

use std::collections::BTreeMap;
use std::path::PathBuf;

use ringfence_sandbox::Wall;

use super::super::expression::Object;
use super::super::model::Step;
use super::super::shell::{self, Program};
use super::super::{WorkflowError, filter};
use super::job::JobRun;
use super::script::Prepared;
use super::state::State;
use super::step::Given;
use super::{Runner, failed, run_failed, shown, within};

/// An artifact: its name, and where it is.
#[derive(Debug, Clone)]
pub(super) struct Artifact {
    name: String,
    directory: PathBuf,
}

/// How many artifacts a run may have; GitHub has 500 of a job.
const MOST: usize = 500;

const UPLOAD: &str = include_str!("upload.py");
const DOWNLOAD: &str = "set -e\nmkdir -p -- \"$RINGFENCE_TARGET\"\ncp -a -- \"$RINGFENCE_SOURCE\"/. \"$RINGFENCE_TARGET\"\n";

/// How `upload.py` tells that there is nothing.
const NOTHING: &str = "ringfence: no files were found";

impl JobRun<'_> {
    pub(super) async fn upload(
        &mut self,
        runner: &Runner<'_>,
        step: &Step,
        given: &Given,
        outputs: &mut Object,
        state: &mut State<'_>,
    ) -> Result<(), WorkflowError> {
        let name = given.text("name").unwrap_or("artifact".to_owned());
        if name.contains(['"', ':', '<', '>', '|', '*', '?', '\r', '\n', '\\', '/']) {
            return Err(failed(step, format!("the artifact name `{name}` is not valid")));
        }
        let known = state.artifacts.iter().position(|artifact| artifact.name == name);
        match known {
            Some(at) if given.flag("overwrite").unwrap_or_default() => {
                state.artifacts.remove(at);
            }
            Some(_) => {
                let message = format!(
                    "an artifact with the name `{name}` already exists on the workflow run"
                );
                return Err(failed(step, message));
            }
            None if state.artifacts.len() >= MOST => {
                return Err(failed(step, format!("a run has more than {MOST} artifacts")));
            }
            None => {}
        }
        let place = self.place.extra("artifact").map_err(|error| run_failed(step, error))?;
        self.place.user.own(&place.outside).map_err(|error| run_failed(step, error))?;
        let hidden = given.flag("include-hidden-files").unwrap_or_default();
        let variables = BTreeMap::from([
            ("RINGFENCE_PATHS".to_owned(), given.text("path").unwrap_or_default()),
            ("RINGFENCE_HIDDEN".to_owned(), hidden.to_string()),
            ("RINGFENCE_TARGET".to_owned(), shown(&place.inside)),
        ]);
        let prepared = Prepared {
            text: UPLOAD,
            program: Program { name: "python3".to_owned(), options: vec!["-I".to_owned()] },
            directory: self.workspace().to_owned(),
            variables,
            walls: vec![Wall::WritableAt(place.outside.clone(), place.inside)],
        };
        let result = self.execute(runner, step, prepared, &mut Object::default(), state).await;
        match result {
            Err(WorkflowError::Step(failure))
                if failure.tail.last().is_some_and(|line| line == NOTHING)
                    && given.text("if-no-files-found").as_deref() != Some("error") =>
            {
                return Ok(());
            }
            other => other?,
        }
        state.artifacts.push(Artifact { name, directory: place.outside });
        outputs.set("artifact-id", state.artifacts.len().to_string());
        Ok(())
    }

    pub(super) async fn download(
        &mut self,
        runner: &Runner<'_>,
        step: &Step,
        given: &Given,
        outputs: &mut Object,
        state: &mut State<'_>,
    ) -> Result<(), WorkflowError> {
        let target = within(self.workspace(), &given.text("path").unwrap_or_default());
        let name = given.text("name");
        let pattern = given.text("pattern");
        let chosen: Vec<Artifact> = state
            .artifacts
            .iter()
            .filter(|artifact| match (&name, &pattern) {
                (Some(name), _) => artifact.name == *name,
                (None, Some(pattern)) => filter::matches(pattern, &artifact.name),
                (None, None) => true,
            })
            .cloned()
            .collect();
        if let (Some(name), true) = (&name, chosen.is_empty()) {
            return Err(failed(step, format!("no artifact has the name `{name}`")));
        }
        let merged = name.is_some() || given.flag("merge-multiple").unwrap_or_default();
        for artifact in chosen {
            let target = if merged { target.clone() } else { target.join(&artifact.name) };
            let inside = self.place.shown_at(&artifact.directory, "artifact");
            let variables = BTreeMap::from([
                ("RINGFENCE_SOURCE".to_owned(), shown(&inside)),
                ("RINGFENCE_TARGET".to_owned(), shown(&target)),
            ]);
            let prepared = Prepared {
                text: DOWNLOAD,
                program: shell::program(Some("bash")).map_err(|message| failed(step, message))?,
                directory: self.workspace().to_owned(),
                variables,
                walls: vec![Wall::ReadableAt(artifact.directory, inside)],
            };
            self.execute(runner, step, prepared, &mut Object::default(), state).await?;
        }
        outputs.set("download-path", shown(&target));
        Ok(())
    }
}
