//! Attacks from inside a running function. A stack deployer makes itself a
//! role with the boundary and AdministratorAccess, and runs code as it: what
//! is refused then, the boundary refuses.

use std::time::{Duration, Instant};

use ringfence_wire::Service::{Iam, Lambda, S3};
use ringfence_wire::{Service, ServiceError};
use serde_json::{Value, json};

use super::actor::Actor;
use super::attack::{Reason, Refusal, Step};
use super::catalogue::{lambda_trust, package};
use super::facts::{DeployerFacts, Facts};
use super::finding::{Companions, Finding, Road, Scope, Verdict};

const CEILING: &str = "the boundary caps running code";

/// How long a new function may take to become active.
const ACTIVE_TIMEOUT: Duration = Duration::from_secs(30);

/// The ceiling of running code, probed from inside.
#[derive(Debug)]
pub struct Inside<'a> {
    /// The deployed state.
    pub facts: &'a Facts,
    /// The stack deployer that makes role and function.
    pub deployer: &'a DeployerFacts,
    /// It, with credentials.
    pub attacker: &'a Actor,
    /// The platform team, which invokes the function and cleans up.
    pub platform: &'a Actor,
}

/// A call from inside: boto3's names.
struct Call {
    name: &'static str,
    title: &'static str,
    service: &'static str,
    operation: &'static str,
    region: Option<&'static str>,
    input: Value,
    /// What refuses it; none for a twin, which must be allowed.
    refusal: Option<Refusal>,
}

