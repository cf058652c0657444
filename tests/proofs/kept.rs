//! Written, read back, decided: what authorization rests on counts on every
//! upstream, whatever the upstream itself makes of it.

use ringfence::aws::Answer;
use ringfence::stack::Stack;
use ringfence::terraform::Access;
use ringfence_wire::{Secret, Service, ServiceError};
use serde_json::{Value, json};

use crate::stack::with_empty_account;

pub(crate) const S3: Service = Service::S3;
pub(crate) const IAM: Service = Service::Iam;
const BUCKET: &str = "proofs-kept";

pub(crate) async fn as_root(
    stack: &Stack,
    service: Service,
    operation: &str,
    input: Value,
) -> Answer {
    stack.client().call(&stack.root(), service, operation, input).await
}

pub(crate) fn refusal(answer: Answer) -> (u16, String, String) {
    let ServiceError { status, code, message, .. } = answer.result.unwrap_err();
    (status, code.into_owned(), message)
}

pub(crate) fn text<'a>(value: &'a Value, path: &str) -> &'a str {
    value.pointer(path).and_then(Value::as_str).unwrap_or_else(|| panic!("{path}: {value}"))
}

/// A user who may do all, and its key.
pub(crate) async fn admin(stack: &Stack, name: &str) -> Access {
    user(stack, name, Some(json!({"Effect": "Allow", "Action": "*", "Resource": "*"}))).await
}

/// A user who may do what a statement says, and its key.
pub(crate) async fn user(stack: &Stack, name: &str, statement: Option<Value>) -> Access {
    let named = json!({"UserName": name});
    as_root(stack, IAM, "CreateUser", named.clone()).await.result.unwrap();
    if let Some(statement) = statement {
        let policy = json!({"Version": "2012-10-17", "Statement": [statement]}).to_string();
        let put = json!({"UserName": name, "PolicyName": "own", "PolicyDocument": policy});
        as_root(stack, IAM, "PutUserPolicy", put).await.result.unwrap();
    }
    let made = as_root(stack, IAM, "CreateAccessKey", named).await.result.unwrap();
    Access {
        access_key_id: text(&made, "/AccessKey/AccessKeyId").to_owned(),
        secret_access_key: Secret::new(text(&made, "/AccessKey/SecretAccessKey")),
        session_token: None,
        ..stack.root()
    }
}

/// A policy that lets anybody read.
fn public_policy() -> Value {
    let policy = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
        "Principal": "*", "Action": "s3:GetObject",
        "Resource": format!("arn:aws:s3:::{BUCKET}/*")}]});
    json!({"Bucket": BUCKET, "Policy": policy.to_string()})
}

