//! Decisions a second, and what a document costs to compile.

use std::fmt::Write;
use std::sync::Arc;

use divan::{Bencher, counter::ItemsCount};
use layer1::{Case, Held};
use ringfence_policy::{
    Context, Document, Kind, Policies, Principal, Request, decide, jsonl, judge,
};

mod layer1;

fn main() {
    divan::main();
}

#[expect(clippy::expect_used, reason = "a broken benchmark must stop")]
fn compiled(name: &str, text: &str, kind: Kind) -> Arc<Document> {
    Arc::new(Document::parse(name, text, kind).expect("the benchmark's document is valid"))
}

/// A case of Layer 1, ready to be decided.
struct Ready {
    principal: Principal,
    case: Case,
    context: Context,
    policies: Policies,
}

impl Ready {
    fn request(&self) -> Request<'_> {
        Request {
            principal: &self.principal,
            action: &self.case.action,
            resource: &self.case.resource,
            resource_account: None,
            context: &self.context,
        }
    }
}

fn ready() -> Vec<Ready> {
    let ready = layer1::cases().into_iter().map(|case| {
        let mut context = Context::new();
        for (key, held) in &case.context {
            match held {
                Held::One(value) => drop(context.set(key, value)),
                Held::Many(values) => drop(context.set_list(key, values)),
            }
        }
        let ready = Ready {
            principal: Principal::RoleSession {
                role_arn: format!("arn:aws:iam::123456789012:role/{}", case.role),
                session_arn: format!("arn:aws:sts::123456789012:assumed-role/{}/run", case.role),
            },
            policies: Policies {
                identity: vec![compiled("deployer", &case.identity, Kind::Identity)],
                boundary: Some(vec![compiled("boundary", &case.boundary, Kind::Boundary)]),
                ..Policies::default()
            },
            case,
            context,
        };
        let outcome = judge(&ready.request(), &ready.policies).outcome;
        assert_eq!(
            outcome.as_str(),
            ready.case.decision,
            "{} {}",
            ready.case.action,
            ready.case.resource
        );
        ready
    });
    ready.collect()
}

fn all(bencher: Bencher<'_, '_>, mut each: impl FnMut(&Request<'_>, &Policies)) {
    let ready = ready();
    bencher.counter(ItemsCount::new(ready.len())).bench_local(|| {
        for ready in &ready {
            each(&ready.request(), &ready.policies);
        }
    });
}

#[divan::bench]
fn judge_a_deployment(bencher: Bencher<'_, '_>) {
    all(bencher, |request, policies| {
        divan::black_box(judge(divan::black_box(request), policies).allowed());
    });
}

#[divan::bench]
fn decide_a_deployment(bencher: Bencher<'_, '_>) {
    all(bencher, |request, policies| {
        drop(divan::black_box(decide(divan::black_box(request), policies)));
    });
}

#[divan::bench]
fn compile_layer_1(bencher: Bencher<'_, '_>) {
    let cases = layer1::cases();
    let case = cases.first();
    bencher.bench_local(|| {
        case.map(|case| {
            let boundary = Document::parse("boundary", &case.boundary, Kind::Boundary);
            (Document::parse("deployer", &case.identity, Kind::Identity), boundary)
        })
    });
}

fn statements(count: usize, service: &str) -> String {
    let mut text = String::from(r#"{"Version": "2012-10-17", "Statement": ["#);
    for number in 0..count {
        let comma = if number == 0 { "" } else { "," };
        let _ = write!(
            text,
            r#"{comma}{{"Effect": "Allow", "Action": "{service}:Action{number}", "Resource": "arn:aws:{service}:eu-west-1:123456789012:thing/{number}-*"}}"#
        );
    }
    text.push_str("]}");
    text
}

#[divan::bench(args = [1, 10, 100, 1_000])]
fn judge_by_statements(bencher: Bencher<'_, '_>, count: usize) {
    let text = statements(count, "things");
    let policies =
        Policies { identity: vec![compiled("many", &text, Kind::Identity)], ..Policies::default() };
    let principal = Principal::User { arn: "arn:aws:iam::123456789012:user/alice".into() };
    let last = count - 1;
    let (action, resource) = (
        format!("things:Action{last}"),
        format!("arn:aws:things:eu-west-1:123456789012:thing/{last}-x"),
    );
    let context = Context::new();
    let request = Request {
        principal: &principal,
        action: &action,
        resource: &resource,
        resource_account: None,
        context: &context,
    };
    assert!(judge(&request, &policies).allowed());
    bencher
        .counter(ItemsCount::new(1_usize))
        .bench_local(|| divan::black_box(judge(divan::black_box(&request), &policies)).allowed());
}

#[divan::bench(args = [1, 10, 100, 1_000])]
fn compile_by_statements(bencher: Bencher<'_, '_>, count: usize) {
    let text = statements(count, "things");
    bencher.bench_local(|| Document::parse("many", divan::black_box(&text), Kind::Identity));
}

#[divan::bench]
fn decide_json_lines(bencher: Bencher<'_, '_>) {
    let lines: Vec<String> = layer1::cases().iter().map(layer1::Case::line).collect();
    let mut decider = jsonl::Decider::default();
    bencher.counter(ItemsCount::new(lines.len())).bench_local(|| {
        for line in &lines {
            drop(divan::black_box(decider.line(divan::black_box(line))));
        }
    });
}
