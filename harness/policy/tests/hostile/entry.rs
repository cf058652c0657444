//! Where text from elsewhere enters the crate, with what must hold whatever
//! the text is. The fuzz targets (`harness/policy/fuzz`) and the property
//! tests beside this file call the same functions.

use std::collections::BTreeMap;
use std::sync::Arc;

use ringfence_policy::{
    Context, Document, Kind, Outcome, Policies, Principal, Request, decide, jsonl, judge,
    near_misses,
};
use serde::de::IgnoredAny;
use serde_json::{Value, json};

const KINDS: [Kind; 8] = [
    Kind::Identity,
    Kind::Boundary,
    Kind::Session,
    Kind::ServiceControl,
    Kind::ResourceControl,
    Kind::VpcEndpoint,
    Kind::Resource,
    Kind::Trust,
];

/// Reads a text as a document of every kind, and decides with what can be
/// read.
pub(crate) fn document(text: &str) {
    for kind in KINDS {
        match Document::parse("any", text, kind) {
            Ok(document) => {
                // Not as serde_json's `Value`, which takes keys of its own
                // (`$serde_json::private::RawValue`) for instructions.
                let json: BTreeMap<String, IgnoredAny> =
                    serde_json::from_str(text).expect("a document is JSON");
                assert!(json.contains_key("Statement"));
                ask_all(&policies(Arc::new(document)));
            }
            Err(error) => {
                let lines: Vec<&str> = text.split('\n').collect();
                assert!((1..=lines.len()).contains(&error.line), "{error}");
                let longest = lines[error.line - 1].chars().count() + 1;
                assert!((1..=longest).contains(&error.column), "{error}");
            }
        }
    }
}

fn policies(document: Arc<Document>) -> Policies {
    let mut policies = Policies::default();
    match document.kind() {
        Kind::Identity => policies.identity = vec![document],
        Kind::Boundary => policies.boundary = Some(vec![document]),
        Kind::Session => policies.session = Some(vec![document]),
        Kind::ServiceControl => policies.service_control = vec![vec![document]],
        Kind::ResourceControl => policies.resource_control = vec![vec![document]],
        Kind::VpcEndpoint => policies.vpc_endpoint = Some(document),
        Kind::Resource | Kind::Trust => policies.resource = Some(document),
    }
    policies
}

fn ask_all(policies: &Policies) {
    let mut context = Context::new();
    context.set("aws:username", "alice").set("aws:SourceIp", "10.0.0.1");
    context.set_list("aws:TagKeys", ["a", "*"]);
    let user = Principal::User { arn: "arn:aws:iam::123456789012:user/alice".into() };
    let actions = ["s3:GetObject", "iam:CreateRole", "sts:AssumeRole", "", "a:b:c"];
    for principal in [&user, &Principal::Anonymous] {
        for action in actions {
            for resource in ["arn:aws:s3:::b/k", "*", "", "arn:aws:iam::123456789012:role/r"] {
                let request = Request {
                    principal,
                    action,
                    resource,
                    resource_account: None,
                    context: &context,
                };
                ask(&request, policies);
            }
        }
    }
}

fn ask(request: &Request<'_>, policies: &Policies) -> Outcome {
    let decision = decide(request, policies);
    let verdict = judge(request, policies);
    assert_eq!((decision.outcome, decision.layer), (verdict.outcome, verdict.layer));
    assert_eq!(decision.reason(request.action).is_empty(), decision.allowed());
    let near = near_misses(request, policies, &decision);
    assert!(near.is_empty() || !decision.allowed());
    decision.outcome
}

const OPERATORS: [(&str, &str); 13] = [
    ("StringEquals", "StringNotEquals"),
    ("StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase"),
    ("StringLike", "StringNotLike"),
    ("NumericEquals", "NumericNotEquals"),
    ("NumericLessThan", "NumericGreaterThanEquals"),
    ("NumericGreaterThan", "NumericLessThanEquals"),
    ("DateEquals", "DateNotEquals"),
    ("DateLessThan", "DateGreaterThanEquals"),
    ("DateGreaterThan", "DateLessThanEquals"),
    ("IpAddress", "NotIpAddress"),
    ("ArnLike", "ArnNotLike"),
    ("Bool", "Bool"),
    ("BinaryEquals", "BinaryEquals"),
];