impl Inside<'_> {
    fn name(&self) -> String {
        format!("{}-inside", self.deployer.app)
    }

    fn role(&self) -> String {
        format!("{}inside", self.deployer.role_prefix.as_deref().unwrap_or("app-"))
    }

    fn log_group(&self) -> String {
        format!("/ringfence/{}", self.name())
    }

    fn bucket(&self) -> String {
        format!("ringfence-inside-{}", self.facts.account)
    }

    /// Runs the probes.
    ///
    /// # Errors
    /// When the function cannot be made or does not answer: nothing is proved
    /// then.
    pub async fn run(&self) -> Result<Vec<Finding>, ServiceError> {
        let result = self.probe().await;
        let removed = self.remove().await;
        let findings = result?;
        removed?;
        Ok(findings)
    }

    async fn probe(&self) -> Result<Vec<Finding>, ServiceError> {
        let start = Instant::now();
        let calls = self.calls();
        self.make().await?;
        let payload = json!({"calls": calls.iter().map(|call| json!({
            "service": call.service,
            "operation": call.operation,
            "region": call.region.unwrap_or(&self.facts.region),
            "input": call.input,
        })).collect::<Vec<_>>()});
        let invoke = Step::new(Lambda, "Invoke", json!({"FunctionName": self.name()}))
            .with_payload(payload.to_string());
        let output = self.platform.call(&invoke).await.result?;
        let answers = output.as_array().filter(|answers| answers.len() == calls.len());
        let answers = answers.ok_or_else(|| {
            ServiceError::new(500, "Unhandled", format!("the function answered {output}"))
        })?;
        let caller = format!(
            "arn:aws:sts::{}:assumed-role/{}/{}",
            self.facts.account,
            self.role(),
            self.name()
        );
        let twins_allowed = calls
            .iter()
            .zip(answers)
            .filter(|(call, _)| call.refusal.is_none())
            .all(|(_, answer)| answer.get("allowed") == Some(&json!(true)));
        let judged = calls.iter().zip(answers).map(|(call, answer)| {
            let (expected, verdict) = match &call.refusal {
                None => {
                    let allowed = answer.get("allowed") == Some(&json!(true));
                    let verdict = if allowed { Verdict::Held } else { Verdict::Failed };
                    ("allowed".to_owned(), verdict)
                }
                Some(refusal) => {
                    let expected = refusal.error(&caller);
                    let verdict = match (refused_as(answer, &expected), twins_allowed) {
                        (false, _) => Verdict::Failed,
                        (true, false) => Verdict::Inconclusive,
                        (true, true) => Verdict::Held,
                    };
                    (format!("{} {expected}", expected.status), verdict)
                }
            };
            Finding {
                id: format!("{}/{}/function", self.deployer.name, call.name),
                guard_rail: CEILING,
                identity: format!("a function of {}", self.deployer.name),
                road: Road::Function,
                scope: Scope::Executed,
                title: format!(
                    "code of {} with AdministratorAccess {}",
                    self.deployer.name, call.title
                ),
                expected,
                observed: observed(answer),
                verdict,
                reason: None,
                companions: Companions::default(),
                decided_by: Vec::new(),
                duration: start.elapsed(),
                request_ids: Vec::new(),
            }
        });
        Ok(judged.collect())
    }

    /// What code with AdministratorAccess would do.
    fn calls(&self) -> Vec<Call> {
        let facts = self.facts;
        let user = "ringfence-inside";
        let role = self.role();
        let denied = |service, action, resource: String, reason| {
            Some(Refusal { service, action, resource, reason })
        };
        let escape = Reason::BoundaryStatement("DenyEscape");
        let allowed = |name, title, service, operation, input| Call {
            name,
            title,
            service,
            operation,
            region: None,
            input,
            refusal: None,
        };
        let refused = |name, title, service, operation, input, refusal| Call {
            name,
            title,
            service,
            operation,
            region: None,
            input,
            refusal,
        };
        let own_object = json!({"Bucket": self.bucket(), "Key": "probe", "Body": "probe"});
        let artifact = json!({
            "Bucket": facts.bucket, "Key": format!("{}/probe", self.deployer.app), "Body": "probe",
        });
        let parameter = format!("{}/inside", facts.parameters.trim_end_matches('/'));
        let mut calls = vec![
            allowed(
                "log-group-created",
                "creates a log group",
                "logs",
                "create_log_group",
                json!({"logGroupName": self.log_group()}),
            ),
            allowed("object-written", "writes an object", "s3", "put_object", own_object),
            refused(
                "user-created",
                "cannot create a user",
                "iam",
                "create_user",
                json!({"UserName": user}),
                denied(
                    Iam,
                    "iam:CreateUser",
                    format!("arn:aws:iam::{}:user/{user}", facts.account),
                    escape,
                ),
            ),
            refused(
                "boundary-removed",
                "cannot remove its own boundary",
                "iam",
                "delete_role_permissions_boundary",
                json!({"RoleName": role}),
                denied(Iam, "iam:DeleteRolePermissionsBoundary", format!("role {role}"), escape),
            ),
            refused(
                "artifact-written",
                "cannot plant an artifact",
                "s3",
                "put_object",
                artifact,
                denied(
                    S3,
                    "s3:PutObject",
                    format!("arn:aws:s3:::{}/{}/probe", facts.bucket, self.deployer.app),
                    Reason::BoundaryStatement("DenyArtifacts"),
                ),
            ),
            refused(
                "parameter-written",
                "cannot publish in the platform's name",
                "ssm",
                "put_parameter",
                json!({"Name": parameter, "Type": "String", "Value": "probe"}),
                denied(
                    Service::Ssm,
                    "ssm:PutParameter",
                    format!("arn:aws:ssm:{}:{}:parameter{parameter}", facts.region, facts.account),
                    Reason::NoBoundary,
                ),
            ),
        ];
        if let Some(foreign) = facts.foreign_function(&self.deployer.app) {
            calls.push(refused(
                "foreign-function-invoked",
                "cannot invoke another team's function",
                "lambda",
                "invoke",
                json!({"FunctionName": foreign.name}),
                denied(
                    Lambda,
                    "lambda:InvokeFunction",
                    facts.function_arn(&foreign.name),
                    Reason::NoBoundary,
                ),
            ));
        }
        let elsewhere = if facts.region == "eu-west-1" { "us-east-1" } else { "eu-west-1" };
        let table = format!("arn:aws:dynamodb:{elsewhere}:{}:table/probe", facts.account);
        calls.push(Call {
            name: "table-read-elsewhere",
            title: "cannot read tables of another region",
            service: "dynamodb",
            operation: "describe_table",
            region: Some(elsewhere),
            input: json!({"TableName": "probe"}),
            refusal: denied(Service::DynamoDb, "dynamodb:DescribeTable", table, Reason::NoBoundary),
        });
        calls
    }

    /// Role and function, made by the deployer within its job; a bucket for
    /// the twin, by the platform.
    async fn make(&self) -> Result<(), ServiceError> {
        let (name, role) = (self.name(), self.role());
        let attach = json!({
            "RoleName": role, "PolicyArn": "arn:aws:iam::aws:policy/AdministratorAccess",
        });
        let create = json!({
            "RoleName": role, "AssumeRolePolicyDocument": lambda_trust(),
            "PermissionsBoundary": self.facts.execution_boundary,
        });
        let function = json!({
            "FunctionName": name, "Runtime": "python3.12", "Handler": "index.handler",
            "Role": self.facts.role_arn(&role), "Timeout": 30,
            "Code": {"ZipFile": package(include_str!("inside.py"))},
            "VpcConfig": {
                "SubnetIds": self.facts.subnets,
                "SecurityGroupIds": [self.facts.security_group],
            },
        });
        for step in [
            Step::new(Iam, "CreateRole", create),
            Step::new(Iam, "AttachRolePolicy", attach),
            Step::new(Lambda, "CreateFunction", function),
        ] {
            self.attacker.call(&step).await.result?;
        }
        let bucket = Step::new(S3, "CreateBucket", json!({"Bucket": self.bucket()}));
        self.platform.call(&bucket).await.result?;
        self.await_active(&name).await
    }

    async fn await_active(&self, name: &str) -> Result<(), ServiceError> {
        let start = Instant::now();
        loop {
            let input = json!({"FunctionName": name});
            let step = Step::new(Lambda, "GetFunctionConfiguration", input);
            let found = self.platform.call(&step).await.result?;
            match found.get("State").and_then(Value::as_str) {
                Some("Active") => return Ok(()),
                Some("Pending") if start.elapsed() < ACTIVE_TIMEOUT => {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                state => {
                    let message = format!("`{name}` is {state:?}");
                    return Err(ServiceError::new(500, "NotActive", message));
                }
            }
        }
    }

    /// Removes what [`Inside::make`] made, or whatever of it there is.
    async fn remove(&self) -> Result<(), ServiceError> {
        let (name, role, bucket) = (self.name(), self.role(), self.bucket());
        let detach = json!({
            "RoleName": role, "PolicyArn": "arn:aws:iam::aws:policy/AdministratorAccess",
        });
        let log_group = json!({"logGroupName": self.log_group()});
        let steps = [
            Step::new(Service::Logs, "DeleteLogGroup", log_group),
            Step::new(Lambda, "DeleteFunction", json!({"FunctionName": name})),
            Step::new(Iam, "DetachRolePolicy", detach),
            Step::new(Iam, "DeleteRole", json!({"RoleName": role})),
            Step::new(S3, "DeleteObject", json!({"Bucket": bucket, "Key": "probe"})),
            Step::new(S3, "DeleteBucket", json!({"Bucket": bucket})),
        ];
        let mut result = Ok(());
        for step in steps {
            match self.platform.call(&step).await.result {
                // Not made, so not there to remove.
                Err(error) if error.status == 404 || error.code == "ResourceNotFoundException" => {}
                Err(error) => result = Err(error),
                Ok(_) => {}
            }
        }
        result
    }
}

fn refused_as(answer: &Value, expected: &ServiceError) -> bool {
    let text = |name: &str| answer.get(name).and_then(Value::as_str).unwrap_or_default();
    text("code") == expected.code
        && answer.get("status") == Some(&json!(expected.status))
        && text("message").starts_with(&expected.message)
}

fn observed(answer: &Value) -> String {
    match answer.get("message").and_then(Value::as_str) {
        Some(message) => format!(
            "{} {}: {message}",
            answer.get("status").unwrap_or(&Value::Null),
            answer.get("code").and_then(Value::as_str).unwrap_or_default()
        ),
        None => "allowed".to_owned(),
    }
}
