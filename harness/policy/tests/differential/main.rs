//! The engine against a second evaluator, written from AWS's pages to be
//! obviously right: it works on the policies as they are meant, shares no code
//! with the engine, and is as slow as it likes.
//!
//! A million random cases a run must agree in outcome and layer;
//! `RINGFENCE_CASES` says how many instead. Each run begins with another seed
//! and prints it; `RINGFENCE_SEED` repeats a run. A case that differs is made
//! as simple as it gets before it is shown.
//!
//! To show that the cases are sharp, the same comparison runs on copies of the
//! engine that each have one mistake (`harness/policy/seeded`), and must find
//! every one of them.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic,
    reason = "a test stops where it fails"
)]

mod cases;
mod choices;
mod many;
mod reference;
mod unknown;
mod world;

use std::sync::atomic::{AtomicBool, Ordering};

use choices::{Choices, simplest, splitmix};
use world::Case;

type Answer = (&'static str, &'static str);

/// `decide` and `judge` of a crate, in the names of the reference, and what they
/// are given.
macro_rules! engine {
    ($name:ident, $engine:ident) => {
        mod $name {
            use std::collections::BTreeMap;
            use std::sync::Arc;

            use $engine::{Context, Document, Kind, Policies, Principal, Request, decide, judge};

            use crate::Answer;
            use crate::world::{Caller, Case, Held, Policy};

            pub(crate) fn policies(case: &Case) -> Policies {
                let parse = |kind, policy: &Policy| {
                    let text = policy.to_string();
                    match Document::parse("document", &text, kind) {
                        Ok(document) => Arc::new(document),
                        Err(error) => panic!("{error}: {text}"),
                    }
                };
                let all = |kind, policies: &[Policy]| -> Vec<Arc<Document>> {
                    policies.iter().map(|policy| parse(kind, policy)).collect()
                };
                let kind = if case.trust { Kind::Trust } else { Kind::Resource };
                let levels = |kind, levels: &[Vec<Policy>]| -> Vec<Vec<Arc<Document>>> {
                    levels.iter().map(|level| all(kind, level)).collect()
                };
                let endpoint = case.endpoint.as_ref();
                Policies {
                    vpc_endpoint: endpoint.map(|policy| parse(Kind::VpcEndpoint, policy)),
                    resource_control: levels(Kind::ResourceControl, &case.rcp),
                    resource_control_of: None,
                    service_control: levels(Kind::ServiceControl, &case.scp),
                    identity: all(Kind::Identity, &case.identity),
                    boundary: case.boundary.as_ref().map(|list| all(Kind::Boundary, list)),
                    session: case.session.as_ref().map(|list| all(Kind::Session, list)),
                    resource: case.resource.as_ref().map(|policy| parse(kind, policy)),
                }
            }

            pub(crate) fn context(held: &BTreeMap<&'static str, Held>) -> Context {
                let mut context = Context::new();
                for (key, held) in held {
                    match held {
                        Held::One(value) => drop(context.set(key, *value)),
                        Held::Many(values) => drop(context.set_list(key, values.iter().copied())),
                    }
                }
                context
            }

            pub(crate) fn principal(caller: &Caller) -> Principal {
                match caller {
                    Caller::User => {
                        Principal::User { arn: "arn:aws:iam::111111111111:user/u".into() }
                    }
                    Caller::RoleSession => Principal::RoleSession {
                        role_arn: "arn:aws:iam::111111111111:role/p/r".into(),
                        session_arn: "arn:aws:sts::111111111111:assumed-role/r/s".into(),
                    },
                    Caller::FederatedUser => Principal::FederatedUser {
                        arn: "arn:aws:sts::111111111111:federated-user/u".into(),
                        user_arn: "arn:aws:iam::111111111111:user/u".into(),
                    },
                    Caller::Root => Principal::Root { account_id: "111111111111".into() },
                    Caller::WebIdentity => Principal::WebIdentity {
                        provider_arn: "arn:aws:iam::111111111111:oidc-provider/p".into(),
                    },
                    Caller::Service => Principal::Service { name: "lambda.amazonaws.com".into() },
                    Caller::Anonymous => Principal::Anonymous,
                }
            }

            pub(crate) fn answer(case: &Case) -> Answer {
                let policies = policies(case);
                let mut context = context(&case.context);
                for key in &case.unknown {
                    context.set_unknown(key);
                }
                let request = Request {
                    principal: &principal(&case.caller),
                    action: case.action,
                    resource: case.target,
                    resource_account: case.account,
                    context: &context,
                };
                let decision = decide(&request, &policies);
                let verdict = judge(&request, &policies);
                assert_eq!((decision.outcome, decision.layer), (verdict.outcome, verdict.layer));
                // What is undecided names keys, of those that are unknown, and statements.
                let undecided = decision.outcome.as_str() == "undecided";
                let named = !decision.unknown.is_empty() && !decision.statements.is_empty();
                let known = |key: &String| !case.unknown.contains(&key.as_str());
                if decision.unknown.iter().any(known) || (undecided && !named) {
                    return ("undecided for nothing", decision.layer.as_str());
                }
                (decision.outcome.as_str(), decision.layer.as_str())
            }
        }
    };
}

