//! Requests that AWS never sends break no guard rail.

use std::fs;

use rstest::rstest;
use serde_json::{Value, json};

use crate::plans::{change, plan};
use crate::shop::{document, estate, iam, rail, run, text};

const RULE: &str = "\n[[guard_rail]]\nid = \"pass\"\ntitle = \"nobody passes roles\"\n\
    who = [\"user/u\"]\nactions = [\"iam:PassRole\", \"iam:CreateRole\"]\nresources = [\"*\"]\n\
    legitimate = { identity = \"platform\", action = \"iam:CreateRole\", resource = \"*\" }\n";

/// What keys there are in all requests, and in those that AWS sends.
const ALL: &str = "each absent, any text, any list of texts";
const SENT: &str = "each absent, any text, any list of texts where AWS does not say that it has \
    one value; absent of an action that is named where AWS's reference gives it to other actions \
    of the service alone";

/// Of these two actions only `iam:CreateRole` has `iam:PermissionsBoundary`.
#[rstest]
#[case::never_sent("iam:PassRole", "iam:PermissionsBoundary", "proved", SENT)]
#[case::sent(
    "iam:CreateRole",
    "iam:PermissionsBoundary",
    "violated",
    "those that each action can carry, with values of their types"
)]
#[case::of_no_reference("iam:PassRole", "iam:Unheard", "violated", ALL)]
fn an_allow_under_a_key(
    #[case] action: &str,
    #[case] key: &str,
    #[case] verdict: &str,
    #[case] keys: &str,
) {
    let allow = json!({"Effect": "Allow", "Action": action, "Resource": "*",
        "Condition": {"StringEquals": {key: iam("policy/b")}}});
    let user = json!({"name": "u", "arn": iam("user/u")});
    let policy = json!({"name": "p", "user": "u", "policy": document(&[allow])});
    let all = [
        change("aws_iam_user.u", user, json!({})),
        change("aws_iam_user_policy.p", policy, json!({})),
    ];
    let directory = estate(&plan(&all, &[]));
    let config = directory.path().join("ringfence.toml");
    fs::write(&config, fs::read_to_string(&config).unwrap() + RULE).unwrap();
    let flags = ["--plan", "state.json", "--json", "--certificate", "c.json"];
    let output = run(directory.path(), &flags);
    let lines = text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap());
    let lines: Vec<Value> = lines.collect();
    assert!(!lines.is_empty(), "{}", text(&output.stderr));
    let found = rail(&lines, "nobody passes roles");
    assert_eq!((&found["verdict"], &found["universe"]["keys"]), (&json!(verdict), &json!(keys)));
    if verdict == "violated" {
        assert_eq!(found["violations"][0]["request"]["action"], action);
        return;
    }
    // Its certificate is about the same, and good.
    let written: Value =
        serde_json::from_str(&fs::read_to_string(directory.path().join("c.json")).unwrap())
            .unwrap();
    let own = written["certificates"].as_array().unwrap().iter();
    let own: Vec<&Value> = own.filter(|one| one["rail"] == "nobody passes roles").collect();
    assert!(!own.is_empty() && own.iter().all(|one| one["universe"]["keys"] == keys), "{own:?}");
    let checked = run(directory.path(), &["--check", "c.json", "--plan", "state.json"]);
    assert_eq!(checked.status.code(), Some(0), "{}", text(&checked.stdout));
}
