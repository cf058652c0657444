//! Claims that need no attacker: each application is deployed by its own
//! workflow, and the policies say what they mean.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use super::finding::{Companions, Finding, Road, Scope, Traces, Verdict};
use crate::config::{Config, Layer1};
use crate::guard_rail::GuardRail;
use crate::lint::known::Place;
use crate::lint::read::{self, Read};
use crate::lint::{self, Report, configuration, template, terraform};
use crate::plain;
use crate::stack::{Judged, Stack};

const DEPLOYS: GuardRail = GuardRail::Deployments;
const MEANS: GuardRail = GuardRail::Policies;

/// Who holds Layer 1, in the reports.
const PLATFORM: &str = "platform";

/// What holds the parameters that a template reads.
const TEMPLATE: &str = "template";

/// A claim, before its verdict.
pub(super) struct Claim {
    pub(super) id: String,
    pub(super) guard_rail: GuardRail,
    pub(super) identity: String,
    pub(super) road: Road,
    pub(super) scope: Scope,
    pub(super) title: String,
    pub(super) expected: String,
}

impl Claim {
    pub(super) fn judged(self, verdict: Verdict, observed: String, took: Duration) -> Finding {
        // Why nothing could be said stands as the reason too.
        let reason = match verdict {
            Verdict::Held => None,
            _ => Some(observed.clone()),
        };
        Finding {
            id: self.id,
            guard_rail: self.guard_rail.clone(),
            identity: self.identity,
            road: self.road,
            scope: self.scope,
            title: self.title,
            expected: self.expected,
            observed,
            verdict,
            reason,
            companions: Companions::default(),
            decided_by: Vec::new(),
            duration: took,
            request_ids: Vec::new(),
            traces: Traces::default(),
        }
    }
}

/// Whether each application could be deployed.
pub(super) fn deployments(stack: &Stack, account: &Judged) -> Vec<Finding> {
    let claim = |app: &str| Claim {
        id: format!("{app}/deployment/workflow"),
        guard_rail: DEPLOYS,
        identity: app.to_owned(),
        road: Road::Workflow,
        scope: Scope::Executed,
        title: format!("the deployer can deploy {app}"),
        expected: "every step of its workflow succeeds".to_owned(),
    };
    let took = |app: &str| {
        let name = format!("deploy {app}");
        let phase = stack.phases().iter().find(|(phase, _)| *phase == name);
        phase.map(|(_, took)| *took).unwrap_or_default()
    };
    let own = |app: &str| account.config().app(app).is_some();
    let done = stack.deployments().iter().filter(|it| own(&it.app)).map(|deployment| {
        let app = deployment.app.as_str();
        claim(app).judged(Verdict::Held, "it was deployed".to_owned(), took(app))
    });
    let failed = stack.failures().iter().filter(|it| own(&it.app)).map(|failure| {
        let app = failure.app.as_str();
        claim(app).judged(Verdict::Failed, failure.reason.clone(), took(app))
    });
    done.chain(failed).collect()
}

/// What linting Layer 1's state and the applications' templates says.
///
/// # Errors
/// When Terraform cannot show its state.
pub(super) async fn policies(stack: &Stack, account: &Judged) -> anyhow::Result<Vec<Finding>> {
    let start = Instant::now();
    let mut findings = Vec::new();
    let shown = stack.layer1_states()?;
    let several = shown.len() > 1;
    let roots = shown.into_iter().zip(&stack.config().layer1);
    let (shown, roots): (Vec<String>, Vec<&Layer1>) =
        roots.filter(|(_, layer1)| account.has_root(&layer1.name())).unzip();
    let mut took = start.elapsed();
    // What Terraform prints can be read; were it not, the report says so.
    let parameters = shown.iter().filter_map(|shown| match read::read(shown) {
        Ok(Read::Other(root)) => Some(terraform::read(&root).parameters),
        _ => None,
    });
    let published: Option<BTreeSet<String>> =
        (!shown.is_empty()).then(|| parameters.flatten().collect());
    let mut promises = Some(promised(account.config(), published.as_ref()));
    for (shown, layer1) in shown.into_iter().zip(roots) {
        let start = Instant::now();
        // Policies of a template are looked at where they are written.
        let mut report = match &layer1.template {
            None => lint::text("state.json", shown, None),
            Some(template) => lint::paths(std::slice::from_ref(&template.file), None),
        };
        if layer1.is_terraform() {
            report.add(lint::module::check(&layer1.directory, &layer1.completions)?);
        }
        report.add(promises.take().unwrap_or_default());
        let prefix = if several { format!("{}:", layer1.name()) } else { String::new() };
        of_root(&prefix, &mut report);
        let place = |address: &str| {
            let own = address.strip_prefix(&prefix).unwrap_or(address);
            match &layer1.template {
                None => declared(&layer1.directory, own),
                Some(template) => crate::template::declared(&template.file, own),
            }
        };
        findings.extend(claims(PLATFORM, Road::Api, &report, place, took));
        took = start.elapsed();
    }
    for app in &account.config().apps {
        let start = Instant::now();
        let name = app.name.get_ref();
        let workflow = app.directory.join(&app.workflow);
        if workflow.is_file() {
            let report = lint::of_repository(&workflow, &app.directory);
            findings.extend(claims(name, Road::Workflow, &report, |_| None, start.elapsed()));
        }
        let start = Instant::now();
        let Some(path) = app.template() else { continue };
        let mut report = lint::of_repository(&path, &app.directory);
        if let Some(published) = &published {
            let file = path.display().to_string();
            report.findings.extend(unpublished(
                (path.as_path(), app.directory.as_path()),
                &file,
                account.config(),
                published,
            )?);
            report.subjects.push(TEMPLATE.to_owned());
        }
        let took = start.elapsed();
        findings.extend(claims(name, Road::CloudFormation, &report, |_| None, took));
    }
    Ok(findings)
}

