//! APIs for tests, with a Lambda that records what it is asked.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use ringfence_policy::{Document, Kind, Outcome, Policies, Principal};
use ringfence_wire::reply::Body;
use ringfence_wire::{Call, Operation, Service, ServiceError};
use serde_json::{Map, Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::HttpApis;
use crate::client::Client;
use crate::credentials::{Identity, Session};
use crate::gateway::{Judge, Judgement, Question};
use crate::setting::Setting;
use crate::token::testing::{ISSUER, RSA, keys};
use crate::token::{Issuers, KeySource, SharedKeys};

pub(crate) const ACCOUNT: &str = "123456789012";
pub(crate) const REGION: &str = "eu-central-1";
pub(crate) const FUNCTION: &str = "arn:aws:lambda:eu-central-1:123456789012:function:hello";

/// What the endpoint was asked: the request line, its headers, its body.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) line: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Asked {
    /// The payload of an invocation.
    pub(crate) fn event(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// An endpoint's answer: status, headers, body.
pub(crate) type Answer = (u16, Vec<(&'static str, &'static str)>, String);

/// APIs whose guard is a stub.
pub(crate) struct World {
    pub(crate) apis: HttpApis,
    pub(crate) setting: Arc<Setting>,
    pub(crate) keys: SharedKeys,
    pub(crate) issuers: Issuers,
    asked: Arc<Mutex<Vec<Asked>>>,
    answer: Arc<Mutex<Answer>>,
}

impl World {
    pub(crate) async fn new() -> Self {
        let setting = Arc::new(Setting::new(
            ACCOUNT,
            REGION,
            crate::setting::Interpreters::default(),
            std::env::temp_dir(),
        ));
        let keys = SharedKeys::new(keys(&[RSA.jwk("k1")]));
        let issuers = Issuers::new(vec![(ISSUER.into(), KeySource::Keys(keys.clone()))]);
        let client = Client::new(Arc::clone(&setting));
        let apis = HttpApis::new(Arc::clone(&setting), client, issuers.clone());
        let asked = Arc::new(Mutex::default());
        let answer =
            Arc::new(Mutex::new((200, Vec::new(), r#"{"statusCode":200,"body":"hi"}"#.to_owned())));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}/", listener.local_addr().unwrap());
        setting.set_endpoint(endpoint.parse().unwrap());
        let world = Self { apis, setting, keys, issuers, asked, answer };
        let (asked, answer) = (Arc::clone(&world.asked), Arc::clone(&world.answer));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(converse(stream, Arc::clone(&asked), Arc::clone(&answer)));
            }
        });
        world
    }

    /// What the endpoint was asked so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// What the endpoint answers from now on.
    pub(crate) fn answer_with(&self, answer: Answer) {
        *self.answer.lock().unwrap() = answer;
    }

    /// Makes a call of the control plane.
    pub(crate) async fn try_call(&self, name: &str, input: Value) -> Result<Value, ServiceError> {
        let Value::Object(input) = input else { panic!("an input is an object") };
        let call = Call {
            operation: Operation::find(Service::ApiGatewayV2, name).unwrap(),
            region: REGION.into(),
            input,
            payload: None,
        };
        let caller = Session::direct(Identity::Root {
            account_id: ACCOUNT.into(),
            partition: ringfence_models::Partition::default(),
        });
        let reply = self.apis.answer(&call, &caller).await?;
        assert_eq!(reply.status, None, "the model has the status");
        Ok(match reply.body {
            Body::Fields(value) => value,
            Body::Empty => Value::Null,
            Body::Raw(_) => panic!("no payloads here"),
        })
    }

    pub(crate) async fn call(&self, name: &str, input: Value) -> Value {
        self.try_call(name, input).await.unwrap()
    }

    /// An error as `CODE STATUS MESSAGE`.
    pub(crate) async fn refusal(&self, name: &str, input: Value) -> String {
        let error = self.try_call(name, input).await.unwrap_err();
        format!("{} {} {}", error.code, error.status, error.message)
    }

    /// An API without anything; its id.
    pub(crate) async fn api(&self) -> String {
        let api = self.call("CreateApi", json!({"Name": "api", "ProtocolType": "HTTP"})).await;
        id(&api, "apiId")
    }

    /// An API with the `$default` stage, deploying by itself, an integration and
    /// a JWT authorizer.
    pub(crate) async fn ready(&self) -> Ready {
        let api = self.api().await;
        self.call(
            "CreateStage",
            json!({"ApiId": api, "StageName": "$default", "AutoDeploy": true}),
        )
        .await;
        let integration = self.integration(&api, json!({})).await;
        let authorizer = self.call("CreateAuthorizer", authorizer_input(&api)).await;
        Ready { integration, authorizer: id(&authorizer, "authorizerId"), api }
    }

    /// A Lambda integration; its id.
    pub(crate) async fn integration(&self, api: &str, more: Value) -> String {
        let input = crate::token::testing::with(
            json!({
                "ApiId": api, "IntegrationType": "AWS_PROXY", "IntegrationUri": FUNCTION,
                "PayloadFormatVersion": "2.0",
            }),
            more,
        );
        id(&self.call("CreateIntegration", input).await, "integrationId")
    }

    /// Sends a request to an API.
    pub(crate) async fn send(&self, api: &str, request: Request<Bytes>) -> Response<Bytes> {
        let address = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7));
        self.apis.serve(api, request, address, &mut Engine).await
    }

    pub(crate) async fn get(&self, api: &str, path: &str) -> Response<Bytes> {
        self.send(api, get(path)).await
    }
}

