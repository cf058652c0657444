//! Guard rails of one's own about roles that are assumed: whom a trust policy names needs no
//! policy of its own.

use rstest::rstest;
use serde_json::{Value, json};

use crate::plans::{change, plan};
use crate::shop::{ACCOUNT, document, estate, iam, rail, run, text};

fn rule(resources: &str) -> String {
    format!(
        "\n[[guard_rail]]\nid = \"keys\"\ntitle = \"nobody takes the keys\"\nwho = [\"user/u\"]\n\
         actions = [\"sts:AssumeRole\"]\nresources = {resources}\n\
         legitimate = {{ identity = \"platform\", action = \"sts:AssumeRole\", resource = \"{}\" }}\n",
        iam("role/keys")
    )
}

fn told(trust: &Value, condition: &Value, resources: &str) -> (String, Value) {
    let mut statement = json!({"Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": {"AWS": trust}});
    if !condition.is_null() {
        statement["Condition"] = condition.clone();
    }
    let trust = document(&[statement]);
    let keys = json!({"name": "keys", "arn": iam("role/keys"), "assume_role_policy": trust});
    let user = json!({"name": "u", "arn": iam("user/u")});
    let all =
        [change("aws_iam_role.keys", keys, json!({})), change("aws_iam_user.u", user, json!({}))];
    let directory = estate(&plan(&all, &[]));
    let config = directory.path().join("ringfence.toml");
    let written = std::fs::read_to_string(&config).unwrap() + &rule(resources);
    std::fs::write(&config, written).unwrap();
    let output = run(directory.path(), &["--plan", "state.json", "--json"]);
    let lines = text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap());
    let lines: Vec<Value> = lines.collect();
    assert!(!lines.is_empty(), "{}", text(&output.stderr));
    let found = rail(&lines, "nobody takes the keys");
    (found["verdict"].as_str().unwrap().to_owned(), found["violations"][0].clone())
}

#[rstest]
#[case::the_user(json!(iam("user/u")), "violated")]
#[case::anybody(json!("*"), "violated")]
#[case::the_account(json!(iam("root")), "proved")]
#[case::another_user(json!(iam("user/v")), "proved")]
fn whom_a_trust_policy_names_gets_past_a_rail(#[case] whom: Value, #[case] verdict: &str) {
    let (told, shown) = told(&whom, &Value::Null, "[\"*\"]");
    assert_eq!(told, verdict);
    if verdict == "violated" {
        assert_eq!(shown["identity"], "user/u by trust of role/keys");
        let request = &shown["request"];
        assert_eq!(
            (&request["action"], &request["resource"]),
            (&json!("sts:AssumeRole"), &json!(iam("role/keys")))
        );
        assert_eq!(shown["allowed_by"], json!(["statement 1 of `aws_iam_role.keys`"]));
    }
}

/// A trust policy is about its own role.
#[rstest]
#[case::this("role/keys", "violated")]
#[case::this_among_others("role/k*", "violated")]
#[case::another("role/other", "proved")]
fn a_trust_policy_lets_into_its_own_role_alone(#[case] role: &str, #[case] verdict: &str) {
    let resources = json!([iam(role)]).to_string();
    assert_eq!(told(&json!(iam("user/u")), &Value::Null, &resources).0, verdict);
}

#[test]
fn a_condition_that_nobody_meets_lets_nobody_in() {
    let never = json!({"StringEquals": {"aws:username": "v"}});
    assert_eq!(told(&json!("*"), &never, "[\"*\"]").0, "proved");
    let always = json!({"StringEquals": {"aws:username": "u"}});
    assert_eq!(told(&json!("*"), &always, "[\"*\"]").0, "violated");
}

/// A rail that forbids nothing is not proved: objects are no buckets.
#[rstest]
#[case::objects("data/*", "proved", "")]
#[case::one_object("data/x", "proved", "")]
#[case::the_bucket("data", "undecided", "none of its actions acts upon any of its resources")]
fn a_rail_that_is_about_nothing_is_not_proved(
    #[case] resource: &str,
    #[case] verdict: &str,
    #[case] why: &str,
) {
    let directory = estate(&plan(&[], &[]));
    let config = directory.path().join("ringfence.toml");
    let rule = format!(
        "\n[[guard_rail]]\nid = \"data\"\ntitle = \"nobody writes data\"\nwho = [\"role/worker\"]\n\
         actions = [\"s3:PutObject\"]\nresources = [\"arn:aws:s3:::{resource}\"]\n\
         legitimate = {{ identity = \"platform\", action = \"s3:PutObject\", resource = \"arn:aws:s3:::data/x\" }}\n"
    );
    let written = std::fs::read_to_string(&config).unwrap() + &rule;
    std::fs::write(&config, written).unwrap();
    let output = run(directory.path(), &["--plan", "state.json", "--json"]);
    let lines = text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap());
    let lines: Vec<Value> = lines.collect();
    let found = rail(&lines, "nobody writes data");
    assert_eq!(found["verdict"], verdict);
    let told = found["undecided"][0]["reason"].as_str().unwrap_or_default();
    assert!(told.starts_with(why) && told.is_empty() == why.is_empty(), "{told}");
    assert_eq!(text(&output.stderr), "");
    // Beside an action that does, it is told of one that does not.
    let written = std::fs::read_to_string(&config).unwrap();
    let (another, unfit) = match verdict {
        "proved" => ("iam:CreateUser", "iam:CreateUser"),
        _ => ("s3:DeleteBucket", "s3:PutObject"),
    };
    let both = format!("[\"s3:PutObject\", \"{another}\"]");
    let more = written.replace("[\"s3:PutObject\"]", &both);
    std::fs::write(&config, more).unwrap();
    let output = run(directory.path(), &["--plan", "state.json", "--json"]);
    let warning = format!(
        "ringfence: warning: guard rail `data`: `{unfit}` never acts upon the statement's resources; "
    );
    assert!(text(&output.stderr).starts_with(&warning), "{}", text(&output.stderr));
    assert_eq!(text(&output.stderr).lines().count(), 1);
}

