//! `ringfence evidence`: whether a bundle is what was signed, and what changed
//! between runs.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{ArgGroup, Args, Subcommand};
use ringfence_evidence::bundle::{self, REPORT, RUN};
use ringfence_evidence::check::{Trust, check};
use ringfence_evidence::diff::Diff;
use ringfence_evidence::manifest::{MANIFEST, SIGNATURE, sha256};
use ringfence_evidence::signature::{AllowedKeys, Instant};
use ringfence_evidence::{RunRecord, Told, table};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::evidence::{Unsignable, merge_bundles, sign_bundle};
use crate::exit::Exit;
use crate::printing::harmless_line;
use crate::proof::certificates;

#[derive(Debug, Args)]
pub(super) struct Evidence {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Check that a bundle is what an allowed key signed, whole and complete
    Verify(Verify),
    /// Sign a finished bundle, where nothing that a team wrote runs any more
    Sign(Sign),
    /// Make one bundle of the bundles of all shares (`verify --shard`); 1 where something did not hold
    Merge(Merge),
    /// Say what changed between two runs; 1 where something is worse
    Diff(Compare),
    /// List the runs of a history, with its gaps
    History(History),
}

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("trusted").required(true).args(["allowed_key", "hashes_only"])))]
struct Verify {
    /// The bundle
    directory: PathBuf,
    /// A public key, or OpenSSH's list of allowed signers
    #[arg(long)]
    allowed_key: Option<PathBuf>,
    /// Look at the hashes alone: shows damage, not forgery
    #[arg(long)]
    hashes_only: bool,
    /// The time at which the key must be good, as 20261122 or 20261122213000, UTC [default: now]
    #[arg(long)]
    at: Option<Instant>,
}

#[derive(Debug, Args)]
struct Sign {
    /// The bundle
    directory: PathBuf,
    /// An OpenSSH private key's file, or a public key's whose private one an agent holds
    #[arg(long)]
    sign_key: PathBuf,
    /// Sign the bundle of an unisolated run too
    #[arg(long)]
    unisolated: bool,
}

#[derive(Debug, Args)]
struct Merge {
    /// The bundles of the shares
    #[arg(required = true)]
    shares: Vec<PathBuf>,
    /// Where the bundle goes; nothing is there yet
    #[arg(long)]
    into: PathBuf,
    /// A public key, or OpenSSH's list of allowed signers; without it nobody vouches for the shares
    #[arg(long)]
    allowed_key: Option<PathBuf>,
    /// The time at which the key must be good, as 20261122 or 20261122213000, UTC [default: now]
    #[arg(long, requires = "allowed_key")]
    at: Option<Instant>,
    /// Every probe on a line of its own, too
    #[arg(long)]
    verbose: bool,
}

/// What stands below the options of `evidence diff`.
const DIFF: &str = "The results of two runs: what held, was noticed and was reached. `ringfence access-diff OLD NEW` compares
what plans, states and policies allow, for all requests.

Example:
  ringfence evidence diff previous ringfence-run

Exit codes: 0 nothing is worse, 1 something is, 2 a run could not be read.";

#[derive(Debug, Args)]
#[command(after_help = DIFF)]
struct Compare {
    /// The earlier bundle
    old: PathBuf,
    /// The later one
    new: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct History {
    /// The directory with the bundles
    directory: PathBuf,
}

impl Evidence {
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        match self.command {
            Command::Verify(verify) => verify.run(),
            Command::Sign(sign) => sign.run(),
            Command::Merge(merge) => merge.run(),
            Command::Diff(compare) => compare.run(),
            Command::History(history) => history.run(),
        }
    }
}

impl Verify {
    fn run(self) -> anyhow::Result<Exit> {
        let keys = self.allowed_key.as_deref().map(AllowedKeys::read).transpose()?;
        let at = or_now(self.at)?;
        let trust = keys.as_ref().map_or(Trust::HashesAlone, |keys| Trust::Keys(keys, at));
        let mut checked = check(&self.directory, trust)?;
        if let Some(record) = &checked.record {
            checked.problems.extend(certificates::problems(&self.directory, &record.proofs)?);
        }
        let name = self.directory.display();
        if let Some(record) = &checked.record {
            let summary = &record.summary;
            println!(
                "{name}: run {} of {}, {} probes: {} held, {} failed, {} inconclusive, {} not run",
                record.run_id,
                record.started,
                summary.probes,
                summary.held,
                summary.failed,
                summary.inconclusive,
                summary.not_run
            );
        }
        for problem in &checked.problems {
            println!("BAD: {}", harmless_line(problem));
        }
        if !checked.problems.is_empty() {
            println!("{name}: NOT to be relied on ({} problems)", checked.problems.len());
            return Ok(Exit::Failed);
        }
        match checked.signer {
            Some(signer) => println!(
                "{name}: good: {} files, signed by {}{}, good at {at}",
                checked.files,
                signer.fingerprint,
                signer.principal.map(|name| format!(" ({name})")).unwrap_or_default()
            ),
            None => {
                let signed = match self.directory.join(SIGNATURE).exists() {
                    true => "its signature was NOT checked",
                    false => "it is UNSIGNED",
                };
                println!("{name}: undamaged: {} files; {signed}: nobody vouches", checked.files);
            }
        }
        Ok(Exit::Held)
    }
}

