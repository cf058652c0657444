//! The policy engine's corpus over the road of a real call: each case's
//! principal, with its policies, boundary, session and service control
//! policies, calls a guard over HTTP, signed; the answer and the journal must
//! say what the case's page says. A document that AWS refuses is sent to be
//! stored; a context that nobody can have goes to the policy simulator. What
//! remains is counted by the reason, so that none drops out unseen.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "tests, and what they share"
)]

mod expressed;
mod simulated;
mod stored;
mod upstream;
mod web_identity;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use expressed::{Caller, Expressed, Perimeter, Signer, express};
use futures_util::StreamExt;
use futures_util::stream;
use http::StatusCode;
use ringfence_guard::journal::{Check, Ending};
use ringfence_guard::{Config, Guard};
use ringfence_services::Credentials;
use ringfence_services::client::Client;
use ringfence_services::credentials::{FederatedUser, Identity, LongTerm, RoleSession};
use ringfence_services::token::KeySource;
use ringfence_wire::{Secret, Service};
use serde_json::{Map, Value};
use simulated::{Simulated, simulate};
use stored::{Stored, store};
use time::{Duration, OffsetDateTime};
use upstream::{BOUNDARY, Upstream, World, id};

/// What cannot come to a guard, as it does not come to AWS. More may become
/// calls, never fewer.
const NO_CALLS: [(&str, usize); 8] = [
    ("a key that stands twice in the context: no call has such", 1),
    ("a resource of another account: a guard guards one", 3),
    ("a service as the caller: it has no key to call with", 14),
    ("a caller of another account: it has no key here", 2),
    ("a global condition key of another value than the call has", 1),
    ("a token without an audience: STS refuses it before any policy", 1),
    ("an action of which this test makes no call", 5),
    ("a condition key that the call does not carry", 1),
];

/// How a case comes to the guard.
enum Road {
    /// As the call that it describes.
    Call(Box<Expressed>),
    /// As the call that would store its document, which AWS refuses.
    Stored(Stored),
    /// As a guard's configuration, which starts none.
    Configured(Perimeter),
    /// As a question to the policy simulator.
    Simulated(Simulated),
}

impl Road {
    fn name(&self) -> &'static str {
        match self {
            Self::Call(_) => "calls",
            Self::Stored(_) => "documents to be stored",
            Self::Configured(_) => "configurations",
            Self::Simulated(_) => "questions to the simulator",
        }
    }
}

fn road(case: &Map<String, Value>) -> Result<Road, &'static str> {
    let policies = case.get("policies").and_then(Value::as_object);
    if case["expect"].get("error").is_some() {
        let perimeter = policies.map(Perimeter::of).unwrap_or_default();
        if !perimeter.is_none() {
            return Ok(Road::Configured(perimeter));
        }
        return store(case).map(Road::Stored);
    }
    express(case)
        .map(|expressed| Road::Call(Box::new(expressed)))
        .or_else(|reason| simulate(case).map(Road::Simulated).map_err(|_| reason))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_guard_decides_as_the_page_says_wherever_the_case_is_a_call() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../policy/corpus");
    let mut paths = Vec::new();
    files(&root, &mut paths);
    let mut no_calls: BTreeMap<&str, usize> = BTreeMap::new();
    let mut roads: BTreeMap<&str, usize> = BTreeMap::new();
    let mut calls = Vec::new();
    for path in &paths {
        let text = std::fs::read_to_string(path).unwrap();
        let case: Map<String, Value> = serde_json::from_str(&text).unwrap();
        match road(&case) {
            Ok(road) => {
                *roads.entry(road.name()).or_default() += 1;
                calls.push((path, case, road));
            }
            Err(reason) => *no_calls.entry(reason).or_default() += 1,
        }
    }
    println!("{} cases: {roads:#?}, and none: {no_calls:#?}", paths.len());
    assert_eq!(no_calls, BTreeMap::from(NO_CALLS));
    let simulator = Stage::start(World::default(), Perimeter::default(), Vec::new()).await;
    let simulator = &simulator;
    let wrong: Vec<String> = stream::iter(calls)
        .map(|(path, case, road)| async move {
            let wrong = match road {
                Road::Call(expressed) => run(&case, *expressed).await,
                Road::Stored(stored) => run_stored(&case, &stored).await,
                Road::Configured(perimeter) => run_configured(&case, perimeter).await,
                Road::Simulated(simulated) => run_simulated(simulator, &case, &simulated).await,
            };
            wrong.map(|wrong| format!("{}: {wrong}", path.display()))
        })
        .buffer_unordered(4)
        .filter_map(|wrong| async { wrong })
        .collect()
        .await;
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// All files below a directory, in order.
fn files(directory: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> =
        std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        match path.is_dir() {
            true => files(&path, found),
            false => found.push(path),
        }
    }
}

/// A guard over a world, and what must live as long as it.
struct Stage {
    guard: Guard,
    client: Client,
    _upstream: Upstream,
    _directory: tempfile::TempDir,
}

