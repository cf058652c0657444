//! CloudFormation.

use ringfence_wire::Service;
use rstest::rstest;
use serde_json::{Value, json};

use super::expect;

#[rstest]
#[case::a_new_stack(
    "CreateStack",
    json!({"StackName": "new", "TemplateURL": "https://bucket/t.yaml",
           "Tags": [{"Key": "k", "Value": "v"}], "ResourceTypes": ["AWS::S3::*"]}),
    &["cloudformation:CreateStack arn:aws:cloudformation:eu-west-1:123456789012:stack/new/* \
       aws:requesttag/k=v aws:tagkeys=[k] cloudformation:resourcetypes=[AWS::S3::*] \
       cloudformation:templateurl=https://bucket/t.yaml"])]
#[case::a_stack_that_is_there(
    "UpdateStack", json!({"StackName": "here"}),
    &["cloudformation:UpdateStack arn:aws:cloudformation:eu-west-1:123456789012:stack/here/1234 \
       aws:resourcetag/team=a"])]
#[case::a_role_is_passed(
    "DeleteStack",
    json!({"StackName": "gone", "RoleARN": "arn:aws:iam::123456789012:role/apps/app"}),
    &[
        "cloudformation:DeleteStack arn:aws:cloudformation:eu-west-1:123456789012:stack/gone/* \
         cloudformation:rolearn=arn:aws:iam::123456789012:role/apps/app",
        "iam:PassRole arn:aws:iam::123456789012:role/apps/app \
         iam:passedtoservice=cloudformation.amazonaws.com",
    ])]
#[case::a_change_set_with_the_sam_transform(
    "CreateChangeSet",
    json!({"StackName": "new", "ChangeSetName": "c",
           "TemplateBody": "Transform: AWS::Serverless-2016-10-31\nResources: {}",
           "ResourcesToImport": [{"ResourceType": "AWS::S3::Bucket"}]}),
    &[
        "cloudformation:CreateChangeSet arn:aws:cloudformation:eu-west-1:123456789012:stack/new/* \
         cloudformation:changesetname=c cloudformation:importresourcetypes=[AWS::S3::Bucket]",
        "cloudformation:CreateChangeSet \
         arn:aws:cloudformation:eu-west-1:aws:transform/Serverless-2016-10-31",
    ])]
#[case::the_transform_of_a_template_by_url(
    "CreateChangeSet",
    json!({"StackName": "new", "ChangeSetName": "c", "TemplateURL": "https://s3.amazonaws.com/b/sam.yaml"}),
    &[
        "cloudformation:CreateChangeSet arn:aws:cloudformation:eu-west-1:123456789012:stack/new/* \
         cloudformation:changesetname=c cloudformation:templateurl=https://s3.amazonaws.com/b/sam.yaml",
        "cloudformation:CreateChangeSet \
         arn:aws:cloudformation:eu-west-1:aws:transform/Serverless-2016-10-31",
    ])]
#[case::with_a_role_the_transform_is_not_asked_of_the_caller(
    "CreateChangeSet",
    json!({"StackName": "new", "ChangeSetName": "c",
           "RoleARN": "arn:aws:iam::123456789012:role/apps/app",
           "TemplateBody": "Transform: AWS::Serverless-2016-10-31\nResources: {}"}),
    &[
        "cloudformation:CreateChangeSet arn:aws:cloudformation:eu-west-1:123456789012:stack/new/* \
         cloudformation:changesetname=c \
         cloudformation:rolearn=arn:aws:iam::123456789012:role/apps/app",
        "iam:PassRole arn:aws:iam::123456789012:role/apps/app \
         iam:passedtoservice=cloudformation.amazonaws.com",
    ])]
#[case::the_role_itself_is_asked(
    "CreateChangeSet",
    json!({"StackName": "arn:aws:cloudformation:eu-west-1:aws:transform/Serverless-2016-10-31",
           "ChangeSetName": "transform"}),
    &["cloudformation:CreateChangeSet \
       arn:aws:cloudformation:eu-west-1:aws:transform/Serverless-2016-10-31 \
       cloudformation:changesetname=transform"])]
