//! The tools a run needs: Terraform and, for functions, Node.js from the PATH, and the Python tools
//! (moto, the SAM CLI, the AWS CLI, the SAM translator, Lambda's runtime
//! client) in a virtual environment of our own.
//!
//! The environment is made on first use, in a cache: `$RINGFENCE_CACHE`, else
//! `$XDG_CACHE_HOME/ringfence`, else `~/.cache/ringfence`. Its name holds a
//! hash of the pinned requirements and of the interpreter, so that a newer
//! Ringfence never uses an older one's. A virtual environment holds its own
//! path and cannot be moved; it is therefore built in place under a file lock
//! and counts only once its marker is there, so that a run which is cut short
//! leaves nothing that a later run would trust.

mod installing;
mod node;
mod python;
mod terraform;
mod toolkit;

use std::path::PathBuf;

pub use node::Node;
pub use python::PythonTools;
use ringfence_services::setting::Interpreters;
pub use terraform::{Product, TerraformBinary};
pub use toolkit::Toolkit;

/// What runs functions, and SAM's translator.
pub fn interpreters(python: Option<&PythonTools>, node: Option<&Node>) -> Interpreters {
    Interpreters {
        python: python.map(PythonTools::python),
        node: node.map(|node| node.path.clone()),
    }
}

/// Why the tools are not there.
#[derive(Debug, thiserror::Error)]
pub enum ToolsError {
    /// No usable Python.
    #[error("no Python 3.10 or newer on the PATH ({seen}): install python3 with its venv module")]
    NoPython {
        /// What was tried.
        seen: String,
    },
    /// No Terraform.
    #[error("neither `terraform` nor `tofu` is on the PATH: install one of them")]
    NoTerraform,
    /// A tool is there and does not work.
    #[error("`{tool}` does not work: {message}")]
    Broken {
        /// The tool.
        tool: String,
        /// What it said.
        message: String,
    },
    /// The Python tools cannot be installed.
    #[error("cannot install the Python tools into `{}`: {message}", directory.display())]
    Install {
        /// Where.
        directory: PathBuf,
        /// What went wrong.
        message: String,
    },
    /// The packages of GitHub's toolkit cannot be installed.
    #[error("cannot install GitHub's actions toolkit into `{}`: {message}", directory.display())]
    Toolkit {
        /// Where.
        directory: PathBuf,
        /// What went wrong.
        message: String,
    },
    /// There is no place for a cache.
    #[error("neither RINGFENCE_CACHE, XDG_CACHE_HOME nor HOME says where a cache may be")]
    NoCache,
}

/// Where tools and downloads are kept.
///
/// # Errors
/// When no variable names a place.
pub fn cache_dir() -> Result<PathBuf, ToolsError> {
    let named = |variable: &str| {
        std::env::var_os(variable).filter(|value| !value.is_empty()).map(PathBuf::from)
    };
    named("RINGFENCE_CACHE")
        .or_else(|| named("XDG_CACHE_HOME").map(|dir| dir.join("ringfence")))
        .or_else(|| named("HOME").map(|dir| dir.join(".cache/ringfence")))
        .ok_or(ToolsError::NoCache)
}