impl Stage {
    async fn start(world: World, perimeter: Perimeter, issuers: Vec<(String, KeySource)>) -> Self {
        let upstream = Upstream::start(world).await;
        let directory = tempfile::tempdir().unwrap();
        let config = config(&upstream, directory.path(), perimeter);
        let guard = Guard::start(Config { issuers, ..config }).await.unwrap();
        let client = Client::new(guard.setting().clone());
        Self { guard, client, _upstream: upstream, _directory: directory }
    }

    /// Calls without a signature.
    async fn unsigned(&self, request: reqwest::RequestBuilder) -> StatusCode {
        let answer = request.send().await.unwrap();
        StatusCode::from_u16(answer.status().as_u16()).unwrap()
    }
}

fn config(upstream: &Upstream, directory: &Path, perimeter: Perimeter) -> Config {
    let Perimeter { service_control, resource_control, vpc_endpoint } = perimeter;
    Config {
        account_id: "123456789012".into(),
        region: "eu-west-1".into(),
        port: 0,
        reach: ringfence_guard::Reach::Loopback,
        root: root_key(),
        upstream: upstream.url.clone().into(),
        issuers: Vec::new(),
        service_control,
        resource_control,
        membership: None,
        other_accounts: Vec::new(),
        vpc_endpoints: vpc_endpoint.into_iter().collect(),
        journal: None,
        interpreters: ringfence_services::setting::Interpreters::default(),
        record: false,
        mode: ringfence_guard::Mode::Enforce,
        work_dir: directory.join("work"),
    }
}

/// Starts a guard with the policies, which must not come about.
async fn run_configured(case: &Map<String, Value>, perimeter: Perimeter) -> Option<String> {
    let upstream = Upstream::start(World::default()).await;
    let directory = tempfile::tempdir().unwrap();
    let started = Guard::start(config(&upstream, directory.path(), perimeter)).await;
    let told = match started {
        Ok(_) => "a guard starts".to_owned(),
        Err(error) => {
            std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string)
        }
    };
    let expected = case["expect"]["error"].as_str().unwrap();
    let expected = expected.split_once("]: ").map_or(expected, |(_, error)| error);
    (!told.contains(expected)).then_some(told)
}

/// Makes the call that would store the document, and then the same with one
/// that may be stored; what differs from the case, if anything does.
async fn run_stored(case: &Map<String, Value>, stored: &Stored) -> Option<String> {
    let stage = Stage::start(World::default(), Perimeter::default(), Vec::new()).await;
    let send = async |document: &str| {
        let (input, payload) = stored.call(document);
        let (key, client) = (root_key(), &stage.client);
        let answer = client.exchange(&key, stored.service, stored.operation, input, payload).await;
        let answer = answer.unwrap();
        (answer.status(), String::from_utf8(answer.body().to_vec()).unwrap())
    };
    let (status, body) = send(&stored.document).await;
    let entry = stage.guard.journal().entries_since(0).last().unwrap().clone();
    // `decide` says which document of the line it is; here there is but one.
    let expected = case["expect"]["error"].as_str().unwrap();
    let expected = expected.strip_prefix("resource: ").unwrap_or(expected);
    // The client is told in the service's own words; the journal has the engine's.
    let explanation = entry.explanation.as_deref().unwrap_or_default();
    let told = body.contains(&format!("<Code>{}</Code>", stored.code))
        && (unescaped(&body).contains(expected) || explanation.contains(expected));
    if status != StatusCode::BAD_REQUEST || !told || entry.outcome != Ending::Refused {
        return Some(format!("{status}, {:?}: {body}", entry.outcome));
    }
    let (status, body) = send(&stored.twin).await;
    (!status.is_success()).then(|| format!("the twin: {status}: {body}"))
}

fn unescaped(xml: &str) -> String {
    let entities =
        [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&amp;", "&")];
    entities.iter().fold(xml.to_owned(), |text, (entity, plain)| text.replace(entity, plain))
}

/// Asks the simulator; what differs from the case, if anything does.
async fn run_simulated(
    stage: &Stage,
    case: &Map<String, Value>,
    simulated: &Simulated,
) -> Option<String> {
    let input = simulated.input.clone();
    let answer = stage.client.call(&root_key(), Service::Iam, "SimulateCustomPolicy", input).await;
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) => return Some(format!("the simulator refuses: {error}")),
    };
    let result = &answer["EvaluationResults"][0];
    let wrong = simulated::differences(case, simulated, result);
    (!wrong.is_empty()).then(|| format!("{}\n  {result}", wrong.join("; ")))
}

