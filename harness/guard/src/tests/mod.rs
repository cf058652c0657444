//! The guard's road, with a client in front and an upstream behind.

mod account;
mod accounts;
mod acls;
mod asked_policies;
mod authorizers;
mod bounds;
mod delete_objects;
mod dependent;
mod destinations;
mod federation;
mod functions;
mod iterators;
mod kms;
mod logs;
mod missing;
mod observe;
mod operation_names;
mod organization;
mod other_services;
mod parameters;
mod public_access;
mod recording;
mod resource_policies;
mod rest_apis;
mod root;
mod sealed;
mod secrets;
mod signatures;
mod simulate;
mod stored;
mod undecided;
mod unsigned;
mod upstream;
mod vpc_endpoints;

use std::collections::BTreeMap;

use crate::journal::Ending;
use crate::{Config, Guard, GuardError, Reach, UpstreamEndpoint};
use bytes::Bytes;
use ringfence_services::client::Client;
use ringfence_services::credentials::{Identity, RoleSession};
use ringfence_services::{Credentials, Session};
use ringfence_wire::{Secret, Service, ServiceError, signature};
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};
use upstream::{Role, Upstream};

const ACCOUNT: &str = "123456789012";

struct Stage {
    upstream: Upstream,
    guard: Guard,
    client: Client,
    directory: tempfile::TempDir,
}

impl Stage {
    async fn new() -> Self {
        Self::guarded(Vec::new()).await
    }

    async fn guarded(service_control: Vec<Vec<(String, String)>>) -> Self {
        Self::configured(|config| config.service_control = service_control).await
    }

    async fn configured(change: impl FnOnce(&mut Config)) -> Self {
        let upstream = Upstream::start().await;
        let directory = tempfile::tempdir().unwrap();
        let mut config = config(&upstream, &directory);
        change(&mut config);
        let guard = Guard::start(config).await.unwrap();
        let client = Client::new(guard.setting().clone());
        Self { upstream, guard, client, directory }
    }

    async fn call(
        &self,
        credentials: &Credentials,
        operation: &str,
        input: Value,
    ) -> Result<Value, ServiceError> {
        self.client.call(credentials, Service::Iam, operation, input).await
    }

    async fn call_as_root(&self, operation: &str, input: Value) -> Result<Value, ServiceError> {
        self.call(&root(), operation, input).await
    }

    /// A role with one inline policy, and a session of it.
    fn role(&self, policy: &str) -> Credentials {
        let inline = BTreeMap::from([("own".to_owned(), policy.to_owned())]);
        self.made(Role { id: "AROA1".into(), trust: trust(), inline, ..Role::default() })
    }

    /// The role under a unique id, without policies.
    fn bare_role(&self, id: &str) -> Credentials {
        self.made(Role { id: id.into(), trust: trust(), ..Role::default() })
    }

    fn made(&self, role: Role) -> Credentials {
        let id = role.id.clone();
        self.upstream.role("app", role);
        self.session("app", &id, OffsetDateTime::now_utc() + Duration::hours(1))
    }

    fn session(&self, name: &str, id: &str, expiration: OffsetDateTime) -> Credentials {
        let identity = Identity::Role(Box::new(RoleSession {
            role_arn: format!("arn:aws:iam::{ACCOUNT}:role/{name}"),
            role_name: name.into(),
            role_id: id.into(),
            session_name: "s".into(),
            session_policies: None,
            tags: Vec::new(),
            transitive_tag_keys: Vec::new(),
            source_identity: None,
            web_keys: Vec::new(),
            federated_provider: None,
            assumed_by: None,
            issued_at: OffsetDateTime::now_utc(),
        }));
        self.guard.setting().keyring.issue(identity, Vec::new(), expiration).unwrap()
    }

    fn last_entry(&self) -> std::sync::Arc<crate::journal::Entry> {
        self.guard.journal().entries_since(0).last().unwrap().clone()
    }
}

fn config(upstream: &Upstream, directory: &tempfile::TempDir) -> Config {
    Config {
        account_id: ACCOUNT.into(),
        region: "eu-central-1".into(),
        port: 0,
        reach: Reach::Loopback,
        root: root(),
        upstream: UpstreamEndpoint { is_new: true, ..upstream.url.clone().into() },
        issuers: Vec::new(),
        service_control: Vec::new(),
        resource_control: Vec::new(),
        membership: None,
        other_accounts: Vec::new(),
        vpc_endpoints: Vec::new(),
        journal: Some(directory.path().join("journal.jsonl")),
        mode: crate::Mode::Enforce,
        interpreters: ringfence_services::setting::Interpreters::default(),
        record: true,
        work_dir: directory.path().join("work"),
    }
}

