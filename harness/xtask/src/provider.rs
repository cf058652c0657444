//! What the Terraform provider has that may hold a policy or name whom something lets in,
//! by the names of types and attributes: `terraform providers schema -json` of the pinned
//! provider, by Terraform itself, which knows the user's mirrors.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, bail, ensure};
use serde_json::Value;

use crate::inputs;

/// Parts of the names of attributes that are listed. Which of these names mean a policy or
/// a grant, who reads the list decides.
const PARTS: [&str; 7] = ["polic", "permission", "grant", "acl", "principal", "shar", "authoriz"];

/// The list: a line each type, with its attributes.
pub(crate) fn list(version: &str) -> anyhow::Result<String> {
    let folder = inputs::cache()?.join(format!("provider-{version}"));
    fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    let root = format!(
        "terraform {{\n  required_providers {{\n    aws = {{\n      source  = \"hashicorp/aws\"\n      version = \"{version}\"\n    }}\n  }}\n}}\n"
    );
    fs::write(folder.join("main.tf"), root)?;
    terraform(&folder, &["init", "-input=false"])?;
    let printed = terraform(&folder, &["providers", "schema", "-json"])?;
    let schema: Value = serde_json::from_slice(&printed).context("the schema is no JSON")?;
    let providers = schema.get("provider_schemas").and_then(Value::as_object);
    let types = providers
        .and_then(|all| all.values().next())
        .and_then(|one| one.get("resource_schemas"))
        .and_then(Value::as_object)
        .context("there are no types in the schema")?;
    let mut lines = BTreeSet::new();
    for (kind, of) in types {
        let mut found = BTreeSet::new();
        if let Some(block) = of.get("block") {
            attributes(block, "", &mut found);
        }
        let words = std::iter::once(kind.clone()).chain(found);
        lines.insert(words.collect::<Vec<_>>().join(" "));
    }
    ensure!(!lines.is_empty(), "the provider has no types");
    Ok(lines.into_iter().collect::<Vec<_>>().join("\n") + "\n")
}

/// The attributes that a configuration may set, and the blocks, by the names that lead to
/// them.
fn attributes(block: &Value, path: &str, found: &mut BTreeSet<String>) {
    let mut put = |name: &str| {
        if PARTS.iter().any(|part| name.contains(part)) {
            found.insert(format!("{path}{name}"));
        }
    };
    let members = |name: &str| block.get(name).and_then(Value::as_object);
    let is = |of: &Value, name: &str| of.get(name) == Some(&Value::Bool(true));
    let mut inner: Vec<(&String, &Value)> = Vec::new();
    for (name, of) in members("attributes").into_iter().flatten() {
        if !is(of, "computed") || is(of, "optional") {
            put(name);
        }
        inner.extend(of.get("nested_type").map(|of| (name, of)));
    }
    for (name, of) in members("block_types").into_iter().flatten() {
        put(name);
        inner.extend(of.get("block").map(|of| (name, of)));
    }
    for (name, of) in inner {
        attributes(of, &format!("{path}{name}."), found);
    }
}

fn terraform(folder: &Path, arguments: &[&str]) -> anyhow::Result<Vec<u8>> {
    let mut command = Command::new("terraform");
    command.args(arguments).current_dir(folder).env("CHECKPOINT_DISABLE", "1");
    let output = command.output().context("Terraform cannot be run")?;
    if !output.status.success() {
        bail!("{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(output.stdout)
}