#[test]
fn a_new_bucket_is_closed_and_opened_by_its_settings_alone() {
    with_empty_account(async |stack| {
        let bucket = || json!({"Bucket": BUCKET});
        let object = || json!({"Bucket": BUCKET, "Key": "k"});
        as_root(stack, S3, "CreateBucket", bucket()).await.result.unwrap();
        as_root(stack, S3, "PutObject", object()).await.result.unwrap();
        let block = as_root(stack, S3, "GetPublicAccessBlock", bucket()).await.result.unwrap();
        for setting in
            ["BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"]
        {
            assert!(text(&block, &format!("/{setting}")).eq_ignore_ascii_case("true"), "{block}");
        }
        let own = as_root(stack, S3, "GetBucketOwnershipControls", bucket()).await.result.unwrap();
        assert_eq!(text(&own, "/Rule/0/ObjectOwnership"), "BucketOwnerEnforced");

        let operator = admin(stack, "operator").await;
        let account = stack.config().account.id.as_str();
        let put =
            async || stack.client().call(&operator, S3, "PutBucketPolicy", public_policy()).await;
        let message = format!(
            "User: arn:aws:iam::{account}:user/operator is not authorized to perform: \
             s3:PutBucketPolicy on resource: \"arn:aws:s3:::{BUCKET}\" because public policies are \
             blocked by the BlockPublicPolicy block public access setting."
        );
        assert_eq!(refusal(put().await), (403, "AccessDenied".to_owned(), message));
        let acl = json!({"Bucket": BUCKET, "ACL": "private"});
        let told = refusal(as_root(stack, S3, "PutBucketAcl", acl.clone()).await);
        assert_eq!((told.0, told.1.as_str()), (400, "AccessControlListNotSupported"));

        let anonymous = async || {
            let endpoint = stack.root().endpoint;
            stack.client().call_unsigned(&endpoint, S3, "GetObject", object(), None).await
        };
        let settings = |block_policy: bool, restrict: bool| {
            json!({"Bucket": BUCKET, "PublicAccessBlockConfiguration": {
                "BlockPublicAcls": true, "IgnorePublicAcls": true,
                "BlockPublicPolicy": block_policy, "RestrictPublicBuckets": restrict}})
        };
        let set = async |block_policy, restrict| {
            let input = settings(block_policy, restrict);
            as_root(stack, S3, "PutPublicAccessBlock", input).await.result.unwrap();
        };
        set(false, true).await;
        put().await.result.unwrap();
        let status = as_root(stack, S3, "GetBucketPolicyStatus", bucket()).await.result.unwrap();
        assert_eq!(text(&status, "/IsPublic"), "true");
        // Restricted: the policy is public, and lets in those of the account alone.
        assert_eq!(refusal(anonymous().await).0, 403);
        stack.client().call(&operator, S3, "GetObject", object()).await.result.unwrap();
        set(true, false).await;
        anonymous().await.result.unwrap();
        set(true, true).await;
        assert_eq!(refusal(anonymous().await).0, 403);
        as_root(stack, S3, "DeletePublicAccessBlock", bucket()).await.result.unwrap();
        anonymous().await.result.unwrap();

        // With lists allowed, a canned one is taken, and a public one is not
        // where it is blocked.
        let rule = json!({"Bucket": BUCKET,
            "OwnershipControls": {"Rule": [{"ObjectOwnership": "BucketOwnerPreferred"}]}});
        as_root(stack, S3, "PutBucketOwnershipControls", rule).await.result.unwrap();
        as_root(stack, S3, "PutBucketAcl", acl).await.result.unwrap();
        set(true, true).await;
        let open = json!({"Bucket": BUCKET, "ACL": "public-read"});
        let told = refusal(stack.client().call(&operator, S3, "PutBucketAcl", open).await);
        assert_eq!((told.0, told.1.as_str()), (403, "AccessDenied"));
        assert!(told.2.ends_with(
            "because public access control lists (ACLs) are blocked by the BlockPublicAcls block \
             public access setting."
        ));
    });
}

#[test]
fn a_bucket_of_another_owner_is_not_touched() {
    with_empty_account(async |stack| {
        as_root(stack, S3, "CreateBucket", json!({"Bucket": BUCKET})).await.result.unwrap();
        let put = async |owner: &str| {
            let input = json!({"Bucket": BUCKET, "Key": "k", "ExpectedBucketOwner": owner});
            as_root(stack, S3, "PutObject", input).await
        };
        let told = refusal(put("999999999999").await);
        assert_eq!(told, (403, "AccessDenied".to_owned(), "Access Denied".to_owned()));
        put(stack.config().account.id.as_str()).await.result.unwrap();
    });
}

#[test]
fn a_dry_run_changes_nothing() {
    with_empty_account(async |stack| {
        let ec2 = Service::Ec2;
        let made = as_root(stack, ec2, "CreateVpc", json!({"CidrBlock": "10.7.0.0/16"})).await;
        let vpc = text(&made.result.unwrap(), "/vpc/vpcId").to_owned();
        let input = json!({"VpcId": vpc, "DryRun": "true"});
        let told = refusal(as_root(stack, ec2, "DeleteVpc", input).await);
        assert_eq!((told.0, told.1.as_str()), (412, "DryRunOperation"));
        assert_eq!(told.2, "Request would have succeeded, but DryRun flag is set.");
        as_root(stack, ec2, "DeleteVpc", json!({"VpcId": vpc})).await.result.unwrap();
    });
}

