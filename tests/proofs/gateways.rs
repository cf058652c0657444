//! What API Gateway answers a client, and what the functions behind it do: REST APIs
//! with each of their authorizers, and a function of each runtime behind both kinds of
//! APIs, at a queue and within its boundary.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use ringfence::attacks::{Part, Suite, Verdict};
use ringfence::issuers::{Grant, SigningKey};
use ringfence::stack::Stack;
use serde_json::{Map, Value, json};
use time::{Duration, OffsetDateTime};

use crate::stack::{python, with_estate};

/// A user pool's tokens are made here: no upstream needs to issue any.
const POOL: &str = "us-east-1_Ringfence";

/// An account with nothing in it but an issuer.
fn account(into: &std::path::Path) -> PathBuf {
    let file = into.join("ringfence.toml");
    let text = format!(
        "[account]\nid = \"123456789012\"\nregion = \"us-east-1\"\n\n[[issuers]]\nkind = \"cognito\"\n\
         url = \"https://cognito-idp.us-east-1.amazonaws.com/{POOL}\"\naudience = \"client\"\n\
         scopes = [\"orders/read\"]\n"
    );
    fs::write(&file, text).unwrap();
    file
}

fn setting(stack: &Stack) -> Value {
    let access = stack.root();
    json!({
        "endpoint": stack.endpoint().as_str(),
        "region": stack.config().account.region.as_str(),
        "account": stack.config().account.id.as_str(),
        "pool": POOL,
        "root": {
            "AccessKeyId": access.access_key_id,
            "SecretAccessKey": access.secret_access_key.expose(),
        },
    })
}

fn with(claims: &Map<String, Value>, changes: Value) -> Map<String, Value> {
    let mut claims = claims.clone();
    claims.extend(changes.as_object().unwrap().clone());
    claims
}

/// Tokens of the pool, good and bad.
fn tokens(stack: &Stack) -> Value {
    let issuer = &stack.issuers()[0];
    let now = OffsetDateTime::now_utc();
    let grant = |scope: &str| Grant::user("someone", &[scope.to_owned()]);
    let access = issuer.access_claims(&grant("orders/read"), now);
    let identity = with(&access, json!({"token_use": "id", "aud": "client"}));
    let hour = |hours| (now + Duration::hours(hours)).unix_timestamp();
    let sign = |claims: &Map<String, Value>| issuer.sign(claims).unwrap();
    let stranger = SigningKey::of_a_stranger().unwrap();
    json!({
        "identity": sign(&identity),
        "access": sign(&access),
        "other-scope": sign(&issuer.access_claims(&grant("orders/write"), now)),
        "expired": sign(&with(&identity, json!({"iat": hour(-2), "exp": hour(-1)}))),
        "other-issuer": sign(&with(&identity, json!({"iss": "https://issuer.example.com"}))),
        "forged": issuer.sign_with_foreign_key(stranger, true, &identity).unwrap(),
    })
}

fn assert_all(answers: &[Value], count: usize) {
    let wrong = answers.iter().filter(|answer| answer["observed"] != answer["expected"]);
    let wrong: Vec<String> = wrong.map(Value::to_string).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(answers.len(), count, "{answers:#?}");
}

#[test]
fn boto3_makes_rest_apis_whose_clients_meet_each_authorizer() {
    with_estate(false, account, async |stack| {
        let mut setting = setting(stack);
        setting["tokens"] = tokens(stack);
        let answers = python(stack, "gateways/requests.py", &setting).await;
        assert_all(&answers, 25);
        probed(stack).await;
    });
}

/// The probes meet the same APIs: what is guarded holds, and what is not fails.
async fn probed(stack: &Stack) {
    let suite = Suite::of(stack).await.unwrap();
    let all = suite.run(Part::Tokens).await.unwrap();
    let ids: BTreeSet<String> = all.iter().map(|it| it.id.clone()).collect();
    assert_eq!(ids, suite.ids(Part::Tokens).unwrap().into_iter().collect());
    let mut told = String::new();
    for finding in &all {
        if finding.verdict == Verdict::Held {
            continue;
        }
        let reason = finding.reason.as_deref().unwrap_or_default();
        told.push_str(&format!("{} {:?} {reason}\n", finding.id, finding.verdict));
    }
    assert_eq!(
        told,
        "client/route-guarded/GET /closed@rest:policy Failed its authorization is NONE\n\
         client/route-guarded/GET /open@rest:policy Failed its authorization is NONE\n\
         client/made-up-identity/GET /function@rest:requests NotRun it is refused with 403, and \
         no identity that passes is known\n"
    );
    for name in [
        "no-identity/GET /function",
        "no-signature/GET /iam",
        "signed-by-nobody/GET /iam",
        "no-api-key/GET /key",
        "made-up-api-key/GET /key",
        "api-key-of-no-plan/GET /key",
        "no-token/GET /pool",
        "unknown-key/GET /pool",
        "expired/GET /pool",
        "access-token/GET /pool",
        "valid/GET /pool",
        "no-scope/GET /scoped",
        "identity-token/GET /scoped",
        "valid/GET /scoped",
    ] {
        let id = format!("client/{name}@rest:requests");
        assert!(all.iter().any(|it| it.id == id && it.verdict == Verdict::Held), "{id}");
    }
}

/// `bootstrap` is a program of the shell's, and one in Rust: whatever can be executed is one.
#[test]
fn functions_of_each_runtime_answer_behind_both_apis_poll_a_queue_and_meet_their_boundary() {
    with_estate(false, account, async |stack| {
        let mut setting = setting(stack);
        setting["rust"] = json!(example("bootstrap"));
        let answers = python(stack, "gateways/runtimes.py", &setting).await;
        // For each runtime: two APIs, what the boundary refuses and its twin, a queue.
        assert_all(&answers, 4 * 5);
    });
}

/// An example of this package, which `cargo test` builds beside this very program.
fn example(name: &str) -> PathBuf {
    let own = std::env::current_exe().unwrap();
    let built = own.ancestors().nth(2).unwrap().join("examples").join(name);
    assert!(built.is_file(), "`{}` is not built: run the tests by cargo", built.display());
    built
}
