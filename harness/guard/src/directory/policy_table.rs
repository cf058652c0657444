//! Where each service keeps the policies of its resources: which operation tells
//! one, and where in the answer it stands.
//!
//! The services are those that AWS's page names as having resource-based policies
//! (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_aws-services-that-work-with-iam.html>);
//! the operations are from their models, which a test reads. A service that is
//! not here and has an operation `GetResourcePolicy` or `DescribeResourcePolicy`
//! that takes an ARN needs no row.

use super::arns::Given::{self, List, Number, Text};

/// How to ask for the policies of a resource.
#[derive(Debug)]
pub(super) struct Row {
    /// The service in the ARN.
    pub(super) service: &'static str,
    /// The resource in the ARN, as [`super::arns::find`] reads it.
    pub(super) resource: &'static str,
    /// The API, by its model's name.
    pub(super) api: &'static str,
    /// The operation that tells.
    pub(super) operation: &'static str,
    /// Its input; values are templates ([`super::arns::fill`]).
    pub(super) input: &'static [(&'static str, Given)],
    /// Where the policy stands: member names, `*` for each of a list or map.
    pub(super) answer: &'static [&'static str],
}

pub(super) const fn row(
    service: &'static str,
    resource: &'static str,
    api: &'static str,
    operation: &'static str,
    input: &'static [(&'static str, Given)],
    answer: &'static [&'static str],
) -> Row {
    Row { service, resource, api, operation, input, answer }
}

const BY_ARN: &[(&str, Given)] = &[("ResourceArn", Text("{arn}"))];

