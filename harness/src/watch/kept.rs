//! What was found, with all that it was decided by, and what of it must be found
//! again. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::thread;

use ringfence_guard::recording::Verdict as Decided;
use ringfence_guard::{Inputs, Overlay, Recording};

use super::documents::Documents;
use crate::attacks::companions::mutant;
use crate::attacks::{Finding, Verdict};

/// A finding with what the decisions about its requests depend on.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    pub(super) finding: Finding,
    /// None where something that it depends on was not recorded.
    inputs: Option<Vec<Arc<Inputs>>>,
}

/// Why an attack is made again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Why {
    /// A request of it is decided otherwise.
    Decided,
    /// It did not hold.
    Open,
    /// There was none of its id.
    New,
    /// What it depends on was not recorded.
    Unrecorded,
}

impl Kept {
    /// A finding as the guard recorded it: its own requests, those that services made
    /// because of them, and what was decided without any.
    pub(super) fn of(finding: Finding, recording: Option<&Recording>) -> Self {
        let requests = finding.request_ids.iter().chain(&finding.traces.caused);
        let recorded: Option<Vec<Arc<Inputs>>> =
            requests.map(|id| Some(Arc::clone(&recording?.find(id)?.inputs))).collect();
        let alone = finding.traces.decided.iter().map(|decided| Arc::clone(&decided.inputs));
        let inputs = recorded.map(|recorded| recorded.into_iter().chain(alone).collect::<Vec<_>>());
        Self { inputs: inputs.filter(|inputs| !inputs.is_empty()), finding }
    }

    fn why(&self, documents: &Documents, overlay: &Overlay) -> Option<Why> {
        if !matches!(self.finding.verdict, Verdict::Held | Verdict::NotApplicable) {
            return Some(Why::Open);
        }
        // What the estate has none of, it has none of by its facts.
        if self.finding.verdict == Verdict::NotApplicable {
            return None;
        }
        let Some(inputs) = &self.inputs else { return Some(Why::Unrecorded) };
        let differs = inputs.iter().any(|inputs| differs(inputs, documents, overlay));
        differs.then_some(Why::Decided)
    }
}

/// Whether something is decided otherwise under the documents as they are now: a
/// permission's outcome, or the layer or statement that decides it, or whether it
/// is refused by guard rails alone, as its mutant shows.
pub(super) fn differs(inputs: &Inputs, documents: &Documents, overlay: &Overlay) -> bool {
    let is_changed = |id: &str| documents.contains_key(id);
    if !inputs.documents().any(|it| is_changed(&it.id) || is_changed(&it.slot)) {
        return false;
    }
    let (before, after) =
        (inputs.verdict_of_each(&Overlay::none()), inputs.verdict_of_each(overlay));
    if before != after {
        return true;
    }
    let refused = !before.iter().all(Decided::allowed);
    refused && mutant(inputs).shown != mutant(&with(inputs, overlay)).shown
}

/// The same with the documents as they are now in their places.
fn with(inputs: &Inputs, overlay: &Overlay) -> Inputs {
    let mut now = inputs.clone();
    let caller = Arc::make_mut(&mut now.caller);
    let places = caller.identity.iter_mut().chain(caller.boundary.iter_mut().flatten());
    for attached in places {
        if let Some(document) = overlay.of(attached) {
            attached.document = document;
        }
    }
    now
}

/// The documents as they are now, over those that were.
pub(super) fn overlay(documents: &Documents) -> Overlay {
    documents
        .iter()
        .fold(Overlay::none(), |overlay, (id, document)| overlay.replace(id, Arc::clone(document)))
}

/// Which of the attacks must be made again, and why, where nothing but these
/// documents differs from what each was made with.
pub(super) fn again(
    kept: &BTreeMap<String, Kept>,
    ids: &BTreeSet<String>,
    documents: &Documents,
) -> BTreeMap<String, Why> {
    let overlay = overlay(documents);
    let ids: Vec<&String> = ids.iter().collect();
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let share = ids.len().div_ceil(cores).max(1);
    let of = |ids: &[&String]| -> Vec<(String, Why)> {
        let why = |id: &String| match kept.get(id) {
            None => Some(Why::New),
            Some(kept) => kept.why(documents, &overlay),
        };
        ids.iter().filter_map(|id| Some(((*id).clone(), why(id)?))).collect()
    };
    thread::scope(|scope| {
        let running: Vec<_> = ids.chunks(share).map(|ids| scope.spawn(move || of(ids))).collect();
        // A thread that panicked decided nothing: all of its share is unknown.
        let joined = running.into_iter().zip(ids.chunks(share)).map(|(done, share)| {
            done.join().unwrap_or_else(|_| {
                share.iter().map(|id| ((*id).clone(), Why::Unrecorded)).collect()
            })
        });
        joined.flatten().collect()
    })
}

#[cfg(test)]
mod tests {
    use ringfence_guard::recording::{Asked, Attached, BoundCaller, ResourceControl};
    use ringfence_guard::requirements::Needed;
    use ringfence_policy::{Context, Document, Kind, Principal};
    use serde_json::json;

