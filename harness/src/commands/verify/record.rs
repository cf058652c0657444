//! What the record of a run says before anything is attacked, and of each finding.

use std::collections::BTreeMap;

use ringfence_evidence::{
    Account, Companion, Companions, Decider, Phase, Probe, RunRecord, RunStatus, SCHEMA_VERSION,
    Scope, Summary, Upstream, Verdict,
};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::attacks::{self, Finding};
use crate::config::{Config, OtherAccount};
use crate::evidence::provenance;
use crate::stack::Stack;
use crate::terraform::Roots;
use crate::tools::PythonTools;

/// What a record says until its run has come to its end.
const RUNNING: &str = "the run has not come to its end";

pub(in crate::commands) fn probe(finding: Finding) -> Probe {
    Probe {
        id: finding.id,
        guard_rail: finding.guard_rail.title().to_owned(),
        identity: finding.identity,
        road: finding.road.name().to_owned(),
        scope: match finding.scope {
            attacks::Scope::Executed => Scope::Executed,
            attacks::Scope::Decided => Scope::Decided,
        },
        title: finding.title,
        expected: finding.expected,
        observed: finding.observed,
        verdict: match finding.verdict {
            attacks::Verdict::Held => Verdict::Held,
            attacks::Verdict::Failed => Verdict::Failed,
            attacks::Verdict::Inconclusive => Verdict::Inconclusive,
            attacks::Verdict::NotRun => Verdict::NotRun,
            attacks::Verdict::NotApplicable => Verdict::NotApplicable,
        },
        reason: finding.reason,
        companions: Companions {
            twin: finding.companions.twin.map(companion),
            canary: finding.companions.canary.map(companion),
            mutant: finding.companions.mutant.map(companion),
        },
        decided_by: finding.decided_by.into_iter().map(decider).collect(),
        duration_us: u64::try_from(finding.duration.as_micros()).unwrap_or(u64::MAX),
        request_ids: finding.request_ids,
        accepted: None,
    }
}

fn companion(companion: attacks::Companion) -> Companion {
    Companion { shown: companion.shown, detail: companion.detail }
}

fn decider(decider: attacks::Decider) -> Decider {
    Decider {
        action: decider.action,
        resource: decider.resource,
        outcome: decider.outcome,
        layer: decider.layer,
        policy: decider.policy,
        sid: decider.sid,
        index: decider.index,
        text: decider.text,
        explanation: decider.explanation,
    }
}

/// The accounts, where there is more than one.
fn accounts(config: &Config) -> Vec<Account> {
    if config.accounts.is_empty() {
        return Vec::new();
    }
    let first = Account { id: config.account.id.as_str().to_owned(), name: None };
    let other = |account: &OtherAccount| Account {
        id: account.id.get_ref().as_str().to_owned(),
        name: Some(account.name.get_ref().clone()),
    };
    std::iter::once(first).chain(config.accounts.iter().map(other)).collect()
}

/// What is known before anything runs.
pub(super) fn beginning(config: &Config) -> anyhow::Result<RunRecord> {
    Ok(RunRecord {
        schema_version: SCHEMA_VERSION,
        run_id: uuid::Uuid::new_v4().to_string(),
        status: RunStatus::Incomplete { reason: RUNNING.to_owned() },
        version: env!("CARGO_PKG_VERSION").to_owned(),
        started: OffsetDateTime::now_utc().format(&Rfc3339)?,
        ended: None,
        duration_ms: 0,
        configuration: config.file.display().to_string(),
        account_id: config.account.id.as_str().to_owned(),
        accounts: accounts(config),
        region: config.account.region.as_str().to_owned(),
        upstream: Upstream::default(),
        tools: BTreeMap::new(),
        phases: Vec::new(),
        deviations: Vec::new(),
        provenance: provenance(&config.file)?,
        inputs: Vec::new(),
        probes: Vec::new(),
        summary: Summary::default(),
        mutations: None,
        reach: Vec::new(),
        isolation: None,
        readings: Vec::new(),
        proofs: Vec::new(),
        certificates_sha256: None,
        part: None,
        shares: Vec::new(),
        calibration: None,
        stale: Vec::new(),
    })
}

/// What a stack that has started tells.
pub(super) fn describe(stack: &Stack, record: &mut RunRecord) -> anyhow::Result<()> {
    let identity = stack.emulator().identity();
    record.isolation = Some(stack.isolation().into());
    record.tools.insert("python".to_owned(), stack.tools().version.clone());
    if let Some(node) = stack.node() {
        record.tools.insert("node".to_owned(), node.version.clone());
    }
    for package in ["aws-sam-cli", "awscli", "aws-sam-translator", "awslambdaric", "moto"] {
        if let Some(version) = PythonTools::pinned(package) {
            record.tools.insert(package.to_owned(), version.to_owned());
        }
    }
    if let Some(terraform) = stack.terraform().and_then(Roots::binary) {
        record.tools.insert("terraform".to_owned(), terraform.to_string());
    }
    record.deviations.extend(stack.deployments().iter().flat_map(|deployment| {
        let report = &deployment.report;
        let said = report.stand_ins.iter().chain(&report.skipped).chain(&report.reached);
        said.map(|text| format!("{}: {text}", deployment.app))
    }));
    let config = stack.config();
    record.deviations.extend(config.apps.iter().filter(|app| !config.is_run(app)).map(|app| {
        let url = config.issuer_of(app).map(|issuer| issuer.url.get_ref().as_str());
        format!(
            "{}: its pipeline is of {} and is not run; its deployers' roles are attacked",
            app.name.get_ref(),
            url.unwrap_or_default()
        )
    }));
    record.upstream = Upstream {
        backend: identity.backend.to_owned(),
        product: identity.product.clone(),
        version: identity.version.clone(),
        image: identity.image.clone(),
        digest: identity.digest.clone(),
        chosen_because: identity.chosen_because.clone(),
    };
    for (name, took) in stack.phases() {
        let duration_ms = u64::try_from(took.as_millis())?;
        record.phases.push(Phase { name: name.clone(), duration_ms });
    }
    Ok(())
}
