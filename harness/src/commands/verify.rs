//! `ringfence verify`.
//!
//! - `record`: what the record of a run says before anything is attacked, and of each finding;
//! - `proving`: the proof of each guard rail.

mod proving;
mod record;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context as _;
use clap::Args;
use ringfence_calibrate::decisions::DECISIONS;
use ringfence_evidence::baseline::news;
use ringfence_evidence::bundle::{REPORT, places, put_form};
use ringfence_evidence::check::{Trust, check};
use ringfence_evidence::signature::fingerprint;
use ringfence_evidence::{Part, Phase, Probe, RunRecord, RunStatus, Share, Summary, Told, Verdict};
use ringfence_guard::{Recorded, Recording};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use self::proving::prove;
pub(super) use self::record::probe;
use self::record::{beginning, describe};
use super::again::Again;
use super::github;
use super::open::open;
use super::{Isolated, backend, supervise, terminal, unless_interrupted};
use crate::accepted::Acceptances;
use crate::attacks::{Choice, Suite, campaign};
use crate::calibrate;
use crate::changed::{self, Changed, Sources};
use crate::config::{Backend, Config, Layer1};
use crate::evidence::{Inputs, Keeper, Wanted, abandon};
use crate::exchange::Exchanges;
use crate::exit::Exit;
use crate::integrity;
use crate::mutations::{self, Probed};
use crate::progress::Progress;
use crate::stack::{Options, Stack};

#[derive(Debug, Args)]
pub(super) struct Verify {
    /// What is under test
    #[arg(long, default_value = "ringfence.toml")]
    config: PathBuf,
    /// In place of the configuration's upstream: auto, localstack, embedded or a URL
    #[arg(long)]
    backend: Option<Backend>,
    #[command(flatten)]
    isolated: Isolated,
    /// Where the evidence goes; an earlier run's moves to the history
    #[arg(long, default_value = "ringfence-run")]
    run_dir: PathBuf,
    /// Where earlier runs are kept [default: the run directory's name with -history]
    #[arg(long)]
    history: Option<PathBuf>,
    /// The bundle to compare with [default: the latest of the history]
    #[arg(long)]
    previous: Option<PathBuf>,
    /// Fail only on what is new against this earlier bundle
    #[arg(long, value_name = "DIR")]
    baseline: Option<PathBuf>,
    /// Sign the evidence with this OpenSSH key; a public key's file takes the key from the agent
    #[arg(long)]
    sign_key: Option<PathBuf>,
    /// This process knows the key and starts nothing that a team wrote
    #[arg(long = "sign-with-key-on-stdin", hide = true)]
    supervisor: bool,
    /// This process does the run, and another one signs
    #[arg(long = "tell-manifest-on-stdin", hide = true)]
    worker: bool,
    /// Make one share of the attacks and mutants, as 2/8; `evidence merge` makes one bundle of all
    #[arg(long, value_name = "SHARE")]
    shard: Option<Share>,
    /// These attacks alone, by their ids, and no mutants: a partial run, which nobody signs
    #[arg(long, num_args = 1.., value_name = "ID", conflicts_with_all = ["shard", "sign_key"])]
    only: Vec<String>,
    /// The attacks that look at what differs from this revision of git, and no mutants: a partial run
    #[arg(long, value_name = "REV", conflicts_with_all = ["only", "shard", "sign_key", "baseline"])]
    changed_since: Option<String>,
    /// Print the record as JSON instead of a table
    #[arg(long)]
    json: bool,
    /// In a step of GitHub Actions: annotations at the lines to change, and the job's summary
    #[arg(long, conflicts_with = "json")]
    github: bool,
    /// Open the report when the run has ended
    #[arg(long)]
    open: bool,
    /// Every probe on a line of its own, too
    #[arg(long, conflicts_with = "json")]
    verbose: bool,
}

