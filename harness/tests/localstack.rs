//! LocalStack in a container. Run by name (`cargo test -p ringfence --test
//! localstack`): it needs a container engine.

#![expect(clippy::unwrap_used, reason = "tests: what is not there fails them")]

use std::path::Path;

use ringfence::config::{Backend, Config};
use ringfence::stack::{Options, Stack};

#[tokio::test]
async fn localstack_serves_and_ends() {
    let config = Config::parse("", Path::new("ringfence.toml")).unwrap();
    let options = Options { backend: Some(Backend::LocalStack), ..Options::default() };
    let stack = Stack::start(config, options).await.unwrap();
    let identity = stack.emulator().identity().clone();
    assert_eq!(identity.version.as_deref().map(|version| version.starts_with("4.14")), Some(true));
    assert!(identity.digest.is_some());
    let upstream = stack.emulator().url().clone();
    let answer = reqwest::get(upstream.join("_localstack/health").unwrap()).await.unwrap();
    assert_eq!(answer.status(), 200);
    stack.stop().await;
    assert!(reqwest::get(upstream).await.unwrap_err().is_connect());
}
