//! Where services tell with which key of KMS a resource is encrypted.

use super::arns::Given::{List, Text};
use super::policy_table::{Row, row};

/// The rows; the first that fits counts.
#[rustfmt::skip]
pub(super) const ROWS: &[Row] = &[
    row("sqs", "{name}", "sqs", "GetQueueAttributes",
        &[("QueueUrl", Text("https://sqs.{region}.amazonaws.com/{account}/{name}")), ("AttributeNames", List("KmsMasterKeyId"))],
        &["Attributes", "KmsMasterKeyId"]),
    row("sns", "{name}", "sns", "GetTopicAttributes",
        &[("TopicArn", Text("{arn}"))], &["Attributes", "KmsMasterKeyId"]),
    row("dynamodb", "table/{name}/*", "dynamodb", "DescribeTable",
        &[("TableName", Text("{name}"))], &["Table", "SSEDescription", "KMSMasterKeyArn"]),
    row("dynamodb", "table/{name}", "dynamodb", "DescribeTable",
        &[("TableName", Text("{name}"))], &["Table", "SSEDescription", "KMSMasterKeyArn"]),
    row("kinesis", "stream/{name}/*", "kinesis", "DescribeStreamSummary",
        &[("StreamName", Text("{name}"))], &["StreamDescriptionSummary", "KeyId"]),
    row("kinesis", "stream/{name}", "kinesis", "DescribeStreamSummary",
        &[("StreamName", Text("{name}"))], &["StreamDescriptionSummary", "KeyId"]),
    row("secretsmanager", "secret:*", "secretsmanager", "DescribeSecret",
        &[("SecretId", Text("{arn}"))], &["KmsKeyId"]),
];
