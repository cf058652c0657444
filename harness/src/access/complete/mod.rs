//! What a plan does not say and its names and sources determine.
//!
//! - [`resources`]: the resources of a plan or a state, completed;
//! - `names`: ARNs and ids from names, by AWS's formats;
//! - `defaults`: what AWS gives where nothing is said;
//! - `setting`: the account, the partition and the region of a plan;
//! - `source`, `evaluate`, `functions`: the configuration that a plan is of, and the
//!   values of its expressions as far as the plan determines them;
//! - `found`: what a traversal leads to, of which not all may be known; `calls`: calls that
//!   hang on how their arguments are written; `tried`: what fails, and what counts then;
//! - `modules`: what the modules that are called give out;
//! - `json`: the same of `*.tf.json`;
//! - `part`: parts of values that are not known as a whole; `sets`: what is a set;
//! - `types`: what a variable makes of a value by its type;
//! - `fill`, `blocks`, `agree`: those values where the plan leaves them open and agrees with
//!   the rest;
//! - `named`: what is not known and is one attribute of one resource;
//! - `documents`: `aws_iam_policy_document` as the text that it becomes;
//! - `partly`: policies that are known in part.
//!
//! What AWS chooses (the id of a network, of an API) is taken for a text that is
//! nowhere else in the files. What remains is not known.

#[cfg(test)]
mod against;
mod agree;
mod blocks;
mod calls;
mod defaults;
mod documents;
mod evaluate;
mod fill;
mod found;
mod functions;
mod json;
mod modules;
mod named;
mod names;
mod part;
mod partly;
mod sets;
mod setting;
mod source;
mod tried;
mod types;

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use serde_json::Value;

use crate::lint::known::Node;
use crate::lint::terraform::{self, Links, Resource};

pub(super) use agree::tree;
pub(super) use named::Names;
pub(super) use names::{UNKNOWN, is_chosen};
pub(super) use partly::Parts;
pub(super) use setting::Setting;
pub(super) use source::Source;

/// What tells the resources of a file from those of others that count together with it.
#[derive(Debug, Default)]
pub(super) struct Apart {
    /// What the file is called.
    pub(super) name: String,
    /// The addresses that several files have.
    pub(super) several: Rc<BTreeSet<String>>,
}

impl Apart {
    /// A resource's address, behind the file's name where another file has the same.
    pub(super) fn called(&self, address: &str) -> String {
        match self.several.contains(address) {
            true => format!("{}/{address}", self.name),
            false => address.to_owned(),
        }
    }
}

/// Each round may determine what others refer to; a chain is no longer.
const ROUNDS: usize = 8;

/// A plan or a state with what is determined.
pub(super) struct Completed {
    pub(super) resources: Vec<Resource>,
    /// Who refers to whom.
    pub(super) links: Links,
    /// What is one attribute of one resource, by the files.
    pub(super) names: Names,
    /// The policies of which a part is known.
    pub(super) parts: Parts,
    /// The outputs that are known.
    pub(super) outputs: BTreeMap<String, Value>,
    /// What ARNs have in common.
    pub(super) setting: Setting,
    /// The data sources that were read before.
    pub(super) read: Vec<Resource>,
    /// Whether it is a plan whose Terraform files are not there: of an expression it says
    /// to what it refers, and not what it makes of it.
    pub(super) is_alone: bool,
}

/// The resources of a plan or a state, with what is determined.
pub(super) fn resources(
    root: &mut Node,
    source: Option<&Source>,
    apart: &Apart,
    known: &Setting,
) -> Completed {
    let mut resources = terraform::taken(root);
    let root = &*root;
    let links = Links::of(root, &resources);
    let setting = setting::of(root, &resources, known);
    let read = terraform::read_before(root);
    defaults::complete(root, source, &mut resources, &setting);
    for _ in 0..ROUNDS {
        let before = open(&resources);
        names::complete(&mut resources, &setting, apart);
        if let Some(source) = source {
            fill::complete(root, source, &mut resources, &read);
        }
        documents::complete(&mut resources);
        if open(&resources) == before {
            break;
        }
    }
    let outputs = fill::outputs(root, source, &resources, &read);
    let names = source.map(|source| named::of(root, source, &resources)).unwrap_or_default();
    let parts = source.map(|source| {
        let worlds = fill::worlds(root, source, &resources, &read);
        partly::of(root, &worlds, &resources, &names)
    });
    let parts = parts.unwrap_or_default();
    let is_alone = source.is_none() && root.get("configuration").is_some();
    Completed { resources, links, names, parts, outputs, setting, read, is_alone }
}

/// How many values are not known.
fn open(resources: &[Resource]) -> usize {
    resources.iter().map(|resource| resource.values.open()).sum()
}

/// A value of a file as JSON; `None` where not all of it is known.
pub(super) fn known(node: &Node) -> Option<Value> {
    evaluate::json(node)
}
