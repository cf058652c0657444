//! What somebody has of whom nobody knows who it is, and what is known of whom a policy names.

use std::process::Command;

use rstest::rstest;
use serde_json::{Value, json};

use crate::partly::{POOL, encoded, files, references};
use crate::plans::{change, configured, of_a_rail, plan, writes};
use crate::shop::{allow, document, estate, iam, rail, run, text, verdict_of};

const ADMINISTRATOR: &str = "arn:aws:iam::aws:policy/AdministratorAccess";

fn role(name: &str, service: Option<&str>) -> Value {
    let principal = match service {
        Some(service) => json!({"Service": service}),
        None => json!({"AWS": iam("root")}),
    };
    let trust = document(&[json!({"Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": principal})]);
    json!({"name": name, "arn": iam(&format!("role/{name}")), "assume_role_policy": trust})
}

/// A plan with a role that has nothing by itself.
fn with(more: &[Value]) -> Value {
    let mut all = vec![change("aws_iam_role.reader", role("reader", None), json!({}))];
    all.extend(more.iter().cloned());
    plan(&all, &[])
}

fn ask(plan: &Value, asked: &[&str]) -> String {
    let directory = estate(plan);
    let mut command = Command::new(env!("CARGO_BIN_EXE_ringfence"));
    command.current_dir(directory.path()).args(asked).args(["--plan", "state.json"]);
    text(&command.output().unwrap().stdout).to_owned()
}

fn inline(statement: Value) -> Value {
    change(
        "aws_iam_role_policy.p",
        json!({"policy": document(&[statement])}),
        json!({"role": true}),
    )
}

/// A policy that may be its own is told of an identity, and none that cannot be.
#[rstest]
#[case::an_inline_policy(inline(allow("sqs:ReceiveMessage", "*")), "role", true)]
#[case::that_allows_nothing(
    inline(json!({"Effect": "Deny", "Action": "sqs:*", "Resource": "*"})),
    "role",
    false
)]
#[case::an_attachment(
    change(
        "aws_iam_role_policy_attachment.p",
        json!({"policy_arn": ADMINISTRATOR}),
        json!({"role": true})
    ),
    "role",
    true
)]
#[case::one_of_several(
    change(
        "aws_iam_policy_attachment.p",
        json!({"name": "p", "policy_arn": ADMINISTRATOR}),
        json!({"roles": true})
    ),
    "roles",
    true
)]
#[case::of_a_user(
    change("aws_iam_user_policy.p", json!({"policy": writes()}), json!({"user": true})),
    "user",
    false
)]
fn what_an_identity_may_be_given_is_undecided(
    #[case] given: Value,
    #[case] attribute: &str,
    #[case] is_told: bool,
) {
    let address = given["address"].as_str().unwrap().to_owned();
    let told = ask(&with(&[given]), &["what-can", "role/reader"]);
    let line = format!("undecided: {address}: {attribute} is known after apply only");
    assert_eq!(told.lines().any(|one| one == line), is_told, "{told}");
}

#[test]
fn a_user_may_be_one_of_a_group_whose_members_are_not_known() {
    let user = json!({"name": "u", "arn": iam("user/u")});
    let group = json!({"name": "g", "arn": iam("group/g")});
    let attached = json!({"group": "g", "policy_arn": ADMINISTRATOR});
    let member = json!({"groups": ["g"]});
    let of = |unknown: Value, user_of: Value| {
        let mut member = member.clone();
        member.as_object_mut().unwrap().extend(user_of.as_object().unwrap().clone());
        with(&[
            change("aws_iam_user.u", user.clone(), json!({})),
            change("aws_iam_user.other", json!({"name": "o", "arn": iam("user/o")}), json!({})),
            change("aws_iam_group.g", group.clone(), json!({})),
            change("aws_iam_group_policy_attachment.g", attached.clone(), json!({})),
            change("aws_iam_user_group_membership.m", member, unknown),
        ])
    };
    let line = "undecided: aws_iam_user_group_membership.m: user is known after apply only";
    let open = ask(&of(json!({"user": true}), json!({})), &["what-can", "user/u"]);
    assert!(open.lines().any(|one| one == line), "{open}");
    let others = ask(&of(json!({}), json!({"user": "o"})), &["what-can", "user/u"]);
    assert!(!others.contains("aws_iam_user_group_membership.m"), "{others}");
}

/// Whoever has a policy, it allows what it says and nothing else.
#[rstest]
#[case::of_what_is_asked(inline(allow("s3:PutObject", "arn:aws:s3:::data/*")), "undecided")]
#[case::of_another_action(inline(allow("sqs:SendMessage", "*")), "proved")]
#[case::of_another_resource(inline(allow("s3:PutObject", "arn:aws:s3:::other/*")), "proved")]
#[case::of_awss(
    change(
        "aws_iam_role_policy_attachment.p",
        json!({"policy_arn": "arn:aws:iam::aws:policy/AmazonSQSFullAccess"}),
        json!({"role": true})
    ),
    "proved"
)]
#[case::that_is_not_known(
    change("aws_iam_role_policy.p", json!({}), json!({"role": true, "policy": true})),
    "undecided"
)]
fn a_policy_of_nobody_known_gives_what_it_says(#[case] given: Value, #[case] verdict: &str) {
    let (found, why) = of_a_rail(&with(&[given]), &[]);
    assert_eq!(found, verdict, "{why}");
}

