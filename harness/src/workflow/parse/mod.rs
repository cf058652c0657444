//! Reading a workflow file.

mod job;
mod order;
mod step;
mod triggers;

use std::path::Path;

use ringfence_text::yaml::{self, Aliases, Scalars, Tags};
use ringfence_text::{Bounds, Node, Repeats};

use super::WorkflowError;
use super::actions::Substitutes;
use super::events::Triggers;
use super::expression::Site;
use super::local::Repository;
use super::model::{Defaults, Permissions, Workflow};
use super::reader::Reader;
use crate::config::Place;
use crate::plain;
use crate::remark::Remark;

/// GitHub's workflows: YAML 1.2 without tags, a key stands once, and aliases
/// are what their anchors mark
/// (<https://docs.github.com/en/actions/reference/workflows-and-actions/reusing-workflow-configurations#yaml-anchors-and-aliases>).
pub(crate) const DIALECT: yaml::Dialect = yaml::Dialect {
    repeats: Repeats::Refused,
    scalars: Scalars::Core,
    tags: Tags::Refused,
    aliases: Aliases::Expanded(10_000),
    bounds: Bounds { depth: 100, bytes: 1 << 20 },
};

/// How many jobs a file may have.
const MOST_JOBS: usize = 1000;

impl Workflow {
    /// Reads a workflow file of a repository.
    ///
    /// # Errors
    /// When it cannot be read, is none of the repository, or has what cannot be run here.
    pub fn load(path: &Path, repository: &Path) -> Result<Self, WorkflowError> {
        let text = plain::text(path, repository)
            .map_err(|source| WorkflowError::Read { path: path.to_owned(), source })?;
        Self::parse(&text, path)
    }

    /// Reads a workflow; `file` is what messages name.
    ///
    /// # Errors
    /// When it has what cannot be run here: all of it at once.
    pub fn parse(text: &str, file: &Path) -> Result<Self, WorkflowError> {
        let (workflow, remarks) = Self::read(text, file)?;
        if remarks.is_empty() { Ok(workflow) } else { Err(WorkflowError::Unsupported(remarks)) }
    }

    /// Reads a workflow file, with everything that cannot be run: of itself, and
    /// of what it uses of its repository.
    ///
    /// # Errors
    /// When it cannot be read, or is no YAML.
    pub fn examine(
        path: &Path,
        repository: Option<&Repository>,
        substitutes: &Substitutes,
    ) -> Result<(Self, Vec<Remark>), WorkflowError> {
        let directory = path.parent().unwrap_or(path);
        let root = repository.map_or(directory, Repository::root);
        let text = plain::text(path, root)
            .map_err(|source| WorkflowError::Read { path: path.to_owned(), source })?;
        let (workflow, mut remarks) = Self::read(&text, path)?;
        remarks.extend(workflow.unsupported(repository, substitutes));
        Ok((workflow, remarks))
    }

    fn read(text: &str, file: &Path) -> Result<(Self, Vec<Remark>), WorkflowError> {
        let reader = Reader::new(file);
        let document = yaml::read(text, &DIALECT).map_err(|error| WorkflowError::Invalid {
            place: reader.place(error.at),
            message: error.to_string(),
        })?;
        let workflow = reader.workflow(&document.root);
        Ok((workflow, reader.remarks()))
    }

    /// Whether an event starts it, and which: the one that is named, or else
    /// the one that it deploys by.
    ///
    /// # Errors
    /// That none does.
    pub fn started_by(&self, event: Option<&str>, git_ref: &str) -> Result<&str, WorkflowError> {
        self.triggers.played(event, git_ref).map(|trigger| trigger.event.as_str())
    }

    /// Where it says what starts it.
    pub fn triggers_at(&self) -> &Place {
        &self.triggers.place
    }
}

