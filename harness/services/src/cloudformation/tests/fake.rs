//! An endpoint that answers as AWS's services do when all is well, records
//! what is called and denies what a test names.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use ringfence_wire::{Call, Reply, Service, ServiceError, error, identify, reply};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::credentials::{Identity, Keyring, RoleSession};

pub(super) struct Fake {
    address: SocketAddr,
    state: Mutex<State>,
    /// Where sessions of roles are registered, as the guard's STS does.
    keyring: Arc<Keyring>,
    /// Who called last.
    via: Mutex<Vec<String>>,
}

#[derive(Default)]
struct State {
    calls: Vec<(String, Value)>,
    denied: BTreeSet<String>,
    parameters: BTreeMap<String, String>,
    objects: BTreeMap<String, String>,
    gone: BTreeSet<String>,
    /// The status of the inner stack.
    inner: String,
    /// What of AWS Config is there.
    recorders: BTreeSet<String>,
    /// That of a subnet with its network ACL.
    association: String,
    /// Where a table's changes go.
    stream: String,
    count: usize,
}

impl Fake {
    pub(super) async fn start(keyring: Arc<Keyring>) -> Arc<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let fake =
            Arc::new(Self { address, state: Mutex::default(), keyring, via: Mutex::default() });
        let served = Arc::clone(&fake);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let fake = Arc::clone(&served);
                tokio::spawn(async move {
                    let service = service_fn(move |request| {
                        let fake = Arc::clone(&fake);
                        async move { Ok::<_, Infallible>(fake.serve(request).await) }
                    });
                    let _ = hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        });
        fake
    }

    pub(super) fn endpoint(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// Denies an operation from now on.
    pub(super) fn deny(&self, operation: &str) {
        self.state.lock().unwrap().denied.insert(operation.to_owned());
    }

    /// Allows it again.
    pub(super) fn allow(&self, operation: &str) {
        self.state.lock().unwrap().denied.remove(operation);
    }

    pub(super) fn parameter(&self, name: &str, value: &str) {
        self.state.lock().unwrap().parameters.insert(name.to_owned(), value.to_owned());
    }

    pub(super) fn object(&self, key: &str, body: &str) {
        self.state.lock().unwrap().objects.insert(key.to_owned(), body.to_owned());
    }

    /// The operations that were called since the last look.
    pub(super) fn calls(&self) -> Vec<String> {
        self.calls_with_input().into_iter().map(|(name, _)| name).collect()
    }

    /// Waits until an operation is called.
    pub(super) async fn settled(&self, operation: &str) {
        for _ in 0..2_000 {
            if self.state.lock().unwrap().calls.iter().any(|(name, _)| name == operation) {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        panic!("{operation} is never called");
    }

    pub(super) fn calls_with_input(&self) -> Vec<(String, Value)> {
        std::mem::take(&mut self.state.lock().unwrap().calls)
    }

    /// `aws:CalledVia` of the last call.
    pub(super) fn called_via(&self) -> Vec<String> {
        self.via.lock().unwrap().clone()
    }

    async fn serve(
        &self,
        request: http::Request<hyper::body::Incoming>,
    ) -> http::Response<Full<Bytes>> {
        let (parts, body) = request.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let call = identify::identify(&parts, &body, "eu-west-1").unwrap();
        let key = parts.headers.get("authorization").and_then(|header| {
            let header = header.to_str().ok()?.split_once("Credential=")?.1;
            self.keyring.find(header.split_once('/')?.0)
        });
        *self.via.lock().unwrap() = key.map(|key| key.session.called_via).unwrap_or_default();
        let answer = match self.answer(&call) {
            Ok(answer) => reply::render(&answer, call.operation, "REQ"),
            Err(fault) => error::render(&fault, call.service(), "REQ"),
        };
        answer.map(Full::new)
    }

    fn answer(&self, call: &Call) -> Result<Reply, ServiceError> {
        let mut state = self.state.lock().unwrap();
        let name = call.name();
        let mut input = call.input.clone();
        if let Some(payload) = call.payload.as_ref().filter(|_| name == "Invoke") {
            let event = serde_json::from_slice(payload).unwrap();
            input.insert("Payload".to_owned(), event);
        }
        state.calls.push((name.to_owned(), Value::Object(input)));
        if state.denied.contains(name) {
            let prefix = call.service().signing_name();
            return Err(ServiceError::access_denied(
                call.service(),
                format!(
                    "User: arn:aws:iam::123456789012:user/dev is not authorized to perform: {prefix}:{name} on resource: X because no identity-based policy allows the {prefix}:{name} action"
                ),
            ));
        }
        let text = |member: &str| call.text(member).unwrap_or_default().to_owned();
        state.count += 1;
        let number = state.count;
        let fields = match name {
            "CreateRole" | "GetRole" => {
                let role = text("RoleName");
                json!({"Role": {
                    "RoleName": role,
                    "Arn": format!("arn:aws:iam::123456789012:role/{role}"),
                    "RoleId": "AROAFAKE",
                }})
            }
            "CreateFunction" => {
                let function = text("FunctionName");
                state.gone.remove(&function);
                json!({"FunctionArn": format!("arn:aws:lambda:eu-west-1:123456789012:function:{function}")})
            }
            "DeleteFunction" => {
                state.gone.insert(text("FunctionName"));
                json!({})
            }
            "GetFunction" if state.gone.contains(&text("FunctionName")) => {
                return Err(ServiceError::new(
                    404,
                    "ResourceNotFoundException",
                    "Function not found",
                ));
            }
            "GetFunction" => {
                json!({"Configuration": {"State": "Active", "LastUpdateStatus": "Successful"}})
            }
            "CreateKeyPair" => json!({
                "keyPairId": "key-1", "keyFingerprint": "aa:bb", "keyMaterial": "PRIVATE",
            }),
            "ImportKeyPair" => json!({"keyPairId": "key-1", "keyFingerprint": "aa:bb"}),
            "CreateApi" => json!({"apiId": "api1", "apiEndpoint": "https://api1.example"}),
            "CreateIntegration" => json!({"integrationId": format!("int{number}")}),
            "CreateRoute" => json!({"routeId": format!("route{number}")}),
            "CreateQueue" => json!({"QueueUrl": format!(
                "https://sqs.eu-west-1.amazonaws.com/123456789012/{}", text("QueueName")
            )}),
            "CreateStateMachine" => json!({"stateMachineArn": "arn:aws:states:m"}),
            "CreateAuthorizer" => json!({"authorizerId": "auth1"}),
            "GetParameters" => {
                let names = call.input["Names"].as_array().unwrap();
                let found: Vec<Value> = names
                    .iter()
                    .filter_map(|name| {
                        let name = name.as_str().unwrap();
                        let value = state.parameters.get(name)?;
                        Some(json!({"Name": name, "Type": "String", "Value": value}))
                    })
                    .collect();
                let known = |name: &&Value| !state.parameters.contains_key(name.as_str().unwrap());
                let invalid: Vec<&Value> = names.iter().filter(known).collect();
                json!({"Parameters": found, "InvalidParameters": invalid})
            }
            "AssumeRole" => {
                let role = Identity::Role(Box::new(RoleSession {
                    role_arn: text("RoleArn"),
                    role_name: "role".into(),
                    role_id: "AROAFAKE".into(),
                    session_name: text("RoleSessionName"),
                    session_policies: None,
                    tags: Vec::new(),
                    transitive_tag_keys: Vec::new(),
                    source_identity: None,
                    web_keys: Vec::new(),
                    federated_provider: None,
                    assumed_by: Some("cloudformation.amazonaws.com".into()),
                    issued_at: time::OffsetDateTime::UNIX_EPOCH,
                }));
                let end = time::OffsetDateTime::now_utc() + time::Duration::HOUR;
                let key = self.keyring.issue(role, Vec::new(), end).unwrap();
                json!({"Credentials": {
                    "AccessKeyId": key.access_key_id,
                    "SecretAccessKey": key.secret_access_key.expose(),
                    "SessionToken": key.session_token.unwrap().expose(),
                    "Expiration": "2030-01-01T00:00:00Z",
                }})
            }
            "CreateStack" | "UpdateStack" | "DeleteStack" => {
                let done = match name {
                    "CreateStack" if text("TemplateURL").contains("bad") => "ROLLBACK_COMPLETE",
                    "CreateStack" => "CREATE_COMPLETE",
                    "UpdateStack" => "UPDATE_COMPLETE",
                    _ => "DELETE_COMPLETE",
                };
                done.clone_into(&mut state.inner);
                json!({"StackId": "arn:aws:cloudformation:eu-west-1:123456789012:stack/inner/1"})
            }
            "DescribeStacks" => json!({"Stacks": [{
                "StackName": "inner", "CreationTime": "2026-11-28T00:00:00Z",
                "StackStatus": state.inner, "StackStatusReason": "Because of it. ",
                "Outputs": [{"OutputKey": "Url", "OutputValue": "https://inner"}],
            }]}),
            "CreateLaunchTemplate" => json!({"launchTemplate": {"launchTemplateId": "lt-1"}}),
            "RunInstances" => json!({"instancesSet": [{"instanceId": "i-1"}]}),
            "DescribeInstances" => json!({"reservationSet": [{"instancesSet": [{
                "instanceId": "i-1", "instanceState": {"name": "running"},
                "privateIpAddress": "10.0.0.1",
            }]}]}),
            "CreateLoadBalancer" | "DescribeLoadBalancers" => json!({"LoadBalancers": [{
                "LoadBalancerArn": "arn:aws:elasticloadbalancing:l", "DNSName": "l.example",
            }]}),
            "DescribeNetworkAcls" => json!({"networkAclSet": [{
                "networkAclId": "acl-0", "vpcId": "vpc-1",
                "associationSet": [
                    {"networkAclAssociationId": "aclassoc-0", "subnetId": "subnet-0"},
                    {"networkAclAssociationId": state.association, "subnetId": "subnet-1"},
                ],
            }]}),
            // There once the channel is, as the channel is once the recorder is.
            "PutConfigurationRecorder" => {
                state.recorders.insert("recorder".to_owned());
                json!({})
            }
            "PutDeliveryChannel" if !state.recorders.contains("recorder") => {
                let code = "NoAvailableConfigurationRecorderException";
                return Err(ServiceError::new(400, code, "There is no recorder."));
            }
            "PutDeliveryChannel" => {
                state.recorders.insert("channel".to_owned());
                json!({})
            }
            "StartConfigurationRecorder" if !state.recorders.contains("channel") => {
                let code = "NoAvailableDeliveryChannelException";
                return Err(ServiceError::new(400, code, "There is no channel."));
            }
            "ReplaceNetworkAclAssociation" => {
                state.association = format!("aclassoc-{number}");
                json!({"newAssociationId": state.association})
            }
            "ChangeResourceRecordSets" | "GetChange" => {
                return Ok(Reply::raw(
                    "<R><ChangeInfo><Id>/change/C1</Id><Status>INSYNC</Status></ChangeInfo></R>",
                ));
            }
            "PutScalingPolicy" => json!({"PolicyARN": "arn:aws:autoscaling:p"}),
            "DescribeScalingPolicies" => json!({"ScalingPolicies": [{
                "ResourceId": "service/c/s", "ScalableDimension": "ecs:service:DesiredCount",
                "ServiceNamespace": "ecs",
            }]}),
            "RegisterJobDefinition" => json!({"jobDefinitionArn": "arn:aws:batch:j:1"}),
            "RegisterTaskDefinition" | "DescribeTaskDefinition" => {
                json!({"taskDefinition": {"taskDefinitionArn": "arn:aws:ecs:t:1"}})
            }
            "CreateTable" => json!({"TableDescription": {"TableArn": "arn:aws:dynamodb:t"}}),
            "DescribeTable" => json!({"Table": {"TableStatus": "ACTIVE"}}),
            "EnableKinesisStreamingDestination" => {
                state.stream = text("StreamArn");
                json!({})
            }
            "DescribeKinesisStreamingDestination" => json!({"KinesisDataStreamDestinations": [
                {"StreamArn": state.stream, "DestinationStatus": "ACTIVE"},
            ]}),
            "DescribeAvailabilityZones"
                if call.input.get("ZoneName") == Some(&json!(["eu-west-1z"])) =>
            {
                json!({})
            }
            "DescribeAvailabilityZones"
            | "DescribeImages"
            | "DescribeKeyPairs"
            | "DescribeVpcs" => json!({"found": call.input}),
            "GetHostedZone" if text("Id") == "Z0" => {
                let message = "No hosted zone found with ID: Z0";
                return Err(ServiceError::new(404, "NoSuchHostedZone", message));
            }
            "DescribeSubnets" => {
                return Err(ServiceError::new(
                    400,
                    "InvalidSubnetID.NotFound",
                    "The subnet ID does not exist",
                ));
            }
            "GetBucketPolicy" => {
                return Err(ServiceError::new(
                    404,
                    "NoSuchBucketPolicy",
                    "The bucket policy does not exist",
                ));
            }
            "GetObject" => {
                return match state.objects.get(&text("Key")) {
                    Some(body) => Ok(Reply::raw(body.clone())),
                    None => Err(ServiceError::new(
                        404,
                        "NoSuchKey",
                        "The specified key does not exist.",
                    )),
                };
            }
            _ if call.service() == Service::Logs => json!({}),
            _ => json!({}),
        };
        Ok(Reply::fields(fields))
    }
}
