//! Reads objectives and frameworks, and refuses what does not hang together.

use std::collections::BTreeSet;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::Spanned;

use super::{Basis, Catalogue, Control, Extent, Framework, Objective, Support};

/// The name of the file with the objectives.
const OBJECTIVES: &str = "objectives.toml";

/// The built-in objectives and frameworks, in the order of the reports.
const BUILT_IN: [(&str, &str); 7] = [
    (OBJECTIVES, include_str!("../../controls/objectives.toml")),
    ("nist-800-53-r5.toml", include_str!("../../controls/nist-800-53-r5.toml")),
    ("fedramp-20x.toml", include_str!("../../controls/fedramp-20x.toml")),
    ("pci-dss-4.0.1.toml", include_str!("../../controls/pci-dss-4.0.1.toml")),
    ("hipaa.toml", include_str!("../../controls/hipaa.toml")),
    ("soc2.toml", include_str!("../../controls/soc2.toml")),
    ("iso-27001-2022.toml", include_str!("../../controls/iso-27001-2022.toml")),
];

/// Why controls cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueError {
    /// The directory or a file of it cannot be read.
    #[error("cannot read `{}`", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The directory has no `*.toml`.
    #[error("no *.toml in `{}`: name the directory that holds your frameworks", path.display())]
    Empty {
        /// Which.
        path: PathBuf,
    },
    /// A file says something that cannot be.
    #[error("{file}:{line}: {message}")]
    Wrong {
        /// The file.
        file: String,
        /// The line, from 1.
        line: usize,
        /// What, and what to do.
        message: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ObjectivesFile {
    #[serde(default)]
    objective: Vec<ObjectiveRow>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ObjectiveRow {
    id: Spanned<String>,
    title: Spanned<String>,
    statement: Spanned<String>,
    #[serde(default)]
    basis: Basis,
    #[serde(default)]
    guard_rails: Vec<Spanned<String>>,
    not_shown: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FrameworkFile {
    id: Spanned<String>,
    title: Spanned<String>,
    version: Spanned<String>,
    source: Spanned<String>,
    note: Option<String>,
    #[serde(default)]
    control: Vec<ControlRow>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ControlRow {
    id: Spanned<String>,
    title: Spanned<String>,
    requirement: Spanned<String>,
    applies: Option<String>,
    #[serde(default)]
    full: Vec<Spanned<String>>,
    #[serde(default)]
    partial: Vec<Spanned<String>>,
    not_shown: Option<String>,
}

/// A file's text with its name, for errors that say where.
struct Source<'a> {
    name: &'a str,
    text: &'a str,
}

impl Source<'_> {
    fn wrong(&self, at: &Range<usize>, message: String) -> CatalogueError {
        let before = self.text.bytes().take(at.start).filter(|byte| *byte == b'\n').count();
        CatalogueError::Wrong { file: self.name.to_owned(), line: before + 1, message }
    }

    fn parse<T: serde::de::DeserializeOwned>(&self) -> Result<T, CatalogueError> {
        toml::from_str(self.text).map_err(|error| {
            let at = error.span().unwrap_or(0..0);
            self.wrong(&at, error.message().to_owned())
        })
    }

    /// The text, unless it is empty or padded: reports and OSCAL allow neither.
    fn said(&self, text: Spanned<String>) -> Result<String, CatalogueError> {
        let at = text.span();
        let text = text.into_inner();
        if text.is_empty() || text.trim() != text {
            return Err(self.wrong(&at, format!("`{text}` is empty or padded with spaces")));
        }
        Ok(text)
    }
}

impl Catalogue {
    /// What is built in.
    ///
    /// # Errors
    /// Never in practice: a test reads it.
    pub fn builtin() -> Result<Self, CatalogueError> {
        let mut catalogue = Self { objectives: Vec::new(), frameworks: Vec::new() };
        for (name, text) in BUILT_IN {
            catalogue.add(&Source { name, text })?;
        }
        Ok(catalogue)
    }

    /// What is built in and, after it, what the `*.toml` of a directory say:
    /// objectives in `objectives.toml`, a framework in each other file. Files
    /// are taken in the order of their names.
    ///
    /// # Errors
    /// When the directory cannot be read or a file is wrong; the message names
    /// file and line.
    pub fn with(directory: &Path) -> Result<Self, CatalogueError> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| CatalogueError::Read { path, source }
        };
        let mut files = Vec::new();
        for entry in std::fs::read_dir(directory).map_err(failed(directory))? {
            let path = entry.map_err(failed(directory))?.path();
            if path.extension().is_some_and(|extension| extension == "toml") {
                files.push(path);
            }
        }
        if files.is_empty() {
            return Err(CatalogueError::Empty { path: directory.to_owned() });
        }
        // The objectives first: the frameworks name them.
        files.sort_by_key(|path| (!is_objectives(path), path.clone()));
        let mut catalogue = Self::builtin()?;
        for path in files {
            let text = std::fs::read_to_string(&path).map_err(failed(&path))?;
            catalogue.add(&Source { name: &path.display().to_string(), text: &text })?;
        }
        Ok(catalogue)
    }

    fn add(&mut self, source: &Source<'_>) -> Result<(), CatalogueError> {
        if is_objectives(Path::new(source.name)) {
            self.add_objectives(source)
        } else {
            self.add_framework(source)
        }
    }

    fn add_objectives(&mut self, source: &Source<'_>) -> Result<(), CatalogueError> {
        let file: ObjectivesFile = source.parse()?;
        // The built-in file defines which guard rails there are.
        let known: BTreeSet<String> = self
            .objectives
            .iter()
            .flat_map(|objective| objective.guard_rails.iter().cloned())
            .collect();
        for row in file.objective {
            let at = row.id.span();
            let id = source.said(row.id)?;
            if self.objective(&id).is_some() {
                let message = format!("there is an objective `{id}` already: choose another id");
                return Err(source.wrong(&at, message));
            }
            let mut guard_rails = Vec::new();
            for rail in row.guard_rails {
                let at = rail.span();
                let rail = source.said(rail)?;
                if !known.is_empty() && !known.contains(&rail) {
                    let message = format!("no probe tests a guard rail `{rail}`");
                    return Err(source.wrong(&at, message));
                }
                if guard_rails.contains(&rail) {
                    return Err(source.wrong(&at, format!("guard rail `{rail}` stands here twice")));
                }
                guard_rails.push(rail);
            }
            if guard_rails.is_empty() == (row.basis == Basis::Probes) {
                let message = if guard_rails.is_empty() {
                    format!("objective `{id}` names no guard rails: nothing could support it")
                } else {
                    format!("objective `{id}` is not judged by probes: it can name no guard rails")
                };
                return Err(source.wrong(&at, message));
            }
            self.objectives.push(Objective {
                id,
                title: source.said(row.title)?,
                statement: source.said(row.statement)?,
                basis: row.basis,
                guard_rails,
                not_shown: source.said(row.not_shown)?,
            });
        }
        Ok(())
    }

    fn add_framework(&mut self, source: &Source<'_>) -> Result<(), CatalogueError> {
        let file: FrameworkFile = source.parse()?;
        let at = file.id.span();
        let id = source.said(file.id)?;
        if self.frameworks.iter().any(|framework| framework.id == id) {
            let message = format!("there is a framework `{id}` already: choose another id");
            return Err(source.wrong(&at, message));
        }
        let mut controls: Vec<Control> = Vec::new();
        for row in file.control {
            let at = row.id.span();
            let id = source.said(row.id)?;
            if controls.iter().any(|control| control.id == id) {
                return Err(source.wrong(&at, format!("control `{id}` stands here twice")));
            }
            let supports = self.supports(source, &at, &id, row.full, row.partial)?;
            controls.push(Control {
                id,
                title: source.said(row.title)?,
                requirement: source.said(row.requirement)?,
                applies: row.applies,
                supports,
                not_shown: row.not_shown,
            });
        }
        if controls.is_empty() {
            return Err(source.wrong(&at, format!("framework `{id}` has no [[control]]")));
        }
        self.frameworks.push(Framework {
            id,
            title: source.said(file.title)?,
            version: source.said(file.version)?,
            source: source.said(file.source)?,
            note: file.note,
            controls,
        });
        Ok(())
    }

    fn supports(
        &self,
        source: &Source<'_>,
        at: &Range<usize>,
        control: &str,
        full: Vec<Spanned<String>>,
        partial: Vec<Spanned<String>>,
    ) -> Result<Vec<Support>, CatalogueError> {
        let mut supports: Vec<Support> = Vec::new();
        let rows = full.into_iter().map(|id| (id, Extent::Full));
        let rows = rows.chain(partial.into_iter().map(|id| (id, Extent::Partial)));
        for (objective, extent) in rows {
            let at = objective.span();
            let objective = objective.into_inner();
            if self.objective(&objective).is_none() {
                let known: Vec<&str> = self.objectives.iter().map(|one| one.id.as_str()).collect();
                let message = format!(
                    "control `{control}` names an unknown objective `{objective}`; there are {}",
                    known.join(", ")
                );
                return Err(source.wrong(&at, message));
            }
            if supports.iter().any(|support| support.objective == objective) {
                let message = format!("control `{control}` names objective `{objective}` twice");
                return Err(source.wrong(&at, message));
            }
            supports.push(Support { objective, extent });
        }
        if supports.is_empty() {
            let message = format!("control `{control}` names no objective in `full` or `partial`");
            return Err(source.wrong(at, message));
        }
        let place = |id: &str| self.objectives.iter().position(|one| one.id == id);
        supports.sort_by_key(|support| place(&support.objective));
        Ok(supports)
    }
}

fn is_objectives(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == OBJECTIVES)
}
