//! The stacks that Terraform makes (`aws_cloudformation_stack`): what the template makes is of
//! the estate, as if it stood among the templates. One whose template or whose account is not
//! known stays what is not read.

use std::collections::BTreeMap;

use super::complete::Setting;
use super::deployed;
use super::estate::Estate;
use super::templates::{self, Place};
use crate::lint::known::{Node, Value};
use crate::lint::read::{Read, read};
use crate::lint::terraform::Resource;

const KIND: &str = "aws_cloudformation_stack";

/// A stack that a file of Terraform's makes.
pub(super) struct Given {
    /// What it is called among all files.
    address: String,
    /// Its template.
    template: Node,
    /// Where it is made.
    setting: Setting,
}

impl Given {
    /// Of a resource, where its template is known.
    pub(super) fn of(resource: &Resource, address: String, setting: &Setting) -> Option<Self> {
        if resource.kind != KIND || resource.is_data {
            return None;
        }
        let values = &resource.values;
        // Of one that is read from a bucket the plan has what was there before.
        if values.get("template_url").is_some_and(Node::is_something) {
            return None;
        }
        let written = values.get("template_body").and_then(Node::text)?;
        let Ok(Read::Template { root: mut template, .. }) = read(written) else { return None };
        let parameters = parameters(&template, values.get("parameters"));
        deployed::set(&mut template, &parameters);
        Some(Self { address, template, setting: setting.at(resource) })
    }

    /// Adds what it makes.
    ///
    /// # Errors
    /// As of templates.
    pub(super) fn add(self, estate: &mut Estate) -> Result<(), String> {
        let Self { address, template, setting: Setting { partition, account, region, .. } } = self;
        let place = match (partition, account) {
            (Some(partition), Some(account)) => Place { partition, account, region },
            _ => match estate.place_of_templates() {
                Some(place) => place,
                None => return Ok(()),
            },
        };
        let before = std::mem::take(&mut estate.entries);
        let is_new = |name: &String| name.starts_with(RESOURCES);
        let (apart, rest) = before.into_iter().partition(|(name, _)| is_new(name));
        estate.entries = rest;
        let added = templates::add(&template, &place, estate);
        added.map_err(|message| format!("{address}: {message}"))?;
        // Two stacks may call what they make alike.
        let names: Vec<String> = estate.entries.keys().filter(|it| is_new(it)).cloned().collect();
        for name in names {
            let Some(mut entry) = estate.entries.remove(&name) else { continue };
            let of = |why: &str| format!("{address}: {why}");
            entry.unknown = entry.unknown.iter().map(|why| of(why)).collect();
            entry.unread.iter_mut().for_each(|one| one.why = of(&one.why));
            let called = of(&name);
            if estate.permissions.remove(&name) {
                estate.permissions.insert(called.clone());
            }
            estate.entries.insert(called, entry);
        }
        estate.entries.extend::<BTreeMap<_, _>>(apart);
        // It stands for itself now.
        estate.entries.remove(&address);
        Ok(())
    }
}

/// How the names of what a template's resources say begin.
const RESOURCES: &str = "Resources.";

/// The parameters of a template that do not have their defaults, each as far as it is known.
fn parameters(template: &Node, given: Option<&Node>) -> BTreeMap<String, Option<String>> {
    let own = template.get("Parameters").map(Node::members).unwrap_or_default();
    let Some(given) = given.filter(|node| node.is_something()) else { return BTreeMap::new() };
    let value = |name: &str| match &given.value {
        // Whether it is given at all is not known.
        Value::Unknown => Some(None),
        _ => {
            let text = given.get(name)?.text().filter(|text| *text != deployed::MASKED);
            Some(text.map(str::to_owned))
        }
    };
    own.iter().filter_map(|one| Some((one.key.clone(), value(&one.key)?))).collect()
}