/// Of several root modules, each one's subjects carry its name, as fields of
/// the configuration do.
fn of_root(prefix: &str, report: &mut Report) {
    let subjects = report.subjects.iter_mut();
    let found = report.findings.iter_mut().map(|finding| &mut finding.subject);
    subjects.chain(found).for_each(|subject| subject.insert_str(0, prefix));
}

/// The parameters that the platform promises, and whether it publishes them.
fn promised(config: &Config, published: Option<&BTreeSet<String>>) -> Report {
    let mut report = Report::default();
    let Some((platform, published)) = config.platform.as_ref().zip(published) else {
        return report;
    };
    let file = config.file.display().to_string();
    for name in &platform.published {
        let subject = name.trim_start_matches('/');
        if !published.contains(name) {
            report.findings.push(configuration::finding(
                configuration::NOT_PUBLISHED,
                &file,
                Place::START,
                subject,
                format!("`{name}` is promised, and Layer 1 does not publish it"),
                format!("publish `{name}` as an `aws_ssm_parameter` of Layer 1"),
            ));
        }
        report.subjects.push(subject.to_owned());
    }
    report
}

/// The parameters that a template reads under the platform's prefix, and that
/// the platform does not publish.
fn unpublished(
    (path, repository): (&Path, &Path),
    file: &str,
    config: &Config,
    published: &BTreeSet<String>,
) -> anyhow::Result<Vec<lint::Finding>> {
    let Some(platform) = &config.platform else { return Ok(Vec::new()) };
    let Ok(root) = read::template(&plain::text(path, repository)?) else {
        return Ok(Vec::new());
    };
    let mut read = template::read(&root).parameters;
    let Some(prefix) = &platform.parameters else { return Ok(Vec::new()) };
    read.retain(|(name, _)| name.starts_with(prefix) && !published.contains(name));
    Ok(read
        .into_iter()
        .map(|(name, at)| {
            configuration::finding(
                configuration::NOT_PUBLISHED,
                file,
                at,
                TEMPLATE,
                format!("the template reads `{name}`, which Layer 1 does not publish"),
                format!("publish `{name}` as an `aws_ssm_parameter` of Layer 1"),
            )
        })
        .collect())
}

/// A claim a policy document, and one a rule that found something in it.
fn claims(
    identity: &str,
    road: Road,
    report: &Report,
    declared: impl Fn(&str) -> Option<String>,
    took: Duration,
) -> Vec<Finding> {
    let claim = |subject: &str, rule: &str| Claim {
        id: match rule {
            "" => format!("{identity}/policy/{subject}"),
            rule => format!("{identity}/policy/{subject}/{rule}"),
        },
        guard_rail: MEANS,
        identity: identity.to_owned(),
        road,
        scope: Scope::Decided,
        title: format!("`{subject}` says what it means"),
        expected: "nothing that can never match or grants more than it says".to_owned(),
    };
    let mut findings = Vec::new();
    let mut seen = BTreeSet::new();
    for finding in &report.findings {
        let (subject, rule) = (finding.subject.as_str(), finding.rule);
        if !seen.insert((subject, rule)) {
            continue;
        }
        let same = report.findings.iter().filter(|other| other.subject == subject);
        let told: Vec<String> = same
            .filter(|other| other.rule == rule)
            .map(|other| {
                let place = declared(subject)
                    .unwrap_or_else(|| format!("{}:{}:{}", other.file, other.line, other.column));
                let statement = other.statement.map(|number| format!(", statement {number}"));
                let (message, instead) = (&other.message, &other.instead);
                format!("{place}{}: {message}; {instead}", statement.unwrap_or_default())
            })
            .collect();
        findings.push(claim(subject, rule).judged(Verdict::Failed, told.join(" | "), took));
    }
    for remark in &report.unreadable {
        let told = format!("{}:{}:{}: {}", remark.file, remark.line, remark.column, remark.message);
        findings.push(claim(&remark.file, "unreadable").judged(Verdict::Failed, told, took));
    }
    for (number, remark) in report.not_checked.iter().enumerate() {
        let subject = remark.message.split(": ").next().unwrap_or(&remark.file);
        let rule = format!("not-checked-{}", number + 1);
        let told = format!("{}:{}: {}", remark.file, remark.line, remark.message);
        findings.push(claim(subject, &rule).judged(Verdict::NotRun, told, took));
    }
    let faulty: BTreeSet<&str> = seen.iter().map(|(subject, _)| *subject).collect();
    let clean: BTreeSet<&str> = report.subjects.iter().map(String::as_str).collect();
    for subject in clean.difference(&faulty) {
        findings.push(claim(subject, "").judged(Verdict::Held, "nothing found".to_owned(), took));
    }
    findings
}

/// Where a resource of the root module is declared: `file.tf:12`.
fn declared(directory: &Path, address: &str) -> Option<String> {
    let plain = address.split('[').next().unwrap_or(address);
    let mut parts = plain.split('.');
    let (kind, name) = (parts.next()?, parts.next()?);
    let start = format!("resource \"{kind}\" \"{name}\"");
    let mut entries: Vec<_> = std::fs::read_dir(directory).ok()?.flatten().collect();
    entries.sort_by_key(std::fs::DirEntry::file_name);
    entries.iter().map(std::fs::DirEntry::path).find_map(|path| {
        let text = std::fs::read_to_string(&path)
            .ok()
            .filter(|_| path.extension().is_some_and(|extension| extension == "tf"))?;
        let line = text.lines().position(|line| line.trim_start().starts_with(&start))?;
        Some(format!("{}:{}", path.file_name()?.to_string_lossy(), line + 1))
    })
}
