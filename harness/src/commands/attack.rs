//! `ringfence attack`.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::Context;
use clap::Args;
use ringfence_evidence::{Places, Probe, Summary, Told, Verdict};
use serde_json::json;
use time::OffsetDateTime;

use super::again::Again;
use super::verify::probe;
use super::{Isolated, backend, terminal, to_its_end};
use crate::accepted::Acceptances;
use crate::attacks::choosing::{self, Measured};
use crate::attacks::reach::Reach;
use crate::attacks::{Choice, Finding, Suite, campaign};
use crate::config::{Backend, Config};
use crate::exit::Exit;
use crate::integrity;
use crate::progress::Progress;
use crate::stack::{Options, Stack};

#[derive(Debug, Args)]
pub(super) struct Attack {
    /// What is under test
    #[arg(long, default_value = "ringfence.toml")]
    config: PathBuf,
    /// In place of the configuration's upstream: auto, localstack, embedded or a URL
    #[arg(long)]
    backend: Option<Backend>,
    #[command(flatten)]
    isolated: Isolated,
    /// These attacks alone, by their ids
    #[arg(long, num_args = 1.., value_name = "ID")]
    only: Vec<String>,
    /// One JSON object a line for each attack, and a summary
    #[arg(long)]
    json: bool,
    /// Every attack on a line of its own, too
    #[arg(long, conflicts_with = "json")]
    verbose: bool,
    /// Where the journal goes; without it, nothing is kept
    #[arg(long)]
    run_dir: Option<PathBuf>,
}

/// What came of a campaign.
struct Outcome {
    findings: Vec<Finding>,
    /// The ids of all attacks that there are.
    attacks: BTreeSet<String>,
    reaches: Vec<Reach>,
    measured: Vec<Measured>,
    seconds: f64,
}

impl Attack {
    pub(super) async fn run(self) -> anyhow::Result<Exit> {
        to_its_end(self.work()).await
    }

    async fn work(&self) -> anyhow::Result<Exit> {
        let config = Config::load(&self.config)?;
        let acceptances = Acceptances::of(&config, OffsetDateTime::now_utc().date())?;
        let progress = terminal::progress();
        let options = Options {
            backend: backend(self.backend.clone())?,
            journal: self.journal()?,
            progress: progress.clone(),
            read_back: true,
            isolated: self.isolated.required(false),
            ..Options::default()
        };
        let stack = Stack::start(config, options).await?;
        super::warn_unisolated(&stack);
        let result = stack.while_upstream_lives(self.attack(&stack, &progress)).await;
        let phase = progress.phase("removing everything");
        stack.stop().await;
        phase.done();
        let outcome = result?;
        anyhow::ensure!(
            !outcome.findings.is_empty(),
            "`{}` gives rise to no attack",
            self.config.display()
        );
        let probes = outcome.findings.iter().cloned().map(probe).collect();
        let applied = acceptances.apply(probes);
        let stale = match self.only.is_empty() {
            true => applied.stale(),
            false => applied.expired,
        };
        let probes = applied.probes;
        let counts = Summary::of(&probes);
        if self.json {
            for probe in &probes {
                println!("{}", serde_json::to_string(probe)?);
            }
            println!("{}", json(&counts));
        } else {
            print!("{}", self.told(&probes, &outcome, &counts));
        }
        for stale in &stale {
            eprintln!("ringfence: {stale}");
        }
        let shows = |probe: &Probe| matches!(probe.found(), Verdict::Held | Verdict::Failed);
        if self.only.is_empty() && !probes.iter().any(shows) {
            eprintln!("ringfence: {}", super::nothing_shown(&self.config));
            return Ok(Exit::CouldNotRun);
        }
        let open = probes.iter().any(|probe| probe.verdict.is_open());
        Ok(if open || !stale.is_empty() { Exit::Failed } else { Exit::Held })
    }

    /// The table for people: what did not hold in full, and the rest by guard
    /// rail; then what each identity can do, and what that says of the approaches.
    fn told(&self, probes: &[Probe], outcome: &Outcome, counts: &Summary) -> String {
        let mut out = String::new();
        let again = Again { config: &self.config, attacks: &outcome.attacks };
        // What is under test is not kept, so that nothing says where it stands.
        let places = Places::default();
        let told =
            Told { every_probe: self.verbose, places: &places, again: &|probe| again.of(probe) };
        out.push_str(&ringfence_evidence::probes(probes, &told));
        out.push('\n');
        for reach in &outcome.reaches {
            out.push_str(&reach.table());
        }
        out.push('\n');
        out.push_str(&choosing::table(&outcome.measured));
        let _ = writeln!(
            out,
            "\n{} attacks: {}, in {:.1} s",
            counts.probes,
            counts.words(),
            outcome.seconds
        );
        out
    }

    fn journal(&self) -> anyhow::Result<Option<PathBuf>> {
        let Some(directory) = &self.run_dir else { return Ok(None) };
        std::fs::create_dir_all(directory)
            .with_context(|| format!("cannot make the run directory `{}`", directory.display()))?;
        let journal = directory.join("journal.jsonl");
        // Of this run alone.
        if journal.exists() {
            std::fs::remove_file(&journal)
                .with_context(|| format!("cannot replace `{}`", journal.display()))?;
        }
        Ok(Some(journal))
    }

    async fn attack(&self, stack: &Stack, progress: &Progress) -> anyhow::Result<Outcome> {
        let suites = Suite::of_each(stack).await?;
        let began = Instant::now();
        let mut findings = campaign::run(&suites, &Choice::of(&self.only), progress).await?;
        let seconds = began.elapsed().as_secs_f64();
        let attacked = integrity::after_attacks(stack).await?;
        let reaches = campaign::reaches(&suites, progress).await?;
        let measured = campaign::choosing(&suites, &findings, &reaches, None).await?;
        if !findings.is_empty() {
            findings.extend(integrity::conclude(stack, &attacked)?.failures());
        }
        let attacks = campaign::ids(&suites)?.into_iter().collect();
        Ok(Outcome { findings, attacks, reaches, measured, seconds })
    }
}

/// The last line: how many attacks ended how.
fn json(summary: &Summary) -> serde_json::Value {
    let Summary { probes, held, failed, inconclusive, not_run, not_applicable, accepted } = summary;
    json!({"summary": {
        "attacks": probes, "held": held, "failed": failed, "inconclusive": inconclusive,
        "not_run": not_run, "not_applicable": not_applicable, "accepted": accepted,
    }})
}
