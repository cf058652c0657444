//! What code in a function tries, as data: one row a call.

use ringfence_wire::services::{
    ApiGatewayV2, CloudFormation, DynamoDb, Ec2, Iam, Lambda, Logs, S3, SecretsManager, Ssm, Sts,
};
use serde_json::{Value, json};

use super::super::attack::{Reason, Refusal, Step};
use super::super::catalogue::{everything, lambda_trust};
use super::super::facts::Facts;
use crate::config::Forbids;

/// A call from inside, by the names of AWS's model.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) name: &'static str,
    /// What the code does, or cannot do.
    pub(super) title: String,
    pub(super) step: Step,
    /// Another region than the function's.
    pub(super) region: Option<&'static str>,
    /// What refuses it; none for the legitimate use, which must be allowed.
    pub(super) refusal: Option<Refusal>,
}

/// Where the code runs, and as whom.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) facts: &'a Facts,
    /// The function's name.
    pub(super) function: &'a str,
    /// Its role's name.
    pub(super) role: &'a str,
    /// Its role's ARN.
    pub(super) role_arn: &'a str,
    /// The app whose code it is.
    pub(super) app: &'a str,
    /// What refuses where only the boundary is silent: the boundary for a role
    /// with AdministratorAccess, for others their own policies come first.
    pub(super) silence: Reason,
}

const ESCAPE: Reason = Reason::BoundaryStatement(Forbids::Escape);
const ARTIFACTS: Reason = Reason::BoundaryStatement(Forbids::Artifacts);

