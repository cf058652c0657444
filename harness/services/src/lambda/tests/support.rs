//! A Lambda service, and the endpoint that it calls: STS, Logs, S3 and EC2 with
//! as little behind them as these tests need.

use std::collections::BTreeMap;
use std::io::{Cursor, Write as _};
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use ringfence_wire::reply::Body;
use ringfence_wire::{Call, Operation, Reply, Service, ServiceError, error, identify, reply};
use serde_json::{Map, Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::client::Client;
use crate::credentials::{Identity, Session};
use crate::lambda::{Asked, Lambda};
use crate::setting::{Interpreters, Setting};

pub(super) const ACCOUNT: &str = "123456789012";
pub(super) const REGION: &str = "eu-west-1";
pub(super) const ROLE: &str = "arn:aws:iam::123456789012:role/app";
pub(super) const ARN: &str = "arn:aws:lambda:eu-west-1:123456789012:function:orders";

/// Everything that a test needs; it ends with the test.
pub(super) struct World {
    pub(super) lambda: Arc<Lambda>,
    pub(super) setting: Arc<Setting>,
    pub(super) upstream: Arc<Upstream>,
    pub(super) directory: TempDir,
    server: JoinHandle<()>,
}

/// What the endpoint holds, and what it was asked.
#[derive(Default)]
pub(super) struct Upstream {
    pub(super) state: Mutex<State>,
    setting: std::sync::OnceLock<Arc<Setting>>,
}

#[derive(Default)]
pub(super) struct State {
    /// `SERVICE OPERATION` with who asked: a principal, or an access key.
    pub(super) asked: Vec<String>,
    pub(super) objects: BTreeMap<String, Bytes>,
    pub(super) log_groups: Vec<String>,
    pub(super) log_lines: Vec<String>,
    /// `SERVICE OPERATION` that is denied.
    pub(super) denied: Vec<&'static str>,
    /// Answers to `DryRun` as if it were none.
    pub(super) ignores_dry_run: bool,
    pub(super) interfaces: Vec<String>,
    /// Functions that were invoked over the endpoint, with their payloads.
    pub(super) invoked: Vec<(String, Bytes)>,
    /// The messages of the queue `orders`, by receipt.
    pub(super) queue: BTreeMap<String, String>,
    /// The receipts that were handed out and not given back.
    pub(super) received: Vec<String>,
    /// What was sent to queues, topics and buses: the operation, and its input.
    pub(super) sent: Vec<(String, Value)>,
    /// Whether Lambda may pull images.
    pub(super) pulled: bool,
    /// The names of sessions, in order.
    pub(super) sessions: Vec<String>,
}

impl World {
    pub(super) async fn new() -> Self {
        Self::with(Interpreters::default()).await
    }

    pub(super) async fn with(interpreters: Interpreters) -> Self {
        let directory = TempDir::new().unwrap();
        let setting =
            Arc::new(Setting::new(ACCOUNT, REGION, interpreters, directory.path().join("work")));
        let upstream = Arc::new(Upstream::default());
        upstream.setting.set(Arc::clone(&setting)).ok().unwrap();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        setting.set_endpoint(format!("http://127.0.0.1:{port}/").parse().unwrap());
        let server = tokio::spawn(serve(listener, Arc::clone(&upstream)));
        let lambda = Lambda::with_retry_delays(
            Arc::clone(&setting),
            Client::new(Arc::clone(&setting)),
            vec![Duration::from_millis(10); 2],
        );
        Self { lambda, setting, upstream, directory, server }
    }

    /// Calls an operation as the account's root.
    pub(super) async fn call(&self, operation: &str, input: Value) -> Result<Reply, ServiceError> {
        self.call_with(operation, input, None).await
    }

    pub(super) async fn call_with(
        &self,
        operation: &str,
        input: Value,
        payload: Option<Bytes>,
    ) -> Result<Reply, ServiceError> {
        let caller = Session::direct(Identity::Root {
            account_id: ACCOUNT.to_owned(),
            partition: ringfence_models::Partition::default(),
        });
        let call = Call {
            operation: Operation::find(Service::Lambda, operation).unwrap(),
            region: REGION.to_owned(),
            input: input.as_object().cloned().unwrap_or_default(),
            payload,
        };
        let request_id = uuid::Uuid::new_v4().to_string();
        let asked = Asked { request_id: &request_id, trace: None };
        self.lambda.answer(&call, &caller, &asked).await
    }

    /// The fields of an answer that must come.
    pub(super) async fn fields(&self, operation: &str, input: Value) -> Value {
        fields(self.call(operation, input).await.unwrap())
    }

    /// The error that must come.
    pub(super) async fn refusal(&self, operation: &str, input: Value) -> ServiceError {
        match self.call(operation, input).await {
            Ok(reply) => panic!("{operation} was answered: {reply:?}"),
            Err(error) => error,
        }
    }

    /// Creates the function `orders` and waits until it is active.
    pub(super) async fn create(&self, changes: Value) -> Value {
        let created = self.fields("CreateFunction", with(creation(), changes)).await;
        self.settled().await;
        created
    }

    /// Creates a function of another name and invokes it: its answer.
    pub(super) async fn create_another(&self, name: &str) -> Value {
        let other = json!({ "FunctionName": name });
        let changes = with(other.clone(), json!({ "Timeout": 60 }));
        self.fields("CreateFunction", with(creation(), changes)).await;
        while self.fields("GetFunctionConfiguration", other.clone()).await["State"] == "Pending" {
            tokio::task::yield_now().await;
        }
        self.invoke_with(other, json!({})).await.answer
    }

    /// Waits, as AWS's waiters do, until the function is neither created nor
    /// updated; its configuration then.
    pub(super) async fn settled(&self) -> Value {
        loop {
            let shown = self.fields("GetFunctionConfiguration", orders()).await;
            if shown["State"] != "Pending" && shown["LastUpdateStatus"] != "InProgress" {
                return shown;
            }
            tokio::task::yield_now().await;
        }
    }

    /// Invokes the function: its answer, and whether it failed.
    pub(super) async fn invoke(&self, event: Value) -> Invoked {
        self.invoke_with(json!({}), event).await
    }

    pub(super) async fn invoke_with(&self, input: Value, event: Value) -> Invoked {
        let payload = Bytes::from(event.to_string());
        let reply = self.call_with("Invoke", with(orders(), input), Some(payload)).await.unwrap();
        let header = |name: &str| {
            reply.headers.iter().find(|(given, _)| *given == name).map(|(_, value)| value.clone())
        };
        let (error, version, log) = (
            header("X-Amz-Function-Error"),
            header("X-Amz-Executed-Version"),
            header("X-Amz-Log-Result"),
        );
        let answer = match &reply.body {
            Body::Raw(bytes) if !bytes.is_empty() => serde_json::from_slice(bytes).unwrap(),
            _ => Value::Null,
        };
        let log = log.map(|log| String::from_utf8(BASE64.decode(log).unwrap()).unwrap());
        Invoked { status: reply.status, answer, error, version, log }
    }

    /// Waits until the endpoint's state is as asked.
    pub(super) async fn until<T>(&self, look: impl Fn(&State) -> Option<T>) -> T {
        let wait = async {
            loop {
                let seen = look(&self.upstream.state.lock().unwrap());
                match seen {
                    Some(seen) => return seen,
                    None => tokio::time::sleep(Duration::from_millis(2)).await,
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(20), wait).await.unwrap()
    }

    pub(super) fn deny(&self, what: &'static str) {
        self.upstream.state.lock().unwrap().denied.push(what);
    }

    pub(super) fn allow(&self, what: &str) {
        self.upstream.state.lock().unwrap().denied.retain(|it| *it != what);
    }

    pub(super) fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.upstream.state.lock().unwrap().asked)
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// What an invocation gave.
#[derive(Debug)]
pub(super) struct Invoked {
    pub(super) status: Option<u16>,
    pub(super) answer: Value,
    pub(super) error: Option<String>,
    pub(super) version: Option<String>,
    pub(super) log: Option<String>,
}

pub(super) fn fields(reply: Reply) -> Value {
    match reply.body {
        Body::Fields(fields) => fields,
        Body::Empty => Value::Null,
        Body::Raw(bytes) => panic!("a payload: {bytes:?}"),
    }
}

pub(super) fn orders() -> Value {
    json!({ "FunctionName": "orders" })
}

pub(super) fn with(mut base: Value, changes: Value) -> Value {
    let base_map = base.as_object_mut().unwrap();
    for (name, value) in changes.as_object().unwrap() {
        base_map.insert(name.clone(), value.clone());
    }
    base
}

pub(super) fn creation() -> Value {
    json!({
        "FunctionName": "orders",
        "Runtime": "provided.al2023",
        "Role": ROLE,
        "Handler": "app.handler",
        "Code": { "ZipFile": zipped(BOOTSTRAP) },
    })
}

/// A package of one executable `bootstrap`, as base64.
pub(super) fn zipped(bootstrap: &str) -> String {
    BASE64.encode(package(bootstrap))
}

pub(super) fn package(bootstrap: &str) -> Bytes {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().unix_permissions(0o755);
    writer.start_file("bootstrap", options).unwrap();
    writer.write_all(bootstrap.as_bytes()).unwrap();
    writer.finish().unwrap().into_inner().into()
}

/// A runtime that does what its event says.
pub(super) const BOOTSTRAP: &str = r#"#!/usr/bin/env python3
import contextlib, io, http.client, json, os, subprocess, sys, time

def call(method, path, body=None):
    connection = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    connection.request(method, "/2018-06-01/runtime/" + path, body)
    response = connection.getresponse()
    return response, response.read()

print("loaded", flush=True)
if os.environ.get("FAIL_INIT"):
    call("POST", "init/error", json.dumps({"errorType": "Runtime.ImportModuleError",
                                           "errorMessage": "no module"}))
    sys.exit(1)
count = 0
while True:
    head, body = call("GET", "invocation/next")
    request_id = head.headers["Lambda-Runtime-Aws-Request-Id"]
    event = json.loads(body)
    count += 1
    do = event.get("do")
    if do == "exit":
        sys.exit(event["code"])
    if do == "hang":
        child = subprocess.Popen(["sleep", event["mark"]])
        daemon = subprocess.Popen(["sleep", event["mark"]], start_new_session=True, env={}, cwd="/")
        time.sleep(300)
    if do == "run":
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            exec(event["code"], {"facts": event["facts"]})
        call("POST", "invocation/%s/response" % request_id, json.dumps({"said": said.getvalue()}))
        continue
    if do == "wait":
        subprocess.run(["sleep", event["mark"]])
    if do == "fail":
        call("POST", "invocation/%s/error" % request_id,
             json.dumps({"errorType": "ValueError", "errorMessage": "no", "requestId": request_id}))
        continue
    if do == "large":
        call("POST", "invocation/%s/response" % request_id, "x" * 7000000)
        continue
    if do == "forge":
        forged, _ = call("POST", "invocation/other/response", "{}")
        print("forged", forged.status, flush=True)
    print("line one", flush=True)
    print("line two", file=sys.stderr, flush=True)
    call("POST", "invocation/%s/response" % request_id, json.dumps({
        "event": event, "count": count, "pid": os.getpid(), "cwd": os.getcwd(),
        "environment": dict(os.environ),
        "headers": {name.lower(): value for name, value in head.headers.items()},
    }))
"#;

/// The processes that have a text among their arguments or in their environment.
pub(super) fn processes(mark: &str) -> Vec<rustix::process::Pid> {
    let holds = |path: std::path::PathBuf| {
        std::fs::read(path).is_ok_and(|text| String::from_utf8_lossy(&text).contains(mark))
    };
    std::fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let id = entry.file_name().to_str()?.parse().ok()?;
            let found = holds(entry.path().join("cmdline")) || holds(entry.path().join("environ"));
            rustix::process::Pid::from_raw(id).filter(|_| found)
        })
        .collect()
}

/// Waits until so many processes have a mark.
pub(super) async fn until_running(mark: &str, count: usize) {
    let wait = async {
        while processes(mark).len() != count {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), wait).await.unwrap();
}

/// How long a test's function sleeps: a time that no other test has.
pub(super) fn sleep_of(number: u32) -> String {
    format!("310.{number}{}", std::process::id())
}

/// The mark of what sleeps so long.
pub(super) fn sleeping(number: u32) -> String {
    format!("sleep\0{}\0", sleep_of(number))
}

/// The mark of an environment, once it has answered.
pub(super) fn mark_of(answer: &Value) -> String {
    let stream = answer["environment"]["AWS_LAMBDA_LOG_STREAM_NAME"].as_str().unwrap();
    format!("AWS_LAMBDA_LOG_STREAM_NAME={stream}\0")
}

async fn serve(listener: TcpListener, upstream: Arc<Upstream>) {
    while let Ok((stream, _)) = listener.accept().await {
        let upstream = Arc::clone(&upstream);
        tokio::spawn(async move {
            let service = service_fn(move |request| {
                let upstream = Arc::clone(&upstream);
                async move { Ok::<_, std::convert::Infallible>(upstream.serve(request).await) }
            });
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

impl Upstream {
    async fn serve(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let (parts, body) = request.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let call = identify::identify(&parts, &body, REGION).unwrap();
        let authorization = parts.headers["authorization"].to_str().unwrap();
        let key = authorization.split("Credential=").nth(1).unwrap().split('/').next().unwrap();
        let who = match self.setting.get().unwrap().keyring.find(key) {
            Some(key) if key.session.called_via.is_empty() => key.session.identity.arn(),
            Some(key) => {
                format!("{} via {}", key.session.identity.arn(), key.session.called_via.join(","))
            }
            None => key.to_owned(),
        };
        let response = match self.answer(&call, &who) {
            Ok(answer) => reply::render(&answer, call.operation, "id"),
            Err(refusal) => error::render(&refusal, call.service(), "id"),
        };
        response.map(Full::new)
    }

    fn answer(&self, call: &Call, who: &str) -> Result<Reply, ServiceError> {
        let mut state = self.state.lock().unwrap();
        let asked = format!("{} {}", call.service().name(), call.name());
        state.asked.push(format!("{asked} as {who}"));
        if state.denied.iter().any(|it| *it == asked) {
            return Err(ServiceError::access_denied(call.service(), "no policy allows it"));
        }
        let text = |name: &str| call.text(name).unwrap_or_default().to_owned();
        match call.name() {
            "AssumeRole" => {
                state.sessions.push(text("RoleSessionName"));
                Ok(Reply::fields(json!({
                    "Credentials": {
                        "AccessKeyId": format!("ASIA{}", text("RoleSessionName").to_uppercase()),
                        "SecretAccessKey": "role-secret",
                        "SessionToken": "role-token",
                        "Expiration": "2099-01-01T00:00:00Z",
                    },
                })))
            }
            "Invoke" => {
                let payload = call.payload.clone().unwrap_or_default();
                state.invoked.push((text("FunctionName"), payload));
                Ok(Reply::empty().with_status(202))
            }
            "CreateLogGroup" => {
                state.log_groups.push(text("logGroupName"));
                Ok(Reply::empty())
            }
            "CreateLogStream" if state.log_groups.contains(&text("logGroupName")) => {
                Ok(Reply::empty())
            }
            "CreateLogStream" => Err(ServiceError::new(
                400,
                "ResourceNotFoundException",
                "The specified log group does not exist.",
            )),
            "PutLogEvents" => {
                let events = call.input["logEvents"].as_array().unwrap();
                let lines = events.iter().map(|it| it["message"].as_str().unwrap().to_owned());
                state.log_lines.extend(lines);
                Ok(Reply::fields(json!({ "nextSequenceToken": "1" })))
            }
            "GetObject" => {
                let name = format!("{}/{}", text("Bucket"), text("Key"));
                state.objects.get(&name).map(|object| Reply::raw(object.clone())).ok_or_else(|| {
                    ServiceError::new(404, "NoSuchKey", "The specified key does not exist.")
                })
            }
            "DescribeSubnets" => self.describe(call, "SubnetId", "subnetSet", "subnetId"),
            "DescribeSecurityGroups" => {
                self.describe(call, "GroupId", "securityGroupInfo", "groupId")
            }
            "DescribeVpcs" => self.describe(call, "VpcId", "vpcSet", "vpcId"),
            "CreateNetworkInterface" if state.ignores_dry_run => {
                state.interfaces.push("eni-1".to_owned());
                let made = json!({ "networkInterface": { "networkInterfaceId": "eni-1" } });
                Ok(Reply::fields(made))
            }
            "CreateNetworkInterface" => {
                assert_eq!(text("DryRun"), "true");
                Err(ServiceError::new(
                    412,
                    "DryRunOperation",
                    "Request would have succeeded, but DryRun flag is set.",
                ))
            }
            "DeleteNetworkInterface" => {
                state.interfaces.retain(|it| *it != text("NetworkInterfaceId"));
                Ok(Reply::fields(json!({ "return": true })))
            }
            "BatchGetImage" if !state.pulled => {
                Err(ServiceError::access_denied(call.service(), "no policy allows it"))
            }
            "BatchGetImage" => Ok(Reply::fields(json!({ "images": [], "failures": [] }))),
            "GetRepositoryPolicy" if text("repositoryName") == "gone" => Err(ServiceError::new(
                400,
                "RepositoryNotFoundException",
                "The repository with name 'gone' does not exist",
            )),
            "GetRepositoryPolicy" => {
                let own = r#"{"Version":"2012-10-17","Statement":{"Sid":"own"}}"#;
                Ok(Reply::fields(json!({ "policyText": own })))
            }
            "SetRepositoryPolicy" => {
                state.pulled = true;
                state.sent.push((call.name().to_owned(), Value::Object(call.input.clone())));
                Ok(Reply::fields(json!({})))
            }
            "SendMessageBatch" | "PublishBatch" => Err(ServiceError::new(
                400,
                "AWS.SimpleQueueService.BatchEntryIdsNotDistinct",
                "Id 1 repeated.",
            )),
            "SendMessage" | "Publish" | "PutEvents" => {
                state.sent.push((call.name().to_owned(), Value::Object(call.input.clone())));
                Ok(Reply::fields(json!({})))
            }
            "ReceiveMessage" | "DeleteMessage" | "GetQueueAttributes" => queue(&mut state, call),
            other => panic!("nobody expected {other}"),
        }
    }

    /// Ids that end in `0` are not there; those that end in `9` are in `vpc-9`,
    /// all others in `vpc-1`.
    fn describe(
        &self,
        call: &Call,
        member: &str,
        set: &str,
        id: &str,
    ) -> Result<Reply, ServiceError> {
        let ids = call.input[member].as_array().unwrap().clone();
        let mut shown = Vec::new();
        for given in ids.iter().map(|it| it.as_str().unwrap()) {
            if given.ends_with('0') {
                let code = format!("Invalid{}.NotFound", member.replace("GroupId", "Group"));
                let text = format!("The subnet ID '{given}' does not exist");
                return Err(ServiceError::new(400, code, text));
            }
            let vpc = if given.ends_with('9') { "vpc-9" } else { "vpc-1" };
            let mut item = Map::from_iter([("vpcId".to_owned(), json!(vpc))]);
            item.insert(id.to_owned(), json!(given));
            shown.push(Value::Object(item));
        }
        Ok(Reply::fields(json!({ set: shown })))
    }
}

/// SQS with one queue, `orders`, whose messages are invisible for 30 seconds.
fn queue(state: &mut State, call: &Call) -> Result<Reply, ServiceError> {
    let url = call.text("QueueUrl").unwrap();
    if url != format!("https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/orders") {
        let code = "AWS.SimpleQueueService.NonExistentQueue";
        return Err(ServiceError::new(400, code, "The specified queue does not exist."));
    }
    match call.name() {
        "GetQueueAttributes" => {
            Ok(Reply::fields(json!({ "Attributes": { "VisibilityTimeout": "30" } })))
        }
        "DeleteMessage" => {
            let receipt = call.text("ReceiptHandle").unwrap();
            state.queue.remove(receipt).map(|_| Reply::empty()).ok_or_else(|| {
                ServiceError::new(400, "ReceiptHandleIsInvalid", "The receipt handle is none.")
            })
        }
        _ if call.input["MaxNumberOfMessages"] == 0 => {
            Err(ServiceError::new(400, "InvalidParameterValue", "0 is not between 1 and 10."))
        }
        _ => {
            let State { queue, received, .. } = state;
            let waiting = queue.iter().filter(|(receipt, _)| !received.contains(receipt));
            let messages: Vec<Value> = waiting
                .map(|(receipt, body)| {
                    json!({ "MessageId": receipt, "ReceiptHandle": receipt, "Body": body })
                })
                .collect();
            let handed = messages.iter().map(|it| it["MessageId"].as_str().unwrap().to_owned());
            received.extend(handed);
            Ok(Reply::fields(json!({ "Messages": messages })))
        }
    }
}
