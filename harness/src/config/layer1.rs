//! Layer 1: the root modules of the platform team's Terraform, and its templates of
//! CloudFormation, in the order in which they are applied.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use toml::Spanned;

use super::schema::{self, App};
use super::value::Repository;

/// A root module of the platform team's Terraform, or a template.
#[derive(Debug, Clone, Default)]
pub struct Layer1 {
    /// What others call it; default the last part of its directory, of a template the
    /// file's name without its ending.
    pub name: Option<Spanned<String>>,
    /// Its directory; of a template the one that it lies in.
    pub directory: PathBuf,
    /// The template of CloudFormation that it is, where it is no root module.
    pub template: Option<StackTemplate>,
    /// The workspace that it is applied in; default Terraform's own.
    pub workspace: Option<String>,
    /// Files with values of its variables, beside those that Terraform reads by
    /// itself; a later one wins.
    pub var_files: Vec<PathBuf>,
    /// Its variables, as TOML values; they win over all files. Of a template its
    /// parameters.
    pub variables: BTreeMap<String, toml::Value>,
    /// The root modules whose states it reads, where that does not show in the
    /// files: by the address of the data source, or by the state's key.
    pub reads: BTreeMap<String, Spanned<String>>,
    /// Its files that were added to make it whole, where it came from
    /// elsewhere: what these alone define is reported as undefined.
    pub completions: Vec<PathBuf>,
    /// Attributes that it leaves to others, beside those that its own
    /// `lifecycle.ignore_changes` name: `aws_lambda_function.app.tags`.
    pub ignore_changes: Vec<IgnoredAttribute>,
    /// The role of the pipeline that applies it; without, root does.
    pub role: Option<Pipeline>,
    /// The account that it is applied in, by its id or the name of one of
    /// `[[accounts]]`; default the one under test.
    pub account: Option<Spanned<String>>,
}

/// A template of CloudFormation, or of SAM without code of its own.
#[derive(Debug, Clone)]
pub struct StackTemplate {
    /// The file.
    pub file: PathBuf,
    /// Where the configuration names it.
    pub(super) at: usize,
    /// The stack's name; default what others call the template.
    pub stack: Option<Spanned<String>>,
}

/// Whether CloudFormation takes a name for a stack's
/// (<https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStack.html>).
pub(crate) fn is_stack_name(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let begins = name.starts_with(|c: char| c.is_ascii_alphabetic());
    begins && name.chars().all(fits) && name.len() <= 128
}

impl StackTemplate {
    /// What its stack is called.
    pub fn stack_name(&self, layer1: &Layer1) -> String {
        self.stack.as_ref().map_or_else(|| layer1.name(), |name| name.get_ref().clone())
    }
}

/// What a Layer 1 is written in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    #[default]
    Terraform,
    CloudFormation,
}

/// The fields as they stand in the file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default)]
    kind: Kind,
    #[serde(default)]
    name: Option<Spanned<String>>,
    #[serde(default)]
    directory: Option<PathBuf>,
    #[serde(default)]
    template: Option<Spanned<PathBuf>>,
    #[serde(default)]
    stack: Option<Spanned<String>>,
    #[serde(default)]
    workspace: Option<String>,
    #[serde(default)]
    var_files: Vec<PathBuf>,
    #[serde(default)]
    variables: BTreeMap<String, toml::Value>,
    #[serde(default)]
    reads: BTreeMap<String, Spanned<String>>,
    #[serde(default)]
    completions: Vec<PathBuf>,
    #[serde(default)]
    ignore_changes: Vec<IgnoredAttribute>,
    #[serde(default)]
    role: Option<Pipeline>,
    #[serde(default)]
    account: Option<Spanned<String>>,
}

impl Written {
    /// The template, where it is one; each kind has its own fields.
    fn template(&self) -> Result<Option<StackTemplate>, String> {
        let of_terraform = [
            ("directory", self.directory.is_some()),
            ("workspace", self.workspace.is_some()),
            ("var_files", !self.var_files.is_empty()),
            ("reads", !self.reads.is_empty()),
            ("completions", !self.completions.is_empty()),
            ("account", self.account.is_some()),
        ];
        let of_stacks = [("template", self.template.is_some()), ("stack", self.stack.is_some())];
        let (others, kind) = match self.kind {
            Kind::Terraform => (of_stacks.as_slice(), "terraform"),
            Kind::CloudFormation => (of_terraform.as_slice(), "cloudformation"),
        };
        if let Some((field, _)) = others.iter().find(|(_, given)| *given) {
            return Err(format!("`{field}` has no meaning in a Layer 1 of the kind `{kind}`"));
        }
        match (self.kind, &self.template, &self.directory) {
            (Kind::CloudFormation, Some(file), _) => {
                let (at, file) = (file.span().start, file.get_ref().clone());
                Ok(Some(StackTemplate { file, at, stack: self.stack.clone() }))
            }
            (Kind::CloudFormation, None, _) => Err("missing field `template`".to_owned()),
            (Kind::Terraform, _, Some(_)) => Ok(None),
            (Kind::Terraform, _, None) => Err("missing field `directory`".to_owned()),
        }
    }
}

