//! What is asked of a caller for what a service does in the caller's name.

use ringfence_wire::Service;
use rstest::rstest;
use serde_json::{Value, json};

use super::fake::KEY;
use super::{ask_as, root};
use crate::requirements::{Needed, Requirement};

async fn asked(service: &str, operation: &str, input: Value) -> Vec<Requirement> {
    ask_as(&root(), Service::of(service).unwrap(), operation, input).await.unwrap()
}

/// Each with its resource; `?` behind those that the call may need.
async fn lines(service: &str, operation: &str, input: Value) -> Vec<String> {
    let asked = asked(service, operation, input).await;
    let line = |it: &Requirement| {
        let perhaps = if it.needed == Needed::Surely { "" } else { "?" };
        format!("{}{perhaps} {}", it.action, it.resource)
    };
    asked.iter().map(line).collect()
}

fn instance(more: Value) -> Value {
    let mut input = json!({"DBInstanceIdentifier": "db", "DBInstanceClass": "db.t3.micro",
        "Engine": "postgres"});
    input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    input
}

fn of(lines: &[String], prefixes: &[&str]) -> Vec<String> {
    let is_of = |line: &&String| prefixes.iter().any(|prefix| line.starts_with(prefix));
    lines.iter().filter(is_of).cloned().collect()
}

#[tokio::test]
async fn a_password_in_secrets_manager_needs_the_permissions_for_its_secret() {
    let secret = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:rds!db-*";
    let managed = instance(json!({"ManageMasterUserPassword": true}));
    let found = lines("rds", "CreateDBInstance", managed).await;
    assert_eq!(
        of(&found, &["secretsmanager:", "kms:"]),
        [
            format!("secretsmanager:CreateSecret {secret}"),
            format!("secretsmanager:TagResource {secret}"),
        ]
    );
    // With a customer's key: what is done with it.
    let managed = instance(json!({"ManageMasterUserPassword": true,
        "MasterUserSecretKmsKeyId": "alias/data"}));
    let found = lines("rds", "CreateDBInstance", managed).await;
    let key = format!("arn:aws:kms:eu-west-1:123456789012:key/{KEY}");
    let uses = ["CreateGrant", "Decrypt", "DescribeKey", "GenerateDataKey"];
    assert_eq!(of(&found, &["kms:"]), uses.map(|action| format!("kms:{action} {key}")));
    // A password of the caller's own needs none of it.
    let own = instance(json!({"MasterUserPassword": "long enough"}));
    let found = lines("rds", "CreateDBInstance", own).await;
    assert_eq!(of(&found, &["secretsmanager:", "kms:"]), [""; 0]);
}

/// A cluster's secret is another: `rds!cluster-ID`.
#[tokio::test]
async fn the_secret_of_a_clusters_password_is_named_after_clusters() {
    let input = json!({"DBClusterIdentifier": "c", "Engine": "aurora-postgresql",
        "ManageMasterUserPassword": true});
    let found = lines("rds", "CreateDBCluster", input).await;
    let secret = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:rds!cluster-*";
    assert_eq!(
        of(&found, &["secretsmanager:"]),
        ["CreateSecret", "TagResource"].map(|action| format!("secretsmanager:{action} {secret}"))
    );
}

/// The interface is made in the subnet and with the groups that the call names.
#[tokio::test]
async fn a_mount_target_needs_its_interface_in_the_subnet() {
    let input = json!({"FileSystemId": "fs-1", "SubnetId": "subnet-1",
        "SecurityGroups": ["sg-1", "sg-2"]});
    let found = lines("efs", "CreateMountTarget", input).await;
    let on =
        ["network-interface/*", "subnet/subnet-1", "security-group/sg-1", "security-group/sg-2"];
    assert_eq!(
        of(&found, &["ec2:CreateNetworkInterface"]),
        on.map(|own| format!(
            "ec2:CreateNetworkInterface arn:aws:ec2:eu-west-1:123456789012:{own}"
        ))
    );
}

#[tokio::test]
async fn a_database_with_a_customers_key_needs_that_key() {
    let encrypted = instance(json!({"StorageEncrypted": true, "KmsKeyId": "alias/data"}));
    let found = lines("rds", "CreateDBInstance", encrypted).await;
    let key = format!("arn:aws:kms:eu-west-1:123456789012:key/{KEY}");
    let uses = ["CreateGrant", "DescribeKey"].map(|action| format!("kms:{action} {key}"));
    assert_eq!(of(&found, &["kms:C", "kms:De"])[..2], uses);
    let by_aws = instance(json!({"StorageEncrypted": true, "KmsKeyId": "alias/aws/rds"}));
    assert_eq!(of(&lines("rds", "CreateDBInstance", by_aws).await, &["kms:"]), [""; 0]);
}

/// Where the role is there, nobody makes it.
#[tokio::test]
async fn the_first_use_of_a_service_may_make_its_role() {
    let found = asked("rds", "CreateDBInstance", instance(json!({}))).await;
    let linked = found.iter().find(|it| it.action == "iam:CreateServiceLinkedRole").unwrap();
    assert_eq!(
        linked.resource,
        "arn:aws:iam::123456789012:role/aws-service-role/rds.amazonaws.com/\
         AWSServiceRoleForRDS"
    );
    assert_eq!(linked.needed, Needed::Perhaps(crate::requirements::dependent::FIRST_USE));
    let principal = linked.context.get("iam:AWSServiceName").unwrap();
    assert_eq!(principal.as_slice(), ["rds.amazonaws.com"]);
    let found = lines("ecs", "CreateCluster", json!({"clusterName": "c"})).await;
    assert_eq!(of(&found, &["iam:"]), [""; 0]);
}

