//! `terraform init`: providers and modules.

use super::{Terraform, TerraformError, diagnostics, mirror};
use crate::progress::Phase;

impl Terraform {
    /// Initialises with what mirrors hold, and once more without them where
    /// that fails: a mirror may hold an older version than is asked for.
    pub(super) async fn init(&self, phase: &Phase) -> Result<(), TerraformError> {
        let mirrors = mirror::find(&self.binary.platform, Some(&self.source));
        let write = |text: String| {
            std::fs::write(&self.cli_config, text).map_err(|error| TerraformError::Copy {
                directory: self.source.clone(),
                message: error.to_string(),
            })
        };
        if mirrors.is_empty() {
            phase.note("no provider mirror on this machine; asking the registry");
        } else {
            for mirror in &mirrors {
                phase.note(format!("provider mirror {mirror}"));
            }
        }
        write(mirror::cli_config(&mirrors))?;
        let first = match self.run_init(phase).await {
            Err(first @ TerraformError::Failed { .. }) => first,
            result => return result,
        };
        if let Some(broken) = self.broken_files().await {
            return Err(broken);
        }
        if mirrors.is_empty() {
            return Err(first);
        }
        phase.note("the mirrors do not do; asking the registry");
        write(mirror::cli_config(&[]))?;
        self.run_init(phase).await.map_err(|_| first)
    }

    /// What is wrong with the files themselves, by their places: no provider
    /// mends that, and `init` tells it to people alone.
    pub(super) async fn broken_files(&self) -> Option<TerraformError> {
        let Err(TerraformError::Failed { mut diagnostics, tail, .. }) = self.validate().await
        else {
            return None;
        };
        // Modules that are not there yet have a place too.
        diagnostics.retain(|one| one.place.is_some() && one.summary != "Module not installed");
        let broken = !diagnostics.is_empty();
        broken.then_some(TerraformError::Failed { command: "init", diagnostics, tail })
    }

    pub(super) async fn run_init(&self, _phase: &Phase) -> Result<(), TerraformError> {
        let mut command = self.command(None);
        command.args(["init", "-input=false", "-no-color", "-backend=true"]);
        let finished = self.finish(&mut command, |_, _| {}).await?;
        if finished.status.success() {
            return Ok(());
        }
        Err(TerraformError::Failed {
            command: "init",
            diagnostics: Vec::new(),
            tail: diagnostics::plain_errors(&finished.tail),
        })
    }
}
