//! The account's Block Public Access.

use super::*;
use crate::ask::{Caller, Question};
use crate::recording::Overlay;

fn setting(name: &str) -> Value {
    json!({"AccountId": ACCOUNT, "PublicAccessBlockConfiguration": {name: true}})
}

async fn control(
    stage: &Stage,
    caller: &Credentials,
    operation: &str,
    input: Value,
) -> Result<Value, ServiceError> {
    stage.client.call(caller, Service::S3Control, operation, input).await
}

/// Whether anybody may read the bucket's objects.
async fn is_open(stage: &Stage) -> bool {
    let question = Question {
        action: "s3:GetObject".to_owned(),
        resource: "arn:aws:s3:::bucket/k".to_owned(),
        context: ringfence_policy::Context::new(),
    };
    let inputs = stage.guard.inputs(Caller::Anonymous, &[question]).await.unwrap();
    inputs.decide(&Overlay::none())[0].allowed()
}

fn open_to_all() -> String {
    json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*",
        "Action": "s3:GetObject", "Resource": "arn:aws:s3:::bucket/*"}]})
    .to_string()
}

/// "The most restrictive combination of the bucket-level and account-level
/// settings."
#[tokio::test]
async fn what_the_account_restricts_no_bucket_opens() {
    let stage = Stage::new().await;
    stage.upstream.state.lock().unwrap().bucket_policy = Some(open_to_all());
    assert!(is_open(&stage).await);
    for (name, open) in [("BlockPublicAcls", true), ("RestrictPublicBuckets", false)] {
        control(&stage, &root(), "PutPublicAccessBlock", setting(name)).await.unwrap();
        assert_eq!(is_open(&stage).await, open, "{name}");
    }
    let named = json!({"AccountId": ACCOUNT});
    let told = control(&stage, &root(), "GetPublicAccessBlock", named.clone()).await.unwrap();
    assert_eq!(
        told,
        json!({"BlockPublicAcls": "false", "IgnorePublicAcls": "false",
            "BlockPublicPolicy": "false", "RestrictPublicBuckets": "true"})
    );
    control(&stage, &root(), "DeletePublicAccessBlock", named.clone()).await.unwrap();
    assert!(is_open(&stage).await);
    let none = control(&stage, &root(), "GetPublicAccessBlock", named).await.unwrap_err();
    assert_eq!((none.status, none.code.as_ref()), (404, "NoSuchPublicAccessBlockConfiguration"));
}

/// A policy that opens a bucket is refused while the account blocks such.
#[tokio::test]
async fn the_account_blocks_public_policies() {
    let stage = Stage::new().await;
    stage.upstream.state.lock().unwrap().bucket_policy = Some(open_to_all());
    let put = json!({"Bucket": "bucket", "Policy": open_to_all()});
    let put =
        async || stage.client.call(&root(), Service::S3, "PutBucketPolicy", put.clone()).await;
    put().await.unwrap();
    control(&stage, &root(), "PutPublicAccessBlock", setting("BlockPublicPolicy")).await.unwrap();
    let error = put().await.unwrap_err();
    assert_eq!((error.status, error.code.as_ref()), (403, "AccessDenied"));
}

#[rstest::rstest]
#[case::put("PutPublicAccessBlock", "s3:PutAccountPublicAccessBlock")]
#[case::get("GetPublicAccessBlock", "s3:GetAccountPublicAccessBlock")]
#[case::delete("DeletePublicAccessBlock", "s3:PutAccountPublicAccessBlock")]
#[tokio::test]
async fn each_operation_needs_the_accounts_permission(
    #[case] operation: &str,
    #[case] action: &str,
) {
    for (policy, allowed) in
        [(allow(action), true), (allow("s3:PutBucketPublicAccessBlock"), false)]
    {
        let stage = Stage::new().await;
        let caller = stage.role(&policy);
        let input = match operation {
            "PutPublicAccessBlock" => setting("BlockPublicAcls"),
            _ => json!({"AccountId": ACCOUNT}),
        };
        let answer = control(&stage, &caller, operation, input).await;
        let entry = stage.last_entry();
        let check = entry.checks.last().unwrap();
        assert_eq!((check.action.as_str(), check.resource.as_str()), (action, "*"));
        assert_eq!(entry.outcome == Ending::Allowed, allowed, "{answer:?}");
    }
}
