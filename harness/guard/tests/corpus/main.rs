//! The policy engine's corpus over the road of a real call: each case's
//! principal, with its policies, boundary, session and service control
//! policies, calls a guard over HTTP, signed; the answer and the journal must
//! say what the case's page says. A case that is no call is counted by the
//! reason, so that none drops out unseen.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "tests, and what they share"
)]

mod expressed;
mod upstream;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use expressed::{Caller, Expressed, express};
use futures_util::StreamExt;
use futures_util::stream;
use ringfence_guard::{Config, Guard};
use ringfence_services::Credentials;
use ringfence_services::client::Client;
use ringfence_services::credentials::{Identity, RoleSession};
use ringfence_wire::Secret;
use serde_json::{Map, Value};
use time::{Duration, OffsetDateTime};
use upstream::{BOUNDARY, Upstream, id};

/// Cases that are calls; more may become so, never fewer.
const AT_LEAST: usize = 200;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_guard_decides_as_the_page_says_wherever_the_case_is_a_call() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../policy/corpus");
    let mut paths = Vec::new();
    files(&root, &mut paths);
    let mut no_calls: BTreeMap<&str, usize> = BTreeMap::new();
    let mut calls = Vec::new();
    for path in &paths {
        let text = std::fs::read_to_string(path).unwrap();
        let case: Map<String, Value> = serde_json::from_str(&text).unwrap();
        match express(&case) {
            Ok(expressed) => calls.push((path, case, expressed)),
            Err(reason) => *no_calls.entry(reason).or_default() += 1,
        }
    }
    println!("{} cases, {} of them calls; not: {no_calls:#?}", paths.len(), calls.len());
    assert!(calls.len() >= AT_LEAST, "{} calls", calls.len());
    let wrong: Vec<String> = stream::iter(calls)
        .map(|(path, case, expressed)| async move {
            let wrong = run(&case, expressed).await;
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

/// Makes the call; what differs from the case, if anything does.
async fn run(case: &Map<String, Value>, expressed: Expressed) -> Option<String> {
    let Expressed { caller, world, service_control, service, operation, input } = expressed;
    let upstream = Upstream::start(world).await;
    let directory = tempfile::tempdir().unwrap();
    let guard = Guard::start(Config {
        account_id: "123456789012".into(),
        region: "eu-west-1".into(),
        port: 0,
        root: root_key(),
        upstream: upstream.url.clone(),
        issuers: Vec::new(),
        service_control,
        journal: None,
        python: None,
        record: false,
        work_dir: directory.path().join("work"),
    })
    .await
    .unwrap();
    let status = match credentials(&guard, caller) {
        Some(key) => {
            let client = Client::new(guard.setting().clone());
            client.exchange(&key, service, operation, input, None).await.unwrap().status()
        }
        None => {
            let (bucket, key) = (input["Bucket"].as_str().unwrap(), input["Key"].as_str().unwrap());
            let url = format!("{}{bucket}/{key}", guard.endpoint());
            let client = reqwest::Client::builder().no_proxy().build().unwrap();
            let status = client.get(url).send().await.unwrap().status();
            http::StatusCode::from_u16(status.as_u16()).unwrap()
        }
    };
    let entry = guard.journal().entries_since(0).last().unwrap().clone();
    let expect = &case["expect"];
    let allowed = expect["decision"] == "allow";
    if case["action"] == "sts:GetCallerIdentity" {
        // It needs no permission, so that nothing is decided.
        let fine = allowed && status.is_success() && entry.checks.is_empty();
        return (!fine).then(|| format!("{status}, {entry:?}"));
    }
    let Some(check) = entry.checks.iter().find(|check| case["action"] == *check.action) else {
        return Some(format!("the action was not decided: {entry:?}"));
    };
    let mut wrong = Vec::new();
    let mut same = |what: &str, found: &Value, wanted: &Value| {
        if found != wanted {
            wrong.push(format!("{what} is {found}, not {wanted}"));
        }
    };
    same("resource", &check.resource.clone().into(), &case["resource"]);
    same("answer", &(status != http::StatusCode::FORBIDDEN).into(), &allowed.into());
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
    (!wrong.is_empty()).then(|| format!("{}\n  {check:?}", wrong.join("; ")))
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

/// A key of the caller's; nobody has none.
fn credentials(guard: &Guard, caller: Caller) -> Option<Credentials> {
    let keyring = &guard.setting().keyring;
    match caller {
        Caller::Anonymous => None,
        Caller::Root => Some(root_key()),
        Caller::User { arn, name } => {
            let key = key("AKIAUSERUSERUSERUSER");
            let user_id = id(&name);
            keyring.add(key.clone(), Identity::User { arn, name, user_id });
            Some(key)
        }
        Caller::Role { name, session, policies } => {
            let identity = Identity::Role(Box::new(RoleSession {
                role_arn: format!("arn:aws:iam::123456789012:role/{name}"),
                role_id: id(&name),
                role_name: name,
                session_name: session,
                session_policies: policies,
                tags: Vec::new(),
                transitive_tag_keys: Vec::new(),
                source_identity: None,
                federated_provider: None,
                assumed_by: None,
                issued_at: OffsetDateTime::now_utc(),
            }));
            let end = OffsetDateTime::now_utc() + Duration::hours(1);
            Some(keyring.issue(identity, Vec::new(), end).unwrap())
        }
    }
}
