//! Cases in which nothing is known of some keys, against all that the keys can
//! be: an answer that is given must be right in every case, and where only one
//! condition or variable is about such a key, what is undecided must differ.

use crate::reference::evaluate;
use crate::world::{Case, Held, Policy, Statement};

/// What a key can hold besides nothing: values on which every generated
/// condition about it comes out both ways.
fn values(key: &str) -> &'static [&'static str] {
    match key {
        // What looks like a variable is a text in old documents.
        "aws:PrincipalTag/t" | "aws:TagKeys" | "aws:no" => &[
            "a",
            "A",
            "b",
            "B",
            "c",
            "ab",
            "*",
            "?",
            "a*",
            "",
            "k",
            "zz",
            "f",
            "a/x:y",
            "key/k",
            "${aws:PrincipalTag/t}",
            "${aws:no}",
            "${aws:no, 'b'}",
            "${*}",
        ],
        "s3:max-keys" => &["5", "10", "-1", "-2", "7", "11", "x"],
        "aws:SourceIp" => &["10.1.2.3", "10.9.9.9", "11.0.0.1", "2001:db8::1", "x"],
        // With all that a tag can be.
        "aws:SourceArn" => &[
            "arn:aws:s3:::a/x:y",
            "arn:aws:s3:::b",
            "arn:aws:S3:::a",
            "arn:aws:s3:::a",
            "arn:aws:s3:::A",
            "arn:aws:s3:::k",
            "arn:aws:s3:::ab",
            "arn:aws:s3:::a*",
            "arn:aws:s3:::*",
            "arn:aws:s3:::${aws:PrincipalTag/t}",
            "arn:a:b:c:d:e",
            "b",
        ],
        "aws:CurrentTime" => &[
            "2020-01-01T00:00:00Z",
            "2019-12-31T23:59:59.5Z",
            "2020-06-01T10:00:00Z",
            "2021-01-01",
            "x",
        ],
        "aws:SecureTransport" => &["true", "false"],
        "x:Binary" => &["YQ==", "YWI=", "a", "zz"],
        other => panic!("{other} is not generated"),
    }
}

/// The case with everything that its unknown keys can be.
fn completions(case: &Case) -> Vec<Case> {
    let mut all = vec![Case { unknown: Vec::new(), ..case.clone() }];
    for key in &case.unknown {
        let values = values(key);
        let mut held: Vec<Held> = values.iter().map(|value| Held::One(value)).collect();
        held.extend(values.iter().map(|value| Held::Many(vec![value])));
        held.push(Held::Many(values[..2].to_vec()));
        let with = |case: &Case| -> Vec<Case> {
            let mut cases = vec![case.clone()];
            cases.extend(held.iter().map(|held| {
                let mut case = case.clone();
                case.context.insert(key, held.clone());
                case
            }));
            cases
        };
        all = all.iter().flat_map(with).collect();
    }
    all
}

/// What is wrong with an answer.
pub(crate) fn wrong(case: &Case, found: (&str, &str)) -> Option<String> {
    let allowed = |case: &Case| evaluate(case).0 == "allow";
    let all: Vec<bool> = completions(case).iter().map(allowed).collect();
    let same = all.iter().all(|allowed| *allowed == all[0]);
    let says = if all[0] { "allows" } else { "denies" };
    match found.0 {
        "undecided" if same && mentions(case) <= 1 => Some(format!("{says} in every case")),
        "undecided" => None,
        "allow" if all.contains(&false) => Some("denies in some case".into()),
        "allow" => None,
        "implicit_deny" | "explicit_deny" => {
            all.contains(&true).then(|| "allows in some case".to_owned())
        }
        _ => Some("names keys and statements".into()),
    }
}

/// How often the policies ask for the unknown keys; what cannot be read counts
/// as often as is needed to be left out, since it comes out the same for most
/// that a key can be.
fn mentions(case: &Case) -> usize {
    let limits = [&case.boundary, &case.session];
    let policies = case.scp.iter().flatten().chain(&case.identity).chain(&case.resource);
    let organization = case.rcp.iter().flatten();
    let policies = policies.chain(organization).chain(&case.endpoint);
    let policies = policies.chain(limits.into_iter().flatten().flatten());
    policies
        .map(|policy| policy.statements.iter().map(|one| of(case, policy, one)).sum::<usize>())
        .sum()
}

fn of(case: &Case, policy: &Policy, statement: &Statement) -> usize {
    let new = policy.version == Some("2012-10-17");
    let variables = |text: &str| {
        let named = |key: &&&str| new && text.contains(&format!("${{{key}"));
        case.unknown.iter().filter(named).count()
    };
    let resources = statement.resources.iter().flat_map(|element| &element.values);
    let resources: usize = resources.map(|text| variables(text)).sum();
    let conditions = statement.conditions.iter().map(|test| {
        let own = if case.unknown.contains(&test.key) { test.values.len() } else { 0 };
        let unreadable =
            test.values.iter().any(|value| ["x", "10.0.0.0/33", "b", "!"].contains(value));
        // A variable is equal to one of several values at most.
        let held = match case.context.get(test.key) {
            Some(Held::Many(values)) => values.len(),
            _ => 1,
        };
        let of_variables = test.values.iter().map(|text| variables(text)).sum::<usize>() * held;
        own + of_variables + if own > 0 && unreadable { 2 } else { 0 }
    });
    resources + conditions.sum::<usize>()
}
