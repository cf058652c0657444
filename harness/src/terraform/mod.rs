//! Layer 1: the platform team's Terraform, applied by the real Terraform with
//! the real provider, through the guard.
//!
//! The work is done in a copy. What makes it speak to the guard is an override
//! file and the environment; the shipped files say nothing of it. The
//! endpoints are set twice: in the override for every service the guard knows,
//! and as `AWS_ENDPOINT_URL` for all others, so that no call can leave the
//! machine.

mod access;
mod address;
mod aliases;
mod apply;
mod copy;
mod diagnostics;
mod error;
mod examine;
mod existing;
mod init;
mod instance;
mod lacking;
mod locked;
mod mirror;
mod outputs;
mod outside;
mod overrides;
mod provider;
mod reach;
mod roots;
mod run;
mod state;
mod states;
mod sync;
mod version;

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use crate::config::Layer1;
use crate::hcl::Module;
use crate::progress::Phase;
use crate::remark::unsupported;
use crate::scratch::Scratch;
use crate::tools::{Product, TerraformBinary};

pub use access::Access;
pub(crate) use aliases::other_accounts;
pub use diagnostics::Diagnostic;
pub use error::TerraformError;
pub use examine::{Examined, Machine, Need, examine};
pub use existing::images;
pub use instance::Instance;
pub use outputs::{OutputError, Outputs};
pub(crate) use outside::{Outside, entries as outside};
use provider::Provider;
pub(crate) use reach::places;
pub(crate) use roots::Again;
pub use roots::{Root, Roots};
pub use state::State;
pub use states::States;

/// The state file's name.
const STATE: &str = "terraform.tfstate";

/// What a root module reads of others.
#[derive(Debug, Clone, Copy)]
pub struct Reads<'r> {
    /// Which data source reads what.
    pub states: &'r States,
    /// Its own place in the order of root modules.
    pub number: usize,
    /// The files with the states of those before it.
    pub files: &'r [PathBuf],
}

/// A root module of Layer 1 in its working copy.
#[derive(Debug)]
pub struct Terraform {
    binary: TerraformBinary,
    /// The user's own root module, for messages.
    source: PathBuf,
    /// Where it was copied to, with what it reaches.
    place: PathBuf,
    /// The copy of it.
    work: PathBuf,
    /// The files that were copied, by their names from there.
    sourced: BTreeSet<PathBuf>,
    /// The workspace that it is applied in, where it is not Terraform's own.
    workspace: Option<String>,
    cli_config: PathBuf,
    temporary: PathBuf,
    /// The AWS provider, where one runs on.
    provider: Option<Provider>,
}

impl Terraform {
    /// Copies the root module, with the states that it reads, and initialises it.
    /// Needs no endpoint yet.
    ///
    /// # Errors
    /// When the module cannot be read or its providers cannot be had.
    pub async fn prepare(
        binary: TerraformBinary,
        layer1: &Layer1,
        reads: Reads<'_>,
        scratch: &Scratch,
        phase: &Phase,
    ) -> Result<Self, TerraformError> {
        let failed = |error: io::Error| TerraformError::Copy {
            directory: layer1.directory.clone(),
            message: error.to_string(),
        };
        let number = reads.number.checked_add(1).filter(|number| *number > 1);
        let number = number.map(|number| format!("-{number}")).unwrap_or_default();
        let place = scratch.subdirectory(&format!("layer1{number}")).map_err(failed)?;
        let temporary = scratch.subdirectory(&format!("layer1{number}-tmp")).map_err(failed)?;
        let work = Self::copied(&binary, layer1, reads, &place)?;
        let this = Self {
            source: layer1.directory.clone(),
            cli_config: temporary.join("ringfence.tfrc"),
            workspace: layer1.workspace.clone(),
            sourced: sync::files(&place).map_err(failed)?,
            binary,
            place,
            work,
            temporary,
            provider: None,
        };
        this.init(phase).await?;
        this.select_workspace().await?;
        Ok(this)
    }

    /// Copies the root module to a place, ready to be initialised; where it is there.
    fn copied(
        binary: &TerraformBinary,
        layer1: &Layer1,
        reads: Reads<'_>,
        place: &Path,
    ) -> Result<PathBuf, TerraformError> {
        let failed = |error: io::Error| TerraformError::Copy {
            directory: layer1.directory.clone(),
            message: error.to_string(),
        };
        let machine = Machine::with(Some(binary.clone()));
        let remarks = examine(&layer1.directory, &machine).map_err(failed)?.remarks;
        let remarks = unsupported(remarks);
        if !remarks.is_empty() {
            return Err(TerraformError::Unsupported(remarks));
        }
        let copy::Copied { root: work, modules } =
            copy::root_module(&layer1.directory, place).map_err(failed)?;
        if Module::read(&work).map_err(failed)?.is_empty() {
            return Err(TerraformError::Empty(layer1.directory.clone()));
        }
        for (module, copy) in &modules {
            overrides::blank(copy).map_err(failed)?;
            let links = reads.states.of_module(reads.number, module);
            states::overrides(copy, links, reads.files).map_err(failed)?;
        }
        overrides::write_backend(&work).map_err(failed)?;
        overrides::copy_values(&work, &layer1.var_files).map_err(failed)?;
        overrides::write_variables(&work, &layer1.variables).map_err(failed)?;
        Ok(work)
    }

    /// Makes the workspace that it is applied in, and selects it.
    async fn select_workspace(&self) -> Result<(), TerraformError> {
        let Some(workspace) = self.workspace.as_deref().filter(|name| *name != "default") else {
            return Ok(());
        };
        let mut command = self.command(None);
        command.args(["workspace", "new", "-no-color", workspace]);
        let finished = self.finish(&mut command, |_, _| {}).await?;
        match finished.status.success() {
            true => Ok(()),
            false => Err(TerraformError::Failed {
                command: "workspace new",
                diagnostics: Vec::new(),
                tail: diagnostics::plain_errors(&finished.tail),
            }),
        }
    }

    /// The file that its state is kept in.
    fn state_file(&self) -> PathBuf {
        match self.workspace.as_deref().filter(|name| *name != "default") {
            Some(name) => self.work.join("terraform.tfstate.d").join(name).join(STATE),
            None => self.work.join(STATE),
        }
    }

    /// What was applied.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub fn state(&self) -> io::Result<State> {
        State::read(&self.state_file())
    }

    /// The outputs of the state, with the resources that were made.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub fn outputs(&self) -> Result<Outputs, TerraformError> {
        let failed = |source| TerraformError::State { directory: self.source.clone(), source };
        let state = self.state().map_err(failed)?;
        Ok(Outputs::of_state(&state))
    }

    /// The program that does the work.
    pub fn binary(&self) -> &TerraformBinary {
        &self.binary
    }
}

/// `Terraform 1.11.4`, as evidence names it.
impl std::fmt::Display for TerraformBinary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = match self.product {
            Product::Terraform => "Terraform",
            Product::OpenTofu => "OpenTofu",
        };
        write!(f, "{name} {}", self.version)
    }
}

/// A path as a message shows it: of the user's file, not of the copy.
fn in_source(path: &str, source: &Path) -> PathBuf {
    source.join(path)
}

#[cfg(test)]
mod tests;
