//! What calls make and tag, what they name in odd ways, and where their condition
//! keys come from.

use ringfence_wire::Service;
use rstest::rstest;
use serde_json::{Value, json};

use super::expect;

fn service(name: &str) -> Service {
    Service::of(name).unwrap()
}

const LB: &str = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/net/l/1";

#[rstest]
#[case::a_user_pool(
    "cognito-idp",
    "CreateUserPool",
    json!({"PoolName": "p", "UserPoolTags": {"team": "a"}}),
    &[
        "cognito-idp:CreateUserPool * aws:requesttag/team=a aws:tagkeys=[team]",
        "cognito-idp:TagResource arn:aws:cognito-idp:eu-west-1:123456789012:userpool/* \
         aws:requesttag/team=a aws:tagkeys=[team]",
    ]
)]
#[case::a_delivery_stream(
    "firehose",
    "CreateDeliveryStream",
    json!({"DeliveryStreamName": "s", "Tags": [{"Key": "team", "Value": "a"}]}),
    &[
        "firehose:CreateDeliveryStream arn:aws:firehose:eu-west-1:123456789012:deliverystream/s \
         aws:requesttag/team=a aws:tagkeys=[team]",
        "firehose:TagDeliveryStream arn:aws:firehose:eu-west-1:123456789012:deliverystream/s \
         aws:requesttag/team=a aws:tagkeys=[team]",
    ]
)]
#[case::a_stream(
    "kinesis",
    "CreateStream",
    json!({"StreamName": "s", "Tags": {"team": "a"}}),
    &[
        "kinesis:CreateStream arn:aws:kinesis:eu-west-1:123456789012:stream/s \
         aws:requesttag/team=a aws:tagkeys=[team]",
        "kinesis:AddTagsToStream arn:aws:kinesis:eu-west-1:123456789012:stream/s \
         aws:requesttag/team=a aws:tagkeys=[team]",
    ]
)]
#[case::an_access_point_and_not_its_file_system(
    "efs",
    "CreateAccessPoint",
    json!({"ClientToken": "t", "FileSystemId": "fs-1", "Tags": [{"Key": "team", "Value": "a"}]}),
    &[
        "elasticfilesystem:CreateAccessPoint \
         arn:aws:elasticfilesystem:eu-west-1:123456789012:file-system/fs-1 \
         aws:requesttag/team=a aws:tagkeys=[team]",
        "elasticfilesystem:TagResource \
         arn:aws:elasticfilesystem:eu-west-1:123456789012:access-point/* \
         aws:requesttag/team=a aws:tagkeys=[team] elasticfilesystem:createaction=CreateAccessPoint",
    ]
)]
#[case::an_imported_certificate(
    "acm",
    "ImportCertificate",
    json!({"Certificate": "c", "PrivateKey": "k"}),
    &["acm:ImportCertificate arn:aws:acm:eu-west-1:123456789012:certificate/*"]
)]
#[case::a_load_balancer(
    "elbv2",
    "CreateLoadBalancer",
    json!({"Name": "l", "Subnets": ["s-1"], "SecurityGroups": ["sg-1"]}),
    &["elasticloadbalancing:CreateLoadBalancer \
       arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/l/* \
       elasticloadbalancing:scheme=internet-facing elasticloadbalancing:securitygroup=[sg-1] \
       elasticloadbalancing:subnet=[s-1]"]
)]
#[case::a_load_balancer_of_another_type(
    "elbv2",
    "CreateLoadBalancer",
    json!({"Name": "l", "Type": "network", "Scheme": "internal", "Subnets": ["s-1"]}),
    &["elasticloadbalancing:CreateLoadBalancer \
       arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/net/l/* \
       elasticloadbalancing:scheme=internal elasticloadbalancing:subnet=[s-1]"]
)]
#[case::a_listener_by_its_load_balancer(
    "elbv2",
    "CreateListener",
    json!({"LoadBalancerArn": LB, "DefaultActions": [], "Protocol": "TCP",
           "Tags": [{"Key": "team", "Value": "a"}]}),
    &[
        "elasticloadbalancing:CreateListener \
         arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/net/l/1 \
         aws:requesttag/team=a aws:tagkeys=[team] elasticloadbalancing:listenerprotocol=[TCP]",
        "elasticloadbalancing:AddTags \
         arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener/net/l/1/* \
         aws:requesttag/team=a aws:tagkeys=[team] elasticloadbalancing:createaction=CreateListener",
    ]
)]
#[case::tags_of_a_rest_api(
    "apigateway",
    "CreateRestApi",
    json!({"name": "n", "tags": {"team": "a"}}),
    &[
        "apigateway:POST arn:aws:apigateway:eu-west-1::/restapis aws:requesttag/team=a \
         aws:tagkeys=[team]",
        "apigateway:PUT arn:aws:apigateway:eu-west-1::/tags/arn%3Aaws%3Aapigateway%3Aeu-west-1%3A%3A%2Frestapis%2F* \
         aws:requesttag/team=a aws:tagkeys=[team]",
    ]
)]
#[case::tags_of_a_distribution(
    "cloudfront",
    "CreateDistributionWithTags",
    json!({"DistributionConfigWithTags": {"Tags": {"Items": [{"Key": "team", "Value": "a"}]}}}),
    &[
        "cloudfront:CreateDistribution * aws:requesttag/team=a aws:tagkeys=[team]",
        "cloudfront:TagResource arn:aws:cloudfront::123456789012:distribution/* \
         aws:requesttag/team=a aws:tagkeys=[team]",
    ]
)]
#[case::a_protected_topic(
    "sns",
    "CreateTopic",
    json!({"Name": "t", "DataProtectionPolicy": "{}"}),
    &[
        "sns:CreateTopic arn:aws:sns:eu-west-1:123456789012:t",
        "sns:PutDataProtectionPolicy arn:aws:sns:eu-west-1:123456789012:t",
    ]
)]
#[tokio::test]
async fn what_is_made_is_tagged(
    #[case] name: &str,
    #[case] operation: &str,
    #[case] input: Value,
    #[case] expected: &[&str],
) {
    expect(service(name), operation, input, expected).await;
}

