//! The resource types: which properties each takes, and which calls make,
//! change and delete it.
//!
//! The calls are those of AWS's own handlers, for each is authorized as
//! whoever deploys. What a handler may call, which property replaces the
//! resource and which types carry the `aws:cloudformation:*` tags is published
//! in the types' schemas (`handlers`, `createOnlyProperties`, `tagging`; as in
//! `cfn-lint` 1.58 and <https://github.com/hashicorp/terraform-provider-awscc>,
//! `internal/service/cloudformation/schemas`). A new type is a table in a file of
//! `services/data/types` ([`described`]); one that needs more than calls and
//! expressions is one file here and one line in [`native`].

mod api_gateway;
mod api_gateway_api;
mod api_gateway_stage;
mod cloudformation_stack;
mod context;
mod custom;
mod described;
mod dynamodb_table;
mod ec2_key_pair;
mod ec2_network_acl;
mod ec2_security_group;
mod failure;
mod http_api_body;
mod iam_managed_policy;
mod iam_policy;
mod iam_role;
mod lambda_alias;
mod lambda_function;
mod lambda_permission;
mod lambda_url;
mod lambda_version;
mod logs_log_group;
mod placeholder;
mod property;
mod published;
mod reserved;
mod route53;
mod route53_group;
mod s3_bucket;
mod s3_bucket_policy;
mod s3_bucket_settings;
mod ssm_parameter;

use async_trait::async_trait;
use serde_json::{Map, Value};

use super::template::{Catalogue, Support};

pub(super) use context::{Context, Progress, request_id};
pub(super) use custom::{NO_ECHO, is_custom};
pub(super) use failure::Failure;
pub(super) use property::{Kind, Property, Update, all, changed, check, faults, preview};
pub(super) use published::{has_attribute, identifiers};
pub(super) use reserved::check as check_tags;

/// A resource that exists.
#[derive(Debug, Clone, Default)]
pub(super) struct Made {
    /// What `Ref` gives.
    pub(super) physical_id: String,
    /// What `Fn::GetAtt` gives.
    pub(super) attributes: Map<String, Value>,
}

impl Made {
    fn new(physical_id: impl Into<String>) -> Self {
        Self { physical_id: physical_id.into(), attributes: Map::new() }
    }

    fn with(mut self, attribute: &str, value: impl Into<Value>) -> Self {
        self.attributes.insert(attribute.to_owned(), value.into());
        self
    }
}

/// A resource as it stands, to be changed or deleted.
#[derive(Debug, Clone)]
pub(super) struct Existing {
    pub(super) made: Made,
    pub(super) properties: Map<String, Value>,
    /// The tags that came from the stack.
    pub(super) stack_tags: Vec<(String, String)>,
}

/// Which tags a stack adds to a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tagging {
    /// The type takes none.
    Never,
    /// The stack's own tags (`cloudFormationSystemTags: false`).
    Stack,
    /// Also `aws:cloudformation:stack-name`, `stack-id` and `logical-id`.
    System,
}

/// A resource type.
#[async_trait]
pub(super) trait ResourceType: Send + Sync {
    /// The properties that are supported.
    fn properties(&self) -> &'static [Property];

    /// Whether it takes any other property too, of any type.
    fn is_open(&self) -> bool {
        false
    }

    /// Why no resource may be changed so, before anything is done.
    fn forbids(&self, _: &Map<String, Value>, _: &Map<String, Value>) -> Option<&'static str> {
        None
    }

    /// The property with which a template names the resource itself.
    fn name_property(&self) -> Option<&'static str> {
        None
    }

    /// Whether its deletion takes a last snapshot where it is asked to.
    fn takes_snapshot(&self) -> bool {
        false
    }

    /// Which tags the stack adds.
    fn tagging(&self) -> Tagging {
        Tagging::Never
    }

    /// Makes the resource. As soon as it exists, says so with
    /// [`Context::initiated`], so that a later failure leaves nothing behind.
    async fn create(&self, context: &Context, wanted: &Map<String, Value>)
    -> Result<Made, Failure>;

    /// Changes the resource in place.
    async fn update(
        &self,
        context: &Context,
        current: &Existing,
        wanted: &Map<String, Value>,
    ) -> Result<Made, Failure>;

    /// Deletes the resource; one that is gone already is no failure.
    async fn delete(&self, context: &Context, current: &Existing) -> Result<(), Failure>;
}

