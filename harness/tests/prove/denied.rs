//! What the policies of resources deny, whether they let somebody in or not.

use std::fs;
use std::process::Command;

use rstest::rstest;
use serde_json::{Value, json};

use crate::shop::{
    REPOSITORY, allow, document, estate, iam, limit, of, rail, run, state, text, verdict_of, work,
};
use crate::stacks::{self, ARTIFACTS, why};

const OTHERS: &str = "arn:aws:s3:::artifacts/other/*";

fn resource(kind: &str, values: Value) -> Value {
    json!({"address": format!("{kind}.d"), "mode": "managed", "type": kind, "values": values})
}

/// An estate whose deployer may write another team's artifacts by its own policies.
fn hole(more: &[Value]) -> Value {
    let work = [work(), vec![allow("s3:PutObject", OTHERS)]].concat();
    state(&work, &limit(), REPOSITORY, more)
}

fn lines(state: &Value) -> Vec<Value> {
    let output = run(estate(state).path(), &["--state", "state.json", "--json"]);
    assert_eq!(text(&output.stderr), "");
    text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn deny(whom: &Value, resource: &str, more: &Value) -> Value {
    let mut statement = json!({"Effect": "Deny", "Principal": whom, "Action": "s3:*",
        "Resource": resource});
    statement.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    statement
}

fn bucket(name: &str, statement: Value) -> Value {
    resource("aws_s3_bucket_policy", json!({"bucket": name, "policy": document(&[statement])}))
}

fn not_principal(whom: &[String]) -> Value {
    json!({"Effect": "Deny", "NotPrincipal": {"AWS": whom}, "Action": "s3:*",
        "Resource": "arn:aws:s3:::artifacts/*"})
}

/// A bucket's Deny is about whom it names, and about its own bucket.
#[rstest]
#[case::of_the_role(deny(&json!({"AWS": iam("role/deployer")}), OTHERS, &json!({})), "proved")]
#[case::of_everybody(deny(&json!("*"), OTHERS, &json!({})), "proved")]
#[case::of_the_account(deny(&json!({"AWS": iam("root")}), OTHERS, &json!({})), "proved")]
#[case::of_the_whole_bucket(
    deny(&json!("*"), "arn:aws:s3:::artifacts/*", &json!({})),
    "proved"
)]
#[case::of_another_role(deny(&json!({"AWS": iam("role/worker")}), OTHERS, &json!({})), "violated")]
#[case::of_some_objects(
    deny(&json!("*"), "arn:aws:s3:::artifacts/other/a*", &json!({})),
    "violated"
)]
#[case::of_other_actions(deny(&json!("*"), OTHERS, &json!({"Action": "s3:Get*"})), "violated")]
#[case::under_a_condition(
    deny(&json!("*"), OTHERS, &json!({"Condition": {"Bool": {"aws:SecureTransport": "false"}}})),
    "violated"
)]
#[case::by_its_arn(
    deny(&json!("*"), OTHERS, &json!({"Condition": {"ArnLike":
        {"aws:PrincipalArn": iam("role/deploy*")}}})),
    "proved"
)]
#[case::by_anothers_arn(
    deny(&json!("*"), OTHERS, &json!({"Condition": {"ArnLike":
        {"aws:PrincipalArn": iam("role/worker")}}})),
    "violated"
)]
#[case::but_of_somebody(
    deny(&json!("*"), OTHERS, &json!({"Condition": {"ArnNotLike":
        {"aws:PrincipalArn": iam("role/admin")}}})),
    "proved"
)]
#[case::but_of_itself(
    deny(&json!("*"), OTHERS, &json!({"Condition": {"ArnNotLike":
        {"aws:PrincipalArn": iam("role/deployer")}}})),
    "violated"
)]
// Whoever has a boundary is denied, whether it is left out or not.
#[case::of_whoever_has_a_boundary(not_principal(&[iam("role/deployer")]), "proved")]
fn what_a_bucket_denies_is_not_allowed(#[case] statement: Value, #[case] verdict: &str) {
    assert_eq!(verdict_of(&lines(&hole(&[])), ARTIFACTS), "violated");
    let told = lines(&hole(&[bucket("artifacts", statement)]));
    assert_eq!(verdict_of(&told, ARTIFACTS), verdict);
}

