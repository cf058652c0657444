//! Ceilings: what a boundary stops whatever policies stand below it. An
//! administrator under it shows that, and a mistake in a deployer's policy or a
//! function's later stays one.

use ringfence_guard::{Caller, Question};
use ringfence_policy::Context;
use ringfence_wire::services::{
    ApiGatewayV2, CloudFormation, DynamoDb, Ec2, Iam, Lambda, Logs, S3, SecretsManager, Ssm,
};
use serde_json::{Value, json};

use super::asked::Asking;
use super::attack::{Attack, Attempt, Reason, Refusal, Step, Twin};
use super::catalogue::{everything, lambda_trust};
use super::facts::{DeployerFacts, Facts, Variant};
use super::finding::Road;
use super::lack::Lack;
use crate::config::Forbids;
use crate::guard_rail::GuardRail;

/// The guard rail of deployers.
pub(super) const DEPLOYER: GuardRail = GuardRail::DeployerCeiling;
/// That of execution roles.
const CODE: GuardRail = GuardRail::CodeCeiling;

/// A name for what must never come to be.
const NAME: &str = "ringfence-ceiling";

const UNBOUNDED: Reason = Reason::BoundaryStatement(Forbids::UnboundedRoles);
const PASSED: Reason = Reason::BoundaryStatement(Forbids::PassingOtherRoles);
const URLS: Reason = Reason::BoundaryStatement(Forbids::FunctionUrls);
const FRONT: Reason = Reason::BoundaryStatement(Forbids::ApiFoundation);
const ESCAPE: Reason = Reason::BoundaryStatement(Forbids::Escape);

/// A boundary with an administrator under it.
pub(super) struct Ceiling<'a> {
    pub(super) name: &'static str,
    pub(super) identity: &'static str,
    pub(super) boundary: &'a str,
    guard_rail: GuardRail,
    /// What is tried.
    pub(super) attacks: Vec<Attack>,
    /// What is decided alone, for the service is not served here.
    decided: Vec<Unserved>,
    /// What the boundary allows.
    may: Question,
}

