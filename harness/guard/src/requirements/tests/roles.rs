//! The roles that calls hand to their services.

use bytes::Bytes;
use ringfence_wire::Service;
use rstest::rstest;
use serde_json::{Value, json};

use super::{alice, ask_as, call, fake, line};
use crate::requirements::{RequirementsError, requirements};

const ROLE: &str = "arn:aws:iam::123456789012:role/bare";

fn service(name: &str) -> Service {
    Service::of(name).unwrap()
}

/// The roles that a call asks for, and to which service.
async fn passed(name: &str, operation: &str, input: Value) -> Vec<String> {
    let required = ask_as(&alice(), service(name), operation, input).await.unwrap();
    let passes = required.iter().filter(|required| required.action == "iam:PassRole");
    passes.map(|required| line(required).replace("iam:PassRole ", "")).collect()
}

fn to(service: &str) -> Vec<String> {
    vec![format!("{ROLE} iam:passedtoservice={service}")]
}

fn to_some() -> Vec<String> {
    vec![format!("{ROLE} ?iam:passedtoservice")]
}

#[rstest]
#[case::by_name("glue", "CreateJob", json!({"Name": "j", "Role": "bare", "Command": {}}),
    to("glue.amazonaws.com"))]
#[case::by_arn("glue", "CreateJob", json!({"Name": "j", "Role": ROLE, "Command": {}}),
    to("glue.amazonaws.com"))]
#[case::with_its_path("ecs", "RegisterTaskDefinition",
    json!({"family": "f", "containerDefinitions": [], "taskRoleArn": "apps/app"}),
    vec!["arn:aws:iam::123456789012:role/apps/app iam:passedtoservice=ecs-tasks.amazonaws.com".to_owned()])]
#[case::called_a_role_name("rds", "ModifyDBCluster",
    json!({"DBClusterIdentifier": "c", "OptionGroupName": "o", "DomainIAMRoleName": "bare"}), to_some())]
#[case::in_a_profile("emr", "RunJobFlow",
    json!({"Name": "n", "Instances": {}, "JobFlowRole": "web"}), to("ec2.amazonaws.com"))]
#[case::in_a_profile_by_arn("batch", "CreateComputeEnvironment",
    json!({"computeEnvironmentName": "n", "type": "MANAGED", "computeResources": {
        "instanceRole": "arn:aws:iam::123456789012:instance-profile/web"}}),
    to("ec2.amazonaws.com"))]
// "You must either specify the full role ARN or prefix the role name with the path"
// (https://docs.aws.amazon.com/batch/latest/APIReference/API_CreateComputeEnvironment.html).
#[case::a_service_role_by_name("batch", "CreateComputeEnvironment",
    json!({"computeEnvironmentName": "n", "type": "UNMANAGED", "serviceRole": "bare"}),
    to("batch.amazonaws.com"))]
#[case::a_service_role_with_its_path("batch", "CreateComputeEnvironment",
    json!({"computeEnvironmentName": "n", "type": "UNMANAGED", "serviceRole": "/apps/app"}),
    vec!["arn:aws:iam::123456789012:role/apps/app iam:passedtoservice=batch.amazonaws.com".to_owned()])]
#[case::a_new_service_role("batch", "UpdateComputeEnvironment",
    json!({"computeEnvironment": "n", "serviceRole": "bare"}), to("batch.amazonaws.com"))]
#[case::a_fleets_role_by_name("batch", "CreateComputeEnvironment",
    json!({"computeEnvironmentName": "n", "type": "MANAGED",
           "computeResources": {"spotIamFleetRole": "bare"}}),
    to("spotfleet.amazonaws.com"))]
#[case::credentials("apigateway", "PutIntegration",
    json!({"restApiId": "a", "resourceId": "r", "httpMethod": "GET", "type": "AWS",
           "credentials": ROLE}),
    to("apigateway.amazonaws.com"))]
#[case::the_callers_credentials("apigateway", "PutIntegration",
    json!({"restApiId": "a", "resourceId": "r", "httpMethod": "GET", "type": "AWS",
           "credentials": "arn:aws:iam::*:user/*"}),
    vec![])]
#[case::a_patch("apigateway", "UpdateAuthorizer",
    json!({"restApiId": "a", "authorizerId": "z", "patchOperations": [
        {"op": "replace", "path": "/name", "value": "n"},
        {"op": "replace", "path": "/authorizerCredentials", "value": ROLE}]}),
    to("apigateway.amazonaws.com"))]
#[case::of_a_user_pool("cognito-idp", "CreateUserPool",
    json!({"PoolName": "p", "SmsConfiguration": {"SnsCallerArn": ROLE}}),
    to("cognito-idp.amazonaws.com"))]
#[case::of_an_identity_pool("cognito-identity", "SetIdentityPoolRoles",
    json!({"IdentityPoolId": "p", "Roles": {"authenticated": ROLE}}), to_some())]
#[case::a_setting("sns", "SetSMSAttributes",
    json!({"attributes": {"DefaultSenderID": "s", "DeliveryStatusIAMRole": ROLE}}),
    to("sns.amazonaws.com"))]
