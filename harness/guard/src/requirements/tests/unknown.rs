//! The condition keys that a mapped action carries and nothing knows, all of
//! them: the set cannot grow unseen.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;

use ringfence_models::needs::Class;
use ringfence_policy::{Document, Kind, Outcome, Policies, Principal, Request, catalog, decide};
use ringfence_wire::Service;
use serde_json::{Value, json};

use super::unmapped::full_input;
use super::{ask_as, root};
use crate::requirements::known::{How, is_declared, mark_unknown, spelled, table};
use crate::requirements::{Needed, Requirement};

/// The services that have a mapping of their own.
fn by_hand() -> impl Iterator<Item = Service> {
    let is = |service: &Service| {
        let mut operations = service.model().operations.iter();
        operations.any(|operation| operation.needs().class() == Class::ByHand)
    };
    Service::all().filter(is)
}

/// Every action that a mapping asks for.
async fn mapped() -> BTreeSet<String> {
    let mut mapped = BTreeSet::new();
    mapped.insert("execute-api:Invoke".to_owned());
    mapped.insert("lambda:InvokeFunctionUrl".to_owned());
    for service in by_hand() {
        // Of what the rule decides, the models tell each key's origin.
        let operations = service.model().operations.iter();
        for operation in operations.filter(|it| it.needs().class() == Class::ByHand) {
            let asked = ask_as(&root(), service, operation.name, full_input(operation)).await;
            // Of what a call may need besides, no key is known.
            let sure = asked.unwrap_or_default().into_iter();
            let sure = sure.filter(|asked| asked.needed == Needed::Surely);
            mapped.extend(sure.map(|asked| asked.action));
        }
    }
    mapped
}

#[tokio::test]
async fn exactly_these_keys_are_unknown() {
    let mut unknown = BTreeMap::<(String, String), Vec<String>>::new();
    for name in mapped().await {
        let Some(action) = catalog::action(&name) else { continue };
        let service = catalog::service(name.split(':').next().unwrap()).unwrap();
        let mut keys = BTreeSet::new();
        for key in service.keys_of(action) {
            if !is_declared(service.prefix, action.name, &key) {
                let kind = key.resource_type.map_or("-", |kind| kind.name);
                keys.insert((spelled(key.key), kind.to_owned()));
            }
        }
        for (key, kind) in keys {
            unknown.entry((key, kind)).or_default().push(name.clone());
        }
    }
    // Key by key: with which resource types, for which actions.
    let mut found = String::new();
    for ((key, kind), actions) in &unknown {
        writeln!(found, "{key} {kind} {}", actions.join(" ")).unwrap();
    }
    println!("{} keys of resource types are unknown", unknown.len());
    let expected = include_str!("unknown.txt");
    if found != expected {
        std::fs::write(std::env::temp_dir().join("unknown.txt"), &found).unwrap();
    }
    assert_eq!(found, expected, "the set of unknown keys has changed");
}

#[tokio::test]
async fn every_declaration_is_about_keys_of_the_catalogue() {
    let mapped = mapped().await;
    for prefix in catalog::prefixes() {
        let service = catalog::service(prefix).unwrap();
        for known in table(prefix) {
            if let How::Absent(reason) = known.how {
                assert!(!reason.is_empty());
            }
            let used = mapped.iter().filter_map(|name| {
                let (own, name) = name.split_once(':').unwrap();
                service.action(name).filter(|_| own == prefix)
            });
            let declares = |action: &catalog::Action| {
                service.keys_of(action).any(|key| {
                    let kind = key.resource_type.map(|kind| kind.name);
                    known.declares(action.name, kind, &spelled(key.key))
                })
            };
            assert!(used.into_iter().any(declares), "{prefix}: nothing is declared by {known:?}");
        }
    }
}

/// What is decided of a permission under statements.
fn decided(asked: &Requirement, statements: &[Value]) -> (Outcome, Vec<String>) {
    let text = json!({"Version": "2012-10-17", "Statement": statements}).to_string();
    let document = Document::parse("own", &text, Kind::Identity).unwrap();
    let policies = Policies { identity: vec![Arc::new(document)], ..Policies::default() };
    let request = Request {
        principal: &Principal::User { arn: "arn:aws:iam::123456789012:user/alice".into() },
        action: &asked.action,
        resource: &asked.resource,
        resource_account: None,
        context: &asked.context,
    };
    let decision = decide(&request, &policies);
    (decision.outcome, decision.unknown.clone())
}

