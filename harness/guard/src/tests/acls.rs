//! Access control lists, where Object Ownership lets them count.

use super::*;
use crate::ask::{Caller, Question};
use crate::recording::Overlay;

const OWNER: &str = "75aa57f09aa0c8caeab4f8c24e99d10f8e7faeebf76c078efc7c6caea54ba06a";

/// A list of the owner's and of one group's.
fn list(group: &str, permission: &str) -> String {
    format!(
        "<AccessControlPolicy><Owner><ID>{OWNER}</ID></Owner><AccessControlList>\
         <Grant><Grantee xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" \
         xsi:type=\"CanonicalUser\"><ID>{OWNER}</ID></Grantee><Permission>FULL_CONTROL</Permission>\
         </Grant><Grant><Grantee xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" \
         xsi:type=\"Group\"><URI>http://acs.amazonaws.com/groups/{group}</URI></Grantee>\
         <Permission>{permission}</Permission></Grant></AccessControlList></AccessControlPolicy>"
    )
}

fn ownership(ownership: &str) -> String {
    format!(
        "<OwnershipControls><Rule><ObjectOwnership>{ownership}</ObjectOwnership></Rule>\
         </OwnershipControls>"
    )
}

/// A bucket of this ownership, that and its object `k` with a list.
async fn bucket(owned: &str, group: &str, permission: &str) -> Stage {
    let stage = Stage::new().await;
    let upstream = &stage.upstream;
    upstream.answers_s3("GET /bucket?ownershipControls", 200, &ownership(owned));
    upstream.answers_s3("GET /bucket?acl", 200, &list(group, permission));
    upstream.answers_s3("GET /bucket/k?acl", 200, &list(group, permission));
    let none = "<Error><Code>NoSuchKey</Code><Message>none</Message></Error>";
    upstream.answers_s3("GET /bucket/new?acl", 404, none);
    stage
}

fn blocked(setting: &str) -> String {
    format!(
        "<PublicAccessBlockConfiguration><{setting}>true</{setting}>\
         </PublicAccessBlockConfiguration>"
    )
}

/// What is decided for a caller, and the statement that decides.
async fn asked(stage: &Stage, caller: Caller<'_>, action: &str, path: &str) -> (String, String) {
    let question = Question {
        action: format!("s3:{action}"),
        resource: format!("arn:aws:s3:::{path}"),
        context: ringfence_policy::Context::new(),
    };
    let inputs = stage.guard.inputs(caller, &[question]).await.unwrap();
    let decision = inputs.decide(&Overlay::none()).remove(0);
    let sid = decision.statements.first().and_then(|statement| statement.sid.clone());
    (format!("{:?}", decision.outcome), sid.unwrap_or_default().to_string())
}

const EVERYBODY: &str = "global/AllUsers";
const SIGNED: &str = "global/AuthenticatedUsers";

/// Each permission, what it lets anybody do, and what another permission does not.
#[rstest::rstest]
#[case::list("READ", "ListBucket", "bucket", "BucketAclAllUsersREAD")]
#[case::versions("READ", "ListBucketVersions", "bucket", "BucketAclAllUsersREAD")]
#[case::uploads("READ", "ListBucketMultipartUploads", "bucket", "BucketAclAllUsersREAD")]
#[case::bucket_list("READ_ACP", "GetBucketAcl", "bucket", "BucketAclAllUsersREADACP")]
#[case::set_bucket_list("WRITE_ACP", "PutBucketAcl", "bucket", "BucketAclAllUsersWRITEACP")]
#[case::object("READ", "GetObject", "bucket/k", "ObjectAclAllUsersREAD")]
#[case::object_list("READ_ACP", "GetObjectAcl", "bucket/k", "ObjectAclAllUsersREADACP")]
#[case::set_object_list("WRITE_ACP", "PutObjectAcl", "bucket/k", "ObjectAclAllUsersWRITEACP")]
#[tokio::test]
async fn a_permission_grants_its_actions_to_everybody(
    #[case] permission: &str,
    #[case] action: &str,
    #[case] path: &str,
    #[case] sid: &str,
    #[values("BucketOwnerPreferred", "ObjectWriter")] owned: &str,
) {
    let stage = bucket(owned, EVERYBODY, permission).await;
    let told = asked(&stage, Caller::Anonymous, action, path).await;
    assert_eq!(told, ("Allow".to_owned(), sid.to_owned()));
    let stage = bucket(owned, EVERYBODY, "FULL_CONTROL").await;
    let (outcome, _) = asked(&stage, Caller::Anonymous, action, path).await;
    assert_eq!(outcome, "Allow");
    let other = if permission == "READ" { "READ_ACP" } else { "READ" };
    for stage in [
        bucket(owned, EVERYBODY, other).await,
        bucket("BucketOwnerEnforced", EVERYBODY, permission).await,
        bucket(owned, SIGNED, permission).await,
        bucket(owned, "s3/LogDelivery", permission).await,
    ] {
        let (outcome, _) = asked(&stage, Caller::Anonymous, action, path).await;
        assert_eq!(outcome, "ImplicitDeny");
    }
}

