//! The configuration that a plan is of: the files of the root module, and of the modules
//! that it calls by a path.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::Path;

use hcl_edit::expr::Expression;
use hcl_edit::structure::{Block, Body, Structure};
use hcl_edit::{Ident, parser};
use ringfence_text::{Node as Written, Place};
use serde_json::Value as Json;

use super::{json, types};
use crate::hcl::{Broken, is_terraform};
use crate::lint::known::Node;

/// A module as it is written.
#[derive(Debug, Default)]
pub(in crate::access) struct Source {
    /// Resources, data sources, calls of modules, variables (`var.v`) and outputs
    /// (`output.o`) by address.
    blocks: BTreeMap<String, Block>,
    locals: BTreeMap<String, Expression>,
    /// The modules that are called by a path, by the call's name.
    modules: BTreeMap<String, Self>,
    /// Resources and data sources of `*.tf.json`, in their order with what overrides them:
    /// what of them is a block the plan says.
    open: BTreeMap<String, Vec<Part>>,
    /// The files that cannot be read.
    broken: Vec<Broken>,
}

/// What a file says of a resource or a data source.
#[derive(Debug)]
enum Part {
    Block(Box<Block>),
    Json(Written),
}

/// Modules within modules that are read.
const DEEPEST: usize = 8;