impl Reader<'_> {
    fn workflow(&self, document: &Node) -> Workflow {
        let mut workflow = Workflow {
            file: self.file().to_owned(),
            name: self.file().file_name().unwrap_or_default().to_string_lossy().into_owned(),
            jobs: Vec::new(),
            env: Vec::new(),
            triggers: Triggers { place: self.place(document.at), all: Vec::new() },
        };
        let (mut permissions, mut defaults) = (Permissions::DEFAULT, Defaults::default());
        let mut jobs = None;
        for entry in self.entries(document, "a workflow") {
            let _inside = self.inside(&entry.key);
            match entry.key.as_str() {
                "name" => workflow.name = self.text(&entry.value),
                // YAML 1.1 readers make `true` of it.
                "on" | "true" => {
                    workflow.triggers.place = self.place(entry.at);
                    workflow.triggers.all = self.triggers(&entry.value);
                }
                "permissions" => permissions = self.permissions(&entry.value),
                "env" => workflow.env = self.templates(&entry.value, "env", Site::WorkflowEnv),
                "defaults" => defaults = self.defaults(&entry.value),
                "jobs" => jobs = Some(&entry.value),
                // One run at a time is what happens here.
                "concurrency" => self.concurrency(&entry.value, Site::Workflow),
                "run-name" => drop(self.template(&entry.value, Site::Workflow)),
                "description" => drop(self.text(&entry.value)),
                _ => self.unknown("a workflow", entry),
            }
        }
        if workflow.triggers.all.is_empty() {
            self.fault(document.at, "a workflow needs `on`");
        }
        let Some(jobs) = jobs else {
            self.fault(document.at, "a workflow needs `jobs`");
            return workflow;
        };
        let _inside = self.inside("jobs");
        let entries = self.entries(jobs, "jobs");
        if entries.len() > MOST_JOBS {
            self.fault(jobs.at, format!("more than {MOST_JOBS} jobs"));
            return workflow;
        }
        for entry in entries {
            let _inside = self.inside(&entry.key);
            workflow.jobs.extend(self.job(entry, permissions, &defaults));
        }
        workflow.jobs = self.ordered(workflow.jobs, jobs);
        workflow
    }

    fn permissions(&self, node: &Node) -> Permissions {
        if let Some(all) = node.text() {
            return match all {
                "write-all" => Permissions { id_token: true, contents: true },
                "read-all" => Permissions { id_token: false, contents: true },
                other => {
                    self.fault(node.at, format!("`{other}` is no set of permissions"));
                    Permissions::DEFAULT
                }
            };
        }
        // What is not named is refused.
        let mut permissions = Permissions { id_token: false, contents: false };
        for entry in self.entries(node, "permissions") {
            let level = self.text(&entry.value);
            if !matches!(level.as_str(), "read" | "write" | "none") {
                self.fault(entry.value.at, format!("`{level}` is no permission"));
            }
            match entry.key.as_str() {
                "id-token" => permissions.id_token = level == "write",
                "contents" => permissions.contents = level != "none",
                _ => {}
            }
        }
        permissions
    }

    /// `defaults`, of a workflow and of a job.
    fn defaults(&self, node: &Node) -> Defaults {
        let mut defaults = Defaults::default();
        for entry in self.entries(node, "defaults") {
            if entry.key != "run" {
                self.unknown("defaults", entry);
                continue;
            }
            for entry in self.entries(&entry.value, "defaults.run") {
                let _inside = self.inside(&entry.key);
                match entry.key.as_str() {
                    "shell" => defaults.shell = Some(self.shell(&entry.value, Site::JobDefaults)),
                    "working-directory" => {
                        defaults.directory = Some(self.template(&entry.value, Site::JobDefaults));
                    }
                    _ => self.unknown("defaults.run", entry),
                }
            }
        }
        defaults
    }

    /// Runs stand one after the other here; what it says must be right all the
    /// same.
    fn concurrency(&self, node: &Node, site: Site) {
        let ringfence_text::Value::Object(entries) = &node.value else {
            drop(self.template(node, site));
            return;
        };
        for entry in entries {
            match entry.key.as_str() {
                "group" | "cancel-in-progress" | "queue" => {
                    drop(self.template(&entry.value, site));
                }
                _ => self.unknown("concurrency", entry),
            }
        }
    }
}