/// What no list grants, whatever it says.
#[rstest::rstest]
#[case::tags("GetObjectTagging", "bucket/k")]
#[case::policy("GetBucketPolicy", "bucket")]
#[case::deletion("DeleteBucket", "bucket")]
#[case::anothers_object("DeleteObject", "bucket/k")]
#[tokio::test]
async fn a_list_grants_nothing_else(#[case] action: &str, #[case] path: &str) {
    let stage = bucket("ObjectWriter", EVERYBODY, "FULL_CONTROL").await;
    let (outcome, _) = asked(&stage, Caller::Anonymous, action, path).await;
    assert_eq!(outcome, "ImplicitDeny");
}

/// "Access permission to this group allows any AWS account to access the resource.
/// However, all requests must be signed".
#[tokio::test]
async fn who_signs_is_of_both_groups() {
    for group in [EVERYBODY, SIGNED] {
        let stage = bucket("ObjectWriter", group, "READ").await;
        stage.role(&allow("iam:GetRole"));
        let role = Caller::Role { arn: "arn:aws:iam::123456789012:role/app", session: "s" };
        let (outcome, sid) = asked(&stage, role, "GetObject", "bucket/k").await;
        assert_eq!(outcome, "Allow", "{sid}");
        let (outcome, _) = asked(&stage, role, "GetObjectTagging", "bucket/k").await;
        assert_eq!(outcome, "ImplicitDeny");
    }
}

/// Block Public Access of the bucket and of the account.
#[rstest::rstest]
#[case::ignored("IgnorePublicAcls", "ImplicitDeny")]
#[case::blocked("BlockPublicAcls", "Allow")]
#[case::policies("RestrictPublicBuckets", "Allow")]
#[tokio::test]
async fn public_lists_can_be_ignored(#[case] setting: &str, #[case] outcome: &str) {
    let stage = bucket("ObjectWriter", EVERYBODY, "READ").await;
    stage.upstream.answers_s3("GET /bucket?publicAccessBlock", 200, &blocked(setting));
    let (told, _) = asked(&stage, Caller::Anonymous, "GetObject", "bucket/k").await;
    assert_eq!(told, outcome);

    let stage = bucket("ObjectWriter", EVERYBODY, "READ").await;
    let block = json!({"AccountId": ACCOUNT, "PublicAccessBlockConfiguration": {setting: true}});
    stage.client.call(&root(), Service::S3Control, "PutPublicAccessBlock", block).await.unwrap();
    let (told, _) = asked(&stage, Caller::Anonymous, "GetObject", "bucket/k").await;
    assert_eq!(told, outcome);
}

/// A policy's Deny stands above a list.
#[tokio::test]
async fn a_policy_denies_what_a_list_grants() {
    let stage = bucket("ObjectWriter", EVERYBODY, "READ").await;
    let deny = json!({"Version": "2012-10-17", "Statement": {"Sid": "No", "Effect": "Deny",
        "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::bucket/*"}});
    stage.upstream.state.lock().unwrap().bucket_policy = Some(deny.to_string());
    let told = asked(&stage, Caller::Anonymous, "GetObject", "bucket/k").await;
    assert_eq!(told, ("ExplicitDeny".to_owned(), "No".to_owned()));
    let (outcome, _) = asked(&stage, Caller::Anonymous, "ListBucket", "bucket").await;
    assert_eq!(outcome, "Allow");
}

fn writable() -> String {
    json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*",
        "Action": "s3:PutObject", "Resource": "arn:aws:s3:::bucket/*"}]})
    .to_string()
}

