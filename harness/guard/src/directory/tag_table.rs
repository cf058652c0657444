//! How services tell the tags of a resource. A test reads the operations and
//! their members in the models.

use super::arns::Given::{self, List, Text};

/// How a service tells tags where its models do not show it.
pub(super) struct Row {
    /// The service in the ARN.
    pub(super) service: &'static str,
    /// The resource in the ARN, as [`arns::find`] reads it.
    pub(super) resource: &'static str,
    /// The API, by its model's name.
    pub(super) api: &'static str,
    pub(super) operation: &'static str,
    /// Its input; values are templates ([`arns::fill`]).
    pub(super) input: &'static [(&'static str, Given)],
}

const fn row(
    service: &'static str,
    resource: &'static str,
    api: &'static str,
    operation: &'static str,
    input: &'static [(&'static str, Given)],
) -> Row {
    Row { service, resource, api, operation, input }
}

#[rustfmt::skip]
pub(super) const ROWS: &[Row] = &[
    row("sqs", "{name}", "sqs", "ListQueueTags",
        &[("QueueUrl", Text("https://sqs.{region}.amazonaws.com/{account}/{name}"))]),
    row("sns", "{name}:{subscription}", "sns", "ListTagsForResource", &[("ResourceArn", Text("{head}{name}"))]),
    row("kms", "key/{id}", "kms", "ListResourceTags", &[("KeyId", Text("{id}"))]),
    row("dynamodb", "table/{name}/*", "dynamodb", "ListTagsOfResource",
        &[("ResourceArn", Text("{head}table/{name}"))]),
    row("logs", "log-group:{name}:*", "logs", "ListTagsForResource",
        &[("resourceArn", Text("{head}log-group:{name}"))]),
    row("ssm", "parameter/{name}", "ssm", "ListTagsForResource",
        &[("ResourceType", Text("Parameter")), ("ResourceId", Text("{parameter}"))]),
    row("ssm", "document/{name}", "ssm", "ListTagsForResource",
        &[("ResourceType", Text("Document")), ("ResourceId", Text("{name}"))]),
    row("ssm", "maintenancewindow/{name}", "ssm", "ListTagsForResource",
        &[("ResourceType", Text("MaintenanceWindow")), ("ResourceId", Text("{name}"))]),
    row("ssm", "patchbaseline/{name}", "ssm", "ListTagsForResource",
        &[("ResourceType", Text("PatchBaseline")), ("ResourceId", Text("{name}"))]),
    row("ssm", "association/{name}", "ssm", "ListTagsForResource",
        &[("ResourceType", Text("Association")), ("ResourceId", Text("{name}"))]),
    row("ssm", "opsitem/{name}", "ssm", "ListTagsForResource",
        &[("ResourceType", Text("OpsItem")), ("ResourceId", Text("{name}"))]),
    row("secretsmanager", "secret:*", "secretsmanager", "DescribeSecret", &[("SecretId", Text("{arn}"))]),
    // Another API of the same prefix has the operation too.
    row("events", "*", "events", "ListTagsForResource", &[("ResourceARN", Text("{arn}"))]),
    row("kinesis", "stream/{name}", "kinesis", "ListTagsForStream", &[("StreamName", Text("{name}"))]),
    row("firehose", "deliverystream/{name}", "firehose", "ListTagsForDeliveryStream",
        &[("DeliveryStreamName", Text("{name}"))]),
    row("elasticfilesystem", "file-system/{id}", "efs", "ListTagsForResource", &[("ResourceId", Text("{id}"))]),
    row("elasticfilesystem", "access-point/{id}", "efs", "ListTagsForResource", &[("ResourceId", Text("{id}"))]),
    row("route53", "hostedzone/{id}", "route53", "ListTagsForResource",
        &[("ResourceType", Text("hostedzone")), ("ResourceId", Text("{id}"))]),
    row("route53", "healthcheck/{id}", "route53", "ListTagsForResource",
        &[("ResourceType", Text("healthcheck")), ("ResourceId", Text("{id}"))]),
    row("acm", "certificate/*", "acm", "ListTagsForCertificate", &[("CertificateArn", Text("{arn}"))]),
    row("acm-pca", "certificate-authority/*", "acm-pca", "ListTags", &[("CertificateAuthorityArn", Text("{arn}"))]),
    row("apigateway", "/restapis*", "apigateway", "GetTags", &[("resourceArn", Text("{arn}"))]),
    row("apigateway", "/apis*", "apigatewayv2", "GetTags", &[("ResourceArn", Text("{arn}"))]),
    row("ecs", "*", "ecs", "ListTagsForResource", &[("resourceArn", Text("{arn}"))]),
    row("elasticloadbalancing", "*", "elbv2", "DescribeTags", &[("ResourceArns", List("{arn}"))]),
    row("cloudtrail", "*", "cloudtrail", "ListTags", &[("ResourceIdList", List("{arn}"))]),
    row("es", "domain/*", "opensearch", "ListTags", &[("ARN", Text("{arn}"))]),
    row("rds", "*", "rds", "ListTagsForResource", &[("ResourceName", Text("{arn}"))]),
    row("wafv2", "*", "wafv2", "ListTagsForResource", &[("ResourceARN", Text("{arn}"))]),
];

/// The operations that tell tags by an ARN alone, as most models have one.
pub(super) const OF_MODELS: [&str; 5] =
    ["ListTagsForResource", "ListTagsOfResource", "ListTags", "GetTags", "ListResourceTags"];
