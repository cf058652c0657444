//! The workflow file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ringfence_text::yaml::{self, Aliases, Scalars, Tags};
use ringfence_text::{Bounds, Member as Entry, Node, Repeats, Value};

use super::filter::Filter;
use super::reader::Reader;
use super::{WorkflowError, actions, shell};
use crate::config::Place;

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

/// A workflow.
#[derive(Debug, Clone)]
pub struct Workflow {
    /// Its file, as messages name it.
    pub file: PathBuf,
    /// Its name; the file's where it has none.
    pub name: String,
    /// Its jobs, in the order in which they can run.
    pub jobs: Vec<Job>,
    pub(super) env: BTreeMap<String, String>,
    pub(super) triggers: BTreeMap<String, Filter>,
    pub(super) triggers_at: Place,
}

/// A job.
#[derive(Debug, Clone)]
pub struct Job {
    /// Its id.
    pub id: String,
    /// Its deployment environment: part of the token's subject.
    pub environment: Option<String>,
    /// Its steps.
    pub steps: Vec<Step>,
    pub(super) needs: Vec<String>,
    pub(super) env: BTreeMap<String, String>,
    pub(super) permissions: Permissions,
    pub(super) defaults: Defaults,
    pub(super) timeout: Option<Duration>,
    at: ringfence_text::Place,
}

/// A step.
#[derive(Debug, Clone)]
pub struct Step {
    /// Its name, or what it does where it has none.
    pub name: String,
    /// Where it is.
    pub place: Place,
    /// What it does.
    pub work: Work,
    pub(super) id: Option<String>,
    pub(super) env: BTreeMap<String, String>,
    pub(super) timeout: Option<Duration>,
}

/// What a step does.
#[derive(Debug, Clone)]
pub enum Work {
    /// Runs an action.
    Uses {
        /// `owner/name`.
        action: String,
        /// Its inputs.
        with: BTreeMap<String, String>,
    },
    /// Runs a script.
    Run {
        /// The script.
        script: String,
        /// `shell:`.
        shell: Option<String>,
        /// `working-directory:`.
        directory: Option<String>,
    },
}

/// What the run's token may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Permissions {
    pub(super) id_token: bool,
    pub(super) contents: bool,
}

impl Permissions {
    /// Where nothing is said: contents, and never an OIDC token.
    const DEFAULT: Self = Self { id_token: false, contents: true };
}

/// `defaults.run`.
#[derive(Debug, Clone, Default)]
pub(super) struct Defaults {
    pub(super) shell: Option<String>,
    pub(super) directory: Option<String>,
}

impl Workflow {
    /// Reads a workflow file.
    ///
    /// # Errors
    /// When it cannot be read, or has what cannot be run here.
    pub fn load(path: &Path) -> Result<Self, WorkflowError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| WorkflowError::Read { path: path.to_owned(), source })?;
        Self::parse(&text, path)
    }

    /// Reads a workflow; `file` is what messages name.
    ///
    /// # Errors
    /// When it has what cannot be run here: all of it at once.
    pub fn parse(text: &str, file: &Path) -> Result<Self, WorkflowError> {
        let reader = Reader::new(file);
        let document = yaml::read(text, &DIALECT).map_err(|error| WorkflowError::Invalid {
            place: reader.place(error.at),
            message: error.to_string(),
        })?;
        let workflow = reader.workflow(&document.root);
        let remarks = reader.remarks();
        if remarks.is_empty() { Ok(workflow) } else { Err(WorkflowError::Unsupported(remarks)) }
    }

    /// Whether an event starts it.
    ///
    /// # Errors
    /// That it does not.
    pub fn starts(&self, event: &str, git_ref: &str) -> Result<(), WorkflowError> {
        let filter = self.triggers.get(event);
        if filter.is_some_and(|filter| event != "push" || filter.passes(git_ref)) {
            return Ok(());
        }
        Err(WorkflowError::NotTriggered {
            place: self.triggers_at.clone(),
            event: event.to_owned(),
            git_ref: git_ref.to_owned(),
        })
    }

    /// Whether anything that is pushed starts it, and where it says what does.
    pub fn starts_by_push(&self) -> Result<(), Place> {
        match self.triggers.contains_key("push") {
            true => Ok(()),
            false => Err(self.triggers_at.clone()),
        }
    }
}