#[case::a_field_of_that_name("datapipeline", "PutPipelineDefinition",
    json!({"pipelineId": "p", "pipelineObjects": [{"id": "d", "name": "n", "fields": [
        {"key": "type", "stringValue": "other"}, {"key": "role", "stringValue": "bare"}]}]}),
    to_some())]
// Whatever it is called.
#[case::under_no_roles_name("firehose", "UpdateDestination",
    json!({"DeliveryStreamName": "s", "CurrentDeliveryStreamVersionId": "1", "DestinationId": "d",
           "Unheard": {"Of": [ROLE]}}),
    to_some())]
#[case::told_to_a_program("codebuild", "StartBuild",
    json!({"projectName": "p", "environmentVariablesOverride": [{"name": "R", "value": ROLE}]}),
    vec![])]
#[case::who_may_enter("eks", "CreateAccessEntry",
    json!({"clusterName": "c", "principalArn": ROLE}), vec![])]
#[case::read("iot", "ListAuditFindings", json!({"resourceIdentifier": {"iamRoleArn": ROLE}}), vec![])]
#[tokio::test]
async fn a_call_hands_over(
    #[case] name: &str,
    #[case] operation: &str,
    #[case] input: Value,
    #[case] expected: Vec<String>,
) {
    assert_eq!(passed(name, operation, input).await, expected);
}

#[tokio::test]
async fn a_profile_that_is_not_there_tells_no_role() {
    let input = json!({"Name": "n", "Instances": {}, "JobFlowRole": "unheard"});
    let refused = ask_as(&alice(), service("emr"), "RunJobFlow", input).await.unwrap_err();
    let reason = "nothing tells the role in the profile `unheard`".to_owned();
    let expected = RequirementsError::Unmapped { service: "emr", operation: "RunJobFlow", reason };
    assert_eq!(refused, expected);
}

const JSON: &str = r#"{
    "openapi": "3.0.1",
    "x-amazon-apigateway-policy": {"Statement": [
        {"Principal": {"AWS": "arn:aws:iam::123456789012:role/app"}}]},
    "paths": {"/": {"get": {"x-amazon-apigateway-integration": {
        "credentials": "arn:aws:iam::123456789012:role/bare"}}}}
}"#;
const YAML: &str = "
swagger: '2.0'
securityDefinitions:
  a:
    x-amazon-apigateway-authorizer:
      authorizerCredentials: arn:aws:iam::123456789012:role/bare
";

/// The credentials of backends and authorizers, and the policy; not the principals
/// in it.
#[rstest]
#[case::in_json(JSON, &["PUT", "UpdateRestApiPolicy"])]
#[case::in_yaml(YAML, &["PUT"])]
#[tokio::test]
async fn a_definition_is_read(#[case] definition: &'static str, #[case] actions: &[&str]) {
    let mut call = call(service("apigateway"), "PutRestApi", json!({"restApiId": "a1"}));
    call.payload = Some(Bytes::from_static(definition.as_bytes()));
    let required = requirements(&call, &alice(), &fake::Account).await.unwrap();
    let plain = |required: &_| {
        let line = line(required);
        line.split(" ?").next().unwrap().to_owned()
    };
    let lines: Vec<String> = required.iter().map(plain).collect();
    let path = "arn:aws:apigateway:eu-west-1::/restapis/a1";
    let own = actions.iter().map(|action| format!("apigateway:{action} {path}"));
    let pass = format!("iam:PassRole {ROLE} iam:passedtoservice=apigateway.amazonaws.com");
    assert_eq!(lines, own.chain([pass]).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_definition_that_cannot_be_read_is_refused() {
    let mut call = call(service("apigateway"), "ImportRestApi", json!({}));
    call.payload = Some(Bytes::from_static(b"{\"a\": "));
    let refused = requirements(&call, &alice(), &fake::Account).await.unwrap_err();
    let reason = "its definition is neither JSON nor YAML".to_owned();
    let (service, operation) = ("apigateway", "ImportRestApi");
    assert_eq!(refused, RequirementsError::Unmapped { service, operation, reason });
}

#[rstest]
#[case::a_policy_on_creation("CreateRestApi", json!({"name": "n", "policy": "{}"}), true)]
#[case::none("CreateRestApi", json!({"name": "n"}), false)]
#[case::a_patched_policy("UpdateRestApi", json!({"restApiId": "a", "patchOperations": [
    {"op": "replace", "path": "/policy", "value": "{}"}]}), true)]
#[case::another_patch("UpdateRestApi", json!({"restApiId": "a", "patchOperations": [
    {"op": "replace", "path": "/name", "value": "n"}]}), false)]
#[tokio::test]
async fn the_policy_of_an_api_has_an_action_of_its_own(
    #[case] operation: &str,
    #[case] input: Value,
    #[case] is_asked: bool,
) {
    let required = ask_as(&alice(), service("apigateway"), operation, input).await.unwrap();
    let asks = |required: &crate::requirements::Requirement| {
        required.action == "apigateway:UpdateRestApiPolicy"
    };
    assert_eq!(required.iter().any(asks), is_asked);
}
