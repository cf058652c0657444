//! The verdicts on weakened documents: what each probe saw is decided again
//! with the weaker document in place. Pure.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use ringfence_evidence::{Mutant, MutantVerdict, NEVER_ASKED};
use ringfence_guard::{Overlay, recording};
use ringfence_policy::{Document, Kind};
use serde_json::json;

use super::exact::{CannotCompare, Compared, Estate};
use super::observations::Observations;
use super::possible::Spoken;
use super::targets::{Bounded, Target, Targets};
use super::weaken;
use crate::attacks::companions::document;

/// How many of the probes that noticed are named.
const NAMED: usize = 5;

/// A mutant that is decided about.
#[derive(Debug)]
struct Planned {
    /// Its stable id.
    id: String,
    /// The document's id, or its place.
    document: String,
    document_kind: Kind,
    kind: &'static str,
    statement: Option<String>,
    change: String,
    /// What the statement that is changed speaks of, before and after.
    spoken: Spoken,
    overlay: Overlay,
}

/// What is weakened, piece by piece: each mutant is a document of its own, and a
/// large estate's would fill the memory.
#[derive(Debug, Clone, Copy)]
enum Whole<'a> {
    /// A document.
    Document(&'a Target),
    /// A boundary where it is.
    Boundary(&'a Bounded),
}

impl Whole<'_> {
    fn all(targets: &Targets) -> Vec<Whole<'_>> {
        let documents = targets.documents.iter().map(Whole::Document);
        documents.chain(targets.bounded.iter().map(Whole::Boundary)).collect()
    }

    fn mutants(self) -> Vec<Planned> {
        match self {
            Self::Document(target) => of_document(target),
            Self::Boundary(bounded) => of_boundary(bounded),
        }
    }
}

/// The ids of all mutants of the documents, and of the boundaries where they are.
pub fn ids(targets: &Targets) -> Vec<String> {
    let mutants = Whole::all(targets).into_iter().flat_map(Whole::mutants);
    mutants.map(|mutant| mutant.id).collect()
}

fn of_document(target: &Target) -> Vec<Planned> {
    let versions = weaken::versions(&target.document).into_iter();
    versions
        .map(|weaker| {
            let part = match weaker.part.as_str() {
                "" => String::new(),
                part => format!("/{part}"),
            };
            Planned {
                id: format!("{}/{}/{}{part}", target.id, weaker.statement, weaker.kind),
                document: target.id.clone(),
                document_kind: target.document.kind(),
                kind: weaker.kind,
                statement: Some(weaker.statement),
                change: weaker.change,
                spoken: Spoken::of(&weaker.versions),
                overlay: Overlay::none().replace(&target.id, weaker.document),
            }
        })
        .collect()
}

/// A role without its boundary, or with another one.
fn of_boundary(bounded: &Bounded) -> Vec<Planned> {
    let slot = recording::boundary_slot(&format!("role/{}", bounded.role));
    let planned = |kind, change: String, overlay| Planned {
        id: format!("{slot}/{kind}"),
        document: slot.clone(),
        document_kind: Kind::Boundary,
        kind,
        statement: None,
        change,
        spoken: Spoken::anything(),
        overlay,
    };
    let detached = planned(
        "boundary-detached",
        format!("`{}` is taken from `{}`", bounded.boundary, bounded.role),
        Overlay::none().remove(&slot),
    );
    let replaced = everything(&bounded.boundary).map(|everything| {
        planned(
            "boundary-replaced",
            format!("the boundary of `{}` allows everything", bounded.role),
            Overlay::none().replace(&slot, everything),
        )
    });
    std::iter::once(detached).chain(replaced).collect()
}

fn everything(name: &str) -> Option<Arc<Document>> {
    let allow = json!({"Effect": "Allow", "Action": "*", "Resource": "*"});
    document(name, vec![allow], Kind::Boundary)
}

