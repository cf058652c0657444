//! Attacks on verification, each beside a token that passes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};
use jsonwebtoken::Algorithm;
use rstest::rstest;
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::testing::*;
use super::*;

const NOW: OffsetDateTime = OffsetDateTime::UNIX_EPOCH.saturating_add(Duration::days(20_000));

fn rules<'a>() -> Rules<'a> {
    Rules { issuer: ISSUER, algorithms: &[Algorithm::RS256], now: NOW, require_kid: true }
}

fn issuers(jwks: &[Value]) -> Issuers {
    Issuers::new(vec![(ISSUER.into(), KeySource::Keys(SharedKeys::new(keys(jwks))))])
}

async fn verify(token: &str) -> Result<(), TokenError> {
    issuers(&[RSA.jwk("k1")]).verify(token, &rules()).await.map(drop)
}

#[tokio::test]
async fn a_good_token_gives_its_claims() {
    let token = RSA.token(&header(), &claims(NOW));
    let verified = issuers(&[RSA.jwk("k1")]).verify(&token, &rules()).await.unwrap();
    assert_eq!(Value::Object(verified), claims(NOW));
}

#[rstest]
#[case::the_second_it_is_issued(json!({}), Ok(()))]
#[case::last_second(json!({"exp": NOW.unix_timestamp() + 1}), Ok(()))]
#[case::expired_this_second(json!({"exp": NOW.unix_timestamp()}), Err(TokenError::Expired))]
#[case::no_expiry(json!({"exp": null}), Err(TokenError::MissingClaim("exp")))]
#[case::float_expiry(json!({"exp": NOW.unix_timestamp() as f64 + 300.5}), Err(TokenError::Timestamp("exp")))]
#[case::text_expiry(json!({"exp": "99999999999"}), Err(TokenError::Timestamp("exp")))]
#[case::huge_expiry(json!({"exp": u64::MAX}), Err(TokenError::Timestamp("exp")))]
#[case::no_nbf(json!({"nbf": null}), Ok(()))]
#[case::nbf_in_future(json!({"nbf": NOW.unix_timestamp() + 1}), Err(TokenError::NotYetValid))]
#[case::text_nbf(json!({"nbf": "0"}), Err(TokenError::Timestamp("nbf")))]
#[case::no_iat(json!({"iat": null}), Ok(()))]
#[case::iat_in_future(json!({"iat": NOW.unix_timestamp() + 1}), Err(TokenError::IssuedInFuture))]
#[case::float_iat(json!({"iat": 1.5}), Err(TokenError::Timestamp("iat")))]
#[case::no_issuer(json!({"iss": null}), Err(TokenError::MissingClaim("iss")))]
#[case::other_issuer(json!({"iss": "https://evil.example"}), Err(TokenError::Issuer))]
#[case::issuer_with_slash(json!({"iss": format!("{ISSUER}/")}), Err(TokenError::Issuer))]
#[case::issuer_in_capitals(json!({"iss": ISSUER.to_uppercase()}), Err(TokenError::Issuer))]
#[case::issuer_in_a_list(json!({"iss": [ISSUER]}), Err(TokenError::Issuer))]
#[tokio::test]
async fn claims_are_checked(#[case] change: Value, #[case] expected: Result<(), TokenError>) {
    let token = RSA.token(&header(), &with(claims(NOW), change));
    assert_eq!(verify(&token).await, expected);
}

#[rstest]
#[case::no_type(json!({"typ": null}), Ok(()))]
#[case::unknown_member(json!({"x": 1}), Ok(()))]
#[case::own_key(json!({"jwk": OTHER_RSA.jwk("k1")}), Ok(()))]
#[case::none(json!({"alg": "none"}), Err(TokenError::Algorithm("none".into())))]
#[case::none_in_disguise(json!({"alg": "nOnE"}), Err(TokenError::Algorithm("nOnE".into())))]
#[case::not_an_algorithm(json!({"alg": "RS256\r\nx: y"}), Err(TokenError::Algorithm("unknown".into())))]
#[case::algorithm_not_allowed(json!({"alg": "RS512"}), Err(TokenError::Algorithm("RS512".into())))]
#[case::symmetric(json!({"alg": "HS256"}), Err(TokenError::Algorithm("HS256".into())))]
#[case::no_algorithm(json!({"alg": null}), Err(TokenError::Malformed("its header names no algorithm")))]
#[case::critical(json!({"crit": ["b64"], "b64": false}), Err(TokenError::Malformed("its header has critical extensions")))]
#[case::critical_nothing(json!({"crit": []}), Err(TokenError::Malformed("its header has critical extensions")))]
#[case::no_kid(json!({"kid": null}), Err(TokenError::UnknownKey))]
#[case::unknown_kid(json!({"kid": "k2"}), Err(TokenError::UnknownKey))]
#[case::empty_kid(json!({"kid": ""}), Err(TokenError::Malformed("its key id is not a text")))]
#[case::numeric_kid(json!({"kid": 1}), Err(TokenError::Malformed("its key id is not a text")))]
#[tokio::test]
async fn headers_are_checked(#[case] change: Value, #[case] expected: Result<(), TokenError>) {
    let token = RSA.token(&with(header(), change), &claims(NOW));
    assert_eq!(verify(&token).await, expected);
}