impl Verify {
    pub(super) async fn run(self) -> anyhow::Result<Exit> {
        if let Some(key) = &self.sign_key {
            // A key that cannot sign is known before anything runs.
            fingerprint(key)?;
            return supervise::hide(key);
        }
        if self.supervisor {
            let key = supervise::key()?;
            return supervise::run(&key, &self.run_dir, self.isolated.unisolated).await;
        }
        if self.worker {
            supervise::end_with_supervisor()?;
        }
        let github = self.github.then(github::Step::of_environment).transpose()?;
        let config = Config::load(&self.config)?;
        let acceptances = Acceptances::of(&config, OffsetDateTime::now_utc().date())?;
        let wanted_attacks = match self.wanted(&config)? {
            Some(wanted) => wanted,
            None => return Ok(Exit::Held),
        };
        // Before anything starts, and before an earlier run moves to the history.
        let baseline = self.baseline.as_deref().map(baseline_of).transpose()?;
        let mut record = beginning(&config)?;
        let wanted = Wanted {
            directory: self.run_dir.clone(),
            history: self.history.clone(),
            previous: self.previous.clone(),
        };
        let keeper = Keeper::begin(&wanted, &config, &mut record)?;
        let abandoned = |reason: &str| {
            let ended = OffsetDateTime::now_utc().format(&Rfc3339)?;
            abandon(&self.run_dir, &config, keeper.redactor(), ended, reason)
        };
        match unless_interrupted(self.work(
            config.clone(),
            &wanted_attacks,
            &keeper,
            record,
            Measures { baseline: baseline.as_ref(), acceptances: &acceptances },
            github.as_ref(),
        ))
        .await
        {
            Ok(Ok(exit)) => Ok(exit),
            Ok(Err(signal)) => {
                abandoned("it was interrupted by a signal")?;
                eprintln!("ringfence: interrupted; everything that was started has been removed");
                Ok(Exit::Interrupted(signal))
            }
            Err(error) => {
                let reason = keeper.redactor().traffic(&format!("{error:#}")).text;
                // The first error is the one to tell.
                if let Err(second) = abandoned(&reason) {
                    eprintln!("ringfence: the evidence cannot be finished: {second:#}");
                }
                Err(error)
            }
        }
    }

    /// What of the attacks is made; none where nothing changed.
    fn wanted(&self, config: &Config) -> anyhow::Result<Option<Attacks>> {
        Ok(match (&self.changed_since, self.shard) {
            (Some(revision), _) => changed_since(config, revision)?.map(Attacks::Of),
            (None, Some(share)) => Some(Attacks::Chosen(Choice::Share(share))),
            (None, None) => Some(Attacks::Chosen(Choice::of(&self.only))),
        })
    }

    async fn work(
        &self,
        config: Config,
        attacks: &Attacks,
        keeper: &Keeper,
        mut record: RunRecord,
        Measures { baseline, acceptances }: Measures<'_>,
        github: Option<&github::Step>,
    ) -> anyhow::Result<Exit> {
        let began = Instant::now();
        let progress = terminal::progress();
        let exchanges =
            Arc::new(Exchanges::new().context("there is no place for the requests of this run")?);
        let mut inputs = Inputs::of(&config, keeper.directory(), keeper.redactor())?;
        let options = Options {
            backend: backend(self.backend.clone())?,
            journal: Some(keeper.journal()),
            exchanges: Some(Arc::clone(&exchanges)),
            progress: progress.clone(),
            keep_going: true,
            read_back: true,
            isolated: self.isolated.required(self.worker),
            ..Options::default()
        };
        let stack = Stack::start(config, options).await?;
        let work = async {
            describe(&stack, &mut record)?;
            inputs.deployed(&stack).await?;
            record.inputs = inputs.kept;
            record.deviations.extend(inputs.said);
            keeper.note(&mut record)?;
            attack(&stack, attacks, &progress, keeper, &mut record).await
        };
        let result = stack.while_upstream_lives(work).await;
        let phase = progress.phase("removing everything");
        stack.stop().await;
        phase.done();
        let attacks = result?;
        accept(acceptances, &mut record);
        let shows = |probe: &Probe| matches!(probe.found(), Verdict::Held | Verdict::Failed);
        if !record.probes.iter().any(shows) {
            anyhow::bail!(super::nothing_shown(&self.config));
        }
        record.duration_ms = u64::try_from(began.elapsed().as_millis())?;
        record.ended = Some(OffsetDateTime::now_utc().format(&Rfc3339)?);
        record.status = RunStatus::Complete {};
        let news = baseline.map(|baseline| news(baseline, &record));
        record.deviations.extend(baseline.map(|baseline| {
            format!(
                "the exit code tells only of what is new against the baseline, run {} of {}",
                baseline.run_id, baseline.started
            )
        }));
        let phase = progress.phase("evidence");
        let record = keeper.finish(record, &exchanges)?;
        phase.done();
        if self.json {
            println!("{}", serde_json::to_string_pretty(&record)?);
        } else {
            let places = places(keeper.directory(), &record);
            let again = Again { config: &self.config, attacks: &attacks };
            let told = Told {
                every_probe: self.verbose,
                places: &places,
                again: &|probe| again.of(probe),
            };
            print!("{}", ringfence_evidence::table(&record, &told));
            let signed = if self.worker { "to be signed" } else { "UNSIGNED" };
            let directory = keeper.directory().display();
            println!("evidence: {directory} ({signed}); report: {directory}/{REPORT}");
            if let Some(step) = github {
                step.tell(&record, &told, &self.config)?;
            }
        }
        if self.open {
            open(&keeper.directory().join(REPORT));
        }
        if self.worker {
            supervise::tell(keeper.directory())?;
        }
        for one in news.iter().flatten() {
            eprintln!("ringfence: new against the baseline: {one}");
        }
        for stale in &record.stale {
            eprintln!("ringfence: {stale}");
        }
        let passed =
            news.map_or_else(|| record.passed(), |news| news.is_empty() && record.stale.is_empty());
        Ok(if passed { Exit::Held } else { Exit::Failed })
    }
}

