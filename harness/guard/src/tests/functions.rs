//! What of a function is served beside AWS's API: its package, its URL.

use ringfence_services::Credentials;
use ringfence_wire::Service;
use rstest::rstest;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::{Stage, allow, root};
use crate::journal::Ending;

/// A package of one file of one letter.
const PACKAGE: &str = "UEsDBBQAAAAAAAAAIVyDFtyMAQAAAAEAAAABAAAAYXhQSwECFAMUAAAAAAAAACFcgxbcjAEAAAABAAAAAQAAAAAAAAAAAAAAgAEAAAAAYVBLBQYAAAAAAQABAC8AAAAgAAAAAAA=";

async fn lambda(stage: &Stage, who: &Credentials, operation: &str, input: Value) -> Value {
    stage.client.call(who, Service::Lambda, operation, input).await.unwrap()
}

async fn create(stage: &Stage) {
    stage.role(&allow("logs:*"));
    create_for_role(stage).await;
}

/// A function of the role that is there.
async fn create_for_role(stage: &Stage) {
    let input = json!({
        "FunctionName": "orders",
        "Runtime": "provided.al2023",
        "Handler": "x",
        "Role": "arn:aws:iam::123456789012:role/app",
        "Code": { "ZipFile": PACKAGE },
    });
    lambda(stage, &root(), "CreateFunction", input).await;
    let named = json!({ "FunctionName": "orders" });
    while lambda(stage, &root(), "GetFunctionConfiguration", named.clone()).await["State"]
        != "Active"
    {
        tokio::task::yield_now().await;
    }
}

/// The answer to a request without a signature.
async fn get(stage: &Stage, method: &str, host: Option<&str>, path: &str) -> (u16, Vec<u8>) {
    let port = stage.guard.endpoint().port().unwrap();
    let own = format!("127.0.0.1:{port}");
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let host = host.unwrap_or(&own);
    let head = format!("{method} {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let status = String::from_utf8_lossy(&answer[9..12]).parse().unwrap();
    let body = answer.windows(4).position(|it| it == b"\r\n\r\n").unwrap() + 4;
    (status, answer[body..].to_vec())
}

/// LocalStack's test_lambda_code_location_zipfile, recorded on AWS.
#[tokio::test]
async fn a_package_is_served_to_whoever_has_its_signed_url() {
    let stage = Stage::new().await;
    create(&stage).await;
    let named = json!({ "FunctionName": "orders" });
    let shown = lambda(&stage, &root(), "GetFunction", named).await;
    let location: url::Url = shown["Code"]["Location"].as_str().unwrap().parse().unwrap();
    let path = format!("{}?{}", location.path(), location.query().unwrap());
    let (status, package) = get(&stage, "GET", None, &path).await;
    assert_eq!((status, &package[..2], package.len()), (200, &b"PK"[..], 101));
    let entry = stage.last_entry();
    assert_eq!((&*entry.service, &*entry.operation), ("lambda", "GetCode"));
    assert_eq!((&*entry.principal, entry.outcome), ("anonymous", Ending::Allowed));
    let forged = path.replace("X-Amz-Signature=", "X-Amz-Signature=00");
    let (status, body) = get(&stage, "GET", None, &forged).await;
    assert_eq!(status, 403);
    assert!(String::from_utf8(body).unwrap().contains("<Code>AccessDenied</Code>"));
    assert_eq!(stage.last_entry().outcome, Ending::Refused);
    let (status, _) = get(&stage, "DELETE", None, &path).await;
    assert_eq!(status, 405);
    // At a bucket's host the same path is an object's.
    let (status, body) = get(&stage, "GET", Some("bucket.s3.localhost"), &path).await;
    assert_ne!((status, body.len()), (200, 101));
}

/// LocalStack's test_lambda_url_non_existing_url, recorded on AWS.
#[rstest]
#[case("0123456789abcdef0123456789abcdef.lambda-url.localhost", r#"{"Message":null}"#)]
#[case("0123456789abcdef0123456789abcdef.lambda-url.eu-central-1.on.aws", r#"{"Message":null}"#)]
#[tokio::test]
async fn a_url_that_is_nobodys_is_forbidden_without_a_message(
    #[case] host: &str,
    #[case] expected: &str,
) {
    let stage = Stage::new().await;
    let (status, body) = get(&stage, "GET", Some(host), "/").await;
    assert_eq!((status, String::from_utf8(body).unwrap().as_str()), (403, expected));
    let entry = stage.last_entry();
    assert_eq!((&*entry.operation, entry.outcome), ("InvokeFunctionUrl", Ending::Refused));
    assert_eq!(entry.error.as_deref(), Some("AccessDeniedException"));
}

/// LocalStack's test_lambda_url_persists_after_alias_delete, recorded on AWS.
#[tokio::test]
async fn a_url_that_was_deleted_is_forbidden_with_one() {
    let stage = Stage::new().await;
    create(&stage).await;
    let alias = json!({ "FunctionName": "orders", "Name": "live", "FunctionVersion": "$LATEST" });
    lambda(&stage, &root(), "CreateAlias", alias.clone()).await;
    let url = json!({ "FunctionName": "orders", "Qualifier": "live", "AuthType": "NONE" });
    let made = lambda(&stage, &root(), "CreateFunctionUrlConfig", url).await;
    let url: url::Url = made["FunctionUrl"].as_str().unwrap().parse().unwrap();
    lambda(&stage, &root(), "DeleteAlias", json!({ "FunctionName": "orders", "Name": "live" }))
        .await;
    let (status, body) = get(&stage, "GET", url.host_str(), "/").await;
    assert_eq!(status, 403);
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert!(body["Message"].as_str().unwrap().starts_with("Forbidden. For troubleshooting"));
}

/// A permission is its role's; who is made anew under the name has nothing of it.
#[tokio::test]
async fn a_permission_means_who_had_the_name_when_it_was_added() {
    let stage = Stage::new().await;
    let first = stage.bare_role("AROAEXAMPLEEXAMPLE12");
    create_for_role(&stage).await;
    let named = || json!({ "FunctionName": "orders" });
    let add = |sid: &str| {
        json!({"FunctionName": "orders", "StatementId": sid, "Action": "lambda:GetFunctionConfiguration",
            "Principal": "arn:aws:iam::123456789012:role/app"})
    };
    lambda(&stage, &root(), "AddPermission", add("first")).await;
    lambda(&stage, &first, "GetFunctionConfiguration", named()).await;

    stage.call(&root(), "DeleteRole", json!({"RoleName": "app"})).await.unwrap();
    let anew = stage.bare_role("AROAEXAMPLEEXAMPLE34");
    let call = stage.client.call(&anew, Service::Lambda, "GetFunctionConfiguration", named());
    let error = call.await.unwrap_err();
    assert_eq!((error.status, &*error.code), (403, "AccessDeniedException"));
    let policy = lambda(&stage, &root(), "GetPolicy", named()).await;
    let policy: Value = serde_json::from_str(policy["Policy"].as_str().unwrap()).unwrap();
    assert_eq!(policy["Statement"][0]["Principal"], json!({"AWS": "AROAEXAMPLEEXAMPLE12"}));

    lambda(&stage, &root(), "AddPermission", add("second")).await;
    lambda(&stage, &anew, "GetFunctionConfiguration", named()).await;
}
