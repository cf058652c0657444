//! Subscriptions and rotations, against an endpoint that lets only
//! `logs.amazonaws.com` invoke the function `allowed`.

use std::io::Read as _;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use flate2::read::GzDecoder;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use ringfence_wire::{Call, Operation, Reply, Service, ServiceError, reply};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::FunctionTargets;
use crate::client::Client;
use crate::credentials::Identity;
use crate::setting::Setting;

const FUNCTION: &str = "arn:aws:lambda:eu-west-1:123456789012:function:allowed";

struct World {
    targets: FunctionTargets,
    /// Who invoked with which source, and the payload.
    invoked: Arc<Mutex<Vec<(String, Bytes)>>>,
}

impl World {
    async fn new() -> Self {
        let setting = Arc::new(Setting::new(
            "123456789012",
            "eu-west-1",
            crate::setting::Interpreters::default(),
            PathBuf::from("/nowhere"),
        ));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        setting.set_endpoint(format!("http://127.0.0.1:{port}/").parse().unwrap());
        let invoked = Arc::new(Mutex::new(Vec::new()));
        tokio::spawn(serve(listener, Arc::clone(&setting), Arc::clone(&invoked)));
        let client = Client::new(Arc::clone(&setting));
        Self { targets: FunctionTargets::new(setting, client), invoked }
    }

    async fn after(
        &self,
        (service, operation): (Service, &str),
        input: Value,
        answer: Result<Value, ServiceError>,
    ) -> Result<Option<Reply>, ServiceError> {
        let operation = Operation::find(service, operation).unwrap();
        let call = Call {
            operation,
            region: "eu-west-1".to_owned(),
            input: input.as_object().cloned().unwrap(),
            payload: None,
        };
        let answer = match answer {
            Ok(fields) => reply::render(&Reply::fields(fields), operation, "id"),
            Err(error) => ringfence_wire::error::render(&error, service, "id"),
        };
        self.targets.after(&call, &answer).await
    }

    async fn put(&self, changes: Value) -> Result<Option<Reply>, ServiceError> {
        let mut input = json!({
            "logGroupName": "/app",
            "filterName": "f",
            "filterPattern": "ERROR",
            "destinationArn": FUNCTION,
        });
        for (name, value) in changes.as_object().unwrap() {
            input[name] = value.clone();
        }
        let unknown = ServiceError::new(400, "InvalidParameterException", "no such function");
        self.after((Service::Logs, "PutSubscriptionFilter"), input, Err(unknown)).await
    }

    async fn describe(&self) -> Vec<String> {
        let input = json!({ "logGroupName": "/app" });
        let none = Ok(json!({ "subscriptionFilters": [] }));
        let operation = (Service::Logs, "DescribeSubscriptionFilters");
        match self.after(operation, input, none).await.unwrap() {
            Some(reply) => match reply.body {
                ringfence_wire::reply::Body::Fields(fields) => fields["subscriptionFilters"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|filter| filter["filterName"].as_str().unwrap().to_owned())
                    .collect(),
                other => panic!("{other:?}"),
            },
            None => Vec::new(),
        }
    }
}