/// What a team has accepted is no finding any more, and is not held either.
fn accept(acceptances: &Acceptances, record: &mut RunRecord) {
    let applied = acceptances.apply(std::mem::take(&mut record.probes));
    record.stale = match &mut record.part {
        None => applied.stale(),
        Some(Part::Chosen { .. }) => applied.expired,
        Some(Part::Share { idle, .. }) => {
            *idle = applied.idle;
            applied.expired
        }
    };
    record.probes = applied.probes;
    record.summary = Summary::of(&record.probes);
}

/// The record of an undamaged bundle whose run came to its end.
fn baseline_of(directory: &Path) -> anyhow::Result<RunRecord> {
    let checked = check(directory, Trust::HashesAlone)?;
    let name = directory.display();
    if let Some(problem) = checked.problems.first() {
        anyhow::bail!("the baseline `{name}` is not to be relied on: {problem}");
    }
    let record = checked.record.filter(|record| record.status.is_complete());
    record.with_context(|| {
        format!("the baseline `{name}` did not come to its end: nothing can be compared with it")
    })
}

/// What the findings of a run are measured by.
struct Measures<'a> {
    /// What is not new.
    baseline: Option<&'a RunRecord>,
    /// What a team has accepted.
    acceptances: &'a Acceptances,
}

/// Which attacks are made.
enum Attacks {
    Chosen(Choice),
    /// Those that look at what changed: which these are shows when it is deployed.
    Of(Changed),
}

/// What differs from a revision; where nothing does that is under test, that is
/// said.
pub(super) fn changed_since(config: &Config, revision: &str) -> anyhow::Result<Option<Changed>> {
    let directory = config.file.parent().filter(|parent| !parent.as_os_str().is_empty());
    let files = changed::since(directory.unwrap_or(Path::new(".")), revision)?;
    let sources = Sources::of(config).context("cannot tell which files Layer 1 consists of")?;
    let changed = sources.changed(files.iter().map(PathBuf::as_path));
    let names: Vec<String> = config.layer1.iter().map(Layer1::name).collect();
    eprintln!("ringfence: {}", changed.told(Some(revision), &names));
    Ok(Some(changed).filter(|changed| !changed.is_nothing()))
}

async fn attack(
    stack: &Stack,
    attacks: &Attacks,
    progress: &Progress,
    keeper: &Keeper,
    record: &mut RunRecord,
) -> anyhow::Result<BTreeSet<String>> {
    let began = Instant::now();
    let suites = Suite::of_each(stack).await?;
    let recording = stack.guard().recording().map(Recording::mark).unwrap_or_default();
    let choice = match attacks {
        Attacks::Chosen(choice) => choice.clone(),
        Attacks::Of(changed) => Choice::Changed(changed::attacks(&suites, changed)?),
    };
    let attacks = campaign::ids(&suites)?;
    record.part = part(&choice, &attacks);
    let findings = campaign::run(&suites, &choice, progress).await?;
    let attacked = integrity::after_attacks(stack).await?;
    // What a finding says stands in the record from here on, and nowhere else.
    let probed = Probed::of(&findings);
    record.probes.extend(findings.into_iter().map(probe));
    record.summary = Summary::of(&record.probes);
    keeper.note(record)?;
    keep_decisions(stack, keeper)?;
    let duration_ms = u64::try_from(began.elapsed().as_millis())?;
    record.phases.push(Phase { name: "attack".to_owned(), duration_ms });
    prove(&suites, progress, keeper, record).await?;
    record.reach =
        campaign::reaches(&suites, progress).await?.into_iter().map(Into::into).collect();
    keeper.note(record)?;
    // The rest might notice what the chosen ones do not.
    if !choice.is_chosen() {
        let mutations = mutations::run(&suites, &probed, recording, &choice, progress).await?;
        let duration_ms = mutations.duration_ms;
        record.phases.push(Phase { name: "mutate".to_owned(), duration_ms });
        record.mutations = Some(mutations);
    }
    if record.summary.probes > 0 {
        // Last: until here somebody could have interfered.
        let conclusion = integrity::conclude(stack, &attacked)?;
        record.probes.extend(conclusion.findings.into_iter().map(probe));
        record.summary = Summary::of(&record.probes);
        record.readings = conclusion.readings;
        record.isolation = Some(stack.isolation().into());
    }
    Ok(attacks.into_iter().collect())
}