#[tokio::test]
async fn a_public_key_is_no_shared_secret() {
    let der = RSA.public_der();
    let pem = format!(
        "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n",
        STANDARD.encode(&der)
    );
    let signed =
        signed(&with(header(), json!({"alg": "HS256"})).to_string(), &claims(NOW).to_string());
    // Even a caller who lists the algorithm does not get it.
    let rules = Rules { algorithms: &[Algorithm::RS256, Algorithm::HS256], ..rules() };
    for secret in [der, pem.into_bytes()] {
        let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, &secret);
        let tag = aws_lc_rs::hmac::sign(&key, signed.as_bytes());
        let token = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(tag));
        assert_eq!(
            issuers(&[RSA.jwk("k1")]).verify(&token, &rules).await,
            Err(TokenError::Algorithm("HS256".into()))
        );
    }
    let token = RSA.token(&header(), &claims(NOW));
    assert!(issuers(&[RSA.jwk("k1")]).verify(&token, &rules).await.is_ok());
}

#[rstest]
#[case::as_it_is(|token: String| token, Ok(()))]
#[case::empty(|_| String::new(), Err(TokenError::Malformed("it does not have three segments")))]
#[case::two_segments(|token: String| token.rsplit_once('.').unwrap().0.to_owned(), Err(TokenError::Malformed("it does not have three segments")))]
#[case::four_segments(|token| format!("{token}.e30"), Err(TokenError::Malformed("it does not have three segments")))]
#[case::no_signature(|token: String| format!("{}.", token.rsplit_once('.').unwrap().0), Err(TokenError::Signature))]
#[case::truncated(|mut token: String| { token.truncate(token.len() - 2); token }, Err(TokenError::Signature))]
#[case::padded(|token: String| format!("{token}=="), Err(TokenError::Malformed("a segment is not base64url without padding")))]
#[case::standard_alphabet(|token: String| token.replacen('.', "+.", 1), Err(TokenError::Malformed("a segment is not base64url without padding")))]
#[case::space(|token| format!(" {token}"), Err(TokenError::Malformed("a segment is not base64url without padding")))]
#[case::long(|token| format!("{token}{}", "A".repeat(20_000)), Err(TokenError::TooLong))]
#[tokio::test]
async fn the_form_is_checked(
    #[case] change: fn(String) -> String,
    #[case] expected: Result<(), TokenError>,
) {
    assert_eq!(verify(&change(RSA.token(&header(), &claims(NOW)))).await, expected);
}

#[tokio::test]
async fn a_padded_header_is_refused() {
    let text = with(header(), json!({"x": "1"})).to_string();
    assert!(URL_SAFE.encode(&text).ends_with('='), "the test needs a header that is padded");
    let signed =
        format!("{}.{}", URL_SAFE.encode(text), URL_SAFE_NO_PAD.encode(claims(NOW).to_string()));
    let token = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(RSA.sign(&signed)));
    assert_eq!(
        verify(&token).await,
        Err(TokenError::Malformed("a segment is not base64url without padding"))
    );
}

#[rstest]
#[case::issuer(r#"{"iss":"https://evil.example","iss":"https://issuer.example/oauth2/default","exp":9999999999}"#, "iss")]
#[case::audience(
    r#"{"iss":"https://issuer.example/oauth2/default","aud":"a","aud":"b","exp":9999999999}"#,
    "aud"
)]
#[tokio::test]
async fn a_claim_that_occurs_twice_is_refused(#[case] claims: &str, #[case] name: &str) {
    let token = RSA.token_of_texts(&header().to_string(), claims);
    assert_eq!(verify(&token).await, Err(TokenError::DuplicateClaim(name.into())));
}

