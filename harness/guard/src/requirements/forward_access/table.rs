//! What services do with which keys, by the action on what is encrypted.

/// What a service does with the key of a resource.
pub(super) struct Row {
    /// The actions on the resource.
    pub(super) actions: &'static [&'static str],
    /// The actions on its key.
    pub(super) needs: &'static [&'static str],
    /// The key of the encryption context that holds the resource's ARN.
    pub(super) context: Option<&'static str>,
}

const fn row(
    actions: &'static [&'static str],
    needs: &'static [&'static str],
    context: Option<&'static str>,
) -> Row {
    Row { actions, needs, context }
}

/// - SQS: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html>
/// - SNS: <https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html>
/// - DynamoDB: <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.howitworks.html>
/// - Kinesis: <https://docs.aws.amazon.com/streams/latest/dev/permissions-user-key-KMS.html>
/// - Secrets Manager: <https://docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html>
/// - S3: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html>
/// - Systems Manager: <https://docs.aws.amazon.com/kms/latest/developerguide/services-parameter-store.html>
pub(super) const ROWS: &[Row] = &[
    row(&["sqs:SendMessage"], &["GenerateDataKey", "Decrypt"], Some("aws:sqs:arn")),
    row(&["sqs:ReceiveMessage"], &["Decrypt"], Some("aws:sqs:arn")),
    row(&["sns:Publish"], &["GenerateDataKey", "Decrypt"], Some("aws:sns:topicArn")),
    row(
        &[
            "dynamodb:BatchGetItem",
            "dynamodb:BatchWriteItem",
            "dynamodb:ConditionCheckItem",
            "dynamodb:DeleteItem",
            "dynamodb:GetItem",
            "dynamodb:GetRecords",
            "dynamodb:PartiQLDelete",
            "dynamodb:PartiQLInsert",
            "dynamodb:PartiQLSelect",
            "dynamodb:PartiQLUpdate",
            "dynamodb:PutItem",
            "dynamodb:Query",
            "dynamodb:Scan",
            "dynamodb:UpdateItem",
        ],
        &["Decrypt"],
        None,
    ),
    // "At a minimum, DynamoDB requires the following permissions on a customer managed
    // key", in the name of the principal who selects it
    // (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html).
    row(
        &[
            "dynamodb:CreateTable",
            "dynamodb:ImportTable",
            "dynamodb:RestoreTableFromBackup",
            "dynamodb:RestoreTableToPointInTime",
            "dynamodb:UpdateTable",
        ],
        &[
            "CreateGrant",
            "Decrypt",
            "DescribeKey",
            "Encrypt",
            "GenerateDataKey",
            "GenerateDataKeyWithoutPlaintext",
            "ReEncryptFrom",
            "ReEncryptTo",
        ],
        None,
    ),
    // "Stream administrator permissions": kms:List* and kms:DescribeKey*
    // (https://docs.aws.amazon.com/streams/latest/dev/permissions-user-key-KMS.html).
    row(&["kinesis:StartStreamEncryption"], &["DescribeKey"], Some("aws:kinesis:arn")),
    row(
        &["kinesis:PutRecord", "kinesis:PutRecords"],
        &["GenerateDataKey"],
        Some("aws:kinesis:arn"),
    ),
    row(&["kinesis:GetRecords", "kinesis:SubscribeToShard"], &["Decrypt"], Some("aws:kinesis:arn")),
    row(&["secretsmanager:GetSecretValue"], &["Decrypt"], Some("SecretARN")),
    row(
        &[
            "secretsmanager:CreateSecret",
            "secretsmanager:PutSecretValue",
            "secretsmanager:UpdateSecret",
        ],
        &["GenerateDataKey", "Decrypt"],
        Some("SecretARN"),
    ),
    // The context has the object, or its bucket where that has a key of its own.
    row(&["s3:GetObject", "s3:GetObjectVersion"], &["Decrypt"], None),
    row(&["s3:PutObject"], &["GenerateDataKey"], None),
    row(
        &[
            "ssm:GetParameter",
            "ssm:GetParameterHistory",
            "ssm:GetParameters",
            "ssm:GetParametersByPath",
        ],
        &["Decrypt"],
        Some("PARAMETER_ARN"),
    ),
    row(&["ssm:PutParameter"], &["Encrypt"], Some("PARAMETER_ARN")),
];

/// Parts of an upload are read again before they become an object: `kms:Decrypt` is for
/// `UploadPart` and `UploadPartCopy`, `kms:GenerateDataKey` for who begins it
/// (<https://repost.aws/knowledge-center/s3-large-file-encryption-kms-key>,
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateMultipartUpload.html>).
pub(super) const PART: Row = row(&["s3:PutObject"], &["Decrypt"], None);

/// An advanced parameter is encrypted with a key of its own.
pub(super) const ADVANCED: Row =
    row(&["ssm:PutParameter"], &["GenerateDataKey"], Some("PARAMETER_ARN"));