fn root() -> Credentials {
    Credentials {
        access_key_id: "test".into(),
        secret_access_key: Secret::new("canary-root-secret"),
        session_token: None,
        expiration: None,
    }
}

fn trust() -> String {
    json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
        "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]})
    .to_string()
}

fn allow(action: &str) -> String {
    json!({"Version": "2012-10-17", "Statement": [{"Sid": "S", "Effect": "Allow",
        "Action": action, "Resource": "*"}]})
    .to_string()
}

fn get_app() -> Value {
    json!({"RoleName": "app"})
}

#[tokio::test]
async fn a_role_does_what_its_policy_allows_and_the_journal_names_the_statement() {
    let stage = Stage::new().await;
    let app = stage.role(&allow("iam:GetRole"));
    let answer = stage.call(&app, "GetRole", get_app()).await.unwrap();
    assert_eq!(answer["Role"]["RoleName"], "app");
    let entry = stage.last_entry();
    assert_eq!(entry.outcome, Ending::Allowed);
    assert_eq!(entry.principal, "arn:aws:sts::123456789012:assumed-role/app/s");
    assert_eq!((entry.status, entry.upstream_status), (200, Some(200)));
    assert_eq!(entry.checks.len(), 1);
    assert_eq!(entry.checks[0].action, "iam:GetRole");
    assert_eq!(entry.checks[0].resource, "arn:aws:iam::123456789012:role/app");
    assert_eq!(entry.checks[0].layer, "identity");
    assert_eq!(entry.checks[0].statements[0].policy, "own");
    assert_eq!(entry.checks[0].statements[0].sid.as_deref(), Some("S"));
}

#[tokio::test]
async fn what_no_policy_allows_is_refused_and_does_not_arrive_upstream() {
    let stage = Stage::new().await;
    let app = stage.role(&allow("iam:GetRole"));
    let error = stage.call(&app, "DeleteRole", get_app()).await.unwrap_err();
    assert_eq!((error.code.as_ref(), error.status), ("AccessDenied", 403));
    assert_eq!(
        error.message,
        "User: arn:aws:sts::123456789012:assumed-role/app/s is not authorized to perform: \
         iam:DeleteRole on resource: role app because no identity-based policy allows the \
         iam:DeleteRole action"
    );
    assert_eq!(stage.upstream.seen("DeleteRole").len(), 0);
    let entry = stage.last_entry();
    assert_eq!((entry.outcome, entry.upstream_status), (Ending::Denied, None));
    assert_eq!(entry.error.as_deref(), Some("AccessDenied"));
}

#[tokio::test]
async fn policies_are_read_once_until_a_call_changes_them() {
    let stage = Stage::new().await;
    let app = stage.role(&allow("iam:GetRole"));
    for _ in 0..3 {
        stage.call(&app, "GetRole", get_app()).await.unwrap();
    }
    assert_eq!(stage.upstream.seen("GetRolePolicy").len(), 1);
    let put = json!({"RoleName": "app", "PolicyName": "own",
        "PolicyDocument": allow("iam:ListRoles")});
    stage.call(&root(), "PutRolePolicy", put).await.unwrap();
    let error = stage.call(&app, "GetRole", get_app()).await.unwrap_err();
    assert_eq!(error.code, "AccessDenied");
    assert_eq!(stage.upstream.seen("GetRolePolicy").len(), 2);
}

#[tokio::test]
async fn concurrent_calls_load_the_policies_once() {
    let stage = Stage::new().await;
    let app = stage.role(&allow("iam:GetRole"));
    let calls = (0..20).map(|_| stage.call(&app, "GetRole", get_app()));
    let answers = futures_util::future::join_all(calls).await;
    assert!(answers.iter().all(Result::is_ok));
    assert_eq!(stage.upstream.seen("GetRolePolicy").len(), 1);
}

