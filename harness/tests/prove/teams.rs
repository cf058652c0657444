//! Several teams.

use std::fs;

use rstest::rstest;
use serde_json::{Value, json};

use crate::shop::{CONFIG, allow, document, estate, iam, rail, run, text, trust};

/// An estate of some teams, each with the same work.
fn estate_of(teams: &[(Vec<Value>, String)]) -> Vec<Value> {
    let mut config = CONFIG.split("\n[[apps]]").next().unwrap().to_owned();
    let mut resources = Vec::new();
    for (team, (statements, trust)) in teams.iter().enumerate() {
        config += &format!(
            "\n[[apps]]\nname = \"shop{team}\"\ndirectory = \"s{team}\"\nrepository = \"acme/shop{team}\"\n\
             [[deployers]]\nname = \"d{team}\"\nrole_output = \"aws_iam_role.d{team}\"\napp = \"shop{team}\"\njob = \"code\"\n"
        );
        let role = format!("d{team}");
        let bucket = document(&[json!({"Effect": "Allow", "Action": "s3:GetObject",
            "Principal": {"AWS": iam(&format!("role/{role}"))}, "Resource": format!("arn:aws:s3:::data{team}/*")})]);
        for (kind, values) in [
            (
                "aws_iam_role",
                json!({"name": role, "arn": iam(&format!("role/{role}")), "assume_role_policy": trust}),
            ),
            ("aws_iam_role_policy", json!({"role": role, "policy": document(statements)})),
            ("aws_s3_bucket_policy", json!({"bucket": format!("data{team}"), "policy": bucket})),
        ] {
            resources.push(json!({"address": format!("{kind}.{role}"), "mode": "managed",
                "type": kind, "values": values}));
        }
    }
    let state =
        json!({"format_version": "1.0", "values": {"root_module": {"resources": resources}}});
    let directory = estate(&state);
    fs::write(directory.path().join("ringfence.toml"), config).unwrap();
    let output = run(directory.path(), &["--state", "state.json", "--json"]);
    assert_eq!(text(&output.stderr), "");
    text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn twice_the_teams_are_twice_the_questions() {
    let asked = |teams: usize| {
        let team =
            |team| (vec![allow("s3:GetObject", "*")], trust(&format!("repo:acme/shop{team}:*")));
        let told = estate_of(&(0..teams).map(team).collect::<Vec<_>>());
        let rails = told.iter().filter_map(|line| line["claims"].as_u64());
        rails.collect::<Vec<_>>()
    };
    let (few, many) = (asked(4), asked(8));
    assert_eq!(few.iter().map(|claims| claims * 2).collect::<Vec<_>>(), many);
    assert!(few.iter().all(|claims| [4, 8].contains(claims)), "{few:?}");
}

#[test]
fn a_team_that_may_become_somebody_else_becomes_no_other_team() {
    let trusting = document(&[json!({"Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": {"AWS": iam("root")}})]);
    let may_become = |role: &str| {
        let own = allow("sts:AssumeRole", &iam(role));
        let told = estate_of(&[
            (vec![own], trust("repo:acme/shop0:*")),
            (vec![allow("s3:GetObject", "*")], trusting.clone()),
        ]);
        let rail = rail(&told, "only its own workflow becomes a deployer");
        let shown = rail["violations"].as_array().unwrap();
        shown.iter().any(|one| one["identity"] == "role/d0 as role/d1")
    };
    assert!(may_become("role/d*") && !may_become("role/other"));
}

/// By its account's name a team is let in where its own policies allow it too, by its
/// role's name without.
#[rstest]
#[case(None, "*", "proved")]
#[case(Some("root"), "s3:GetObject", "proved")]
#[case(Some("root"), "sts:AssumeRole", "violated")]
#[case(Some("role/d0"), "s3:GetObject", "violated")]
#[case(Some("role/other"), "sts:AssumeRole", "proved")]
fn a_team_that_may_become_another_is_shown(
    #[case] named: Option<&str>,
    #[case] action: &str,
    #[case] verdict: &str,
) {
    let own = |team: usize| trust(&format!("repo:acme/shop{team}:*"));
    let open = named.map(|named| {
        document(&[json!({"Sid": "Open", "Effect": "Allow", "Action": "sts:AssumeRole",
            "Principal": {"AWS": iam(named)}})])
    });
    let told = estate_of(&[
        (vec![allow(action, "*")], own(0)),
        (vec![allow("s3:GetObject", "*")], open.unwrap_or_else(|| own(1))),
    ]);
    let rail = rail(&told, "only its own workflow becomes a deployer");
    let of_pair = json!("role/d0 as role/d1");
    let shown = rail["violations"].as_array().unwrap();
    let shown = shown.iter().find(|one| one["identity"] == of_pair);
    assert_eq!(shown.is_some(), verdict == "violated", "{rail}");
    if let Some(shown) = shown {
        assert_eq!(shown["request"]["resource"], iam("role/d1"));
    }
}
