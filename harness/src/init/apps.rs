//! Repositories whose workflow deploys.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::facts::Facts;
use super::stacks::Template;
use super::text::{Text, quoted};
use super::users::{self, StaticKey};
use super::workflows::{USUAL, Workflow};
use crate::doctor::Found;
use crate::hcl::Value;

/// A repository.
#[derive(Debug)]
pub(super) struct App {
    pub(super) name: String,
    directory: PathBuf,
    workflow: PathBuf,
    /// `ORG/NAME`, and where it was found.
    repository: Option<(String, String)>,
    /// The values that name the repository.
    pub(super) object: Option<Value>,
    vars: BTreeSet<String>,
    secrets: BTreeSet<String>,
    /// The key that its workflow deploys with, where it has one.
    pub(super) key: Option<StaticKey>,
}

impl App {
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    /// `ORG/NAME`, where it is known.
    pub(super) fn repository_name(&self) -> Option<&str> {
        self.repository.as_ref().map(|(name, _)| name.as_str())
    }

    /// Takes what a template of the platform's says of the repository, where nothing else
    /// does.
    pub(super) fn known_by(&mut self, template: &Template) {
        if self.repository.is_none() {
            self.repository = template.repository(&self.name);
        }
    }

    /// Whether enough is known of it for the file.
    pub(super) fn is_written(&self) -> bool {
        self.repository.is_some()
    }
}

pub(super) fn find(found: &Found, facts: &Facts, all: &[&Facts]) -> Vec<App> {
    let mut chosen: Vec<(PathBuf, Workflow)> = Vec::new();
    for path in &found.workflows {
        let Some(workflow) = Workflow::deploying(path) else { continue };
        let Some(directory) = path.ancestors().nth(3) else { continue };
        // One workflow of a repository.
        match chosen.iter_mut().find(|(other, _)| other == directory) {
            Some((_, known)) if workflow.rank > known.rank => *known = workflow,
            Some(_) => {}
            None => chosen.push((directory.to_owned(), workflow)),
        }
    }
    chosen.iter().map(|(directory, workflow)| app(directory, workflow, facts, all)).collect()
}

fn app(directory: &Path, workflow: &Workflow, facts: &Facts, all: &[&Facts]) -> App {
    let real = directory.canonicalize().unwrap_or_else(|_| directory.to_owned());
    let name = real.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let object = facts.objects().into_iter().map(|(_, object)| object).find(|object| {
        let repository = object.get("repository").and_then(Value::text).unwrap_or_default();
        repository.rsplit('/').next() == Some(&name)
    });
    let named = object.as_ref().and_then(|object| object.get("repository")?.text());
    let repository = match named {
        Some(named) => Some((named.to_owned(), "the values of Layer 1".to_owned())),
        None => remote(&real)
            .map(|named| (named, "the remote `origin`".to_owned()))
            .or_else(|| trusted(all, &name)),
    };
    App {
        name,
        directory: directory.to_owned(),
        workflow: workflow.path.strip_prefix(directory).unwrap_or(&workflow.path).to_owned(),
        repository,
        object,
        vars: workflow.asked("vars."),
        // GitHub gives this one to each run.
        // <https://docs.github.com/en/actions/concepts/security/github_token>
        secrets: workflow.asked("secrets.").into_iter().filter(|it| it != "GITHUB_TOKEN").collect(),
        key: StaticKey::of(&workflow.text),
    }
}

/// The repository of this name whose tokens a trust policy lets in, where it is one.
fn trusted(all: &[&Facts], name: &str) -> Option<(String, String)> {
    let named = all.iter().flat_map(|facts| facts.repositories());
    let mut found: Vec<(String, String)> =
        named.filter(|(it, _)| it.rsplit('/').next() == Some(name)).collect();
    found.dedup_by(|one, other| one.0 == other.0);
    match found.len() {
        1 => found.pop(),
        _ => None,
    }
}

