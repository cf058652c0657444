//! The workflow file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ringfence_text::yaml::{self, Aliases, Scalars, Tags};
use ringfence_text::{Bounds, Member as Entry, Node, Repeats, Value};

use super::WorkflowError;
use super::filter::Filter;
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
    place: Place,
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

type Result<T> = std::result::Result<T, WorkflowError>;

impl Workflow {
    /// Reads a workflow file.
    ///
    /// # Errors
    /// When it cannot be read, or has what cannot be run here.
    pub fn load(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| WorkflowError::Read { path: path.to_owned(), source })?;
        Self::parse(&text, path)
    }

    /// Reads a workflow; `file` is what messages name.
    ///
    /// # Errors
    /// When it has what cannot be run here.
    pub fn parse(text: &str, file: &Path) -> Result<Self> {
        let reader = Reader { file };
        let document = yaml::read(text, &DIALECT).map_err(|error| WorkflowError::Invalid {
            place: reader.place(error.at),
            message: error.to_string(),
        })?;
        reader.workflow(&document.root)
    }
}

struct Reader<'f> {
    file: &'f Path,
}

impl Reader<'_> {
    fn place(&self, at: ringfence_text::Place) -> Place {
        Place { file: self.file.to_owned(), line: at.line, column: at.column }
    }

    fn fail<T>(&self, at: ringfence_text::Place, message: impl Into<String>) -> Result<T> {
        Err(WorkflowError::Invalid { place: self.place(at), message: message.into() })
    }

    fn unknown<T>(&self, what: &str, entry: &Entry) -> Result<T> {
        self.fail(entry.at, format!("`{}` of {what} is not supported", entry.key))
    }

    fn entries<'a>(&self, node: &'a Node, what: &str) -> Result<&'a [Entry]> {
        match &node.value {
            Value::Object(entries) => Ok(entries),
            Value::Null => Ok(&[]),
            _ => self.fail(node.at, format!("{what} must be a mapping")),
        }
    }

    fn items<'a>(&self, node: &'a Node, what: &str) -> Result<&'a [Node]> {
        match &node.value {
            Value::Array(items) => Ok(items),
            _ => self.fail(node.at, format!("{what} must be a list")),
        }
    }

    fn text(&self, node: &Node) -> Result<String> {
        match &node.value {
            Value::String(text) | Value::Number(text) => Ok(text.clone()),
            Value::Bool(flag) => Ok(flag.to_string()),
            Value::Null => Ok(String::new()),
            Value::Array(_) | Value::Object(_) => self.fail(node.at, "text is expected here"),
        }
    }

    fn texts(&self, node: &Node) -> Result<Vec<String>> {
        match &node.value {
            Value::Array(items) => items.iter().map(|item| self.text(item)).collect(),
            _ => Ok(vec![self.text(node)?]),
        }
    }

    fn map(&self, node: &Node, what: &str) -> Result<BTreeMap<String, String>> {
        self.entries(node, what)?
            .iter()
            .map(|entry| Ok((entry.key.clone(), self.text(&entry.value)?)))
            .collect()
    }

    fn minutes(&self, node: &Node) -> Result<Option<Duration>> {
        match self.text(node)?.parse::<u64>() {
            Ok(minutes) if minutes > 0 => Ok(Some(Duration::from_secs(minutes * 60))),
            _ => self.fail(node.at, "timeout-minutes must be a positive number"),
        }
    }

    fn workflow(&self, document: &Node) -> Result<Workflow> {
        let file_name = self.file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let mut workflow = Workflow {
            file: self.file.to_owned(),
            name: file_name,
            jobs: Vec::new(),
            env: BTreeMap::new(),
            triggers: BTreeMap::new(),
            triggers_at: self.place(document.at),
        };
        let (mut permissions, mut defaults) = (Permissions::DEFAULT, Defaults::default());
        let mut jobs = None;
        for entry in self.entries(document, "a workflow")? {
            match entry.key.as_str() {
                "name" => workflow.name = self.text(&entry.value)?,
                // YAML 1.1 readers make `true` of it.
                "on" | "true" => {
                    workflow.triggers_at = self.place(entry.at);
                    workflow.triggers = self.triggers(&entry.value)?;
                }
                "permissions" => permissions = self.permissions(&entry.value)?,
                "env" => workflow.env = self.map(&entry.value, "env")?,
                "defaults" => defaults = self.defaults(&entry.value)?,
                "jobs" => jobs = Some(&entry.value),
                // One run at a time is what happens here.
                "concurrency" | "run-name" => {}
                _ => return self.unknown("a workflow", entry),
            }
        }
        if workflow.triggers.is_empty() {
            return self.fail(document.at, "a workflow needs `on`");
        }
        let Some(jobs) = jobs else { return self.fail(document.at, "a workflow needs `jobs`") };
        for entry in self.entries(jobs, "jobs")? {
            workflow.jobs.push(self.job(entry, permissions, &defaults)?);
        }
        workflow.jobs = self.ordered(workflow.jobs, jobs)?;
        Ok(workflow)
    }

    /// Jobs after those that they need.
    fn ordered(&self, mut waiting: Vec<Job>, node: &Node) -> Result<Vec<Job>> {
        let mut ordered: Vec<Job> = Vec::new();
        while !waiting.is_empty() {
            let ready = waiting.iter().position(|job| {
                job.needs.iter().all(|need| ordered.iter().any(|done| done.id == *need))
            });
            match ready {
                Some(at) => ordered.push(waiting.remove(at)),
                None => {
                    let job = waiting.first();
                    let place = job.map_or_else(|| self.place(node.at), |job| job.place.clone());
                    let message = "`needs` names a job that is not there, or goes in a circle";
                    return Err(WorkflowError::Invalid { place, message: message.to_owned() });
                }
            }
        }
        Ok(ordered)
    }

    fn triggers(&self, node: &Node) -> Result<BTreeMap<String, Filter>> {
        let Value::Object(_) = node.value else {
            let events = self.texts(node)?;
            return Ok(events.into_iter().map(|event| (event, Filter::default())).collect());
        };
        let mut triggers = BTreeMap::new();
        for event in self.entries(node, "on")? {
            let mut filter = Filter::default();
            if event.key == "push" {
                for entry in self.entries(&event.value, "push")? {
                    match entry.key.as_str() {
                        "branches" => filter.branches = Some(self.texts(&entry.value)?),
                        "branches-ignore" => {
                            filter.branches_ignore = Some(self.texts(&entry.value)?);
                        }
                        "tags" => filter.tags = Some(self.texts(&entry.value)?),
                        _ => return self.unknown("on.push", entry),
                    }
                }
            }
            triggers.insert(event.key.clone(), filter);
        }
        Ok(triggers)
    }

    fn permissions(&self, node: &Node) -> Result<Permissions> {
        if let Some(all) = node.text() {
            return match all {
                "write-all" => Ok(Permissions { id_token: true, contents: true }),
                "read-all" => Ok(Permissions { id_token: false, contents: true }),
                other => self.fail(node.at, format!("`{other}` is no set of permissions")),
            };
        }
        // What is not named is refused.
        let mut permissions = Permissions { id_token: false, contents: false };
        for entry in self.entries(node, "permissions")? {
            let level = self.text(&entry.value)?;
            if !matches!(level.as_str(), "read" | "write" | "none") {
                return self.fail(entry.value.at, format!("`{level}` is no permission"));
            }
            match entry.key.as_str() {
                "id-token" => permissions.id_token = level == "write",
                "contents" => permissions.contents = level != "none",
                _ => {}
            }
        }
        Ok(permissions)
    }

    fn defaults(&self, node: &Node) -> Result<Defaults> {
        let mut defaults = Defaults::default();
        for entry in self.entries(node, "defaults")? {
            if entry.key != "run" {
                return self.unknown("defaults", entry);
            }
            for entry in self.entries(&entry.value, "defaults.run")? {
                match entry.key.as_str() {
                    "shell" => defaults.shell = Some(self.text(&entry.value)?),
                    "working-directory" => defaults.directory = Some(self.text(&entry.value)?),
                    _ => return self.unknown("defaults.run", entry),
                }
            }
        }
        Ok(defaults)
    }

    fn job(&self, job: &Entry, permissions: Permissions, defaults: &Defaults) -> Result<Job> {
        let mut read = Job {
            id: job.key.clone(),
            environment: None,
            steps: Vec::new(),
            needs: Vec::new(),
            env: BTreeMap::new(),
            permissions,
            defaults: defaults.clone(),
            timeout: None,
            place: self.place(job.at),
        };
        for entry in self.entries(&job.value, "a job")? {
            match entry.key.as_str() {
                "name" | "runs-on" | "concurrency" => {}
                "permissions" => read.permissions = self.permissions(&entry.value)?,
                "environment" => read.environment = Some(self.environment(&entry.value)?),
                "needs" => read.needs = self.texts(&entry.value)?,
                "env" => read.env = self.map(&entry.value, "env")?,
                "defaults" => read.defaults = self.defaults(&entry.value)?,
                "timeout-minutes" => read.timeout = self.minutes(&entry.value)?,
                "steps" => {
                    for step in self.items(&entry.value, "steps")? {
                        read.steps.push(self.step(step)?);
                    }
                }
                _ => return self.unknown("a job", entry),
            }
        }
        if read.steps.is_empty() {
            return self.fail(job.at, format!("job `{}` has no steps", job.key));
        }
        Ok(read)
    }

    fn environment(&self, node: &Node) -> Result<String> {
        let Value::Object(_) = node.value else { return self.text(node) };
        for entry in self.entries(node, "environment")? {
            if entry.key == "name" {
                return self.text(&entry.value);
            }
        }
        self.fail(node.at, "environment needs a name")
    }

    fn step(&self, node: &Node) -> Result<Step> {
        let (mut name, mut id, mut timeout) = (None, None, None);
        let (mut uses, mut script, mut shell, mut directory) = (None, None, None, None);
        let (mut env, mut with) = (BTreeMap::new(), BTreeMap::new());
        for entry in self.entries(node, "a step")? {
            match entry.key.as_str() {
                "name" => name = Some(self.text(&entry.value)?),
                "id" => id = Some(self.text(&entry.value)?),
                "uses" => uses = Some(self.text(&entry.value)?),
                "run" => script = Some(self.text(&entry.value)?),
                "shell" => shell = Some(self.text(&entry.value)?),
                "working-directory" => directory = Some(self.text(&entry.value)?),
                "with" => with = self.map(&entry.value, "with")?,
                "env" => env = self.map(&entry.value, "env")?,
                "timeout-minutes" => timeout = self.minutes(&entry.value)?,
                _ => return self.unknown("a step", entry),
            }
        }
        let (work, what) = match (uses, script) {
            (Some(uses), None) => {
                let action = uses.split('@').next().unwrap_or_default().to_owned();
                if !uses.contains('@') || !super::actions::known(&action) {
                    return self.fail(
                        node.at,
                        format!(
                            "the action `{uses}` is not known here: {} are",
                            super::actions::KNOWN.join(", ")
                        ),
                    );
                }
                super::actions::check_inputs(&action, &with)
                    .or_else(|text| self.fail(node.at, text))?;
                (Work::Uses { action, with }, format!("Run {uses}"))
            }
            (None, Some(script)) => {
                let first = script.lines().next().unwrap_or_default();
                let what = format!("Run {first}");
                (Work::Run { script, shell, directory }, what)
            }
            _ => return self.fail(node.at, "a step has either `uses` or `run`"),
        };
        let name = name.unwrap_or(what);
        Ok(Step { name, place: self.place(node.at), work, id, env, timeout })
    }
}
