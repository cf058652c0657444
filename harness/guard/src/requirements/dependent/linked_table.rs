//! Service-linked roles that the first use of a service makes: whether the account
//! has the role already only the account tells. Where Layer 1 makes it, it is there.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_create-service-linked-role.html>

use ringfence_wire::ServiceError;

use super::for_caller;
use crate::requirements::requirement::{Needed, Requirement};
use crate::requirements::scope::Scope;

pub(super) const CREATE: &str = "iam:CreateServiceLinkedRole";

pub(in crate::requirements) const FIRST_USE: &str = "where the account does not have that role yet (an account that has it: \
    `aws_iam_service_linked_role` in Layer 1 or among `[[existing]]`)";

/// What makes a role, and which.
struct Row {
    service: &'static str,
    operations: &'static [&'static str],
    when: fn(&Scope<'_>) -> bool,
    principal: &'static str,
    /// The role's name.
    role: &'static str,
}

const fn row(
    service: &'static str,
    operations: &'static [&'static str],
    principal: &'static str,
    role: &'static str,
) -> Row {
    Row { service, operations, when: |_| true, principal, role }
}

impl Row {
    const fn when(self, when: fn(&Scope<'_>) -> bool) -> Self {
        let Self { service, operations, when: _, principal, role } = self;
        Self { service, operations, when, principal, role }
    }
}

/// - Elastic Load Balancing: <https://docs.aws.amazon.com/elasticloadbalancing/latest/userguide/elb-service-linked-roles.html>
/// - EC2 Auto Scaling: <https://docs.aws.amazon.com/autoscaling/ec2/userguide/autoscaling-service-linked-role.html>
/// - Application Auto Scaling: <https://docs.aws.amazon.com/autoscaling/application/userguide/application-auto-scaling-service-linked-roles.html>
/// - ECS: <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/using-service-linked-roles.html>
/// - RDS: <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.IAM.ServiceLinkedRoles.html>
/// - ElastiCache: <https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/using-service-linked-roles.html>
/// - MemoryDB: <https://docs.aws.amazon.com/memorydb/latest/devguide/using-service-linked-roles.html>
/// - OpenSearch: <https://docs.aws.amazon.com/opensearch-service/latest/developerguide/slr-aos.html>
/// - EventBridge: <https://docs.aws.amazon.com/eventbridge/latest/userguide/using-service-linked-roles-service-action-2.html>
/// - API Gateway has none here: "When you create an API, custom domain name, or VPC link"
///   it makes the role, so an account with an API has it
///   (<https://docs.aws.amazon.com/apigateway/latest/developerguide/using-service-linked-roles.html>)
/// - EKS: <https://docs.aws.amazon.com/eks/latest/userguide/using-service-linked-roles.html>
/// - EFS: <https://docs.aws.amazon.com/efs/latest/ug/using-service-linked-roles.html>
/// - GuardDuty: <https://docs.aws.amazon.com/guardduty/latest/ug/using-service-linked-roles.html>
/// - Redshift: <https://docs.aws.amazon.com/redshift/latest/mgmt/using-service-linked-roles.html>
/// - KMS, multi-Region keys: <https://docs.aws.amazon.com/kms/latest/developerguide/multi-region-auth-slr.html>
/// - ECR: <https://docs.aws.amazon.com/AmazonECR/latest/userguide/using-service-linked-roles.html>
/// - WAF: <https://docs.aws.amazon.com/waf/latest/developerguide/using-service-linked-roles.html>
/// - Batch: <https://docs.aws.amazon.com/batch/latest/userguide/using-service-linked-roles.html>
/// - MSK: <https://docs.aws.amazon.com/msk/latest/developerguide/using-service-linked-roles.html>
/// - Amazon MQ: <https://docs.aws.amazon.com/amazon-mq/latest/developer-guide/using-service-linked-roles.html>
/// - CloudTrail: <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/using-service-linked-roles.html>
/// - Cognito: <https://docs.aws.amazon.com/cognito/latest/developerguide/using-service-linked-roles.html>
const ROWS: &[Row] = &[
    row("elbv2", &["CreateLoadBalancer"], ELB, "AWSServiceRoleForElasticLoadBalancing"),
    row("elb", &["CreateLoadBalancer"], ELB, "AWSServiceRoleForElasticLoadBalancing"),
    row(
        "autoscaling",
        &["CreateAutoScalingGroup"],
        "autoscaling.amazonaws.com",
        "AWSServiceRoleForAutoScaling",
    )
    .when(|scope| scope.text("ServiceLinkedRoleARN").is_none()),
    row(
        SCALING,
        &["RegisterScalableTarget"],
        "ecs.application-autoscaling.amazonaws.com",
        "AWSServiceRoleForApplicationAutoScaling_ECSService",
    )
    .when(|scope| scope.text("ServiceNamespace") == Some("ecs")),
    row(
        SCALING,
        &["RegisterScalableTarget"],
        "dynamodb.application-autoscaling.amazonaws.com",
        "AWSServiceRoleForApplicationAutoScaling_DynamoDBTable",
    )
    .when(|scope| scope.text("ServiceNamespace") == Some("dynamodb")),
    row(
        SCALING,
        &["RegisterScalableTarget"],
        "lambda.application-autoscaling.amazonaws.com",
        "AWSServiceRoleForApplicationAutoScaling_LambdaConcurrency",
    )
    .when(|scope| scope.text("ServiceNamespace") == Some("lambda")),
    row(
        SCALING,
        &["RegisterScalableTarget"],
        "rds.application-autoscaling.amazonaws.com",
        "AWSServiceRoleForApplicationAutoScaling_RDSCluster",
    )
    .when(|scope| scope.text("ServiceNamespace") == Some("rds")),
    row("ecs", &["CreateCluster", "CreateService"], "ecs.amazonaws.com", "AWSServiceRoleForECS"),
    row(
        "rds",
        &[
            "CreateDBCluster",
            "CreateDBInstance",
            "CreateDBInstanceReadReplica",
            "RestoreDBClusterFromS3",
            "RestoreDBClusterFromSnapshot",
            "RestoreDBClusterToPointInTime",
            "RestoreDBInstanceFromDBSnapshot",
            "RestoreDBInstanceFromS3",
            "RestoreDBInstanceToPointInTime",
        ],
        "rds.amazonaws.com",
        "AWSServiceRoleForRDS",
    ),
    row(
        "elasticache",
        &["CreateCacheCluster", "CreateReplicationGroup", "CreateServerlessCache"],
        "elasticache.amazonaws.com",
        "AWSServiceRoleForElastiCache",
    ),
    row("memorydb", &["CreateCluster"], "memorydb.amazonaws.com", "AWSServiceRoleForMemoryDB"),
    row("opensearch", &["CreateDomain"], OPENSEARCH, "AWSServiceRoleForAmazonOpenSearchService")
        .when(|scope| scope.value("VPCOptions").is_some()),
    row(
        "es",
        &["CreateElasticsearchDomain"],
        OPENSEARCH,
        "AWSServiceRoleForAmazonOpenSearchService",
    )
    .when(|scope| scope.value("VPCOptions").is_some()),
    row(
        "events",
        &["CreateApiDestination", "CreateConnection"],
        "apidestinations.events.amazonaws.com",
        "AWSServiceRoleForAmazonEventBridgeApiDestinations",
    ),
    row("eks", &["CreateCluster"], "eks.amazonaws.com", "AWSServiceRoleForAmazonEKS"),
    row(
        "eks",
        &["CreateNodegroup"],
        "eks-nodegroup.amazonaws.com",
        "AWSServiceRoleForAmazonEKSNodegroup",
    ),
    row(
        "efs",
        &["CreateFileSystem", "CreateMountTarget"],
        "elasticfilesystem.amazonaws.com",
        "AWSServiceRoleForAmazonElasticFileSystem",
    ),
    row(
        "guardduty",
        &["CreateDetector"],
        "guardduty.amazonaws.com",
        "AWSServiceRoleForAmazonGuardDuty",
    ),
    row(
        "redshift",
        &["CreateCluster", "RestoreFromClusterSnapshot"],
        "redshift.amazonaws.com",
        "AWSServiceRoleForRedshift",
    ),
    row(
        "kms",
        &["CreateKey"],
        MULTI_REGION,
        "AWSServiceRoleForKeyManagementServiceMultiRegionKeys",
    )
    .when(|scope| scope.flag("MultiRegion")),
    row(
        "kms",
        &["ReplicateKey"],
        MULTI_REGION,
        "AWSServiceRoleForKeyManagementServiceMultiRegionKeys",
    ),
    row(
        "ecr",
        &["PutReplicationConfiguration"],
        "replication.ecr.amazonaws.com",
        "AWSServiceRoleForECRReplication",
    ),
    row(
        "ecr",
        &["CreatePullThroughCacheRule"],
        "pullthroughcache.ecr.amazonaws.com",
        "AWSServiceRoleForECRPullThroughCache",
    ),
    row(
        "ecr",
        &["CreateRepositoryCreationTemplate", "UpdateRepositoryCreationTemplate"],
        "ecr.amazonaws.com",
        "AWSServiceRoleForECRTemplate",
    ),
    row(
        "wafv2",
        &["PutLoggingConfiguration"],
        "wafv2.amazonaws.com",
        "AWSServiceRoleForWAFV2Logging",
    ),
    row("batch", &["CreateComputeEnvironment"], "batch.amazonaws.com", "AWSServiceRoleForBatch")
        .when(|scope| scope.text("serviceRole").is_none()),
    row(
        "kafka",
        &["CreateCluster", "CreateClusterV2"],
        "kafka.amazonaws.com",
        "AWSServiceRoleForKafka",
    ),
    row("mq", &["CreateBroker"], "mq.amazonaws.com", "AWSServiceRoleForAmazonMQ"),
    row(
        "cloudtrail",
        &["CreateTrail", "UpdateTrail"],
        "cloudtrail.amazonaws.com",
        "AWSServiceRoleForCloudTrail",
    )
    .when(|scope| scope.flag("IsOrganizationTrail")),
    row(
        "cognito-idp",
        &["CreateUserPool", "UpdateUserPool"],
        "email.cognito-idp.amazonaws.com",
        "AWSServiceRoleForAmazonCognitoIdpEmailService",
    )
    .when(|scope| {
        let email = scope.value("EmailConfiguration");
        let account = email.and_then(|it| it.get("EmailSendingAccount"));
        account.is_some_and(|it| it == "DEVELOPER")
    }),
];

const ELB: &str = "elasticloadbalancing.amazonaws.com";
const MULTI_REGION: &str = "mrk.kms.amazonaws.com";
const OPENSEARCH: &str = "opensearchservice.amazonaws.com";
const SCALING: &str = "application-autoscaling";

/// What the call needs for the role that it makes. None: nothing is known of a role.
pub(super) async fn of(scope: &Scope<'_>) -> Result<Option<Vec<Requirement>>, ServiceError> {
    let (service, name) = (scope.call.service().name(), scope.name());
    let is_about = |row: &&Row| row.service == service && row.operations.contains(&name);
    let mut rows = ROWS.iter().filter(is_about).peekable();
    if rows.peek().is_none() {
        return Ok(None);
    }
    let Some(row) = rows.find(|row| (row.when)(scope)) else { return Ok(Some(Vec::new())) };
    if scope.state.role(row.role).await?.is_some() {
        return Ok(Some(Vec::new()));
    }
    let arn = scope.iam_arn(&format!("role/aws-service-role/{}/{}", row.principal, row.role));
    let mut requirement = for_caller(CREATE, &arn);
    requirement.context.set("iam:AWSServiceName", row.principal);
    requirement.needed = Needed::Perhaps(FIRST_USE);
    Ok(Some(vec![requirement]))
}

/// The services and operations of the table.
#[cfg(test)]
pub(super) fn named() -> impl Iterator<Item = (&'static str, &'static [&'static str])> {
    ROWS.iter().map(|row| (row.service, row.operations))
}

/// The principals of the roles.
#[cfg(test)]
pub(super) fn principals() -> impl Iterator<Item = &'static str> {
    ROWS.iter().map(|row| row.principal)
}