/// Judges the mutants that are chosen by id, on every core but one, which has the probes
/// of what is changed meanwhile.
///
/// # Errors
/// Where prover and engine differ: a fault of ours.
pub fn all(
    targets: &Targets,
    chosen: &(dyn Fn(&str) -> bool + Sync),
    observations: &Observations,
    estate: &Estate,
) -> Result<Vec<Mutant>, CannotCompare> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let cores = cores.saturating_sub(1).max(1);
    let wholes = Whole::all(targets);
    let next = AtomicUsize::new(0);
    let of_one = |whole: &Whole<'_>| {
        let mutants = whole.mutants().into_iter().filter(|mutant| chosen(&mutant.id));
        let judged = mutants.map(|mutant| judge(mutant, observations, estate));
        judged.collect::<Result<Vec<_>, _>>()
    };
    let work = || -> Result<Vec<(usize, Vec<Mutant>)>, CannotCompare> {
        let mut judged = Vec::new();
        loop {
            let place = next.fetch_add(1, Ordering::Relaxed);
            let Some(whole) = wholes.get(place) else { return Ok(judged) };
            judged.push((place, of_one(whole)?));
        }
    };
    let mut judged = std::thread::scope(|scope| -> Result<_, CannotCompare> {
        let workers: Vec<_> = (0..cores).map(|_| scope.spawn(work)).collect();
        let mut judged = Vec::with_capacity(wholes.len());
        for worker in workers {
            match worker.join() {
                Ok(share) => judged.extend(share?),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        Ok(judged)
    })?;
    judged.sort_unstable_by_key(|(place, _)| *place);
    Ok(judged.into_iter().flat_map(|(_, mutants)| mutants).collect())
}

fn judge(
    planned: Planned,
    observations: &Observations,
    estate: &Estate,
) -> Result<Mutant, CannotCompare> {
    let start = Instant::now();
    let Planned { document, overlay, spoken, .. } = &planned;
    let noticed = observations.noticed(document, overlay, spoken, NAMED);
    let (verdict, reason) = if noticed.is_empty() {
        let (verdict, reason) = match estate.compare(
            &planned.document,
            planned.document_kind,
            &planned.spoken,
            &planned.overlay,
        )? {
            Compared::Differs(request) => (MutantVerdict::Survived, request),
            Compared::Undecided(reason) => {
                (MutantVerdict::Survived, format!("undecided: {reason}"))
            }
            Compared::Same { identities: 0, .. } => {
                (MutantVerdict::Survived, NEVER_ASKED.to_owned())
            }
            Compared::Same { identities, questions } => {
                (MutantVerdict::Equivalent, proof(identities, questions))
            }
        };
        (verdict, Some(reason))
    } else {
        (MutantVerdict::Killed, None)
    };
    Ok(Mutant {
        id: planned.id,
        guard_rail_document: planned.document,
        kind: planned.kind.to_owned(),
        statement: planned.statement,
        change: planned.change,
        verdict,
        reason,
        killed_by: noticed.iter().map(|id| id.to_string()).collect(),
        duration_us: u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX),
    })
}

