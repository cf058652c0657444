//! S3's multi-object delete, key by key.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest as _, Md5};

use super::*;
use crate::tests::upstream::Seen;

const NAMESPACE: &str = "http://s3.amazonaws.com/doc/2006-03-01/";

fn on(effect: &str, action: &str, resource: &str) -> Value {
    json!({"Sid": format!("{effect}It"), "Effect": effect, "Action": action,
        "Resource": format!("arn:aws:s3:::bucket/{resource}")})
}

fn policy(statements: &[Value]) -> String {
    json!({"Version": "2012-10-17", "Statement": statements}).to_string()
}

async fn delete(stage: &Stage, caller: &Credentials, input: Value) -> Result<Value, ServiceError> {
    stage.client.call(caller, Service::S3, "DeleteObjects", input).await
}

fn of(objects: Value) -> Value {
    json!({"Bucket": "bucket", "Delete": {"Object": objects}})
}

fn body(seen: &Seen) -> &str {
    std::str::from_utf8(&seen.body).unwrap()
}

fn denied(key: &str, action: &str, reason: &str) -> Value {
    json!({"Key": key, "Code": "AccessDenied", "Message": format!(
        "User: arn:aws:sts::123456789012:assumed-role/app/s is not authorized to perform: \
         {action} on resource: \"arn:aws:s3:::bucket/{key}\" {reason}")})
}

const NOT_ALLOWED: &str = "because no identity-based policy allows the s3:DeleteObject action";

fn outcomes(stage: &Stage) -> Vec<String> {
    let entry = stage.last_entry();
    let told = entry.checks.iter().map(|check| format!("{} {}", check.resource, check.outcome));
    told.map(|told| told.replace("arn:aws:s3:::bucket/", "")).collect()
}

#[tokio::test]
async fn what_is_allowed_is_deleted_and_the_rest_is_told() {
    let stage = Stage::new().await;
    let app = stage.role(&policy(&[on("Allow", "s3:DeleteObject", "mine/*")]));
    let input = of(json!([{"Key": "mine/a"}, {"Key": "other/x"}, {"Key": "mine/b"}]));
    let answer = delete(&stage, &app, input).await.unwrap();
    assert_eq!(
        answer,
        json!({"Deleted": [{"Key": "mine/a"}, {"Key": "mine/b"}],
            "Error": [denied("other/x", "s3:DeleteObject", NOT_ALLOWED)]})
    );

    let [seen] = &stage.upstream.deletions()[..] else { panic!() };
    assert_eq!(seen.parts.uri, "/bucket?delete=");
    assert_eq!(
        body(seen),
        format!(
            "<Delete xmlns=\"{NAMESPACE}\"><Object><Key>mine/a</Key></Object>\
             <Object><Key>mine/b</Key></Object></Delete>"
        )
    );
    let digest = STANDARD.encode(Md5::digest(&seen.body));
    assert_eq!(seen.header("content-md5"), Some(digest.as_str()));
    assert!(seen.header("authorization").unwrap().contains("Credential=123456789012/"));

    let entry = stage.last_entry();
    assert_eq!((entry.outcome, entry.error.as_deref()), (Ending::Allowed, None));
    assert_eq!((entry.status, entry.upstream_status), (200, Some(200)));
    assert_eq!(outcomes(&stage), ["mine/a allow", "other/x implicit_deny", "mine/b allow"]);
}

#[tokio::test]
async fn where_nothing_is_allowed_nothing_is_sent_and_each_key_is_told() {
    let stage = Stage::new().await;
    let app = stage.role(&policy(&[on("Allow", "s3:GetObject", "*")]));
    let answer = delete(&stage, &app, of(json!([{"Key": "a"}, {"Key": "b"}]))).await.unwrap();
    let told = |key| denied(key, "s3:DeleteObject", NOT_ALLOWED);
    assert_eq!(answer, json!({"Error": [told("a"), told("b")]}));
    assert_eq!(stage.upstream.deletions().len(), 0);
    let entry = stage.last_entry();
    assert_eq!(entry.outcome, Ending::Allowed);
    assert_eq!((entry.status, entry.upstream_status), (200, None));
    assert_eq!(outcomes(&stage), ["a implicit_deny", "b implicit_deny"]);
}