impl Reader<'_> {
    fn workflow(&self, document: &Node) -> Workflow {
        let mut workflow = Workflow {
            file: self.file().to_owned(),
            name: self.file().file_name().unwrap_or_default().to_string_lossy().into_owned(),
            jobs: Vec::new(),
            env: BTreeMap::new(),
            triggers: BTreeMap::new(),
            triggers_at: self.place(document.at),
        };
        let (mut permissions, mut defaults) = (Permissions::DEFAULT, Defaults::default());
        let (mut jobs, mut on) = (None, false);
        for entry in self.entries(document, "a workflow") {
            let _inside = self.inside(&entry.key);
            match entry.key.as_str() {
                "name" => workflow.name = self.text(&entry.value),
                // YAML 1.1 readers make `true` of it.
                "on" | "true" => {
                    on = true;
                    workflow.triggers_at = self.place(entry.at);
                    workflow.triggers = self.triggers(&entry.value);
                }
                "permissions" => permissions = self.permissions(&entry.value),
                "env" => workflow.env = self.filled_map(&entry.value, "env"),
                "defaults" => defaults = self.defaults(&entry.value),
                "jobs" => jobs = Some(&entry.value),
                // One run at a time is what happens here.
                "concurrency" | "run-name" => {}
                _ => self.unknown("a workflow", entry),
            }
        }
        if !on || workflow.triggers.is_empty() {
            self.fault(document.at, "a workflow needs `on`");
        }
        let Some(jobs) = jobs else {
            self.fault(document.at, "a workflow needs `jobs`");
            return workflow;
        };
        let _inside = self.inside("jobs");
        for entry in self.entries(jobs, "jobs") {
            let _inside = self.inside(&entry.key);
            workflow.jobs.push(self.job(entry, permissions, &defaults));
        }
        workflow.jobs = self.ordered(workflow.jobs, jobs);
        workflow
    }

    /// Jobs after those that they need.
    fn ordered(&self, mut waiting: Vec<Job>, node: &Node) -> Vec<Job> {
        let mut ordered: Vec<Job> = Vec::new();
        while !waiting.is_empty() {
            let ready = waiting.iter().position(|job| {
                job.needs.iter().all(|need| ordered.iter().any(|done| done.id == *need))
            });
            match ready {
                Some(at) => ordered.push(waiting.remove(at)),
                None => {
                    let at = waiting.first().map_or(node.at, |job| job.at);
                    let message = "`needs` names a job that is not there, or goes in a circle";
                    self.fault(at, message);
                    break;
                }
            }
        }
        ordered
    }

    fn triggers(&self, node: &Node) -> BTreeMap<String, Filter> {
        let Value::Object(_) = node.value else {
            let events = self.texts(node);
            return events.into_iter().map(|event| (event, Filter::default())).collect();
        };
        let mut triggers = BTreeMap::new();
        for event in self.entries(node, "on") {
            let _inside = self.inside(&event.key);
            let mut filter = Filter::default();
            if event.key == "push" {
                for entry in self.entries(&event.value, "push") {
                    match entry.key.as_str() {
                        "branches" => filter.branches = Some(self.texts(&entry.value)),
                        "branches-ignore" => {
                            filter.branches_ignore = Some(self.texts(&entry.value));
                        }
                        "tags" => filter.tags = Some(self.texts(&entry.value)),
                        _ => self.unknown("on.push", entry),
                    }
                }
            }
            triggers.insert(event.key.clone(), filter);
        }
        triggers
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
                    "shell" => defaults.shell = self.shell(&entry.value),
                    "working-directory" => defaults.directory = Some(self.filled(&entry.value)),
                    _ => self.unknown("defaults.run", entry),
                }
            }
        }
        defaults
    }

    fn shell(&self, node: &Node) -> Option<String> {
        let name = self.plain(node);
        if let Err(message) = shell::program(Some(&name)) {
            self.fault(node.at, message);
        }
        Some(name)
    }

    fn job(&self, job: &Entry, permissions: Permissions, defaults: &Defaults) -> Job {
        let mut read = Job {
            id: job.key.clone(),
            environment: None,
            steps: Vec::new(),
            needs: Vec::new(),
            env: BTreeMap::new(),
            permissions,
            defaults: defaults.clone(),
            timeout: None,
            at: job.at,
        };
        let mut known = true;
        for entry in self.entries(&job.value, "a job") {
            let _inside = self.inside(&entry.key);
            match entry.key.as_str() {
                "name" | "runs-on" | "concurrency" => {}
                "permissions" => read.permissions = self.permissions(&entry.value),
                "environment" => read.environment = Some(self.environment(&entry.value)),
                "needs" => read.needs = self.texts(&entry.value),
                "env" => read.env = self.filled_map(&entry.value, "env"),
                "defaults" => read.defaults = self.defaults(&entry.value),
                "timeout-minutes" => read.timeout = self.minutes(&entry.value),
                "steps" => read.steps = self.steps(&entry.value),
                _ => {
                    known = false;
                    self.unknown("a job", entry);
                }
            }
        }
        // A job that calls another workflow has no steps, and was told already.
        if read.steps.is_empty() && known {
            self.fault(job.at, format!("job `{}` has no steps", job.key));
        }
        read
    }

    fn environment(&self, node: &Node) -> String {
        let Value::Object(_) = node.value else { return self.plain(node) };
        let entries = self.entries(node, "environment");
        match entries.iter().find(|entry| entry.key == "name") {
            Some(entry) => self.plain(&entry.value),
            None => {
                self.fault(node.at, "environment needs a name");
                String::new()
            }
        }
    }

    fn steps(&self, node: &Node) -> Vec<Step> {
        let items = self.items(node, "steps").iter().enumerate();
        items
            .filter_map(|(number, step)| {
                let _inside = self.inside(&format!("[{number}]"));
                self.step(step)
            })
            .collect()
    }

    fn step(&self, node: &Node) -> Option<Step> {
        let (mut name, mut id, mut timeout) = (None, None, None);
        let (mut uses, mut script, mut shell, mut directory) = (None, None, None, None);
        let (mut env, mut with) = (BTreeMap::new(), BTreeMap::new());
        for entry in self.entries(node, "a step") {
            let _inside = self.inside(&entry.key);
            match entry.key.as_str() {
                "name" => name = Some(self.text(&entry.value)),
                "id" => id = Some(self.text(&entry.value)),
                "uses" => uses = Some(self.text(&entry.value)),
                "run" => script = Some(self.filled(&entry.value)),
                "shell" => shell = self.shell(&entry.value),
                "working-directory" => directory = Some(self.filled(&entry.value)),
                "with" => with = self.filled_map(&entry.value, "with"),
                "env" => env = self.filled_map(&entry.value, "env"),
                "timeout-minutes" => timeout = self.minutes(&entry.value),
                _ => self.unknown("a step", entry),
            }
        }
        let (work, what) = match (uses, script) {
            (Some(uses), None) => (self.action(node, &uses, with), format!("Run {uses}")),
            (None, Some(script)) => {
                let first = script.lines().next().unwrap_or_default();
                let what = format!("Run {first}");
                (Work::Run { script, shell, directory }, what)
            }
            _ => {
                self.fault(node.at, "a step has either `uses` or `run`");
                return None;
            }
        };
        let name = name.unwrap_or(what);
        Some(Step { name, place: self.place(node.at), work, id, env, timeout })
    }

    fn action(&self, node: &Node, uses: &str, with: BTreeMap<String, String>) -> Work {
        let action = uses.split('@').next().unwrap_or_default().to_owned();
        if !uses.contains('@') || !actions::known(&action) {
            let known = actions::KNOWN.join(", ");
            self.fault(node.at, format!("the action `{uses}` is not known here: {known} are"));
            return Work::Uses { action, with };
        }
        for fault in actions::faults_of_inputs(&action, &with) {
            self.fault(node.at, fault);
        }
        Work::Uses { action, with }
    }
}