#[case::a_change_set_of_elsewhere_is_looked_for_here(
    "GetTemplate",
    json!({"ChangeSetName": "arn:aws:cloudformation:us-east-1:000000000000:changeSet/c/d0"}),
    &["cloudformation:GetTemplate arn:aws:cloudformation:eu-west-1:123456789012:changeSet/c/d0 \
       ?aws:resourcetag/*"])]
#[case::execute(
    "ExecuteChangeSet",
    json!({"StackName": "arn:aws:cloudformation:eu-west-1:123456789012:stack/here/1234",
           "ChangeSetName": "c"}),
    &["cloudformation:ExecuteChangeSet \
       arn:aws:cloudformation:eu-west-1:123456789012:stack/here/1234 aws:resourcetag/team=a \
       cloudformation:changesetname=c"])]
#[case::execute_by_the_change_sets_arn_alone(
    "ExecuteChangeSet",
    json!({"ChangeSetName": "arn:aws:cloudformation:eu-west-1:123456789012:changeSet/c/d0"}),
    &["cloudformation:ExecuteChangeSet \
       arn:aws:cloudformation:eu-west-1:123456789012:changeSet/c/d0 ?cloudformation:changesetname \
       ?aws:resourcetag/*"])]
#[case::describe_by_the_change_sets_arn_alone(
    "DescribeChangeSet",
    json!({"ChangeSetName": "arn:aws:cloudformation:eu-west-1:123456789012:changeSet/c/d0"}),
    &["cloudformation:DescribeChangeSet \
       arn:aws:cloudformation:eu-west-1:123456789012:changeSet/c/d0 ?cloudformation:changesetname \
       ?aws:resourcetag/*"])]
#[case::delete_by_the_change_sets_arn_alone(
    "DeleteChangeSet",
    json!({"ChangeSetName": "arn:aws:cloudformation:eu-west-1:123456789012:changeSet/c/d0"}),
    &["cloudformation:DeleteChangeSet \
       arn:aws:cloudformation:eu-west-1:123456789012:changeSet/c/d0 ?cloudformation:changesetname \
       ?aws:resourcetag/*"])]
#[case::execute_by_the_change_sets_arn_and_the_stack(
    "ExecuteChangeSet",
    json!({"StackName": "here",
           "ChangeSetName": "arn:aws:cloudformation:eu-west-1:123456789012:changeSet/c/d0"}),
    &["cloudformation:ExecuteChangeSet \
       arn:aws:cloudformation:eu-west-1:123456789012:stack/here/1234 aws:resourcetag/team=a \
       ?cloudformation:changesetname"])]
#[case::every_stack("DescribeStacks", json!({}), &["cloudformation:DescribeStacks *",
    "cloudformation:ListStacks * ?aws:calledvia ?aws:calledviafirst ?aws:calledvialast \
     ?aws:sourceip ?aws:viaawsservice"])]
#[case::one_stack("DescribeStacks", json!({"StackName": "gone"}),
    &["cloudformation:DescribeStacks arn:aws:cloudformation:eu-west-1:123456789012:stack/gone/*"])]
#[case::listing("ListStacks", json!({}), &["cloudformation:ListStacks * (arn:aws:cloudformation:eu-west-1:123456789012:stack/*/*)"])]
#[case::validation("ValidateTemplate", json!({"TemplateURL": "https://b/t"}),
    &["cloudformation:ValidateTemplate * cloudformation:templateurl=https://b/t"])]
#[case::summary_of_a_template("GetTemplateSummary", json!({"TemplateBody": "{}"}),
    &["cloudformation:GetTemplateSummary *"])]
#[tokio::test]
async fn cloudformation_requires(
    #[case] operation: &str,
    #[case] input: Value,
    #[case] expected: &[&str],
) {
    expect(Service::CloudFormation, operation, input, expected).await;
}
