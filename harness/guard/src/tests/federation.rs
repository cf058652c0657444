//! Sessions that long-term credentials are given: federated users, and session
//! tokens. Each refusal stands beside what is allowed.

use std::collections::BTreeMap;

use ringfence_policy::Context;
use ringfence_services::Credentials;
use ringfence_wire::{Secret, Service, ServiceError};
use rstest::rstest;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::upstream::{Group, Role, User};
use super::{Stage, allow, get_app, root, trusting};
use crate::journal::Ending;
use crate::{Overlay, Question};

const ALICE: &str = "arn:aws:iam::123456789012:user/alice";
const BOB: &str = "arn:aws:sts::123456789012:federated-user/bob";
const CLOUDFORMATION: &str = "cloudformation.amazonaws.com";

fn key(answer: &Value) -> Credentials {
    let text = |member: &str| answer["Credentials"][member].as_str().unwrap();
    Credentials {
        access_key_id: text("AccessKeyId").into(),
        secret_access_key: Secret::new(text("SecretAccessKey")),
        session_token: Some(Secret::new(text("SessionToken"))),
        expiration: Some(OffsetDateTime::parse(text("Expiration"), &Rfc3339).unwrap()),
    }
}

fn own(policy: &str) -> User {
    User { inline: BTreeMap::from([("own".to_owned(), policy.to_owned())]), ..User::default() }
}

impl Stage {
    /// A user, and its long-term key.
    async fn alice(&self, user: User) -> Credentials {
        self.upstream.state.lock().unwrap().users.insert("alice".into(), user);
        self.call(&root(), "CreateAccessKey", json!({"UserName": "alice"})).await.unwrap();
        Credentials {
            access_key_id: "AKIAEXAMPLEEXAMPLE00".into(),
            secret_access_key: Secret::new("canary-user-secret"),
            session_token: None,
            expiration: None,
        }
    }

    async fn sts(
        &self,
        credentials: &Credentials,
        operation: &str,
        input: Value,
    ) -> Result<Value, ServiceError> {
        self.client.call(credentials, Service::Sts, operation, input).await
    }

    /// The federated user bob, with these session policies.
    async fn bob(&self, credentials: &Credentials, policy: Option<&str>) -> Credentials {
        let mut input = json!({"Name": "bob"});
        if let Some(policy) = policy {
            input["Policy"] = policy.into();
        }
        key(&self.sts(credentials, "GetFederationToken", input).await.unwrap())
    }

    async fn object(
        &self,
        credentials: &Credentials,
        operation: &str,
    ) -> Result<http::Response<bytes::Bytes>, ServiceError> {
        let input = json!({"Bucket": "bucket", "Key": "key"});
        let payload = (operation == "PutObject").then(|| "text".into());
        let answer =
            self.client.exchange(credentials, Service::S3, operation, input, payload).await?;
        let operation = ringfence_wire::Operation::find(Service::S3, operation).unwrap();
        if answer.status().is_success() {
            Ok(answer)
        } else {
            Err(ringfence_wire::response::decode(operation, &answer).unwrap_err())
        }
    }

    /// The last call was decided by this layer, and this statement, for bob.
    fn decided(&self, outcome: Ending, layer: &str, statement: Option<(&str, &str)>) {
        let entry = self.last_entry();
        assert_eq!((entry.principal.as_str(), entry.outcome), (BOB, outcome));
        let check = entry.checks.last().unwrap();
        assert_eq!(check.layer, layer);
        let first = check.statements.first();
        let first = first.map(|one| (one.policy.as_ref(), one.sid.as_deref().unwrap()));
        assert_eq!(first, statement, "{}", check.explanation);
    }
}

fn denied(action: &str, reason: &str) -> String {
    format!(
        "User: {BOB} is not authorized to perform: {action} on resource: \
         \"arn:aws:s3:::bucket/key\" because no {reason} allows the {action} action"
    )
}

fn allow_all(actions: &[&str]) -> String {
    json!({"Version": "2012-10-17", "Statement": [{"Sid": "S", "Effect": "Allow",
        "Action": actions, "Resource": "*"}]})
    .to_string()
}

