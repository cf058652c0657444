//! Systems Manager.

use ringfence_wire::Service;
use rstest::rstest;
use serde_json::{Value, json};

use super::{ask_as, expect, root};
use crate::requirements::RequirementsError;

#[rstest]
#[case::the_slash_is_dropped("GetParameter", json!({"Name": "/platform/api/id"}),
    &["ssm:GetParameter arn:aws:ssm:eu-west-1:123456789012:parameter/platform/api/id"])]
#[case::a_plain_name_with_a_version("GetParameter", json!({"Name": "plain:3"}),
    &["ssm:GetParameter arn:aws:ssm:eu-west-1:123456789012:parameter/plain"])]
#[case::by_arn("GetParameter", json!({"Name": "arn:aws:ssm:us-east-1:9:parameter/p:label"}),
    &["ssm:GetParameter arn:aws:ssm:us-east-1:9:parameter/p"])]
#[case::each_of_several("GetParameters", json!({"Names": ["/a", "/tagged", "/a:2"]}),
    &[
        "ssm:GetParameters arn:aws:ssm:eu-west-1:123456789012:parameter/a",
        "ssm:GetParameters arn:aws:ssm:eu-west-1:123456789012:parameter/tagged \
         aws:resourcetag/team=a ssm:resourcetag/team=a",
    ])]
#[case::by_path("GetParametersByPath", json!({"Path": "/platform", "Recursive": true}),
    &["ssm:GetParametersByPath arn:aws:ssm:eu-west-1:123456789012:parameter/platform \
       ssm:recursive=true"])]
#[case::put("PutParameter", json!({"Name": "/a", "Value": "v", "Overwrite": false}),
    &["ssm:PutParameter arn:aws:ssm:eu-west-1:123456789012:parameter/a ssm:overwrite=false"])]
#[case::put_with_tags(
    "PutParameter", json!({"Name": "/a", "Value": "v", "Tags": [{"Key": "k", "Value": "v"}]}),
    &[
        "ssm:PutParameter arn:aws:ssm:eu-west-1:123456789012:parameter/a aws:requesttag/k=v \
         aws:tagkeys=[k]",
        "ssm:AddTagsToResource arn:aws:ssm:eu-west-1:123456789012:parameter/a aws:requesttag/k=v \
         aws:tagkeys=[k]",
    ])]
#[case::a_public_one("GetParameter", json!({"Name": "/aws/service/ecs/image:3"}),
    &["ssm:GetParameter arn:aws:ssm:eu-west-1::parameter/aws/service/ecs/image"])]
#[case::public_ones_by_path("GetParametersByPath", json!({"Path": "/aws/service/ecs"}),
    &["ssm:GetParametersByPath arn:aws:ssm:eu-west-1::parameter/aws/service/ecs"])]
#[case::an_own_one_of_a_like_name("GetParameter", json!({"Name": "/aws/services/x"}),
    &["ssm:GetParameter arn:aws:ssm:eu-west-1:123456789012:parameter/aws/services/x"])]
#[case::a_secret_needs_its_own_permission(
    "GetParameter", json!({"Name": "/aws/reference/secretsmanager/db", "WithDecryption": true}),
    &[
        "ssm:GetParameter \
         arn:aws:ssm:eu-west-1:123456789012:parameter/aws/reference/secretsmanager/db",
        "secretsmanager:GetSecretValue \
         arn:aws:secretsmanager:eu-west-1:123456789012:secret:db-AbCdEf aws:resourcetag/team=a \
         aws:viaawsservice=true secretsmanager:resourcetag/team=a secretsmanager:secretid=db \
         ?aws:calledvia ?aws:calledviafirst ?aws:calledvialast ?aws:sourceip ^SECRET",
    ])]
#[case::each_secret_of_several(
    "GetParameters",
    json!({"Names": ["/a", "arn:aws:ssm:eu-west-1:123456789012:parameter/aws/reference/secretsmanager/app/x:AWSPREVIOUS"]}),
    &[
        "ssm:GetParameters arn:aws:ssm:eu-west-1:123456789012:parameter/a",
        "ssm:GetParameters \
         arn:aws:ssm:eu-west-1:123456789012:parameter/aws/reference/secretsmanager/app/x",
        "secretsmanager:GetSecretValue \
         arn:aws:secretsmanager:eu-west-1:123456789012:secret:app/x-?????? (app/x) \
         aws:viaawsservice=true secretsmanager:secretid=app/x ?aws:calledvia ?aws:calledviafirst \
         ?aws:calledvialast ?aws:sourceip ?secretsmanager:versionid ?secretsmanager:versionstage",
    ])]