#[tokio::test]
async fn a_bucket_that_is_not_there_is_an_error_of_the_whole_call() {
    let stage = Stage::new().await;
    let app = stage.role(&policy(&[on("Allow", "s3:DeleteObject", "*")]));
    let input = json!({"Bucket": "gone", "Delete": {"Object": [{"Key": "a"}]}});
    let error = delete(&stage, &app, input).await.unwrap_err();
    assert_eq!((error.code.as_ref(), error.status), ("NoSuchBucket", 404));
}

/// The request of a client that the guard does not know: with blanks, and with
/// a digest.
fn written(stage: &Stage, keys: &[&str], caller: Option<&Credentials>) -> http::Request<Bytes> {
    let objects: String =
        keys.iter().map(|key| format!("\n  <Object><Key>{key}</Key></Object>")).collect();
    posted(stage, &objects, caller)
}

fn posted(stage: &Stage, objects: &str, caller: Option<&Credentials>) -> http::Request<Bytes> {
    let body = format!("<Delete xmlns='{NAMESPACE}'>{objects}\n</Delete>");
    let mut request = http::Request::builder()
        .method("POST")
        .uri(format!("{}bucket?delete", stage.guard.endpoint()))
        .header("content-md5", STANDARD.encode(Md5::digest(&body)))
        .body(Bytes::from(body))
        .unwrap();
    if let Some(caller) = caller {
        signature::sign(
            &mut request,
            &caller.access_key_id,
            &caller.secret_access_key,
            caller.session_token.as_ref(),
            "s3",
            "eu-central-1",
            OffsetDateTime::now_utc(),
        );
    }
    request
}

#[tokio::test]
async fn where_all_is_allowed_the_request_and_the_answer_go_as_they_came() {
    let stage = Stage::new().await;
    let app = stage.role(&policy(&[on("Allow", "s3:DeleteObject", "*")]));
    let request = written(&stage, &["a", "b"], Some(&app));
    let (digest, written) = (request.headers()["content-md5"].clone(), request.body().clone());
    let answer = send(request).await;
    assert_eq!(answer.status(), 200);
    let expected = format!(
        "<DeleteResult xmlns=\"{NAMESPACE}\"><Deleted><Key>a</Key></Deleted>\
         <Deleted><Key>b</Key></Deleted></DeleteResult>"
    );
    assert_eq!(answer.text().await.unwrap(), expected);
    let [seen] = &stage.upstream.deletions()[..] else { panic!() };
    assert_eq!(seen.body, written);
    assert_eq!(seen.header("content-md5"), Some(digest.to_str().unwrap()));
    assert_eq!(outcomes(&stage), ["a allow", "b allow"]);
}

#[tokio::test]
async fn a_quiet_answer_has_the_errors_alone() {
    let stage = Stage::new().await;
    let app = stage.role(&policy(&[on("Allow", "s3:DeleteObject", "a")]));
    let input = json!({"Bucket": "bucket",
        "Delete": {"Object": [{"Key": "a"}, {"Key": "x"}], "Quiet": "true"}});
    let answer = delete(&stage, &app, input).await.unwrap();
    assert_eq!(answer, json!({"Error": [denied("x", "s3:DeleteObject", NOT_ALLOWED)]}));
    assert!(body(&stage.upstream.last()).ends_with("</Object><Quiet>true</Quiet></Delete>"));
}