/// What a policy says of other resources than its own means nothing.
#[rstest]
#[case::of_the_bucket("artifacts", "proved")]
#[case::of_another_bucket("logs", "violated")]
fn a_policy_denies_on_its_own_resource_alone(#[case] name: &str, #[case] verdict: &str) {
    let policy = bucket(name, deny(&json!("*"), "*", &json!({})));
    assert_eq!(verdict_of(&lines(&hole(&[policy])), ARTIFACTS), verdict);
}

/// Beside what lets it in somewhere, what another resource's policy denies counts too.
#[test]
fn a_deny_counts_beside_another_resources_policy() {
    let queue = of("sqs", "q");
    let lets_in = json!({"Effect": "Allow", "Principal": {"AWS": iam("role/deployer")},
        "Action": "sqs:SendMessage", "Resource": queue});
    let lets_in = resource(
        "aws_sqs_queue",
        json!({"arn": queue, "name": "q", "policy": document(&[lets_in])}),
    );
    let denies = bucket("artifacts", deny(&json!("*"), OTHERS, &json!({})));
    let told = lines(&hole(&[lets_in.clone(), denies]));
    assert_eq!(verdict_of(&told, ARTIFACTS), "proved");
    assert_eq!(verdict_of(&lines(&hole(&[lets_in])), ARTIFACTS), "violated");
}

/// Of whose bucket it is, nobody knows: it may be this one's.
#[test]
fn what_the_policy_of_an_unknown_bucket_denies_may_keep_back() {
    let policy = resource(
        "aws_s3_bucket_policy",
        json!({"policy": document(&[deny(&json!("*"), OTHERS, &json!({}))])}),
    );
    let told = lines(&hole(&[policy]));
    assert_eq!(verdict_of(&told, ARTIFACTS), "undecided");
    let why = why(&told, ARTIFACTS);
    assert!(
        why.starts_with("all else allows `s3:PutObject` on `arn:aws:s3:::artifacts/other/")
            && why.ends_with("and what all `aws_s3_bucket_policy.d` denies is not known"),
        "{why}"
    );
}

#[rstest]
#[case::its_bucket("artifacts", "", "proved")]
#[case::another_bucket("logs", "", "violated")]
#[case::that_need_not_be_there("artifacts", "Condition: Open, ", "undecided")]
#[case::that_is_not_there("artifacts", "Condition: Never, ", "violated")]
fn what_a_stacks_policy_denies_is_not_allowed(
    #[case] name: &str,
    #[case] condition: &str,
    #[case] verdict: &str,
) {
    let template = format!(
        "Parameters: {{Unsaid: {{Type: String}}}}\nConditions: {{Never: !Equals [a, b], \
         Open: !Equals [!Ref Unsaid, a]}}\nResources:\n  P: {{{condition}\
         Type: AWS::S3::BucketPolicy, Properties: {{Bucket: {name}, \
         PolicyDocument: {{Statement: [{{Effect: Deny, Principal: '*', Action: 's3:*', \
         Resource: 'arn:aws:s3:::artifacts/*'}}]}}}}}}\n  H:\n    Type: AWS::IAM::RolePolicy\n    \
         Properties: {{PolicyName: h, RoleName: deployer, PolicyDocument: {}}}\n",
        stacks::DOCUMENT
    );
    let told = stacks::with(&template, &[], "");
    assert_eq!(verdict_of(&told, ARTIFACTS), verdict);
}

/// The Denies that a proof hangs on stand in its certificate, and are the files' own.
#[test]
fn a_certificate_has_the_denies_that_count() {
    let denies = |resource| bucket("artifacts", deny(&json!("*"), resource, &json!({})));
    let directory = estate(&hole(&[denies(OTHERS)]));
    let flags = ["--state", "state.json", "--json", "--certificate", "c.json"];
    let output = run(directory.path(), &flags);
    assert_eq!(text(&output.stderr), "");
    let check = || run(directory.path(), &["--check", "c.json", "--state", "state.json"]);
    let good = check();
    assert_eq!((good.status.code(), text(&good.stderr)), (Some(0), ""), "{}", text(&good.stdout));
    let written: Value =
        serde_json::from_str(&fs::read_to_string(directory.path().join("c.json")).unwrap())
            .unwrap();
    let mut own = written["certificates"].as_array().unwrap().iter();
    let own = own.find(|one| one["rail"] == ARTIFACTS).unwrap();
    let digests = own["inner"]["identity"].as_array().unwrap().iter();
    let mut texts = digests.map(|one| &written["documents"][one["sha256"].as_str().unwrap()]);
    assert!(texts.any(|text| text.as_str().unwrap().contains("Deny")), "{own}");
    // Another bucket's Deny is none of the files.
    fs::write(
        directory.path().join("state.json"),
        hole(&[denies("arn:aws:s3:::artifacts/*")]).to_string(),
    )
    .unwrap();
    let other = check();
    assert_eq!(other.status.code(), Some(1));
    let told = format!("the certificate of `{ARTIFACTS}` for `role/deployer` is of another claim");
    assert!(text(&other.stdout).contains(&told), "{}", text(&other.stdout));
}

