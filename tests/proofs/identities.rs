//! A policy names somebody, not whoever has the name.

use ringfence::stack::Stack;
use ringfence::terraform::Access;
use ringfence_wire::{Secret, Service};
use serde_json::{Value, json};

use crate::stack::with_empty_account;

const BUCKET: &str = "proofs-identities";

async fn as_root(stack: &Stack, service: Service, operation: &str, input: Value) -> Value {
    stack.client().call(&stack.root(), service, operation, input).await.result.unwrap()
}

fn text<'a>(value: &'a Value, path: &str) -> &'a str {
    value.pointer(path).and_then(Value::as_str).unwrap_or_else(|| panic!("{path}: {value}"))
}

/// The user `su` and its key; it has no policy of its own.
async fn su(stack: &Stack) -> (Access, String) {
    let named = json!({"UserName": "su"});
    let made = as_root(stack, Service::Iam, "CreateUser", named.clone()).await;
    let id = text(&made, "/User/UserId").to_owned();
    let made = as_root(stack, Service::Iam, "CreateAccessKey", named).await;
    let key = Access {
        access_key_id: text(&made, "/AccessKey/AccessKeyId").to_owned(),
        secret_access_key: Secret::new(text(&made, "/AccessKey/SecretAccessKey")),
        session_token: None,
        ..stack.root()
    };
    (key, id)
}

#[test]
fn a_user_who_takes_the_name_of_another_is_not_the_other() {
    with_empty_account(async |stack| {
        let account = stack.config().account.id.as_str();
        let arn = format!("arn:aws:iam::{account}:user/su");
        let role = format!("arn:aws:iam::{account}:role/powerful");
        let (first, first_id) = su(stack).await;
        let trust = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
            "Principal": {"AWS": arn}, "Action": "sts:AssumeRole"}]});
        let create = json!({"RoleName": "powerful", "AssumeRolePolicyDocument": trust.to_string()});
        as_root(stack, Service::Iam, "CreateRole", create).await;
        as_root(stack, Service::S3, "CreateBucket", json!({"Bucket": BUCKET})).await;
        let policy = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
            "Principal": {"AWS": [arn, role]}, "Action": "s3:ListBucket",
            "Resource": format!("arn:aws:s3:::{BUCKET}")}]});
        let put = json!({"Bucket": BUCKET, "Policy": policy.to_string()});
        as_root(stack, Service::S3, "PutBucketPolicy", put).await;

        let assume = async |key: &Access| {
            let input = json!({"RoleArn": role, "RoleSessionName": "su-session"});
            stack.client().call(key, Service::Sts, "AssumeRole", input).await.result
        };
        let list = async |key: &Access| {
            let input = json!({"Bucket": BUCKET});
            stack.client().call(key, Service::S3, "ListObjectsV2", input).await.result
        };
        assume(&first).await.unwrap();
        list(&first).await.unwrap();

        let key = json!({"UserName": "su", "AccessKeyId": first.access_key_id});
        as_root(stack, Service::Iam, "DeleteAccessKey", key).await;
        as_root(stack, Service::Iam, "DeleteUser", json!({"UserName": "su"})).await;
        let (second, second_id) = su(stack).await;
        assert_ne!(first_id, second_id);
        assert_eq!(assume(&second).await.unwrap_err().code, "AccessDenied");
        assert_eq!(list(&second).await.unwrap_err().code, "AccessDenied");

        let shown = as_root(stack, Service::Iam, "GetRole", json!({"RoleName": "powerful"})).await;
        let shown = text(&shown, "/Role/AssumeRolePolicyDocument");
        let shown = percent_encoding::percent_decode_str(shown).decode_utf8().unwrap();
        let shown: Value = serde_json::from_str(&shown).unwrap();
        // In AWS's form, which moto's ids of users have not.
        let unique = match first_id.starts_with("AIDA") {
            true => first_id,
            false => format!("AIDA{}", first_id.to_ascii_uppercase()),
        };
        assert_eq!(text(&shown, "/Statement/0/Principal/AWS"), unique);

        // Named anew, it is meant.
        let update = json!({"RoleName": "powerful", "PolicyDocument": trust.to_string()});
        as_root(stack, Service::Iam, "UpdateAssumeRolePolicy", update).await;
        assume(&second).await.unwrap();
    });
}

#[test]
fn a_bucket_is_of_one_region() {
    with_empty_account(async |stack| {
        as_root(stack, Service::S3, "CreateBucket", json!({"Bucket": BUCKET})).await;
        let elsewhere = Access { region: "eu-west-3".to_owned(), ..stack.root() };
        let list = async |access: &Access| {
            let input = json!({"Bucket": BUCKET});
            stack.client().call(access, Service::S3, "ListObjectsV2", input).await.result
        };
        assert_ne!(elsewhere.region, stack.root().region);
        let error = list(&elsewhere).await.unwrap_err();
        assert_eq!((error.status, error.code.as_ref()), (400, "AuthorizationHeaderMalformed"));
        list(&stack.root()).await.unwrap();
    });
}