#[tokio::test]
async fn a_header_member_that_occurs_twice_is_refused() {
    let header = r#"{"alg":"RS256","kid":"k2","kid":"k1"}"#;
    let token = RSA.token_of_texts(header, &claims(NOW).to_string());
    assert_eq!(verify(&token).await, Err(TokenError::DuplicateClaim("kid".into())));
    let token = RSA.token_of_texts(r#"{"alg":"RS256","kid":"k1"}"#, &claims(NOW).to_string());
    assert_eq!(verify(&token).await, Ok(()));
}

#[tokio::test]
async fn changed_claims_and_foreign_signatures_are_refused() {
    let good = RSA.token(&header(), &claims(NOW));
    let changed = with(claims(NOW), json!({"sub": "mallory"})).to_string();
    let parts: Vec<_> = good.split('.').collect();
    let tampered = format!("{}.{}.{}", parts[0], URL_SAFE_NO_PAD.encode(changed), parts[2]);
    assert_eq!(verify(&tampered).await, Err(TokenError::Signature));
    let foreign = OTHER_RSA.token(&header(), &claims(NOW));
    assert_eq!(verify(&foreign).await, Err(TokenError::Signature));
    assert_eq!(verify(&good).await, Ok(()));
}

#[rstest]
#[case::no_use(json!({"use": null}), Ok(()))]
#[case::no_algorithm(json!({"alg": null}), Ok(()))]
#[case::verifies(json!({"key_ops": ["verify"]}), Ok(()))]
#[case::encryption(json!({"use": "enc"}), Err(TokenError::UnknownKey))]
#[case::other_algorithm(json!({"alg": "RS384"}), Err(TokenError::UnknownKey))]
#[case::only_signs(json!({"key_ops": ["sign"]}), Err(TokenError::UnknownKey))]
#[tokio::test]
async fn a_key_serves_its_own_purpose_only(
    #[case] change: Value,
    #[case] expected: Result<(), TokenError>,
) {
    let issuers = issuers(&[with(RSA.jwk("k1"), change)]);
    let token = RSA.token(&header(), &claims(NOW));
    assert_eq!(issuers.verify(&token, &rules()).await.map(drop), expected);
}

#[tokio::test]
async fn a_curve_counts_only_where_it_is_allowed() {
    let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let point = key.public_key().as_ref()[1..].to_vec();
    let jwk = json!({
        "kty": "EC", "crv": "P-256", "kid": "k1", "use": "sig",
        "x": URL_SAFE_NO_PAD.encode(&point[..32]), "y": URL_SAFE_NO_PAD.encode(&point[32..]),
    });
    let signed =
        signed(&with(header(), json!({"alg": "ES256"})).to_string(), &claims(NOW).to_string());
    let random = aws_lc_rs::rand::SystemRandom::new();
    let signature = key.sign(&random, signed.as_bytes()).unwrap();
    let token = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature));
    let issuers = issuers(&[jwk]);
    assert_eq!(issuers.verify(&token, &rules()).await, Err(TokenError::Algorithm("ES256".into())));
    let both = Rules { algorithms: &[Algorithm::RS256, Algorithm::ES256], ..rules() };
    assert!(issuers.verify(&token, &both).await.is_ok());
    // The same key does not serve another family's algorithm.
    let token = RSA.token(&header(), &claims(NOW));
    assert_eq!(issuers.verify(&token, &both).await, Err(TokenError::UnknownKey));
}

#[tokio::test]
async fn two_keys_of_one_id_are_refused() {
    let token = RSA.token(&header(), &claims(NOW));
    let twice = issuers(&[OTHER_RSA.jwk("k1"), RSA.jwk("k1")]);
    assert_eq!(twice.verify(&token, &rules()).await, Err(TokenError::AmbiguousKey));
    let several = issuers(&[OTHER_RSA.jwk("k0"), RSA.jwk("k1")]);
    assert!(several.verify(&token, &rules()).await.is_ok());
}