#[tokio::test]
async fn a_policy_that_cannot_be_read_stops_its_principal_and_is_named() {
    let stage = Stage::new().await;
    let app = stage.role(r#"{"Statement": [{"Effect": "Deny", "Acton": "*", "Resource": "*"}]}"#);
    let error = stage.call(&app, "GetRole", get_app()).await.unwrap_err();
    assert_eq!((error.code.as_ref(), error.status), ("AccessDenied", 403));
    assert!(error.message.starts_with("the policy `own` of app cannot be read"), "{error}");
}

#[tokio::test]
async fn a_managed_policy_that_is_not_there_stops_its_principal_and_is_named() {
    let stage = Stage::new().await;
    let arn = "arn:aws:iam::aws:policy/Gone".to_owned();
    let role = Role { id: "AROA1".into(), trust: trust(), attached: vec![arn], ..Role::default() };
    stage.upstream.role("app", role);
    let app = stage.session("app", "AROA1", OffsetDateTime::now_utc() + Duration::hours(1));
    let error = stage.call(&app, "GetRole", get_app()).await.unwrap_err();
    assert!(error.message.contains("`arn:aws:iam::aws:policy/Gone`"), "{error}");
}

#[tokio::test]
async fn a_boundary_limits_what_the_policy_allows() {
    let stage = Stage::new().await;
    let arn = "arn:aws:iam::123456789012:policy/boundary";
    let role = Role {
        id: "AROA1".into(),
        path: String::new(),
        trust: trust(),
        boundary: Some(arn.into()),
        inline: BTreeMap::from([("own".into(), allow("iam:*"))]),
        attached: Vec::new(),
    };
    stage.upstream.role("app", role);
    stage.upstream.state.lock().unwrap().policies.insert(arn.into(), allow("iam:GetRole"));
    let app = stage.session("app", "AROA1", OffsetDateTime::now_utc() + Duration::hours(1));
    stage.call(&app, "GetRole", get_app()).await.unwrap();
    let error = stage.call(&app, "DeleteRole", get_app()).await.unwrap_err();
    assert!(
        error.message.ends_with("because no permissions boundary allows the iam:DeleteRole action"),
        "{error}"
    );
}

#[tokio::test]
async fn a_session_ends_with_its_role_even_if_another_takes_the_name() {
    let stage = Stage::new().await;
    let app = stage.role(&allow("iam:*"));
    stage.call(&app, "GetRole", get_app()).await.unwrap();
    let delete = async || stage.call(&root(), "DeleteRole", get_app()).await;
    assert_eq!(delete().await.unwrap_err().code, "DeleteConflict");
    stage.upstream.state.lock().unwrap().roles.get_mut("app").unwrap().inline.clear();
    delete().await.unwrap();
    let error = stage.call(&app, "ListRoles", json!({})).await.unwrap_err();
    assert_eq!((error.code.as_ref(), error.status), ("InvalidClientTokenId", 403));
    stage.upstream.role(
        "app",
        Role {
            id: "AROA2".into(),
            trust: trust(),
            inline: BTreeMap::from([("own".into(), allow("iam:*"))]),
            ..Role::default()
        },
    );
    stage.call(&root(), "TagRole", json!({"RoleName": "app", "Tags": []})).await.unwrap();
    let error = stage.call(&app, "GetRole", get_app()).await.unwrap_err();
    assert_eq!(error.code, "InvalidClientTokenId");
    let again = stage.session("app", "AROA2", OffsetDateTime::now_utc() + Duration::hours(1));
    stage.call(&again, "GetRole", get_app()).await.unwrap();
}

#[tokio::test]
async fn keys_must_be_known_current_and_whole() {
    let stage = Stage::new().await;
    let app = stage.role(&allow("iam:GetRole"));
    stage.call(&app, "GetRole", get_app()).await.unwrap();

    let unknown = Credentials { access_key_id: "AKIANOBODY".into(), ..app.clone() };
    let error = stage.call(&unknown, "GetRole", get_app()).await.unwrap_err();
    assert_eq!((error.code.as_ref(), error.status), ("InvalidClientTokenId", 403));

    let wrong_secret = Credentials { secret_access_key: Secret::new("no"), ..app.clone() };
    let error = stage.call(&wrong_secret, "GetRole", get_app()).await.unwrap_err();
    assert_eq!((error.code.as_ref(), error.status), ("SignatureDoesNotMatch", 403));

    for session_token in [None, Some(Secret::new("another"))] {
        let wrong_token = Credentials { session_token, ..app.clone() };
        let error = stage.call(&wrong_token, "GetRole", get_app()).await.unwrap_err();
        assert_eq!((error.code.as_ref(), error.status), ("InvalidClientTokenId", 403));
    }

    let ended = stage.session("app", "AROA1", OffsetDateTime::now_utc() - Duration::seconds(1));
    let error = stage.call(&ended, "GetRole", get_app()).await.unwrap_err();
    assert_eq!((error.code.as_ref(), error.status), ("ExpiredToken", 403));
    assert_eq!(stage.last_entry().outcome, Ending::Refused);
}

#[tokio::test]
async fn a_users_key_works_from_its_making_to_its_end() {
    let stage = Stage::new().await;
    let create = json!({"UserName": "alice"});
    stage.call(&root(), "CreateAccessKey", create).await.unwrap();
    let id = "AKIAEXAMPLEEXAMPLE00";
    let alice = Credentials {
        access_key_id: id.into(),
        secret_access_key: Secret::new("canary-user-secret"),
        session_token: None,
        expiration: None,
    };
    let who =
        async || stage.client.call(&alice, Service::Sts, "GetCallerIdentity", json!({})).await;
    assert_eq!(who().await.unwrap()["Arn"], "arn:aws:iam::123456789012:user/alice");
    for (status, works) in [("Inactive", false), ("Active", true)] {
        let update = json!({"UserName": "alice", "AccessKeyId": id, "Status": status});
        stage.call(&root(), "UpdateAccessKey", update).await.unwrap();
        assert_eq!(who().await.is_ok(), works, "{status}");
    }
    let delete = json!({"UserName": "alice", "AccessKeyId": id});
    stage.call(&root(), "DeleteAccessKey", delete).await.unwrap();
    assert_eq!(who().await.unwrap_err().code, "InvalidClientTokenId");
}

#[tokio::test]
async fn service_control_policies_bind_root_too() {
    let deny = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "*", "Resource": "*"},
        {"Sid": "NoDelete", "Effect": "Deny", "Action": "iam:DeleteRole", "Resource": "*"}]});
    let stage = Stage::guarded(vec![vec![("guardrail".into(), deny.to_string())]]).await;
    stage.upstream.role("app", Role { id: "AROA1".into(), trust: trust(), ..Role::default() });
    stage.call(&root(), "GetRole", get_app()).await.unwrap();
    let error = stage.call(&root(), "DeleteRole", get_app()).await.unwrap_err();
    assert!(
        error.message.ends_with("with an explicit deny in a service control policy"),
        "{error}"
    );
    assert_eq!(stage.last_entry().checks[0].statements[0].sid.as_deref(), Some("NoDelete"));
}