#[case::describe("DescribeParameters", json!({}),
    &["ssm:DescribeParameters * (arn:aws:ssm:eu-west-1:123456789012:*)"])]
#[case::tags_of_a_parameter(
    "ListTagsForResource", json!({"ResourceType": "Parameter", "ResourceId": "/a"}),
    &["ssm:ListTagsForResource arn:aws:ssm:eu-west-1:123456789012:parameter/a"])]
#[case::aws_documents_have_no_account("GetDocument", json!({"Name": "AWS-RunShellScript"}),
    &["ssm:GetDocument arn:aws:ssm:eu-west-1::document/AWS-RunShellScript"])]
#[case::own_documents("DeleteDocument", json!({"Name": "mine"}),
    &["ssm:DeleteDocument arn:aws:ssm:eu-west-1:123456789012:document/mine"])]
#[case::command(
    "SendCommand",
    json!({"DocumentName": "AWS-RunShellScript", "InstanceIds": ["i-1", "mi-2"],
        "OutputS3BucketName": "out", "ServiceRoleArn": "arn:aws:iam::123456789012:role/bare"}),
    &[
        "ssm:SendCommand arn:aws:ssm:eu-west-1::document/AWS-RunShellScript",
        "ssm:SendCommand arn:aws:ec2:eu-west-1:123456789012:instance/i-1",
        "ssm:SendCommand arn:aws:ssm:eu-west-1:123456789012:managed-instance/mi-2",
        "ssm:SendCommand arn:aws:s3:::out",
        "iam:PassRole arn:aws:iam::123456789012:role/bare iam:passedtoservice=ssm.amazonaws.com",
    ])]
#[case::command_by_targets(
    "SendCommand",
    json!({"DocumentName": "tagged", "Targets": [{"Key": "InstanceIds", "Values": ["i-1"]}]}),
    &[
        "ssm:SendCommand arn:aws:ssm:eu-west-1:123456789012:document/tagged \
         aws:resourcetag/team=a ssm:resourcetag/team=a",
        "ssm:SendCommand arn:aws:ec2:eu-west-1:123456789012:instance/i-1",
    ])]
#[tokio::test]
async fn ssm_requires(#[case] operation: &str, #[case] input: Value, #[case] expected: &[&str]) {
    expect(Service::Ssm, operation, input, expected).await;
}

/// Fail closed: which secret an upstream would read, the name does not say.
#[rstest]
#[case::none("/aws/reference/secretsmanager/")]
#[case::an_arn("/aws/reference/secretsmanager/arn:aws:secretsmanager:eu-west-1:1:secret:db-AbCdEf")]
#[tokio::test]
async fn a_reference_to_no_secret_is_undecided(#[case] name: &str) {
    let error = ask_as(&root(), Service::Ssm, "GetParameter", json!({"Name": name})).await;
    let expected = RequirementsError::Unmapped {
        service: "ssm",
        operation: "GetParameter",
        reason: format!("`{name}` names no secret"),
    };
    assert_eq!(error.unwrap_err(), expected);
}

#[rstest]
#[case("tag:env", "prod")]
#[case("resource-groups:Name", "g")]
#[case("InstanceIds", "*")]
#[tokio::test]
async fn a_command_to_nodes_that_nothing_tells_is_refused_by_name(
    #[case] key: &str,
    #[case] value: &str,
) {
    let input = json!({"DocumentName": "d", "Targets": [{"Key": key, "Values": [value]}]});
    let refused = ask_as(&root(), Service::Ssm, "SendCommand", input).await.unwrap_err();
    let expected = RequirementsError::Unmapped {
        service: "ssm",
        operation: "SendCommand",
        reason: format!("nothing tells the nodes of the target `{key}`"),
    };
    assert_eq!(refused, expected);
}
