//! Lambda.

use ringfence_wire::Service;
use rstest::rstest;
use serde_json::{Value, json};

use super::{ask_as, expect, fake, line, root};
use crate::requirements::invoke_url;

const LIVE_POLICY: &str = r#"{"Statement":[{"Sid":"url","Principal":{"AWS":"arn:aws:iam::123456789012:root"},"Condition":{"StringEquals":{"lambda:FunctionUrlAuthType":"NONE"}}}]}"#;

#[rstest]
#[case::by_name("GetFunction", json!({"FunctionName": "fn"}),
    &["lambda:GetFunction arn:aws:lambda:eu-west-1:123456789012:function:fn aws:resourcetag/team=a"])]
#[case::by_partial_arn("GetFunction", json!({"FunctionName": "123456789012:function:new"}),
    &["lambda:GetFunction arn:aws:lambda:eu-west-1:123456789012:function:new"])]
#[case::by_arn_of_another_account(
    "GetFunction",
    json!({"FunctionName": "arn:aws:lambda:us-east-1:999999999999:function:fn"}),
    &["lambda:GetFunction arn:aws:lambda:us-east-1:999999999999:function:fn \
       ?aws:resourcetag/*"],
)]
#[case::by_an_arn_whose_name_is_function(
    "GetFunction", json!({"FunctionName": "arn:aws:lambda:eu-west-1:123456789012:function"}),
    &["lambda:GetFunction arn:aws:lambda:eu-west-1:123456789012:function:function"])]
#[case::by_an_arn_without_its_place("GetFunction", json!({"FunctionName": "arn:aws:lambda:new"}),
    &["lambda:GetFunction arn:aws:lambda:eu-west-1:123456789012:function:new"])]
#[case::by_a_version_of_a_function_named_function(
    "GetFunction", json!({"FunctionName": "function:$LATEST"}),
    &["lambda:GetFunction arn:aws:lambda:eu-west-1:123456789012:function:function:$LATEST"])]
#[case::with_a_qualifier_in_both_places(
    "GetFunction", json!({"FunctionName": "123456789012:function:new:2", "Qualifier": "2"}),
    &["lambda:GetFunction arn:aws:lambda:eu-west-1:123456789012:function:new:2"])]
#[case::with_a_qualifier_in_the_name("GetFunction", json!({"FunctionName": "new:2"}),
    &["lambda:GetFunction arn:aws:lambda:eu-west-1:123456789012:function:new:2"])]
#[case::calls_on_aliases_act_on_the_function(
    "UpdateAlias", json!({"FunctionName": "new", "Name": "live"}),
    &["lambda:UpdateAlias arn:aws:lambda:eu-west-1:123456789012:function:new"])]
#[case::versions_listed("ListVersionsByFunction", json!({"FunctionName": "new"}),
    &["lambda:ListVersionsByFunction arn:aws:lambda:eu-west-1:123456789012:function:new"])]