/// Conditions on a key that hold or not by its value, or by whether it is there.
const FORMS: [(&str, &str); 16] = [
    ("StringEquals", "x"),
    ("StringNotEquals", "x"),
    ("StringLike", "x*"),
    ("StringNotLike", "x*"),
    ("StringEqualsIfExists", "x"),
    ("StringNotEqualsIfExists", "x"),
    ("ArnNotLikeIfExists", "arn:aws:*"),
    ("BoolIfExists", "true"),
    ("NumericGreaterThan", "1"),
    ("ForAllValues:StringEquals", "x"),
    ("ForAllValues:StringNotLike", "x"),
    ("ForAnyValue:StringEquals", "x"),
    ("ForAnyValue:StringNotEquals", "x"),
    ("ForAllValues:StringEqualsIfExists", "x"),
    ("Null", "true"),
    ("Null", "false"),
];

/// Of every mapped action with each of its unknown keys, under each operator: an
/// Allow and a Deny that hang on the key are undecided, and name it; what
/// another statement makes certain is decided.
#[tokio::test]
async fn what_hangs_on_an_unknown_key_is_undecided_under_every_operator() {
    let mut seen = BTreeSet::new();
    let mut services = BTreeSet::new();
    for service in by_hand() {
        for operation in &service.model().operations {
            let asked = ask_as(&root(), service, operation.name, full_input(operation)).await;
            for mut asked in asked.unwrap_or_default() {
                // A role's trust or a key's policy must allow it, whatever the
                // caller has.
                let of_resource = ["sts:AssumeRole", "kms:"];
                let is_sure = asked.needed == Needed::Surely;
                if !is_sure || of_resource.iter().any(|start| asked.action.starts_with(start)) {
                    continue;
                }
                asked.context.set("aws:SecureTransport", "true");
                mark_unknown(&asked.action, &asked.resource, &mut asked.context);
                for key in asked.context.unknown().collect::<Vec<_>>() {
                    // EC2 has thousands; each key of it once.
                    let of = if service == Service::Ec2 { "" } else { &*asked.action };
                    if seen.insert((of.to_owned(), key.clone())) {
                        hangs(&asked, &key.replace('*', "team"));
                        services.insert(service.name());
                    }
                }
            }
        }
    }
    println!("{} keys of actions, of {services:?}", seen.len());
    let expected = [
        "apigatewayv2",
        "cloudformation",
        "dynamodb",
        "ec2",
        "iam",
        "lambda",
        "logs",
        "s3",
        "secretsmanager",
        "ssm",
    ];
    assert_eq!(services.into_iter().collect::<Vec<_>>(), expected);
}

fn hangs(asked: &Requirement, key: &str) {
    let plain = |effect: &str| json!({"Effect": effect, "Action": "*", "Resource": "*"});
    for (operator, value) in FORMS {
        let under = |effect: &str, more: Value| {
            let mut statement = plain(effect);
            let mut conditions = json!({operator: {key: value}});
            for (operator, condition) in more.as_object().unwrap() {
                conditions[operator] = condition.clone();
            }
            statement["Condition"] = conditions;
            statement
        };
        // Of an operator that the forms do not have.
        let never = || json!({"Bool": {"aws:SecureTransport": "false"}});
        let none = || json!({});
        let undecided = (Outcome::Undecided, vec![key.to_owned()]);
        let certain = |outcome| (outcome, Vec::new());
        let cases = [
            ("an Allow", vec![under("Allow", none())], undecided.clone()),
            ("a Deny", vec![plain("Allow"), under("Deny", none())], undecided),
            (
                "an Allow beside it",
                vec![under("Allow", none()), plain("Allow")],
                certain(Outcome::Allow),
            ),
            (
                "a Deny beside it",
                vec![under("Allow", none()), plain("Deny")],
                certain(Outcome::ExplicitDeny),
            ),
            ("a Deny alone", vec![under("Deny", none())], certain(Outcome::ImplicitDeny)),
            (
                "a Deny that another condition rules out",
                vec![plain("Allow"), under("Deny", never())],
                certain(Outcome::Allow),
            ),
            (
                "an Allow that another condition rules out",
                vec![under("Allow", never())],
                certain(Outcome::ImplicitDeny),
            ),
        ];
        for (what, statements, expected) in cases {
            let found = decided(asked, &statements);
            assert_eq!(found, expected, "{what}: {operator} {key} of {}", asked.action);
        }
    }
}