#[tokio::test]
async fn versions_have_a_permission_of_their_own() {
    let stage = Stage::new().await;
    let app = stage.role(&policy(&[on("Allow", "s3:DeleteObject", "*")]));
    let input = of(json!([{"Key": "a", "VersionId": "v1"}, {"Key": "a"}]));
    let answer = delete(&stage, &app, input).await.unwrap();
    let mut told = denied(
        "a",
        "s3:DeleteObjectVersion",
        "because no identity-based policy allows the s3:DeleteObjectVersion action",
    );
    told["VersionId"] = "v1".into();
    assert_eq!(answer, json!({"Deleted": [{"Key": "a"}], "Error": [told]}));
    assert!(!body(&stage.upstream.last()).contains("v1"));
}

#[tokio::test]
async fn the_bypass_of_a_retention_is_needed_for_each_key() {
    let stage = Stage::new().await;
    let app = stage.role(&policy(&[
        on("Allow", "s3:DeleteObject", "*"),
        json!({"Effect": "Allow", "Action": "s3:BypassGovernanceRetention",
            "Resource": "arn:aws:s3:::bucket/a"}),
    ]));
    let mut input = of(json!([{"Key": "x"}, {"Key": "a"}]));
    input["BypassGovernanceRetention"] = true.into();
    let answer = delete(&stage, &app, input).await.unwrap();
    assert_eq!(answer["Deleted"], json!([{"Key": "a"}]));
    let message = answer["Error"][0]["Message"].as_str().unwrap();
    assert!(message.contains("s3:BypassGovernanceRetention on resource"), "{message}");
    let seen = stage.upstream.last();
    assert_eq!(seen.header("x-amz-bypass-governance-retention"), Some("true"));
    assert_eq!(outcomes(&stage), ["x allow", "x implicit_deny", "a allow", "a allow"]);
}

#[tokio::test]
async fn a_buckets_policy_denies_a_key_by_itself() {
    let stage = Stage::new().await;
    let mut deny = on("Deny", "s3:DeleteObject", "kept/*");
    deny["Principal"] = "*".into();
    stage.upstream.state.lock().unwrap().bucket_policy = Some(policy(&[deny]));
    let app = stage.role(&allow("s3:*"));
    let answer = delete(&stage, &app, of(json!([{"Key": "kept/x"}, {"Key": "a"}]))).await.unwrap();
    let reason = "with an explicit deny in a resource-based policy";
    assert_eq!(
        answer,
        json!({"Deleted": [{"Key": "a"}],
            "Error": [denied("kept/x", "s3:DeleteObject", reason)]})
    );
    assert!(!body(&stage.upstream.last()).contains("kept"));
    assert_eq!(outcomes(&stage), ["kept/x explicit_deny", "a allow"]);
    let entry = stage.last_entry();
    assert_eq!(entry.checks[0].statements[0].sid.as_deref(), Some("DenyIt"));
}

#[tokio::test]
async fn nobody_is_told_of_each_key_and_a_wrong_signature_of_none() {
    let stage = Stage::new().await;
    let answer = send(written(&stage, &["a"], None)).await;
    assert_eq!(answer.status(), 200);
    let text = answer.text().await.unwrap();
    let expected = "<Error><Key>a</Key><Code>AccessDenied</Code><Message>Access Denied</Message>";
    assert!(text.contains(expected), "{text}");

    let wrong = Credentials { secret_access_key: Secret::new("no"), ..root() };
    let answer = send(written(&stage, &["a"], Some(&wrong))).await;
    assert_eq!(answer.status(), 403);
    assert!(answer.text().await.unwrap().contains("<Code>SignatureDoesNotMatch</Code>"));
    assert_eq!(stage.upstream.deletions().len(), 0);
}

#[tokio::test]
async fn an_answer_that_tells_nothing_is_an_error() {
    let stage = Stage::new().await;
    stage.upstream.state.lock().unwrap().deletion = Some("<DeleteResult/>".to_owned());
    let app = stage.role(&policy(&[on("Allow", "s3:DeleteObject", "a")]));
    let error = delete(&stage, &app, of(json!([{"Key": "a"}, {"Key": "x"}]))).await.unwrap_err();
    assert_eq!((error.code.as_ref(), error.status), ("InternalError", 502));
    assert_eq!(stage.last_entry().error.as_deref(), Some("InternalError"));
}

