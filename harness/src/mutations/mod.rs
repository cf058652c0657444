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

pub use self::observations::Probed;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use ringfence_evidence::{Mutant, MutationSummary, Mutations};
use ringfence_guard::Recording;

use self::exact::{CannotCompare, Estate};
use self::live::{Before, Live};
use self::observations::Observations;
use self::possible::{Account, Possible};
use self::targets::Targets;
use crate::attacks::{Choice, Suite, Verdict};
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

/// Weakens what is chosen of each account. `probed` is what a campaign on this stack
/// found, which began at `began` in the guard's recording: a whole one, or a share,
/// whose mutants are all documents (each share's probes may notice another) and its part
/// of what is changed for real.
///
/// # Errors
/// When the deployed state cannot be read, or something chosen is not there.
pub async fn run(
    suites: &[Suite<'_>],
    probed: &[Probed],
    began: u64,
    choice: &Choice,
    progress: &Progress,
) -> anyhow::Result<Mutations> {
    let start = Instant::now();
    let recording = recording(suites)?;
    if recording.dropped() > 0 {
        return Err(MutationsError::Dropped(recording.dropped()).into());
    }
    let mut planned = Vec::new();
    for suite in suites {
        planned.push((Targets::deployed(suite, recording).await?, live::plan(suite).await));
    }
    if let Choice::Ids(chosen) = choice {
        let all = suites.iter().zip(&planned);
        let known: BTreeSet<String> =
            all.flat_map(|(suite, (targets, live))| shown(suite, targets, live)).collect();
        let unknown = chosen.iter().filter(|id| !known.contains(*id));
        let unknown: Vec<String> = unknown.map(|id| format!("`{id}`")).collect();
        if !unknown.is_empty() {
            return Err(Unknown(unknown).into());
        }
    }
    let recorded = recording.all();
    let began = usize::try_from(began)?;
    let observations = Arc::new(Observations::of(suites, probed, &recorded, began));
    let mut mutants = Vec::new();
    for (suite, (targets, live)) in suites.iter().zip(planned) {
        let meant = (choice, probed);
        mutants.extend(of_account(suite, targets, live, &observations, meant, progress).await?);
    }
    Ok(told(mutants, start))
}

/// Weakens what is chosen of an account.
async fn of_account(
    suite: &Suite<'_>,
    targets: Targets,
    live: Vec<Live>,
    observations: &Arc<Observations>,
    (choice, probed): (&Choice, &[Probed]),
    progress: &Progress,
) -> anyhow::Result<Vec<Mutant>> {
    let facts = suite.facts();
    let possible = Possible::of(&Account {
        id: &facts.account,
        providers: &facts.providers,
        network: facts.vpc.as_deref().map(|vpc| (vpc, facts.subnets.as_slice())),
    });
    let (meant, account) = (choice.clone(), suite.account().clone());
    let observations = Arc::clone(observations);
    let judging = async {
        let phase = progress.phase(suite.account().scoped("weakening policies"));
        let mutants = tokio::task::spawn_blocking(move || {
            let estate = Estate::of(&observations, possible);
            let chosen =
                |id: &str| matches!(meant, Choice::Share(_)) || meant.has(&account.shown(id));
            let mut mutants = judge::all(&targets, &chosen, &observations, &estate)?;
            for mutant in &mut mutants {
                mutant.id = account.shown(&mutant.id);
                mutant.guard_rail_document = account.shown(&mutant.guard_rail_document);
            }
            Ok::<_, CannotCompare>(mutants)
        })
        .await??;
        phase.note(format!("{} mutants", mutants.len()));
        phase.done();
        anyhow::Ok(mutants)
    };
    let is_chosen = |mutant: &Live| choice.has(&suite.account().scoped(&mutant.id));
    let chosen: Vec<Live> = live.into_iter().filter(is_chosen).collect();
    // Documents are judged by what was recorded, whatever is changed meanwhile.
    // A fault of the one does not stop the other, which puts back what it changed.
    let (documents, changes) =
        tokio::join!(judging, change(suite, chosen, probed, choice, progress));
    Ok([documents?, changes?].concat())
}

fn recording<'s>(suites: &'s [Suite<'_>]) -> Result<&'s Recording, MutationsError> {
    let recording = suites.first().and_then(|suite| suite.stack().guard().recording());
    recording.ok_or(MutationsError::NotRecorded)
}

/// The ids of an account's mutants, in order.
fn shown(suite: &Suite<'_>, targets: &Targets, live: &[Live]) -> Vec<String> {
    let account = suite.account();
    let documents = judge::ids(targets).into_iter().map(|id| account.shown(&id));
    documents.chain(live.iter().map(|mutant| account.scoped(&mutant.id))).collect()
}

/// Changes for real what is chosen, one after the other.
async fn change(
    suite: &Suite<'_>,
    chosen: Vec<Live>,
    probed: &[Probed],
    choice: &Choice,
    progress: &Progress,
) -> anyhow::Result<Vec<Mutant>> {
    if chosen.is_empty() {
        return Ok(Vec::new());
    }
    let account = suite.account();
    let phase = progress.phase(account.scoped("weakening what is deployed"));
    let not_held = probed.iter().filter(|probe| probe.verdict != Verdict::Held);
    let own = not_held.filter_map(|probe| account.own(&probe.id));
    let failing: BTreeSet<String> = own.map(str::to_owned).collect();
    let any_succeeded = probed.iter().any(|probe| probe.verdict == Verdict::Failed);
    let before = match choice {
        Choice::All | Choice::Ids(_) | Choice::Changed(_) if !any_succeeded => {
            Before::Failing(&failing)
        }
        Choice::All | Choice::Ids(_) | Choice::Changed(_) | Choice::Share(_) => Before::Unknown,
    };
    let mut mutants = Vec::new();
    for mutant in chosen {
        phase.note(mutant.change.clone());
        let mut mutant = mutant.run(suite, before).await?;
        mutant.id = account.scoped(&mutant.id);
        mutant.guard_rail_document = account.scoped(&mutant.guard_rail_document);
        mutant.killed_by.iter_mut().for_each(|id| *id = account.scoped(id));
        mutants.push(mutant);
    }
    phase.done();
    Ok(mutants)
}

/// The ids of all mutants, in order.
///
/// # Errors
/// When the deployed state cannot be read.
pub async fn ids(suites: &[Suite<'_>]) -> anyhow::Result<Vec<String>> {
    let recording = recording(suites)?;
    let mut ids = Vec::new();
    for suite in suites {
        let targets = Targets::deployed(suite, recording).await?;
        ids.extend(shown(suite, &targets, &live::plan(suite).await));
    }
    Ok(ids)
}

fn told(mutants: Vec<Mutant>, start: Instant) -> Mutations {
    Mutations {
        summary: MutationSummary::of(&mutants),
        duration_ms: u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX),
        mutants,
    }
}
