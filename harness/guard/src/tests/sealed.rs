//! What the guard shows an emulator that answers nobody else.

use http::HeaderValue;
use ringfence_wire::{Operation, Secret, Service, request, signature};
use time::OffsetDateTime;

use super::{Stage, config, get_app, root};
use crate::tests::upstream::Upstream;
use crate::{Config, Guard, SECRET_HEADER, UpstreamEndpoint};

async fn sealed(upstream: &Upstream, directory: &tempfile::TempDir) -> Guard {
    let endpoint = UpstreamEndpoint {
        url: upstream.url.clone(),
        secret: Some(Secret::new("canary-of-the-emulator")),
        is_new: true,
    };
    Guard::start(Config { upstream: endpoint, ..config(upstream, directory) }).await.unwrap()
}

#[tokio::test]
async fn every_call_upstream_carries_the_secret_and_nothing_shows_it() {
    let (upstream, directory) = (Upstream::start().await, tempfile::tempdir().unwrap());
    let guard = sealed(&upstream, &directory).await;
    let client = ringfence_services::client::Client::new(guard.setting().clone());
    // One that is forwarded, and the guard's own questions about an unknown caller.
    let _ = client.call(&root(), Service::Iam, "GetRole", get_app()).await;
    let seen = upstream.seen("GetRole");
    assert!(!seen.is_empty());
    for request in &seen {
        assert_eq!(request.header(SECRET_HEADER), Some("canary-of-the-emulator"));
    }
    assert!(!format!("{guard:?}").contains("canary-of-the-emulator"));
    let journal = std::fs::read_to_string(directory.path().join("journal.jsonl")).unwrap();
    assert!(!journal.contains("canary-of-the-emulator"));
}

#[tokio::test]
async fn a_clients_header_of_that_name_goes_no_further_than_the_guard() {
    let stage = Stage::new().await;
    stage.role("{\"Version\":\"2012-10-17\",\"Statement\":[]}");
    let operation = Operation::find(Service::Iam, "GetRole").unwrap();
    let endpoint = stage.guard.endpoint().as_str().parse().unwrap();
    let input = get_app().as_object().unwrap().clone();
    let mut request = request::encode(operation, &input, None, &endpoint).unwrap();
    request.headers_mut().insert(SECRET_HEADER, HeaderValue::from_static("guessed"));
    let key = root();
    signature::sign(
        &mut request,
        &key.access_key_id,
        &key.secret_access_key,
        None,
        "iam",
        "eu-central-1",
        OffsetDateTime::now_utc(),
    );
    let request = reqwest::Request::try_from(request).unwrap();
    let answer = reqwest::Client::new().execute(request).await.unwrap();
    assert_eq!(answer.status(), 200);
    let seen = stage.upstream.seen("GetRole");
    assert!(!seen.is_empty());
    assert!(seen.iter().all(|request| request.header(SECRET_HEADER).is_none()));
}

#[tokio::test]
async fn a_secret_that_no_header_can_have_is_an_error() {
    let (upstream, directory) = (Upstream::start().await, tempfile::tempdir().unwrap());
    let endpoint = UpstreamEndpoint {
        secret: Some(Secret::new("a\nb")),
        ..UpstreamEndpoint::from(upstream.url.clone())
    };
    let config = Config { upstream: endpoint, ..config(&upstream, &directory) };
    let error = Guard::start(config).await.unwrap_err();
    assert_eq!(error.to_string(), "the upstream's secret has characters that no header can have");
}