#[case::listing("ListFunctions", json!({}), &["lambda:ListFunctions *"])]
#[case::create_with_everything(
    "CreateFunction",
    json!({
        "FunctionName": "new", "Role": "arn:aws:iam::123456789012:role/apps/app",
        "Tags": {"team": "b"},
        "Layers": ["arn:aws:lambda:eu-west-1:123456789012:layer:l:1"],
        "VpcConfig": {"SubnetIds": ["subnet-1", "subnet-2"], "SecurityGroupIds": ["sg-1"]},
    }),
    &[
        "lambda:CreateFunction arn:aws:lambda:eu-west-1:123456789012:function:new \
         aws:requesttag/team=b aws:tagkeys=[team] \
         lambda:layer=[arn:aws:lambda:eu-west-1:123456789012:layer:l:1] \
         lambda:securitygroupids=[sg-1] lambda:subnetids=[subnet-1,subnet-2] lambda:vpcids=vpc-1",
        "iam:PassRole arn:aws:iam::123456789012:role/apps/app \
         iam:associatedresourcearn=arn:aws:lambda:eu-west-1:123456789012:function:new \
         iam:passedtoservice=lambda.amazonaws.com",
        "lambda:TagResource arn:aws:lambda:eu-west-1:123456789012:function:new \
         aws:requesttag/team=b aws:tagkeys=[team]",
        "lambda:GetLayerVersion arn:aws:lambda:eu-west-1:123456789012:layer:l:1",
    ],
)]
// The network keys are absent, which `Null` conditions notice.
#[case::out_of_the_network(
    "UpdateFunctionConfiguration",
    json!({"FunctionName": "new", "VpcConfig": {"SubnetIds": [], "SecurityGroupIds": []}}),
    &["lambda:UpdateFunctionConfiguration arn:aws:lambda:eu-west-1:123456789012:function:new"],
)]
#[case::a_new_role_is_passed(
    "UpdateFunctionConfiguration",
    json!({"FunctionName": "new", "Role": "arn:aws:iam::123456789012:role/gone"}),
    &[
        "lambda:UpdateFunctionConfiguration arn:aws:lambda:eu-west-1:123456789012:function:new",
        "iam:PassRole arn:aws:iam::123456789012:role/gone \
         iam:associatedresourcearn=arn:aws:lambda:eu-west-1:123456789012:function:new \
         iam:passedtoservice=lambda.amazonaws.com",
    ],
)]
#[case::add_permission(
    "AddPermission",
    json!({"FunctionName": "new", "StatementId": "s", "Action": "lambda:InvokeFunctionUrl",
           "Principal": "*", "FunctionUrlAuthType": "NONE"}),
    &["lambda:AddPermission arn:aws:lambda:eu-west-1:123456789012:function:new \
       lambda:functionurlauthtype=NONE lambda:principal=*"],
)]
#[case::update_url_with_a_new_type(
    "UpdateFunctionUrlConfig", json!({"FunctionName": "new", "AuthType": "NONE"}),
    &["lambda:UpdateFunctionUrlConfig arn:aws:lambda:eu-west-1:123456789012:function:new \
       lambda:functionarn=arn:aws:lambda:eu-west-1:123456789012:function:new \
       lambda:functionurlauthtype=NONE"])]
#[case::delete_url_has_the_stored_type(
    "DeleteFunctionUrlConfig", json!({"FunctionName": "new"}),
    &["lambda:DeleteFunctionUrlConfig arn:aws:lambda:eu-west-1:123456789012:function:new \
       lambda:functionarn=arn:aws:lambda:eu-west-1:123456789012:function:new \
       lambda:functionurlauthtype=AWS_IAM"])]
#[case::code_signing(
    "PutFunctionCodeSigningConfig",
    json!({"FunctionName": "new",
           "CodeSigningConfigArn": "arn:aws:lambda:eu-west-1:123456789012:code-signing-config:c"}),
    &[
        "lambda:PutFunctionCodeSigningConfig \
         arn:aws:lambda:eu-west-1:123456789012:code-signing-config:c \
         lambda:codesigningconfigarn=arn:aws:lambda:eu-west-1:123456789012:code-signing-config:c",
        "lambda:PutFunctionCodeSigningConfig arn:aws:lambda:eu-west-1:123456789012:function:new \
         lambda:codesigningconfigarn=arn:aws:lambda:eu-west-1:123456789012:code-signing-config:c",
    ],
)]
#[case::tags_by_arn(
    "TagResource",
    json!({"Resource": "arn:aws:lambda:eu-west-1:123456789012:function:new", "Tags": {"k": "v"}}),
    &["lambda:TagResource arn:aws:lambda:eu-west-1:123456789012:function:new \
       aws:requesttag/k=v aws:tagkeys=[k]"],
)]
#[case::layer_version("GetLayerVersion", json!({"LayerName": "l", "VersionNumber": 3}),
    &["lambda:GetLayerVersion arn:aws:lambda:eu-west-1:123456789012:layer:l:3"])]
#[case::layer_version_by_arn(
    "GetLayerVersionByArn", json!({"Arn": "arn:aws:lambda:eu-west-1:9:layer:l:3"}),
    &["lambda:GetLayerVersion arn:aws:lambda:eu-west-1:9:layer:l:3"])]
#[case::event_source(
    "CreateEventSourceMapping", json!({"FunctionName": "new", "EventSourceArn": "arn:x"}),
    &["lambda:CreateEventSourceMapping * \
       lambda:functionarn=arn:aws:lambda:eu-west-1:123456789012:function:new"])]
