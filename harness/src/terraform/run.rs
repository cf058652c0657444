//! Terraform, run: its environment, and what it prints.

use serde_json::Value;
use tokio::process::Command;

use super::diagnostics::Events;
use super::{Access, Terraform, TerraformError};
use crate::process::{self, Finished, Stream};
use crate::progress::Phase;

/// How much Go's garbage collector lets the memory of Terraform and its providers grow
/// before it looks for garbage, in percent
/// (<https://pkg.go.dev/runtime#hdr-Environment_Variables>).
const COLLECTOR: &str = "GOGC";

/// Decoding the schemas of the AWS provider leaves much garbage: an apply takes a third
/// less of a processor's time than with Go's own 100, and half a gigabyte in all.
const COLLECTED: &str = "400";

pub(super) fn collect_less(command: &mut Command) {
    if std::env::var_os(COLLECTOR).is_none() {
        command.env(COLLECTOR, COLLECTED);
    }
}

impl Terraform {
    pub(super) fn command(&self, access: Option<&Access>) -> Command {
        let mut command = Command::new(&self.binary.path);
        command.current_dir(&self.work);
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy();
            // TF_VAR_…, TF_CLI_ARGS and the like would change what is applied.
            if name.starts_with("AWS_") || name.starts_with("TF_") {
                command.env_remove(&*name);
            }
        }
        command
            .env("TF_CLI_CONFIG_FILE", &self.cli_config)
            .env("TF_IN_AUTOMATION", "1")
            .env("CHECKPOINT_DISABLE", "1")
            .env("TMPDIR", &self.temporary);
        collect_less(&mut command);
        if let Some(access) = access {
            access.apply_to(&mut command);
        }
        command
    }

    pub(super) async fn events(
        &self,
        name: &'static str,
        command: &mut Command,
        phase: &Phase,
    ) -> Result<Events, TerraformError> {
        let mut events = Events::default();
        let finished = self
            .finish(command, |stream, line| {
                if stream == Stream::Out {
                    events.read(line, &self.work, &self.source, phase);
                } else if !line.trim().is_empty() {
                    phase.note(line);
                }
            })
            .await?;
        if finished.status.success() {
            return Ok(events);
        }
        Err(TerraformError::Failed {
            command: name,
            diagnostics: events.errors,
            tail: finished.tail,
        })
    }

    pub(super) async fn json(
        &self,
        name: &'static str,
        command: &mut Command,
    ) -> Result<Value, TerraformError> {
        let (text, finished) = self.printed(command).await?;
        serde_json::from_str(&text).ok().filter(|_| finished.status.success()).ok_or(
            TerraformError::Failed { command: name, diagnostics: Vec::new(), tail: finished.tail },
        )
    }

    /// Runs a command; what it printed on its standard output, and how it ended.
    pub(super) async fn printed(
        &self,
        command: &mut Command,
    ) -> Result<(String, Finished), TerraformError> {
        let mut text = String::new();
        let finished = self
            .finish(command, |stream, line| {
                if stream == Stream::Out {
                    text.push_str(line);
                    text.push('\n');
                }
            })
            .await?;
        Ok((text, finished))
    }

    pub(super) async fn finish(
        &self,
        command: &mut Command,
        line: impl FnMut(Stream, &str),
    ) -> Result<Finished, TerraformError> {
        process::run(command, line)
            .await
            .map_err(|source| TerraformError::Run { program: self.binary.path.clone(), source })
    }
}