/// `ORG/NAME` of a repository's own remote.
fn remote(directory: &Path) -> Option<String> {
    let text = fs::read_to_string(directory.join(".git/config")).ok()?;
    let rest = text.split("[remote \"origin\"]").nth(1)?;
    let url = rest.lines().find_map(|line| line.trim().strip_prefix("url = "))?;
    let path = url.trim_end_matches(".git").rsplit("github.com").next()?;
    let path = path.trim_start_matches([':', '/']);
    (path.split('/').count() == 2).then(|| path.to_owned())
}

/// What the values of variables are taken from.
#[derive(Clone, Copy)]
pub(super) enum Outputs<'o> {
    Of(&'o Facts),
    Templates(&'o [Template]),
}

impl Outputs<'_> {
    fn of(self, variable: &str) -> Option<String> {
        match self {
            Self::Of(facts) => output(variable, facts).map(str::to_owned),
            Self::Templates(all) => all.iter().find_map(|template| template.output(variable)),
        }
    }
}

pub(super) fn write(text: &mut Text, apps: &[App], outputs: Outputs<'_>) {
    for (number, app) in apps.iter().enumerate() {
        let directory = text.path(&app.directory);
        if apps.iter().take(number).any(|other| other.name == app.name) {
            text.open(&format!(
                "[[apps]] directory = {}: another app is named {} already",
                quoted(&directory),
                quoted(&app.name)
            ));
            text.blank();
            continue;
        }
        let Some((repository, place)) = &app.repository else {
            text.open(&format!(
                "[[apps]] name = {}, directory = {}: its `repository` (ORG/NAME) is not known",
                quoted(&app.name),
                quoted(&directory)
            ));
            text.blank();
            continue;
        };
        text.table("[[apps]]");
        text.field("name", &quoted(&app.name), "");
        text.field("directory", &quoted(&directory), "");
        if app.workflow != Path::new(USUAL) {
            text.field("workflow", &quoted(&app.workflow.to_string_lossy()), "");
        }
        text.field("repository", &quoted(repository), place);
        ids(text, app, place);
        variables(text, app, outputs);
        let given = match outputs {
            Outputs::Of(facts) => users::secrets(text, facts, apps, app),
            Outputs::Templates(_) => Vec::new(),
        };
        for secret in app.secrets.iter().filter(|it| !given.contains(it)) {
            text.open(&format!("secrets.{secret} = …: the workflow asks for it"));
        }
        text.blank();
    }
}

/// The ids of a repository whose tokens carry them.
fn ids(text: &mut Text, app: &App, place: &str) {
    let id = |name: &str| app.object.as_ref()?.get(name)?.text()?.parse::<u64>().ok();
    if let (Some(owner), Some(repository)) = (id("owner_id"), id("repository_id")) {
        text.field("owner_id", &owner.to_string(), place);
        text.field("repository_id", &repository.to_string(), place);
        text.field("immutable_subject", "true", "Layer 1 knows the ids");
    }
}

fn variables(text: &mut Text, app: &App, outputs: Outputs<'_>) {
    let mut found = Vec::new();
    let mut given = Vec::new();
    for name in &app.vars {
        match outputs.of(name) {
            Some(output) => found.push(format!("{name} = {}", quoted(&output))),
            // Templates give it to themselves, and to nobody else.
            None if matches!(outputs, Outputs::Templates(_)) && name.contains("ACCOUNT") => {
                given.push(format!("{name} = {}", quoted(super::ACCOUNT)));
            }
            None => text.open(&format!("vars.{name} = …: the workflow asks for it")),
        }
    }
    if !given.is_empty() {
        text.field("vars", &format!("{{ {} }}", given.join(", ")), "the account's id");
    }
    if !found.is_empty() {
        let value = format!("{{ {} }}", found.join(", "));
        text.field("vars_from_outputs", &value, &app.workflow.to_string_lossy());
    }
}

/// The output that a variable of a workflow means: by its name, or by what it
/// is.
fn output<'f>(variable: &str, facts: &'f Facts) -> Option<&'f str> {
    let name = variable.to_lowercase();
    let named = facts.output_names().into_iter().find(|output| *output == name);
    named.or_else(|| {
        if name.contains("account") {
            facts.account_output()
        } else if name.contains("bucket") {
            facts.output_of("aws_s3_bucket", &["id", "bucket"]).first().map(|it| it.output)
        } else {
            None
        }
    })
}
