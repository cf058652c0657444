//! Root's keys, and who uses them once they are closed.

use ringfence_services::Credentials;
use serde_json::json;

use super::{Stage, get_app, root};
use crate::journal::Ending;

#[tokio::test]
async fn a_key_that_was_retired_is_refused_as_a_deleted_one_and_its_use_is_kept() {
    let stage = Stage::new().await;
    stage.role("{\"Version\":\"2012-10-17\",\"Statement\":[]}");
    let terraform = Credentials::long_term().unwrap();
    stage.guard.add_root_key(terraform.clone());
    stage.call(&terraform, "GetRole", get_app()).await.unwrap();
    assert_eq!(stage.guard.root_calls(), [], "nobody watches yet");

    stage.guard.close_root();
    let error = stage.call(&terraform, "GetRole", get_app()).await.unwrap_err();
    assert_eq!((error.status, error.code.as_ref()), (403, "InvalidClientTokenId"));
    assert_eq!(error.message, "The security token included in the request is invalid.");
    let entry = stage.last_entry();
    assert_eq!(entry.principal, "arn:aws:iam::123456789012:root");
    assert_eq!(entry.access_key_id, terraform.access_key_id);
    assert_eq!(entry.outcome, Ending::Refused);
    assert_eq!(entry.upstream_status, None);
    // The configuration's own key goes on.
    stage.call(&root(), "GetRole", get_app()).await.unwrap();
    let calls = stage.guard.root_calls();
    let told: Vec<(&str, &str, bool)> = calls
        .iter()
        .map(|call| (call.operation.as_str(), call.access_key_id.as_str(), call.retired))
        .collect();
    let retired = terraform.access_key_id.as_str();
    assert_eq!(told, [("GetRole", retired, true), ("GetRole", "test", false)]);
    assert_eq!(calls[0].request_id, entry.request_id);
    assert_eq!(calls[1].request_id, stage.last_entry().request_id);
}

/// IAM lists no such key, and it ends with what lent it.
#[tokio::test]
async fn a_users_key_that_was_lent_acts_as_the_user_until_it_is_dropped() {
    let stage = Stage::new().await;
    let key = stage.guard.user_key("123456789012", "alice").await.unwrap();
    assert_eq!(key.arn(), "arn:aws:iam::123456789012:user/alice");
    let own = key.credentials().clone();
    let sts = ringfence_wire::Service::Sts;
    let who = async || stage.client.call(&own, sts, "GetCallerIdentity", json!({})).await;
    assert_eq!(who().await.unwrap()["Arn"], key.arn());
    drop(key);
    let error = who().await.unwrap_err();
    assert_eq!((error.status, error.code.as_ref()), (403, "InvalidClientTokenId"));
}

#[tokio::test]
async fn what_is_not_signed_with_a_key_of_roots_is_no_call_of_root() {
    let stage = Stage::new().await;
    let app = stage.role(&super::allow("iam:GetRole"));
    stage.guard.close_root();
    stage.call(&app, "GetRole", get_app()).await.unwrap();
    // Who cannot sign with it does not hold it.
    let forged = Credentials { secret_access_key: ringfence_wire::Secret::new("no"), ..root() };
    let error = stage.call(&forged, "GetRole", get_app()).await.unwrap_err();
    assert_eq!(error.code, "SignatureDoesNotMatch");
    assert_eq!(stage.guard.root_calls(), []);
    assert_eq!(stage.last_entry().access_key_id, "");
}

#[tokio::test]
async fn a_session_that_root_gave_away_ends_when_its_keys_are_closed() {
    let stage = Stage::new().await;
    let terraform = Credentials::long_term().unwrap();
    stage.guard.add_root_key(terraform.clone());
    let client = &stage.client;
    let sts = ringfence_wire::Service::Sts;
    let given = client.call(&terraform, sts, "GetSessionToken", json!({})).await.unwrap();
    let text = |name: &str| given["Credentials"][name].as_str().unwrap().to_owned();
    let session = Credentials {
        access_key_id: text("AccessKeyId"),
        secret_access_key: ringfence_wire::Secret::new(text("SecretAccessKey")),
        session_token: Some(ringfence_wire::Secret::new(text("SessionToken"))),
        expiration: None,
    };
    client.call(&session, sts, "GetCallerIdentity", json!({})).await.unwrap();
    stage.guard.close_root();
    let error = client.call(&session, sts, "GetCallerIdentity", json!({})).await.unwrap_err();
    assert_eq!(error.code, "InvalidClientTokenId");
    assert!(stage.guard.root_calls()[0].retired);
}
