//! A request to a guard that runs, from a role that may do everything where the
//! request says for which service it is signed, and else from nobody. Whatever
//! it is, the guard answers it; what panics on the way ends the fuzzer.
#![no_main]

#[path = "../../../wire/fuzz/fuzz_targets/split.rs"]
mod split;
#[path = "../../src/tests/upstream.rs"]
#[allow(dead_code)]
mod upstream;

use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, header};
use ringfence_guard::{Config, Guard};
use ringfence_services::Credentials;
use ringfence_services::credentials::{Identity, RoleSession};
use ringfence_wire::{Secret, signature};
use time::OffsetDateTime;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use upstream::{Role, Upstream};

const ACCOUNT: &str = "123456789012";
const ROLE: &str = "arn:aws:iam::123456789012:role/app";
/// Headers that would make the request another than the one that is sent.
const FRAMING: [header::HeaderName; 4] =
    [header::CONNECTION, header::CONTENT_LENGTH, header::EXPECT, header::TRANSFER_ENCODING];

struct Stage {
    runtime: Runtime,
    guard: Guard,
    caller: Credentials,
    upstream: Upstream,
}

static STAGE: LazyLock<Stage> = LazyLock::new(|| {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime");
    let (guard, upstream) = runtime.block_on(start());
    let identity = Identity::Role(Box::new(RoleSession {
        role_arn: ROLE.to_owned(),
        role_name: "app".to_owned(),
        role_id: "AROA1".to_owned(),
        session_name: "s".to_owned(),
        session_policies: None,
        tags: Vec::new(),
        transitive_tag_keys: Vec::new(),
        source_identity: None,
        web_keys: Vec::new(),
        federated_provider: None,
        assumed_by: None,
        issued_at: OffsetDateTime::now_utc(),
    }));
    let until = OffsetDateTime::now_utc() + time::Duration::hours(12);
    let keyring = &guard.setting().keyring;
    let caller = keyring.issue(identity, Vec::new(), until).expect("a session");
    Stage { runtime, guard, caller, upstream }
});

/// A guard before an upstream that knows the caller's role.
async fn start() -> (Guard, Upstream) {
    let upstream = Upstream::start().await;
    let statement = r#""Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]"#;
    let policy = format!(r#"{{"Version": "2012-10-17", {statement}}}"#);
    let trust = policy
        .replace(r#""Action": "*", "Resource": "*""#, r#""Action": "sts:*", "Principal": {"AWS": "*"}"#);
    let inline = BTreeMap::from([("own".to_owned(), policy)]);
    upstream.role("app", Role { id: "AROA1".to_owned(), trust, inline, ..Role::default() });
    let root = Credentials {
        access_key_id: "test".to_owned(),
        secret_access_key: Secret::new("test"),
        session_token: None,
        expiration: None,
    };
    let config = Config {
        account_id: ACCOUNT.to_owned(),
        region: "eu-west-1".to_owned(),
        port: 0,
        reach: ringfence_guard::Reach::Loopback,
        root,
        upstream: upstream.url.clone().into(),
        issuers: Vec::new(),
        service_control: Vec::new(),
        resource_control: Vec::new(),
        membership: None,
        other_accounts: Vec::new(),
        vpc_endpoints: Vec::new(),
        journal: None,
        interpreters: ringfence_services::setting::Interpreters::default(),
        record: true,
        mode: ringfence_guard::Mode::Enforce,
        work_dir: std::env::temp_dir().join(format!("ringfence-fuzz-{}", std::process::id())),
    };
    (Guard::start(config).await.expect("a guard"), upstream)
}

// The guard starts before the first input, whose time it would use up on a busy machine.
libfuzzer_sys::fuzz_target!(init: LazyLock::force(&STAGE), |data: &[u8]| {
    let Some((mut parts, body)) = split::split(data) else { return };
    for name in FRAMING {
        parts.headers.remove(name);
    }
    let stage = &*STAGE;
    let presented = signature::read(&parts);
    let mut request = Request::from_parts(parts, body);
    if let Ok(Some(presented)) = presented {
        let Credentials { access_key_id, secret_access_key, session_token, .. } = &stage.caller;
        let (service, region) = (&presented.service, &presented.region);
        let now = OffsetDateTime::now_utc();
        let token = session_token.as_ref();
        signature::sign(&mut request, access_key_id, secret_access_key, token, service, region, now);
    }
    let answered = stage.runtime.block_on(async {
        tokio::time::timeout(Duration::from_secs(15), send(&stage.guard, &request)).await
    });
    let answer = answered.expect("an answer").expect("a connection");
    // What it saw is of no use, and would fill the memory.
    stage.upstream.state.lock().expect("a state").seen.clear();
    assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 "), "{answer:?}");
});

/// Sends a request on a connection of its own, and reads to its end.
async fn send(guard: &Guard, request: &Request<Bytes>) -> std::io::Result<Vec<u8>> {
    let port = guard.endpoint().port().expect("a port");
    let mut head = format!("{} {} HTTP/1.1\r\n", request.method(), request.uri()).into_bytes();
    for (name, value) in request.headers() {
        head.extend([name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
    }
    let length = request.body().len();
    head.extend(format!("content-length: {length}\r\nconnection: close\r\n\r\n").as_bytes());
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    // The guard may refuse the head and leave before it has read the body.
    let _ = stream.write_all(&[&head[..], request.body()].concat()).await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    Ok(answer)
}
