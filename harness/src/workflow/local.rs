//! What a workflow uses of its own repository: composite actions, and
//! workflows that it calls.

use std::io::{self, Read as _};
use std::path::{Component, Path, PathBuf};

use ringfence_text::{Node, yaml};

use super::WorkflowError;
use super::expression::{Site, Template};
use super::model::{Step, Texts, Workflow};
use super::parse::DIALECT;
use super::reader::Reader;
use crate::config::Place;
use crate::plain;

/// How deep actions and workflows may use one another: GitHub's runner takes
/// nine levels of actions, and ten of workflows
/// (<https://docs.github.com/en/actions/reference/workflows-and-actions/reusing-workflow-configurations>).
pub(super) const DEEPEST: usize = 10;

/// A composite action.
#[derive(Debug, Clone)]
pub(super) struct Composite {
    pub(super) inputs: Vec<ActionInput>,
    pub(super) outputs: Texts,
    pub(super) steps: Vec<Step>,
}

/// An input of an action.
#[derive(Debug, Clone)]
pub(super) struct ActionInput {
    pub(super) name: String,
    pub(super) default: Option<Template>,
}

/// A repository as it lies here. What is read of it is its own: no link leads
/// out of it.
#[derive(Debug, Clone)]
pub struct Repository {
    root: PathBuf,
}

impl Repository {
    /// The repository in a directory.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// Its directory.
    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// The repository that a workflow's file is of; none where it does not lie
    /// in a `.github/workflows`.
    pub fn of(workflow: &Path) -> Option<Self> {
        let workflows = workflow.parent()?;
        let github = workflows.parent()?;
        let lies = workflows.ends_with(".github/workflows");
        lies.then(|| github.parent().map(Self::at)).flatten()
    }

    /// A workflow of it.
    ///
    /// # Errors
    /// When it is not there, or has what cannot be run here.
    pub(super) fn workflow(&self, path: &Path, from: &Place) -> Result<Workflow, WorkflowError> {
        let text = self.read(path).map_err(|error| missing(path, from, &error))?;
        Workflow::parse(&text, &self.root.join(path))
    }

    /// An action of it.
    ///
    /// # Errors
    /// When it is not there, or has what cannot be run here.
    pub(super) fn action(&self, path: &Path, from: &Place) -> Result<Composite, WorkflowError> {
        let named = |name: &str| path.join(name);
        let (file, text) = match self.read(&named("action.yml")) {
            Ok(text) => (named("action.yml"), text),
            Err(_) => {
                let text = self.read(&named("action.yaml"));
                (named("action.yaml"), text.map_err(|error| missing(path, from, &error))?)
            }
        };
        let file = self.root.join(file);
        let reader = Reader::new(&file);
        let document = yaml::read(&text, &DIALECT).map_err(|error| WorkflowError::Invalid {
            place: reader.place(error.at),
            message: error.to_string(),
        })?;
        let action = reader.composite(&document.root);
        let remarks = reader.remarks();
        if remarks.is_empty() { Ok(action) } else { Err(WorkflowError::Unsupported(remarks)) }
    }

    fn read(&self, path: &Path) -> io::Result<String> {
        let plain =
            path.components().all(|it| matches!(it, Component::Normal(_) | Component::CurDir));
        let root = self.root.canonicalize()?;
        let file = root.join(path).canonicalize()?;
        if !plain || !file.starts_with(&root) {
            return Err(io::Error::other("leads out of the repository"));
        }
        let mut text = String::new();
        let most = DIALECT.bounds.bytes as u64;
        plain::open(&file)?.take(most + 1).read_to_string(&mut text)?;
        Ok(text)
    }
}

fn missing(path: &Path, from: &Place, error: &io::Error) -> WorkflowError {
    WorkflowError::Invalid {
        place: from.clone(),
        message: format!("cannot read `./{}` of the repository: {error}", path.display()),
    }
}

impl Reader<'_> {
    fn composite(&self, document: &Node) -> Composite {
        let mut action = Composite { inputs: Vec::new(), outputs: Vec::new(), steps: Vec::new() };
        let mut using = String::new();
        for entry in self.entries(document, "an action") {
            let _inside = self.inside(&entry.key);
            match entry.key.as_str() {
                "name" | "author" | "description" => drop(self.text(&entry.value)),
                "branding" => {}
                "inputs" => action.inputs = self.action_inputs(&entry.value),
                "outputs" => action.outputs = self.action_outputs(&entry.value),
                "runs" => {
                    for entry in self.entries(&entry.value, "runs") {
                        let _inside = self.inside(&entry.key);
                        match entry.key.as_str() {
                            "using" => {
                                using = self.text(&entry.value);
                                if using != "composite" {
                                    let message =
                                        format!("an action that uses `{using}` is not run here");
                                    self.fault(entry.at, message);
                                }
                            }
                            "steps" => {
                                action.steps = self.steps(&entry.value, Site::ActionStep);
                            }
                            // Of other kinds, which `using` tells.
                            _ if using != "composite" => {}
                            _ => self.unknown("runs", entry),
                        }
                    }
                }
                _ => self.unknown("an action", entry),
            }
        }
        if using.is_empty() {
            self.fault(document.at, "an action needs `runs.using`");
        }
        action
    }

    fn action_inputs(&self, node: &Node) -> Vec<ActionInput> {
        let mut found = Vec::new();
        for declared in self.entries(node, "inputs") {
            let _inside = self.inside(&declared.key);
            let mut input = ActionInput { name: declared.key.clone(), default: None };
            for entry in self.entries(&declared.value, "an input") {
                match entry.key.as_str() {
                    // GitHub does not hold an action's caller to `required`.
                    "description" | "deprecationMessage" | "required" | "type" | "options" => {}
                    "default" => {
                        input.default = Some(self.template(&entry.value, Site::ActionStep));
                    }
                    _ => self.unknown("an input", entry),
                }
            }
            found.push(input);
        }
        found
    }

    fn action_outputs(&self, node: &Node) -> Texts {
        let mut found = Vec::new();
        for output in self.entries(node, "outputs") {
            let _inside = self.inside(&output.key);
            for entry in self.entries(&output.value, "an output") {
                match entry.key.as_str() {
                    "description" => {}
                    "value" => {
                        let value = self.template(&entry.value, Site::ActionOutputs);
                        found.push((output.key.clone(), value));
                    }
                    _ => self.unknown("an output", entry),
                }
            }
        }
        found
    }
}
