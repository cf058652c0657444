//! LocalStack in a container. Run by name (`cargo test -p ringfence --test
//! localstack`): it needs a container engine.

use std::path::Path;

use ringfence::config::{Backend, Config};
use ringfence::stack::{Options, Stack};
use ringfence_guard::SECRET_HEADER;

#[tokio::test]
async fn localstack_serves_and_ends() {
    let config = Config::parse("", Path::new("ringfence.toml")).unwrap();
    let options = Options { backend: Some(Backend::LocalStack), ..Options::default() };
    let stack = Stack::start(config, options).await.unwrap();
    let identity = stack.emulator().identity().clone();
    assert_eq!(identity.version.as_deref().map(|version| version.starts_with("4.14")), Some(true));
    assert!(identity.digest.is_some());
    let upstream = stack.emulator().url().clone();
    // It answers the guard alone, its own pages included.
    let health = upstream.join("_localstack/health").unwrap();
    let answer = reqwest::get(health.clone()).await.unwrap();
    assert_eq!(answer.status(), 403);
    assert_eq!(
        answer.text().await.unwrap(),
        "This emulator answers Ringfence's guard alone; send the request to the guard.\n"
    );
    let secret = stack.emulator().endpoint().secret.unwrap();
    let client = reqwest::Client::new();
    let shown = client.get(health).header(SECRET_HEADER, secret.expose());
    assert_eq!(shown.send().await.unwrap().status(), 200);
    // LocalStack's IAM asks its own STS who root is.
    let get_user = client
        .post(upstream.clone())
        .header(SECRET_HEADER, secret.expose())
        .header(
            "authorization",
            "AWS4-HMAC-SHA256 Credential=123456789012/20260101/us-east-1/iam/aws4_request, \
             SignedHeaders=host, Signature=0",
        )
        .header("content-type", "application/x-www-form-urlencoded")
        .body("Action=GetUser&Version=2010-05-08");
    let user = get_user.send().await.unwrap();
    assert_eq!(user.status(), 200);
    assert!(user.text().await.unwrap().contains("<Arn>arn:aws:iam::123456789012:root</Arn>"));
    stack.stop().await;
    assert!(reqwest::get(upstream).await.unwrap_err().is_connect());
}