#[tokio::test]
async fn a_token_without_a_key_id_needs_one_fitting_key_and_leave() {
    let token = RSA.token(&with(header(), json!({"kid": null})), &claims(NOW));
    let lenient = Rules { require_kid: false, ..rules() };
    let one = issuers(&[RSA.jwk("k1")]);
    assert_eq!(one.verify(&token, &rules()).await, Err(TokenError::UnknownKey));
    assert!(one.verify(&token, &lenient).await.is_ok());
    let two = issuers(&[RSA.jwk("k1"), OTHER_RSA.jwk("k2")]);
    assert_eq!(two.verify(&token, &lenient).await, Err(TokenError::AmbiguousKey));
}

#[tokio::test]
async fn shared_keys_rotate_at_once() {
    let shared = SharedKeys::new(keys(&[RSA.jwk("k1")]));
    let issuers = Issuers::new(vec![(ISSUER.into(), KeySource::Keys(shared.clone()))]);
    let old = RSA.token(&header(), &claims(NOW));
    let new = OTHER_RSA.token(&with(header(), json!({"kid": "k2"})), &claims(NOW));
    assert!(issuers.verify(&old, &rules()).await.is_ok());
    assert_eq!(issuers.verify(&new, &rules()).await, Err(TokenError::UnknownKey));
    shared.replace(keys(&[OTHER_RSA.jwk("k2")]));
    assert_eq!(issuers.verify(&old, &rules()).await, Err(TokenError::UnknownKey));
    assert!(issuers.verify(&new, &rules()).await.is_ok());
}

#[test]
fn the_unverified_issuer_is_read_strictly() {
    let token = RSA.token(&header(), &claims(NOW));
    assert_eq!(unverified_issuer(&token).unwrap(), ISSUER);
    let none = RSA.token(&header(), &with(claims(NOW), json!({"iss": null})));
    assert_eq!(unverified_issuer(&none), Err(TokenError::MissingClaim("iss")));
    assert_eq!(
        unverified_issuer("x"),
        Err(TokenError::Malformed("it does not have three segments"))
    );
}

#[tokio::test]
async fn debug_and_errors_show_no_token() {
    let printed = format!("{:?}", issuers(&[RSA.jwk("k1")]));
    assert_eq!(printed, format!("{{{ISSUER:?}: Keys(SharedKeys(1 keys))}}"));
    let token = OTHER_RSA.token(&header(), &claims(NOW));
    let error = verify(&token).await.unwrap_err();
    for part in token.split('.') {
        assert!(!format!("{error} {error:?}").contains(part));
    }
}

/// A discovery server on loopback: counts its requests and answers each path
/// with what `answers` gives for it.
struct Server {
    issuer: String,
    requests: Arc<AtomicUsize>,
}

impl Server {
    async fn start(answers: impl Fn(&str, &str) -> Option<String> + Send + Sync + 'static) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(AtomicUsize::new(0));
        let (own, counter) = (issuer.clone(), Arc::clone(&requests));
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut request = [0; 2048];
                let read = stream.read(&mut request).await.unwrap_or(0);
                let request = String::from_utf8_lossy(&request[..read]).into_owned();
                let path = request.split(' ').nth(1).unwrap_or_default();
                counter.fetch_add(1, Ordering::SeqCst);
                let (status, body) = match answers(&own, path) {
                    Some(body) => ("200 OK", body),
                    None => ("404 Not Found", String::new()),
                };
                let answer = format!(
                    "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                    body.len()
                );
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        Self { issuer, requests }
    }

    fn token(&self, key: &RsaKey, kid: &str) -> String {
        let claims = with(claims(NOW), json!({"iss": self.issuer}));
        key.token(&with(header(), json!({"kid": kid})), &claims)
    }

    fn rules(&self, now: OffsetDateTime) -> Rules<'_> {
        Rules { issuer: &self.issuer, now, ..rules() }
    }

    /// Issuers of which this one is configured.
    fn configured(&self) -> Issuers {
        Issuers::new(vec![(self.issuer.clone(), KeySource::Discovery)])
    }

    fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

fn configuration(issuer: &str) -> String {
    json!({"issuer": issuer, "jwks_uri": format!("{issuer}/keys")}).to_string()
}

