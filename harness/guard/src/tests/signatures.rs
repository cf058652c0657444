//! What S3's condition keys say of a signature, in each form that one has.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ringfence_policy::Values;

use super::*;

/// One that knows Signature Version 2.
const REGION: &str = "eu-west-1";

const NAMES: [&str; 4] =
    ["s3:authType", "s3:signatureversion", "s3:signatureAge", "s3:x-amz-content-sha256"];

/// A guard in that region.
async fn stage() -> Stage {
    let upstream = Upstream::start().await;
    let directory = tempfile::tempdir().unwrap();
    let config = Config { region: REGION.into(), ..config(&upstream, &directory) };
    let guard = Guard::start(config).await.unwrap();
    let client = Client::new(guard.setting().clone());
    Stage { upstream, guard, client, directory }
}

/// The keys of the last decision: `-` stands for absent, `?` for unknown.
fn keys(stage: &Stage) -> [String; 4] {
    let recorded = stage
        .guard
        .pipeline()
        .recording
        .as_ref()
        .unwrap()
        .find(&stage.last_entry().request_id)
        .unwrap();
    let context = &recorded.inputs.asked[0].context;
    NAMES.map(|name| match context.get(name) {
        Some(Values::One(value)) => value.clone(),
        _ if context.is_unknown(name) => "?".to_owned(),
        _ => "-".to_owned(),
    })
}

fn get(stage: &Stage, query: &str) -> http::Request<Bytes> {
    let uri = format!("{}bucket/key{query}", stage.guard.endpoint());
    http::Request::builder().uri(uri).body(Bytes::new()).unwrap()
}

#[tokio::test]
async fn of_version_4_in_a_header() {
    let stage = stage().await;
    let mut request = get(&stage, "");
    let (key, now) = (root(), OffsetDateTime::now_utc() - Duration::MINUTE);
    let secret = &key.secret_access_key;
    signature::sign(&mut request, &key.access_key_id, secret, None, "s3", REGION, now);
    send(request).await;
    let [kind, version, age, hash] = keys(&stage);
    assert_eq!([kind.as_str(), &version], ["REST-HEADER", "AWS4-HMAC-SHA256"]);
    assert!((59_000..90_000).contains(&age.parse::<u64>().unwrap()), "{age}");
    assert_eq!(hash, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

#[tokio::test]
async fn of_version_4_in_a_query_string() {
    let stage = stage().await;
    let mut request = get(&stage, "");
    let (key, now) = (root(), OffsetDateTime::now_utc() - Duration::HOUR);
    let (secret, day) = (&key.secret_access_key, Duration::DAY);
    signature::presign(&mut request, &key.access_key_id, secret, None, "s3", REGION, now, day);
    send(request).await;
    let [kind, version, age, hash] = keys(&stage);
    assert_eq!([kind.as_str(), &version, &hash], ["REST-QUERY-STRING", "AWS4-HMAC-SHA256", "-"]);
    assert!((3_599_000..3_660_000).contains(&age.parse::<u64>().unwrap()), "{age}");
}

/// Made with HMAC-SHA1 of `GET\n\n\n4102444800\n/bucket/key`.
#[tokio::test]
async fn of_version_2_in_a_query_string() {
    let stage = stage().await;
    let query = "?AWSAccessKeyId=test&Expires=4102444800\
                 &Signature=9R6nCOpN4d2Um%2Bq9cFHYbx6g%2BiU%3D";
    assert_eq!(send(get(&stage, query)).await.status(), 200);
    assert_eq!(keys(&stage), ["REST-QUERY-STRING", "AWS", "0", "-"]);
}

/// Of version 2 the guard takes no header: nothing is decided.
#[tokio::test]
async fn of_version_2_in_a_header() {
    let stage = stage().await;
    let mut request = get(&stage, "");
    let value = "AWS test:9R6nCOpN4d2Um+q9cFHYbx6g+iU=".parse().unwrap();
    request.headers_mut().insert("authorization", value);
    let answer = send(request).await;
    assert_eq!(answer.status(), 400);
    assert!(answer.text().await.unwrap().contains("<Code>InvalidRequest</Code>"));
    assert!(stage.last_entry().checks.is_empty());
}

/// The fields of a form, posted.
async fn post(stage: &Stage, fields: &[(&str, &str)]) -> http::StatusCode {
    let part = |name: &str, value: &str| {
        format!("--MARK\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    };
    let mut body = part("key", "key");
    body.extend(fields.iter().map(|(name, value)| part(name, value)));
    body.push_str(&part("file", "hello"));
    body.push_str("--MARK--\r\n");
    let request = http::Request::builder()
        .method("POST")
        .uri(format!("{}bucket", stage.guard.endpoint()))
        .header("content-type", "multipart/form-data; boundary=MARK")
        .body(Bytes::from(body))
        .unwrap();
    send(request).await.status()
}

#[tokio::test]
async fn of_version_4_in_a_form() {
    let stage = stage().await;
    let credential = "test/20260221/eu-west-1/s3/aws4_request";
    let policy = json!({"expiration": "2100-01-01T00:00:00Z", "conditions": [
        {"bucket": "bucket"}, {"key": "key"}, {"x-amz-algorithm": "AWS4-HMAC-SHA256"},
        {"x-amz-credential": credential}, {"x-amz-date": "20260221T000000Z"}]});
    let fields = [
        ("x-amz-algorithm", "AWS4-HMAC-SHA256"),
        ("x-amz-credential", credential),
        ("x-amz-date", "20260221T000000Z"),
        ("policy", &STANDARD.encode(policy.to_string())),
        ("x-amz-signature", "3c2da040eab8e4c482fc3cd1fbc8db589b00104b30e850d665c47f86eb2c9162"),
    ];
    assert_eq!(post(&stage, &fields).await, 204);
    let [kind, version, age, hash] = keys(&stage);
    assert_eq!([kind.as_str(), &version, &hash], ["POST", "AWS4-HMAC-SHA256", "-"]);
    let since = OffsetDateTime::now_utc() - time::macros::datetime!(2026-02-21 00:00 UTC);
    let late = since.whole_milliseconds() - age.parse::<i128>().unwrap();
    assert!((0..60_000).contains(&late), "{age}");
}

#[tokio::test]
async fn of_version_2_in_a_form() {
    let stage = stage().await;
    let policy = json!({"expiration": "2100-01-01T00:00:00Z", "conditions": [
        {"bucket": "bucket"}, {"key": "key"}]});
    let fields = [
        ("AWSAccessKeyId", "test"),
        ("policy", &STANDARD.encode(policy.to_string())),
        ("signature", "E9AIvPKszg4p9C8rQ1F4QZbWk1Y="),
    ];
    assert_eq!(post(&stage, &fields).await, 204);
    assert_eq!(keys(&stage), ["POST", "AWS", "0", "-"]);
}

#[tokio::test]
async fn of_nobody() {
    let stage = stage().await;
    let policy = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
        "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::bucket/*"}]});
    stage.upstream.state.lock().unwrap().bucket_policy = Some(policy.to_string());
    send(get(&stage, "")).await;
    assert_eq!(keys(&stage), ["-", "-", "-", "-"]);
}
