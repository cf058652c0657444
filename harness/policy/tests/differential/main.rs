//! The engine against a second evaluator, written from AWS's pages to be
//! obviously right: it works on the documents' JSON, shares no code with the
//! engine, and is as slow as it likes.
//!
//! Random cases must agree in outcome and layer. To show that the cases are
//! sharp, the second evaluator takes a bug on demand, and every bug must be
//! found.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test stops where it fails"
)]

mod cases;
mod reference;

use std::sync::Arc;

use cases::{Case, Held, case};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRunner};
use reference::Bug;
use ringfence_policy::{Context, Document, Kind, Policies, Request, decide, judge};

fn documents(kind: Kind, texts: &[serde_json::Value]) -> Vec<Arc<Document>> {
    texts
        .iter()
        .map(|text| Arc::new(Document::parse("document", &text.to_string(), kind).unwrap()))
        .collect()
}

fn engine(case: &Case) -> (String, String) {
    let mut context = Context::new();
    for (key, held) in &case.context {
        match held {
            Held::One(value) => drop(context.set(key, value)),
            Held::Many(values) => drop(context.set_list(key, values)),
        }
    }
    let kind = if case.trust { Kind::Trust } else { Kind::Resource };
    let policies = Policies {
        service_control: case
            .scp
            .iter()
            .map(|level| documents(Kind::ServiceControl, level))
            .collect(),
        identity: documents(Kind::Identity, &case.identity),
        boundary: case.boundary.as_ref().map(|texts| documents(Kind::Boundary, texts)),
        session: case.session.as_ref().map(|texts| documents(Kind::Session, texts)),
        resource: case
            .resource
            .as_ref()
            .map(|text| Arc::new(Document::parse("resource", &text.to_string(), kind).unwrap())),
    };
    let request = Request {
        principal: &case.principal,
        action: &case.action,
        resource: &case.target,
        resource_account: case.account.as_deref(),
        context: &context,
    };
    let decision = decide(&request, &policies);
    let verdict = judge(&request, &policies);
    assert_eq!((decision.outcome, decision.layer), (verdict.outcome, verdict.layer));
    (decision.outcome.as_str().to_owned(), decision.layer.as_str().to_owned())
}

/// Cases a run; `PROPTEST_CASES` says otherwise, for a long one.
fn config() -> Config {
    let mut config = Config { failure_persistence: None, ..Config::default() };
    if std::env::var_os("PROPTEST_CASES").is_none() {
        config.cases = 2_000;
    }
    config
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn the_engine_and_the_slow_evaluator_agree(case in case()) {
        let expected = reference::evaluate(&case, None);
        prop_assert_eq!(engine(&case), expected);
    }
}

#[test]
fn every_seeded_bug_is_found() {
    let mut runner = TestRunner::deterministic();
    let strategy = case();
    let mut left: Vec<Bug> = Bug::ALL.to_vec();
    for _ in 0..60_000 {
        if left.is_empty() {
            return;
        }
        let case = strategy.new_tree(&mut runner).unwrap().current();
        let right = reference::evaluate(&case, None);
        // The engine agrees with the right one (shown above), so that a bug
        // which changes the answer is one that the comparison finds.
        left.retain(|bug| reference::evaluate(&case, Some(*bug)) == right);
    }
    panic!("not found: {left:?}");
}
