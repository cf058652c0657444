//! What the files of a root module say of themselves: what they declare, refer
//! to and depend on. Values are Terraform's matter and are not read.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::configuration::{UNDECLARED_PROVIDER, UNDEFINED_REFERENCE, UNPINNED_MODULE, finding};
use super::{Report, name};
use crate::hcl::{Block, File};

/// Checks the files below a root module's directory. `completions` are those
/// that somebody added to make it whole: what it refers to and they alone
/// define is undefined in it.
///
/// # Errors
/// When a file cannot be read, or is not Terraform's language.
pub fn check(directory: &Path, completions: &[PathBuf]) -> io::Result<Report> {
    let mut files = Vec::new();
    read(directory, directory, &mut files)?;
    files.sort_by(|left: &File, right| left.path.cmp(&right.path));
    let completion = |file: &File| completions.contains(&file.path);
    let (added, own): (Vec<File>, Vec<File>) = files.into_iter().partition(completion);
    let mut report = Report::default();
    providers(&own, &added, &mut report);
    modules(&own, &mut report);
    references(&own, &added, &mut report);
    Ok(report)
}

/// The files below a directory, each under its name from the top.
fn read(top: &Path, directory: &Path, files: &mut Vec<File>) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let path = entry.path();
        if entry.file_name().to_string_lossy().starts_with('.') {
            continue;
        }
        if entry.file_type()?.is_dir() {
            read(top, &path, files)?;
        } else if path.extension().is_some_and(|end| end == "tf") {
            let mut file = File::read(&path)?.map_err(io::Error::other)?;
            file.path = path.strip_prefix(top).unwrap_or(&path).to_owned();
            files.push(file);
        }
    }
    Ok(())
}

/// Providers that are used and that no `required_providers` names: Terraform
/// then takes the newest of this name.
fn providers(own: &[File], added: &[File], report: &mut Report) {
    let required: BTreeSet<&str> = own.iter().chain(added).flat_map(required).collect();
    let mut used: BTreeMap<&str, (&File, &Block)> = BTreeMap::new();
    for file in own {
        for block in file.blocks.iter().filter(|it| ["resource", "data"].contains(&&*it.kind)) {
            // Terraform's own is built in and has no version.
            let provider = block.label(0).split_once('_').map(|(provider, _)| provider);
            if let Some(provider) = provider.filter(|provider| *provider != "terraform") {
                used.entry(provider).or_insert((file, block));
            }
        }
    }
    for (provider, (file, block)) in used {
        let subject = format!("provider.{provider}");
        if !required.contains(provider) {
            let by = block.labels.join(".");
            report.findings.push(finding(
                UNDECLARED_PROVIDER,
                &name(&file.path),
                block.at,
                &subject,
                format!(
                    "`{by}` needs the provider `{provider}`, which no `required_providers` names"
                ),
                format!("name `{provider}` with its source and version in `required_providers`"),
            ));
        }
        report.subjects.push(subject);
    }
}

/// The local names of a file's `required_providers`.
fn required(file: &File) -> impl Iterator<Item = &str> {
    let terraform = file.blocks.iter().filter(|block| block.kind == "terraform");
    terraform
        .flat_map(|block| block.of("required_providers"))
        .flat_map(|block| block.attributes.iter().map(|attribute| attribute.name.as_str()))
}

/// Modules from elsewhere whose version is not one.
fn modules(own: &[File], report: &mut Report) {
    for file in own {
        for block in file.blocks.iter().filter(|block| block.kind == "module") {
            let source = block.text("source").unwrap_or_default();
            if source.starts_with("./") || source.starts_with("../") {
                continue;
            }
            let subject = block.address();
            let version = block.text("version").unwrap_or_default();
            let exact = version.trim_start_matches(['=', ' ']);
            let pinned = exact.split('.').count() == 3
                && exact.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
            if !pinned && !source.contains("?ref=") {
                report.findings.push(finding(
                    UNPINNED_MODULE,
                    &name(&file.path),
                    block.at,
                    &subject,
                    format!("the module `{source}` comes in whatever version fits `{version}`"),
                    "name one version, or keep the module beside the configuration",
                ));
            }
            report.subjects.push(subject);
        }
    }
}

/// What the module refers to and only its completions define.
fn references(own: &[File], added: &[File], report: &mut Report) {
    let defined: BTreeSet<String> = own.iter().flat_map(declared).collect();
    let completed: BTreeSet<String> = added.iter().flat_map(declared).collect();
    let mut seen = BTreeSet::new();
    for file in own {
        for reference in &file.references {
            let Some(referred) = named(&reference.names) else { continue };
            let is_undefined = completed.contains(&referred) && !defined.contains(&referred);
            if is_undefined && seen.insert(referred.clone()) {
                report.findings.push(finding(
                    UNDEFINED_REFERENCE,
                    &name(&file.path),
                    reference.at,
                    &referred,
                    format!("`{referred}` is referred to, and defined by a completion alone"),
                    format!("define `{referred}`"),
                ));
                report.subjects.push(referred);
            }
        }
    }
    if seen.is_empty() {
        report.subjects.push("references".to_owned());
    }
}