fn signed(stage: &Stage, headers: &[(&str, &str)], body: &str) -> http::Request<Bytes> {
    let mut request = http::Request::builder()
        .method("POST")
        .uri(stage.guard.endpoint().as_str())
        .header("content-type", "application/x-www-form-urlencoded");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let mut request = request.body(Bytes::from(body.to_owned())).unwrap();
    let root = root();
    signature::sign(
        &mut request,
        &root.access_key_id,
        &root.secret_access_key,
        None,
        "iam",
        "us-east-1",
        OffsetDateTime::now_utc(),
    );
    request
}

async fn send(request: http::Request<Bytes>) -> reqwest::Response {
    let request = reqwest::Request::try_from(request).unwrap();
    reqwest::Client::builder().no_proxy().build().unwrap().execute(request).await.unwrap()
}

const LIST_ROLES: &str = "Action=ListRoles&Version=2010-05-08";

#[tokio::test]
async fn the_upstream_hears_nothing_that_could_change_its_mind() {
    let stage = Stage::new().await;
    let headers = [
        ("x-moto-account-id", "999999999999"),
        ("x-localstack-region", "us-west-1"),
        ("user-agent", "region/us-west-2"),
        ("x-forwarded-for", "1.2.3.4"),
    ];
    assert_eq!(send(signed(&stage, &headers, LIST_ROLES)).await.status(), 200);
    let seen = stage.upstream.last();
    assert_eq!(seen.header("x-moto-account-id"), Some(ACCOUNT));
    assert_eq!(seen.header("x-localstack-region"), None);
    assert_eq!(seen.header("x-forwarded-for"), None);
    assert_eq!(seen.header("user-agent"), None);
    let authorization = seen.header("authorization").unwrap();
    assert!(
        authorization.starts_with("AWS4-HMAC-SHA256 Credential=123456789012/"),
        "{authorization}"
    );
    assert!(authorization.contains("/us-east-1/iam/aws4_request"), "{authorization}");
}

#[tokio::test]
async fn answers_carry_the_id_by_which_the_journal_knows_them() {
    let stage = Stage::new().await;
    let answer = send(signed(&stage, &[], LIST_ROLES)).await;
    let id = answer.headers()["x-amzn-requestid"].to_str().unwrap();
    assert_eq!(answer.headers()["x-amz-request-id"], id);
    assert_eq!(stage.guard.journal().find(id).unwrap().operation, "ListRoles");
}