impl Sign {
    fn run(self) -> anyhow::Result<Exit> {
        let name = self.directory.display();
        match sign_bundle(&self.directory, &self.sign_key, self.unisolated) {
            Ok(signer) => {
                println!("{name}: signed by {}", signer.fingerprint);
                Ok(Exit::Held)
            }
            Err(error) if error.is::<Unsignable>() => {
                println!("{name}: NOT signed: {error}");
                Ok(Exit::Failed)
            }
            Err(error) => Err(error),
        }
    }
}

/// A time, or the present one.
fn or_now(at: Option<Instant>) -> anyhow::Result<Instant> {
    match at {
        Some(at) => Ok(at),
        None => Ok(Instant::from_rfc3339(&OffsetDateTime::now_utc().format(&Rfc3339)?)?),
    }
}

impl Merge {
    fn run(self) -> anyhow::Result<Exit> {
        let keys = self.allowed_key.as_deref().map(AllowedKeys::read).transpose()?;
        let at = or_now(self.at)?;
        let trust = keys.as_ref().map_or(Trust::HashesAlone, |keys| Trust::Keys(keys, at));
        let record = merge_bundles(&self.shares, &self.into, trust)?;
        let places = bundle::places(&self.into, &record);
        let told = Told { every_probe: self.verbose, places: &places, again: &|_| None };
        print!("{}", table(&record, &told));
        let into = self.into.display();
        println!("evidence: {into} (UNSIGNED); report: {into}/{REPORT}");
        for text in record.deviations.iter().filter(|text| text.contains("UNSIGNED")) {
            println!("{text}");
        }
        Ok(if record.passed() { Exit::Held } else { Exit::Failed })
    }
}

impl Compare {
    fn run(self) -> anyhow::Result<Exit> {
        let (old, new) = (read(&self.old)?, read(&self.new)?);
        anyhow::ensure!(
            old.status.is_complete(),
            "`{}` did not come to its end: nothing can be compared with it",
            self.old.display()
        );
        let diff = Diff::of(&old, &new);
        if self.json {
            println!("{}", serde_json::to_string_pretty(&diff)?);
        } else {
            print!("{diff}");
        }
        Ok(if diff.regressions.is_empty() { Exit::Held } else { Exit::Failed })
    }
}

/// A bundle's record, or the record itself.
fn read(path: &Path) -> anyhow::Result<RunRecord> {
    Ok(if path.is_dir() { bundle::read(path)? } else { RunRecord::read(path)? })
}

impl History {
    fn run(self) -> anyhow::Result<Exit> {
        let mut bundles = Vec::new();
        let unreadable = || format!("cannot read the history `{}`", self.directory.display());
        for entry in std::fs::read_dir(&self.directory).with_context(unreadable)? {
            let path = entry.with_context(unreadable)?.path();
            if path.join(RUN).is_file() {
                bundles.push(path);
            }
        }
        bundles.sort_unstable();
        anyhow::ensure!(!bundles.is_empty(), "no run in `{}`", self.directory.display());
        // The hash of the last finished bundle, which the next one must name.
        let (mut last, mut old, mut gaps): (Option<String>, Option<RunRecord>, _) = (None, None, 0);
        for path in bundles {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let record = match read(&path) {
                Ok(record) => record,
                Err(error) => {
                    println!("{name}  cannot be read: {error:#}");
                    gaps += 1;
                    continue;
                }
            };
            let summary = &record.summary;
            let state = if record.status.is_complete() { "complete" } else { "INCOMPLETE" };
            println!(
                "{name}  {state}  {} probes: {} held, {} failed, {} inconclusive, {} not run",
                summary.probes, summary.held, summary.failed, summary.inconclusive, summary.not_run
            );
            let named = record.provenance.previous_manifest_sha256.clone();
            if last.is_some() && named != last {
                println!("    GAP: it does not follow the run above: one was removed or changed");
                gaps += 1;
            }
            if let Ok(manifest) = std::fs::read(path.join(MANIFEST)) {
                last = Some(sha256(&manifest));
            }
            if record.status.is_complete() {
                if let Some(old) = &old {
                    let diff = Diff::of(old, &record);
                    println!(
                        "    {} verdicts, {} mutants, {} inputs, {} permissions changed; {} regressions",
                        diff.verdicts.len(),
                        diff.mutants.len(),
                        diff.inputs.len(),
                        diff.reach.len(),
                        diff.regressions.len()
                    );
                }
                old = Some(record);
            }
        }
        Ok(if gaps == 0 { Exit::Held } else { Exit::Failed })
    }
}
