//! Mutations: each guard rail is weakened in one place, and the probes must
//! notice. One that nobody notices is a hole, in the probes or in the guard
//! rails.
//!
//! - [`targets`]: what can be weakened, read from the deployed state;
//! - [`weaken`]: the weaker versions of a policy document, pure;
//! - [`observations`]: the requests that were recorded while the probes ran,
//!   with the probes that look at them;
//! - [`exact`]: whether any request can tell a version that nobody noticed from
//!   the original, and which;
//! - [`possible`]: what every request has in common that AWS can receive;
//! - [`judge`]: the verdicts on documents, without deploying anything again;
//! - [`live`]: what is no policy document (routes, authorizers, networks,
//!   buckets) is changed for real, attacked, and put back.

pub mod exact;
pub mod judge;
pub mod live;
pub mod observations;
pub mod possible;
pub mod targets;
pub mod weaken;

use std::collections::BTreeSet;
use std::time::Instant;

use ringfence_evidence::{Mutant, MutationSummary, Mutations};

use self::exact::Estate;
use self::live::{Before, Live};
use self::observations::Observations;
use self::possible::{Account, Possible};
use self::targets::Targets;
use crate::attacks::{Choice, Finding, Suite, Verdict};
use crate::progress::Progress;

/// Ids that name no mutant.
#[derive(Debug, thiserror::Error)]
#[error("no mutant is called {}; `ringfence mutate --json` prints the ids of all", .0.join(", "))]
pub struct Unknown(pub Vec<String>);

/// Why nothing was weakened.
#[derive(Debug, thiserror::Error)]
pub enum MutationsError {
    /// The guard kept no recording.
    #[error("the guard keeps no recording of what it decides about, which mutations need")]
    NotRecorded,
    /// The recording is not whole.
    #[error(
        "the recording dropped {0} requests, because there were too many: what the probes saw of \
         them is not known"
    )]
    Dropped(u64),
}

/// Weakens what is chosen. `findings` are those of a campaign on this stack, which
/// began at `began` in the guard's recording: of a whole one, or of a share, whose
/// mutants are all documents (each share's probes may notice another) and its part
/// of what is changed for real.
///
/// # Errors
/// When the deployed state cannot be read, or something chosen is not there.
pub async fn run(
    suite: &Suite<'_>,
    findings: &[Finding],
    began: u64,
    choice: &Choice,
    progress: &Progress,
) -> anyhow::Result<Mutations> {
    let start = Instant::now();
    let recording = suite.stack().guard().recording().ok_or(MutationsError::NotRecorded)?;
    if recording.dropped() > 0 {
        return Err(MutationsError::Dropped(recording.dropped()).into());
    }
    let targets = Targets::deployed(suite, recording).await?;
    let live = live::plan(suite).await;
    if let Choice::Ids(chosen) = choice {
        let known = judge::ids(&targets).into_iter();
        let known: BTreeSet<String> =
            known.chain(live.iter().map(|mutant| mutant.id.clone())).collect();
        let unknown = chosen.iter().filter(|id| !known.contains(*id));
        let unknown: Vec<String> = unknown.map(|id| format!("`{id}`")).collect();
        if !unknown.is_empty() {
            return Err(Unknown(unknown).into());
        }
    }
    let recorded = recording.all();
    let began = usize::try_from(began)?;
    let observations = Observations::of(suite.facts(), findings, &recorded, began);
    let facts = suite.facts();
    let possible = Possible::of(&Account {
        id: &facts.account,
        providers: &facts.providers,
        network: facts.vpc.as_deref().map(|vpc| (vpc, facts.subnets.as_slice())),
    });
    let meant = choice.clone();
    let judging = async {
        let phase = progress.phase("weakening policies");
        let mutants = tokio::task::spawn_blocking(move || {
            let estate = Estate::of(&observations, possible);
            let chosen = |id: &str| matches!(meant, Choice::Share(_)) || meant.has(id);
            judge::all(&targets, &chosen, &observations, &estate)
        })
        .await??;
        phase.note(format!("{} mutants", mutants.len()));
        phase.done();
        anyhow::Ok(mutants)
    };
    let chosen: Vec<Live> = live.into_iter().filter(|mutant| choice.has(&mutant.id)).collect();
    // Documents are judged by what was recorded, whatever is changed meanwhile.
    // A fault of the one does not stop the other, which puts back what it changed.
    let (documents, changes) =
        tokio::join!(judging, change(suite, chosen, findings, choice, progress));
    Ok(told([documents?, changes?].concat(), start))
}

/// Changes for real what is chosen, one after the other.
async fn change(
    suite: &Suite<'_>,
    chosen: Vec<Live>,
    findings: &[Finding],
    choice: &Choice,
    progress: &Progress,
) -> anyhow::Result<Vec<Mutant>> {
    if chosen.is_empty() {
        return Ok(Vec::new());
    }
    let phase = progress.phase("weakening what is deployed");
    let not_held = findings.iter().filter(|finding| finding.verdict != Verdict::Held);
    let failing: BTreeSet<String> = not_held.map(|finding| finding.id.clone()).collect();
    let any_succeeded = findings.iter().any(|finding| finding.verdict == Verdict::Failed);
    let before = match choice {
        Choice::All | Choice::Ids(_) | Choice::Changed(_) if !any_succeeded => {
            Before::Failing(&failing)
        }
        Choice::All | Choice::Ids(_) | Choice::Changed(_) | Choice::Share(_) => Before::Unknown,
    };
    let mut mutants = Vec::new();
    for mutant in chosen {
        phase.note(mutant.change.clone());
        mutants.push(mutant.run(suite, before).await?);
    }
    phase.done();
    Ok(mutants)
}

/// The ids of all mutants, in order.
///
/// # Errors
/// When the deployed state cannot be read.
pub async fn ids(suite: &Suite<'_>) -> anyhow::Result<Vec<String>> {
    let recording = suite.stack().guard().recording().ok_or(MutationsError::NotRecorded)?;
    let targets = Targets::deployed(suite, recording).await?;
    let live = live::plan(suite).await.into_iter().map(|mutant| mutant.id);
    Ok(judge::ids(&targets).into_iter().chain(live).collect())
}

fn told(mutants: Vec<Mutant>, start: Instant) -> Mutations {
    Mutations {
        summary: MutationSummary::of(&mutants),
        duration_ms: u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX),
        mutants,
    }
}
