//! What the probes from inside need: roles, functions, a bucket.

use std::time::{Duration, Instant};

use ringfence_wire::ServiceError;
use ringfence_wire::services::{Iam, Lambda, Logs, S3};
use serde_json::{Value, json};

use super::super::attack::Step;
use super::super::catalogue::{lambda_trust, package};
use super::super::lack::Lack;
use super::{Code, Inside, bucket, with};

/// How long a new function may take to become active.
const ACTIVE_TIMEOUT: Duration = Duration::from_secs(30);

const ADMINISTRATOR: &str = "arn:aws:iam::aws:policy/AdministratorAccess";

impl Inside<'_> {
    /// Role and function: a stack deployer's own within its job, else the
    /// platform's with the deployed role. A canary, and a bucket to write to.
    pub(super) async fn make(&self) -> Result<(), ServiceError> {
        let (name, role) = (self.name(), self.role());
        let network = match self.facts.has(Lack::Subnets) && self.facts.has(Lack::SecurityGroup) {
            true => json!({"VpcConfig": {
                "SubnetIds": self.facts.subnets, "SecurityGroupIds": [self.facts.security_group],
            }}),
            false => json!({}),
        };
        // A deployed function's role may have a path.
        let arn = self.code.author().role_arn(self.facts);
        let function = with(self.function(&name, &arn), network);
        let create = Step::new(Lambda, "CreateFunction", function);
        match self.code {
            Code::Made { attacker, .. } => {
                let make_role =
                    json!({"RoleName": role, "AssumeRolePolicyDocument": lambda_trust()});
                let make_role = match self.facts.has(Lack::ExecutionBoundary) {
                    true => with(
                        make_role,
                        json!({"PermissionsBoundary": self.facts.execution_boundary}),
                    ),
                    false => make_role,
                };
                let attach = json!({"RoleName": role, "PolicyArn": ADMINISTRATOR});
                for step in [
                    Step::new(Iam, "CreateRole", make_role),
                    Step::new(Iam, "AttachRolePolicy", attach),
                    create,
                ] {
                    attacker.call(&step).await.result?;
                }
                let bucket =
                    Step::new(S3, "CreateBucket", self.facts.new_bucket(&bucket(self.facts)));
                self.platform.call(&bucket).await.result?;
            }
            Code::Deployed(_) => {
                self.platform.call(&create).await.result?;
            }
        }
        let canary = self.canary();
        let trust = json!({"RoleName": canary, "AssumeRolePolicyDocument": lambda_trust()});
        self.platform.call(&Step::new(Iam, "CreateRole", trust)).await.result?;
        let function = self.function(&canary, &self.facts.role_arn(&canary));
        self.platform.call(&Step::new(Lambda, "CreateFunction", function)).await.result?;
        self.await_active(&name).await?;
        self.await_active(&canary).await
    }

    fn function(&self, name: &str, role_arn: &str) -> Value {
        json!({
            "FunctionName": name, "Runtime": "python3.12", "Handler": "index.handler",
            "Role": role_arn, "Timeout": 60,
            "Code": {"ZipFile": package(include_str!("inside.py"))},
        })
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
    pub(super) async fn remove(&self) -> Result<(), ServiceError> {
        let (name, role, canary) = (self.name(), self.role(), self.canary());
        let mut steps = vec![
            Step::new(
                Logs,
                "DeleteLogGroup",
                json!({"logGroupName": self.code.author().log_group()}),
            ),
            Step::new(Lambda, "DeleteFunction", json!({"FunctionName": name})),
            Step::new(Lambda, "DeleteFunction", json!({"FunctionName": canary})),
            Step::new(Iam, "DeleteRole", json!({"RoleName": canary})),
        ];
        if matches!(self.code, Code::Made { .. }) {
            let detach = json!({"RoleName": role, "PolicyArn": ADMINISTRATOR});
            let bucket = bucket(self.facts);
            steps.extend([
                Step::new(Iam, "DetachRolePolicy", detach),
                Step::new(Iam, "DeleteRole", json!({"RoleName": role})),
                Step::new(S3, "DeleteObject", json!({"Bucket": bucket, "Key": "probe"})),
                Step::new(S3, "DeleteBucket", json!({"Bucket": bucket})),
            ]);
        }
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
