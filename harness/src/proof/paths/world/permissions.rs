//! The policies of functions: all permissions on each together.

use std::collections::BTreeMap;
use std::sync::Arc;

use ringfence_policy::{Document, DocumentError, Kind, Wildcard};
use serde_json::{Value as Json, json};

use super::Thing;
use crate::access::estate::Estate;
use crate::proof::paths::read::names;

/// The permissions that let in others than services, by the functions that they are on.
pub(super) struct Permissions<'e> {
    exact: BTreeMap<String, Vec<&'e Arc<Document>>>,
    /// Those on what a pattern covers.
    patterns: Vec<(Wildcard, &'e Arc<Document>)>,
}

impl<'e> Permissions<'e> {
    pub(super) fn of(estate: &'e Estate) -> Self {
        let mut all = Self { exact: BTreeMap::new(), patterns: Vec::new() };
        let entries = estate.permissions.iter().filter_map(|name| estate.entries.get(name));
        let documents = entries.filter_map(|entry| entry.policies.resource.as_ref());
        for document in documents.filter(|one| names(one, "AWS")) {
            for resource in resources(document) {
                match resource.contains(['*', '?']) {
                    true => all.patterns.push((Wildcard::of_text(&resource), document)),
                    false => all.exact.entry(resource).or_default().push(document),
                }
            }
        }
        all
    }

    /// Gives a function what the permissions on it say.
    pub(super) fn put(&self, function: &mut Thing) {
        let exact = self.exact.get(&function.arn).into_iter().flatten().copied();
        let patterns = self.patterns.iter();
        let patterns = patterns.filter(|(pattern, _)| pattern.matches(&function.arn));
        let own: Vec<&Arc<Document>> =
            exact.chain(patterns.map(|(_, document)| *document)).collect();
        function.policy = match own.as_slice() {
            [] => None,
            [only] => Some((*only).clone()),
            all => match together(&function.name, all) {
                Ok(policy) => Some(policy),
                Err(error) => {
                    let what = format!("the permissions on {}: {error}", function.name);
                    function.open = Some(what);
                    None
                }
            },
        };
        function.names_identities = function.policy.is_some();
    }
}

fn resources(document: &Document) -> Vec<String> {
    let text = statements(document).into_iter();
    text.filter_map(|one| one.get("Resource")?.as_str().map(str::to_owned)).collect()
}

fn statements(document: &Document) -> Vec<Json> {
    let text: Json = serde_json::from_str(document.text()).unwrap_or_default();
    text.get("Statement").and_then(Json::as_array).cloned().unwrap_or_default()
}

/// The statements of several, each called as the permission that it is of.
fn together(function: &str, all: &[&Arc<Document>]) -> Result<Arc<Document>, DocumentError> {
    let all: Vec<Json> = all.iter().flat_map(|one| statements(one)).collect();
    let text = json!({"Version": "2012-10-17", "Statement": all}).to_string();
    let name = format!("the permissions on {function}");
    Document::parse(name, &text, Kind::Resource).map(Arc::new)
}