/// The upstream would see no version, and delete what is there now.
#[rstest::rstest]
#[case::prefixed("<Object><Key>a</Key><x:VersionId xmlns:x='u'>v</x:VersionId></Object>")]
#[case::attribute("<Object VersionId='v'><Key>a</Key></Object>")]
#[case::attribute_of_xml(
    "<Object><Key>a</Key><VersionId xml:space='preserve'>v</VersionId></Object>"
)]
#[tokio::test]
async fn a_version_that_only_the_guard_would_read_is_refused(#[case] object: &str) {
    let stage = Stage::new().await;
    let app = stage.role(&policy(&[on("Allow", "s3:DeleteObjectVersion", "*")]));
    let answer = send(posted(&stage, object, Some(&app))).await;
    assert_eq!(answer.status(), 400);
    let text = answer.text().await.unwrap();
    assert!(text.contains("the XML of the body cannot be read"), "{text}");
    assert_eq!(stage.upstream.deletions().len(), 0);
}

/// What its readers could take for different things is well formed to none.
#[rstest::rstest]
#[case::no_character("<Object><Key>a&#1;</Key></Object>")]
#[case::two_versions(
    "<Object><Key>a</Key><VersionId>v</VersionId><VersionId>w</VersionId></Object>"
)]
#[case::a_version_of_parts("<Object><Key>a</Key><VersionId><b>v</b></VersionId></Object>")]
#[case::an_unknown_member("<Object><Key>a</Key><Version>v</Version></Object>")]
#[case::another_quiet("<Quiet>True</Quiet><Object><Key>a</Key></Object>")]
#[case::too_many(&"<Object><Key>a</Key></Object>".repeat(1_001))]
#[tokio::test]
async fn a_list_that_can_be_misread_is_refused(#[case] objects: &str) {
    let stage = Stage::new().await;
    let app = stage.role(&policy(&[on("Allow", "s3:DeleteObject*", "*")]));
    let answer = send(posted(&stage, objects, Some(&app))).await;
    assert_eq!(answer.status(), 400);
    let text = answer.text().await.unwrap();
    let sentence = "The XML you provided was not well-formed or did not validate against our \
                    published schema";
    let says = format!("<Code>MalformedXML</Code><Message>{sentence}</Message>");
    assert!(text.contains(&says), "{text}");
    assert_eq!(stage.upstream.deletions().len(), 0);
    assert_eq!(stage.last_entry().outcome, Ending::Refused);
    let most = "<Object><Key>a</Key><VersionId>v</VersionId></Object>".repeat(1_000);
    let answer = send(posted(&stage, &format!("<Quiet>true</Quiet>{most}"), Some(&app))).await;
    assert_eq!(answer.status(), 200);
}

/// Without Object Lock nothing keeps a version: an upstream that cannot show the
/// version `null`, as moto, is not asked for it.
#[tokio::test]
async fn a_version_of_a_bucket_without_object_lock_is_deleted() {
    let stage = Stage::new().await;
    let app = stage.role(&policy(&[on("Allow", "s3:*", "*")]));
    let version = json!({"Bucket": "bucket", "Key": "a", "VersionId": "null"});
    let delete = stage.client.call(&app, Service::S3, "DeleteObject", version.clone()).await;
    delete.unwrap();
    assert_eq!(stage.last_entry().upstream_status, Some(200));
    let mut bypass = version;
    bypass["BypassGovernanceRetention"] = true.into();
    let refused = stage.client.call(&app, Service::S3, "DeleteObject", bypass).await.unwrap_err();
    assert_eq!(
        (refused.status, &*refused.code, &*refused.message),
        (
            400,
            "InvalidArgument",
            "x-amz-bypass-governance-retention is only applicable to Object Lock enabled buckets."
        )
    );
}
