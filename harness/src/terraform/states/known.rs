//! What a module's variables and locals are, as far as they are plain.

use std::path::Path;

use super::kept;
use crate::config::Layer1;
use crate::hcl::{File, Module, Value};

/// How many locals a value may lead through.
const DEEPEST: usize = 8;

/// What names stand for in a module.
pub(super) struct Known<'k> {
    layer1: &'k Layer1,
    root: &'k Path,
    directory: &'k Path,
    module: &'k Module,
    /// Files with values, the one that wins last; of the root module alone.
    values: Vec<File>,
}

impl<'k> Known<'k> {
    pub(super) fn of(
        layer1: &'k Layer1,
        root: &'k Path,
        directory: &'k Path,
        module: &'k Module,
    ) -> Self {
        let own = if root == directory { read_by_itself(directory) } else { Vec::new() };
        let given = layer1.var_files.iter().filter(|_| root == directory);
        // What cannot be read is told where it is copied, or by Terraform.
        let read = |path: &Path| File::read(path).ok()?.ok();
        let values = own.iter().chain(given).filter_map(|path| read(path)).collect();
        Self { layer1, root, directory, module, values }
    }

    /// A value as text.
    pub(super) fn text(&self, value: &Value) -> String {
        self.text_of(value, DEEPEST)
    }

    fn text_of(&self, value: &Value, depth: usize) -> String {
        kept::text(value, &|names| self.name(names, depth))
    }

    fn name(&self, names: &[String], depth: usize) -> Option<String> {
        let depth = depth.checked_sub(1)?;
        let path = |path: &Path| path.to_string_lossy().into_owned();
        match names.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
            ["path", "module"] => Some(path(self.directory)),
            ["path", "root" | "cwd"] => Some(path(self.root)),
            ["terraform", "workspace"] => {
                Some(self.layer1.workspace.clone().unwrap_or_else(|| "default".to_owned()))
            }
            ["var", name] => self.variable(name, depth),
            ["local", name] => {
                let locals = self.module.of("locals").map(|(_, block)| block);
                let value = { locals }.find_map(|block| Some(&block.attribute(name)?.value))?;
                Some(self.text_of(value, depth))
            }
            _ => None,
        }
    }

    fn variable(&self, name: &str, depth: usize) -> Option<String> {
        if self.root != self.directory {
            // Its caller says what it is.
            return None;
        }
        if let Some(value) = self.layer1.variables.get(name) {
            return value.as_str().map(str::to_owned);
        }
        let files = self.values.iter().rev().flat_map(|file| &file.attributes);
        let given = { files }.find(|attribute| attribute.name == name).map(|it| &it.value);
        let default = || {
            let (_, block) = self.module.of("variable").find(|(_, it)| it.label(0) == name)?;
            Some(&block.attribute("default")?.value)
        };
        Some(self.text_of(given.or_else(default)?, depth))
    }
}

/// The files with values that Terraform reads by itself, the one that wins last
/// (<https://developer.hashicorp.com/terraform/language/values/variables>).
fn read_by_itself(directory: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let mut found: Vec<_> = entries
        .map(|entry| entry.path())
        .filter(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let auto = name.ends_with(".auto.tfvars") || name.ends_with(".auto.tfvars.json");
            auto || name == "terraform.tfvars" || name == "terraform.tfvars.json"
        })
        .collect();
    let auto = |path: &std::path::PathBuf| path.to_string_lossy().contains(".auto.tfvars");
    found.sort_by_key(|path| (auto(path), path.clone()));
    found
}