#[rstest]
#[case::to_cloudwatch(json!({"AccessLogSettings": {"destinationArn": "arn:aws:logs:eu-west-1:123456789012:log-group:g",
    "format": "x"}}), 7)]
#[case::none(json!({}), 0)]
#[tokio::test]
async fn access_logs_of_an_http_api_need_the_permissions_for_log_delivery(
    #[case] mut input: Value,
    #[case] count: usize,
) {
    input["ApiId"] = "a1".into();
    input["StageName"] = "s".into();
    let found = lines("apigatewayv2", "CreateStage", input).await;
    let logs = of(&found, &["logs:"]);
    assert_eq!(logs.len(), count, "{found:?}");
    let sure: Vec<&String> = logs.iter().filter(|line| !line.contains('?')).collect();
    let expected = ["logs:CreateLogDelivery *"];
    assert_eq!(sure, &expected[..count.min(1)]);
}

#[rstest]
#[case::to_s3(json!({"LogDestinationType": "s3", "LogDestination": "arn:aws:s3:::b/flows/"}), true)]
#[case::to_cloudwatch(json!({"LogGroupName": "g",
    "DeliverLogsPermissionArn": "arn:aws:iam::123456789012:role/bare"}), false)]
#[tokio::test]
async fn flow_logs_to_a_bucket_need_log_delivery(#[case] mut input: Value, #[case] needs: bool) {
    input["ResourceId"] = json!(["vpc-1"]);
    input["ResourceType"] = "VPC".into();
    let found = lines("ec2", "CreateFlowLogs", input).await;
    let expected = ["logs:CreateLogDelivery *"];
    assert_eq!(of(&found, &["logs:CreateLogDelivery"]), &expected[..usize::from(needs)]);
    let expected = ["s3:GetBucketPolicy? arn:aws:s3:::b", "s3:PutBucketPolicy? arn:aws:s3:::b"];
    assert_eq!(of(&found, &["s3:"]), &expected[..usize::from(needs) * 2]);
    assert_eq!(of(&found, &["ecs:"]), [""; 0]);
}

#[tokio::test]
async fn a_connection_of_eventbridge_needs_its_secret() {
    let input = json!({"Name": "c", "AuthorizationType": "API_KEY", "AuthParameters": {}});
    let found = lines("events", "CreateConnection", input).await;
    let secret = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:events!connection/*";
    assert_eq!(
        of(&found, &["secretsmanager:"]),
        [
            format!("secretsmanager:CreateSecret {secret}"),
            format!("secretsmanager:GetSecretValue? {secret}"),
            format!("secretsmanager:PutSecretValue? {secret}"),
        ]
    );
}

#[rstest]
#[case::private(json!({"VPC": {"VPCId": "vpc-1", "VPCRegion": "eu-west-1"}}), &["ec2:DescribeVpcs *"])]
#[case::public(json!({}), &[])]
#[tokio::test]
async fn a_private_zone_needs_to_see_its_vpc(#[case] mut input: Value, #[case] expected: &[&str]) {
    input["Name"] = "example.com".into();
    input["CallerReference"] = "r".into();
    let found = lines("route53", "CreateHostedZone", input).await;
    assert_eq!(of(&found, &["ec2:"]), expected);
}

/// What the reference lists and nothing says more of: the actions of other services on
/// interfaces, snapshots and the like are not asked for, those with a key that is named
/// may be needed.
#[tokio::test]
async fn of_dependent_actions_of_which_nothing_more_is_known_those_with_a_key_may_be_needed() {
    let input = json!({"CacheClusterId": "c"});
    let found = lines("elasticache", "DeleteCacheCluster", input).await;
    assert!(found.iter().all(|line| line.starts_with("elasticache:")), "{found:?}");
    let resource = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/a/1";
    let input = json!({"ResourceArn": resource});
    let found = lines("wafv2", "GetWebACLForResource", input).await;
    assert!(found.iter().all(|line| line.starts_with("wafv2:")), "{found:?}");
}

/// Who is told of a role may see to it that it is there.
#[test]
fn each_role_that_a_first_use_makes_can_be_made() {
    for principal in crate::requirements::dependent::principals() {
        assert!(crate::account::linked(principal).is_some(), "{principal}");
    }
}

/// Every row is of operations and actions that are there.
#[test]
fn the_table_names_what_is_there() {
    for (service, operations, actions) in crate::requirements::dependent::rows() {
        let service = Service::of(service).unwrap();
        for operation in operations {
            assert!(ringfence_wire::Operation::find(service, operation).is_some(), "{operation}");
        }
        for action in actions {
            let known = ringfence_policy::catalog::action(action);
            let (_, name) = action.split_once(':').unwrap();
            assert!(known.is_some_and(|known| known.name == name), "{action}");
        }
    }
}