/// The rows; of those for one resource, all count.
#[rustfmt::skip]
pub(super) const ROWS: &[Row] = &[
    row("sqs", "{name}", "sqs", "GetQueueAttributes",
        &[("QueueUrl", Text("https://sqs.{region}.amazonaws.com/{account}/{name}")), ("AttributeNames", List("Policy"))],
        &["Attributes", "Policy"]),
    // Where nobody set one, the upstream answers AWS's default policy, which
    // gives something to requests with `aws:SourceOwner` alone.
    row("sns", "{name}:{subscription}", "sns", "GetTopicAttributes",
        &[("TopicArn", Text("{head}{name}"))], &["Attributes", "Policy"]),
    row("sns", "{name}", "sns", "GetTopicAttributes",
        &[("TopicArn", Text("{head}{name}"))], &["Attributes", "Policy"]),
    row("kms", "key/{id}", "kms", "GetKeyPolicy",
        &[("KeyId", Text("{id}")), ("PolicyName", Text("default"))], &["Policy"]),
    row("events", "event-bus/{name}", "events", "DescribeEventBus",
        &[("Name", Text("{name}"))], &["Policy"]),
    // The policy of a bus says who may manage its rules too.
    // https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html
    row("events", "rule/{bus}/{name}", "events", "DescribeEventBus",
        &[("Name", Text("{bus}"))], &["Policy"]),
    row("events", "rule/{name}", "events", "DescribeEventBus",
        &[("Name", Text("default"))], &["Policy"]),
    row("ecr", "repository/{name}", "ecr", "GetRepositoryPolicy",
        &[("repositoryName", Text("{name}"))], &["policyText"]),
    // https://docs.aws.amazon.com/AmazonECR/latest/userguide/registry-permissions.html
    row("ecr", "repository/{name}", "ecr", "GetRegistryPolicy", &[], &["policyText"]),
    row("ecr-public", "repository/{name}", "ecr-public", "GetRepositoryPolicy",
        &[("repositoryName", Text("{name}"))], &["policyText"]),
    row("lambda", "layer:{name}:{version}", "lambda", "GetLayerVersionPolicy",
        &[("LayerName", Text("{name}")), ("VersionNumber", Number("{version}"))], &["Policy"]),
    // "The resource-based policy of a table … its indexes"; a stream has its own.
    // https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/access-control-resource-based.html
    row("dynamodb", "table/{name}/index/*", "dynamodb", "GetResourcePolicy",
        &[("ResourceArn", Text("{head}table/{name}"))], &["Policy"]),
    row("dynamodb", "table/{name}/stream/*", "dynamodb", "GetResourcePolicy", BY_ARN, &["Policy"]),
    row("dynamodb", "table/{name}", "dynamodb", "GetResourcePolicy", BY_ARN, &["Policy"]),
    // Policies of the account, each with the resources that it is about.
    // https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutResourcePolicy.html
    row("logs", "log-group:*", "logs", "DescribeResourcePolicies", &[],
        &["resourcePolicies", "*", "policyDocument"]),
    row("logs", "destination:{name}", "logs", "DescribeDestinations",
        &[("DestinationNamePrefix", Text("{name}"))], &["destinations", "*", "accessPolicy"]),
    row("logs", "delivery-destination:{name}", "logs", "GetDeliveryDestinationPolicy",
        &[("deliveryDestinationName", Text("{name}"))], &["policy", "deliveryDestinationPolicy"]),
    row("elasticfilesystem", "file-system/{id}", "efs", "DescribeFileSystemPolicy",
        &[("FileSystemId", Text("{id}"))], &["Policy"]),
    row("kinesis", "stream/{name}/consumer/*", "kinesis", "GetResourcePolicy",
        &[("ResourceARN", Text("{arn}"))], &["Policy"]),
    row("kinesis", "stream/{name}", "kinesis", "GetResourcePolicy",
        &[("ResourceARN", Text("{arn}"))], &["Policy"]),
    row("execute-api", "{api}/*", "apigateway", "GetRestApi",
        &[("restApiId", Text("{api}"))], &["policy"]),
    row("secretsmanager", "secret:*", "secretsmanager", "GetResourcePolicy",
        &[("SecretId", Text("{arn}"))], &["ResourcePolicy"]),
    // The policy of the account's data catalogue.
    // https://docs.aws.amazon.com/glue/latest/dg/security_iam_service-with-iam.html
    row("glue", "*", "glue", "GetResourcePolicy", &[], &["PolicyInJson"]),
    row("backup", "backup-vault:{name}", "backup", "GetBackupVaultAccessPolicy",
        &[("BackupVaultName", Text("{name}"))], &["Policy"]),
    row("es", "domain/{name}", "opensearch", "DescribeDomain",
        &[("DomainName", Text("{name}"))], &["DomainStatus", "AccessPolicies"]),
    row("es", "domain/{name}/*", "opensearch", "DescribeDomain",
        &[("DomainName", Text("{name}"))], &["DomainStatus", "AccessPolicies"]),
    row("ses", "identity/{name}", "sesv2", "GetEmailIdentityPolicies",
        &[("EmailIdentity", Text("{name}"))], &["Policies", "*"]),
    row("acm-pca", "certificate-authority/*", "acm-pca", "GetPolicy", BY_ARN, &["Policy"]),
    row("codeartifact", "domain/{name}", "codeartifact", "GetDomainPermissionsPolicy",
        &[("domain", Text("{name}"))], &["policy", "document"]),
    row("codeartifact", "repository/{domain}/{name}", "codeartifact", "GetRepositoryPermissionsPolicy",
        &[("domain", Text("{domain}")), ("repository", Text("{name}"))], &["policy", "document"]),
    row("kafka", "cluster/*", "kafka", "GetClusterPolicy",
        &[("ClusterArn", Text("{arn}"))], &["Policy"]),
    row("mediastore", "container/{name}", "mediastore", "GetContainerPolicy",
        &[("ContainerName", Text("{name}"))], &["Policy"]),
    row("mediastore", "container/{name}/*", "mediastore", "GetContainerPolicy",
        &[("ContainerName", Text("{name}"))], &["Policy"]),
    row("dsql", "cluster/{id}", "dsql", "GetClusterPolicy",
        &[("identifier", Text("{id}"))], &["policy"]),
    row("ssm", "parameter/*", "ssm", "GetResourcePolicies", BY_ARN, &["Policies", "*", "Policy"]),
    row("ssm", "opsitemgroup/*", "ssm", "GetResourcePolicies", BY_ARN, &["Policies", "*", "Policy"]),
    row("s3tables", "bucket/{name}", "s3tables", "GetTableBucketPolicy",
        &[("tableBucketARN", Text("{arn}"))], &["resourcePolicy"]),
    row("s3vectors", "bucket/{name}", "s3vectors", "GetVectorBucketPolicy",
        &[("vectorBucketName", Text("{name}"))], &["policy"]),
    row("s3vectors", "bucket/{name}/index/*", "s3vectors", "GetVectorBucketPolicy",
        &[("vectorBucketName", Text("{name}"))], &["policy"]),
    row("schemas", "registry/{name}", "schemas", "GetResourcePolicy",
        &[("RegistryName", Text("{name}"))], &["Policy"]),
    row("route53resolver", "firewall-rule-group/*", "route53resolver", "GetFirewallRuleGroupPolicy",
        &[("Arn", Text("{arn}"))], &["FirewallRuleGroupPolicy"]),
    row("route53resolver", "resolver-rule/*", "route53resolver", "GetResolverRulePolicy",
        &[("Arn", Text("{arn}"))], &["ResolverRulePolicy"]),
    row("route53resolver", "resolver-query-log-config/*", "route53resolver", "GetResolverQueryLogConfigPolicy",
        &[("Arn", Text("{arn}"))], &["ResolverQueryLogConfigPolicy"]),
    row("vpc-lattice", "service/*", "vpc-lattice", "GetAuthPolicy",
        &[("resourceIdentifier", Text("{arn}"))], &["policy"]),
    row("vpc-lattice", "servicenetwork/*", "vpc-lattice", "GetAuthPolicy",
        &[("resourceIdentifier", Text("{arn}"))], &["policy"]),
];