#[tokio::test]
async fn discovered_keys_are_cached_and_fetched_anew_for_an_unknown_key() {
    let served = SharedKeys::new(keys(&[RSA.jwk("k1")]));
    let current = served.clone();
    let server = Server::start(move |own, path| match path {
        "/.well-known/openid-configuration" => Some(configuration(own)),
        "/keys" => Some(serde_json::to_string(&current.current()).unwrap()),
        _ => None,
    })
    .await;
    let issuers = server.configured();
    let old = server.token(&RSA, "k1");
    let new = server.token(&OTHER_RSA, "k2");
    assert!(issuers.verify(&old, &server.rules(NOW)).await.is_ok());
    assert!(issuers.verify(&old, &server.rules(NOW)).await.is_ok());
    assert_eq!(server.requests(), 2);

    // Unknown keys make no request until the interval is over.
    served.replace(keys(&[OTHER_RSA.jwk("k2")]));
    let soon = NOW + Duration::seconds(4);
    assert_eq!(issuers.verify(&new, &server.rules(soon)).await, Err(TokenError::UnknownKey));
    assert_eq!(server.requests(), 2);
    let later = NOW + Duration::seconds(5);
    assert!(issuers.verify(&new, &server.rules(later)).await.is_ok());
    assert_eq!(server.requests(), 4);
    // The old key went with the new set; the refusal costs no further request.
    assert_eq!(issuers.verify(&old, &server.rules(later)).await, Err(TokenError::UnknownKey));
    assert_eq!(server.requests(), 4);
}

#[rstest]
#[case::another_issuer(|own: &str| json!({"issuer": format!("{own}/"), "jwks_uri": format!("{own}/keys")}), "the discovery document is another issuer's")]
#[case::keys_elsewhere_without_tls(|own: &str| json!({"issuer": own, "jwks_uri": "http://example.com/keys"}), "only https, or http on loopback, is asked for keys")]
#[case::keys_in_a_file(|own: &str| json!({"issuer": own, "jwks_uri": "file:///etc/passwd"}), "only https, or http on loopback, is asked for keys")]
#[tokio::test]
async fn a_wrong_discovery_document_is_refused(
    #[case] document: fn(&str) -> Value,
    #[case] why: &str,
) {
    let server = Server::start(move |own, _| Some(document(own).to_string())).await;
    let token = server.token(&RSA, "k1");
    let issuers = server.configured();
    let refused = Err(TokenError::KeysUnavailable(why.into()));
    assert_eq!(issuers.verify(&token, &server.rules(NOW)).await, refused);
    // Asked again at once, it does not ask again.
    assert_eq!(issuers.verify(&token, &server.rules(NOW)).await, refused);
    assert_eq!(server.requests(), 1);
}

#[tokio::test]
async fn a_key_set_has_a_size() {
    let server = Server::start(|own, path| match path {
        "/.well-known/openid-configuration" => Some(configuration(own)),
        _ => Some(" ".repeat(150_001)),
    })
    .await;
    let token = server.token(&RSA, "k1");
    let why = format!("`{}/keys` answers with more than 150000 bytes", server.issuer);
    assert_eq!(
        server.configured().verify(&token, &server.rules(NOW)).await,
        Err(TokenError::KeysUnavailable(why))
    );
}

#[tokio::test]
async fn an_issuer_without_tls_elsewhere_is_not_asked() {
    assert_eq!(
        Issuers::new(Vec::new()).reach("http://example.com", NOW).await,
        Err(TokenError::KeysUnavailable(NOT_CONFIGURED.into()))
    );
    assert_eq!(issuers(&[RSA.jwk("k1")]).reach(ISSUER, NOW).await, Ok(()));
}

const NOT_CONFIGURED: &str = "an issuer that is not configured is asked for keys by https alone, and \
                              not on this machine or in a private network";

#[tokio::test]
async fn an_issuer_on_this_machine_that_only_a_call_names_is_not_asked() {
    let server = Server::start(|own, path| match path {
        "/.well-known/openid-configuration" => Some(configuration(own)),
        _ => Some(serde_json::to_string(&keys(&[RSA.jwk("k1")])).unwrap()),
    })
    .await;
    let token = server.token(&RSA, "k1");
    assert_eq!(
        Issuers::new(Vec::new()).verify(&token, &server.rules(NOW)).await,
        Err(TokenError::KeysUnavailable(NOT_CONFIGURED.into()))
    );
    assert_eq!(server.requests(), 0);
    assert!(server.configured().verify(&token, &server.rules(NOW)).await.is_ok());
}
