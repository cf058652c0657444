//! The AWS CLI deletes many objects at once and is told of each.

use ringfence::stack::Stack;
use ringfence_wire::Service;
use serde_json::{Value, json};

use crate::stack::with_empty_account;

const BUCKET: &str = "proofs-delete-objects";

async fn as_root(stack: &Stack, service: Service, operation: &str, input: Value) -> Value {
    stack.client().call(&stack.root(), service, operation, input).await.result.unwrap()
}

/// The user `cleaner`, who may delete below `mine/`, and its key.
async fn cleaner(stack: &Stack) -> (String, String) {
    let name = json!({"UserName": "cleaner"});
    as_root(stack, Service::Iam, "CreateUser", name.clone()).await;
    let policy = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
        "Action": "s3:DeleteObject", "Resource": format!("arn:aws:s3:::{BUCKET}/mine/*")}]});
    let put = json!({"UserName": "cleaner", "PolicyName": "own",
        "PolicyDocument": policy.to_string()});
    as_root(stack, Service::Iam, "PutUserPolicy", put).await;
    let made = as_root(stack, Service::Iam, "CreateAccessKey", name).await;
    let text = |member: &str| made["AccessKey"][member].as_str().unwrap().to_owned();
    (text("AccessKeyId"), text("SecretAccessKey"))
}

/// What `aws s3api delete-objects` prints; nothing where it prints nothing.
async fn delete(stack: &Stack, (id, secret): &(String, String), delete: Value) -> Value {
    let output = tokio::process::Command::new(stack.tools().bin().join("aws"))
        .args(["s3api", "delete-objects", "--output", "json", "--bucket", BUCKET])
        .args(["--delete", &delete.to_string(), "--endpoint-url", stack.endpoint().as_str()])
        // Nothing of the machine's own configuration, but where programs are.
        .env_clear()
        .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
        .env("HOME", stack.scratch().path())
        .env("AWS_ACCESS_KEY_ID", id)
        .env("AWS_SECRET_ACCESS_KEY", secret)
        .env("AWS_DEFAULT_REGION", stack.config().account.region.as_str())
        .output()
        .await
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap_or_default()
}

async fn left(stack: &Stack) -> Vec<String> {
    let listed = as_root(stack, Service::S3, "ListObjectsV2", json!({"Bucket": BUCKET})).await;
    let contents = listed["Contents"].as_array().unwrap();
    contents.iter().map(|object| object["Key"].as_str().unwrap().to_owned()).collect()
}

fn denied(stack: &Stack, key: &str, reason: &str) -> Value {
    let account = stack.config().account.id.as_str();
    json!({"Key": key, "Code": "AccessDenied", "Message": format!(
        "User: arn:aws:iam::{account}:user/cleaner is not authorized to perform: s3:DeleteObject \
         on resource: \"arn:aws:s3:::{BUCKET}/{key}\" {reason}")})
}

#[test]
fn the_aws_cli_is_told_which_objects_were_deleted_and_which_were_not() {
    with_empty_account(async |stack| {
        as_root(stack, Service::S3, "CreateBucket", json!({"Bucket": BUCKET})).await;
        let keys = ["mine/a & <b>", "mine/c", "mine/kept", "others/x"];
        for key in keys {
            as_root(stack, Service::S3, "PutObject", json!({"Bucket": BUCKET, "Key": key})).await;
        }
        let policy = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Deny",
            "Principal": "*", "Action": "s3:DeleteObject",
            "Resource": format!("arn:aws:s3:::{BUCKET}/mine/kept")}]});
        let put = json!({"Bucket": BUCKET, "Policy": policy.to_string()});
        as_root(stack, Service::S3, "PutBucketPolicy", put).await;
        let key = cleaner(stack).await;
        let objects =
            |keys: &[&str]| keys.iter().map(|key| json!({"Key": key})).collect::<Vec<_>>();
        let kept = denied(stack, "mine/kept", "with an explicit deny in a resource-based policy");
        let others = denied(
            stack,
            "others/x",
            "because no identity-based policy allows the s3:DeleteObject action",
        );

        let some = json!({"Objects": objects(&["others/x", "mine/a & <b>", "mine/kept"])});
        let told = delete(stack, &key, some).await;
        assert_eq!(told, json!({"Deleted": [{"Key": "mine/a & <b>"}], "Errors": [others, kept]}));
        assert_eq!(left(stack).await, ["mine/c", "mine/kept", "others/x"]);

        let quiet = json!({"Objects": objects(&["mine/c", "others/x"]), "Quiet": true});
        assert_eq!(delete(stack, &key, quiet).await, json!({"Errors": [others]}));
        assert_eq!(left(stack).await, ["mine/kept", "others/x"]);

        let none = json!({"Objects": objects(&["mine/kept", "others/x"])});
        assert_eq!(delete(stack, &key, none).await, json!({"Errors": [kept, others]}));
        assert_eq!(left(stack).await, ["mine/kept", "others/x"]);
    });
}