/// The resource type of this name: written in Rust, or data.
pub(super) fn find(name: &str) -> Option<&'static dyn ResourceType> {
    native(name).or_else(|| described::find(name).map(|it| it as &dyn ResourceType))
}

/// The reason why a resource that is to leave a last snapshot is not made.
pub(super) fn no_snapshot(attribute: &str, kind: &str) -> String {
    format!("the {attribute} Snapshot of {kind} is not supported by Ringfence's CloudFormation")
}

/// Whether a type is written in Rust.
fn written(name: &str) -> bool {
    native(name).is_some()
}

/// The types that are written in Rust.
fn native(name: &str) -> Option<&'static dyn ResourceType> {
    Some(match name {
        "AWS::ApiGatewayV2::Api" => &api_gateway_api::Api,
        "AWS::ApiGatewayV2::Authorizer" => &api_gateway::AUTHORIZER,
        "AWS::ApiGatewayV2::Deployment" => &api_gateway::DEPLOYMENT,
        "AWS::ApiGatewayV2::Integration" => &api_gateway::INTEGRATION,
        "AWS::ApiGatewayV2::IntegrationResponse" => &api_gateway::INTEGRATION_RESPONSE,
        "AWS::ApiGatewayV2::Model" => &api_gateway::MODEL,
        "AWS::ApiGatewayV2::Route" => &api_gateway::ROUTE,
        "AWS::ApiGatewayV2::RouteResponse" => &api_gateway::ROUTE_RESPONSE,
        "AWS::ApiGatewayV2::Stage" => &api_gateway_stage::Stage,
        "AWS::CDK::Metadata" => &placeholder::CDK_METADATA,
        "AWS::CloudFormation::Stack" => &cloudformation_stack::Stack,
        "AWS::CloudFormation::WaitCondition" => &placeholder::WAIT_CONDITION,
        "AWS::CloudFormation::WaitConditionHandle" => &placeholder::WAIT_CONDITION_HANDLE,
        "AWS::DynamoDB::Table" => &dynamodb_table::Table,
        "AWS::EC2::KeyPair" => &ec2_key_pair::KeyPair,
        "AWS::EC2::SubnetNetworkAclAssociation" => &ec2_network_acl::Association,
        "AWS::EC2::SecurityGroup" => &ec2_security_group::SecurityGroup,
        "AWS::IAM::ManagedPolicy" => &iam_managed_policy::ManagedPolicy,
        "AWS::IAM::Policy" => &iam_policy::Policy,
        "AWS::IAM::Role" => &iam_role::Role,
        "AWS::Lambda::Alias" => &lambda_alias::Alias,
        "AWS::Lambda::Function" => &lambda_function::Function,
        "AWS::Lambda::Permission" => &lambda_permission::Permission,
        "AWS::Lambda::Url" => &lambda_url::Url,
        "AWS::Lambda::Version" => &lambda_version::Version,
        "AWS::Logs::LogGroup" => &logs_log_group::LogGroup,
        "AWS::Route53::HostedZone" => &route53::HostedZone,
        "AWS::Route53::RecordSet" => &route53::RecordSet,
        "AWS::Route53::RecordSetGroup" => &route53_group::RecordSetGroup,
        "AWS::S3::Bucket" => &s3_bucket::Bucket,
        "AWS::S3::BucketPolicy" => &s3_bucket_policy::BucketPolicy,
        "AWS::SSM::Parameter" => &ssm_parameter::Parameter,
        kind if is_custom(kind) => &custom::Custom,
        _ => return None,
    })
}

