//! Systems Manager.

use ringfence_wire::Service;
use rstest::rstest;
use serde_json::{Value, json};

use super::expect;

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
#[case::describe("DescribeParameters", json!({}),
    &["ssm:DescribeParameters * (arn:aws:ssm:eu-west-1:123456789012:*)"])]
#[case::tags_of_a_parameter(
    "ListTagsForResource", json!({"ResourceType": "Parameter", "ResourceId": "/a"}),
    &["ssm:ListTagsForResource arn:aws:ssm:eu-west-1:123456789012:parameter/a"])]
#[case::aws_documents_have_no_account("GetDocument", json!({"Name": "AWS-RunShellScript"}),
    &["ssm:GetDocument arn:aws:ssm:eu-west-1::document/AWS-RunShellScript"])]
#[case::own_documents("DeleteDocument", json!({"Name": "mine"}),
    &["ssm:DeleteDocument arn:aws:ssm:eu-west-1:123456789012:document/mine"])]
#[tokio::test]
async fn ssm_requires(#[case] operation: &str, #[case] input: Value, #[case] expected: &[&str]) {
    expect(Service::Ssm, operation, input, expected).await;
}