    use super::*;
    use crate::attacks::finding::{DecidedAlone, Road, Scope, Untried};
    use crate::guard_rail::GuardRail;

    const ARN: &str = "arn:aws:iam::123456789012:policy/limits";

    fn document(statements: &[(&str, &str)]) -> Arc<Document> {
        let statements: Vec<_> = statements
            .iter()
            .map(|(effect, action)| {
                json!({"Sid": effect, "Effect": effect, "Action": action, "Resource": "*"})
            })
            .collect();
        let text = json!({"Version": "2012-10-17", "Statement": statements}).to_string();
        Arc::new(Document::parse(ARN, &text, Kind::Identity).unwrap())
    }

    fn inputs(action: &str) -> Arc<Inputs> {
        let limits = document(&[("Allow", "*"), ("Deny", "iam:*")]);
        let own = Document::parse("own", document(&[("Allow", "*")]).text(), Kind::Identity);
        Arc::new(Inputs {
            caller: Arc::new(BoundCaller {
                principal: Principal::RoleSession {
                    role_arn: "arn:aws:iam::123456789012:role/app".into(),
                    session_arn: "arn:aws:sts::123456789012:assumed-role/app/s".into(),
                },
                owner: Some("role/app".into()),
                vpc_endpoints: Vec::new(),
                resource_control: ResourceControl::default(),
                service_control: Vec::new(),
                identity: vec![Attached {
                    slot: "role/app/inline/own".into(),
                    id: "role/app/inline/own".into(),
                    document: Arc::new(own.unwrap()),
                }],
                boundary: Some(vec![Attached {
                    slot: "role/app/boundary".into(),
                    id: format!("policy/{ARN}").into(),
                    document: limits,
                }]),
                session: None,
            }),
            asked: vec![Asked {
                action: action.into(),
                resource: "arn:aws:iam::123456789012:user/u".into(),
                context: Context::new().into(),
                resource_policy: None,
                needed: Needed::Surely,
            }],
        })
    }

    fn kept(verdict: Verdict, inputs: Option<Arc<Inputs>>) -> Kept {
        let told = Untried {
            id: "it".into(),
            identity: "app".into(),
            road: Road::Api,
            scope: Scope::Decided,
            title: "it".into(),
            expected: "refused".into(),
            guard_rail: GuardRail::CodeCeiling,
        };
        let mut finding = Finding::untried(told, verdict, "");
        let inputs = inputs.into_iter();
        finding.traces.decided =
            inputs.map(|inputs| DecidedAlone { inputs, exact: true }).collect();
        Kept::of(finding, None)
    }

    fn why(kept: Kept, statements: &[(&str, &str)]) -> Option<Why> {
        let documents = Documents::from([(format!("policy/{ARN}"), document(statements))]);
        let ids = BTreeSet::from(["it".to_owned()]);
        let all = BTreeMap::from([("it".to_owned(), kept)]);
        again(&all, &ids, &documents).remove("it")
    }

    #[test]
    fn what_is_decided_otherwise_is_made_again_and_what_is_not_is_not() {
        let user = || kept(Verdict::Held, Some(inputs("iam:CreateUser")));
        assert_eq!(why(user(), &[("Allow", "*"), ("Deny", "iam:*")]), None);
        assert_eq!(why(user(), &[("Allow", "*"), ("Deny", "iam:Create*")]), None);
        // Allowed; refused by silence; refused by another layer's absence.
        assert_eq!(why(user(), &[("Allow", "*")]), Some(Why::Decided));
        assert_eq!(why(user(), &[("Allow", "s3:*")]), Some(Why::Decided));
        let object = kept(Verdict::Held, Some(inputs("s3:GetObject")));
        assert_eq!(why(object, &[("Allow", "*")]), None);
    }

    #[test]
    fn what_did_not_hold_is_new_or_was_not_recorded_is_made_again() {
        let same = [("Allow", "*"), ("Deny", "iam:*")];
        let inputs = || Some(inputs("iam:CreateUser"));
        for verdict in [Verdict::Failed, Verdict::Inconclusive, Verdict::NotRun] {
            assert_eq!(why(kept(verdict, inputs()), &same), Some(Why::Open));
        }
        assert_eq!(why(kept(Verdict::Held, None), &same), Some(Why::Unrecorded));
        assert_eq!(why(kept(Verdict::NotApplicable, None), &same), None);
        let new = BTreeSet::from(["new".to_owned()]);
        let all = again(&BTreeMap::new(), &new, &Documents::new());
        assert_eq!(all, BTreeMap::from([("new".to_owned(), Why::New)]));
    }

    #[test]
    fn a_request_that_was_not_recorded_makes_its_finding_unknown() {
        let mut finding = kept(Verdict::Held, Some(inputs("iam:CreateUser"))).finding;
        finding.request_ids.push("request-of-before".into());
        let recording = Recording::default();
        assert!(Kept::of(finding, Some(&recording)).inputs.is_none());
    }
}