impl<'de> Deserialize<'de> for Layer1 {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let written = Written::deserialize(from)?;
        let template = written.template().map_err(D::Error::custom)?;
        Ok(Self {
            name: written.name,
            directory: written.directory.unwrap_or_default(),
            template,
            workspace: written.workspace,
            var_files: written.var_files,
            variables: written.variables,
            reads: written.reads,
            completions: written.completions,
            ignore_changes: written.ignore_changes,
            role: written.role,
            account: written.account,
        })
    }
}

/// The role of the pipeline that applies a root module, and the workflow whose
/// token it is assumed with.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pipeline {
    /// The role's ARN, or an output or resource of what was applied before.
    pub output: Spanned<String>,
    /// The repository of the workflow.
    pub repository: Repository,
    /// The workflow in it; default `.github/workflows/deploy.yml`.
    #[serde(default = "schema::workflow")]
    pub workflow: PathBuf,
    /// The issuer of its tokens, by URL, of the kind `github` or `oidc`; needed where there
    /// is more than one.
    #[serde(default)]
    pub issuer: Option<Spanned<String>>,
    /// The `sub` of its tokens, where its issuer is of the kind `oidc`.
    #[serde(default)]
    pub subject: Option<Spanned<String>>,
    /// The organisation's id, as in an immutable `sub`.
    #[serde(default)]
    pub owner_id: Option<u64>,
    /// The repository's id.
    #[serde(default)]
    pub repository_id: Option<u64>,
    /// Whether `sub` carries the ids.
    #[serde(default)]
    pub immutable_subject: bool,
    /// The ref that the workflow runs on; default `refs/heads/main`.
    #[serde(default = "schema::main_branch", rename = "ref")]
    pub git_ref: String,
    /// The deployment environment in the token; default none.
    #[serde(default)]
    pub environment: Option<String>,
}

impl Pipeline {
    /// What reports call the pipeline of a root module.
    pub fn named(root: &str) -> String {
        format!("pipeline-{root}")
    }

    /// Its repository, as that of an app whose template nobody deploys.
    pub fn app(&self, root: &str) -> App {
        App {
            name: Spanned::new(self.output.span(), Self::named(root)),
            directory: PathBuf::new(),
            workflow: self.workflow.clone(),
            repository: self.repository.clone(),
            issuer: self.issuer.clone(),
            subject: self.subject.clone(),
            owner_id: self.owner_id,
            repository_id: self.repository_id,
            immutable_subject: self.immutable_subject,
            git_ref: self.git_ref.clone(),
            event: None,
            inputs: BTreeMap::new(),
            vars: BTreeMap::new(),
            vars_from_outputs: BTreeMap::new(),
            secrets: BTreeMap::new(),
            secrets_from_outputs: BTreeMap::new(),
        }
    }
}

impl Layer1 {
    /// The root module of a directory, with nothing else said of it.
    pub fn at(directory: PathBuf) -> Self {
        Self { directory, ..Self::default() }
    }

    /// Whether it is a root module of Terraform.
    pub fn is_terraform(&self) -> bool {
        self.template.is_none()
    }

    /// What is under test of it: the directory of a root module, or the template.
    pub fn source(&self) -> &Path {
        self.template.as_ref().map_or(&self.directory, |template| &template.file)
    }

    /// What others call it.
    pub fn name(&self) -> String {
        let own = self.name.as_ref().map(|name| name.get_ref().clone());
        let of_template = || {
            let stem = self.template.as_ref()?.file.file_stem()?;
            Some(stem.to_string_lossy().into_owned())
        };
        own.or_else(of_template).unwrap_or_else(|| {
            let real = self.directory.canonicalize().unwrap_or_else(|_| self.directory.clone());
            real.file_name().unwrap_or_default().to_string_lossy().into_owned()
        })
    }
}

/// `[layer1]`, or `[[layer1]]` once or more.
pub(super) fn one_or_several<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Layer1>, D::Error> {
    struct Layers;

    impl<'de> Visitor<'de> for Layers {
        type Value = Vec<Layer1>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("[layer1] or [[layer1]]")
        }

        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
            Ok(vec![Layer1::deserialize(MapAccessDeserializer::new(map))?])
        }

        fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
            Vec::deserialize(SeqAccessDeserializer::new(seq))
        }
    }

    from.deserialize_any(Layers)
}

/// An attribute that Layer 1 leaves to others: `TYPE.NAME.ATTRIBUTE` of one of
/// its resources; `all` stands for every attribute.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct IgnoredAttribute {
    /// The resource's type.
    pub kind: String,
    /// Its name in the configuration.
    pub name: String,
    /// The attribute.
    pub attribute: String,
}

impl FromStr for IgnoredAttribute {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts: Vec<&str> = text.split('.').collect();
        match parts.as_slice() {
            [kind, name, attribute] if parts.iter().all(|part| !part.is_empty()) => Ok(Self {
                kind: (*kind).to_owned(),
                name: (*name).to_owned(),
                attribute: (*attribute).to_owned(),
            }),
            _ => Err(format!("`{text}` is not TYPE.NAME.ATTRIBUTE of a resource")),
        }
    }
}

impl TryFrom<String> for IgnoredAttribute {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl fmt::Display for IgnoredAttribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.kind, self.name, self.attribute)
    }
}
