//! Values of Terraform's that its configuration calls secret: of variables that
//! a module declares `sensitive` or that are named so, wherever Terraform takes
//! them from
//! (<https://developer.hashicorp.com/terraform/language/values/variables#assigning-values-to-root-module-variables>):
//! `terraform.tfvars`, `*.auto.tfvars`, files that the configuration names,
//! defaults, and arguments of modules.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::config::Layer1;
use crate::copying;
use crate::hcl::{Attribute, File, Module, Value};

/// What the modules of a Layer 1 declare, and its files of values.
#[derive(Debug, Default)]
pub(super) struct Sensitive {
    names: BTreeSet<String>,
    modules: Vec<Module>,
    files: Vec<File>,
    /// Of a template's parameters.
    defaults: Vec<(String, String)>,
}

impl Sensitive {
    /// Of a Layer 1. What is not Terraform's language gives nothing: Terraform
    /// applies none of it.
    pub(super) fn of(layer1: &Layer1) -> Self {
        if let Some(template) = &layer1.template {
            return Self::of_template(&template.file);
        }
        let mut modules = Vec::new();
        below(&layer1.directory, &mut modules);
        let variables = modules.iter().flat_map(|module| module.of("variable"));
        let names = variables
            .filter(|(_, block)| {
                block.attribute("sensitive").is_some_and(|own| own.value == Value::Bool(true))
            })
            .map(|(_, block)| block.label(0).to_owned())
            .collect();
        let files = values(layer1).iter().filter_map(|path| File::read(path).ok()?.ok()).collect();
        Self { names, modules, files, defaults: Vec::new() }
    }

    /// Of a template: the parameters that are not shown (`NoEcho`).
    fn of_template(file: &Path) -> Self {
        let text = std::fs::read_to_string(file).unwrap_or_default();
        let Ok(document) = ringfence_text::cloudformation::read(&text) else {
            return Self::default();
        };
        let parameters = document.root.get("Parameters");
        let parameters = parameters.map(ringfence_text::Node::members).unwrap_or_default();
        let hidden = parameters.iter().filter(|parameter| {
            let own = parameter.value.get("NoEcho").cloned().map(ringfence_text::Node::into_json);
            own.is_some_and(|own| own == true || own == "true")
        });
        let (mut names, mut defaults) = (BTreeSet::new(), Vec::new());
        for parameter in hidden {
            names.insert(parameter.key.to_string());
            let default = parameter.value.get("Default").and_then(|it| it.text());
            defaults.extend(default.map(|it| (parameter.key.to_string(), it.to_owned())));
        }
        Self { names, defaults, ..Self::default() }
    }

    /// Whether a variable is declared `sensitive`.
    pub(super) fn declares(&self, name: &str) -> bool {
        self.names.contains(name)
    }

    /// Gives each value of a secret variable, with the variable's name.
    pub(super) fn each(&self, secret: impl Fn(&str) -> bool, add: &mut impl FnMut(&str, &str)) {
        for (name, value) in &self.defaults {
            add(name, value);
        }
        for file in &self.files {
            for attribute in file.attributes.iter().filter(|own| secret(&own.name)) {
                texts(file, attribute, &mut |text| add(&attribute.name, text));
            }
        }
        for (file, block) in self.modules.iter().flat_map(Module::blocks) {
            match block.kind.as_str() {
                "variable" if self.declares(block.label(0)) => {
                    if let Some(default) = block.attribute("default") {
                        texts(file, default, &mut |text| add(block.label(0), text));
                    }
                }
                "module" => {
                    for own in block.attributes.iter().filter(|own| self.declares(&own.name)) {
                        texts(file, own, &mut |text| add(&own.name, text));
                    }
                }
                _ => {}
            }
        }
    }
}

/// The modules in a directory and below it.
fn below(directory: &Path, modules: &mut Vec<Module>) {
    modules.extend(Module::read(directory).ok().filter(|module| !module.is_empty()));
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        let path = entry.path();
        let is_directory = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if is_directory && !copying::is_skipped(&path) {
            below(&path, modules);
        }
    }
}

/// The files with values of a Layer 1's variables.
fn values(layer1: &Layer1) -> Vec<PathBuf> {
    let mut paths = layer1.var_files.clone();
    for entry in std::fs::read_dir(&layer1.directory).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let plain = name.strip_suffix(".json").unwrap_or(&name);
        if plain.ends_with(".tfvars") {
            paths.push(entry.path());
        }
    }
    paths
}

/// The texts of a value, and as they are written in the file, where that is
/// another way; of what only Terraform computes, all that is written there.
fn texts(file: &File, attribute: &Attribute, add: &mut impl FnMut(&str)) {
    plain(&attribute.value, add);
    let written = attribute.span.clone().and_then(|span| file.text.get(span)).unwrap_or_default();
    let Some((_, written)) = written.split_once('=') else { return };
    let mut parts = written.split('"');
    if written.contains('"') && !written.contains("\\\"") {
        // What stands between quotation marks is every second part.
        parts.next();
        let mut inside = true;
        for part in parts {
            if inside {
                add(part);
            }
            inside = !inside;
        }
    } else if written.contains('"') {
        add(written.trim().trim_matches('"'));
    } else if written.trim().parse::<f64>().is_ok() {
        add(written.trim());
    }
}

fn plain(value: &Value, add: &mut impl FnMut(&str)) {
    match value {
        Value::Text(text) => {
            add(text);
            // As JSON and Terraform's language write it.
            let written = serde_json::Value::from(text.as_str()).to_string();
            add(written.trim_matches('"'));
        }
        Value::List(items) => items.iter().for_each(|item| plain(item, add)),
        Value::Object(members) => members.iter().for_each(|(_, member)| plain(member, add)),
        _ => {}
    }
}
