//! What was applied is what is judged.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use ringfence_guard::Journal;

use super::calls::{self, Changed, Place, Unseen};
use super::changes::{self, Cause, Causes, Change};
use super::left::LeftToOthers;
use super::readings::{Moment, Reading};
use super::snapshot::{Snapshot, resources};
use super::state;
use crate::attacks::finding::{Companions, Decider, Finding, Road, Scope, Traces, Verdict};
use crate::guard_rail::GuardRail;
use crate::terraform::Instance;

const RAIL: GuardRail = GuardRail::Applied;

/// The findings about what Layer 1 applied: one about all of it, and one for
/// each difference. The first one's duration is that of the readings, of their
/// comparison, and of the hashing before it. `ours` says of a request id whether the
/// harness made the call.
pub(super) fn findings(
    readings: &[&Reading],
    left: &LeftToOthers,
    instances: &[Instance],
    journal: &Journal,
    place: Place<'_>,
    hashing: Duration,
    ours: impl Fn(&str) -> bool,
) -> Vec<Finding> {
    let began = Instant::now();
    let Some(first) = readings.first() else { return Vec::new() };
    let mut differences: Vec<Finding> = state::differences(instances, &first.snapshot)
        .into_iter()
        .map(|told| difference(&told, Moment::Applied, told.clone(), &[]))
        .collect();
    for pair in readings.windows(2) {
        let [before, now] = pair else { continue };
        let changed = changes::between(&first.snapshot, &before.snapshot, &now.snapshot, left);
        let mut causes = Causes::of(&changed);
        if !changed.is_empty() {
            journal.each_since(before.mark).for_each(|entry| causes.take(&entry));
        }
        let mut told = BTreeSet::new();
        for (change, causes) in causes.told() {
            told.extend(causes.iter().map(|cause| cause.request_id.clone()));
            differences.push(difference(&name(change), now.moment, said(change, &causes), &causes));
        }
        let changes = || journal.changes_between(before.mark, now.mark);
        for changed in calls::changed(changes(), instances, left, place) {
            differences.push(called(&changed, now.moment));
        }
        // An attack that changes something is a finding of its own.
        let others =
            changes().filter(|entry| !told.contains(&entry.request_id) && !ours(&entry.request_id));
        for changed in calls::rails(others, instances, left, place) {
            differences.push(called(&changed, now.moment));
        }
    }
    let snapshots: Vec<&Snapshot> = readings.iter().map(|reading| &reading.snapshot).collect();
    let unseen: Vec<Finding> = calls::unseen(instances, &snapshots, place)
        .into_iter()
        .map(|(kind, resources)| unseen(kind, &resources))
        .collect();
    let judging = hashing + began.elapsed();
    let all = whole(readings, differences.len(), unseen.len(), judging);
    std::iter::once(all).chain(differences).chain(unseen).collect()
}

/// `role/app-x/PermissionsBoundary`, or `ADDRESS/OPERATION/MEMBER`: stable from run
/// to run.
fn name(change: &Change) -> String {
    let member = change.member.as_deref().unwrap_or("itself");
    match resources::kind(change.object.kind) {
        Some(_) => format!("{}/{member}", change.object.name),
        None => format!("{}/{}/{member}", change.object.kind, change.object.name),
    }
}

fn said(change: &Change, causes: &[Cause]) -> String {
    let said = change.told();
    if causes.is_empty() {
        return format!("{said}; no call of the journal explains it");
    }
    with_causes(said, causes)
}

/// The most calls that are named for one change; all are referred to.
const NAMED: usize = 3;

/// A change that only the journal shows.
fn called(changed: &Changed, moment: Moment) -> Finding {
    let Changed { address, causes } = changed;
    let call = causes.first().map(|cause| cause.call.as_str()).unwrap_or_default();
    let named = causes.get(..causes.len().min(NAMED)).unwrap_or_default();
    let mut said = with_causes(format!("{call} changed {address}"), named);
    if let Some(more) = causes.len().checked_sub(NAMED).filter(|more| *more > 0) {
        said = format!("{said}; and {more} more such calls");
    }
    difference(&format!("{address}/{call}"), moment, said, causes)
}

