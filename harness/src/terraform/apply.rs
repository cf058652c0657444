//! `terraform apply`, `plan` and `validate`.

use serde_json::Value;
use tokio::process::Command;

use super::provider::{self, Provider};
use super::{Access, Diagnostic, Outputs, Terraform, TerraformError, overrides};
use crate::progress::Phase;
use crate::tools::Product;

impl Terraform {
    /// Applies it.
    ///
    /// # Errors
    /// Terraform's own errors, with their places in the user's files.
    pub async fn apply(&self, access: &Access, phase: &Phase) -> Result<Outputs, TerraformError> {
        self.run_apply(access, false, phase).await
    }

    pub(super) async fn run_apply(
        &self,
        access: &Access,
        unrefreshed: bool,
        phase: &Phase,
    ) -> Result<Outputs, TerraformError> {
        self.point_at(access)?;
        let own = self.own_provider(access)?;
        let mut command = self.attached(access, own.as_ref()).await;
        command.args(["apply", "-json", "-auto-approve", "-input=false", "-compact-warnings"]);
        if unrefreshed {
            command.arg("-refresh=false");
        }
        let events = self.events("apply", &mut command, phase).await?;
        phase.note(format!("{} resources", events.applied));
        self.outputs()
    }

    /// A provider for one command, where none runs on and one may.
    pub(super) fn own_provider(&self, access: &Access) -> Result<Option<Provider>, TerraformError> {
        match &self.provider {
            Some(_) => Ok(None),
            None => self.start_provider(access),
        }
    }

    /// Starts the AWS provider, where the module can do with one that is started once.
    pub(super) fn start_provider(
        &self,
        access: &Access,
    ) -> Result<Option<Provider>, TerraformError> {
        // OpenTofu calls the provider by another name than it calls itself.
        if self.binary.product != Product::Terraform || !self.is_configured_once() {
            return Ok(None);
        }
        let Some(program) = provider::installed(&self.work) else { return Ok(None) };
        match Provider::start(&program, access, &self.work, &self.temporary) {
            Ok(started) => Ok(Some(started)),
            Err(source) => Err(TerraformError::Run { program, source }),
        }
    }

    /// Keeps the AWS provider running for what is applied again, where that is faster.
    pub(crate) fn keep_provider(&mut self, access: &Access) -> Result<(), TerraformError> {
        if self.provider.is_none() {
            self.provider = self.start_provider(access)?;
        }
        Ok(())
    }

    /// Files that cannot be read are Terraform's to tell of.
    pub(super) fn is_configured_once(&self) -> bool {
        provider::configured_once(&self.work).unwrap_or(false)
    }

    /// A command that uses the provider that runs on, or its own, where the module as it
    /// is now can do with it.
    pub(super) async fn attached(&self, access: &Access, own: Option<&Provider>) -> Command {
        let mut command = self.command(Some(access));
        let provider = self.provider.as_ref().filter(|_| self.is_configured_once()).or(own);
        if let Some(provider) = provider
            && let Some(attachment) = provider.attachment().await
        {
            command.env(provider::ATTACH, attachment);
        }
        command
    }

    /// Checks it without an endpoint.
    ///
    /// # Errors
    /// Terraform's own errors, with their places in the user's files.
    pub async fn validate(&self) -> Result<(), TerraformError> {
        let mut command = self.command(None);
        command.args(["validate", "-json"]);
        let (text, finished) = self.printed(&mut command).await?;
        let report: Value = serde_json::from_str(&text).unwrap_or_default();
        if report.get("valid").and_then(Value::as_bool) == Some(true) {
            return Ok(());
        }
        let diagnostics = report
            .get("diagnostics")
            .and_then(Value::as_array)
            .map(|list| {
                list.iter()
                    .filter_map(|one| Diagnostic::read(one, &self.work, &self.source))
                    .collect()
            })
            .unwrap_or_default();
        Err(TerraformError::Failed { command: "validate", diagnostics, tail: finished.tail })
    }

    /// Plans it and returns the plan as Terraform's JSON: whether a second
    /// apply would change anything.
    ///
    /// # Errors
    /// Terraform's own errors, with their places in the user's files.
    pub async fn plan(&self, access: &Access, phase: &Phase) -> Result<Value, TerraformError> {
        self.point_at(access)?;
        let own = self.own_provider(access)?;
        let mut command = self.attached(access, own.as_ref()).await;
        command.args(["plan", "-json", "-input=false", "-compact-warnings", "-out=ringfence.plan"]);
        self.events("plan", &mut command, phase).await?;
        let mut command = self.attached(access, own.as_ref()).await;
        command.args(["show", "-json", "ringfence.plan"]);
        self.json("show", &mut command).await
    }

    pub(super) fn point_at(&self, access: &Access) -> Result<(), TerraformError> {
        overrides::write_provider(&self.work, access).map_err(|error| TerraformError::Copy {
            directory: self.source.clone(),
            message: error.to_string(),
        })
    }
}
