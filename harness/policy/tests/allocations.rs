//! What a decision costs in allocations, on Layer 1's deployer policies with
//! their boundary: none for a verdict, and a few for one with its explanation.

#![expect(clippy::unwrap_used, reason = "a test stops where it fails")]

use std::sync::Arc;

use allocation_counter::measure;
use layer1::{Case, Held};
use ringfence_policy::{
    Context, Document, Kind, Outcome, Policies, Principal, Request, decide, judge,
};

#[path = "../benches/layer1/mod.rs"]
#[expect(dead_code, reason = "shared with the benchmarks, which read lines")]
mod layer1;

/// Runs `each` for every request of the deployment.
fn deployment(each: impl Fn(&Case, &Request<'_>, &Policies)) {
    for case in layer1::cases() {
        let compiled =
            |name, text: &str, kind| Arc::new(Document::parse(name, text, kind).unwrap());
        let policies = Policies {
            identity: vec![compiled("deployer", &case.identity, Kind::Identity)],
            boundary: Some(vec![compiled("boundary", &case.boundary, Kind::Boundary)]),
            ..Policies::default()
        };
        let principal = Principal::RoleSession {
            role_arn: format!("arn:aws:iam::123456789012:role/{}", case.role),
            session_arn: format!("arn:aws:sts::123456789012:assumed-role/{}/run", case.role),
        };
        let mut context = Context::new();
        for (key, held) in &case.context {
            match held {
                Held::One(value) => drop(context.set(key, value)),
                Held::Many(values) => drop(context.set_list(key, values)),
            }
        }
        let request = Request {
            principal: &principal,
            action: &case.action,
            resource: &case.resource,
            resource_account: None,
            context: &context,
        };
        each(&case, &request, &policies);
    }
}

#[test]
fn a_verdict_allocates_nothing() {
    deployment(|case, request, policies| {
        let used = measure(|| {
            std::hint::black_box(judge(request, policies).allowed());
        });
        assert_eq!(used.count_total, 0, "{} on {}", case.action, case.resource);
    });
}

/// The names of what decided and the explanation are owned; an implicit deny
/// names what was near as well.
#[test]
fn a_decision_allocates_its_words() {
    deployment(|case, request, policies| {
        let mut decision = None;
        let used = measure(|| decision = Some(decide(request, policies)));
        let decision = decision.unwrap();
        assert_eq!(decision.outcome.as_str(), case.decision);
        let most = if decision.outcome == Outcome::ImplicitDeny { 50 } else { 12 };
        let what = format!("{} on {}: {}", case.action, case.resource, decision.explanation);
        assert!((1..=most).contains(&used.count_total), "{} for {what}", used.count_total);
    });
}