async fn serve(
    listener: TcpListener,
    setting: Arc<Setting>,
    invoked: Arc<Mutex<Vec<(String, Bytes)>>>,
) {
    while let Ok((stream, _)) = listener.accept().await {
        let (setting, invoked) = (Arc::clone(&setting), Arc::clone(&invoked));
        tokio::spawn(async move {
            let service = service_fn(move |request| {
                let (setting, invoked) = (Arc::clone(&setting), Arc::clone(&invoked));
                async move {
                    Ok::<_, std::convert::Infallible>(answer(request, &setting, &invoked).await)
                }
            });
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

async fn answer(
    request: Request<Incoming>,
    setting: &Setting,
    invoked: &Mutex<Vec<(String, Bytes)>>,
) -> Response<Full<Bytes>> {
    let authorization = request.headers()["authorization"].to_str().unwrap();
    let key = authorization.split("Credential=").nth(1).unwrap().split('/').next().unwrap();
    let identity = setting.keyring.find(key).unwrap().session.identity;
    let Identity::Service { principal, source_arn, .. } = identity else { panic!("{identity:?}") };
    let is_allowed = principal == "logs.amazonaws.com" && request.uri().path().contains("allowed");
    let is_event = request.headers()["x-amz-invocation-type"] == "Event";
    let payload = request.into_body().collect().await.unwrap().to_bytes();
    if is_allowed && is_event {
        invoked.lock().unwrap().push((source_arn.unwrap_or_default(), payload));
    }
    let mut response = Response::new(Full::new(Bytes::new()));
    *response.status_mut() = (if is_allowed { 202 } else { 403 }).try_into().unwrap();
    response
}

/// LocalStack's `test_put_subscription_filter_lambda`, recorded on AWS.
#[tokio::test]
async fn what_is_logged_reaches_the_function_whose_filter_it_matches() {
    let world = World::new().await;
    assert!(world.put(json!({})).await.unwrap().is_some());
    assert_eq!(world.describe().await, ["f"]);
    let events = json!({
        "logGroupName": "/app",
        "logStreamName": "s",
        "logEvents": [
            { "timestamp": 1, "message": "an ERROR" },
            { "timestamp": 2, "message": "all is well" },
        ],
    });
    let accepted = Ok(json!({ "nextSequenceToken": "1" }));
    let operation = (Service::Logs, "PutLogEvents");
    assert!(world.after(operation, events, accepted).await.unwrap().is_none());
    let delivered = async {
        loop {
            if let Some(delivered) = world.invoked.lock().unwrap().pop() {
                return delivered;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    let (source, payload) = tokio::time::timeout(Duration::from_secs(20), delivered).await.unwrap();
    assert_eq!(source, "arn:aws:logs:eu-west-1:123456789012:log-group:/app:*");
    let event: Value = serde_json::from_slice(&payload).unwrap();
    let data = BASE64.decode(event["awslogs"]["data"].as_str().unwrap()).unwrap();
    let mut text = String::new();
    GzDecoder::new(data.as_slice()).read_to_string(&mut text).unwrap();
    let data: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(data["messageType"], "DATA_MESSAGE");
    assert_eq!((&data["logGroup"], &data["logStream"]), (&json!("/app"), &json!("s")));
    assert_eq!(data["subscriptionFilters"], json!(["f"]));
    let events = data["logEvents"].as_array().unwrap();
    assert_eq!((events.len(), &events[0]["message"]), (1, &json!("an ERROR")));
    assert_eq!(events[0]["id"].as_str().unwrap().len(), 56);
}

#[tokio::test]
async fn a_function_that_logs_may_not_invoke_is_no_destination() {
    let world = World::new().await;
    let other = "arn:aws:lambda:eu-west-1:123456789012:function:other";
    let error = world.put(json!({ "destinationArn": other })).await.unwrap_err();
    assert_eq!((error.status, &*error.code), (400, "InvalidParameterException"));
    assert_eq!(
        error.message,
        "Could not execute the lambda function. Make sure you have given CloudWatch Logs \
         permission to execute your function."
    );
    let foreign = "arn:aws:lambda:eu-west-1:999999999999:function:allowed";
    let error = world.put(json!({ "destinationArn": foreign })).await.unwrap_err();
    assert_eq!((error.status, &*error.code), (400, "AccessDeniedException"));
    assert_eq!(world.describe().await, Vec::<String>::new());
    let error = world.put(json!({ "filterPattern": "{ $.a = 1 }" })).await.unwrap_err();
    assert_eq!(error.status, 501);
    assert!(world.put(json!({})).await.unwrap().is_some());
}

/// LocalStack's `TestSubscriptionFilterUpdates`, recorded on AWS.
#[tokio::test]
async fn a_group_has_two_filters_at_most_and_a_filter_is_replaced_by_its_name() {
    let world = World::new().await;
    world.put(json!({})).await.unwrap();
    world.put(json!({ "filterPattern": "[]" })).await.unwrap();
    world.put(json!({ "filterName": "g" })).await.unwrap();
    let error = world.put(json!({ "filterName": "h" })).await.unwrap_err();
    assert_eq!(
        (&*error.code, &*error.message),
        ("LimitExceededException", "Resource limit exceeded.")
    );
    assert_eq!(world.describe().await, ["f", "g"]);
    let absent = || ServiceError::new(400, "ResourceNotFoundException", "no such filter");
    let delete = async |name: &str| {
        let input = json!({ "logGroupName": "/app", "filterName": name });
        world.after((Service::Logs, "DeleteSubscriptionFilter"), input, Err(absent())).await
    };
    assert!(delete("f").await.unwrap().is_some());
    assert!(delete("f").await.unwrap().is_none(), "the upstream's answer stands");
    assert_eq!(world.describe().await, ["g"]);
    let group = json!({ "logGroupName": "/app" });
    world.after((Service::Logs, "DeleteLogGroup"), group, Ok(json!({}))).await.unwrap();
    assert_eq!(world.describe().await, Vec::<String>::new());
}

/// LocalStack's `test_secretsmanager.snapshot.json`, recorded on AWS.
#[tokio::test]
async fn a_function_that_may_not_be_invoked_rotates_no_secret() {
    let world = World::new().await;
    let rotate = async |function: &str, message: &str| {
        let input = json!({ "SecretId": "s", "RotationLambdaARN": function });
        let error = ServiceError::new(404, "ResourceNotFoundException", message);
        world.after((Service::SecretsManager, "RotateSecret"), input, Err(error)).await
    };
    let moto = format!("Resource not found for ARN '{FUNCTION}'.");
    let localstack = "Lambda does not exist or could not be accessed";
    for unknown in [&*moto, localstack] {
        let error = rotate(FUNCTION, unknown).await.unwrap_err();
        assert_eq!((error.status, &*error.code), (400, "AccessDeniedException"), "{unknown}");
        assert_eq!(
            error.message,
            "Secrets Manager cannot invoke the specified Lambda function. Ensure that the function \
             policy grants access to the principal secretsmanager.amazonaws.com."
        );
    }
    let missing = rotate(FUNCTION, "Secrets Manager can't find the specified secret.").await;
    assert!(missing.unwrap().is_none(), "the upstream's answer stands");
}
