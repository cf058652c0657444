//! The workflow file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use saphyr::{LoadableYamlNode, MarkedYaml, Scalar, YamlData};

use super::WorkflowError;
use super::filter::Filter;
use crate::config::Place;

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
        let documents =
            MarkedYaml::load_from_str(text).map_err(|error| WorkflowError::Invalid {
                place: Place {
                    file: file.to_owned(),
                    line: error.marker().line(),
                    column: error.marker().col() + 1,
                },
                message: error.info().to_owned(),
            })?;
        let reader = Reader { file };
        let [document] = documents.as_slice() else {
            let place = Place { file: file.to_owned(), line: 1, column: 1 };
            return Err(WorkflowError::Invalid {
                place,
                message: "a workflow is one YAML document".to_owned(),
            });
        };
        reader.workflow(document)
    }
}

/// An entry of a mapping.
struct Entry<'a> {
    key: String,
    key_node: &'a MarkedYaml<'a>,
    value: &'a MarkedYaml<'a>,
}

struct Reader<'f> {
    file: &'f Path,
}

impl Reader<'_> {
    fn place(&self, node: &MarkedYaml<'_>) -> Place {
        Place {
            file: self.file.to_owned(),
            line: node.span.start.line(),
            column: node.span.start.col() + 1,
        }
    }

    fn fail<T>(&self, node: &MarkedYaml<'_>, message: impl Into<String>) -> Result<T> {
        Err(WorkflowError::Invalid { place: self.place(node), message: message.into() })
    }

    fn unknown<T>(&self, what: &str, entry: &Entry<'_>) -> Result<T> {
        self.fail(entry.key_node, format!("`{}` of {what} is not supported", entry.key))
    }

    fn entries<'a>(&self, node: &'a MarkedYaml<'a>, what: &str) -> Result<Vec<Entry<'a>>> {
        match &node.data {
            YamlData::Mapping(mapping) => mapping
                .iter()
                .map(|(key, value)| Ok(Entry { key: self.text(key)?, key_node: key, value }))
                .collect(),
            YamlData::Value(Scalar::Null) => Ok(Vec::new()),
            _ => self.fail(node, format!("{what} must be a mapping")),
        }
    }

    fn items<'a>(&self, node: &'a MarkedYaml<'a>, what: &str) -> Result<&'a [MarkedYaml<'a>]> {
        match &node.data {
            YamlData::Sequence(items) => Ok(items),
            _ => self.fail(node, format!("{what} must be a list")),
        }
    }

    fn text(&self, node: &MarkedYaml<'_>) -> Result<String> {
        match &node.data {
            YamlData::Value(Scalar::String(text)) => Ok(text.clone().into_owned()),
            YamlData::Value(Scalar::Integer(number)) => Ok(number.to_string()),
            YamlData::Value(Scalar::FloatingPoint(number)) => Ok(number.to_string()),
            YamlData::Value(Scalar::Boolean(flag)) => Ok(flag.to_string()),
            YamlData::Value(Scalar::Null) => Ok(String::new()),
            _ => self.fail(node, "text is expected here"),
        }
    }

    fn texts(&self, node: &MarkedYaml<'_>) -> Result<Vec<String>> {
        match &node.data {
            YamlData::Sequence(items) => items.iter().map(|item| self.text(item)).collect(),
            _ => Ok(vec![self.text(node)?]),
        }
    }

    fn map(&self, node: &MarkedYaml<'_>, what: &str) -> Result<BTreeMap<String, String>> {
        self.entries(node, what)?
            .into_iter()
            .map(|entry| Ok((entry.key.clone(), self.text(entry.value)?)))
            .collect()
    }

    fn minutes(&self, node: &MarkedYaml<'_>) -> Result<Option<Duration>> {
        match self.text(node)?.parse::<u64>() {
            Ok(minutes) if minutes > 0 => Ok(Some(Duration::from_secs(minutes * 60))),
            _ => self.fail(node, "timeout-minutes must be a positive number"),
        }
    }

    fn workflow(&self, document: &MarkedYaml<'_>) -> Result<Workflow> {
        let file_name = self.file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let mut workflow = Workflow {
            file: self.file.to_owned(),
            name: file_name,
            jobs: Vec::new(),
            env: BTreeMap::new(),
            triggers: BTreeMap::new(),
            triggers_at: self.place(document),
        };
        let (mut permissions, mut defaults) = (Permissions::DEFAULT, Defaults::default());
        let mut jobs = None;
        for entry in self.entries(document, "a workflow")? {
            match entry.key.as_str() {
                "name" => workflow.name = self.text(entry.value)?,
                // YAML 1.1 readers make `true` of it.
                "on" | "true" => {
                    workflow.triggers_at = self.place(entry.key_node);
                    workflow.triggers = self.triggers(entry.value)?;
                }
                "permissions" => permissions = self.permissions(entry.value)?,
                "env" => workflow.env = self.map(entry.value, "env")?,
                "defaults" => defaults = self.defaults(entry.value)?,
                "jobs" => jobs = Some(entry.value),
                // One run at a time is what happens here.
                "concurrency" | "run-name" => {}
                _ => return self.unknown("a workflow", &entry),
            }
        }
        if workflow.triggers.is_empty() {
            return self.fail(document, "a workflow needs `on`");
        }
        let Some(jobs) = jobs else { return self.fail(document, "a workflow needs `jobs`") };
        for entry in self.entries(jobs, "jobs")? {
            workflow.jobs.push(self.job(&entry, permissions, &defaults)?);
        }
        workflow.jobs = self.ordered(workflow.jobs, jobs)?;
        Ok(workflow)
    }

    /// Jobs after those that they need.
    fn ordered(&self, mut waiting: Vec<Job>, node: &MarkedYaml<'_>) -> Result<Vec<Job>> {
        let mut ordered: Vec<Job> = Vec::new();
        while !waiting.is_empty() {
            let ready = waiting.iter().position(|job| {
                job.needs.iter().all(|need| ordered.iter().any(|done| done.id == *need))
            });
            match ready {
                Some(at) => ordered.push(waiting.remove(at)),
                None => {
                    let job = waiting.first();
                    let place = job.map_or_else(|| self.place(node), |job| job.place.clone());
                    let message = "`needs` names a job that is not there, or goes in a circle";
                    return Err(WorkflowError::Invalid { place, message: message.to_owned() });
                }
            }
        }
        Ok(ordered)
    }

    fn triggers(&self, node: &MarkedYaml<'_>) -> Result<BTreeMap<String, Filter>> {
        let YamlData::Mapping(_) = node.data else {
            let events = self.texts(node)?;
            return Ok(events.into_iter().map(|event| (event, Filter::default())).collect());
        };
        let mut triggers = BTreeMap::new();
        for event in self.entries(node, "on")? {
            let mut filter = Filter::default();
            if event.key == "push" {
                for entry in self.entries(event.value, "push")? {
                    match entry.key.as_str() {
                        "branches" => filter.branches = Some(self.texts(entry.value)?),
                        "branches-ignore" => {
                            filter.branches_ignore = Some(self.texts(entry.value)?);
                        }
                        "tags" => filter.tags = Some(self.texts(entry.value)?),
                        _ => return self.unknown("on.push", &entry),
                    }
                }
            }
            triggers.insert(event.key, filter);
        }
        Ok(triggers)
    }

    fn permissions(&self, node: &MarkedYaml<'_>) -> Result<Permissions> {
        if let YamlData::Value(Scalar::String(all)) = &node.data {
            return match all.as_ref() {
                "write-all" => Ok(Permissions { id_token: true, contents: true }),
                "read-all" => Ok(Permissions { id_token: false, contents: true }),
                other => self.fail(node, format!("`{other}` is no set of permissions")),
            };
        }
        // What is not named is refused.
        let mut permissions = Permissions { id_token: false, contents: false };
        for entry in self.entries(node, "permissions")? {
            let level = self.text(entry.value)?;
            if !matches!(level.as_str(), "read" | "write" | "none") {
                return self.fail(entry.value, format!("`{level}` is no permission"));
            }
            match entry.key.as_str() {
                "id-token" => permissions.id_token = level == "write",
                "contents" => permissions.contents = level != "none",
                _ => {}
            }
        }
        Ok(permissions)
    }

    fn defaults(&self, node: &MarkedYaml<'_>) -> Result<Defaults> {
        let mut defaults = Defaults::default();
        for entry in self.entries(node, "defaults")? {
            if entry.key != "run" {
                return self.unknown("defaults", &entry);
            }
            for entry in self.entries(entry.value, "defaults.run")? {
                match entry.key.as_str() {
                    "shell" => defaults.shell = Some(self.text(entry.value)?),
                    "working-directory" => defaults.directory = Some(self.text(entry.value)?),
                    _ => return self.unknown("defaults.run", &entry),
                }
            }
        }
        Ok(defaults)
    }

    fn job(&self, job: &Entry<'_>, permissions: Permissions, defaults: &Defaults) -> Result<Job> {
        let mut read = Job {
            id: job.key.clone(),
            environment: None,
            steps: Vec::new(),
            needs: Vec::new(),
            env: BTreeMap::new(),
            permissions,
            defaults: defaults.clone(),
            timeout: None,
            place: self.place(job.key_node),
        };
        for entry in self.entries(job.value, "a job")? {
            match entry.key.as_str() {
                "name" | "runs-on" | "concurrency" => {}
                "permissions" => read.permissions = self.permissions(entry.value)?,
                "environment" => read.environment = Some(self.environment(entry.value)?),
                "needs" => read.needs = self.texts(entry.value)?,
                "env" => read.env = self.map(entry.value, "env")?,
                "defaults" => read.defaults = self.defaults(entry.value)?,
                "timeout-minutes" => read.timeout = self.minutes(entry.value)?,
                "steps" => {
                    for step in self.items(entry.value, "steps")? {
                        read.steps.push(self.step(step)?);
                    }
                }
                _ => return self.unknown("a job", &entry),
            }
        }
        if read.steps.is_empty() {
            return self.fail(job.key_node, format!("job `{}` has no steps", job.key));
        }
        Ok(read)
    }

    fn environment(&self, node: &MarkedYaml<'_>) -> Result<String> {
        let YamlData::Mapping(_) = node.data else { return self.text(node) };
        for entry in self.entries(node, "environment")? {
            if entry.key == "name" {
                return self.text(entry.value);
            }
        }
        self.fail(node, "environment needs a name")
    }

    fn step(&self, node: &MarkedYaml<'_>) -> Result<Step> {
        let (mut name, mut id, mut timeout) = (None, None, None);
        let (mut uses, mut script, mut shell, mut directory) = (None, None, None, None);
        let (mut env, mut with) = (BTreeMap::new(), BTreeMap::new());
        for entry in self.entries(node, "a step")? {
            match entry.key.as_str() {
                "name" => name = Some(self.text(entry.value)?),
                "id" => id = Some(self.text(entry.value)?),
                "uses" => uses = Some(self.text(entry.value)?),
                "run" => script = Some(self.text(entry.value)?),
                "shell" => shell = Some(self.text(entry.value)?),
                "working-directory" => directory = Some(self.text(entry.value)?),
                "with" => with = self.map(entry.value, "with")?,
                "env" => env = self.map(entry.value, "env")?,
                "timeout-minutes" => timeout = self.minutes(entry.value)?,
                _ => return self.unknown("a step", &entry),
            }
        }
        let (work, what) = match (uses, script) {
            (Some(uses), None) => {
                let action = uses.split('@').next().unwrap_or_default().to_owned();
                if !uses.contains('@') || !super::actions::known(&action) {
                    return self.fail(
                        node,
                        format!(
                            "the action `{uses}` is not known here: {} are",
                            super::actions::KNOWN.join(", ")
                        ),
                    );
                }
                super::actions::check_inputs(&action, &with)
                    .or_else(|text| self.fail(node, text))?;
                (Work::Uses { action, with }, format!("Run {uses}"))
            }
            (None, Some(script)) => {
                let first = script.lines().next().unwrap_or_default();
                let what = format!("Run {first}");
                (Work::Run { script, shell, directory }, what)
            }
            _ => return self.fail(node, "a step has either `uses` or `run`"),
        };
        let name = name.unwrap_or(what);
        Ok(Step { name, place: self.place(node), work, id, env, timeout })
    }
}
