//! Policies that stand in resources, or are one of a resource, each by itself.

use std::sync::Arc;

use ringfence_policy::{Document, Kind};
use serde_json::{Value as Json, json};

use super::bounded;
use super::denies::Denies;
use super::estate::Entry;
use super::grants::{self, Beside, Grant, Unread};
use super::own;
use super::partial::Part;
use super::plan::{Plan, Written, document_of, in_part};
use super::stands::Replaced;
use crate::lint::known::{Node, Value};
use crate::lint::terraform::{DOCUMENTS, Resource, organization_type};

impl Plan<'_, '_> {
    /// Any other resource's policies and grants, each by itself.
    pub(super) fn standing(&mut self, resource: &Resource) -> Result<(), String> {
        let of_type = DOCUMENTS.iter().filter(|(kind, ..)| *kind == resource.kind);
        let name = self.called(resource);
        for (_, attribute, kind) in of_type {
            let values = &resource.values;
            let of_organization = values.get("type").and_then(Node::text);
            let differs =
                organization_type(*kind).is_some_and(|name| of_organization != Some(name));
            let is_needed = is_needed(&resource.kind);
            let Some(node) = values.get(attribute).filter(|node| is_needed || node.is_something())
            else {
                continue;
            };
            if differs {
                continue;
            }
            let open = match self.is_replaced(resource) {
                Replaced::No => self.is_destroyed(resource),
                Replaced::Yes => continue,
                Replaced::Maybe(why) => Some(why),
            };
            self.make(&name)?;
            if *kind == Kind::Resource
                && let Some(restricts) = self.restricts(resource)
            {
                self.estate.entry(&name).restricts = Some(restricts);
            }
            if let Some(why) = open {
                let unread = Unread::of(resource, why, "");
                let node = self.with_names(&own::whole(resource, &self.own.resources, node));
                let document = document_of(&name, attribute, Some(&node), *kind).ok().flatten();
                let denies = self.denies(resource, (&name, attribute, *kind), document.as_ref());
                let entry = self.estate.entry(&name);
                entry.denies = denies.unsure();
                entry.unknown.insert(unread.why.clone());
                entry.unread.push(unread);
                continue;
            }
            let node = &self.with_names(&own::whole(resource, &self.own.resources, node));
            let document = document_of(&name, attribute, Some(node), *kind)?;
            let at = (self.file, resource.address.clone());
            let overwritten = self.overwritten.get(&at).filter(|_| *kind == Kind::Resource);
            if let Some(why) = overwritten.cloned() {
                // Each may be there: what it allows may count, and what it denies may keep back.
                let of = (name.as_str(), *attribute, *kind);
                let denies = self.denies(resource, of, document.as_ref()).unsure();
                let written = document.and_then(|it| serde_json::from_str::<Json>(it.text()).ok());
                let part = written.map(Part::from);
                let part = part.as_ref().or_else(|| self.own.part(resource, attribute));
                let allows = part.and_then(bounded::grants);
                let unread = Unread::of(resource, why.clone(), "").known_in_part(allows);
                let entry = self.estate.entry(&name);
                entry.denies = denies;
                entry.unknown.insert(why);
                entry.unread.push(unread);
                continue;
            }
            match document {
                Some(document) => {
                    let document = Arc::unwrap_or_clone(document);
                    let added = self.estate.add(&name, document);
                    added.map_err(|error| error.to_string())?;
                }
                None => {
                    let part = self.own.part(resource, attribute);
                    match kind {
                        Kind::Identity => {
                            let written = Written { node: Some(node), part };
                            match self.in_part(&name, &written, *kind)? {
                                Some((why, bounded)) => {
                                    self.estate.entry(&name).add_bounded(why, bounded);
                                }
                                None => {
                                    let why = self.why_unknown(&name, attribute, part);
                                    self.estate.entry(&name).unknown.insert(why);
                                }
                            }
                        }
                        Kind::Resource => {
                            let allows = part.and_then(bounded::grants);
                            let why = match part.filter(|_| allows.is_some()) {
                                Some(part) => in_part(&name, attribute, part),
                                None => self.why_unknown(&name, attribute, part),
                            };
                            let unread = Unread::of(resource, why.clone(), "");
                            let denies = self.denies(resource, (&name, attribute, *kind), None);
                            let entry = self.estate.entry(&name);
                            entry.denies = denies;
                            entry.unknown.insert(why);
                            entry.unread.push(unread.known_in_part(allows));
                        }
                        _ => {
                            let why = self.why_unknown(&name, attribute, part);
                            self.estate.entry(&name).unknown.insert(why);
                        }
                    }
                }
            }
        }
        self.granted(resource, &name)
    }

    /// What the policy of a resource denies that is called so, in an attribute: where the
    /// document is not known, as far as a part of it is.
    fn denies(
        &self,
        resource: &Resource,
        (name, attribute, kind): (&str, &str, Kind),
        document: Option<&Arc<Document>>,
    ) -> Denies {
        if kind != Kind::Resource {
            return Denies::default();
        }
        let own = own::of(resource, &self.own.resources);
        let about = grants::actions(&resource.kind);
        match document {
            Some(document) => Denies::of(document, own.as_deref(), &about, true),
            None => {
                let part = self.own.part(resource, attribute);
                Denies::in_part(name, part, own.as_deref(), &about, true)
            }
        }
    }

    /// What a resource grants without a document.
    fn granted(&mut self, resource: &Resource, name: &str) -> Result<(), String> {
        let files = self.files.iter().map(|file| file.resources.as_slice()).collect();
        let setting = &self.own.setting().at(resource);
        let beside = Beside { setting, own: &self.own.resources, files };
        for grant in grants::of(resource, &beside) {
            // Its policy stands under its own name, and what is known apart from what is not.
            let names = ["", "grants of ", "further grants of "].map(|of| format!("{of}{name}"));
            let has = |own: &String| self.estate.entries.get(own).is_some_and(Entry::has_document);
            let [.., last] = &names;
            let own = names.iter().find(|own| !has(own)).unwrap_or(last).clone();
            self.make(&own)?;
            match grant {
                Grant::Statements(statements) => {
                    let text = json!({"Version": "2012-10-17", "Statement": statements});
                    let text = Node::new(resource.values.at, Value::Text(text.to_string()));
                    let document = document_of(name, "grants", Some(&text), Kind::Resource)?;
                    self.estate.entry(&own).policies.resource = document;
                    if resource.kind == "aws_lambda_permission" {
                        self.estate.permissions.insert(own);
                    }
                }
                Grant::Unread(unread) => {
                    let entry = self.estate.entry(&own);
                    entry.unknown.insert(unread.why.clone());
                    entry.unread.push(unread);
                }
            }
        }
        Ok(())
    }
}

/// Whether a resource is nothing but its policy. An endpoint's may be left out: AWS gives
/// it one.
fn is_needed(kind: &str) -> bool {
    kind.ends_with("_policy") && kind != "aws_vpc_endpoint_policy"
}