/// The attributes that types which are written in Rust give beside their
/// properties; those that are data give all of their schema's.
const GIVEN: [(&str, &[&str]); 24] = [
    ("AWS::ApiGatewayV2::Api", &["ApiEndpoint", "ApiId", "ExecuteApiArn"]),
    ("AWS::ApiGatewayV2::Authorizer", &["AuthorizerId"]),
    ("AWS::ApiGatewayV2::Deployment", &["DeploymentId"]),
    ("AWS::ApiGatewayV2::Integration", &["IntegrationId"]),
    ("AWS::ApiGatewayV2::IntegrationResponse", &["IntegrationResponseId"]),
    ("AWS::ApiGatewayV2::Model", &["ModelId"]),
    ("AWS::ApiGatewayV2::Route", &["RouteId"]),
    ("AWS::ApiGatewayV2::RouteResponse", &["RouteResponseId"]),
    ("AWS::DynamoDB::Table", &["Arn", "StreamArn"]),
    ("AWS::EC2::KeyPair", &["KeyFingerprint", "KeyPairId"]),
    ("AWS::EC2::SecurityGroup", &["GroupId", "Id", "VpcId"]),
    ("AWS::EC2::SubnetNetworkAclAssociation", &["AssociationId"]),
    ("AWS::IAM::ManagedPolicy", &["DefaultVersionId", "PolicyArn", "PolicyId"]),
    ("AWS::IAM::Policy", &["Id"]),
    ("AWS::IAM::Role", &["Arn", "RoleId"]),
    ("AWS::Lambda::Alias", &["AliasArn"]),
    ("AWS::Lambda::Function", &["Arn"]),
    ("AWS::Lambda::Permission", &["Id"]),
    ("AWS::Lambda::Url", &["FunctionArn", "FunctionUrl"]),
    ("AWS::Lambda::Version", &["FunctionArn", "Version"]),
    ("AWS::Logs::LogGroup", &["Arn"]),
    ("AWS::Route53::HostedZone", &["Id", "NameServers"]),
    (
        "AWS::S3::Bucket",
        &["Arn", "DomainName", "DualStackDomainName", "RegionalDomainName", "WebsiteURL"],
    ),
    ("AWS::SSM::Parameter", &["Type", "Value"]),
];

/// Whether a type gives an attribute, its properties aside.
pub(super) fn gives(kind: &str, attribute: &str) -> bool {
    if is_custom(kind) {
        return true;
    }
    if !written(kind) && described::find(kind).is_some() {
        return has_attribute(kind, attribute);
    }
    if published::is_output(kind, attribute) {
        return true;
    }
    let given = GIVEN.iter().filter(|(of, _)| *of == kind);
    given.flat_map(|(_, names)| *names).any(|name| *name == attribute)
}

/// What the templates' checks ask of resource types.
pub(super) const CATALOGUE: Catalogue = Catalogue { support, has_attribute };

fn support(kind: &str) -> Support {
    if find(kind).is_some() {
        Support::Built
    } else if published::exists(kind) {
        Support::Unbuilt
    } else {
        Support::Unknown
    }
}

/// The names of a list property.
fn texts(properties: &Map<String, Value>, name: &str) -> Vec<String> {
    properties
        .get(name)
        .and_then(Value::as_array)
        .map(|items| items.iter().filter_map(|item| Some(item.as_str()?.to_owned())).collect())
        .unwrap_or_default()
}

/// A text property.
fn text<'a>(properties: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    properties.get(name)?.as_str()
}

/// A document (a policy) as text, however it is written.
fn document(value: Option<&Value>) -> String {
    match value {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => String::new(),
    }
}

/// These properties of a resource, as members of a call.
fn pick(properties: &Map<String, Value>, names: &[&str]) -> Map<String, Value> {
    names
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), properties.get(*name)?.clone())))
        .collect()
}

/// The text at a place of an answer.
fn at<'a>(answer: &'a Value, pointer: &str) -> &'a str {
    answer.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}
