//! The prover against brute force: every pair of patterns up to a length, every
//! pair of conditions with up to two values, over small alphabets. For each
//! pair, every request of a small world is put to the engine itself.
//!
//! A run asks every 40th question; `RINGFENCE_EVERY=1` asks them all
//! (`just prove-exhaustive`).

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test stops where it fails")]

use std::sync::Arc;

use ringfence_policy::{Context, Document, Kind, Policies, Principal, Request, judge};
use ringfence_prove::{Question, Universe, Verdict, within};
use serde_json::{Value, json};

/// One side, and which requests of the world it allows.
struct Side {
    text: String,
    policies: Policies,
    allowed: Vec<bool>,
}

fn alice() -> Principal {
    Principal::User { arn: "arn:aws:iam::111122223333:user/alice".into() }
}

/// A side with one statement; the world as resources and contexts.
fn side(statement: &Value, world: &[(String, Context)]) -> Side {
    let text = json!({"Version": "2012-10-17", "Statement": statement}).to_string();
    let document = Document::parse("p", &text, Kind::Identity).unwrap();
    let policies = Policies { identity: vec![Arc::new(document)], ..Policies::default() };
    let principal = alice();
    let allows = |(resource, context): &(String, Context)| {
        let action = "s3:GetObject";
        let request =
            Request { principal: &principal, action, resource, resource_account: None, context };
        judge(&request, &policies).allowed()
    };
    let allowed = world.iter().map(allows).collect();
    Side { text, policies, allowed }
}

/// Asks about pairs, and gives how many were asked.
fn ask(name: &str, sides: &[Side]) -> usize {
    let every: usize = std::env::var("RINGFENCE_EVERY").map_or(40, |text| text.parse().unwrap());
    let principal = alice();
    let (mut asked, mut violated) = (0, 0);
    let mut number = 0;
    for a in sides {
        for b in sides {
            number += 1;
            if number % every != 0 {
                continue;
            }
            let question = Question {
                inner: &a.policies,
                outer: &b.policies,
                principal: Some(&principal),
                universe: Universe::All,
            };
            let verdict = within(&question).unwrap();
            let breaks = a.allowed.iter().zip(&b.allowed).any(|(a, b)| *a && !*b);
            match &verdict {
                Verdict::Proved => assert!(!breaks, "{} {}", a.text, b.text),
                Verdict::Violated(_) => assert!(breaks, "{} {} {verdict:?}", a.text, b.text),
                Verdict::Undecided(why) => assert!(why.is_empty(), "{why}: {} {}", a.text, b.text),
            }
            asked += 1;
            violated += usize::from(breaks);
        }
    }
    println!("{name}: {asked} questions, {violated} violated");
    assert!(violated > 0 && violated < asked, "{name}: {violated} of {asked}");
    asked
}

/// All texts over an alphabet up to a length.
fn texts(alphabet: &str, longest: usize) -> Vec<String> {
    let mut all = vec![String::new()];
    let mut last = all.clone();
    for _ in 0..longest {
        last = last
            .iter()
            .flat_map(|text| alphabet.chars().map(move |one| format!("{text}{one}")))
            .collect();
        all.extend(last.iter().cloned());
    }
    all
}

#[test]
fn every_pair_of_resource_patterns() {
    let world: Vec<(String, Context)> = texts("abx", 7)
        .iter()
        .map(|text| (format!("arn:aws:s3:::{text}"), Context::new()))
        .collect();
    let patterns = texts("ab*?", 4);
    let sides: Vec<Side> = patterns
        .iter()
        .filter(|text| !text.is_empty())
        .map(|text| {
            let resource = format!("arn:aws:s3:::{text}");
            side(
                &json!({"Effect": "Allow", "Action": "s3:GetObject", "Resource": resource}),
                &world,
            )
        })
        .collect();
    assert!(ask("resources", &sides) > 1_000);
}

#[test]
fn every_pair_of_patterns_beyond_their_parts() {
    let parts = ["*", "a", "a*", ""];
    // Letters before the resource are the same in either case, those behind a `*`
    // that goes on are not.
    let (accounts, resources) = (texts("abA", 2), texts(":abA", 4));
    let mut world = Vec::new();
    for region in ["", "a", "b", "x", "A"] {
        for account in &accounts {
            for resource in &resources {
                world.push((format!("arn:aws:s3:{region}:{account}:{resource}"), Context::new()));
            }
        }
    }
    let mut sides = Vec::new();
    for region in parts {
        for account in parts {
            for resource in ["*", "a", "?", "a:*", "*:a", "b*"] {
                let resource = format!("arn:aws:s3:{region}:{account}:{resource}");
                if resource.starts_with("arn:aws:s3:a") {
                    continue;
                }
                let statement =
                    json!({"Effect": "Allow", "Action": "s3:GetObject", "Resource": resource});
                sides.push(side(&statement, &world));
            }
        }
    }
    assert!(ask("parts", &sides) > 50);
}