/// A name, a claim, an action, its resource, and what refuses it.
type Unserved = (&'static str, &'static str, &'static str, String, Reason);

/// The platform's boundaries.
pub(super) fn all(variant: Variant<'_>) -> Vec<Ceiling<'_>> {
    let facts = variant.facts;
    // Without a function there is nothing legitimate to compare with.
    let Some(function) = facts.functions.iter().find(|function| function.deployed) else {
        return Vec::new();
    };
    let ask = |action: &str, resource: String| Question {
        action: action.to_owned(),
        resource,
        context: Context::new(),
    };
    let own = facts.function_arn(&function.name);
    let group = format!("arn:aws:logs:{}:{}:log-group:{NAME}", facts.region, facts.account);
    let ceilings = [
        (
            Lack::DeployerBoundary,
            Ceiling {
                name: "deployer",
                identity: "administrator-under-deployer-boundary",
                boundary: &facts.deployer_boundary,
                guard_rail: DEPLOYER,
                attacks: deployer(facts, &function.name),
                decided: vec![(
                    "api-imported",
                    "cannot replace the API by an import",
                    "apigateway:PUT",
                    facts.api_arn(""),
                    Reason::NoBoundary,
                )],
                may: ask("lambda:GetFunctionConfiguration", own),
            },
        ),
        (
            Lack::ExecutionBoundary,
            Ceiling {
                name: "code",
                identity: "administrator-under-execution-boundary",
                boundary: &facts.execution_boundary,
                guard_rail: CODE,
                attacks: code(facts),
                decided: unserved(facts),
                may: ask("logs:CreateLogGroup", group),
            },
        ),
    ];
    let there = |kind| variant.is_about(kind) && facts.has(kind);
    ceilings.into_iter().filter(|(kind, _)| there(*kind)).map(|(_, ceiling)| ceiling).collect()
}

impl Ceiling<'_> {
    /// The findings' ids.
    pub(super) fn ids(&self) -> Vec<String> {
        let attacks = self.attacks.iter().map(|attack| attack.id(self.identity));
        attacks.chain(self.decided.iter().map(|(name, ..)| self.id(name))).collect()
    }

    fn id(&self, name: &str) -> String {
        format!("{}/{name}/{}", self.identity, Road::Api)
    }

    /// What is asked for the holder of a key.
    pub(super) fn questions<'b>(&'b self, key: &'b str) -> impl Iterator<Item = Asking<'b>> {
        self.decided.iter().map(move |(name, title, action, resource, reason)| Asking {
            id: self.id(name),
            guard_rail: self.guard_rail.clone(),
            identity: self.identity,
            title: format!("{} {title}", self.identity),
            caller: Caller::Key(key),
            question: Question {
                action: (*action).to_owned(),
                resource: resource.clone(),
                context: Context::new(),
            },
            twin: (Caller::Key(key), self.may.clone()),
            work: None,
            reason: *reason,
        })
    }
}

/// A name, a claim, a call, the action that is refused, its resource as it is
/// printed, and what refuses it.
type Denied = (&'static str, &'static str, Step, &'static str, String, Reason);

fn case(
    guard_rail: GuardRail,
    twin: &Step,
    (name, title, step, action, resource, reason): Denied,
) -> Attack {
    Attack {
        name,
        guard_rail,
        title: title.to_owned(),
        refusal: Refusal { service: step.service, action: action.into(), resource, reason },
        attempt: Attempt::Call(step),
        twin: Twin::same(Attempt::Call(twin.clone()), Vec::new()),
    }
}

/// What the deployers' boundary stops.
fn deployer(facts: &Facts, function: &str) -> Vec<Attack> {
    let twin = Step::new(Lambda, "GetFunctionConfiguration", json!({"FunctionName": function}));
    let silent = silent(facts).into_iter().map(|(name, title, step, action, resource)| {
        (name, title, step, action, resource, Reason::NoBoundary)
    });
    silent.chain(denied(facts, function)).map(|row| case(DEPLOYER, &twin, row)).collect()
}

/// What the execution roles' boundary stops, beside what code in functions
/// tries: calls that only an administrator could make.
fn code(facts: &Facts) -> Vec<Attack> {
    let at = |service: &str, rest: &str| {
        format!("arn:aws:{service}:{}:{}:{rest}", facts.region, facts.account)
    };
    let twin = Step::new(Ec2, "DescribeSubnets", json!({}));
    let rows: Vec<Denied> = vec![
        (
            "bucket-made",
            "cannot make a bucket",
            Step::new(S3, "CreateBucket", facts.new_bucket(NAME)),
            "s3:CreateBucket",
            format!("arn:aws:s3:::{NAME}"),
            Reason::NoBoundary,
        ),
        (
            "secret-made",
            "cannot make a secret",
            Step::new(SecretsManager, "CreateSecret", json!({"Name": NAME, "SecretString": "x"})),
            "secretsmanager:CreateSecret",
            NAME.to_owned(),
            Reason::NoBoundary,
        ),
        (
            "logs-deleted",
            "cannot delete logs",
            Step::new(Logs, "DeleteLogGroup", json!({"logGroupName": NAME})),
            "logs:DeleteLogGroup",
            at("logs", &format!("log-group:{NAME}:log-stream:")),
            Reason::NoBoundary,
        ),
        (
            "vpcs-listed",
            "cannot list the networks",
            Step::new(Ec2, "DescribeVpcs", json!({})),
            "ec2:DescribeVpcs",
            "*".to_owned(),
            Reason::NoBoundary,
        ),
        (
            "user-made",
            "cannot make a user",
            Step::new(Iam, "CreateUser", json!({"UserName": NAME})),
            "iam:CreateUser",
            format!("arn:aws:iam::{}:user/{NAME}", facts.account),
            ESCAPE,
        ),
    ];
    rows.into_iter().map(|row| case(CODE, &twin, row)).collect()
}

/// What the execution roles' boundary stops in services that are not served.
fn unserved(facts: &Facts) -> Vec<Unserved> {
    let organization =
        format!("arn:aws:organizations::{}:organization/o-ringfence0", facts.account);
    vec![
        (
            "organization-left",
            "cannot take the account out of its organization",
            "organizations:LeaveOrganization",
            "*".to_owned(),
            ESCAPE,
        ),
        (
            "organization-read",
            "cannot read the organization's policies",
            "organizations:DescribeOrganization",
            organization,
            ESCAPE,
        ),
        (
            "account-closed",
            "cannot close the account",
            "account:CloseAccount",
            format!("arn:aws:account::{}:account", facts.account),
            ESCAPE,
        ),
        (
            "traces-read",
            "cannot read traces",
            "xray:GetTraceSummaries",
            "*".to_owned(),
            Reason::NoBoundary,
        ),
    ]
}

/// The name of a role that deploys, or why there is none.
fn deployer_role(all: &[DeployerFacts]) -> &str {
    let role = all.iter().find_map(DeployerFacts::role_arn);
    let lack = if all.is_empty() { Lack::Deployers } else { Lack::DeployerRoles };
    role.and_then(|arn| arn.rsplit('/').next()).unwrap_or(lack.name())
}

/// What the boundary does not speak of: one call at least of each service.
fn silent(facts: &Facts) -> Vec<(&'static str, &'static str, Step, &'static str, String)> {
    let account = &facts.account;
    let at =
        |service: &str, rest: &str| format!("arn:aws:{service}:{}:{account}:{rest}", facts.region);
    let user = format!("arn:aws:iam::{account}:user/{NAME}");
    let limit = &facts.deployer_boundary;
    let own_name = deployer_role(&facts.deployers);
    let bucket = &facts.bucket;
    vec![
        (
            "user-created",
            "cannot create a user",
            Step::new(Iam, "CreateUser", json!({"UserName": NAME})),
            "iam:CreateUser",
            user.clone(),
        ),
        (
            "boundary-edited",
            "cannot edit its boundary",
            Step::new(
                Iam,
                "CreatePolicyVersion",
                json!({"PolicyArn": limit, "PolicyDocument": everything(), "SetAsDefault": true}),
            ),
            "iam:CreatePolicyVersion",
            format!("policy {limit}"),
        ),
        (
            "boundary-dropped",
            "cannot drop a deployer's boundary",
            Step::new(Iam, "DeleteRolePermissionsBoundary", json!({"RoleName": own_name})),
            "iam:DeleteRolePermissionsBoundary",
            format!("role {own_name}"),
        ),
        (
            "network-changed",
            "cannot open a security group",
            Step::new(
                Ec2,
                "AuthorizeSecurityGroupEgress",
                json!({"GroupId": facts.security_group}),
            ),
            "ec2:AuthorizeSecurityGroupEgress",
            at("ec2", &format!("security-group/{}", facts.security_group)),
        ),
        (
            "artifact-deleted",
            "cannot delete an artifact",
            Step::new(S3, "DeleteObject", json!({"Bucket": bucket, "Key": NAME})),
            "s3:DeleteObject",
            format!("arn:aws:s3:::{bucket}/{NAME}"),
        ),
        (
            "parameter-overwritten",
            "cannot overwrite what the platform publishes",
            Step::new(
                Ssm,
                "PutParameter",
                json!({
                    "Name": facts.published_parameter, "Value": "x", "Type": "String",
                    "Overwrite": true,
                }),
            ),
            "ssm:PutParameter",
            at("ssm", &format!("parameter{}", facts.published_parameter)),
        ),
        (
            "secret-read",
            "cannot read a secret",
            Step::new(SecretsManager, "GetSecretValue", json!({"SecretId": NAME})),
            "secretsmanager:GetSecretValue",
            NAME.to_owned(),
        ),
        (
            "tables-listed",
            "cannot list the tables",
            Step::new(DynamoDb, "ListTables", json!({})),
            "dynamodb:ListTables",
            at("dynamodb", "table/*"),
        ),
    ]
}

/// What the boundary denies, each action of each statement.
fn denied(facts: &Facts, function: &str) -> Vec<Denied> {
    let other = deployer_role(&facts.deployers);
    let role = format!("arn:aws:iam::{}:role/{NAME}", facts.account);
    let on_other = |operation, more: Value| {
        let mut input = json!({"RoleName": other});
        if let (Some(members), Value::Object(more)) = (input.as_object_mut(), more) {
            members.extend(more);
        }
        Step::new(Iam, operation, input)
    };
    let printed = format!("role {other}");
    let at_api = |operation, more: Value| {
        let mut input = json!({"ApiId": facts.api_id});
        if let (Some(members), Value::Object(more)) = (input.as_object_mut(), more) {
            members.extend(more);
        }
        Step::new(ApiGatewayV2, operation, input)
    };
    let url = |operation| {
        Step::new(Lambda, operation, json!({"FunctionName": function, "AuthType": "NONE"}))
    };
    let stack = json!({
        "StackName": NAME,
        "TemplateBody": json!({"Resources": {
            "Topic": {"Type": "AWS::Logs::LogGroup", "Properties": {}},
        }}).to_string(),
        "RoleARN": facts.functions.first().map(|function| function.role_arn.as_str()),
    });
    let passed = facts.functions.first().map(|function| function.role_arn.clone());
    vec![
        (
            "role-without-boundary",
            "cannot create a role without the boundary",
            Step::new(
                Iam,
                "CreateRole",
                json!({"RoleName": NAME, "AssumeRolePolicyDocument": lambda_trust()}),
            ),
            "iam:CreateRole",
            role,
            UNBOUNDED,
        ),
        (
            "policy-attached-elsewhere",
            "cannot attach a policy to a role that has another boundary",
            on_other(
                "AttachRolePolicy",
                json!({"PolicyArn": "arn:aws:iam::aws:policy/AdministratorAccess"}),
            ),
            "iam:AttachRolePolicy",
            printed.clone(),
            UNBOUNDED,
        ),
        (
            "policy-written-elsewhere",
            "cannot write a policy into a role that has another boundary",
            on_other("PutRolePolicy", json!({"PolicyName": NAME, "PolicyDocument": everything()})),
            "iam:PutRolePolicy",
            printed.clone(),
            UNBOUNDED,
        ),
        (
            "trust-opened-elsewhere",
            "cannot open the trust of a role that has another boundary",
            on_other("UpdateAssumeRolePolicy", json!({"PolicyDocument": lambda_trust()})),
            "iam:UpdateAssumeRolePolicy",
            printed,
            UNBOUNDED,
        ),
        (
            "role-passed-elsewhere",
            "cannot hand a role to another service than Lambda",
            Step::new(CloudFormation, "CreateStack", stack),
            "iam:PassRole",
            passed.unwrap_or_default(),
            PASSED,
        ),
        (
            "url-created",
            "cannot give a function a URL",
            url("CreateFunctionUrlConfig"),
            "lambda:CreateFunctionUrlConfig",
            facts.function_arn(function),
            URLS,
        ),
        (
            "url-opened",
            "cannot open a function's URL",
            url("UpdateFunctionUrlConfig"),
            "lambda:UpdateFunctionUrlConfig",
            facts.function_arn(function),
            URLS,
        ),
        (
            "api-deleted",
            "cannot delete the API",
            at_api("DeleteApi", json!({})),
            "apigateway:DELETE",
            facts.api_arn(""),
            FRONT,
        ),
        (
            "api-renamed",
            "cannot change the API",
            at_api("UpdateApi", json!({"Name": NAME})),
            "apigateway:PATCH",
            facts.api_arn(""),
            FRONT,
        ),
        (
            "authorizer-made",
            "cannot make an authorizer",
            at_api(
                "CreateAuthorizer",
                json!({
                    "AuthorizerType": "JWT", "Name": NAME,
                    "IdentitySource": ["$request.header.Authorization"],
                    "JwtConfiguration": {"audience": [NAME], "issuer": facts.issuer},
                }),
            ),
            "apigateway:POST",
            facts.api_arn("/authorizers"),
            FRONT,
        ),
    ]
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::attacks::lack;
    use crate::config::Job;

    #[rstest]
    #[case::nobody(&[], Err("the estate has no deployer"))]
    #[case::users_alone(&["user/ci"], Err("no deployer of the estate is a role"))]
    #[case::a_role_too(&["user/ci", "role/x/deploy"], Ok("deploy"))]
    fn who_is_no_role_has_no_boundary_of_a_role(
        #[case] deployers: &[&str],
        #[case] expected: Result<&str, &str>,
    ) {
        let deployer = |name: &&str| DeployerFacts {
            name: (*name).to_owned(),
            arn: format!("arn:aws:iam::111111111111:{name}"),
            policies: Vec::new(),
            through: None,
            makes: None,
            job: Job::Code,
            app: String::new(),
            function: String::new(),
            stack: String::new(),
            role_prefix: None,
        };
        let deployers: Vec<DeployerFacts> = deployers.iter().map(deployer).collect();
        let found = deployer_role(&deployers);
        let found = lack::of(&found).map_or(Ok(found), |lack| Err(lack.words()));
        assert_eq!(found, expected);
    }
}