impl Place<'_> {
    fn refused(
        &self,
        name: &'static str,
        title: &str,
        step: Step,
        action: &'static str,
        resource: String,
    ) -> Call {
        let refusal = Refusal {
            service: step.service,
            action: action.into(),
            resource,
            reason: self.silence,
        };
        Call { name, title: title.into(), step, region: None, refusal: Some(refusal) }
    }

    fn arn(&self, service: &str, rest: &str) -> String {
        format!("arn:aws:{service}:{}:{}:{rest}", self.facts.region, self.facts.account)
    }

    /// All calls that must be refused.
    pub(super) fn calls(&self) -> Vec<Call> {
        let mut calls = self.identities();
        calls.extend(self.sessions());
        calls.extend(self.artifacts());
        calls.extend(self.functions());
        calls.extend(self.platform());
        calls.extend(self.elsewhere());
        calls
    }

    fn identities(&self) -> Vec<Call> {
        let account = &self.facts.account;
        let user = "ringfence-inside";
        let role = self.role;
        let on_role = |more: Value| super::with(json!({"RoleName": role}), more);
        let printed = format!("role {role}");
        let admin = "arn:aws:iam::aws:policy/AdministratorAccess";
        let boundary = &self.facts.execution_boundary;
        let table: [(&str, &str, &str, Value, &str, String); 12] = [
            (
                "user-created",
                "cannot create a user",
                "CreateUser",
                json!({"UserName": user}),
                "iam:CreateUser",
                format!("arn:aws:iam::{account}:user/{user}"),
            ),
            (
                "access-key-made",
                "cannot make a key for a user",
                "CreateAccessKey",
                json!({"UserName": user}),
                "iam:CreateAccessKey",
                format!("user {user}"),
            ),
            (
                "boundary-removed",
                "cannot remove its own boundary",
                "DeleteRolePermissionsBoundary",
                on_role(json!({})),
                "iam:DeleteRolePermissionsBoundary",
                printed.clone(),
            ),
            (
                "boundary-replaced",
                "cannot replace its own boundary",
                "PutRolePermissionsBoundary",
                on_role(json!({"PermissionsBoundary": admin})),
                "iam:PutRolePermissionsBoundary",
                printed.clone(),
            ),
            (
                "boundary-edited",
                "cannot edit its boundary",
                "CreatePolicyVersion",
                json!({
                    "PolicyArn": boundary, "PolicyDocument": everything(), "SetAsDefault": true,
                }),
                "iam:CreatePolicyVersion",
                format!("policy {boundary}"),
            ),
            (
                "own-role-attached",
                "cannot attach a policy to its role",
                "AttachRolePolicy",
                on_role(json!({"PolicyArn": admin})),
                "iam:AttachRolePolicy",
                printed.clone(),
            ),
            (
                "own-role-written",
                "cannot write its role a policy",
                "PutRolePolicy",
                on_role(json!({"PolicyName": "inside", "PolicyDocument": everything()})),
                "iam:PutRolePolicy",
                printed.clone(),
            ),
            (
                "own-trust-opened",
                "cannot let others become its role",
                "UpdateAssumeRolePolicy",
                on_role(json!({"PolicyDocument": lambda_trust()})),
                "iam:UpdateAssumeRolePolicy",
                printed,
            ),
            (
                "role-created",
                "cannot create a role",
                "CreateRole",
                json!({"RoleName": user, "AssumeRolePolicyDocument": lambda_trust()}),
                "iam:CreateRole",
                format!("arn:aws:iam::{account}:role/{user}"),
            ),
            (
                "policy-created",
                "cannot create a policy",
                "CreatePolicy",
                json!({"PolicyName": user, "PolicyDocument": everything()}),
                "iam:CreatePolicy",
                format!("policy {user}"),
            ),
            (
                "users-listed",
                "cannot list the users",
                "ListUsers",
                json!({}),
                "iam:ListUsers",
                format!("arn:aws:iam::{account}:user/"),
            ),
            (
                "policies-read",
                "cannot read all policies of the account",
                "GetAccountAuthorizationDetails",
                json!({}),
                "iam:GetAccountAuthorizationDetails",
                "*".into(),
            ),
        ];
        let call = |(name, title, operation, input, action, resource)| {
            let step = Step::new(Iam, operation, input);
            because(self.refused(name, title, step, action, resource), ESCAPE)
        };
        table.into_iter().map(call).collect()
    }

    fn sessions(&self) -> Vec<Call> {
        let assume = |role: &str| {
            Step::new(Sts, "AssumeRole", json!({"RoleArn": role, "RoleSessionName": "inside"}))
        };
        let mut calls = Vec::new();
        for deployer in &self.facts.deployers {
            let name = match deployer.job {
                crate::config::Job::Stack => "stack-deployer-assumed",
                crate::config::Job::Code => "code-deployer-assumed",
                crate::config::Job::Configuration => "configuration-deployer-assumed",
            };
            let Some(role) = deployer.role_arn() else { continue };
            let title = format!("cannot become {}", deployer.name);
            let call = self.refused(name, &title, assume(role), "sts:AssumeRole", role.to_owned());
            calls.push(because(call, Reason::NoTrust));
        }
        let own = self.role_arn.to_owned();
        let title = "cannot lengthen its own session";
        let call = self.refused("own-role-assumed", title, assume(&own), "sts:AssumeRole", own);
        calls.push(because(call, Reason::NoTrust));
        calls
    }

    fn artifacts(&self) -> Vec<Call> {
        let bucket = &self.facts.bucket;
        let key = format!("{}/probe", self.app);
        let arn = format!("arn:aws:s3:::{bucket}");
        let object = json!({"Bucket": bucket, "Key": key});
        let put = Step::new(S3, "PutObject", object.clone()).with_payload("probe");
        let policy =
            Step::new(S3, "PutBucketPolicy", json!({"Bucket": bucket, "Policy": everything()}));
        let list = Step::new(S3, "ListObjectsV2", json!({"Bucket": bucket}));
        let within = format!("{arn}/{key}");
        let rows = [
            ("artifact-written", "cannot plant an artifact", put, "s3:PutObject", within.clone()),
            (
                "artifact-read",
                "cannot read an artifact",
                Step::new(S3, "GetObject", object.clone()),
                "s3:GetObject",
                within.clone(),
            ),
            (
                "artifact-deleted",
                "cannot delete an artifact",
                Step::new(S3, "DeleteObject", object),
                "s3:DeleteObject",
                within,
            ),
            ("artifacts-listed", "cannot list the artifacts", list, "s3:ListBucket", arn.clone()),
            (
                "bucket-opened",
                "cannot open the artifacts bucket",
                policy,
                "s3:PutBucketPolicy",
                arn,
            ),
        ];
        rows.into_iter()
            .map(|(name, title, step, action, resource)| {
                because(self.refused(name, title, step, action, resource), ARTIFACTS)
            })
            .collect()
    }

    fn functions(&self) -> Vec<Call> {
        let own = self.facts.function_arn(self.function);
        let on = |name: &str, more: Value| super::with(json!({"FunctionName": name}), more);
        let lambda = |operation, input| Step::new(Lambda, operation, input);
        let mut calls = vec![
            self.refused(
                "own-code-replaced",
                "cannot replace its own code",
                lambda(
                    "UpdateFunctionCode",
                    on(self.function, json!({"S3Bucket": "bucket", "S3Key": "key"})),
                ),
                "lambda:UpdateFunctionCode",
                own.clone(),
            ),
            self.refused(
                "own-configuration-changed",
                "cannot leave its network",
                lambda("UpdateFunctionConfiguration", on(self.function, json!({"Timeout": 9}))),
                "lambda:UpdateFunctionConfiguration",
                own.clone(),
            ),
            self.refused(
                "own-function-opened",
                "cannot let everybody invoke it",
                lambda(
                    "AddPermission",
                    on(
                        self.function,
                        json!({
                            "StatementId": "inside", "Action": "lambda:InvokeFunction",
                            "Principal": "*",
                        }),
                    ),
                ),
                "lambda:AddPermission",
                own,
            ),
            self.refused(
                "functions-listed",
                "cannot list the functions",
                lambda("ListFunctions", json!({})),
                "lambda:ListFunctions",
                "*".into(),
            ),
            self.refused(
                "function-created",
                "cannot create a function",
                lambda(
                    "CreateFunction",
                    on(
                        "ringfence-inside-new",
                        json!({
                            "Runtime": "python3.12", "Handler": "index.handler",
                            "Role": self.role_arn,
                            "Code": {"S3Bucket": "bucket", "S3Key": "key"},
                        }),
                    ),
                ),
                "lambda:CreateFunction",
                self.facts.function_arn("ringfence-inside-new"),
            ),
        ];
        if let Some(foreign) = self.facts.foreign_function(self.app) {
            let arn = self.facts.function_arn(&foreign.name);
            calls.push(self.refused(
                "foreign-function-invoked",
                "cannot invoke another team's function",
                lambda("Invoke", on(&foreign.name, json!({}))),
                "lambda:InvokeFunction",
                arn.clone(),
            ));
            calls.push(self.refused(
                "foreign-code-replaced",
                "cannot replace another team's code",
                lambda(
                    "UpdateFunctionCode",
                    on(&foreign.name, json!({"S3Bucket": "bucket", "S3Key": "key"})),
                ),
                "lambda:UpdateFunctionCode",
                arn,
            ));
            let group = format!("/aws/lambda/{}", foreign.name);
            calls.push(self.refused(
                "foreign-logs-read",
                "cannot read another team's logs",
                Step::new(Logs, "FilterLogEvents", json!({"logGroupName": group})),
                "logs:FilterLogEvents",
                self.arn("logs", &format!("log-group:{group}:log-stream:")),
            ));
            calls.push(self.refused(
                "foreign-logs-deleted",
                "cannot delete another team's logs",
                Step::new(Logs, "DeleteLogGroup", json!({"logGroupName": group})),
                "logs:DeleteLogGroup",
                self.arn("logs", &format!("log-group:{group}:log-stream:")),
            ));
        }
        calls
    }

    fn platform(&self) -> Vec<Call> {
        let facts = self.facts;
        let parameter = format!("{}/inside", facts.parameters.trim_end_matches('/'));
        let rule = json!({
            "GroupId": facts.security_group,
            "IpPermissions": [{
                "IpProtocol": "tcp", "FromPort": 443, "ToPort": 443,
                "IpRanges": [{"CidrIp": "192.0.2.0/24"}],
            }],
        });
        let mut calls = vec![
            self.refused(
                "parameter-written",
                "cannot publish in the platform's name",
                Step::new(
                    Ssm,
                    "PutParameter",
                    json!({"Name": parameter, "Type": "String", "Value": "probe"}),
                ),
                "ssm:PutParameter",
                self.arn("ssm", &format!("parameter{parameter}")),
            ),
            self.refused(
                "parameter-read",
                "cannot read what the platform published",
                Step::new(Ssm, "GetParameter", json!({"Name": facts.published_parameter})),
                "ssm:GetParameter",
                self.arn("ssm", &format!("parameter{}", facts.published_parameter)),
            ),
            self.refused(
                "authorizer-removed",
                "cannot remove the authorizer",
                Step::new(
                    ApiGatewayV2,
                    "DeleteAuthorizer",
                    json!({"ApiId": facts.api_id, "AuthorizerId": facts.authorizer_id}),
                ),
                "apigateway:DELETE",
                facts.api_arn(&format!("/authorizers/{}", facts.authorizer_id)),
            ),
            self.refused(
                "stack-created",
                "cannot create a stack",
                Step::new(
                    CloudFormation,
                    "CreateStack",
                    json!({"StackName": "ringfence-inside", "TemplateBody": "{}"}),
                ),
                "cloudformation:CreateStack",
                self.arn("cloudformation", "stack/ringfence-inside/*"),
            ),
            self.refused(
                "ingress-opened",
                "cannot open its security group",
                Step::new(Ec2, "AuthorizeSecurityGroupIngress", rule),
                "ec2:AuthorizeSecurityGroupIngress",
                self.arn("ec2", &format!("security-group/{}", facts.security_group)),
            ),
        ];
        if let Some(route) = facts.routes.first() {
            calls.push(self.refused(
                "route-opened",
                "cannot take the authorizer from a route",
                Step::new(
                    ApiGatewayV2,
                    "UpdateRoute",
                    json!({
                        "ApiId": facts.api_id, "RouteId": route.route_id,
                        "AuthorizationType": "NONE",
                    }),
                ),
                "apigateway:PATCH",
                facts.api_arn(&format!("/routes/{}", route.route_id)),
            ));
        }
        calls
    }

    /// Data is for the platform's region alone.
    fn elsewhere(&self) -> Vec<Call> {
        let elsewhere = if self.facts.region == "eu-west-1" { "us-east-1" } else { "eu-west-1" };
        let arn = |service: &str, rest: &str| {
            format!("arn:aws:{service}:{elsewhere}:{}:{rest}", self.facts.account)
        };
        let table = self.refused(
            "table-read-elsewhere",
            "cannot read tables of another region",
            Step::new(DynamoDb, "DescribeTable", json!({"TableName": "probe"})),
            "dynamodb:DescribeTable",
            arn("dynamodb", "table/probe"),
        );
        let secret = arn("secretsmanager", "secret:probe-AbCdEf");
        let secret = self.refused(
            "secret-read-elsewhere",
            "cannot read secrets of another region",
            Step::new(SecretsManager, "GetSecretValue", json!({"SecretId": secret})),
            "secretsmanager:GetSecretValue",
            secret.clone(),
        );
        [table, secret].map(|call| Call { region: Some(elsewhere), ..call }).into()
    }
}

fn because(mut call: Call, reason: Reason) -> Call {
    if let Some(refusal) = &mut call.refusal {
        refusal.reason = reason;
    }
    call
}
