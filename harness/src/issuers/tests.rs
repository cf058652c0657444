use std::path::Path;

use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use rstest::rstest;

use super::*;
use crate::config::Config;

fn config() -> Config {
    let text = include_str!("../../../docs/ringfence.example.toml");
    Config::parse(text, Path::new("ringfence.toml")).unwrap()
}

fn issuer(kind: IssuerKind) -> Issuer {
    Issuer::new(config().issuer(kind).unwrap()).unwrap()
}

/// Verifies with a library of somebody else's, against what is published.
fn verified(issuer: &Issuer, token: &str) -> Option<Map<String, Value>> {
    let kid = jsonwebtoken::decode_header(token).unwrap().kid.unwrap();
    let published = issuer.shared_keys().current();
    let key = DecodingKey::from_jwk(published.find(&kid)?).unwrap();
    let mut validation = Validation::new(Algorithm::RS256);
    validation.validate_aud = false;
    jsonwebtoken::decode::<Map<String, Value>>(token, &key, &validation)
        .ok()
        .map(|data| data.claims)
}

#[test]
fn an_access_token_looks_like_oktas_and_verifies() {
    let issuer = issuer(IssuerKind::Okta);
    let now = OffsetDateTime::now_utc();
    let claims = verified(&issuer, &issuer.access_token(now).unwrap()).unwrap();
    assert_eq!(claims["iss"], "https://example.okta.com/oauth2/default");
    assert_eq!(claims["aud"], "api://platform");
    assert_eq!(claims["scp"], json!(["service-a", "service-b"]));
    assert_eq!(claims["ver"], 1);
    assert_eq!(claims["exp"], now.unix_timestamp() + 3600);
    assert!(claims["jti"].as_str().unwrap().starts_with("AT."));
    assert!(!claims.contains_key("client_id") && !claims.contains_key("nbf"));
    let machine = issuer.access_claims(&Grant::machine("0oamachine", &[]), now);
    assert_eq!(machine["sub"], "0oamachine");
    assert!(!machine.contains_key("uid"));
}

#[test]
fn a_rotated_key_verifies_until_it_is_retired() {
    let issuer = issuer(IssuerKind::Okta);
    let now = OffsetDateTime::now_utc();
    let old = issuer.access_token(now).unwrap();
    issuer.rotate().unwrap();
    let new = issuer.access_token(now).unwrap();
    assert!(verified(&issuer, &old).is_some() && verified(&issuer, &new).is_some());
    issuer.retire();
    assert!(verified(&issuer, &old).is_none());
    assert!(verified(&issuer, &new).is_some());
}

#[rstest]
#[case::branch(None, "push", false, "repo:o/r:ref:refs/heads/main")]
#[case::pull_request(None, "pull_request", false, "repo:o/r:pull_request")]
#[case::environment(
    Some("Production:V1"),
    "pull_request",
    false,
    "repo:o/r:environment:Production%3AV1"
)]
#[case::immutable(None, "push", true, "repo:o@11/r@22:ref:refs/heads/main")]
fn githubs_subject_has_both_forms(
    #[case] environment: Option<&str>,
    #[case] event: &str,
    #[case] immutable: bool,
    #[case] expected: &str,
) {
    let text = "[[apps]]\nname='a'\ndirectory='a'\nrepository='o/r'\nowner_id=11\nrepository_id=22";
    let config = Config::parse(text, Path::new("r.toml")).unwrap();
    let mut run = GithubRun::of(config.app("a").unwrap(), environment);
    run.event = event.to_owned();
    run.immutable_subject = immutable;
    assert_eq!(run.subject(), expected);
    let claims = run.claims("https://i", "sts.amazonaws.com", OffsetDateTime::now_utc());
    // Only `sub` has the ids; the other claims keep the names.
    assert_eq!(claims["repository"], "o/r");
    assert_eq!(claims["repository_owner_id"], "11");
    assert_eq!(claims["job_workflow_ref"], "o/r/.github/workflows/deploy.yml@refs/heads/main");
}

#[test]
fn a_github_token_is_good_for_five_minutes_and_its_ids_are_text() {
    let issuer = issuer(IssuerKind::Github);
    let now = OffsetDateTime::now_utc();
    let run = GithubRun::of(config().app("service-a").unwrap(), None);
    let token = issuer.github_token(&run, "sts.amazonaws.com", now).unwrap();
    let claims = verified(&issuer, &token).unwrap();
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 300);
    for name in ["run_id", "actor_id", "repository_id", "run_attempt", "ref_protected"] {
        assert!(claims[name].is_string(), "{name}");
    }
}

#[test]
fn forged_tokens_do_not_verify() {
    let issuer = issuer(IssuerKind::Okta);
    let now = OffsetDateTime::now_utc();
    let claims = issuer.access_claims(&Grant::user("eve@example.com", &[]), now);
    let foreign = SigningKey::generate().unwrap();
    let good = issuer.access_token(now).unwrap();
    for token in [
        issuer.sign_with_foreign_key(&foreign, true, &claims).unwrap(),
        issuer.sign_with_foreign_key(&foreign, false, &claims).unwrap(),
        hmac_with_public_key(&issuer, &claims),
        with_payload(&good, &claims),
    ] {
        assert!(verified(&issuer, &token).is_none(), "{token}");
    }
    assert!(unsigned(&claims).ends_with('.'));
}