/// Makes the call; what differs from the case, if anything does.
async fn run(case: &Map<String, Value>, expressed: Expressed) -> Option<String> {
    let Expressed { caller, world, perimeter, service, operation, mut input } = expressed;
    let issuers = match &caller {
        Caller::WebIdentity(bearer) => vec![bearer.keys()],
        _ => Vec::new(),
    };
    let stage = Stage::start(world, perimeter, issuers).await;
    let endpoint = stage.guard.endpoint().clone();
    let plain = reqwest::Client::builder().no_proxy().build().unwrap();
    let status = match caller {
        Caller::Anonymous => {
            let (bucket, key) = (input["Bucket"].as_str().unwrap(), input["Key"].as_str().unwrap());
            let url = format!("{endpoint}{bucket}/{key}");
            let request = if operation == "PutObject" { plain.put(url) } else { plain.get(url) };
            stage.unsigned(request).await
        }
        Caller::WebIdentity(bearer) => {
            input["WebIdentityToken"] = bearer.token().into();
            input["Action"] = operation.into();
            input["Version"] = "2011-06-15".into();
            let mut form = url::form_urlencoded::Serializer::new(String::new());
            for (name, value) in input.as_object().unwrap() {
                form.append_pair(name, value.as_str().unwrap());
            }
            let request = plain
                .post(endpoint)
                .header("content-type", "application/x-www-form-urlencoded")
                .body(form.finish());
            stage.unsigned(request).await
        }
        Caller::Signer(signer) => {
            let key = credentials(&stage.guard, signer);
            let answer = stage.client.exchange(&key, service, operation, input, None).await;
            answer.unwrap().status()
        }
    };
    let entry = stage.guard.journal().entries_since(0).last().unwrap().clone();
    let allowed = case["expect"]["decision"] == "allow";
    if case["action"] == "sts:GetCallerIdentity" {
        // It needs no permission, so that nothing is decided.
        let fine = allowed && status.is_success() && entry.checks.is_empty();
        return (!fine).then(|| format!("{status}, {entry:?}"));
    }
    let Some(check) = entry.checks.iter().find(|check| case["action"] == *check.action) else {
        return Some(format!("the action was not decided: {entry:?}"));
    };
    let mut wrong = differences(case, check);
    if (status != StatusCode::FORBIDDEN) != allowed {
        wrong.push(format!("the answer is {status}"));
    }
    (!wrong.is_empty()).then(|| format!("{}\n  {check:?}", wrong.join("; ")))
}

/// What a decision has other than the case.
fn differences(case: &Map<String, Value>, check: &Check) -> Vec<String> {
    let expect = &case["expect"];
    let mut wrong = Vec::new();
    let mut same = |what: &str, found: &Value, wanted: &Value| {
        if found != wanted {
            wrong.push(format!("{what} is {found}, not {wanted}"));
        }
    };
    same("resource", &check.resource.clone().into(), &case["resource"]);
    same("decision", &check.outcome.clone().into(), &expect["decision"]);
    if let Some(layer) = expect.get("layer") {
        same("layer", &check.layer.clone().into(), layer);
    }
    if let Some(statements) = expect.get("statements") {
        let mut found = serde_json::to_value(&check.statements).unwrap();
        for statement in found.as_array_mut().unwrap() {
            statement["policy"] = place(statement["policy"].as_str().unwrap()).into();
        }
        same("statements", &found, statements);
    }
    wrong
}

/// The place in a case that a policy of the guard comes from.
fn place(policy: &str) -> String {
    match policy {
        BOUNDARY => "boundary[0]".to_owned(),
        _ if policy.starts_with("arn:aws:s3:::") || policy.contains(":role/") => {
            "resource".to_owned()
        }
        _ => match policy.split_once('#') {
            Some((_, place)) => format!("session[{place}]"),
            None => policy.to_owned(),
        },
    }
}

fn root_key() -> Credentials {
    key("AKIAROOTROOTROOTROOT")
}

fn key(id: &str) -> Credentials {
    Credentials {
        access_key_id: id.into(),
        secret_access_key: Secret::new("secret"),
        session_token: None,
        expiration: None,
    }
}

/// A key of a signer's.
fn credentials(guard: &Guard, signer: Signer) -> Credentials {
    let keyring = &guard.setting().keyring;
    let issue = |identity| {
        let end = OffsetDateTime::now_utc() + Duration::hours(1);
        keyring.issue(identity, Vec::new(), end).unwrap()
    };
    match signer {
        Signer::Root => root_key(),
        Signer::User { arn, name } => {
            let key = key("AKIAUSERUSERUSERUSER");
            let user_id = id(&name);
            keyring.add(key.clone(), Identity::User { arn, name, user_id });
            key
        }
        Signer::Role { role_arn, session, policies, issued_at } => {
            let name = role_arn.rsplit('/').next().unwrap().to_owned();
            issue(Identity::Role(Box::new(RoleSession {
                role_arn,
                role_id: id(&name),
                role_name: name,
                session_name: session,
                session_policies: policies,
                tags: Vec::new(),
                transitive_tag_keys: Vec::new(),
                source_identity: None,
                web_keys: Vec::new(),
                federated_provider: None,
                assumed_by: None,
                issued_at,
            })))
        }
        Signer::FederatedUser { user_arn, name, policies } => {
            let user_id = id(&name);
            issue(Identity::FederatedUser(Box::new(FederatedUser {
                federator: LongTerm::User { arn: user_arn, name: name.clone(), user_id },
                name,
                session_policies: policies,
                tags: Vec::new(),
                issued_at: OffsetDateTime::now_utc(),
            })))
        }
    }
}