#[tokio::test]
async fn an_unsigned_or_doubly_signed_call_is_refused() {
    let stage = Stage::new().await;
    let mut unsigned = signed(&stage, &[], LIST_ROLES);
    unsigned.headers_mut().remove("authorization");
    let answer = send(unsigned).await;
    assert_eq!(answer.status(), 403);
    assert!(answer.text().await.unwrap().contains("<Code>MissingAuthenticationToken</Code>"));
    let mut doubled = signed(&stage, &[], LIST_ROLES);
    let authorization = doubled.headers()["authorization"].clone();
    doubled.headers_mut().append("authorization", authorization);
    let answer = send(doubled).await;
    assert_eq!(answer.status(), 400);
    let text = answer.text().await.unwrap();
    assert!(text.contains("<Code>IncompleteSignature</Code>"), "{text}");
    assert!(
        text.contains("authorization` is repeated") || text.contains("authorization"),
        "{text}"
    );
    let mut changed = signed(&stage, &[], LIST_ROLES);
    *changed.body_mut() = "Action=ListUsers&Version=2010-05-08".into();
    let answer = send(changed).await;
    assert_eq!(answer.status(), 403);
    assert!(answer.text().await.unwrap().contains("<Code>SignatureDoesNotMatch</Code>"));
    assert_eq!(stage.upstream.state.lock().unwrap().seen.len(), 0);
}

#[tokio::test]
async fn a_body_over_the_cap_is_refused_before_it_is_read() {
    let stage = Stage::new().await;
    let body = format!("{LIST_ROLES}&PathPrefix={}", "x".repeat(5 * 1024 * 1024));
    let answer = send(signed(&stage, &[], &body)).await;
    assert_eq!(answer.status(), 413);
    assert_eq!(stage.last_entry().outcome, Ending::Refused);
}

#[tokio::test]
async fn a_dead_upstream_is_one_clear_error_that_names_it() {
    let stage = Stage::new().await;
    let url = stage.upstream.url.clone();
    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let config = Config {
        upstream: format!("http://{address}/").parse::<url::Url>().unwrap().into(),
        journal: None,
        ..config(&stage.upstream, &stage.directory)
    };
    assert_ne!(config.upstream.url, url);
    let guard = Guard::start(config).await.unwrap();
    let client = Client::new(guard.setting().clone());
    let error = client.call(&root(), Service::Iam, "ListRoles", json!({})).await.unwrap_err();
    assert_eq!((error.code.as_ref(), error.status), ("ServiceUnavailable", 503));
    assert!(
        error.message.starts_with(&format!("the upstream http://{address}/ does not answer")),
        "{error}"
    );
}

#[tokio::test]
async fn the_journal_never_holds_a_secret_a_token_or_a_signature() {
    let stage = Stage::new().await;
    let app = stage.role(&allow("iam:*"));
    let token = app.session_token.clone().unwrap();
    stage.call(&app, "GetRole", get_app()).await.unwrap();
    stage.call(&root(), "CreateAccessKey", json!({"UserName": "alice"})).await.unwrap();
    let web = json!({"RoleArn": "arn:aws:iam::123456789012:role/app", "RoleSessionName": "ss",
        "WebIdentityToken": "canary.web.token"});
    let request = |input: Value| {
        let input = input.as_object().unwrap().clone();
        let operation = ringfence_wire::Operation::find(Service::Sts, "AssumeRoleWithWebIdentity");
        let endpoint = stage.guard.endpoint().as_str().parse().unwrap();
        ringfence_wire::request::encode(operation.unwrap(), &input, None, &endpoint).unwrap()
    };
    assert_eq!(send(request(web)).await.status(), 400);
    let put = json!({"RoleName": "app", "PolicyName": "p", "PolicyDocument": "{canary-document"});
    stage.call(&app, "PutRolePolicy", put).await.unwrap_err();
    let signed = signed(&stage, &[], LIST_ROLES);
    let signature = signed.headers()["authorization"].to_str().unwrap().to_owned();
    let signature = signature.rsplit('=').next().unwrap().to_owned();
    send(signed).await;
    let journal = std::fs::read_to_string(stage.directory.path().join("journal.jsonl")).unwrap();
    assert_eq!(journal.lines().count(), 5);
    let secret = app.secret_access_key.expose();
    for canary in ["canary", secret, token.expose(), signature.as_str()] {
        assert!(!journal.contains(canary), "{canary}\n{journal}");
    }
}

#[tokio::test]
async fn a_port_in_use_is_said_and_stop_frees_the_port() {
    let stage = Stage::new().await;
    let port = stage.guard.endpoint().port().unwrap();
    let again = || Config { port, journal: None, ..config(&stage.upstream, &stage.directory) };
    let error = Guard::start(again()).await.unwrap_err();
    assert!(matches!(error, GuardError::PortInUse { port: used, .. } if used == port));
    assert_eq!(
        error.to_string(),
        format!("port {port} of 127.0.0.1 is in use; choose another, or 0 for any that is free")
    );
    // A connection that is kept alive does not hold the port.
    stage.call(&root(), "ListRoles", json!({})).await.unwrap();
    let Stage { upstream, guard, directory, .. } = stage;
    guard.stop().await.unwrap();
    let config = Config { port, journal: None, ..config(&upstream, &directory) };
    Guard::start(config).await.unwrap().stop().await.unwrap();
}

