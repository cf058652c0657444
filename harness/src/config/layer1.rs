//! Layer 1: the root modules of the platform team's Terraform, in the order in
//! which they are applied.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use toml::Spanned;

use super::schema::{self, App};
use super::value::Repository;

/// A root module of the platform team's Terraform.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Layer1 {
    /// What others call it; default the last part of its directory.
    #[serde(default)]
    pub name: Option<Spanned<String>>,
    /// Its directory.
    pub directory: PathBuf,
    /// The workspace that it is applied in; default Terraform's own.
    #[serde(default)]
    pub workspace: Option<String>,
    /// Files with values of its variables, beside those that Terraform reads by
    /// itself; a later one wins.
    #[serde(default)]
    pub var_files: Vec<PathBuf>,
    /// Its variables, as TOML values; they win over all files.
    #[serde(default)]
    pub variables: BTreeMap<String, toml::Value>,
    /// The root modules whose states it reads, where that does not show in the
    /// files: by the address of the data source, or by the state's key.
    #[serde(default)]
    pub reads: BTreeMap<String, Spanned<String>>,
    /// Its files that were added to make it whole, where it came from
    /// elsewhere: what these alone define is reported as undefined.
    #[serde(default)]
    pub completions: Vec<PathBuf>,
    /// Attributes that it leaves to others, beside those that its own
    /// `lifecycle.ignore_changes` name: `aws_lambda_function.app.tags`.
    #[serde(default)]
    pub ignore_changes: Vec<IgnoredAttribute>,
    /// The role of the pipeline that applies it; without, root does.
    #[serde(default)]
    pub role: Option<Pipeline>,
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
    /// The GitHub issuer of its tokens, by URL; needed where there is more than
    /// one.
    #[serde(default)]
    pub issuer: Option<Spanned<String>>,
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

    /// What others call it.
    pub fn name(&self) -> String {
        let own = self.name.as_ref().map(|name| name.get_ref().clone());
        own.unwrap_or_else(|| {
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
