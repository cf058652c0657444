//! What of an estate will not run here, before anything runs: tools, then each
//! workflow, template and root module. Whatever decides here decides in a run
//! too, so that a file which passes never fails as unsupported later:
//! [`Workflow::parse`](crate::workflow::Workflow::parse),
//! [`Examiner`](ringfence_services::cloudformation::Examiner) and
//! [`terraform::examine`](crate::terraform::examine).

mod files;
mod network;
mod roots;
pub(crate) mod templates;
mod tools;
mod workflows;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::config::{Config, Place};
use crate::progress::Progress;
use crate::remark::{Outcome, Remark};
use crate::template;
use crate::tools::interpreters;

pub(crate) use files::{Found, find};
pub(crate) use roots::roots;

/// What a line is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A program that a run needs.
    Tool,
    /// A root module of Terraform, or a module in it.
    Root,
    /// A template of CloudFormation or SAM.
    Template,
    /// A workflow of GitHub.
    Workflow,
}

/// What becomes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It runs as it is.
    Runs,
    /// Something else runs in its place.
    StandIn,
    /// It does not run.
    Unsupported,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Line {
    /// What it is.
    pub kind: Kind,
    /// Its file.
    pub file: String,
    /// From 1.
    pub line: usize,
    /// What of it; empty for all of it.
    pub construct: String,
    /// What becomes of it.
    pub verdict: Verdict,
    /// Why; empty where it runs.
    pub because: String,
}

/// What was found.
#[derive(Debug, Default)]
pub struct Diagnosis {
    /// At least one for each file.
    pub lines: Vec<Line>,
    /// The files that could not be read: they have a line too.
    pub unreadable: BTreeSet<PathBuf>,
}

/// How to look.
#[derive(Debug)]
pub struct Options {
    /// Whether registries are not asked: what would be fetched is told as not
    /// being here.
    pub offline: bool,
    /// Who hears of the progress.
    pub progress: Progress,
}

impl Line {
    fn runs(kind: Kind, file: &Path) -> Self {
        Self {
            kind,
            file: name(file),
            line: 1,
            construct: String::new(),
            verdict: Verdict::Runs,
            because: String::new(),
        }
    }

    fn of(kind: Kind, remark: Remark) -> Self {
        Self {
            kind,
            file: name(&remark.place.file),
            line: remark.place.line,
            construct: remark.construct,
            verdict: match remark.outcome {
                Outcome::StandsIn => Verdict::StandIn,
                Outcome::Unsupported => Verdict::Unsupported,
            },
            because: remark.because,
        }
    }
}

impl Diagnosis {
    fn add(&mut self, kind: Kind, remarks: impl IntoIterator<Item = Remark>) {
        self.lines.extend(remarks.into_iter().map(|remark| Line::of(kind, remark)));
    }

    /// A file that cannot be read.
    fn unreadable(&mut self, kind: Kind, place: Place, because: impl Into<String>) {
        self.unreadable.insert(place.file.clone());
        self.add(
            kind,
            [Remark {
                place,
                construct: "syntax".to_owned(),
                outcome: Outcome::Unsupported,
                because: because.into(),
            }],
        );
    }

    /// Each file without a line runs.
    fn complete(&mut self, kind: Kind, files: impl IntoIterator<Item = PathBuf>) {
        let told: BTreeSet<String> = self.lines.iter().map(|line| line.file.clone()).collect();
        let silent: BTreeSet<PathBuf> =
            files.into_iter().filter(|file| !told.contains(&name(file))).collect();
        self.lines.extend(silent.iter().map(|file| Line::runs(kind, file)));
    }
}

/// Looks at everything below a directory.
pub async fn examine(directory: &Path, options: &Options) -> Diagnosis {
    let mut diagnosis = Diagnosis::default();
    let mut found = Found::default();
    files::find(directory, &mut found);
    for (path, error) in std::mem::take(&mut found.unreadable) {
        diagnosis.unreadable(Kind::Template, start(&path), error.to_string());
    }
    let tools = tools::examine(&found, options, &mut diagnosis).await;
    roots::examine(&found, tools.terraform, options, &mut diagnosis).await;
    let interpreters = interpreters(tools.python.as_ref(), tools.node.as_ref());
    // Which templates are Layer 1's a configuration says; whether that is right, a run does.
    if let Ok(config) = Config::load(&directory.join("ringfence.toml")) {
        diagnosis.add(Kind::Template, template::beside(&config.layer1));
    }
    templates::examine(&found, interpreters, &mut diagnosis).await;
    workflows::examine(&found, tools.python.as_ref(), &mut diagnosis).await;
    diagnosis.lines.sort();
    diagnosis.lines.dedup();
    diagnosis
}

/// The first place of a file.
fn start(file: &Path) -> Place {
    Place { file: file.to_owned(), line: 1, column: 1 }
}

/// A path as lines name it.
fn name(path: &Path) -> String {
    path.strip_prefix("./").unwrap_or(path).to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests;
