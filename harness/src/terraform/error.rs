//! Why Layer 1 is not there.

use std::io;
use std::path::PathBuf;

use super::{Diagnostic, OutputError};
use crate::remark::Remark;
use crate::template::NotMade;

/// Why Layer 1 is not there.
#[derive(Debug, thiserror::Error)]
pub enum TerraformError {
    /// There is nothing to apply.
    #[error("`{}` holds no Terraform files", .0.display())]
    Empty(PathBuf),
    /// It has what cannot be run here: all of it.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Unsupported(Vec<Remark>),
    /// The copy cannot be made.
    #[error("cannot prepare a copy of `{}`: {message}", directory.display())]
    Copy {
        /// The directory.
        directory: PathBuf,
        /// What went wrong.
        message: String,
    },
    /// Terraform cannot be run.
    #[error("cannot run `{}`", program.display())]
    Run {
        /// The program.
        program: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The state of a root module cannot be read.
    #[error("cannot read the state of `{}`", directory.display())]
    State {
        /// The user's root module.
        directory: PathBuf,
        /// What is wrong with it.
        source: io::Error,
    },
    /// A command of Terraform failed.
    #[error("terraform {command} failed: {}", describe(diagnostics, tail))]
    Failed {
        /// Which one.
        command: &'static str,
        /// Its errors, with their places in the user's own files.
        diagnostics: Vec<Diagnostic>,
        /// Its last lines, where it gave no diagnostics.
        tail: Vec<String>,
    },
    /// A template that did not become a stack.
    #[error(transparent)]
    Stack(Box<NotMade>),
    /// An output that is not what it should be.
    #[error(transparent)]
    Output(#[from] OutputError),
}

impl TerraformError {
    /// The same, each request that failed with what decided it, where that is known.
    #[must_use]
    pub fn explained(mut self, decided: impl Fn(&str) -> Option<String>) -> Self {
        if let Self::Stack(cause) = self {
            return Self::Stack(Box::new(cause.explained(decided)));
        }
        if let Self::Failed { diagnostics, .. } = &mut self {
            for one in diagnostics {
                if let Some(why) = one.request_id().and_then(&decided) {
                    one.detail = [one.detail.as_str(), &why].join(" ").trim().to_owned();
                }
            }
        }
        self
    }
}

fn describe(diagnostics: &[Diagnostic], tail: &[String]) -> String {
    if diagnostics.is_empty() {
        tail.join(" | ")
    } else {
        diagnostics.iter().map(Diagnostic::to_string).collect::<Vec<_>>().join("\n")
    }
}