#[tokio::test]
async fn a_federated_user_has_what_its_user_and_its_session_policies_both_allow() {
    let stage = Stage::new().await;
    let policy = allow_all(&["sts:GetFederationToken", "s3:GetObject", "s3:PutObject"]);
    let alice = stage.alice(own(&policy)).await;
    let session = allow_all(&["s3:GetObject", "s3:DeleteObject"]);
    let bob = stage.bob(&alice, Some(&session)).await;

    stage.object(&bob, "GetObject").await.unwrap();
    stage.decided(Ending::Allowed, "identity", Some(("own", "S")));

    let error = stage.object(&bob, "PutObject").await.unwrap_err();
    assert_eq!((error.code.as_ref(), error.status), ("AccessDenied", 403));
    assert_eq!(error.message, denied("s3:PutObject", "session policy"));
    stage.decided(Ending::Denied, "session", None);
    stage.object(&alice, "PutObject").await.unwrap();

    let error = stage.object(&bob, "DeleteObject").await.unwrap_err();
    assert_eq!(error.message, denied("s3:DeleteObject", "identity-based policy"));
    stage.decided(Ending::Denied, "identity", None);

    let journal = std::fs::read_to_string(stage.directory.path().join("journal.jsonl")).unwrap();
    for secret in [bob.secret_access_key, bob.session_token.unwrap()] {
        assert!(!journal.contains(secret.expose()), "{journal}");
    }
}

#[tokio::test]
async fn the_users_groups_and_boundary_count_too() {
    let stage = Stage::new().await;
    let boundary = "arn:aws:iam::123456789012:policy/boundary";
    {
        let mut state = stage.upstream.state.lock().unwrap();
        let bounds = allow_all(&["sts:GetFederationToken", "s3:GetObject"]);
        state.policies.insert(boundary.into(), bounds);
        let readers = BTreeMap::from([("readers".to_owned(), allow("s3:*"))]);
        state.groups.insert("readers".into(), Group { inline: readers, ..Group::default() });
    }
    let user = User {
        boundary: Some(boundary.into()),
        groups: vec!["readers".into()],
        ..own(&allow("sts:GetFederationToken"))
    };
    let alice = stage.alice(user).await;
    let bob = stage.bob(&alice, Some(&allow("s3:*"))).await;
    stage.object(&bob, "GetObject").await.unwrap();
    stage.decided(Ending::Allowed, "identity", Some(("readers", "S")));
    let error = stage.object(&bob, "PutObject").await.unwrap_err();
    assert_eq!(error.message, denied("s3:PutObject", "permissions boundary"));
    stage.decided(Ending::Denied, "boundary", None);
}

#[rstest]
#[case::itself(BOB, None)]
#[case::its_user(ALICE, Some("session policy"))]
#[case::its_account("123456789012", Some("session policy"))]
#[case::another("arn:aws:sts::123456789012:federated-user/carol", Some("session policy"))]
#[tokio::test]
async fn without_session_policies_it_has_what_a_resource_gives_it_by_name(
    #[case] principal: &str,
    #[case] missing: Option<&str>,
) {
    let stage = Stage::new().await;
    let policy = json!({"Version": "2012-10-17", "Statement": [{"Sid": "B", "Effect": "Allow",
        "Principal": {"AWS": principal}, "Action": "s3:GetObject",
        "Resource": "arn:aws:s3:::bucket/*"}]});
    stage.upstream.state.lock().unwrap().bucket_policy = Some(policy.to_string());
    let alice = stage.alice(own(&allow_all(&["sts:GetFederationToken", "s3:*"]))).await;
    let bob = stage.bob(&alice, None).await;
    let answer = stage.object(&bob, "GetObject").await;
    match missing {
        None => {
            answer.unwrap();
            stage.decided(Ending::Allowed, "resource", Some(("arn:aws:s3:::bucket", "B")));
        }
        Some(reason) => {
            assert_eq!(answer.unwrap_err().message, denied("s3:GetObject", reason));
            stage.decided(Ending::Denied, "session", None);
        }
    }
}

#[tokio::test]
async fn root_federates_all_that_the_session_policies_allow_for_an_hour() {
    let stage = Stage::new().await;
    let bob = stage.bob(&root(), Some(&allow("s3:GetObject"))).await;
    let left = bob.expiration.unwrap() - OffsetDateTime::now_utc();
    assert!(left <= time::Duration::HOUR && left > time::Duration::minutes(59), "{left}");
    stage.object(&bob, "GetObject").await.unwrap();
    stage.decided(Ending::Allowed, "root", Some((&format!("{BOB}#0"), "S")));
    let error = stage.object(&bob, "PutObject").await.unwrap_err();
    assert_eq!(error.message, denied("s3:PutObject", "session policy"));
    let bare = stage.bob(&root(), None).await;
    let error = stage.object(&bare, "GetObject").await.unwrap_err();
    assert_eq!(error.message, denied("s3:GetObject", "session policy"));
    stage.decided(Ending::Denied, "session", None);
}