/// All of 127.0.0.0/8 is this machine, on Linux alone.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn other_addresses_answer_only_where_that_was_asked_for() {
    let upstream = Upstream::start().await;
    let directory = tempfile::tempdir().unwrap();
    for (reach, answers) in [(Reach::Loopback, false), (Reach::AllInterfaces, true)] {
        let config = Config { reach, ..config(&upstream, &directory) };
        let guard = Guard::start(config).await.unwrap();
        assert_eq!(guard.endpoint().host_str(), Some("127.0.0.1"));
        let other = ("127.0.0.2", guard.endpoint().port().unwrap());
        assert_eq!(tokio::net::TcpStream::connect(other).await.is_ok(), answers, "{reach:?}");
        guard.stop().await.unwrap();
    }
}

#[tokio::test]
async fn configuration_that_cannot_guard_is_refused() {
    let upstream = Upstream::start().await;
    let directory = tempfile::tempdir().unwrap();
    let wrong = Config { account_id: "12".into(), ..config(&upstream, &directory) };
    let error = Guard::start(wrong).await.unwrap_err();
    assert_eq!(error.to_string(), "the account id `12` is not twelve digits");
    let scp = vec![vec![("p".to_owned(), "{".to_owned())]];
    let wrong = Config { service_control: scp, ..config(&upstream, &directory) };
    let error = Guard::start(wrong).await.unwrap_err();
    assert_eq!(error.to_string(), "the service control policy `p` is not valid");
}

#[tokio::test]
async fn a_service_has_only_what_a_resource_grants_it() {
    let stage = Stage::new().await;
    stage.role(&allow("iam:*"));
    let identity = Identity::Service {
        principal: "lambda.amazonaws.com".into(),
        source_arn: None,
        source_account: None,
    };
    let end = OffsetDateTime::now_utc() + Duration::hours(1);
    let lambda = stage.guard.setting().keyring.issue(identity, Vec::new(), end).unwrap();
    let assume = json!({"RoleArn": "arn:aws:iam::123456789012:role/app", "RoleSessionName": "fn"});
    let answer = stage.client.call(&lambda, Service::Sts, "AssumeRole", assume).await.unwrap();
    assert_eq!(answer["AssumedRoleUser"]["Arn"], "arn:aws:sts::123456789012:assumed-role/app/fn");
    let error = stage.call(&lambda, "ListRoles", json!({})).await.unwrap_err();
    assert_eq!(error.code, "AccessDenied");
}

#[tokio::test]
async fn a_forwarded_call_is_decided_as_its_caller_and_says_by_whom() {
    let stage = Stage::new().await;
    let policy = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
        "Action": "iam:GetRole", "Resource": "*", "Condition": {
            "ForAnyValue:StringEquals": {"aws:CalledVia": "cloudformation.amazonaws.com"}}}]});
    let app = stage.role(&policy.to_string());
    let error = stage.call(&app, "GetRole", get_app()).await.unwrap_err();
    assert_eq!(error.code, "AccessDenied");
    let keyring = &stage.guard.setting().keyring;
    let caller: Session = keyring.find(&app.access_key_id).unwrap().session;
    let now = OffsetDateTime::now_utc();
    let forward = keyring.forward(&caller, "cloudformation.amazonaws.com", now).unwrap();
    stage.call(&forward, "GetRole", get_app()).await.unwrap();
    assert_eq!(stage.last_entry().called_via, ["cloudformation.amazonaws.com"]);
    assert_eq!(stage.last_entry().principal, caller.identity.arn());
}