#[test]
fn a_policy_in_use_stays() {
    with_empty_account(async |stack| {
        let account = stack.config().account.id.as_str();
        let policy = format!("arn:aws:iam::{account}:policy/limit");
        let document = json!({"Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]});
        let create = json!({"PolicyName": "limit", "PolicyDocument": document.to_string()});
        as_root(stack, IAM, "CreatePolicy", create).await.result.unwrap();
        let trust = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]});
        let role = json!({"RoleName": "bounded", "PermissionsBoundary": policy,
            "AssumeRolePolicyDocument": trust.to_string()});
        as_root(stack, IAM, "CreateRole", role).await.result.unwrap();
        let delete =
            async || as_root(stack, IAM, "DeletePolicy", json!({"PolicyArn": policy})).await;
        let conflict = (
            409,
            "DeleteConflict".to_owned(),
            "Cannot delete a policy attached to entities.".to_owned(),
        );
        assert_eq!(refusal(delete().await), conflict);
        let bounded = json!({"RoleName": "bounded"});
        as_root(stack, IAM, "DeleteRolePermissionsBoundary", bounded).await.result.unwrap();
        let attach = json!({"RoleName": "bounded", "PolicyArn": policy});
        as_root(stack, IAM, "AttachRolePolicy", attach.clone()).await.result.unwrap();
        assert_eq!(refusal(delete().await), conflict);
        as_root(stack, IAM, "DetachRolePolicy", attach).await.result.unwrap();
        delete().await.result.unwrap();
    });
}

#[test]
fn a_user_goes_when_nothing_hangs_on_it() {
    with_empty_account(async |stack| {
        let key = admin(stack, "leaver").await;
        let named = || json!({"UserName": "leaver"});
        let delete = async || as_root(stack, IAM, "DeleteUser", named()).await;
        let told = |what: &str| {
            (409, "DeleteConflict".to_owned(), format!("Cannot delete entity, {what}"))
        };
        assert_eq!(refusal(delete().await), told("must delete policies first."));
        let own = json!({"UserName": "leaver", "PolicyName": "own"});
        as_root(stack, IAM, "DeleteUserPolicy", own).await.result.unwrap();
        assert_eq!(refusal(delete().await), told("must delete access keys first."));
        let key = json!({"UserName": "leaver", "AccessKeyId": key.access_key_id});
        as_root(stack, IAM, "DeleteAccessKey", key).await.result.unwrap();
        as_root(stack, IAM, "CreateGroup", json!({"GroupName": "team"})).await.result.unwrap();
        let member = json!({"UserName": "leaver", "GroupName": "team"});
        as_root(stack, IAM, "AddUserToGroup", member.clone()).await.result.unwrap();
        assert_eq!(refusal(delete().await), told("must remove users from group first."));
        let group = as_root(stack, IAM, "DeleteGroup", json!({"GroupName": "team"})).await;
        assert_eq!(refusal(group), told("must remove users from group first."));
        as_root(stack, IAM, "RemoveUserFromGroup", member).await.result.unwrap();
        delete().await.result.unwrap();
        let group = as_root(stack, IAM, "DeleteGroup", json!({"GroupName": "team"})).await;
        group.result.unwrap();
    });
}

#[test]
fn names_that_differ_by_case_are_one_name() {
    with_empty_account(async |stack| {
        as_root(stack, IAM, "CreateUser", json!({"UserName": "alice"})).await.result.unwrap();
        let told = refusal(as_root(stack, IAM, "CreateUser", json!({"UserName": "Alice"})).await);
        let message = "User with name Alice already exists.".to_owned();
        assert_eq!(told, (409, "EntityAlreadyExists".to_owned(), message));
        as_root(stack, IAM, "CreateUser", json!({"UserName": "alice2"})).await.result.unwrap();
        let policy = json!({"Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]});
        let create = async |name: &str| {
            let input = json!({"PolicyName": name, "PolicyDocument": policy.to_string()});
            as_root(stack, IAM, "CreatePolicy", input).await
        };
        create("limit").await.result.unwrap();
        assert_eq!(refusal(create("LIMIT").await).1, "EntityAlreadyExists");
    });
}