/// Which part of a run that was, where it was not all.
fn part(choice: &Choice, attacks: &[String]) -> Option<Part> {
    match choice {
        Choice::All => None,
        Choice::Ids(ids) | Choice::Changed(ids) => {
            Some(Part::Chosen { attacks: ids.iter().cloned().collect() })
        }
        Choice::Share(share) => {
            Some(Part::Share { share: *share, attacks: attacks.to_vec(), idle: Vec::new() })
        }
    }
}

/// What was decided until now, before any guard rail is weakened: what
/// `ringfence calibrate` asks AWS about.
fn keep_decisions(stack: &Stack, keeper: &Keeper) -> anyhow::Result<()> {
    let Some(recording) = stack.guard().recording() else { return Ok(()) };
    let recorded = recording.all();
    let account_id = stack.config().account.id.as_str();
    // A policy simulator is of one account, and so is what it is asked.
    let is_own = |recorded: &&Recorded| {
        let caller = recorded.inputs.caller.principal.account_id();
        stack.config().accounts.is_empty()
            || (recorded.inputs.caller.resource_control.account_id == account_id
                && caller.is_none_or(|caller| caller == account_id))
    };
    let path = keeper.directory().join(DECISIONS);
    put_form(&path, &|out| {
        let own = recorded.iter().map(AsRef::as_ref).filter(is_own);
        calibrate::write(account_id, own, keeper.redactor(), out)
    })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use ringfence_evidence::bundle::{JOURNAL, RUN};

    use super::*;
    use crate::attacks::{self, Finding};

    /// A run that has begun in `run` of a directory, with `canary-1234` for a secret.
    fn begun(place: &Path) -> (Config, RunRecord, Keeper) {
        let mut config = Config::parse("", &place.join("ringfence.toml")).unwrap();
        config.upstream.environment.insert("AUTH_TOKEN".to_owned(), "canary-1234".to_owned());
        let wanted = Wanted { directory: place.join("run"), history: None, previous: None };
        let mut record = beginning(&config).unwrap();
        let keeper = Keeper::begin(&wanted, &config, &mut record).unwrap();
        (config, record, keeper)
    }

    #[test]
    fn a_run_that_dies_keeps_no_secret_in_its_journal_and_says_that_it_died() {
        let place = tempfile::tempdir().unwrap();
        let (config, record, keeper) = begun(place.path());
        let directory = place.path().join("run");
        std::fs::write(keeper.journal(), "{\"principal\":\"user/canary-1234\"}\n").unwrap();
        let ended = record.started.clone();
        abandon(&directory, &config, keeper.redactor(), ended, "it was ended").unwrap();
        let journal = std::fs::read_to_string(directory.join(JOURNAL)).unwrap();
        assert_eq!(journal, "{\"principal\":\"user/[removed: AUTH_TOKEN of the upstream]\"}\n");
        let record = RunRecord::read(&directory.join(RUN)).unwrap();
        assert_eq!(record.status, RunStatus::Incomplete { reason: "it was ended".to_owned() });
        assert_eq!(record.deviations, ["journal.jsonl: secrets removed in 1 places"]);
    }

    #[test]
    fn what_is_noted_before_the_end_is_the_record_without_secrets() {
        let place = tempfile::tempdir().unwrap();
        let (_, mut record, keeper) = begun(place.path());
        let directory = place.path().join("run");
        for (id, reason) in [("a/b/api", "no route"), ("a/c/api", "it said canary-1234")] {
            let told = attacks::finding::Untried {
                id: id.to_owned(),
                guard_rail: crate::guard_rail::GuardRail::Trust,
                identity: "a".to_owned(),
                road: attacks::Road::Api,
                scope: attacks::Scope::Executed,
                title: "a does b".to_owned(),
                expected: "403".to_owned(),
            };
            record.probes.push(probe(Finding::untried(told, attacks::Verdict::NotRun, reason)));
        }
        record.deviations.push("canary-1234".to_owned());
        keeper.note(&mut record).unwrap();
        let noted = RunRecord::read(&directory.join(RUN)).unwrap();
        let cut = "[removed: AUTH_TOKEN of the upstream]";
        assert_eq!(record.probes[1].reason.as_deref(), Some("it said canary-1234"));
        record.probes[1].reason = Some(format!("it said {cut}"));
        record.deviations = vec![cut.to_owned()];
        assert_eq!(noted, record);
    }
}
