//! `ringfence verify`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::Context;
use clap::Args;
use ringfence_evidence::{
    Companion, Companions, Decider, Phase, Probe, Provenance, RunRecord, RunStatus, SCHEMA_VERSION,
    Scope, Summary, Upstream, Verdict,
};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::{backend, terminal, unless_interrupted};
use crate::attacks::{self, Finding, Suite, campaign};
use crate::config::{Backend, Config};
use crate::exit::Exit;
use crate::progress::Progress;
use crate::stack::{Options, Stack};
use crate::tools::PythonTools;

/// What a record says until its run has come to its end.
const RUNNING: &str = "the run has not come to its end";

#[derive(Debug, Args)]
pub(super) struct Verify {
    /// What is under test
    #[arg(long, default_value = "ringfence.toml")]
    config: PathBuf,
    /// In place of the configuration's upstream: auto, localstack, embedded or a URL
    #[arg(long)]
    backend: Option<Backend>,
    /// Where run.json and journal.jsonl go
    #[arg(long, default_value = "ringfence-run")]
    run_dir: PathBuf,
    /// Print the record as JSON instead of a table
    #[arg(long)]
    json: bool,
}

impl Verify {
    pub(super) async fn run(self) -> anyhow::Result<Exit> {
        match unless_interrupted(self.work()).await? {
            Ok(exit) => Ok(exit),
            Err(signal) => {
                eprintln!("ringfence: interrupted; everything that was started has been removed");
                Ok(Exit::Interrupted(signal))
            }
        }
    }

    async fn work(&self) -> anyhow::Result<Exit> {
        let (began, started) = (Instant::now(), OffsetDateTime::now_utc());
        let config = Config::load(&self.config)?;
        std::fs::create_dir_all(&self.run_dir).with_context(|| {
            format!("cannot make the run directory `{}`", self.run_dir.display())
        })?;
        let journal = self.run_dir.join("journal.jsonl");
        // Of this run alone.
        if journal.exists() {
            std::fs::remove_file(&journal)
                .with_context(|| format!("cannot replace `{}`", journal.display()))?;
        }
        let progress = terminal::progress();
        let options = Options {
            backend: backend(self.backend.clone())?,
            journal: Some(journal),
            progress: progress.clone(),
            keep_going: true,
            ..Options::default()
        };
        let stack = Stack::start(config, options).await?;
        let mut record = record(&stack, started)?;
        let result = stack.while_upstream_lives(attack(&stack, &progress, &mut record)).await;
        let phase = progress.phase("removing everything");
        stack.stop().await;
        phase.done();
        result?;
        record.duration_ms = u64::try_from(began.elapsed().as_millis())?;
        record.ended = Some(OffsetDateTime::now_utc().format(&Rfc3339)?);
        record.status = RunStatus::Complete {};
        record.write(&self.run_dir.join("run.json"))?;
        if self.json {
            println!("{}", serde_json::to_string_pretty(&record)?);
        } else {
            print!("{}", ringfence_evidence::table(&record));
        }
        if record.summary.probes == 0 {
            anyhow::bail!("`{}` gives rise to no probe", self.config.display());
        }
        Ok(if record.passed() { Exit::Held } else { Exit::Failed })
    }
}

async fn attack(stack: &Stack, progress: &Progress, record: &mut RunRecord) -> anyhow::Result<()> {
    let began = Instant::now();
    let suite = Suite::of(stack).await?;
    let findings = campaign::run(&suite, &[], progress).await?;
    record.probes.extend(findings.into_iter().map(probe));
    record.summary = Summary::of(&record.probes);
    let duration_ms = u64::try_from(began.elapsed().as_millis())?;
    record.phases.push(Phase { name: "attack".to_owned(), duration_ms });
    record.reach = campaign::reaches(&suite).await?.into_iter().map(Into::into).collect();
    Ok(())
}

pub(super) fn probe(finding: Finding) -> Probe {
    Probe {
        id: finding.id,
        guard_rail: finding.guard_rail.to_owned(),
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

fn record(stack: &Stack, started: OffsetDateTime) -> anyhow::Result<RunRecord> {
    let config = stack.config();
    let identity = stack.emulator().identity();
    let mut tools = BTreeMap::new();
    tools.insert("python".to_owned(), stack.tools().version.clone());
    for package in ["aws-sam-cli", "awscli", "aws-sam-translator", "awslambdaric", "moto"] {
        if let Some(version) = PythonTools::pinned(package) {
            tools.insert(package.to_owned(), version.to_owned());
        }
    }
    if let Some(terraform) = stack.terraform() {
        tools.insert("terraform".to_owned(), terraform.binary().to_string());
    }
    let deviations = stack.deployments().iter().flat_map(|deployment| {
        deployment.report.stand_ins.iter().map(|text| format!("{}: {text}", deployment.app))
    });
    Ok(RunRecord {
        schema_version: SCHEMA_VERSION,
        run_id: uuid::Uuid::new_v4().to_string(),
        status: RunStatus::Incomplete { reason: RUNNING.to_owned() },
        version: env!("CARGO_PKG_VERSION").to_owned(),
        started: started.format(&Rfc3339)?,
        ended: None,
        duration_ms: 0,
        configuration: config.file.display().to_string(),
        account_id: config.account.id.as_str().to_owned(),
        region: config.account.region.as_str().to_owned(),
        upstream: Upstream {
            backend: identity.backend.to_owned(),
            product: identity.product.clone(),
            version: identity.version.clone(),
            image: identity.image.clone(),
            digest: identity.digest.clone(),
            chosen_because: identity.chosen_because.clone(),
        },
        tools,
        phases: stack
            .phases()
            .iter()
            .map(|(name, took)| {
                Ok(Phase { name: name.clone(), duration_ms: u64::try_from(took.as_millis())? })
            })
            .collect::<anyhow::Result<_>>()?,
        deviations: deviations.collect(),
        provenance: Provenance::default(),
        inputs: Vec::new(),
        probes: Vec::new(),
        summary: Summary::default(),
        mutations: None,
        reach: Vec::new(),
    })
}