/// Compares a value of a request with a policy's: of an operator and its
/// opposite at most one holds, of texts exactly one; and where neither does, a
/// Deny under either applies.
pub(crate) fn condition(operator: u8, wanted: &str, held: &str) {
    let (plain, opposite) = OPERATORS[usize::from(operator) % OPERATORS.len()];
    let mut context = Context::new();
    context.set("aws:x", held).set("aws:username", held);
    let ask = |operator: &str, effect: &str| -> Option<bool> {
        let statement = json!({
            "Effect": effect, "Action": "*", "Resource": "*",
            "Condition": { operator: { "aws:x": wanted } },
        });
        let document = json!({ "Version": "2012-10-17", "Statement": [statement] }).to_string();
        let document = Document::parse("any", &document, Kind::Identity).ok()?;
        let outcome = ask(&s3("arn:aws:s3:::b/k", &context), &policies(Arc::new(document)));
        let applied = if effect == "Allow" { Outcome::Allow } else { Outcome::ExplicitDeny };
        assert!(outcome == applied || outcome == Outcome::ImplicitDeny);
        Some(outcome == applied)
    };
    let (holds, denies) = (ask(plain, "Allow"), ask(plain, "Deny"));
    assert!(holds == denies || (holds, denies) == (Some(false), Some(true)));
    if opposite != plain {
        let differs = ask(opposite, "Allow");
        assert_eq!(holds.is_some(), differs.is_some());
        if holds == Some(true) || differs == Some(true) {
            assert_eq!(holds, denies, "an effect changes no condition that can be evaluated");
        } else {
            assert_ne!(denies, Some(false), "a Deny that cannot be evaluated is skipped");
        }
        assert!(
            !(holds == Some(true) && differs == Some(true)),
            "{plain} and {opposite} both hold"
        );
        if plain.starts_with("String") && holds.is_some() {
            assert_ne!(holds, differs, "neither {plain} nor {opposite} holds");
        }
    }
}

const USER: &str = "arn:aws:iam::123456789012:user/alice";

fn s3<'a>(resource: &'a str, context: &'a Context) -> Request<'a> {
    static CALLER: std::sync::LazyLock<Principal> =
        std::sync::LazyLock::new(|| Principal::User { arn: USER.into() });
    Request {
        principal: &CALLER,
        action: "s3:GetObject",
        resource,
        resource_account: None,
        context,
    }
}

/// Compares an S3 object's ARN with a pattern, and with the definition of its
/// wildcards.
pub(crate) fn arn(pattern: &str, name: &str) {
    let resource = format!("arn:aws:s3:::{name}");
    let context = Context::new();
    let ask = |element: &str, version: &str| -> Option<bool> {
        let document = json!({ "Version": version, "Statement": {
            "Effect": "Allow", "Action": "*", element: format!("arn:aws:s3:::{pattern}"),
        }});
        let document = Document::parse("any", &document.to_string(), Kind::Identity).ok()?;
        Some(ask(&s3(&resource, &context), &policies(Arc::new(document))) == Outcome::Allow)
    };
    for version in ["2008-10-17", "2012-10-17"] {
        let covered = ask("Resource", version);
        let spared = ask("NotResource", version);
        if version == "2008-10-17" || !pattern.contains("${") {
            assert_eq!(covered, Some(like(pattern, name)), "{pattern:?} and {name:?}");
            assert_eq!(spared, covered.map(|covered| !covered));
        } else {
            assert!(!(covered == Some(true) && spared == Some(true)));
        }
    }
}

/// The definition: after each character of the pattern, which beginnings of
/// the text are matched.
fn like(pattern: &str, text: &str) -> bool {
    let text: Vec<char> = text.chars().collect();
    let mut matched = vec![false; text.len() + 1];
    matched[0] = true;
    for wanted in pattern.chars() {
        let before = matched.clone();
        for end in 0..=text.len() {
            matched[end] = match wanted {
                '*' => before[..=end].contains(&true),
                '?' => end > 0 && before[end - 1],
                letter => end > 0 && before[end - 1] && text[end - 1] == letter,
            };
        }
    }
    matched[text.len()]
}

/// Answers lines, each by itself and all by one decider: the same answer, on
/// one line, in JSON.
pub(crate) fn lines(text: &str) {
    let mut decider = jsonl::Decider::default();
    for line in text.lines().chain(text.lines()) {
        let answer = decider.line(line);
        assert_eq!(answer.text, jsonl::decide_line(line));
        assert!(!answer.text.contains('\n'));
        let json: Value = serde_json::from_str(&answer.text).expect("an answer is JSON");
        assert_eq!(json.get("error").is_none(), answer.readable);
        assert_eq!(json.get("decision").is_some(), answer.readable);
        assert_eq!(decider.read(line).is_ok(), answer.readable);
    }
}
