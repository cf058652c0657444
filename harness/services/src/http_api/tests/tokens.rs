//! Routes behind a JWT authorizer. The stub of Lambda says whether a request
//! passed.

use bytes::Bytes;
use http::Request;
use rstest::rstest;
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::http_api::testing::*;
use crate::token::testing::{OTHER_RSA, RSA, claims, header, keys, with};

fn token(change: Value) -> String {
    RSA.token(&header(), &with(claims(OffsetDateTime::now_utc()), change))
}

async fn guarded(world: &World, scopes: &[&str]) -> Ready {
    let ready = world.ready().await;
    let jwt = json!({
        "AuthorizationType": "JWT", "AuthorizerId": ready.authorizer, "AuthorizationScopes": scopes,
    });
    world.call("CreateRoute", ready.route("GET /a", jwt)).await;
    ready
}

fn bearing(authorization: &str) -> Request<Bytes> {
    let mut request = get("/a");
    request.headers_mut().insert("authorization", authorization.parse().unwrap());
    request
}

/// The status, body and challenge of a request with this token.
async fn told_of(
    world: &World,
    ready: &Ready,
    authorization: &str,
) -> (u16, String, Option<String>) {
    told(&world.send(&ready.api, bearing(authorization)).await, "www-authenticate")
}

fn refused(why: &str) -> (u16, String, Option<String>) {
    let challenge =
        format!("Bearer scope=\"\" error=\"invalid_token\" error_description=\"{why}\"");
    (401, r#"{"message":"Unauthorized"}"#.into(), Some(challenge))
}

#[rstest]
#[case::bearer("Bearer ")]
#[case::small("bearer ")]
#[case::bare("")]
#[tokio::test]
async fn a_good_token_reaches_the_function_with_its_claims(#[case] scheme: &str) {
    let world = World::new().await;
    let ready = guarded(&world, &[]).await;
    let change = json!({"n": 5, "yes": true, "list": ["a", "b"], "object": {"b": 1, "a": "x"}});
    let told = told_of(&world, &ready, &format!("{scheme}{}", token(change))).await;
    assert_eq!(told, (200, "hi".into(), None));
    let event = world.asked()[0].event();
    let jwt = &event["requestContext"]["authorizer"]["jwt"];
    assert_eq!(jwt["scopes"], Value::Null);
    let expected = json!({
        "iss": jwt["claims"]["iss"], "aud": "api://default", "sub": "alice", "n": "5",
        "yes": "true", "list": "[a b]", "object": "map[a:x b:1]",
    });
    assert_eq!(without(&jwt["claims"], &["iat", "nbf", "exp"]), expected);
    assert!(jwt["claims"]["exp"].is_string());
}

#[tokio::test]
async fn no_token_is_unauthorized() {
    let world = World::new().await;
    let ready = guarded(&world, &[]).await;
    let response = world.get(&ready.api, "/a").await;
    assert_eq!(
        told(&response, "www-authenticate"),
        (401, r#"{"message":"Unauthorized"}"#.into(), Some("Bearer".into()))
    );
    assert!(response.headers()["apigw-requestid"].to_str().unwrap().ends_with('='));
    assert_eq!(told_of(&world, &ready, "Bearer ").await.2.as_deref(), Some("Bearer"));
    assert!(world.asked().is_empty());
}

#[rstest]
#[case::audience(json!({"aud": "other"}), "the token does not have a valid audience")]
#[case::audiences(json!({"aud": ["x", "y"]}), "the token does not have a valid audience")]
#[case::no_audience(json!({"aud": null}), "the token does not have a valid audience")]
#[case::audience_beats_client(json!({"aud": "x", "client_id": "api://default"}), "the token does not have a valid audience")]
#[case::audience_object(json!({"aud": {"api://default": 1}}), "the token does not have a valid audience")]
#[case::issuer(json!({"iss": "https://evil.example"}), "issuer does not match")]
#[case::expired(json!({"exp": 1}), "the token has expired")]
#[case::not_yet(json!({"nbf": 99_999_999_999_i64}), "the token is not valid yet")]
#[case::future(json!({"iat": 99_999_999_999_i64}), "the token was issued in the future")]
#[tokio::test]
async fn wrong_claims_are_refused(#[case] change: Value, #[case] why: &str) {
    let world = World::new().await;
    let ready = guarded(&world, &[]).await;
    assert_eq!(told_of(&world, &ready, &token(change)).await, refused(why));
    assert!(world.asked().is_empty());
    assert_eq!(told_of(&world, &ready, &token(json!({}))).await.0, 200);
}

#[rstest]
#[case::one_of_many(json!({"aud": ["x", "api://default"]}))]
#[case::client_without_audience(json!({"aud": null, "client_id": "api://default"}))]
#[tokio::test]
async fn other_audiences_pass(#[case] change: Value) {
    let world = World::new().await;
    let ready = guarded(&world, &[]).await;
    assert_eq!(told_of(&world, &ready, &token(change)).await.0, 200);
}

#[tokio::test]
async fn forged_tokens_are_refused() {
    let world = World::new().await;
    let ready = guarded(&world, &[]).await;
    let now = OffsetDateTime::now_utc();
    let alg = |name: &str| RSA.token(&with(header(), json!({"alg": name})), &claims(now));
    for (token, why) in [
        ("not-a-token".to_owned(), "token contains an invalid number of segments"),
        (OTHER_RSA.token(&header(), &claims(now)), "the token's signature is not valid"),
        (alg("none"), "signing method none is invalid"),
        (alg("HS256"), "signing method HS256 is invalid"),
        (alg("ES256"), "signing method ES256 is invalid"),
        (alg("PS256"), "signing method PS256 is invalid"),
        (
            RSA.token(&with(header(), json!({"kid": "k2"})), &claims(now)),
            "no key of the issuer fits the token",
        ),
        (
            RSA.token(&with(header(), json!({"kid": null})), &claims(now)),
            "no key of the issuer fits the token",
        ),
    ] {
        assert_eq!(told_of(&world, &ready, &token).await, refused(why));
    }
    assert!(world.asked().is_empty());
}

#[tokio::test]
async fn keys_rotate() {
    let world = World::new().await;
    let ready = guarded(&world, &[]).await;
    let new = with(header(), json!({"kid": "k2"}));
    let new = OTHER_RSA.token(&new, &claims(OffsetDateTime::now_utc()));
    assert_eq!(told_of(&world, &ready, &new).await.0, 401);
    world.keys.replace(keys(&[RSA.jwk("k1"), OTHER_RSA.jwk("k2")]));
    assert_eq!(told_of(&world, &ready, &new).await.0, 200);
    assert_eq!(told_of(&world, &ready, &token(json!({}))).await.0, 200);
    world.keys.replace(keys(&[OTHER_RSA.jwk("k2")]));
    assert_eq!(told_of(&world, &ready, &token(json!({}))).await.0, 401);
}

#[rstest]
#[case::scope(json!({"scope": "x read"}), Some(json!(["read"])))]
#[case::scp_list(json!({"scp": ["write", "x"]}), Some(json!(["write"])))]
#[case::scp_text(json!({"scp": "read write"}), Some(json!(["read", "write"])))]
#[case::either(json!({"scope": "x", "scp": ["read"]}), Some(json!(["read"])))]
#[case::none(json!({}), None)]
#[case::other(json!({"scope": "reader read:all"}), None)]
#[case::part(json!({"scp": ["read write"]}), None)]
#[tokio::test]
async fn a_route_asks_for_any_of_its_scopes(
    #[case] change: Value,
    #[case] expected: Option<Value>,
) {
    let world = World::new().await;
    let ready = guarded(&world, &["read", "write"]).await;
    let told = told_of(&world, &ready, &token(change)).await;
    match expected {
        Some(scopes) => {
            assert_eq!(told.0, 200);
            let event = world.asked()[0].event();
            assert_eq!(event["requestContext"]["authorizer"]["jwt"]["scopes"], scopes);
        }
        None => {
            let challenge = "Bearer scope=\"read write\" error=\"insufficient_scope\" \
                error_description=\"the token does not have a required scope\"";
            let body = r#"{"message":"Forbidden"}"#.to_owned();
            assert_eq!(told, (403, body, Some(challenge.to_owned())));
            assert!(world.asked().is_empty());
        }
    }
}

#[tokio::test]
async fn a_token_can_be_in_the_query() {
    let world = World::new().await;
    let ready = guarded(&world, &[]).await;
    let source = json!({
        "ApiId": ready.api, "AuthorizerId": ready.authorizer,
        "IdentitySource": ["$request.querystring.token"],
    });
    world.call("UpdateAuthorizer", source).await;
    let token = token(json!({}));
    assert_eq!(told_of(&world, &ready, &token).await.2.as_deref(), Some("Bearer"));
    assert_eq!(world.get(&ready.api, &format!("/a?token={token}")).await.status(), 200);
    // Twice is not one.
    let twice = world.get(&ready.api, &format!("/a?token={token}&token={token}")).await;
    assert_eq!(
        told(&twice, "www-authenticate"),
        refused("token contains an invalid number of segments")
    );
}

#[tokio::test]
async fn two_authorization_headers_are_not_one() {
    let world = World::new().await;
    let ready = guarded(&world, &[]).await;
    let mut request = bearing(&token(json!({})));
    request.headers_mut().append("authorization", token(json!({})).parse().unwrap());
    let response = world.send(&ready.api, request).await;
    assert_eq!(
        told(&response, "www-authenticate"),
        refused("token contains an invalid number of segments")
    );
}

#[tokio::test]
async fn the_access_log_says_why_and_who() {
    let world = World::new().await;
    let ready = guarded(&world, &[]).await;
    let format = "$context.requestId $context.status $context.routeKey|$context.authorizer.error|$context.authorizer.claims.sub";
    let logs = "arn:aws:logs:eu-central-1:123456789012:log-group:/api";
    let settings = json!({
        "ApiId": ready.api, "StageName": "$default",
        "AccessLogSettings": {"destinationArn": logs, "format": format},
    });
    world.call("UpdateStage", settings).await;
    let mut ids = Vec::new();
    for authorization in [token(json!({})), token(json!({"exp": 1}))] {
        let response = world.send(&ready.api, bearing(&authorization)).await;
        ids.push(response.headers()["apigw-requestid"].to_str().unwrap().to_owned());
    }
    let response = world.get(&ready.api, "/a").await;
    ids.push(response.headers()["apigw-requestid"].to_str().unwrap().to_owned());
    assert_eq!(
        world.apis.access_log(&ready.api, "$default"),
        [
            format!("{} 200 GET /a|-|alice", ids[0]),
            format!("{} 401 GET /a|invalid_token: the token has expired|-", ids[1]),
            format!("{} 401 GET /a|missing: token not provided|-", ids[2]),
        ]
    );
}
