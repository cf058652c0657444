//! `ringfence mutate`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

use clap::Args;
use ringfence_evidence::{Mutant, MutantVerdict, MutationSummary, Mutations};
use serde_json::json;

use super::{Isolated, backend, terminal, to_its_end};
use crate::attacks::choosing::{self, Measured};
use crate::attacks::{Choice, Finding, Suite, Verdict, campaign};
use crate::config::{Backend, Config};
use crate::exit::Exit;
use crate::integrity;
use crate::mutations::{self, Probed};
use crate::progress::Progress;
use crate::stack::{Options, Stack};

#[derive(Debug, Args)]
pub(super) struct Mutate {
    /// What is under test
    #[arg(long, default_value = "ringfence.toml")]
    config: PathBuf,
    /// In place of the configuration's upstream: auto, localstack, embedded or a URL
    #[arg(long)]
    backend: Option<Backend>,
    #[command(flatten)]
    isolated: Isolated,
    /// These mutants alone, by their ids
    #[arg(long, num_args = 1.., value_name = "ID")]
    only: Vec<String>,
    /// One JSON object a line for each mutant, and a summary
    #[arg(long)]
    json: bool,
}

/// What came of it.
struct Outcome {
    /// How many probes ran, and how many of them hold: those that can notice.
    probes: (usize, usize),
    mutations: Mutations,
    measured: Vec<Measured>,
    /// What could have changed what was judged.
    interference: Vec<Finding>,
}

impl Mutate {
    pub(super) async fn run(self) -> anyhow::Result<Exit> {
        to_its_end(self.work()).await
    }

    async fn work(&self) -> anyhow::Result<Exit> {
        let config = Config::load(&self.config)?;
        let progress = terminal::progress();
        let options = Options {
            backend: backend(self.backend.clone())?,
            progress: progress.clone(),
            read_back: true,
            isolated: self.isolated.required(false),
            ..Options::default()
        };
        let stack = Stack::start(config, options).await?;
        super::warn_unisolated(&stack);
        let result = stack.while_upstream_lives(self.mutate(&stack, &progress)).await;
        let phase = progress.phase("removing everything");
        stack.stop().await;
        phase.done();
        let outcome = result?;
        anyhow::ensure!(
            !outcome.mutations.mutants.is_empty(),
            "`{}` gives rise to no mutant",
            self.config.display()
        );
        if self.json {
            for mutant in &outcome.mutations.mutants {
                println!("{}", serde_json::to_string(mutant)?);
            }
            println!("{}", json!({"summary": outcome.mutations.summary}));
        } else {
            print!("{}", told(&outcome));
        }
        for finding in &outcome.interference {
            eprintln!("ringfence: {} failed: {}", finding.id, finding.observed);
        }
        let good = outcome.mutations.summary.good()
            && outcome.probes.0 == outcome.probes.1
            && outcome.interference.is_empty();
        Ok(if good { Exit::Held } else { Exit::Failed })
    }

    async fn mutate(&self, stack: &Stack, progress: &Progress) -> anyhow::Result<Outcome> {
        let suites = Suite::of_each(stack).await?;
        let recording = stack.guard().recording();
        let began = recording.map(ringfence_guard::Recording::mark).unwrap_or_default();
        let findings = campaign::run(&suites, &Choice::All, progress).await?;
        let attacked = integrity::after_attacks(stack).await?;
        let count = |is: &dyn Fn(Verdict) -> bool| {
            findings.iter().filter(|finding| is(finding.verdict)).count()
        };
        // What the estate has nothing for could not notice anything.
        let probes = count(&|verdict| verdict != Verdict::NotApplicable);
        let held = count(&|verdict| verdict == Verdict::Held);
        let reaches = campaign::reaches(&suites, progress).await?;
        let probed = Probed::of(&findings);
        let mutations =
            mutations::run(&suites, &probed, began, &Choice::of(&self.only), progress).await?;
        let measured = campaign::choosing(&suites, &findings, &reaches, Some(&mutations)).await?;
        let interference = integrity::conclude(stack, &attacked)?.failures();
        Ok(Outcome { probes: (probes, held), mutations, measured, interference })
    }
}

/// For people: survivors, equivalents with their proofs, and the rest by
/// document.
fn told(outcome: &Outcome) -> String {
    let mut out = String::new();
    let mutants = &outcome.mutations.mutants;
    for verdict in [MutantVerdict::Survived, MutantVerdict::NotRun, MutantVerdict::Equivalent] {
        for mutant in mutants.iter().filter(|mutant| mutant.verdict == verdict) {
            // Writing to a text does not fail.
            let _ = writeln!(out, "{} {}\n    {}", verdict.as_str(), mutant.id, mutant.change);
            if let Some(reason) = &mutant.reason {
                let _ = writeln!(out, "    {reason}");
            }
        }
    }
    let mut documents: BTreeMap<&str, Vec<&Mutant>> = BTreeMap::new();
    for mutant in mutants {
        documents.entry(&mutant.guard_rail_document).or_default().push(mutant);
    }
    let width = documents.keys().map(|name| name.chars().count()).max().unwrap_or_default();
    for (document, mutants) in &documents {
        let of = |verdict| mutants.iter().filter(|mutant| mutant.verdict == verdict).count();
        let _ = writeln!(
            out,
            "{document:<width$}  {} of {} killed, {} equivalent",
            of(MutantVerdict::Killed),
            mutants.len(),
            of(MutantVerdict::Equivalent)
        );
    }
    out.push('\n');
    out.push_str(&choosing::table(&outcome.measured));
    let MutationSummary { mutants, killed, survived, equivalent, not_run } =
        outcome.mutations.summary;
    let (probes, held) = outcome.probes;
    if probes != held {
        let _ = writeln!(
            out,
            "\n{} of {probes} probes do not hold and could notice nothing; `ringfence attack` says why",
            probes - held
        );
    }
    let seconds = std::time::Duration::from_millis(outcome.mutations.duration_ms).as_secs_f64();
    let _ = writeln!(
        out,
        "\n{mutants} mutants: {killed} killed, {survived} survived, {equivalent} equivalent, \
         {not_run} not run, in {seconds:.1} s"
    );
    out
}
