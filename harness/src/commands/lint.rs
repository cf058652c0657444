//! `ringfence lint`.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{Args, ValueEnum};
use ringfence_evidence::sarif::{Level, Located, Place, Rule, sarif};
use ringfence_policy::Kind;
use ringfence_policy::lint::Rule as PolicyRule;

use crate::exit::Exit;
use crate::lint::{Finding, Remark, Report, come_upon, configuration, paths, proved};
use crate::printing::harmless_line;

#[derive(Debug, Args)]
pub(super) struct Lint {
    /// Policies, CloudFormation or SAM templates, `terraform show -json` output, or directories
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// What plain policies are used as, where they do not show it
    #[arg(long = "as")]
    kind: Option<As>,
    /// Pass over named files that are none of these, as in a directory
    #[arg(long)]
    skip_others: bool,
    /// Print the result as JSON
    #[arg(long, conflicts_with = "sarif")]
    json: bool,
    /// Write SARIF 2.1.0, to a file or in place of the text
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true, default_missing_value = "-")]
    sarif: Option<PathBuf>,
}

/// What a policy is used as.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum As {
    Identity,
    Boundary,
    Resource,
    Trust,
    Session,
    Scp,
    Rcp,
    VpcEndpoint,
}

impl From<As> for Kind {
    fn from(kind: As) -> Self {
        match kind {
            As::Identity => Self::Identity,
            As::Boundary => Self::Boundary,
            As::Resource => Self::Resource,
            As::Trust => Self::Trust,
            As::Session => Self::Session,
            As::Scp => Self::ServiceControl,
            As::Rcp => Self::ResourceControl,
            As::VpcEndpoint => Self::VpcEndpoint,
        }
    }
}

impl Lint {
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        let read = if self.skip_others { come_upon } else { paths };
        let report = read(&self.paths, self.kind.map(Kind::from));
        let mut out = match self.json {
            true => format!("{}\n", serde_json::to_string_pretty(&report)?),
            false => told(&report),
        };
        if let Some(file) = &self.sarif {
            let log = log(&report)?;
            if file == Path::new("-") {
                out = String::from_utf8(log)?;
            } else {
                std::fs::write(file, log)
                    .with_context(|| format!("cannot write `{}`", file.display()))?;
            }
        }
        for remark in &report.unreadable {
            let Remark { file, line, column, message } = remark;
            let told = format!("{file}:{line}:{column}: {message}");
            eprintln!("ringfence: {}", harmless_line(&told));
        }
        print!("{out}");
        Ok(match (report.unreadable.is_empty(), report.findings.is_empty()) {
            (false, _) => Exit::CouldNotRun,
            (true, false) => Exit::Failed,
            (true, true) => Exit::Held,
        })
    }
}

/// The report for people: each finding has its lines, whatever a policy says.
fn told(report: &Report) -> String {
    let mut out = String::new();
    let mut tell = |line: String| {
        let _ = writeln!(out, "{}", harmless_line(&line));
    };
    for finding in &report.findings {
        let Finding { file, line, column, rule, message, instead, .. } = finding;
        tell(format!("{file}:{line}:{column}: {rule}: {}{message}", whose(finding)));
        tell(format!("    instead: {instead}"));
    }
    for left in &report.not_checked {
        let Remark { file, line, column, message } = left;
        tell(format!("{file}:{line}:{column}: not checked: {message}"));
    }
    let count = |number: usize, what: &str| match number {
        1 => format!("1 {what}"),
        number => format!("{number} {what}s"),
    };
    let _ = writeln!(
        out,
        "{} in {}{}{}",
        count(report.findings.len(), "finding"),
        count(report.documents, "policy document"),
        match report.not_checked.len() {
            0 => String::new(),
            parts => format!(", {} not checked", count(parts, "part")),
        },
        match report.unreadable.len() {
            0 => String::new(),
            files => format!(", {files} not readable"),
        }
    );
    out
}

/// `aws_iam_role.a, statement 2 (Sid): `
fn whose(finding: &Finding) -> String {
    let statement = finding.statement.map(|number| format!("statement {number}"));
    let mut parts: Vec<String> =
        Some(finding.subject.clone()).filter(|subject| !subject.is_empty()).into_iter().collect();
    parts.extend(statement);
    let sid = finding.sid.as_ref().map(|sid| format!(" ({sid})")).unwrap_or_default();
    match parts.is_empty() {
        true => String::new(),
        false => format!("{}{sid}: ", parts.join(", ")),
    }
}

/// The report as SARIF.
fn log(report: &Report) -> anyhow::Result<Vec<u8>> {
    let mut rules: Vec<Rule> = PolicyRule::ALL
        .iter()
        .map(|rule| described(rule.name(), rule.description(), rule.source()))
        .collect();
    let others = proved::ALL.iter().chain(&configuration::ALL);
    rules.extend(others.map(|rule| described(rule.name, rule.description, rule.source)));
    rules.push(described(
        "unreadable",
        "A file or a policy could not be read.",
        "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html",
    ));
    let mut results: Vec<Located> = report
        .findings
        .iter()
        .map(|finding| {
            let Finding { file, line, column, rule, subject, message, instead, .. } = finding;
            let statement = finding.statement.map(|number| number.to_string()).unwrap_or_default();
            Located {
                rule: (*rule).to_owned(),
                level: Level::Error,
                message: format!("{}{message}; {instead}", whose(finding)),
                place: Place { file: file.clone(), line: *line, column: Some(*column) },
                // Without its place, so that lines may be added above it.
                fingerprint: format!("{file}|{rule}|{subject}|{statement}|{message}"),
                accepted: None,
            }
        })
        .collect();
    results.extend(report.unreadable.iter().map(|remark| Located {
        rule: "unreadable".to_owned(),
        level: Level::Error,
        message: remark.message.clone(),
        place: Place { file: remark.file.clone(), line: remark.line, column: Some(remark.column) },
        fingerprint: format!("{}|unreadable|{}", remark.file, remark.message),
        accepted: None,
    }));
    Ok(sarif(env!("CARGO_PKG_VERSION"), None, &rules, &results)?)
}

fn described(id: &str, summary: &str, source: &str) -> Rule {
    Rule { id: id.to_owned(), summary: summary.to_owned(), help: Some(format!("See {source}")) }
}