/// Whom a rail names by a tag that is known after apply only, it may be about.
#[rstest]
#[case::with_it(json!({"tags": {"team": "data"}}), json!({}), "violated")]
#[case::without(json!({"tags": {"team": "web"}}), json!({}), "proved")]
#[case::with_its_key_in_another_case(json!({"tags": {"Team": "data"}}), json!({}), "violated")]
#[case::with_its_value_in_another_case(json!({"tags": {"team": "Data"}}), json!({}), "proved")]
#[case::with_it_beside_others(
    json!({"tags": {"team": "data"}}),
    json!({"tags_all": true}),
    "violated"
)]
#[case::that_is_not_known(json!({"tags": {}}), json!({"tags": {"team": true}}), "undecided")]
fn who_may_have_a_tag_is_not_left_out(
    #[case] tags: Value,
    #[case] unknown: Value,
    #[case] verdict: &str,
) {
    let trust = document(&[json!({"Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": {"AWS": iam("root")}})]);
    let role = |name: &str| {
        let arn = iam(&format!("role/{name}"));
        json!({"name": name, "arn": arn, "assume_role_policy": trust, "tags": {"team": "data"}})
    };
    let mut reader = role("reader");
    reader["tags"] = tags["tags"].clone();
    let all = [
        change("aws_iam_role.reader", reader, unknown),
        change("aws_iam_role.other", role("other"), json!({})),
        change(
            "aws_iam_role_policy.p",
            json!({"role": "reader", "name": "p", "policy": crate::plans::writes()}),
            json!({}),
        ),
    ];
    let directory = estate(&plan(&all, &[]));
    let config = directory.path().join("ringfence.toml");
    let rule = "\n[[guard_rail]]\nid = \"data\"\ntitle = \"nobody writes data\"\n\
         who = [\"tag/team=data\"]\nactions = [\"s3:PutObject\"]\nresources = [\"arn:aws:s3:::data/*\"]\n\
         legitimate = { identity = \"platform\", action = \"s3:PutObject\", resource = \"arn:aws:s3:::data/x\" }\n";
    let written = std::fs::read_to_string(&config).unwrap() + rule;
    std::fs::write(&config, written).unwrap();
    let output = run(directory.path(), &["--plan", "state.json", "--json"]);
    let lines = text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap());
    let lines: Vec<Value> = lines.collect();
    let found = rail(&lines, "nobody writes data");
    assert_eq!(found["verdict"], verdict);
    let told = found["undecided"][0]["reason"].as_str().unwrap_or_default();
    assert_eq!(told.ends_with("which tags `role/reader` has"), verdict == "undecided", "{told}");
}

/// Whoever takes the role chooses another name for the session than the one that is denied.
#[rstest]
#[case::one_session("assumed-role/app/session", "violated")]
#[case::another_session("assumed-role/app/other", "violated")]
#[case::the_role("role/app", "proved")]
fn a_deny_of_one_session_is_none_of_the_role(#[case] denied: &str, #[case] verdict: &str) {
    let denied = match denied.starts_with("role/") {
        true => iam(denied),
        false => format!("arn:aws:sts::{ACCOUNT}:{denied}"),
    };
    let allow = json!({"Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": {"AWS": iam("root")}});
    let deny = json!({"Effect": "Deny", "Action": "sts:AssumeRole",
        "Principal": {"AWS": denied}});
    let of_services = json!({"Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": {"Service": "ec2.amazonaws.com"}});
    let own = json!({"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"});
    let role = |name: &str, trust: String| json!({"name": name, "arn": iam(&format!("role/{name}")), "assume_role_policy": trust});
    let all = [
        change("aws_iam_role.app", role("app", document(&[of_services])), json!({})),
        change(
            "aws_iam_role_policy.app",
            json!({"name": "own", "role": "app", "policy": document(&[own])}),
            json!({}),
        ),
        change("aws_iam_role.keys", role("keys", document(&[allow, deny])), json!({})),
    ];
    let directory = estate(&plan(&all, &[]));
    let config = directory.path().join("ringfence.toml");
    let rule = rule(&json!([iam("role/keys")]).to_string()).replace("user/u", "role/app");
    std::fs::write(&config, std::fs::read_to_string(&config).unwrap() + &rule).unwrap();
    let output = run(directory.path(), &["--plan", "state.json", "--json"]);
    let lines = text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap());
    let lines: Vec<Value> = lines.collect();
    assert_eq!(rail(&lines, "nobody takes the keys")["verdict"], verdict);
}
