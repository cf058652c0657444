//! What the guard adds to a call: an authorized `GetRole` directly and through
//! the guard, taken in turns, and a refused call. The upstream answers in this
//! process, so that its own time is as small as can be.
//!
//! ```text
//! cargo run --release -p ringfence-guard --example overhead
//! ```

use std::convert::Infallible;
use std::error::Error;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use ringfence_guard::{Config, Guard};
use ringfence_services::Credentials;
use ringfence_services::credentials::{Identity, RoleSession};
use ringfence_wire::{Operation, Secret, Service, request, signature};
use serde_json::json;
use time::OffsetDateTime;
use tokio::net::TcpListener;
use url::Url;

const CALLS: usize = 3_000;
const POLICY: &str = "%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B%7B%22Effect%22\
    %3A%22Allow%22%2C%22Action%22%3A%22iam%3AGetRole%22%2C%22Resource%22%3A%22%2A%22%7D%5D%7D";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let upstream = upstream().await?;
    let work_dir = std::env::temp_dir().join(format!("ringfence-{}", std::process::id()));
    std::fs::create_dir_all(&work_dir)?;
    let guard = Guard::start(Config {
        account_id: "123456789012".to_owned(),
        region: "eu-central-1".to_owned(),
        port: 0,
        reach: ringfence_guard::Reach::Loopback,
        root: Credentials {
            access_key_id: "test".to_owned(),
            secret_access_key: Secret::new("test"),
            session_token: None,
            expiration: None,
        },
        upstream: upstream.clone().into(),
        issuers: Vec::new(),
        service_control: Vec::new(),
        resource_control: Vec::new(),
        membership: None,
        other_accounts: Vec::new(),
        vpc_endpoints: Vec::new(),
        journal: Some(work_dir.join("journal.jsonl")),
        interpreters: ringfence_services::setting::Interpreters::default(),
        record: false,
        mode: ringfence_guard::Mode::Enforce,
        work_dir: work_dir.clone(),
    })
    .await?;
    let identity = Identity::Role(Box::new(RoleSession {
        role_arn: "arn:aws:iam::123456789012:role/app".to_owned(),
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
    let end = OffsetDateTime::now_utc() + time::Duration::hours(1);
    let key = guard
        .setting()
        .keyring
        .issue(identity, Vec::new(), end)
        .map_err(|cause| cause.to_string())?;
    let http = reqwest::Client::builder().no_proxy().build()?;

    let (mut direct, mut guarded, mut refused) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..CALLS + 100 {
        let plain = call(&http, &upstream, &key, "GetRole", 200).await?;
        let through = call(&http, guard.endpoint(), &key, "GetRole", 200).await?;
        let denied = call(&http, guard.endpoint(), &key, "DeleteRole", 403).await?;
        // The first ones open connections and read policies.
        if round >= 100 {
            direct.push(plain);
            guarded.push(through);
            refused.push(denied);
        }
    }
    let (direct, guarded, refused) = (Times::of(direct), Times::of(guarded), Times::of(refused));
    println!("{CALLS} calls each       median      p95      p99");
    println!("GetRole, direct     {direct}");
    println!("GetRole, guarded    {guarded}");
    println!("DeleteRole, refused {refused}");
    println!("added to an authorized call: {:?}", guarded.median.saturating_sub(direct.median));
    guard.stop().await?;
    std::fs::remove_dir_all(work_dir)?;
    Ok(())
}

struct Times {
    median: Duration,
    p95: Duration,
    p99: Duration,
}

impl Times {
    fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        let at = |percent: usize| times.get(times.len() * percent / 100).copied();
        let at = |percent| at(percent).unwrap_or_default();
        Self { median: at(50), p95: at(95), p99: at(99) }
    }
}

impl std::fmt::Display for Times {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:>7.1?} {:>8.1?} {:>8.1?}", self.median, self.p95, self.p99)
    }
}

async fn call(
    http: &reqwest::Client,
    endpoint: &Url,
    key: &Credentials,
    operation: &str,
    status: u16,
) -> Result<Duration, Box<dyn Error>> {
    let operation = Operation::find(Service::Iam, operation).ok_or("no such operation")?;
    let input = json!({"RoleName": "app"});
    let input = input.as_object().ok_or("no input")?;
    let mut request = request::encode(operation, input, None, &endpoint.as_str().parse()?)?;
    signature::sign(
        &mut request,
        &key.access_key_id,
        &key.secret_access_key,
        key.session_token.as_ref(),
        "iam",
        "us-east-1",
        OffsetDateTime::now_utc(),
    );
    let request = reqwest::Request::try_from(request)?;
    let start = Instant::now();
    let answer = http.execute(request).await?;
    let got = answer.status().as_u16();
    let body = answer.bytes().await?;
    let elapsed = start.elapsed();
    if got != status {
        return Err(format!("{got}: {}", String::from_utf8_lossy(&body)).into());
    }
    Ok(elapsed)
}

/// An upstream that knows one role.
async fn upstream() -> Result<Url, Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/", listener.local_addr()?).parse()?;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let _ = stream.set_nodelay(true);
            tokio::spawn(
                hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service_fn(answer)),
            );
        }
    });
    Ok(url)
}

async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let body = request.into_body().collect().await.map(http_body_util::Collected::to_bytes);
    let body = String::from_utf8_lossy(&body.unwrap_or_default()).into_owned();
    let action = body.split('&').find_map(|pair| pair.strip_prefix("Action=")).unwrap_or_default();
    let result = match action {
        "GetRole" => format!(
            "<Role><Path>/</Path><RoleName>app</RoleName><RoleId>AROA1</RoleId>\
             <Arn>arn:aws:iam::123456789012:role/app</Arn>\
             <AssumeRolePolicyDocument>{POLICY}</AssumeRolePolicyDocument></Role>"
        ),
        "ListRolePolicies" => "<PolicyNames><member>own</member></PolicyNames>".to_owned(),
        "GetRolePolicy" => format!("<PolicyDocument>{POLICY}</PolicyDocument>"),
        _ => String::new(),
    };
    let text =
        format!("<{action}Response><{action}Result>{result}</{action}Result></{action}Response>");
    Ok(Response::new(Full::new(Bytes::from(text))))
}