engine!(engine, ringfence_policy);
engine!(seeded, ringfence_policy_seeded);

fn from_environment(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap())
}

/// What the reference says instead, where the engine's answer is wrong.
fn wrong(case: &Case, found: Answer) -> Option<String> {
    if !case.unknown.is_empty() {
        return unknown::wrong(case, found);
    }
    let expected = reference::evaluate(case);
    (found != expected).then(|| format!("{expected:?}"))
}

/// Looks for a case on which an engine differs from the reference, on all
/// cores; gives its choices.
fn search(seed: u64, cases: u64, engine: fn(&Case) -> Answer) -> Option<Vec<u32>> {
    let workers = std::thread::available_parallelism().map_or(1, |count| count.get() as u64);
    let found = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let work = |worker: u64| {
            let found = &found;
            move || {
                let mut state = seed ^ worker.wrapping_mul(0x9e37_79b9_7f4a_7c15);
                for _ in 0..cases.div_ceil(workers) {
                    let mut choices = Choices::random(splitmix(&mut state));
                    let case = cases::case(&mut choices);
                    if wrong(&case, engine(&case)).is_some() {
                        found.store(true, Ordering::Relaxed);
                        return Some(choices.made());
                    }
                    if found.load(Ordering::Relaxed) {
                        return None;
                    }
                }
                None
            }
        };
        let threads: Vec<_> = (0..workers).map(|worker| scope.spawn(work(worker))).collect();
        threads.into_iter().filter_map(|thread| thread.join().unwrap()).next()
    })
}

#[test]
fn the_engine_and_the_slow_evaluator_agree() {
    let cases = from_environment("RINGFENCE_CASES").unwrap_or(1_000_000);
    // The same cases for everybody, so that a change is blamed for what it did;
    // the nightly run sets a seed of its own.
    let seed = from_environment("RINGFENCE_SEED").unwrap_or(1 << 32);
    println!("{cases} cases, RINGFENCE_SEED={seed}");
    let Some(made) = search(seed, cases, engine::answer) else { return };
    let made = simplest(made, |made| {
        let case = cases::case(&mut Choices::repeat(made));
        wrong(&case, engine::answer(&case)).is_some()
    });
    let case = cases::case(&mut Choices::repeat(&made));
    let found = engine::answer(&case);
    let expected = wrong(&case, found).unwrap();
    panic!("the engine says {found:?}, the reference {expected} (RINGFENCE_SEED={seed}):\n{case}");
}

/// Cases in which a seeded mistake must show: a quarter of a run.
const SHARP: u64 = 250_000;

#[test]
fn every_seeded_mistake_of_the_engine_is_found() {
    let names = ringfence_policy_seeded::MISTAKES;
    assert!(names.len() >= 20);
    assert_eq!(search(0, SHARP, seeded::answer), None, "without a mistake the copy is the engine");
    let missed: Vec<&str> = (0..names.len())
        .filter(|mistake| {
            ringfence_policy_seeded::seed(*mistake);
            search(0, SHARP, seeded::answer).is_none()
        })
        .map(|mistake| names[mistake])
        .collect();
    assert!(missed.is_empty(), "not found: {missed:?}");
}

#[test]
fn a_found_case_is_made_simple() {
    let fails = |made: &[u32]| made.iter().filter(|choice| **choice >= 3).count() >= 2;
    assert_eq!(simplest(vec![1, 9, 0, 4, 2, 7, 3], fails), [3, 3]);
}