#[case::a_mappings_own_function("DeleteEventSourceMapping", json!({"UUID": "m-1"}),
    &["lambda:DeleteEventSourceMapping \
       arn:aws:lambda:eu-west-1:123456789012:event-source-mapping:m-1 \
       lambda:functionarn=arn:aws:lambda:eu-west-1:123456789012:function:fn"])]
#[case::a_mapping_of_the_same_function(
    "UpdateEventSourceMapping", json!({"UUID": "m-1", "FunctionName": "fn"}),
    &["lambda:UpdateEventSourceMapping \
       arn:aws:lambda:eu-west-1:123456789012:event-source-mapping:m-1 \
       lambda:functionarn=arn:aws:lambda:eu-west-1:123456789012:function:fn"])]
#[case::a_mapping_that_changes_its_function(
    "UpdateEventSourceMapping", json!({"UUID": "m-1", "FunctionName": "new"}),
    &["lambda:UpdateEventSourceMapping \
       arn:aws:lambda:eu-west-1:123456789012:event-source-mapping:m-1 \
       ?lambda:functionarn"])]
#[tokio::test]
async fn lambda_requires(#[case] operation: &str, #[case] input: Value, #[case] expected: &[&str]) {
    expect(Service::Lambda, operation, input, expected).await;
}

/// Every way to write a function's name is judged by the same ARN.
#[rstest]
#[case::name("new")]
#[case::marker("function:new")]
#[case::account("123456789012:new")]
#[case::account_and_marker("123456789012:function:new")]
#[case::region("eu-west-1:new")]
#[case::region_and_marker("eu-west-1:function:new")]
#[case::all("eu-west-1:123456789012:function:new")]
#[case::arn("arn:aws:lambda:eu-west-1:123456789012:function:new")]
#[tokio::test]
async fn a_partial_name_is_the_function_that_it_names(#[case] name: &str) {
    for (qualifier, input) in
        [("", json!({"FunctionName": name})), (":2", json!({"FunctionName": format!("{name}:2")}))]
    {
        let required = ask_as(&root(), Service::Lambda, "Invoke", input).await.unwrap();
        assert_eq!(
            required[0].resource,
            format!("arn:aws:lambda:eu-west-1:123456789012:function:new{qualifier}")
        );
    }
}

#[tokio::test]
async fn an_invocation_is_judged_by_the_qualifiers_own_policy() {
    let expected = format!(
        "lambda:InvokeFunction arn:aws:lambda:eu-west-1:123456789012:function:fn:live \
         aws:resourcetag/team=a ^{LIVE_POLICY}"
    );
    let input = json!({"FunctionName": "fn", "Qualifier": "live"});
    expect(Service::Lambda, "Invoke", input, &[&expected]).await;
    let bare = "lambda:InvokeFunction arn:aws:lambda:eu-west-1:123456789012:function:fn \
                aws:resourcetag/team=a";
    expect(Service::Lambda, "Invoke", json!({"FunctionName": "fn"}), &[bare]).await;
}

#[tokio::test]
async fn removing_a_permission_carries_the_keys_of_its_statement() {
    let expected = format!(
        "lambda:RemovePermission arn:aws:lambda:eu-west-1:123456789012:function:fn:live \
         aws:resourcetag/team=a lambda:functionurlauthtype=NONE \
         lambda:principal=arn:aws:iam::123456789012:root ^{LIVE_POLICY}"
    );
    let input = json!({"FunctionName": "fn", "Qualifier": "live", "StatementId": "url"});
    expect(Service::Lambda, "RemovePermission", input, &[&expected]).await;
}

#[tokio::test]
async fn a_functions_url_has_an_action_of_its_own() {
    let requirement = invoke_url(&fake::Account, "eu-west-1", "fn", None, "AWS_IAM").await.unwrap();
    assert_eq!(
        line(&requirement),
        "lambda:InvokeFunctionUrl arn:aws:lambda:eu-west-1:123456789012:function:fn \
         aws:resourcetag/team=a \
         lambda:functionarn=arn:aws:lambda:eu-west-1:123456789012:function:fn \
         lambda:functionurlauthtype=AWS_IAM"
    );
}