/// The same is asked by `who-can` and `what-can`.
#[rstest]
#[case::denied(deny(&json!("*"), OTHERS, &json!({})), false)]
#[case::of_another_role(deny(&json!({"AWS": iam("role/worker")}), OTHERS, &json!({})), true)]
fn what_a_bucket_denies_nobody_can(#[case] statement: Value, #[case] can: bool) {
    let work = [work(), vec![allow("s3:DeleteObject", OTHERS)]].concat();
    let state = state(&work, &limit(), REPOSITORY, &[bucket("artifacts", statement)]);
    let directory = estate(&state);
    let ask = |asked: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ringfence"));
        let output = command.current_dir(directory.path()).args(asked).output().unwrap();
        text(&output.stdout).to_owned()
    };
    let who = ask(&[
        "who-can",
        "s3:DeleteObject",
        "arn:aws:s3:::artifacts/other/x",
        "--state",
        "state.json",
    ]);
    assert_eq!(who.contains("role/deployer: "), can, "{who}");
    let what = ask(&["what-can", "role/deployer", "--state", "state.json"]);
    assert_eq!(what.contains("`s3:DeleteObject` on `arn:aws:s3:::artifacts/other/"), can, "{what}");
}

/// What neither may keep back, each of them may: a control policy leaves what a bucket's policy
/// may deny.
#[rstest]
#[case::each_keeps_back_some(true, "undecided: all else allows `s3:PutObject` on ")]
#[case::one_alone(false, "`s3:PutObject` on `arn:aws:s3:::artifacts/other/")]
fn what_may_deny_counts_under_what_may_keep_back(#[case] denies: bool, #[case] told: &str) {
    let limits = json!({"Effect": "Deny", "Action": "s3:*", "NotResource": OTHERS});
    let limits = resource(
        "aws_organizations_policy",
        json!({"id": "p-limits", "type": "SERVICE_CONTROL_POLICY",
            "content": document(&[limits])}),
    );
    let of_some_bucket = resource(
        "aws_s3_bucket_policy",
        json!({"policy": document(&[deny(&json!("*"), OTHERS, &json!({}))])}),
    );
    let mut more = vec![limits];
    more.extend(denies.then_some(of_some_bucket));
    let work = [work(), vec![allow("s3:PutObject", "*")]].concat();
    let directory = estate(&state(&work, &[allow("*", "*")], REPOSITORY, &more));
    let mut command = Command::new(env!("CARGO_BIN_EXE_ringfence"));
    command.current_dir(directory.path());
    let output = command.args(["who-can", "s3:PutObject", "--state", "state.json"]).output();
    let who = text(&output.unwrap().stdout).to_owned();
    let own = who.lines().find_map(|line| line.strip_prefix("role/deployer: ")).unwrap();
    assert!(own.starts_with(told), "{own}");
}

/// A request that breaks the rail all the same is another than what is denied.
#[test]
fn what_is_not_denied_is_shown() {
    let denies = deny(&json!("*"), "arn:aws:s3:::artifacts/other/a*", &json!({}));
    let told = lines(&hole(&[bucket("artifacts", denies)]));
    let violation = &rail(&told, ARTIFACTS)["violations"][0];
    let on = violation["request"]["resource"].as_str().unwrap();
    assert!(on.starts_with("arn:aws:s3:::artifacts/other/"), "{on}");
    assert!(!on.starts_with("arn:aws:s3:::artifacts/other/a"), "{on}");
    assert_eq!(violation["identity"], "role/deployer");
}