/// What nobody known writes is nobody's here, but where the bucket's owner gets it.
#[tokio::test]
async fn an_object_of_nobody_known_is_undecided() {
    for policy in [None, Some(writable())] {
        let stage = bucket("BucketOwnerPreferred", EVERYBODY, "WRITE").await;
        stage.upstream.state.lock().unwrap().bucket_policy.clone_from(&policy);
        let (outcome, _) = asked(&stage, Caller::Anonymous, "PutObject", "bucket/new").await;
        assert_eq!(outcome, "Undecided");
        let (outcome, _) = asked(&stage, Caller::Anonymous, "PutObject", "bucket/k").await;
        let overwritten = if policy.is_some() { "Undecided" } else { "ImplicitDeny" };
        assert_eq!(outcome, overwritten);
        let mut given = ringfence_policy::Context::new();
        given.set("s3:x-amz-acl", "bucket-owner-full-control");
        let question = Question {
            action: "s3:PutObject".to_owned(),
            resource: "arn:aws:s3:::bucket/new".to_owned(),
            context: given,
        };
        let inputs = stage.guard.inputs(Caller::Anonymous, &[question]).await.unwrap();
        assert!(inputs.decide(&Overlay::none())[0].allowed());
    }
    let enforced = bucket("BucketOwnerEnforced", EVERYBODY, "WRITE").await;
    enforced.upstream.state.lock().unwrap().bucket_policy = Some(writable());
    let (outcome, _) = asked(&enforced, Caller::Anonymous, "PutObject", "bucket/new").await;
    assert_eq!(outcome, "Allow");
}

async fn s3(stage: &Stage, operation: &str, input: Value) -> Result<Value, ServiceError> {
    stage.client.call(&root(), Service::S3, operation, input).await
}

/// "An object does not inherit the permissions from its bucket", whatever the
/// upstream does.
#[rstest::rstest]
#[case::counts("ObjectWriter", json!({}), Some("private"))]
#[case::says_so("ObjectWriter", json!({"ACL": "public-read"}), Some("public-read"))]
#[case::disabled("BucketOwnerEnforced", json!({}), None)]
#[tokio::test]
async fn an_object_without_a_list_goes_upstream_with_its_own(
    #[case] owned: &str,
    #[case] more: Value,
    #[case] sent: Option<&str>,
) {
    let stage = bucket(owned, EVERYBODY, "READ").await;
    let mut input = json!({"Bucket": "bucket", "Key": "new"});
    input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    s3(&stage, "PutObject", input).await.unwrap();
    let seen = stage.upstream.state.lock().unwrap().seen.clone();
    let put = seen.iter().rfind(|seen| seen.parts.method == "PUT").unwrap();
    assert_eq!(put.header("x-amz-acl"), sent);
}

/// moto shows one permission of a group that a canned list gives two.
#[rstest::rstest]
#[case::two("public-read-write", None, Some("x-amz-grant-write"))]
#[case::logs("log-delivery-write", None, Some("x-amz-grant-read-acp"))]
#[case::one("public-read", Some("public-read"), None)]
#[tokio::test]
async fn a_canned_list_of_two_goes_upstream_entry_by_entry(
    #[case] canned: &str,
    #[case] sent: Option<&str>,
    #[case] header: Option<&str>,
) {
    let stage = bucket("ObjectWriter", EVERYBODY, "READ").await;
    s3(&stage, "PutBucketAcl", json!({"Bucket": "bucket", "ACL": canned})).await.unwrap();
    let seen = stage.upstream.state.lock().unwrap().seen.clone();
    let put = seen.iter().rfind(|seen| seen.parts.method == "PUT").unwrap();
    assert_eq!(put.header("x-amz-acl"), sent);
    let own = header.map(|_| format!("id=\"{OWNER}\""));
    assert_eq!(put.header("x-amz-grant-full-control"), own.as_deref());
    assert!(header.is_none_or(|header| put.header(header).is_some()));
}

/// A list that grants something stands against disabling lists.
#[tokio::test]
async fn lists_are_disabled_once_they_are_private() {
    let enforce = || {
        json!({"Bucket": "bucket",
            "OwnershipControls": {"Rule": [{"ObjectOwnership": "BucketOwnerEnforced"}]}})
    };
    let stage = bucket("ObjectWriter", EVERYBODY, "READ").await;
    let error = s3(&stage, "PutBucketOwnershipControls", enforce()).await.unwrap_err();
    assert_eq!(
        (error.status, error.code.as_ref(), error.message.as_ref()),
        (
            400,
            "InvalidBucketAclWithObjectOwnership",
            "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting"
        )
    );
    let own = list(EVERYBODY, "READ").replace("<URI>", "<ID>").replace("</URI>", "</ID>");
    let own = own.replace(&format!("http://acs.amazonaws.com/groups/{EVERYBODY}"), OWNER);
    stage.upstream.answers_s3("GET /bucket?acl", 200, &own);
    s3(&stage, "PutBucketOwnershipControls", enforce()).await.unwrap();
}
