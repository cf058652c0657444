//! `ringfence up --observe` and `ringfence least`: what a user did becomes the
//! policy with which it may do that and no more.

use std::path::Path;
use std::process::Command;

use ringfence::config::{Backend, Config};
use ringfence::stack::{Options, Stack};
use ringfence::terraform::Access;
use ringfence_guard::Mode;
use ringfence_wire::{Secret, Service, ServiceError};
use serde_json::{Value, json};

async fn account(mode: Mode, journal: Option<&Path>) -> Stack {
    let config = Config::parse("", Path::new("ringfence.toml")).unwrap();
    let options = Options {
        backend: Some(Backend::Embedded),
        record: false,
        mode,
        journal: journal.map(Path::to_owned),
        ..Options::default()
    };
    Stack::start(config, options).await.unwrap()
}

async fn call(
    stack: &Stack,
    access: &Access,
    operation: &str,
    input: Value,
) -> Result<Value, ServiceError> {
    stack.client().call(access, Service::Iam, operation, input).await.result
}

/// A user with one inline policy.
async fn user(stack: &Stack, policy: &Value) -> Access {
    let root = stack.root();
    call(stack, &root, "CreateUser", json!({"UserName": "u"})).await.unwrap();
    let inline =
        json!({"UserName": "u", "PolicyName": "own", "PolicyDocument": policy.to_string()});
    call(stack, &root, "PutUserPolicy", inline).await.unwrap();
    let key = call(stack, &root, "CreateAccessKey", json!({"UserName": "u"})).await.unwrap();
    let text = |member: &str| key["AccessKey"][member].as_str().unwrap().to_owned();
    Access {
        access_key_id: text("AccessKeyId"),
        secret_access_key: Secret::new(text("SecretAccessKey")),
        ..root
    }
}

fn role(name: &str) -> Value {
    let trust = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
        "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]});
    json!({"RoleName": name, "AssumeRolePolicyDocument": trust.to_string(),
        "Tags": [{"Key": "Team", "Value": "a"}]})
}

fn least(journal: &Path) -> Value {
    let output = Command::new(env!("CARGO_BIN_EXE_ringfence"))
        .arg("least")
        .arg(journal)
        .args(["--principal", "user/u", "--json"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[tokio::test]
async fn a_user_gets_the_policy_of_what_it_did() {
    let directory = tempfile::tempdir().unwrap();
    let journal = directory.path().join("journal.jsonl");
    let present = json!({"Version": "2012-10-17", "Statement": [
        {"Sid": "Queues", "Effect": "Allow", "Action": "sqs:*", "Resource": "*"}]});
    let observed = account(Mode::Observe, Some(&journal)).await;
    let access = user(&observed, &present).await;
    call(&observed, &access, "CreateRole", role("r")).await.unwrap();
    observed.stop().await;

    let report = least(&journal);
    let of_user = &report["principals"][0];
    assert_eq!(of_user["not_allowed"], json!([]));
    assert_eq!(
        of_user["policies"],
        json!([{"Version": "2012-10-17", "Statement": [{
            "Sid": "Iam1", "Effect": "Allow", "Action": ["iam:CreateRole", "iam:TagRole"],
            "Resource": "arn:aws:iam::123456789012:role/r",
            "Condition": {
                "ForAllValues:StringEquals": {"aws:TagKeys": "Team"},
                "StringEquals": {
                    "aws:RequestTag/team": "a", "aws:RequestedRegion": "us-east-1"}},
        }]}])
    );
    let unused = &of_user["unused"][0];
    assert_eq!((&unused["action"], &unused["used"]), (&json!("sqs:*"), &json!([])));

    // Under that policy it may do the same, and nothing else.
    let enforced = account(Mode::Enforce, None).await;
    let access = user(&enforced, &of_user["policies"][0]).await;
    let error = call(&enforced, &access, "CreateRole", role("other")).await.unwrap_err();
    assert_eq!(
        (error.code.as_ref(), error.message.as_ref()),
        (
            "AccessDenied",
            "User: arn:aws:iam::123456789012:user/u is not authorized to perform: \
             iam:CreateRole on resource: arn:aws:iam::123456789012:role/other because no \
             identity-based policy allows the iam:CreateRole action"
        )
    );
    call(&enforced, &access, "CreateRole", role("r")).await.unwrap();
    enforced.stop().await;
}