#[rstest]
#[case::a_schedule_without_a_group(
    "scheduler",
    "DeleteSchedule",
    json!({"Name": "s"}),
    &["scheduler:DeleteSchedule arn:aws:scheduler:eu-west-1:123456789012:schedule/default/s"]
)]
#[case::queues_that_nobody_names(
    "sqs",
    "StartMessageMoveTask",
    json!({"SourceArn": "arn:aws:sqs:eu-west-1:123456789012:dead"}),
    &[
        "sqs:StartMessageMoveTask arn:aws:sqs:eu-west-1:123456789012:dead",
        "sqs:ReceiveMessage arn:aws:sqs:eu-west-1:123456789012:dead",
        "sqs:DeleteMessage arn:aws:sqs:eu-west-1:123456789012:dead",
        "sqs:GetQueueAttributes arn:aws:sqs:eu-west-1:123456789012:dead",
        "sqs:SendMessage arn:aws:sqs:eu-west-1:123456789012:*",
    ]
)]
#[case::the_executions_of_one_machine(
    "stepfunctions",
    "ListExecutions",
    json!({"stateMachineArn": "arn:aws:states:eu-west-1:123456789012:stateMachine:m"}),
    &["states:ListExecutions arn:aws:states:eu-west-1:123456789012:stateMachine:m \
       ?states:statemachinequalifier"]
)]
#[case::a_namespace_below(
    "servicediscovery",
    "CreateService",
    json!({"Name": "s", "DnsConfig": {"NamespaceId": "ns-1"}}),
    &[
        "servicediscovery:CreateService \
         arn:aws:servicediscovery:eu-west-1:123456789012:namespace/ns-1 \
         servicediscovery:namespacearn=arn:aws:servicediscovery:eu-west-1:123456789012:namespace/ns-1",
        "servicediscovery:CreateService \
         arn:aws:servicediscovery:eu-west-1:123456789012:service/* \
         servicediscovery:namespacearn=arn:aws:servicediscovery:eu-west-1:123456789012:namespace/ns-1",
    ]
)]
#[case::the_workgroup_of_every_account(
    "athena",
    "StartQueryExecution",
    json!({"QueryString": "q"}),
    &["athena:StartQueryExecution arn:aws:athena:eu-west-1:123456789012:workgroup/primary"]
)]
#[case::a_deployment_by_its_number(
    "appconfig",
    "GetDeployment",
    json!({"ApplicationId": "a", "EnvironmentId": "e", "DeploymentNumber": 3}),
    &[
        "appconfig:GetDeployment arn:aws:appconfig:eu-west-1:123456789012:application/a",
        "appconfig:GetDeployment \
         arn:aws:appconfig:eu-west-1:123456789012:application/a/environment/e/deployment/3",
        "appconfig:GetDeployment \
         arn:aws:appconfig:eu-west-1:123456789012:application/a/environment/e",
    ]
)]
#[case::every_repository(
    "ecr",
    "DescribeRepositories",
    json!({}),
    &["ecr:DescribeRepositories arn:aws:ecr:eu-west-1:123456789012:repository/*"]
)]
#[case::one_repository(
    "ecr",
    "DescribeRepositories",
    json!({"repositoryNames": ["r"]}),
    &["ecr:DescribeRepositories arn:aws:ecr:eu-west-1:123456789012:repository/r"]
)]
#[case::a_web_acl_and_what_its_rules_name(
    "wafv2",
    "UpdateWebACL",
    json!({"Name": "n", "Id": "i", "Scope": "REGIONAL", "LockToken": "t", "DefaultAction": {},
           "VisibilityConfig": {}, "Rules": [{"Statement": {"NotStatement": {"Statement": {
               "IPSetReferenceStatement": {
                   "ARN": "arn:aws:wafv2:eu-west-1:123456789012:regional/ipset/s/1"}}}}}]}),
    &[
        "wafv2:UpdateWebACL arn:aws:wafv2:eu-west-1:123456789012:regional/ipset/s/1",
        "wafv2:UpdateWebACL arn:aws:wafv2:eu-west-1:123456789012:regional/webacl/n/i",
    ]
)]
#[tokio::test]
async fn what_a_call_is_about_is_found(
    #[case] name: &str,
    #[case] operation: &str,
    #[case] input: Value,
    #[case] expected: &[&str],
) {
    expect(service(name), operation, input, expected).await;
}