/// Services with resource policies that no row and no `GetResourcePolicy` tells:
/// after a call that may have stored one, it is unknown what their policies say.
pub(super) const UNREAD: &[&str] = &[
    "aoss",
    "cleanrooms-ml",
    "codeguru-profiler",
    "ec2",
    "glacier",
    "imagebuilder",
    "iot",
    "kinesisvideo",
    "lex",
    "oam",
    "qbusiness",
    "rum",
    "s3-object-lambda",
    "s3express",
    "sagemaker",
    "serverlessrepo",
    "signer",
    "ssm-contacts",
    "waf",
    "waf-regional",
    "wafv2",
    "xray",
];

/// The operations by which a service tells the policy of an ARN.
pub(super) const OF_MODELS: [&str; 2] = ["GetResourcePolicy", "DescribeResourcePolicy"];

/// How the names of operations begin that leave policies and tags of resources as
/// they are, in any service: reads, and what is done with the data in a resource.
/// All others may change them.
#[rustfmt::skip]
pub(super) const LEAVES: &[&str] = &[
    "BatchCheck", "BatchDescribe", "BatchExecute", "BatchGet", "BatchWriteItem",
    "ChangeMessageVisibility", "Check", "Decrypt", "DeleteItem", "DeleteMessage", "DeleteObject",
    "Describe", "Detect", "Encrypt", "Execute", "Filter", "Generate", "Get", "Head", "Invoke", "List",
    "Lookup", "Poll", "Publish", "PutEvents", "PutItem", "PutLogEvents", "PutMetricData",
    "PutObject", "PutRecord", "PutTraceSegments", "Query", "ReEncrypt", "Receive", "Scan",
    "Search", "Select", "SendMessage", "Sign", "Transact", "UpdateItem", "Validate", "Verify",
];
