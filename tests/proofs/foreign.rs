//! A foreign client (boto3) gets AWS's answers.

use ringfence::config::{App, IssuerKind};
use ringfence::issuers::{GithubRun, Grant, SigningKey, unsigned};
use ringfence::stack::Stack;
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};

use crate::stack::{python, with_empty_account};

/// The questions' setting: where to ask, and tokens good and bad.
fn setting(stack: &Stack) -> Value {
    let now = OffsetDateTime::now_utc();
    let okta = stack.issuer(IssuerKind::Okta).unwrap();
    let github = stack.issuer(IssuerKind::Github).unwrap();
    let subject = "ada@example.com";
    let claims = okta.access_claims(&Grant::user(subject, &["read".into()]), now);
    let with = |changes: &[(&str, Value)]| {
        let mut claims = claims.clone();
        for (name, value) in changes {
            claims.insert((*name).to_owned(), value.clone());
        }
        claims
    };
    let at = |offset: Duration| json!((now + offset).unix_timestamp());
    let expired = with(&[("iat", at(Duration::hours(-2))), ("exp", at(Duration::hours(-1)))]);
    let run = |repository: &str, branch: &str| {
        let app: App = toml::from_str(&format!(
            "name = '{repository}'\ndirectory = '.'\nrepository = 'acme/{repository}'\n\
             ref = 'refs/heads/{branch}'"
        ))
        .unwrap();
        GithubRun::of(&app, None)
    };
    let workflow = |repository, branch, audience| {
        github.github_token(&run(repository, branch), audience, now).unwrap()
    };
    let root = stack.root();
    json!({
        "endpoint": stack.endpoint().as_str(),
        "root": {
            "AccessKeyId": root.access_key_id,
            "SecretAccessKey": root.secret_access_key.expose(),
        },
        "region": stack.config().account.region.as_str(),
        "account": stack.config().account.id.as_str(),
        "api_host": "{api}.execute-api.us-east-1.amazonaws.com",
        "okta_issuer": okta.url,
        "okta_audience": okta.audience,
        "tokens": {
            "subject": subject,
            "valid": okta.sign(&claims).unwrap(),
            "malformed": "x.y.z",
            "expired": okta.sign(&expired).unwrap(),
            "wrong issuer":
                okta.sign(&with(&[("iss", json!("https://evil.example.com"))])).unwrap(),
            "wrong audience": okta.sign(&with(&[("aud", json!("api://other"))])).unwrap(),
            "alg none": unsigned(&claims),
            "unknown key": okta
                .sign_with_foreign_key(&SigningKey::generate().unwrap(), false, &claims)
                .unwrap(),
        },
        "github": {
            "a": workflow("a", "main", "sts.amazonaws.com"),
            "b": workflow("b", "main", "sts.amazonaws.com"),
            "a branch": workflow("a", "feature", "sts.amazonaws.com"),
            "a audience": workflow("a", "main", "https://github.com/acme"),
        },
    })
}

#[test]
fn boto3_gets_awss_answer_to_every_question() {
    with_empty_account(async |stack| {
        let answers = python(stack, "foreign/questions.py", &setting(stack)).await;
        let wrong: Vec<String> = answers
            .iter()
            .filter(|answer| answer["agrees"] != true)
            .map(Value::to_string)
            .collect();
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        assert_eq!(answers.len(), 38);
    });
}