/// What a file declares, as references name it.
fn declared(file: &File) -> impl Iterator<Item = String> {
    let kinds = ["resource", "data", "variable", "module"];
    file.blocks.iter().filter(move |block| kinds.contains(&&*block.kind)).map(Block::address)
}

/// What a reference names: `data.TYPE.NAME`, `var.NAME`, `TYPE.NAME`.
fn named(names: &[String]) -> Option<String> {
    let length = if names.first().is_some_and(|first| first == "data") { 3 } else { 2 };
    names.get(..length).map(|names| names.join("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(files: &[(&str, &str)], completions: &[&str]) -> Vec<String> {
        let top = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = top.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let completions: Vec<PathBuf> = completions.iter().map(PathBuf::from).collect();
        let report = check(top.path(), &completions).unwrap();
        report
            .findings
            .iter()
            .map(|f| format!("{}:{} {} {}", f.file, f.line, f.rule, f.subject))
            .collect()
    }

    #[test]
    fn a_provider_that_no_requirement_names_is_found_where_it_is_used_first() {
        let main = "# resource \"x_y\" \"z\" {}\nresource \"aws_vpc\" \"v\" {\n}\n\ndata \"archive_file\" \"p\" {\n}\n";
        assert_eq!(
            found(&[("main.tf", main)], &[]),
            [
                "main.tf:5 undeclared-provider provider.archive",
                "main.tf:2 undeclared-provider provider.aws"
            ]
        );
        let versions = "terraform {\n  required_providers {\n    aws = {\n      source = \"hashicorp/aws\"\n    }\n    archive = { source = \"hashicorp/archive\" }\n  }\n}\n";
        assert_eq!(found(&[("main.tf", main), ("versions.tf", versions)], &[]), [""; 0]);
        // All on one line.
        let vpc = "resource \"aws_vpc\" \"v\" {\n}\n";
        let line =
            "terraform {\n  required_providers { aws = { source = \"hashicorp/aws\" } }\n}\n";
        assert_eq!(found(&[("main.tf", vpc), ("versions.tf", line)], &[]), [""; 0]);
    }

    #[test]
    fn what_is_built_in_needs_no_requirement() {
        let main =
            "data \"terraform_remote_state\" \"s\" {\n}\nresource \"terraform_data\" \"d\" {}\n";
        assert_eq!(found(&[("main.tf", main)], &[]), [""; 0]);
    }

    /// Blocks may be written in one line.
    #[test]
    fn a_requirement_is_read_however_it_is_broken_into_lines() {
        let main = "resource \"aws_vpc\" \"v\" {}\n";
        let undeclared = ["main.tf:1 undeclared-provider provider.aws"];
        for (versions, expected) in [
            (
                "terraform {\n  required_providers { aws = { source = \"hashicorp/aws\" } }\n}\n",
                &[][..],
            ),
            ("terraform {\n  required_providers { aws = \"~> 5.0\" }\n}\n", &[]),
            (
                "terraform {\n  required_providers {\n    aws = { source = \"hashicorp/aws\",\n      version = \"5.1.0\" }\n  }\n}\n",
                &[],
            ),
            (
                "terraform {\n  required_providers {\n    random = { source = \"hashicorp/aws\" }\n  }\n}\n",
                &undeclared,
            ),
            ("terraform {\n  required_version = \"1.9\"\n}\n", &undeclared),
        ] {
            assert_eq!(
                found(&[("main.tf", main), ("versions.tf", versions)], &[]),
                expected,
                "{versions}"
            );
        }
        let module = "module \"m\" { source = \"./m\" }\n";
        assert_eq!(found(&[("main.tf", module)], &[]), [""; 0]);
    }

    #[test]
    fn a_module_from_elsewhere_needs_one_version() {
        let module = |more: &str| format!("module \"m\" {{\n  source = \"a/b/aws\"\n{more}}}\n");
        let loose = ["main.tf:1 unpinned-module module.m"];
        assert_eq!(found(&[("main.tf", &module(""))], &[]), loose);
        assert_eq!(found(&[("main.tf", &module("  version = \"~> 5.0\"\n"))], &[]), loose);
        assert_eq!(found(&[("main.tf", &module("  version = \"5.1.0\"\n"))], &[]), [""; 0]);
        assert_eq!(found(&[("main.tf", "module \"m\" {\n  source = \"./m\"\n}\n")], &[]), [""; 0]);
    }

    #[test]
    fn what_only_a_completion_defines_is_undefined() {
        let own = "locals {\n  a = \"${aws_s3_bucket.b.arn}/*\" # aws_vpc.v\n  c = var.region\n}\n";
        let added = "resource \"aws_s3_bucket\" \"b\" {}\nvariable \"region\" {}\nresource \"aws_vpc\" \"v\" {}\nterraform {\n  required_providers {\n    aws = {}\n  }\n}\n";
        let files = [("main.tf", own), ("added.tf", added)];
        assert_eq!(
            found(&files, &["added.tf"]),
            [
                "main.tf:2 undefined-reference aws_s3_bucket.b",
                "main.tf:3 undefined-reference var.region"
            ]
        );
        assert_eq!(found(&files, &[]), [""; 0]);
    }
}
