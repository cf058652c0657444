//! What the files of a root module say of themselves: what they declare, refer
//! to and depend on. Values are Terraform's matter and are not read.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::Report;
use super::configuration::{UNDECLARED_PROVIDER, UNDEFINED_REFERENCE, UNPINNED_MODULE, finding};
use super::known::Place;

/// A file of the module.
struct File {
    /// Below the module's directory.
    name: String,
    text: String,
}

/// A block at the top level of a file.
struct Block<'a> {
    /// `resource`, `module`, ….
    kind: &'a str,
    labels: Vec<&'a str>,
    at: Place,
    /// What stands in it, line by line, without comments.
    lines: Vec<&'a str>,
}

/// Checks the files below a root module's directory. `completions` are those
/// that somebody added to make it whole: what it refers to and they alone
/// define is undefined in it.
///
/// # Errors
/// When a file cannot be read.
pub fn check(directory: &Path, completions: &[PathBuf]) -> io::Result<Report> {
    let mut files = Vec::new();
    read(directory, directory, &mut files)?;
    files.sort_by(|left: &File, right| left.name.cmp(&right.name));
    let completion = |file: &File| completions.iter().any(|name| name == Path::new(&file.name));
    let (added, own): (Vec<File>, Vec<File>) = files.into_iter().partition(completion);
    let mut report = Report::default();
    providers(&own, &added, &mut report);
    modules(&own, &mut report);
    references(&own, &added, &mut report);
    Ok(report)
}

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
            let name = path.strip_prefix(top).unwrap_or(&path).to_string_lossy().into_owned();
            files.push(File { name, text: fs::read_to_string(&path)? });
        }
    }
    Ok(())
}

