//! What is odd about a service: `overrides/SERVICE.toml`, each rule with its
//! source.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::Deserialize;

/// The rules of a service.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Override {
    /// The prefix of its actions, where it is not the signing name.
    pub(crate) iam: Option<Iam>,
    /// The actions of all operations.
    pub(crate) actions: Option<Actions>,
    /// What is so of some operations.
    #[serde(default)]
    pub(crate) operations: Vec<Operations>,
    /// How much a request may bring.
    pub(crate) body: Option<Body>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Iam {
    pub(crate) prefix: String,
    pub(crate) source: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Actions {
    pub(crate) by: By,
    pub(crate) source: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum By {
    /// The action is called as the HTTP method is.
    Method,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Operations {
    pub(crate) names: Vec<String>,
    /// The actions that each needs.
    pub(crate) actions: Option<Vec<String>>,
    /// Whether the service's own host serves them.
    pub(crate) route: Option<bool>,
    pub(crate) source: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Body {
    pub(crate) limit: u64,
    pub(crate) source: String,
}

/// The overrides of a folder, by service.
pub(crate) fn read(folder: &Path) -> BTreeMap<String, Override> {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    paths
        .map(|path| {
            let id = path.file_stem().unwrap().to_str().unwrap().to_owned();
            let rules: Override = toml::from_str(&fs::read_to_string(&path).unwrap())
                .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            for source in rules.sources() {
                assert!(source.starts_with("https://"), "{id}: `{source}` is no source");
            }
            (id, rules)
        })
        .collect()
}

impl Override {
    fn sources(&self) -> impl Iterator<Item = &str> {
        let iam = self.iam.iter().map(|rule| rule.source.as_str());
        let actions = self.actions.iter().map(|rule| match rule.by {
            By::Method => rule.source.as_str(),
        });
        let operations = self.operations.iter().map(|rule| rule.source.as_str());
        let body = self.body.iter().map(|rule| rule.source.as_str());
        iam.chain(actions).chain(operations).chain(body)
    }
}