#[test]
fn who_can_asks_what_a_policy_of_nobody_known_says() {
    let plan = with(&[inline(allow("sts:AssumeRole", "*"))]);
    let undecided = "aws_iam_role_policy.p: undecided: ";
    let may = ask(&plan, &["who-can", "sts:AssumeRole", &iam("role/reader")]);
    assert!(may.lines().any(|line| line.starts_with(undecided)), "{may}");
    let nobody = ask(&plan, &["who-can", "sqs:SendMessage"]);
    assert!(!nobody.contains("aws_iam_role_policy.p"), "{nobody}");
}

/// A trust policy is about its own role.
#[test]
fn a_request_that_a_trust_policy_allows_is_for_its_role() {
    let function = change("aws_iam_role.fn", role("fn", Some("ec2.amazonaws.com")), json!({}));
    let told = ask(&with(&[function]), &["who-can", "sts:AssumeRole"]);
    let line = format!("trust of role/fn: `sts:AssumeRole` on `{}`", iam("role/fn"));
    assert!(told.lines().any(|one| one.starts_with(&line)), "{told}");
}

/// What its policies say is nothing of the boundary of a role.
#[rstest]
#[case::its_policy(json!({"role": "fn"}), json!({"policy": true}), json!({}), "violated")]
#[case::its_boundary(
    json!({"role": "fn", "policy": writes()}),
    json!({}),
    json!({"permissions_boundary": true}),
    "undecided"
)]
fn a_boundary_hangs_on_no_policy(
    #[case] policy: Value,
    #[case] unknown: Value,
    #[case] of_role: Value,
    #[case] verdict: &str,
) {
    let function = role("fn", Some("lambda.amazonaws.com"));
    let plan = with(&[
        change("aws_iam_role.fn", function, of_role),
        change("aws_iam_role_policy.p", policy, unknown),
    ]);
    let directory = estate(&plan);
    let output = run(directory.path(), &["--plan", "state.json", "--json"]);
    let lines = text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap());
    let told: Vec<Value> = lines.collect();
    const CODE: &str = "the boundary caps running code";
    assert_eq!(verdict_of(&told, CODE), verdict, "{}", rail(&told, CODE));
}

/// Of a trust policy of which a part is not known it is known whom it names.
#[rstest]
#[case::of_tokens(
    "Action = \"sts:AssumeRoleWithWebIdentity\", Principal = { Federated = \"cognito-identity.amazonaws.com\" }, Condition = { StringEquals = { \"cognito-identity.amazonaws.com:aud\" = aws_cognito_user_pool.u.id } }",
    false
)]
#[case::of_the_account(
    "Action = \"sts:AssumeRole\", Principal = { AWS = \"arn:aws:iam::123456789012:root\" }, Condition = { StringEquals = { \"sts:ExternalId\" = aws_cognito_user_pool.u.id } }",
    true
)]
fn whom_a_trust_policy_does_not_name_it_lets_in_by_no_part(
    #[case] written: &str,
    #[case] is_open: bool,
) {
    let policy = encoded(&format!("{{ Effect = \"Allow\", {written} }}"));
    let mut authorized = role("authorized", None);
    authorized.as_object_mut().unwrap().remove("assume_role_policy");
    let plan = plan(
        &[
            change("aws_iam_role.reader", role("reader", None), json!({})),
            change(POOL, json!({}), json!({"arn": true, "id": true})),
            change("aws_iam_role.authorized", authorized, json!({"assume_role_policy": true})),
        ],
        &[configured(
            "aws_iam_role.authorized",
            json!({"assume_role_policy": references(&policy)}),
        )],
    );
    let body = format!("  assume_role_policy = {policy}");
    let main = files(&plan, &[("aws_iam_role.authorized", &body)]);
    let directory = estate(&plan);
    std::fs::write(directory.path().join("main.tf"), main).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_ringfence"));
    command.current_dir(directory.path()).args(["what-can", "role/reader", "--plan", "state.json"]);
    let told = text(&command.output().unwrap().stdout).to_owned();
    let before = "undecided: aws_iam_role.authorized: assume_role_policy.Statement[0].Condition";
    assert_eq!(told.lines().any(|line| line.starts_with(before)), is_open, "{told}");
    let output = run(directory.path(), &["--paths", "--plan", "state.json", "--json"]);
    let lines = text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap());
    let told: Vec<Value> = lines.collect();
    let reader = told.iter().find(|line| line["source"] == "role/reader").unwrap();
    assert_eq!(reader["paths"] != "none", is_open, "{reader}");
}