/// An API that can serve.
pub(crate) struct Ready {
    pub(crate) api: String,
    pub(crate) integration: String,
    pub(crate) authorizer: String,
}

impl Ready {
    /// The input of a route to the integration.
    pub(crate) fn route(&self, key: &str, more: Value) -> Value {
        let input = json!({
            "ApiId": self.api, "RouteKey": key,
            "Target": format!("integrations/{}", self.integration),
        });
        crate::token::testing::with(input, more)
    }
}

pub(crate) fn authorizer_input(api: &str) -> Value {
    json!({
        "ApiId": api, "AuthorizerType": "JWT", "Name": "okta",
        "IdentitySource": ["$request.header.Authorization"],
        "JwtConfiguration": {"audience": ["api://default"], "issuer": ISSUER},
    })
}

pub(crate) fn get(path: &str) -> Request<Bytes> {
    Request::get(path).header("host", "x.execute-api.localhost:4566").body(Bytes::new()).unwrap()
}

pub(crate) fn id(record: &Value, member: &str) -> String {
    record[member].as_str().unwrap().to_owned()
}

/// The status and body of an answer, and one of its headers.
pub(crate) fn told(response: &Response<Bytes>, header: &str) -> (u16, String, Option<String>) {
    let body = String::from_utf8_lossy(response.body()).into_owned();
    let header = response.headers().get(header).map(|value| value.to_str().unwrap().to_owned());
    (response.status().as_u16(), body, header)
}

async fn converse(mut stream: TcpStream, log: Arc<Mutex<Vec<Asked>>>, answer: Arc<Mutex<Answer>>) {
    let mut read = Vec::new();
    loop {
        let mut chunk = [0; 8192];
        let Ok(count @ 1..) = stream.read(&mut chunk).await else { return };
        read.extend_from_slice(&chunk[..count]);
        let Some(end) = read.windows(4).position(|part| part == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&read[..end]).into_owned();
        let mut lines = head.split("\r\n");
        let line = lines.next().unwrap().to_owned();
        let headers: HeaderMap = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.parse().unwrap(), value.trim().parse().unwrap()))
            .collect();
        let length =
            headers.get("content-length").map_or(0, |v| v.to_str().unwrap().parse().unwrap());
        if read.len() < end + 4 + length {
            continue;
        }
        let body = Bytes::copy_from_slice(&read[end + 4..end + 4 + length]);
        read.drain(..end + 4 + length);
        log.lock().unwrap().push(Asked { line, headers, body });
        let (status, headers, body) = answer.lock().unwrap().clone();
        let headers: String = headers.iter().map(|(n, v)| format!("{n}: {v}\r\n")).collect();
        let text =
            format!("HTTP/1.1 {status} X\r\n{headers}content-length: {}\r\n\r\n{body}", body.len());
        if stream.write_all(text.as_bytes()).await.is_err() {
            return;
        }
    }
}

/// An object's members but for those named.
pub(crate) fn without(value: &Value, names: &[&str]) -> Value {
    let members: Map<_, _> = value
        .as_object()
        .unwrap()
        .iter()
        .filter(|(name, _)| !names.contains(&name.as_str()))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    Value::Object(members)
}

/// The policy engine, as the guard hands it in.
pub(crate) struct Engine;

impl Judge for Engine {
    fn judge(&mut self, question: &Question<'_>) -> Judgement {
        let parse = |name: &str, text: &str, kind| Document::parse(name, text, kind).map(Arc::new);
        let given =
            question.given.map(|(name, policy)| parse(name, &policy.to_string(), Kind::Identity));
        let Ok(identity) = given.transpose() else { return Judgement::Malformed };
        let resource = question.policy.map(|text| parse("api", text, Kind::Resource).unwrap());
        let principal = match identity {
            Some(_) => Principal::User { arn: format!("arn:aws:iam::{ACCOUNT}:user/u") },
            None => Principal::Anonymous,
        };
        let policies =
            Policies { identity: identity.into_iter().collect(), resource, ..Policies::default() };
        let request = ringfence_policy::Request {
            principal: &principal,
            action: "execute-api:Invoke",
            resource: question.resource,
            resource_account: None,
            context: &ringfence_policy::Context::new(),
        };
        match ringfence_policy::decide(&request, &policies).outcome {
            Outcome::Allow => Judgement::Allowed,
            Outcome::ExplicitDeny => Judgement::ExplicitDeny,
            Outcome::ImplicitDeny => Judgement::ImplicitDeny,
            Outcome::Undecided => Judgement::Undecided,
        }
    }
}
