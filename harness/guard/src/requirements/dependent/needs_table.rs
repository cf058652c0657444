//! When calls need what, as AWS's documentation says.

use serde_json::Value;

use crate::requirements::requirement::Needed;
use crate::requirements::scope::{Scope, field};

/// What some operations need under a condition.
pub(super) struct Row {
    /// The service's id.
    pub(super) service: &'static str,
    pub(super) operations: &'static [&'static str],
    /// What the call must hold.
    pub(super) when: fn(&Scope<'_>) -> bool,
    /// The actions that it needs then.
    pub(super) actions: &'static [&'static str],
    pub(super) on: On,
    pub(super) needed: Needed,
}

/// What they act upon.
pub(super) enum On {
    /// `*`.
    Everything,
    /// A resource of a service, in the place of the call.
    Place(&'static str, &'static str),
    /// The bucket whose ARN, or of something in which, a member holds.
    Bucket(&'static str),
    /// Resources of a service and a type whose id, or ids, a member holds.
    Each(&'static str, &'static str, &'static str),
    /// The customer's key of KMS that a member names.
    Key(&'static str),
}

const fn row(
    service: &'static str,
    operations: &'static [&'static str],
    when: fn(&Scope<'_>) -> bool,
    actions: &'static [&'static str],
    on: On,
) -> Row {
    Row { service, operations, when, actions, on, needed: Needed::Surely }
}

impl Row {
    const fn perhaps(self, reason: &'static str) -> Self {
        let Self { service, operations, when, actions, on, needed: _ } = self;
        Self { service, operations, when, actions, on, needed: Needed::Perhaps(reason) }
    }
}

const fn never(_: &Scope<'_>) -> bool {
    false
}

const fn always(_: &Scope<'_>) -> bool {
    true
}

/// Whether a stage writes logs of access.
fn logs_access(scope: &Scope<'_>) -> bool {
    let settings = scope.value("AccessLogSettings");
    let arn = settings.and_then(|it| field(it, &["destinationArn", "DestinationArn"]));
    arn.and_then(Value::as_str).is_some_and(|arn| !arn.is_empty())
}

fn first_text<'v>(scope: &Scope<'v>, member: &str, list: &str) -> &'v str {
    let items = scope.value(member).and_then(|it| it.get(list)).and_then(Value::as_array);
    items.and_then(|items| items.first()).and_then(Value::as_str).unwrap_or_default()
}

const RDS_SECRET: &[&str] = &[
    "CreateDBCluster",
    "CreateDBInstance",
    "ModifyDBCluster",
    "ModifyDBInstance",
    "RestoreDBClusterFromS3",
    "RestoreDBInstanceFromS3",
];
const OF_INSTANCE: &[&str] = &["CreateDBInstance", "ModifyDBInstance", "RestoreDBInstanceFromS3"];
const OF_CLUSTER: &[&str] = &["CreateDBCluster", "ModifyDBCluster", "RestoreDBClusterFromS3"];

fn manages_password(scope: &Scope<'_>) -> bool {
    scope.flag("ManageMasterUserPassword")
}

const DELIVERY: &str = "since AWS's guide lists it among the permissions for the logs";
const CONNECTION: &str = "since the managed policy of EventBridge gives it for connections";

const LOG_DELIVERY: &[&str] = &["logs:CreateLogDelivery"];
const LOG_DELIVERIES: &[&str] = &[
    "logs:DeleteLogDelivery",
    "logs:DescribeResourcePolicies",
    "logs:GetLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:UpdateLogDelivery",
];