/// Providers that are used and that no `required_providers` names: Terraform
/// then takes the newest of this name.
fn providers(own: &[File], added: &[File], report: &mut Report) {
    let required: BTreeSet<String> = own.iter().chain(added).flat_map(required).collect();
    let mut used: BTreeMap<&str, (&str, Place, String)> = BTreeMap::new();
    for file in own {
        for block in blocks(&file.text) {
            let (kind, Some(of)) = (block.kind, block.labels.first()) else { continue };
            if let ("resource" | "data", Some((provider, _))) = (kind, of.split_once('_')) {
                let by = block.labels.join(".");
                used.entry(provider).or_insert((&file.name, block.at, by));
            }
        }
    }
    for (provider, (file, at, by)) in used {
        let subject = format!("provider.{provider}");
        if !required.contains(provider) {
            report.findings.push(finding(
                UNDECLARED_PROVIDER,
                file,
                at,
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

/// The local names of a file's `required_providers`, however it is broken into
/// lines.
fn required(file: &File) -> Vec<String> {
    let mut names = Vec::new();
    for block in blocks(&file.text).into_iter().filter(|block| block.kind == "terraform") {
        let text = block.lines.join("\n");
        for (_, rest) in text.match_indices("required_providers").filter_map(|(at, word)| {
            let rest = text.get(at + word.len()..)?;
            rest.trim_start().strip_prefix('{').map(|rest| (at, rest))
        }) {
            names.extend(assigned(rest));
        }
    }
    names
}

/// The names that are given a value in a body, up to its closing brace.
fn assigned(body: &str) -> Vec<String> {
    let (mut names, mut word) = (Vec::new(), String::new());
    let (mut depth, mut quoted) = (1, false);
    for c in body.chars() {
        match c {
            '"' => quoted = !quoted,
            _ if quoted => {}
            '{' => depth += 1,
            '}' if depth == 1 => break,
            '}' => depth -= 1,
            '=' if depth == 1 => names.push(std::mem::take(&mut word)),
            _ if depth > 1 => {}
            _ if c.is_alphanumeric() || matches!(c, '_' | '-') => word.push(c),
            // What is left of a value that is no block.
            '\n' | ',' => word.clear(),
            _ => {}
        }
    }
    names
}

/// Modules from elsewhere whose version is not one.
fn modules(own: &[File], report: &mut Report) {
    for file in own {
        for block in blocks(&file.text).into_iter().filter(|block| block.kind == "module") {
            let argument = |name: &str| {
                block.lines.iter().find_map(|line| {
                    let (key, value) = line.split_once('=')?;
                    let value = value.trim().trim_end_matches('}').trim();
                    (key.trim() == name).then(|| value.trim_matches('"'))
                })
            };
            let source = argument("source").unwrap_or_default();
            if source.starts_with("./") || source.starts_with("../") {
                continue;
            }
            let subject = format!("module.{}", block.labels.join("."));
            let version = argument("version").unwrap_or_default();
            let exact = version.trim_start_matches(['=', ' ']);
            let pinned = exact.split('.').count() == 3
                && exact.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
            if !pinned && !source.contains("?ref=") {
                report.findings.push(finding(
                    UNPINNED_MODULE,
                    &file.name,
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
    let defined: BTreeSet<String> = own.iter().flat_map(|file| declared(&file.text)).collect();
    let completed: BTreeSet<String> = added.iter().flat_map(|file| declared(&file.text)).collect();
    let mut seen = BTreeSet::new();
    for file in own {
        for (number, line) in file.text.lines().enumerate() {
            for name in names(code(line)) {
                let is_undefined = completed.contains(&name) && !defined.contains(&name);
                if is_undefined && seen.insert(name.clone()) {
                    report.findings.push(finding(
                        UNDEFINED_REFERENCE,
                        &file.name,
                        Place { line: number + 1, column: 1 },
                        &name,
                        format!("`{name}` is referred to, and defined by a completion alone"),
                        format!("define `{name}`"),
                    ));
                    report.subjects.push(name);
                }
            }
        }
    }
    if seen.is_empty() {
        report.subjects.push("references".to_owned());
    }
}

/// What a file declares, as references name it.
fn declared(text: &str) -> Vec<String> {
    let name = |block: Block<'_>| match (block.kind, block.labels.as_slice()) {
        ("resource", [kind, name]) => Some(format!("{kind}.{name}")),
        ("data", [kind, name]) => Some(format!("data.{kind}.{name}")),
        ("variable", [name]) => Some(format!("var.{name}")),
        ("module", [name]) => Some(format!("module.{name}")),
        _ => None,
    };
    blocks(text).into_iter().filter_map(name).collect()
}

/// The references of a line: `data.TYPE.NAME`, `var.NAME`, `TYPE.NAME`.
fn names(line: &str) -> Vec<String> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    line.split(|c| !is_part(c))
        .filter_map(|word| {
            let parts: Vec<&str> = word.split('.').collect();
            let length = if parts.first() == Some(&"data") { 3 } else { 2 };
            parts.get(..length).map(|parts| parts.join("."))
        })
        .collect()
}

/// A file's blocks at the top level.
fn blocks(text: &str) -> Vec<Block<'_>> {
    let mut found: Vec<Block<'_>> = Vec::new();
    let mut depth = 0;
    for (number, line) in text.lines().enumerate() {
        let line = code(line);
        if depth == 0
            && let Some((head, rest)) = line.split_once('{')
        {
            let mut words = head.split_whitespace();
            if let Some(kind) = words.next() {
                let labels = words.map(|word| word.trim_matches('"')).collect();
                let at = Place { line: number + 1, column: 1 };
                found.push(Block { kind, labels, at, lines: vec![rest] });
            }
        } else if let Some(block) = found.last_mut() {
            block.lines.push(line);
        }
        depth += deeper(line);
    }
    found
}

/// A line without its comment.
fn code(line: &str) -> &str {
    let comment = line.match_indices(['#', '/']).map(|(at, _)| at).find(|at| {
        let (before, rest) = line.split_at_checked(*at).unwrap_or((line, ""));
        let quoted = before.matches('"').count() % 2 == 1;
        !quoted && (rest.starts_with('#') || rest.starts_with("//"))
    });
    comment.and_then(|at| line.get(..at)).unwrap_or(line)
}

/// How much deeper a line leads into braces.
fn deeper(line: &str) -> i32 {
    line.chars().map(|c| i32::from(c == '{') - i32::from(c == '}')).sum()
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
                "terraform {\n  required_providers {\n    aws = { source = \"hashicorp/aws\",\n      version = \"5.1.0\" } }\n}\n",
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