impl Source {
    /// Reads the `*.tf` and `*.tf.json` files of a directory.
    ///
    /// # Errors
    /// When the directory or a file cannot be read. What is not Terraform's language is
    /// among [`Self::broken`].
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
        // Those that override others are merged last.
        paths.sort_by_key(|path| (is_override(path), path.clone()));
        for path in paths {
            if let Err(broken) = source.add_file(&path, fs::read(&path)?) {
                source.broken.push(broken);
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

    fn add_file(&mut self, path: &Path, bytes: Vec<u8>) -> Result<(), Broken> {
        let broken = |at, message: String| Broken { file: path.to_owned(), at, message };
        let text = String::from_utf8(bytes)
            .map_err(|_| broken(Place { line: 1, column: 1 }, "not UTF-8".to_owned()))?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        if path.extension().is_some_and(|end| end == "json") {
            let json::Written { blocks, resources } = json::read(path, text)?;
            blocks.into_iter().for_each(|block| self.add_block(block));
            for (address, node) in resources {
                self.open.entry(address).or_default().push(Part::Json(node));
            }
            return Ok(());
        }
        let body = parser::parse_body(text).map_err(|error| {
            let at = Place { line: error.location().line(), column: error.location().column() };
            broken(at, error.message().trim().replace('\n', "; "))
        })?;
        body.into_blocks().for_each(|block| self.add_block(block));
        Ok(())
    }

    /// The first file of the module, and of those that it calls, that cannot be read.
    pub(in crate::access) fn broken(&self) -> Option<&Broken> {
        let inner = || self.modules.values().find_map(Self::broken);
        self.broken.first().or_else(inner)
    }

    /// Takes the blocks of `*.tf.json` for what a plan's root module says that they are.
    pub(in crate::access) fn fit(&mut self, module: Option<&Node>) {
        let all = module.and_then(|it| it.get("resources")).map(Node::items).unwrap_or_default();
        for (address, parts) in std::mem::take(&mut self.open) {
            let is_it = |one: &&Node| one.get("address").and_then(Node::text) == Some(&address);
            let expressions = all.iter().find(is_it).and_then(|one| one.get("expressions"));
            for part in parts {
                let block = match part {
                    Part::Block(block) => *block,
                    Part::Json(node) => {
                        // Its texts were read before.
                        let Ok(body) = json::of_resource(&node, expressions) else { continue };
                        let mut block = Block::new(Ident::new_sanitized("resource"));
                        block.body = body;
                        block
                    }
                };
                self.put(address.clone(), block);
            }
        }
        for (name, inner) in &mut self.modules {
            inner.fit(module.and_then(|it| it.path(&["module_calls", name, "module"])));
        }
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

    /// The names of the modules that it calls by a path.
    pub(super) fn modules(&self) -> impl Iterator<Item = &str> {
        self.modules.keys().map(String::as_str)
    }

    /// One file's text.
    #[cfg(test)]
    pub(super) fn of(text: &str) -> Self {
        let mut source = Self::default();
        source.add_file(Path::new("main.tf"), text.into()).unwrap();
        source
    }

    fn add_block(&mut self, block: Block) {
        let labels: Vec<&str> = block.labels.iter().map(|label| label.as_str()).collect();
        let address = match (block.ident.as_str(), labels.as_slice()) {
            ("resource", [kind, name]) => format!("{kind}.{name}"),
            ("data", [kind, name]) => format!("data.{kind}.{name}"),
            ("module", [name]) => format!("module.{name}"),
            ("variable", [name]) => format!("var.{name}"),
            ("output", [name]) => format!("output.{name}"),
            ("locals", []) => {
                let all = block.body.attributes();
                self.locals.extend(all.map(|local| (local.key.to_string(), local.value.clone())));
                return;
            }
            _ => return,
        };
        match self.open.get_mut(&address) {
            // It overrides what stands in a `*.tf.json`.
            Some(parts) => parts.push(Part::Block(Box::new(block))),
            None => self.put(address, block),
        }
    }

    fn put(&mut self, address: String, block: Block) {
        match self.blocks.entry(address) {
            Entry::Vacant(place) => {
                place.insert(block);
            }
            Entry::Occupied(mut known) => merge(&mut known.get_mut().body, &block.body),
        }
    }

    /// What a variable is, where it is given a value: of its type; `None` where the files do
    /// not say what that makes of it.
    pub(super) fn converted(&self, variable: &str, value: Json) -> Option<Json> {
        // Where it stands is not read: a text is one whatever it is.
        let Some(block) = self.blocks.get(&format!("var.{variable}")) else {
            return value.is_string().then_some(value);
        };
        let written = |name: &str| block.body.get_attribute(name).map(|one| &one.value);
        // `null` stands for the default where it is no value of the variable
        // (<https://developer.hashicorp.com/terraform/language/values/variables#disallowing-null-module-input-values>).
        let takes_null = match written("nullable") {
            None => true,
            Some(flag) => flag.as_bool() == Some(true),
        };
        if value.is_null() && !takes_null {
            return None;
        }
        match written("type") {
            None => Some(value),
            Some(kind) => types::converted(kind, value),
        }
    }

    /// Whether the value of a variable is a set; `None` where its type does not say it.
    pub(super) fn is_set(&self, variable: &str) -> Option<bool> {
        let block = self.blocks.get(&format!("var.{variable}"))?;
        let Some(kind) = block.body.get_attribute("type").map(|one| &one.value) else {
            // A list that is given is one.
            return Some(false);
        };
        match kind {
            Expression::FuncCall(call) => {
                let name = call.name.name.as_str();
                ["list", "map", "object", "set", "tuple"].contains(&name).then(|| name == "set")
            }
            Expression::Variable(name) => {
                ["list", "map", "set"].contains(&name.as_str()).then(|| name.as_str() == "set")
            }
            _ => None,
        }
    }

    /// Whether a variable takes a text, or a list of texts, as it is.
    pub(super) fn keeps_texts(&self, variable: &str) -> bool {
        let Some(block) = self.blocks.get(&format!("var.{variable}")) else { return false };
        let is_any = |kind: &Expression| match kind {
            Expression::Variable(name) => ["any", "string"].contains(&name.as_str()),
            _ => false,
        };
        match block.body.get_attribute("type").map(|one| &one.value) {
            None => true,
            Some(Expression::FuncCall(call)) if call.name.name.as_str() == "list" => {
                call.args.len() == 1 && call.args.iter().all(is_any)
            }
            Some(kind) => is_any(kind),
        }
    }

    /// An output as it is written.
    pub(super) fn output(&self, name: &str) -> Option<&Expression> {
        let block = self.blocks.get(&format!("output.{name}"))?;
        block.body.get_attribute("value").map(|one| &one.value)
    }

    /// The outputs as they are written.
    pub(super) fn outputs(&self) -> impl Iterator<Item = (&str, &Expression)> {
        self.blocks.iter().filter_map(|(address, block)| {
            let name = address.strip_prefix("output.")?;
            Some((name, &block.body.get_attribute("value")?.value))
        })
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
        all.peek().is_some() && all.all(|address| address.is_some_and(|it| self.has(&it)))
    }

    /// Whether it has a resource or a call of a module of a plan's root module.
    pub(in crate::access) fn shares(&self, root: &Node) -> bool {
        let all = root.path(&["configuration", "root_module", "resources"]).map(Node::items);
        let addresses = all.unwrap_or_default().iter().filter_map(|one| one.get("address")?.text());
        addresses.into_iter().any(|address| self.has(address))
    }

    fn has(&self, address: &str) -> bool {
        self.blocks.contains_key(address) || self.open.contains_key(address)
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

/// Whether a file overrides what others say
/// (<https://developer.hashicorp.com/terraform/language/files/override>).
fn is_override(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let stem = name.strip_suffix(".json").unwrap_or(name);
    let stem = stem.strip_suffix(".tf").unwrap_or(stem);
    stem == "override" || stem.ends_with("_override")
}

/// What a block says again: an argument instead of the one of its name, blocks instead of
/// all of their kind, of `lifecycle` argument by argument
/// (<https://developer.hashicorp.com/terraform/language/files/override#merging-behavior>).
fn merge(known: &mut Body, over: &Body) {
    for attribute in over.attributes() {
        known.remove_attribute(attribute.key.as_str());
        known.push(attribute.clone());
    }
    let made = |block: &Block| match (block.ident.as_str(), block.labels.first()) {
        ("dynamic", Some(kind)) => kind.as_str().to_owned(),
        (kind, _) => kind.to_owned(),
    };
    let kinds: BTreeSet<String> = over.blocks().map(made).collect();
    let kept = known.iter().filter(|one| match one {
        Structure::Attribute(_) => true,
        Structure::Block(block) => {
            block.ident.as_str() == "lifecycle" || !kinds.contains(&made(block))
        }
    });
    let kept = kept.cloned().collect::<Vec<_>>();
    let mut out = Body::new();
    kept.into_iter().for_each(|one| out.push(one));
    over.blocks().for_each(|block| out.push(block.clone()));
    *known = out;
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const MAIN: &str = r#"
variable "names" {
  type = set(string)
}
variable "kept" {
  nullable = false
}
resource "aws_iam_role" "r" {
  name = "r"
  path = "/a/"
  inline_policy {}
}
output "o" {
  value     = "one"
  sensitive = true
}
"#;
    const OVERRIDE: &str = r#"
variable "names" {
  default = []
}
resource "aws_iam_role" "r" {
  path = "/b/"
  dynamic "inline_policy" {
    for_each = []
  }
}
output "o" {
  value = "two"
}
"#;

    /// `z.tf` comes behind `a_override.tf` by its name, and before it for Terraform.
    #[test]
    fn what_overrides_is_merged_last_and_argument_by_argument() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("z.tf"), MAIN).unwrap();
        std::fs::write(directory.path().join("a_override.tf"), OVERRIDE).unwrap();
        let source = Source::read(directory.path()).unwrap();
        assert_eq!(source.converted("names", json!(["b", "a", "b"])), Some(json!(["a", "b"])));
        let role = &source.block("aws_iam_role.r").unwrap().body;
        let said = |name: &str| role.get_attribute(name).and_then(|one| one.value.as_str());
        assert_eq!((said("name"), said("path")), (Some("r"), Some("/b/")));
        let blocks: Vec<&str> = role.blocks().map(|block| block.ident.as_str()).collect();
        assert_eq!(blocks, ["dynamic"]);
        let outputs: Vec<_> = source.outputs().map(|(name, it)| (name, it.as_str())).collect();
        assert_eq!(outputs, [("o", Some("two"))]);
    }

    #[test]
    fn null_is_no_value_of_what_is_not_nullable() {
        let source = Source::of(MAIN);
        assert_eq!(source.converted("kept", json!(null)), None);
        assert_eq!(source.converted("kept", json!("a")), Some(json!("a")));
        assert_eq!(source.converted("names", json!(null)), Some(json!(null)));
    }
}