#[tokio::test]
async fn a_route_with_iam_authorization_serves_only_who_may_invoke_it() {
    let stage = Stage::new().await;
    let app = stage.role(&allow("iam:GetRole"));
    let gateway = async |operation: &str, input: Value| {
        stage.client.call(&root(), Service::ApiGatewayV2, operation, input).await.unwrap()
    };
    let api = gateway("CreateApi", json!({"Name": "a", "ProtocolType": "HTTP"})).await;
    let api = api["apiId"].as_str().unwrap();
    let route = json!({"ApiId": api, "RouteKey": "GET /x", "AuthorizationType": "AWS_IAM"});
    gateway("CreateRoute", route).await;
    let live = json!({"ApiId": api, "StageName": "$default", "AutoDeploy": true});
    gateway("CreateStage", live).await;
    let request = |credentials: Option<&Credentials>| {
        let port = stage.guard.endpoint().port().unwrap();
        let mut request = http::Request::builder()
            .uri(format!("http://127.0.0.1:{port}/x"))
            .header("host", format!("{api}.execute-api.eu-central-1.amazonaws.com"))
            .body(Bytes::new())
            .unwrap();
        if let Some(credentials) = credentials {
            signature::sign(
                &mut request,
                &credentials.access_key_id,
                &credentials.secret_access_key,
                credentials.session_token.as_ref(),
                "execute-api",
                "eu-central-1",
                OffsetDateTime::now_utc(),
            );
        }
        request
    };

    let answer = send(request(None)).await;
    assert_eq!(answer.status(), 403);
    assert_eq!(answer.text().await.unwrap(), r#"{"message":"Forbidden"}"#);
    let entry = stage.last_entry();
    assert_eq!((entry.principal.as_str(), entry.outcome), ("anonymous", Ending::Refused));

    assert_eq!(send(request(Some(&app))).await.status(), 403);
    let entry = stage.last_entry();
    assert_eq!(entry.outcome, Ending::Denied);
    assert_eq!(entry.checks[0].action, "execute-api:Invoke");
    assert_eq!(
        entry.checks[0].resource,
        format!("arn:aws:execute-api:eu-central-1:{ACCOUNT}:{api}/$default/GET/x")
    );

    let put = json!({"RoleName": "app", "PolicyName": "own",
        "PolicyDocument": allow("execute-api:Invoke")});
    stage.call(&root(), "PutRolePolicy", put).await.unwrap();
    // Allowed now; the route has no integration yet.
    assert_eq!(send(request(Some(&app))).await.status(), 500);
    assert_eq!(stage.last_entry().outcome, Ending::Allowed);
}

/// S3 tells who may not list a bucket that it is denied what is not there.
#[rstest::rstest]
#[case::read("GetObject")]
#[case::looked_at("HeadObject")]
#[tokio::test]
async fn a_missing_object_is_told_to_those_alone_who_may_list_the_bucket(#[case] operation: &str) {
    let stage = Stage::new().await;
    let input = json!({"Bucket": "bucket", "Key": "missing"});
    let reader = stage.role(&allow("s3:GetObject"));
    let refused = stage.client.call(&reader, Service::S3, operation, input.clone()).await;
    let refused = refused.unwrap_err();
    assert_eq!(refused.status, 403);
    if operation == "GetObject" {
        assert_eq!(refused.code, "AccessDenied");
        assert_eq!(
            refused.message,
            "User: arn:aws:sts::123456789012:assumed-role/app/s is not authorized to perform: \
             s3:ListBucket on resource: \"arn:aws:s3:::bucket\" because no identity-based policy \
             allows the s3:ListBucket action"
        );
    }
    let entry = stage.last_entry();
    assert_eq!(entry.outcome, Ending::Denied);
    let actions: Vec<&str> = entry.checks.iter().map(|check| check.action.as_str()).collect();
    assert_eq!(actions, ["s3:GetObject", "s3:ListBucket"]);
    assert_eq!((entry.status, entry.upstream_status), (403, Some(404)));

    let stage = Stage::new().await;
    let lister = stage.role(&allow("s3:*"));
    let told = stage.client.call(&lister, Service::S3, operation, input).await.unwrap_err();
    assert_eq!(told.status, 404);
    let entry = stage.last_entry();
    assert_eq!(entry.outcome, Ending::Allowed);
    assert_eq!(entry.checks[1].statements[0].sid.as_deref(), Some("S"));
}

#[rstest::rstest]
#[case::boundary(
    "PutRolePermissionsBoundary",
    json!({"RoleName": "app", "PermissionsBoundary": "arn:aws:iam::123456789012:policy/gone"}),
    "NoSuchEntity",
    404,
    "Scope ARN: arn:aws:iam::123456789012:policy/gone does not exist or is not attachable."
)]
#[case::trusted_role(
    "UpdateAssumeRolePolicy",
    json!({"RoleName": "app", "PolicyDocument": trusting("arn:aws:iam::123456789012:role/gone")}),
    "MalformedPolicyDocument",
    400,
    "Invalid principal in policy: \"AWS\":\"arn:aws:iam::123456789012:role/gone\""
)]
#[case::trusted_role_at_another_path(
    "UpdateAssumeRolePolicy",
    json!({"RoleName": "app", "PolicyDocument": trusting("arn:aws:iam::123456789012:role/x/app")}),
    "MalformedPolicyDocument",
    400,
    "Invalid principal in policy: \"AWS\":\"arn:aws:iam::123456789012:role/x/app\""
)]
#[tokio::test]
async fn what_a_call_names_must_be_there(
    #[case] operation: &str,
    #[case] input: Value,
    #[case] code: &str,
    #[case] status: u16,
    #[case] message: &str,
) {
    let stage = Stage::new().await;
    let app = stage.role(&allow("iam:*"));
    let error = stage.call(&app, operation, input).await.unwrap_err();
    assert_eq!((&*error.code, error.status, &*error.message), (code, status, message));
    let entry = stage.last_entry();
    assert_eq!((entry.outcome, entry.upstream_status), (Ending::Refused, None));
    assert_eq!(stage.upstream.seen(operation).len(), 0);
}