const RULE: &str = "arn:aws:events:eu-west-1:123456789012:rule/r";

#[rstest]
#[case::texts(
    json!({"source": ["aws.ec2", "aws.s3"], "detail-type": ["d"], "detail": {"service": ["EC2"]}}),
    "events:creatoraccount=123456789012 events:detail-type=d events:detail.service=EC2 \
     events:source=[aws.ec2,aws.s3]"
)]
#[case::patterns_of_texts(
    json!({"source": [{"prefix": "aws."}]}),
    "events:creatoraccount=123456789012 ?events:source"
)]
#[case::alternatives(
    json!({"$or": [{"source": ["a"]}]}),
    "events:creatoraccount=123456789012 ?events:detail-type ?events:detail.eventtypecode \
     ?events:detail.service ?events:detail.useridentity.principalid ?events:source"
)]
#[tokio::test]
async fn keys_of_a_rule_come_from_its_pattern(#[case] pattern: Value, #[case] keys: &str) {
    let input = json!({"Name": "r", "EventPattern": pattern.to_string()});
    let expected = format!("events:PutRule {RULE} {keys}");
    expect(service("events"), "PutRule", input, &[&expected]).await;
}

#[tokio::test]
async fn a_rule_with_a_schedule_alone_has_no_keys_of_a_pattern() {
    let input = json!({"Name": "r", "ScheduleExpression": "rate(1 day)"});
    let expected = format!("events:PutRule {RULE} events:creatoraccount=123456789012");
    expect(service("events"), "PutRule", input, &[&expected]).await;
}

/// One kind of actions is enough for the key; none is no key.
#[rstest]
#[case::one_kind(json!({"AlarmActions": ["a"]}), " cloudwatch:alarmactions=[a]")]
#[case::two(json!({"AlarmActions": ["a"], "OKActions": ["b"]}), " cloudwatch:alarmactions=[a,b]")]
#[case::none(json!({}), "")]
#[tokio::test]
async fn the_actions_of_an_alarm_are_one_key(#[case] actions: Value, #[case] keys: &str) {
    let mut input = json!({"AlarmName": "a", "EvaluationPeriods": 1,
                           "ComparisonOperator": "GreaterThanThreshold"});
    input.as_object_mut().unwrap().extend(actions.as_object().unwrap().clone());
    let arn = "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:a";
    let expected = format!("cloudwatch:PutMetricAlarm {arn}{keys}");
    expect(service("cloudwatch"), "PutMetricAlarm", input, &[&expected]).await;
}