#[tokio::test]
async fn federating_needs_the_permission_for_the_name_and_for_tags() {
    let stage = Stage::new().await;
    let policy =
        |statements: Value| json!({"Version": "2012-10-17", "Statement": statements}).to_string();
    let named = json!({"Effect": "Allow", "Action": "sts:GetFederationToken", "Resource": BOB});
    let alice = stage.alice(own(&policy(json!([named])))).await;
    let federate = async |input: Value| stage.sts(&alice, "GetFederationToken", input).await;
    let refused = |action: &str, name: &str| {
        format!(
            "User: {ALICE} is not authorized to perform: {action} on resource: \
             arn:aws:sts::123456789012:federated-user/{name} because no identity-based policy \
             allows the {action} action"
        )
    };
    let error = federate(json!({"Name": "carol"})).await.unwrap_err();
    assert_eq!((error.code.as_ref(), error.status), ("AccessDenied", 403));
    assert_eq!(error.message, refused("sts:GetFederationToken", "carol"));
    federate(json!({"Name": "bob"})).await.unwrap();

    let tagged = |value: &str| json!({"Name": "bob", "Tags": [{"Key": "team", "Value": value}]});
    let error = federate(tagged("a")).await.unwrap_err();
    assert_eq!(error.message, refused("sts:TagSession", "bob"));
    let tag = json!({"Effect": "Allow", "Action": "sts:TagSession", "Resource": "*",
        "Condition": {"StringEquals": {"aws:RequestTag/team": "a"},
            "ForAllValues:StringEquals": {"aws:TagKeys": ["team"]}}});
    let put = json!({"UserName": "alice", "PolicyName": "tag",
        "PolicyDocument": policy(json!([tag]))});
    stage.call(&root(), "PutUserPolicy", put).await.unwrap();
    let error = federate(tagged("b")).await.unwrap_err();
    assert_eq!(error.message, refused("sts:TagSession", "bob"));
    let answer = federate(tagged("a")).await.unwrap();
    assert_eq!(answer["FederatedUser"], json!({"FederatedUserId": "123456789012:bob", "Arn": BOB}));
    assert_eq!(answer["PackedPolicySize"], "1");
}

#[tokio::test]
async fn a_session_tag_stands_over_the_users() {
    let stage = Stage::new().await;
    let policy = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "sts:*", "Resource": "*"},
        {"Sid": "OfTeam", "Effect": "Allow", "Action": "s3:GetObject", "Resource": "*",
            "Condition": {"StringEquals": {"aws:PrincipalTag/team": "a"}}}]});
    let tags = vec![("team".to_owned(), "a".to_owned())];
    let alice = stage.alice(User { tags, ..own(&policy.to_string()) }).await;
    let bob = stage.bob(&alice, Some(&allow("s3:*"))).await;
    stage.object(&bob, "GetObject").await.unwrap();
    stage.decided(Ending::Allowed, "identity", Some(("own", "OfTeam")));
    let tagged = json!({"Name": "bob", "Policy": allow("s3:*"),
        "Tags": [{"Key": "Team", "Value": "b"}]});
    let bob = key(&stage.sts(&alice, "GetFederationToken", tagged).await.unwrap());
    let error = stage.object(&bob, "GetObject").await.unwrap_err();
    assert_eq!(error.message, denied("s3:GetObject", "identity-based policy"));
}

#[tokio::test]
async fn a_federated_user_outlives_its_users_key_but_neither_its_policies_nor_the_user() {
    let stage = Stage::new().await;
    let policy = allow_all(&["sts:GetFederationToken", "s3:GetObject"]);
    let alice = stage.alice(own(&policy)).await;
    let bob = stage.bob(&alice, Some(&allow("s3:*"))).await;
    let delete = json!({"UserName": "alice", "AccessKeyId": alice.access_key_id});
    stage.call(&root(), "DeleteAccessKey", delete).await.unwrap();
    assert_eq!(stage.object(&alice, "GetObject").await.unwrap_err().code, "InvalidAccessKeyId");
    stage.object(&bob, "GetObject").await.unwrap();

    let put = json!({"UserName": "alice", "PolicyName": "own",
        "PolicyDocument": allow("s3:PutObject")});
    stage.call(&root(), "PutUserPolicy", put).await.unwrap();
    let error = stage.object(&bob, "GetObject").await.unwrap_err();
    assert_eq!(error.message, denied("s3:GetObject", "identity-based policy"));
    stage.object(&bob, "PutObject").await.unwrap();

    let delete = async || stage.call(&root(), "DeleteUser", json!({"UserName": "alice"})).await;
    assert_eq!(delete().await.unwrap_err().code, "DeleteConflict");
    stage.upstream.state.lock().unwrap().users.get_mut("alice").unwrap().inline.clear();
    delete().await.unwrap();
    assert_eq!(stage.object(&bob, "PutObject").await.unwrap_err().code, "InvalidToken");
    let error = stage.sts(&bob, "GetCallerIdentity", json!({})).await.unwrap_err();
    assert_eq!((error.code.as_ref(), error.status), ("InvalidClientTokenId", 403));
}

