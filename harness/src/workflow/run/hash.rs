//! `hashFiles`: of the workspace, which is the steps' own, so that a program
//! behind their walls reads it.

use std::ffi::OsString;

use super::super::WorkflowError;
use super::super::model::Step;
use super::job::JobRun;
use super::{Runner, failed, run_failed};
use crate::process::{self, Stream};

/// Each file's digest goes into one digest, in the order of their names. No file
/// is an empty text
/// (<https://docs.github.com/en/actions/reference/workflows-and-actions/expressions#hashfiles>).
const PROGRAM: &str = include_str!("hash.py");

impl JobRun<'_> {
    pub(super) async fn hash(
        &mut self,
        runner: &Runner<'_>,
        step: &Step,
        patterns: Vec<String>,
    ) -> Result<(), WorkflowError> {
        let files = self.place.next_step(PROGRAM).map_err(|error| run_failed(step, error))?;
        let mut arguments: Vec<OsString> = vec!["-I".into(), files.script.clone().into()];
        arguments.extend(patterns.iter().map(Into::into));
        let confinement = ringfence_sandbox::Confinement {
            arguments,
            environment: vec![("PATH".into(), self.place.bin.inside.clone().into())],
            directory: self.place.workspace.inside.clone(),
            walls: self.place.walls(&files),
            bounds: runner.bounds,
            ..ringfence_sandbox::Confinement::of("python3", self.place.user)
        };
        let mut said = String::new();
        let finished = process::run_confined(runner.sandbox, &confinement, |stream, line| {
            if stream == Stream::Out {
                line.clone_into(&mut said);
            }
        })
        .await
        .map_err(|error| run_failed(step, error))?;
        let hash = said.strip_prefix("hash:").unwrap_or("?");
        let is_hash =
            hash.is_empty() || (hash.len() == 64 && hash.bytes().all(|it| it.is_ascii_hexdigit()));
        if !finished.status.success() || !is_hash {
            let tail = finished.tail.last().cloned().unwrap_or_default();
            return Err(failed(step, format!("hashFiles({}) failed: {tail}", patterns.join(", "))));
        }
        self.scope.hashes.insert(patterns, hash.to_owned());
        Ok(())
    }
}
