//! The configuration that a plan is of: the files of the root module, and of the modules
//! that it calls by a path.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use hcl_edit::expr::Expression;
use hcl_edit::structure::{Block, Body};
use serde_json::Value as Json;

use super::types;
use crate::hcl::is_terraform;
use crate::lint::known::Node;

/// A module as it is written.
#[derive(Debug, Default)]
pub(in crate::access) struct Source {
    /// Resources, data sources and calls of modules by address.
    blocks: BTreeMap<String, Block>,
    locals: BTreeMap<String, Expression>,
    outputs: BTreeMap<String, Expression>,
    /// The types of variables, where they say one.
    types: BTreeMap<String, Option<Expression>>,
    /// The modules that are called by a path, by the call's name.
    modules: BTreeMap<String, Self>,
}

/// Modules within modules that are read.
const DEEPEST: usize = 8;

impl Source {
    /// Reads the `*.tf` files of a directory; of what is no Terraform, nothing: the
    /// plan says then what is not known.
    ///
    /// # Errors
    /// When the directory or a file cannot be read.
    pub(in crate::access) fn read(directory: &Path) -> io::Result<Self> {
        Self::read_to(directory, DEEPEST)
    }

    fn read_to(directory: &Path, depth: usize) -> io::Result<Self> {
        let mut source = Self::default();
        let mut paths = Vec::new();
        for entry in fs::read_dir(directory)? {
            let path = entry?.path();
            if is_terraform(&path) && path.is_file() {
                paths.push(path);
            }
        }
        paths.sort();
        for path in paths {
            let text = fs::read_to_string(&path)?;
            let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
            if let Ok(body) = hcl_edit::parser::parse_body(text) {
                source.add(&body);
            }
        }
        // Of a module that cannot be read the plan says what is not known.
        if let Some(depth) = depth.checked_sub(1) {
            let inner = source.calls().into_iter().filter_map(|(name, path)| {
                Some((name, Self::read_to(&directory.join(path), depth).ok()?))
            });
            source.modules = inner.collect();
        }
        Ok(source)
    }

    /// The calls of modules by a path
    /// (<https://developer.hashicorp.com/terraform/language/modules/sources#local-paths>).
    fn calls(&self) -> Vec<(String, String)> {
        let of = |(address, block): (&String, &Block)| {
            let name = address.strip_prefix("module.")?;
            let source = block.body.attributes().find(|one| one.key.as_str() == "source")?;
            let path = source.value.as_str()?;
            let is_path = path.starts_with("./") || path.starts_with("../");
            is_path.then(|| (name.to_owned(), path.to_owned()))
        };
        self.blocks.iter().filter_map(of).collect()
    }

    /// A module that it calls.
    pub(super) fn module(&self, name: &str) -> Option<&Self> {
        self.modules.get(name)
    }

    /// One file's text.
    #[cfg(test)]
    pub(super) fn of(text: &str) -> Self {
        let mut source = Self::default();
        if let Ok(body) = hcl_edit::parser::parse_body(text) {
            source.add(&body);
        }
        source
    }

    fn add(&mut self, body: &Body) {
        for block in body.blocks() {
            let labels: Vec<&str> = block.labels.iter().map(|label| label.as_str()).collect();
            match (block.ident.as_str(), labels.as_slice()) {
                ("resource", [kind, name]) => {
                    self.blocks.insert(format!("{kind}.{name}"), block.clone());
                }
                ("data", [kind, name]) => {
                    self.blocks.insert(format!("data.{kind}.{name}"), block.clone());
                }
                ("module", [name]) => {
                    self.blocks.insert(format!("module.{name}"), block.clone());
                }
                ("locals", []) => {
                    let all = block.body.attributes();
                    self.locals
                        .extend(all.map(|local| (local.key.to_string(), local.value.clone())));
                }
                ("output", [name]) => {
                    let value = block.body.attributes().find(|one| one.key.as_str() == "value");
                    let value = value.map(|value| ((*name).to_owned(), value.value.clone()));
                    self.outputs.extend(value);
                }
                ("variable", [name]) => {
                    let kind = block.body.attributes().find(|one| one.key.as_str() == "type");
                    self.types.insert((*name).to_owned(), kind.map(|kind| kind.value.clone()));
                }
                _ => {}
            }
        }
    }

    /// What a variable is, where it is given a value: of its type; `None` where the files do
    /// not say what that makes of it.
    pub(super) fn converted(&self, variable: &str, value: Json) -> Option<Json> {
        match self.types.get(variable) {
            // Where it stands is not read: a text is one whatever it is.
            None => value.is_string().then_some(value),
            Some(None) => Some(value),
            Some(Some(kind)) => types::converted(kind, value),
        }
    }

    /// The outputs as they are written.
    pub(super) fn outputs(&self) -> impl Iterator<Item = (&String, &Expression)> {
        self.outputs.iter()
    }

    /// Whether it has every resource and every call of a module of a plan's root module,
    /// of which there is one.
    pub(in crate::access) fn is_of(&self, root: &Node) -> bool {
        let of = |name| root.path(&["configuration", "root_module", name]);
        let resources = of("resources").map(Node::items).unwrap_or_default();
        let calls = of("module_calls").map(Node::members).unwrap_or_default();
        let resources = resources.iter().map(|one| one.get("address")?.text().map(str::to_owned));
        let calls = calls.iter().map(|call| Some(format!("module.{}", call.key)));
        let mut all = resources.chain(calls).peekable();
        all.peek().is_some()
            && all.all(|address| address.is_some_and(|it| self.blocks.contains_key(&it)))
    }

    /// A resource or a data source, by its address without an instance's key.
    pub(super) fn block(&self, address: &str) -> Option<&Block> {
        self.blocks.get(address)
    }

    /// A local value as it is written.
    pub(super) fn local(&self, name: &str) -> Option<&Expression> {
        self.locals.get(name)
    }
}