/// A user that may do everything, and a role that it may assume.
async fn powerful() -> (Stage, Credentials) {
    let stage = Stage::new().await;
    let role = Role { id: "AROA1".into(), trust: trusting(ALICE), ..Role::default() };
    stage.upstream.role("app", role);
    let alice = stage.alice(own(&allow("*"))).await;
    (stage, alice)
}

const INVALID: &str = "The security token included in the request is invalid.";
const ASSUME_APP: &str =
    r#"{"RoleArn": "arn:aws:iam::123456789012:role/app", "RoleSessionName": "session"}"#;
const ALICES_KEY: &str = r#"{"AccessKeyId": "AKIAEXAMPLEEXAMPLE00"}"#;

#[rstest]
#[case::iam(Service::Iam, "GetRole", r#"{"RoleName": "app"}"#, "InvalidClientTokenId", INVALID)]
#[case::of_its_user(Service::Iam, "ListAccessKeys", "{}", "InvalidClientTokenId", INVALID)]
#[case::a_role(Service::Sts, "AssumeRole", ASSUME_APP, "InvalidClientTokenId", INVALID)]
#[case::a_key(Service::Sts, "GetAccessKeyInfo", ALICES_KEY, "InvalidClientTokenId", INVALID)]
#[case::a_session(
    Service::Sts,
    "GetSessionToken",
    "{}",
    "AccessDenied",
    "Cannot call GetSessionToken with session credentials"
)]
#[case::another_name(
    Service::Sts,
    "GetFederationToken",
    r#"{"Name": "carol"}"#,
    "AccessDenied",
    "Cannot call GetFederationToken with session credentials"
)]
#[tokio::test]
async fn a_federated_user_calls_neither_iam_nor_sts_whatever_policies_allow(
    #[case] service: Service,
    #[case] operation: &str,
    #[case] input: &str,
    #[case] code: &str,
    #[case] message: &str,
) {
    let (stage, alice) = powerful().await;
    let bob = stage.bob(&alice, Some(&allow("*"))).await;
    let input: Value = serde_json::from_str(input).unwrap();
    let error = stage.client.call(&bob, service, operation, input.clone()).await.unwrap_err();
    assert_eq!((error.code.as_ref(), error.status), (code, 403));
    assert_eq!(error.message, message);
    let entry = stage.last_entry();
    assert_eq!((entry.principal.as_str(), entry.outcome), (BOB, Ending::Refused));
    assert_eq!((entry.error.as_deref(), entry.checks.len()), (Some(code), 0));
    assert_eq!(stage.upstream.seen("ListAccessKeys").len(), 0);

    stage.client.call(&alice, service, operation, input).await.unwrap();
    let who = stage.sts(&bob, "GetCallerIdentity", json!({})).await.unwrap();
    let expected = json!({"UserId": "123456789012:bob", "Account": "123456789012", "Arn": BOB});
    assert_eq!(who, expected);
    stage.object(&bob, "GetObject").await.unwrap();
    assert_eq!(stage.last_entry().principal, BOB);
}

/// CloudFormation makes no IAM resources for a caller that may not call IAM.
#[tokio::test]
async fn a_service_does_not_call_iam_for_a_federated_user_either() {
    let (stage, alice) = powerful().await;
    let bob = stage.bob(&alice, Some(&allow("*"))).await;
    let token = stage.sts(&alice, "GetSessionToken", json!({})).await.unwrap();
    let keyring = &stage.guard.setting().keyring;
    let forward = |key: &str| {
        let caller = keyring.find(key).unwrap().session;
        keyring.forward(&caller, CLOUDFORMATION, OffsetDateTime::now_utc()).unwrap()
    };
    for caller in [&bob, &key(&token)] {
        let forward = forward(&caller.access_key_id);
        let error = stage.call(&forward, "GetRole", get_app()).await.unwrap_err();
        assert_eq!(
            (error.code.as_ref(), error.message.as_ref()),
            ("InvalidClientTokenId", INVALID)
        );
        stage.object(&forward, "GetObject").await.unwrap();
    }
    let forward = forward(&alice.access_key_id);
    stage.call(&forward, "GetRole", get_app()).await.unwrap();
}