pub(super) const ROWS: &[Row] = &[
    // "This requires ListStacks and DescribeStacks permissions", without a name:
    // https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStacks.html
    row(
        "cloudformation",
        &["DescribeStacks"],
        |scope| scope.text("StackName").is_none(),
        &["cloudformation:ListStacks"],
        On::Everything,
    ),
    // Of an image by a parameter's name:
    // https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/using-systems-manager-parameter-to-find-AMI.html
    row(
        "ec2",
        &["RunInstances"],
        |scope| scope.text("ImageId").is_some_and(|id| id.starts_with("resolve:ssm:")),
        &["ssm:GetParameters"],
        On::Everything,
    ),
    // "For create, modify, or restore operations, the user who specifies that Amazon
    // RDS manages the master user password in Secrets Manager must have permissions to
    // perform" these. Of `aws/secretsmanager` its own policy lets everybody of the account
    // describe it through Secrets Manager.
    // https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-secrets-manager.html
    row(
        "rds",
        OF_INSTANCE,
        manages_password,
        &["secretsmanager:CreateSecret", "secretsmanager:TagResource"],
        On::Place("secretsmanager", "secret:rds!db-*"),
    ),
    row(
        "rds",
        OF_CLUSTER,
        manages_password,
        &["secretsmanager:CreateSecret", "secretsmanager:TagResource"],
        On::Place("secretsmanager", "secret:rds!cluster-*"),
    ),
    row(
        "rds",
        RDS_SECRET,
        manages_password,
        &["kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"],
        On::Key("MasterUserSecretKmsKeyId"),
    ),
    // "For modify operations, the user who rotates the master user password" (the same).
    row(
        "rds",
        &["ModifyDBInstance"],
        |scope| scope.flag("RotateMasterUserPassword"),
        &["secretsmanager:RotateSecret"],
        On::Place("secretsmanager", "secret:rds!db-*"),
    ),
    row(
        "rds",
        &["ModifyDBCluster"],
        |scope| scope.flag("RotateMasterUserPassword"),
        &["secretsmanager:RotateSecret"],
        On::Place("secretsmanager", "secret:rds!cluster-*"),
    ),
    // "To use the customer managed key for your Amazon RDS resource on your behalf, a
    // user must have permissions to call" these.
    // https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Overview.Encryption.Keys.html
    row(
        "rds",
        &[
            "CopyDBClusterSnapshot",
            "CopyDBSnapshot",
            "CreateDBCluster",
            "CreateDBInstance",
            "CreateDBInstanceReadReplica",
            "RestoreDBClusterFromS3",
            "RestoreDBClusterFromSnapshot",
            "RestoreDBClusterToPointInTime",
            "RestoreDBInstanceFromS3",
        ],
        always,
        &["kms:CreateGrant", "kms:DescribeKey"],
        On::Key("KmsKeyId"),
    ),
    // A cluster that is a Multi-AZ one makes its instances; the snapshot is asked for
    // by name.
    row(
        "rds",
        &["DeleteDBInstance", "StopDBInstance"],
        |scope| scope.any_text(&["FinalDBSnapshotIdentifier", "DBSnapshotIdentifier"]).is_some(),
        &["rds:CreateDBSnapshot"],
        On::Everything,
    )
    .perhaps("since it takes a snapshot"),
    row(
        "rds",
        &["DeleteDBCluster"],
        |scope| scope.text("FinalDBSnapshotIdentifier").is_some(),
        &["rds:CreateDBClusterSnapshot"],
        On::Everything,
    )
    .perhaps("since it takes a snapshot"),
    row(
        "rds",
        &["CreateDBCluster", "RestoreDBClusterFromSnapshot", "RestoreDBClusterToPointInTime"],
        |scope| scope.text("DBClusterInstanceClass").is_some(),
        &["rds:CreateDBInstance"],
        On::Everything,
    )
    .perhaps("since a Multi-AZ cluster has instances"),
    // Databases of tenants are Oracle's.
    row(
        "rds",
        &[
            "CreateDBInstance",
            "DeleteDBInstance",
            "ModifyDBInstance",
            "RestoreDBInstanceFromDBSnapshot",
            "RestoreDBInstanceToPointInTime",
        ],
        |scope| scope.flag("MultiTenant"),
        &["rds:CreateTenantDatabase", "rds:DeleteTenantDatabase"],
        On::Everything,
    )
    .perhaps("since the instance has several tenants"),
    // The secret of a connection is made for the caller:
    // https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-target-connection.html,
    // https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AmazonEventBridgeFullAccess.html
    row(
        "events",
        &["CreateConnection"],
        always,
        &["secretsmanager:CreateSecret"],
        On::Place("secretsmanager", "secret:events!connection/*"),
    ),
    row(
        "events",
        &["CreateConnection", "UpdateConnection"],
        always,
        &["secretsmanager:GetSecretValue", "secretsmanager:PutSecretValue"],
        On::Place("secretsmanager", "secret:events!connection/*"),
    )
    .perhaps(CONNECTION),
    row(
        "events",
        &["UpdateConnection"],
        always,
        &["secretsmanager:UpdateSecret"],
        On::Place("secretsmanager", "secret:events!connection/*"),
    )
    .perhaps(CONNECTION),
    row(
        "events",
        &["DeleteConnection"],
        always,
        &["secretsmanager:DeleteSecret"],
        On::Place("secretsmanager", "secret:events!connection/*"),
    )
    .perhaps(CONNECTION),
    // "To turn on logging for an API, your user must have the following permissions."
    // https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-logging.html
    row("apigatewayv2", &["CreateStage", "UpdateStage"], logs_access, LOG_DELIVERY, On::Everything),
    row(
        "apigatewayv2",
        &["CreateStage", "UpdateStage"],
        logs_access,
        LOG_DELIVERIES,
        On::Everything,
    )
    .perhaps(DELIVERY),
    // https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-s3-permissions.html,
    // https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-firehose.html
    row(
        "ec2",
        &["CreateFlowLogs"],
        |scope| matches!(scope.text("LogDestinationType"), Some("s3" | "kinesis-data-firehose")),
        LOG_DELIVERY,
        On::Everything,
    ),
    row(
        "ec2",
        &["CreateFlowLogs"],
        |scope| scope.text("LogDestinationType") == Some("s3"),
        &["logs:DeleteLogDelivery"],
        On::Everything,
    )
    .perhaps(DELIVERY),
    row(
        "ec2",
        &["CreateFlowLogs"],
        |scope| scope.text("LogDestinationType") == Some("s3"),
        &["s3:GetBucketPolicy", "s3:PutBucketPolicy"],
        On::Bucket("LogDestination"),
    )
    .perhaps(DELIVERY),
    // Fields of ECS in the record:
    // https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html
    row(
        "ec2",
        &["CreateFlowLogs"],
        |scope| scope.text("LogFormat").is_some_and(|format| format.contains("${ecs-")),
        &[
            "ecs:ListClusters",
            "ecs:ListContainerInstances",
            "ecs:ListServices",
            "ecs:ListTaskDefinitions",
            "ecs:ListTasks",
        ],
        On::Everything,
    ),
    // https://docs.aws.amazon.com/waf/latest/developerguide/logging-management-configure.html
    row(
        "wafv2",
        &["PutLoggingConfiguration"],
        |scope| {
            !first_text(scope, "LoggingConfiguration", "LogDestinationConfigs")
                .contains(":firehose:")
        },
        LOG_DELIVERY,
        On::Everything,
    ),
    row(
        "wafv2",
        &["PutLoggingConfiguration"],
        always,
        &["logs:DeleteLogDelivery", "logs:DescribeResourcePolicies", "logs:PutResourcePolicy"],
        On::Everything,
    )
    .perhaps(DELIVERY),
    // https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/resolver-query-logs-choosing-target-resource.html
    row(
        "route53resolver",
        &["CreateResolverQueryLogConfig"],
        always,
        &["logs:CreateLogDelivery", "logs:ListLogDeliveries"],
        On::Everything,
    )
    .perhaps(DELIVERY),
    // https://docs.aws.amazon.com/network-firewall/latest/developerguide/firewall-logging.html
    row(
        "network-firewall",
        &["UpdateLoggingConfiguration"],
        always,
        &["logs:CreateLogDelivery", "logs:GetLogDelivery", "logs:UpdateLogDelivery"],
        On::Everything,
    )
    .perhaps(DELIVERY),
    // "The CreateHostedZone request requires the caller to have an ec2:DescribeVpcs
    // permission", of a private one:
    // https://docs.aws.amazon.com/Route53/latest/APIReference/API_CreateHostedZone.html
    row(
        "route53",
        &["CreateHostedZone"],
        |scope| scope.value("VPC").is_some(),
        &["ec2:DescribeVpcs"],
        On::Everything,
    ),
    row(
        "route53",
        &["AssociateVPCWithHostedZone", "DisassociateVPCFromHostedZone"],
        always,
        &["ec2:DescribeVpcs"],
        On::Everything,
    )
    .perhaps("since AWS's reference lists it"),
    // https://docs.aws.amazon.com/efs/latest/ug/API_CreateMountTarget.html
    row(
        "efs",
        &["CreateMountTarget"],
        always,
        &["ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets"],
        On::Everything,
    ),
    row(
        "efs",
        &["CreateMountTarget"],
        always,
        &["ec2:CreateNetworkInterface"],
        On::Place("ec2", "network-interface/*"),
    ),
    // An interface is made in a subnet with security groups, and all of them are asked
    // about: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html
    row(
        "efs",
        &["CreateMountTarget"],
        always,
        &["ec2:CreateNetworkInterface"],
        On::Each("ec2", "subnet", "SubnetId"),
    ),
    row(
        "efs",
        &["CreateMountTarget"],
        always,
        &["ec2:CreateNetworkInterface"],
        On::Each("ec2", "security-group", "SecurityGroups"),
    ),
    // https://docs.aws.amazon.com/efs/latest/ug/API_DeleteMountTarget.html
    row(
        "efs",
        &["DeleteMountTarget"],
        always,
        &["ec2:DeleteNetworkInterface"],
        On::Place("ec2", "network-interface/*"),
    ),
    // https://docs.aws.amazon.com/efs/latest/ug/API_ModifyMountTargetSecurityGroups.html
    row(
        "efs",
        &["ModifyMountTargetSecurityGroups"],
        always,
        &["ec2:ModifyNetworkInterfaceAttribute"],
        On::Place("ec2", "network-interface/*"),
    ),
    // A private name of an interface endpoint is a hosted zone of the VPC:
    // https://docs.aws.amazon.com/vpc/latest/privatelink/create-interface-endpoint.html
    row(
        "ec2",
        &["CreateVpcEndpoint"],
        |scope| {
            scope.text("VpcEndpointType") == Some("Interface")
                && (scope.value("PrivateDnsEnabled").is_none() || scope.flag("PrivateDnsEnabled"))
        },
        &["route53:AssociateVPCWithHostedZone"],
        On::Everything,
    )
    .perhaps("since the endpoint may have a private name"),
    // An image that a parameter names: `resolve:ssm:NAME`.
    // https://docs.aws.amazon.com/autoscaling/ec2/userguide/using-systems-manager-parameters.html
    row(
        "ec2",
        &["CreateLaunchTemplate", "CreateLaunchTemplateVersion"],
        |scope| {
            let image = scope.value("LaunchTemplateData").and_then(|data| data.get("ImageId"));
            image.and_then(Value::as_str).is_some_and(|id| id.starts_with("resolve:ssm:"))
        },
        &["ssm:GetParameters"],
        On::Everything,
    )
    .perhaps("since a parameter tells the image"),
    row(
        "ec2",
        &["DescribeLaunchTemplateVersions"],
        |scope| scope.flag("ResolveAlias"),
        &["ssm:GetParameters"],
        On::Everything,
    )
    .perhaps("since a parameter tells the image"),
    row(
        "lambda",
        &["CreateFunction"],
        |scope| scope.value("CapacityProviderConfig").is_some(),
        &["lambda:PassCapacityProvider"],
        On::Everything,
    )
    .perhaps("since the function runs on a capacity provider"),
    // The key's own policy must let its maker change it, which is no permission of the
    // caller's policies:
    // https://docs.aws.amazon.com/kms/latest/developerguide/creating-keys.html#create-key-permissions
    row("kms", &["CreateKey", "ReplicateKey"], never, &["kms:PutKeyPolicy"], On::Everything),
    // https://docs.aws.amazon.com/step-functions/latest/apireference/API_CreateStateMachine.html
    row(
        "stepfunctions",
        &["CreateStateMachine", "UpdateStateMachine"],
        |scope| scope.flag("publish"),
        &["states:PublishStateMachineVersion"],
        On::Everything,
    )
    .perhaps("since it publishes a version"),
    // "you must make sure that the IAM user that calls the TestState API has
    // permission for the states:RevealSecrets action":
    // https://docs.aws.amazon.com/step-functions/latest/apireference/API_TestState.html
    row(
        "stepfunctions",
        &["TestState"],
        |scope| scope.flag("revealSecrets"),
        &["states:RevealSecrets"],
        On::Everything,
    ),
    // Of a trail of an organization:
    // https://docs.aws.amazon.com/awscloudtrail/latest/userguide/creating-an-organizational-trail-prepare.html
    row(
        "cloudtrail",
        &["CreateTrail", "UpdateTrail"],
        |scope| scope.flag("IsOrganizationTrail"),
        &["iam:GetRole", "organizations:ListAWSServiceAccessForOrganization"],
        On::Everything,
    )
    .perhaps("since the trail is of an organization"),
    // "If you use filters, you must also have secretsmanager:ListSecrets":
    // https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_BatchGetSecretValue.html
    row(
        "secretsmanager",
        &["BatchGetSecretValue"],
        |scope| scope.value("Filters").is_some(),
        &["secretsmanager:ListSecrets"],
        On::Everything,
    ),
];
