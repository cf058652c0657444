//! Which attributes a configuration tells Terraform to ignore.
//!
//! Terraform's JSON output of a configuration has no `lifecycle`
//! (<https://developer.hashicorp.com/terraform/internals/json-format>), so that
//! the files themselves are read.

use std::fs;
use std::io;
use std::path::Path;

use crate::config::IgnoredAttribute;
use crate::hcl::{File, Value};

/// All `ignore_changes` of the resources in the files below a directory.
///
/// # Errors
/// When a file cannot be read, or is not Terraform's language.
pub(super) fn ignored(directory: &Path) -> io::Result<Vec<IgnoredAttribute>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with('.') {
            continue;
        }
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            found.extend(ignored(&path)?);
        } else if path.extension().is_some_and(|end| end == "tf") {
            found.extend(in_file(&File::read(&path)?.map_err(io::Error::other)?));
        }
    }
    Ok(found)
}

fn in_file(file: &File) -> Vec<IgnoredAttribute> {
    let mut found = Vec::new();
    for resource in file.blocks.iter().filter(|block| block.kind == "resource") {
        for lifecycle in resource.of("lifecycle") {
            let Some(ignored) = lifecycle.attribute("ignore_changes") else { continue };
            found.extend(attributes(&ignored.value).into_iter().map(|attribute| {
                IgnoredAttribute {
                    kind: resource.label(0).to_owned(),
                    name: resource.label(1).to_owned(),
                    attribute,
                }
            }));
        }
    }
    found
}

/// `all`, or the first name of each item of a list: of `tags["x"]` it is `tags`.
fn attributes(value: &Value) -> Vec<String> {
    match value {
        Value::Names(names) if names.as_slice() == ["all"] => vec!["all".to_owned()],
        Value::List(items) => items.iter().filter_map(first).collect(),
        _ => Vec::new(),
    }
}

fn first(item: &Value) -> Option<String> {
    match item {
        Value::Names(names) => names.first().cloned(),
        // As it was written before Terraform 0.12.
        Value::Text(text) => text.split(['.', '[']).next().map(str::to_owned),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<String> {
        in_file(&File::parse(Path::new("main.tf"), text.to_owned()).unwrap())
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn what_a_resource_ignores_is_found_wherever_it_stands() {
        let text = r#"
            # resource "aws_a" "comment" { lifecycle { ignore_changes = all } }
            /* resource "aws_a" "block" {
               lifecycle { ignore_changes = [tags] } } */
            resource "aws_lambda_function" "f" {
              description = "ignore_changes = [role] } ${join("}", ["{"])}"
              policy = <<-EOT
                resource "aws_a" "heredoc" { lifecycle { ignore_changes = [tags] } }
              EOT
              lifecycle { ignore_changes = [ // what follows is the team's
                filename, "source_code_hash", tags["a, b"], environment[0].variables,
              ] }
            }
            module "m" { source = "./m" }
            resource "aws_b" "all" {
              lifecycle { ignore_changes = all }
            }
        "#;
        assert_eq!(
            found(text),
            [
                "aws_lambda_function.f.filename",
                "aws_lambda_function.f.source_code_hash",
                "aws_lambda_function.f.tags",
                "aws_lambda_function.f.environment",
                "aws_b.all.all",
            ]
        );
    }

    #[test]
    fn what_is_no_resource_ignores_nothing() {
        assert_eq!(found("locals { ignore_changes = [tags] }"), Vec::<String>::new());
        assert_eq!(
            found("resource \"aws_a\" \"b\" {\n ignore_changes = [c]\n}"),
            Vec::<String>::new()
        );
    }
}