#[rstest]
#[case::iam(Service::Iam, "GetRole", r#"{"RoleName": "app"}"#, "InvalidClientTokenId", INVALID)]
#[case::a_key(Service::Sts, "GetAccessKeyInfo", ALICES_KEY, "InvalidClientTokenId", INVALID)]
#[case::a_session(
    Service::Sts,
    "GetSessionToken",
    "{}",
    "AccessDenied",
    "Cannot call GetSessionToken with session credentials"
)]
#[case::a_name(
    Service::Sts,
    "GetFederationToken",
    r#"{"Name": "bob"}"#,
    "AccessDenied",
    "Cannot call GetFederationToken with session credentials"
)]
#[tokio::test]
async fn a_session_token_calls_neither_iam_nor_sts_but_assumes_roles(
    #[case] service: Service,
    #[case] operation: &str,
    #[case] input: &str,
    #[case] code: &str,
    #[case] message: &str,
) {
    let (stage, alice) = powerful().await;
    let token = key(&stage.sts(&alice, "GetSessionToken", json!({})).await.unwrap());
    let input: Value = serde_json::from_str(input).unwrap();
    let error = stage.client.call(&token, service, operation, input.clone()).await.unwrap_err();
    assert_eq!((error.code.as_ref(), error.status), (code, 403));
    assert_eq!(error.message, message);
    let entry = stage.last_entry();
    assert_eq!((entry.principal.as_str(), entry.outcome), (ALICE, Ending::Refused));

    stage.client.call(&alice, service, operation, input).await.unwrap();
    let who = stage.sts(&token, "GetCallerIdentity", json!({})).await.unwrap();
    assert_eq!(who["Arn"], ALICE);
    let assume = serde_json::from_str(ASSUME_APP).unwrap();
    stage.sts(&token, "AssumeRole", assume).await.unwrap();
    stage.object(&token, "GetObject").await.unwrap();
}

/// Roles are told so only if they had the permission.
#[tokio::test]
async fn a_role_federates_nobody() {
    let stage = Stage::new().await;
    let app = stage.role(&allow("sts:GetFederationToken"));
    let input = json!({"Name": "bob"});
    let error = stage.sts(&app, "GetFederationToken", input.clone()).await.unwrap_err();
    assert_eq!((error.code.as_ref(), error.status), ("AccessDenied", 403));
    assert_eq!(error.message, "Cannot call GetFederationToken with session credentials");
    let bare = Stage::new().await;
    let app = bare.role(&allow("s3:*"));
    let error = bare.sts(&app, "GetFederationToken", input).await.unwrap_err();
    assert_eq!(
        error.message,
        format!(
            "User: arn:aws:sts::123456789012:assumed-role/app/s is not authorized to perform: \
             sts:GetFederationToken on resource: {BOB} because no identity-based policy allows \
             the sts:GetFederationToken action"
        )
    );
}

/// What its policies say is not what it may do: the bounds of such sessions are
/// of calls.
#[tokio::test]
async fn questions_are_answered_of_keys_that_policies_alone_bound() {
    let stage = Stage::new().await;
    let alice = stage.alice(own(&allow_all(&["sts:GetFederationToken", "iam:ListUsers"]))).await;
    let question = Question {
        action: "iam:ListUsers".into(),
        resource: "arn:aws:iam::123456789012:user/".into(),
        context: Context::new(),
    };
    let ask = async |key: &Credentials| {
        stage.guard.ask(&key.access_key_id, std::slice::from_ref(&question), &Overlay::none()).await
    };
    assert!(ask(&alice).await.unwrap()[0].allowed());
    let bob = stage.bob(&alice, Some(&allow("iam:*"))).await;
    let token = key(&stage.sts(&alice, "GetSessionToken", json!({})).await.unwrap());
    for restricted in [bob, token] {
        let error = ask(&restricted).await.unwrap_err();
        assert_eq!((&*error.code, error.status), ("NotImplemented", 501));
    }
    let now = OffsetDateTime::now_utc();
    let ended = stage.session("app", "AROA1", now - time::Duration::seconds(1));
    let error = ask(&ended).await.unwrap_err();
    assert_eq!((&*error.code, error.status), ("InvalidClientTokenId", 403));
}
