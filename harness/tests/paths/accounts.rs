//! Estates of several accounts: what is of one is acted upon by its own identities.

use std::fs;

use ringfence::access::files::{self, Configurations};
use ringfence::proof::paths::{Found, search};
use rstest::rstest;
use serde_json::{Value, json};

use super::{allow, document, gains, resource, trust};

const HERE: &str = "123456789012";
const THERE: &str = "999999999999";

fn role(account: &str, name: &str, trust: &str, actions: &[&str]) -> [Value; 2] {
    let arn = format!("arn:aws:iam::{account}:role/{name}");
    let own = json!({"name": "p", "role": name, "policy": allow(actions)});
    [
        resource(
            "aws_iam_role",
            name,
            json!({"name": name, "arn": arn, "assume_role_policy": trust}),
        ),
        resource("aws_iam_role_policy", name, own),
    ]
}

/// A state of each account.
fn of_both(here: &[Value], there: &[Value]) -> Found {
    let directory = tempfile::tempdir().unwrap();
    let mut paths = Vec::new();
    for (name, resources) in [("here.json", here), ("there.json", there)] {
        let state =
            json!({"format_version": "1.0", "values": {"root_module": {"resources": resources}}});
        let path = directory.path().join(name);
        fs::write(&path, state.to_string()).unwrap();
        paths.push(path);
    }
    let estate = files::shown(&paths, &Configurations::default()).unwrap();
    search(&estate, None).unwrap()
}

fn nobody() -> String {
    trust(&json!({"Service": "x.amazonaws.com"}))
}

fn of_root(account: &str) -> String {
    trust(&json!({"AWS": format!("arn:aws:iam::{account}:root")}))
}

/// All that a source may gain, decided or not.
fn all(found: &Found, source: &str) -> Vec<(&'static str, String)> {
    let source = found.sources.iter().find(|one| one.name == source).unwrap();
    let all = source.paths.iter().flat_map(|path| {
        let all = std::iter::once(&path.of).chain(&path.others);
        all.map(|of| (path.gain, of.clone())).collect::<Vec<_>>()
    });
    all.collect()
}

/// Whoever may do everything in one account does nothing to the identities of another, whether
/// it may by its own policies or by what it gains.
#[rstest]
#[case::by_itself("*")]
#[case::by_what_it_gains("iam:*")]
fn who_may_do_everything_may_so_in_its_own_account(#[case] actions: &str) {
    let here = [
        role(HERE, "app", &nobody(), &["sts:AssumeRole"]),
        role(HERE, "adm", &trust(&json!({"Service": "ec2.amazonaws.com"})), &["s3:*"]),
    ];
    let there =
        [role(THERE, "x", &of_root(HERE), &[actions]), role(THERE, "y", &nobody(), &["sqs:*"])];
    let found = of_both(here.as_flattened(), there.as_flattened());
    let gained = gains(&found, "role/app");
    // The way into the other account, and on in it, is right.
    assert!(gained.contains(&("session", "role/x".to_owned())), "{gained:?}");
    assert!(gained.contains(&("policy", "role/y".to_owned())), "{gained:?}");
    let all = all(&found, "role/app");
    let of_here = ["role/app", "role/adm"];
    assert!(!all.iter().any(|(_, of)| of_here.contains(&of.as_str())), "{all:?}");
}

/// A role is handed to services of its own account: who may pass it and who may make something
/// of it must be there.
#[rstest]
#[case::in_another(&["iam:PassRole"], &["lambda:*"], false)]
#[case::in_its_own(&["iam:PassRole", "lambda:*"], &["s3:*"], true)]
fn a_role_is_handed_over_in_its_own_account(
    #[case] own: &[&str],
    #[case] others: &[&str],
    #[case] expected: bool,
) {
    let own = [own, &["sts:AssumeRole"]].concat();
    let here = [
        role(HERE, "app", &nobody(), &own),
        role(HERE, "adm", &trust(&json!({"Service": "lambda.amazonaws.com"})), &["s3:*"]),
    ];
    let there = role(THERE, "x", &of_root(HERE), others);
    let found = of_both(here.as_flattened(), &there);
    let all = all(&found, "role/app");
    assert!(all.contains(&("session", "role/x".to_owned())), "{all:?}");
    assert_eq!(all.contains(&("session", "role/adm".to_owned())), expected, "{all:?}");
}

/// Whoever makes a role makes it in its own account, whichever that is.
#[rstest]
#[case::whole(&["iam:CreateRole", "iam:PutRolePolicy", "sts:AssumeRole"], true)]
#[case::without_a_policy(&["iam:CreateRole", "sts:AssumeRole"], false)]
fn a_role_is_made_in_the_account_of_who_makes_it(#[case] actions: &[&str], #[case] made: bool) {
    let here = role(HERE, "app", &nobody(), &["s3:GetObject"]);
    let text = document(&[json!({"Effect": "Allow", "Action": actions,
        "Resource": format!("arn:aws:iam::{THERE}:role/new-*")})]);
    let mut there = role(THERE, "x", &nobody(), &["s3:GetObject"]);
    there[1]["values"]["policy"] = json!(text);
    let found = of_both(&here, &there);
    let new = ("session", format!("a new role without a boundary in {THERE}"));
    assert_eq!(all(&found, "role/x").contains(&new), made, "{:?}", found.sources);
    assert_eq!(all(&found, "role/app"), []);
}