/// The resources of a type of which it is unknown whether they changed.
fn unseen(kind: &str, resources: &[Unseen]) -> Finding {
    let addresses: Vec<&str> = resources.iter().map(|one| one.address.as_str()).collect();
    let mut said = format!("not read back, and no call names it: {}", addresses.join(", "));
    if let Some(why) = resources.iter().find_map(|one| one.why.as_deref()) {
        said = format!("{said}; {why}");
    }
    let reason = format!(
        "whether somebody changed what Layer 1 applied of `{kind}` is unknown: Ringfence has no \
         reading of it here, and calls do not name it by an ARN of Terraform's state"
    );
    let mut finding =
        finding(format!("integrity/layer1/not-read/{kind}"), said, Some(reason), Duration::ZERO);
    finding.verdict = Verdict::Inconclusive;
    finding
}

fn with_causes(mut said: String, causes: &[Cause]) -> String {
    for cause in causes {
        let statements: Vec<String> = cause
            .check
            .statements
            .iter()
            .map(|statement| {
                let sid = statement.sid.clone();
                let number = statement.index.saturating_add(1);
                let place = sid.unwrap_or_else(|| format!("statement {number}"));
                format!("{place} of {}", statement.policy)
            })
            .collect();
        let by = match statements.as_slice() {
            [] => cause.check.explanation.clone(),
            all => format!("allowed by {}", all.join(", ")),
        };
        said = format!(
            "{said}; {} by {} (journal line {}), {by}",
            cause.call, cause.principal, cause.request_id
        );
    }
    said
}

fn whole(readings: &[&Reading], differences: usize, unseen: usize, judging: Duration) -> Finding {
    let objects = readings.first().map_or(0, |reading| reading.snapshot.len());
    let observed = match differences {
        0 => format!("{objects} objects are what they were, read {} times", readings.len()),
        1 => format!("of {objects} objects one difference was found"),
        many => format!("of {objects} objects {many} differences were found"),
    };
    let reading: Duration = readings.iter().map(|reading| reading.took).sum();
    let reason = (differences > 0).then(|| {
        "what the attacks met is not what Layer 1 applied; each difference is a finding of its own"
            .to_owned()
    });
    let mut all = finding("integrity/layer1".to_owned(), observed, reason, reading + judging);
    if differences == 0 && unseen > 0 {
        all.verdict = Verdict::Inconclusive;
        all.reason = Some(
            "of some of what Layer 1 applied nothing tells whether it changed; each type is a \
             finding of its own"
                .to_owned(),
        );
    }
    all
}

fn difference(name: &str, moment: Moment, said: String, causes: &[Cause]) -> Finding {
    let id = format!("integrity/layer1/{}/{name}", moment.as_str());
    let reason = Some(format!("it changed {}", moment.during()));
    let mut finding = finding(id, said, reason, Duration::ZERO);
    finding.request_ids = causes.iter().map(|cause| cause.request_id.clone()).collect();
    finding.decided_by = causes.iter().flat_map(deciders).collect();
    finding
}

fn finding(id: String, observed: String, reason: Option<String>, duration: Duration) -> Finding {
    Finding {
        id,
        guard_rail: RAIL,
        identity: "everybody".to_owned(),
        road: Road::Workflow,
        scope: Scope::Executed,
        title: "what Layer 1 applied stays as it was applied while it is judged".to_owned(),
        expected:
            "nothing that Layer 1 applied is changed or gone, but for what it leaves to others"
                .to_owned(),
        observed,
        verdict: if reason.is_none() { Verdict::Held } else { Verdict::Failed },
        reason,
        companions: Companions::default(),
        decided_by: Vec::new(),
        duration,
        request_ids: Vec::new(),
        traces: Traces::default(),
    }
}

fn deciders(cause: &Cause) -> Vec<Decider> {
    let check = &cause.check;
    let decider = |policy, sid, index| Decider {
        action: check.action.clone(),
        resource: check.resource.clone(),
        outcome: check.outcome.clone(),
        layer: check.layer.clone(),
        policy,
        sid,
        index,
        text: None,
        explanation: check.explanation.clone(),
    };
    if check.statements.is_empty() {
        return vec![decider(None, None, None)];
    }
    let each = check.statements.iter();
    each.map(|one| decider(Some(one.policy.clone()), one.sid.clone(), Some(one.index))).collect()
}