/// What a key may hold, of these values: nothing, one, or some of them.
fn contexts(values: &[&str]) -> Vec<(String, Context)> {
    let mut all = vec![Context::new()];
    for one in values {
        let mut context = Context::new();
        context.set("x:k", *one);
        all.push(context);
        for other in values {
            let mut context = Context::new();
            context.set_list("x:k", [*one, *other]);
            all.push(context);
        }
    }
    all.into_iter().map(|context| ("*".to_owned(), context)).collect()
}

/// Every condition of these operators, with one or two of the values.
fn conditions(operators: &[&str], values: &[&str], world: &[(String, Context)]) -> Vec<Side> {
    let mut sides = Vec::new();
    for operator in operators {
        for prefix in ["", "ForAllValues:", "ForAnyValue:"] {
            for suffix in ["", "IfExists"] {
                for (place, first) in values.iter().enumerate() {
                    for second in &values[place..] {
                        let name = format!("{prefix}{operator}{suffix}");
                        let condition = json!({name: {"x:k": [first, second]}});
                        let statement = json!({"Effect": "Allow", "Action": "s3:GetObject",
                            "Resource": "*", "Condition": condition});
                        sides.push(side(&statement, world));
                    }
                }
            }
        }
    }
    for absent in ["true", "false"] {
        let condition = json!({"Null": {"x:k": absent}});
        let statement = json!({"Effect": "Allow", "Action": "s3:GetObject",
            "Resource": "*", "Condition": condition});
        sides.push(side(&statement, world));
    }
    sides
}

#[test]
fn every_pair_of_conditions_on_texts() {
    let world = contexts(&[
        "", "a", "b", "A", "B", "ab", "aB", "x", "ax", "xb", "aab", "a*", "*b", "?", "A*", "*B",
    ]);
    let operators = [
        "StringEquals",
        "StringNotEquals",
        "StringEqualsIgnoreCase",
        "StringNotEqualsIgnoreCase",
        "StringLike",
        "StringNotLike",
    ];
    let sides = conditions(&operators, &["a", "b", "A", "a*", "?", "*b", ""], &world);
    assert!(ask("texts", &sides) > 1_000);
}

#[test]
fn every_pair_of_conditions_on_numbers() {
    let world = contexts(&["", "4", "5", "5.0", "7", "9", "11", "-1", "-2", "0", "10", "5x"]);
    let operators = [
        "NumericEquals",
        "NumericNotEquals",
        "NumericLessThan",
        "NumericLessThanEquals",
        "NumericGreaterThan",
        "NumericGreaterThanEquals",
    ];
    let sides = conditions(&operators, &["5", "10", "-1", "x"], &world);
    assert!(ask("numbers", &sides) > 1_000);
}

#[test]
fn every_pair_of_conditions_on_dates() {
    let world = contexts(&[
        "",
        "2019-01-01",
        "2020-01-01",
        "1577836800",
        "2020-06-01",
        "2021-01-01",
        "2022-01-01",
        "x",
    ]);
    let operators = [
        "DateEquals",
        "DateNotEquals",
        "DateLessThan",
        "DateLessThanEquals",
        "DateGreaterThan",
        "DateGreaterThanEquals",
    ];
    let sides = conditions(&operators, &["2020-01-01T00:00:00Z", "2021-01-01"], &world);
    assert!(ask("dates", &sides) > 200);
}

#[test]
fn every_pair_of_conditions_on_the_rest() {
    let world = contexts(&[
        "",
        "10.0.0.1",
        "10.1.2.3",
        "11.0.0.1",
        "2001:db8::1",
        "::1",
        "x",
        "true",
        "TRUE",
        "false",
        "YQ==",
        "a",
        "YWI=",
        "arn:aws:s3:::a",
        "arn:aws:s3:::b",
        "arn:aws:x:::b",
        "arn:aws:S3:::a",
        "arn:aws:s3:::",
        "arn:aws:x:::x",
    ]);
    let mut sides = conditions(
        &["IpAddress", "NotIpAddress"],
        &["10.0.0.0/8", "10.1.2.3", "2001:db8::/32", "10.0.0.0/33"],
        &world,
    );
    sides.extend(conditions(&["Bool"], &["true", "false", "x"], &world));
    let arns = ["arn:aws:s3:::a", "arn:aws:s3:::*", "arn:aws:*:::b", "b"];
    sides.extend(conditions(&["ArnLike", "ArnNotEquals"], &arns, &world));
    assert!(ask("addresses, truths and ARNs", &sides) > 500);
    let sides = conditions(&["BinaryEquals"], &["YQ==", "YWI=", "!"], &world);
    assert!(ask("bytes", &sides) > 10);
}