/// That no request can tell a mutant from the original.
fn proof(identities: usize, questions: usize) -> String {
    format!(
        "proved: no request of the {identities} identities that it decides for ends otherwise \
         ({questions} questions about all requests)"
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use ringfence_guard::recording::{Asked, BoundCaller, ResourceControl};
    use ringfence_guard::requirements::Needed;
    use ringfence_guard::{Attached, Inputs};
    use ringfence_policy::{Context, Principal};

    use super::super::observations::{Notices, Observation};
    use super::super::possible::{Account, Possible};
    use super::*;

    const ACCOUNT: &str = "123456789012";
    const BOUNDARY: &str = "arn:aws:iam::123456789012:policy/limits";

    fn limits() -> Arc<Document> {
        let statements = vec![
            json!({"Sid": "Logs", "Effect": "Allow", "Action": "logs:PutLogEvents", "Resource": "*"}),
            json!({"Sid": "NoIam", "Effect": "Deny", "Action": "iam:*", "Resource": "*"}),
        ];
        document(BOUNDARY, statements, Kind::Boundary).unwrap()
    }

    fn asked(action: &str, resource: &str) -> Asked {
        Asked {
            action: action.into(),
            resource: resource.into(),
            context: Arc::new(Context::new()),
            resource_policy: None,
            needed: Needed::Surely,
        }
    }

    /// A role that may do everything, under the boundary.
    fn inputs(asked: Vec<Asked>) -> Arc<Inputs> {
        let allow = json!({"Effect": "Allow", "Action": "*", "Resource": "*"});
        let all = document("all", vec![allow], Kind::Identity).unwrap();
        Arc::new(Inputs {
            caller: Arc::new(BoundCaller {
                principal: Principal::RoleSession {
                    role_arn: format!("arn:aws:iam::{ACCOUNT}:role/app"),
                    session_arn: format!("arn:aws:sts::{ACCOUNT}:assumed-role/app/s"),
                },
                owner: Some("role/app".into()),
                vpc_endpoints: Vec::new(),
                resource_control: ResourceControl::default(),
                service_control: Vec::new(),
                identity: vec![Attached {
                    slot: "role/app/inline/all".into(),
                    id: "role/app/inline/all".into(),
                    document: all,
                }],
                boundary: Some(vec![Attached {
                    slot: recording::boundary_slot("role/app").into(),
                    id: recording::managed_id(BOUNDARY).into(),
                    document: limits(),
                }]),
                session: None,
            }),
            asked,
        })
    }

    fn judged(observed: &[(&str, Asked)]) -> BTreeMap<String, (MutantVerdict, Vec<String>)> {
        let mut observations = Observations::default();
        for (probe, asked) in observed {
            let probes = vec![(*probe).into()];
            let inputs = inputs(vec![asked.clone()]);
            observations.add(Observation::new(probes, Notices::Reason, inputs));
        }
        let providers = BTreeMap::new();
        let account = Account { id: ACCOUNT, providers: &providers, network: None };
        let estate = Estate::of(&observations, Possible::of(&account));
        let targets = Targets {
            documents: vec![Target {
                id: recording::managed_id(BOUNDARY),
                document: Document::clone(&limits()),
            }],
            bounded: vec![Bounded { role: "app".into(), boundary: BOUNDARY.into() }],
        };
        let mutants = all(&targets, &|_| true, &observations, &estate).unwrap();
        mutants.into_iter().map(|it| (it.id, (it.verdict, it.killed_by))).collect()
    }

    fn user() -> (&'static str, Asked) {
        (
            "code/user-made/function",
            asked("iam:CreateUser", &format!("arn:aws:iam::{ACCOUNT}:user/x")),
        )
    }

    fn logs() -> (&'static str, Asked) {
        let stream = format!("arn:aws:logs:us-east-1:{ACCOUNT}:log-group:g:log-stream:s");
        ("code/logs/function", asked("logs:PutLogEvents", &stream))
    }

    #[test]
    fn a_probe_notices_what_its_request_depends_on() {
        let judged = judged(&[user(), logs()]);
        let of = |id: &str| judged.get(id).unwrap_or_else(|| panic!("{id} of {judged:?}"));
        let policy = format!("policy/{BOUNDARY}");
        let killed = |probe: &str| (MutantVerdict::Killed, vec![probe.to_owned()]);
        // The request is still refused then, but not by the statement.
        assert_eq!(of(&format!("{policy}/NoIam/statement-dropped")), &killed(user().0));
        assert_eq!(of(&format!("{policy}/NoIam/deny-to-allow")), &killed(user().0));
        assert_eq!(of(&format!("{policy}/Logs/statement-dropped")), &killed(logs().0));
        assert_eq!(of("role/app/boundary/boundary-detached"), &killed(user().0));
        assert_eq!(of("role/app/boundary/boundary-replaced"), &killed(user().0));
    }

    #[test]
    fn without_the_probe_the_weakened_guard_rail_survives() {
        let judged = judged(&[logs()]);
        let policy = format!("policy/{BOUNDARY}");
        // Nobody asked, but there are requests that differ.
        let survived = (MutantVerdict::Survived, Vec::new());
        assert_eq!(judged[&format!("{policy}/NoIam/deny-to-allow")], survived);
        assert_eq!(judged["role/app/boundary/boundary-detached"], survived);
    }

    #[test]
    fn what_no_request_can_tell_apart_is_equivalent() {
        // The boundary allows nothing of IAM: the Deny takes nothing away.
        let judged = judged(&[logs()]);
        let dropped = &judged[&format!("policy/{BOUNDARY}/NoIam/statement-dropped")];
        assert_eq!(dropped, &(MutantVerdict::Equivalent, Vec::new()));
    }
}
