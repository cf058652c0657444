//! The operations without a mapping, all of them: a change of the set is seen.

use std::fmt::Write as _;

use ringfence_models::needs::Class;
use ringfence_wire::operation::{Kind, Member};
use ringfence_wire::{Operation, Service};
use serde_json::{Map, Value, json};

use super::{ask_as, root};
use crate::requirements::RequirementsError;

/// An input with every member of the model that a mapping may read.
pub(super) fn full_input(operation: &Operation) -> Value {
    let members: Map<String, Value> = operation
        .members
        .iter()
        .filter(|member| !LEFT_OUT.contains(&(operation.service, member.name)))
        .filter(|member| operation.name != "RunInstances" || LAUNCH.contains(&member.name))
        .map(|member| (member.name.to_owned(), value(operation, member)))
        .collect();
    Value::Object(members)
}

/// The members with which a launch is decided: most others bring what nothing tells.
const LAUNCH: &[&str] = &["ImageId", "MaxCount", "MinCount", "SecurityGroupId", "SubnetId"];

/// Members that make a call another one, whose mapping is refused.
const LEFT_OUT: &[(Service, &str)] = &[
    (Service::CloudFormation, "StackSetName"),
    (Service::DynamoDb, "GlobalTableWitnessUpdates"),
    (Service::DynamoDb, "ReplicaUpdates"),
    (Service::DynamoDb, "ResourcePolicy"),
    (Service::Lambda, "CapacityProviderConfig"),
    (Service::SecretsManager, "ExternalSecretRotationRoleArn"),
    (Service::SecretsManager, "Filters"),
    (Service::Ssm, "Targets"),
    (Service::Sts, "ProvidedContexts"),
];

fn value(operation: &Operation, member: &Member) -> Value {
    match (operation.service, member.name) {
        (_, "RoleArn" | "RoleARN" | "Role" | "roleArn") => {
            json!("arn:aws:iam::123456789012:role/bare")
        }
        (
            Service::Kms,
            "KeyId" | "AliasName" | "TargetKeyId" | "SourceKeyId" | "DestinationKeyId",
        ) => json!("alias/data"),
        (Service::Iam, "AWSServiceName") => json!("ecs.amazonaws.com"),
        (Service::Iam, "DeletionTaskId") => json!("task/aws-service-role/ecs.amazonaws.com/R/1"),
        (Service::DynamoDb, "RequestItems") => json!({"t": {"Keys": [{"id": {"S": "1"}}]}}),
        (Service::DynamoDb, "TransactItems") => {
            json!([{"Get": {"TableName": "t", "Key": {"id": {"S": "1"}}}}])
        }
        (Service::DynamoDb, "Statement") => json!("SELECT * FROM \"t\" WHERE id = 'x'"),
        (Service::DynamoDb, "Statements" | "TransactStatements") => {
            json!([{"Statement": "DELETE FROM t WHERE id = 'x'"}])
        }
        (Service::S3, "Delete") => json!({"Object": [{"Key": "k"}]}),
        (Service::S3, "CopySource") => json!("/b/k"),
        (Service::Ec2, "ImageId") => json!("ami-1"),
        (Service::Ec2, "ExportTaskId") => json!("export-i-1"),
        (Service::Ec2, "ImportTaskId") => json!("import-ami-1"),
        (Service::Ec2, "ResourceId") => json!("vpc-1"),
        (Service::Ec2, "InstanceCreditSpecification") => json!([{"InstanceId": "i-1"}]),
        (Service::Ec2, "TagSpecification" | "TagSpecifications") => json!([]),
        (Service::Ec2, "SecurityGroupRule") => json!([{"SecurityGroupRuleId": "sgr-1"}]),
        (Service::Ssm, "ResourceType") => json!("Parameter"),
        (Service::Ssm, "InstanceIds") => json!(["i-1"]),
        _ => match member.kind {
            // EC2's members are read as texts.
            _ if operation.service == Service::Ec2 => json!("x"),
            Kind::Boolean => json!(true),
            Kind::Integer | Kind::Long | Kind::Timestamp => json!(1),
            Kind::Float | Kind::Double => json!(1.5),
            Kind::List => json!(["x"]),
            Kind::Map | Kind::Structure => json!({}),
            Kind::String | Kind::Blob => json!("x"),
        },
    }
}

/// Of the services that have a mapping of their own; what the rule refuses is in
/// `docs/coverage.md`.
#[tokio::test]
async fn exactly_these_operations_are_refused() {
    let mut found = String::new();
    let mut wrong = String::new();
    let operations = Service::all().flat_map(|service| &service.model().operations);
    for operation in operations.filter(|it| it.needs().class() == Class::ByHand) {
        let service = operation.service;
        match ask_as(&root(), service, operation.name, full_input(operation)).await {
            Ok(_) => {}
            Err(RequirementsError::Unmapped { service, operation, .. }) => {
                writeln!(found, "{service} {operation}").unwrap();
            }
            Err(RequirementsError::Service(error)) => {
                writeln!(wrong, "{service} {}: {error}", operation.name).unwrap();
            }
        }
    }
    assert_eq!(wrong, "", "a full input is never refused for what it lacks");
    let expected = include_str!("../unmapped.txt");
    assert_eq!(found, expected, "the set of operations without a mapping has changed");
}