/// Secrets Manager looks for the principals of a policy, as IAM and S3 do.
#[rstest::rstest]
#[case::a_role_that_is_gone("arn:aws:iam::123456789012:role/gone", false)]
#[case::a_role_at_another_path("arn:aws:iam::123456789012:role/x/app", false)]
#[case::a_word("app", false)]
#[case::a_role("arn:aws:iam::123456789012:role/app", true)]
#[case::another_account("arn:aws:iam::999999999999:role/any", true)]
#[tokio::test]
async fn the_policy_of_a_secret_names_who_is_there(#[case] principal: &str, #[case] taken: bool) {
    let stage = Stage::new().await;
    let app = stage.role(&allow("secretsmanager:*"));
    let policy = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
        "Principal": {"AWS": principal}, "Action": "secretsmanager:GetSecretValue",
        "Resource": "*"}]});
    let input = json!({"SecretId": "s", "ResourcePolicy": policy.to_string()});
    let answer = stage.client.call(&app, Service::SecretsManager, "PutResourcePolicy", input).await;
    let error = answer.unwrap_err();
    let entry = stage.last_entry();
    if taken {
        // What is taken goes upstream, which has no secret.
        assert_eq!((&*error.code, entry.outcome), ("ResourceNotFoundException", Ending::Allowed));
        assert_eq!(entry.upstream_status, Some(400));
    } else {
        assert_eq!((&*error.code, error.status), ("MalformedPolicyDocumentException", 400));
        assert_eq!(error.message, "This resource policy contains an unsupported principal.");
        assert_eq!((entry.outcome, entry.upstream_status), (Ending::Refused, None));
    }
}

#[rstest::rstest]
#[case::boundary("PutRolePermissionsBoundary", json!({"RoleName": "app", "PermissionsBoundary": "arn:aws:iam::123456789012:policy/known"}))]
#[case::itself("UpdateAssumeRolePolicy", json!({"RoleName": "app", "PolicyDocument": trusting("arn:aws:iam::123456789012:role/app")}))]
#[case::another_account("UpdateAssumeRolePolicy", json!({"RoleName": "app", "PolicyDocument": trusting("arn:aws:iam::999999999999:role/any")}))]
#[case::the_account("UpdateAssumeRolePolicy", json!({"RoleName": "app", "PolicyDocument": trusting("arn:aws:iam::123456789012:root")}))]
#[tokio::test]
async fn what_is_there_or_cannot_be_told_is_taken(#[case] operation: &str, #[case] input: Value) {
    let stage = Stage::new().await;
    let known = "arn:aws:iam::123456789012:policy/known";
    stage.upstream.state.lock().unwrap().policies.insert(known.to_owned(), allow("s3:*"));
    let app = stage.role(&allow("iam:*"));
    stage.call(&app, operation, input).await.unwrap();
    assert_eq!(stage.upstream.seen(operation).len(), 1);
    assert_eq!(stage.last_entry().outcome, Ending::Allowed);
}

fn trusting(arn: &str) -> String {
    json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
        "Principal": {"AWS": arn}, "Action": "sts:AssumeRole"}]})
    .to_string()
}

/// A page of a web server's is no answer that a client could read; that it is
/// worth another try is told by the status.
#[tokio::test]
async fn what_fails_upstream_outside_of_any_protocol_is_told_in_the_services_own() {
    let stage = Stage::new().await;
    let app = stage.role(&allow("iam:*"));
    let error = stage.call(&app, "GenerateCredentialReport", json!({})).await.unwrap_err();
    assert_eq!((&*error.code, error.status), ("InternalFailure", 500));
    assert_eq!(
        error.message,
        "iam:GenerateCredentialReport failed in the upstream, which told no more"
    );
    assert_eq!(stage.last_entry().upstream_status, Some(500));
}
