//! What services do in KMS for a caller: who uses what is encrypted with a
//! customer's key needs that key too, through the service
//! (<https://docs.aws.amazon.com/IAM/latest/UserGuide/access_forward_access_sessions.html>).
//!
//! A key that AWS manages lets in whoever may use its service: nothing is asked
//! for it.

use super::RequirementsError;
use super::kms;
use super::requirement::{Requirement, ResourcePolicy};
use super::scope::Scope;
use super::state::Told;
use crate::directory::arns::Arn;

/// What a service does with the key of a resource.
struct Row {
    /// The actions on the resource.
    actions: &'static [&'static str],
    /// The actions on its key.
    needs: &'static [&'static str],
    /// The key of the encryption context that holds the resource's ARN.
    context: Option<&'static str>,
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
const ROWS: &[Row] = &[
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
];

/// Adds what the caller needs of the keys of the resources that a call names.
pub(super) async fn add(
    scope: &Scope<'_>,
    requirements: &mut Vec<Requirement>,
) -> Result<(), RequirementsError> {
    let mut more = Vec::new();
    for requirement in requirements.iter() {
        let Some(row) = ROWS.iter().find(|row| row.actions.contains(&&*requirement.action)) else {
            continue;
        };
        match key(scope, requirement).await? {
            Told::Is(id) if is_of_aws(&id) => {}
            Told::Is(id) => more.extend(on_key(scope, requirement, row, &id).await?),
            Told::Nothing => {}
            Told::Unknown(reason) => more.extend(on_unknown(scope, requirement, row, &reason)),
        }
    }
    requirements.extend(more);
    Ok(())
}

/// A key that AWS manages, as services name it.
fn is_of_aws(id: &str) -> bool {
    id.starts_with("alias/aws/") || id.contains(":alias/aws/")
}

/// The key that the call uses: what it names itself, or what its resource has.
async fn key(
    scope: &Scope<'_>,
    requirement: &Requirement,
) -> Result<Told<String>, RequirementsError> {
    let resource = requirement.resource.as_str();
    let Some(arn) = Arn::parse(resource) else { return Ok(Told::Nothing) };
    match requirement.action.as_str() {
        "secretsmanager:CreateSecret" => Ok(given(scope, "KmsKeyId")),
        "secretsmanager:UpdateSecret" => match given(scope, "KmsKeyId") {
            Told::Nothing if !writes_a_value(scope) => Ok(Told::Nothing),
            Told::Nothing => Ok(scope.state.encryption_key(resource).await?),
            told => Ok(told),
        },
        "s3:GetObject" | "s3:GetObjectVersion" => {
            let Some((bucket, key)) = arn.resource.split_once('/') else {
                return Ok(Told::Nothing);
            };
            Ok(scope.state.s3_key(bucket, Some((key, version(scope).as_deref()))).await?)
        }
        "s3:PutObject" => match (given(scope, "SSEKMSKeyId"), scope.text("ServerSideEncryption")) {
            (Told::Is(id), _) => Ok(Told::Is(id)),
            // AWS's own key, or none of KMS.
            (_, Some(_)) => Ok(Told::Nothing),
            // An upload has the key with which it was begun.
            _ if scope.name().ends_with("Part") || scope.name() == "UploadPartCopy" => {
                Ok(Told::Nothing)
            }
            _ => {
                let bucket = arn.resource.split('/').next().unwrap_or_default();
                Ok(scope.state.s3_key(bucket, None).await?)
            }
        },
        _ => Ok(scope.state.encryption_key(resource).await?),
    }
}

fn given(scope: &Scope<'_>, member: &str) -> Told<String> {
    scope.text(member).map_or(Told::Nothing, |id| Told::Is(id.to_owned()))
}

fn writes_a_value(scope: &Scope<'_>) -> bool {
    ["SecretString", "SecretBinary"].into_iter().any(|member| scope.value(member).is_some())
}

/// The version of the object that is read.
fn version(scope: &Scope<'_>) -> Option<String> {
    let own = scope.text("VersionId").map(str::to_owned);
    own.or_else(|| {
        let (_, version) = scope.text("CopySource")?.split_once("?versionId=")?;
        Some(version.to_owned())
    })
}

async fn on_key(
    scope: &Scope<'_>,
    of: &Requirement,
    row: &Row,
    id: &str,
) -> Result<Vec<Requirement>, RequirementsError> {
    let target = match kms::Target::find(scope, id).await {
        Ok(target) if target.is_of_aws() => return Ok(Vec::new()),
        Ok(target) => target,
        Err(RequirementsError::Service(error)) if error.code == "NotFoundException" => {
            let reason = format!("its key {id} is not in KMS");
            return Ok(on_unknown(scope, of, row, &reason));
        }
        Err(error) => return Err(error),
    };
    let needed = row.needs.iter().map(|action| {
        let mut requirement = Requirement::on(format!("kms:{action}"), target.arn());
        through(scope, of, row, &mut requirement);
        target.describe(&mut requirement);
        requirement
    });
    Ok(needed.collect())
}

/// A key of which nothing is known: what its policy says is unknown too.
fn on_unknown(scope: &Scope<'_>, of: &Requirement, row: &Row, reason: &str) -> Vec<Requirement> {
    let (region, account) = (scope.region(), scope.account());
    let needed = row.needs.iter().map(|action| {
        let arn = format!("arn:aws:kms:{region}:{account}:key/*");
        let mut requirement = Requirement::on(format!("kms:{action}"), &arn);
        through(scope, of, row, &mut requirement);
        requirement.resource_policy =
            ResourcePolicy::Unknown { name: of.resource.clone(), reason: reason.to_owned() };
        requirement
    });
    needed.collect()
}

/// The keys of a call that a service makes for its caller.
fn through(scope: &Scope<'_>, of: &Requirement, row: &Row, requirement: &mut Requirement) {
    let service = of.action.split(':').next().unwrap_or_default();
    let context = &mut requirement.context;
    context.set("kms:ViaService", format!("{service}.{}.amazonaws.com", scope.region()));
    if let Some(account) = scope.caller.identity.account_id() {
        context.set("kms:CallerAccount", account);
    }
    context.set("kms:EncryptionAlgorithm", "SYMMETRIC_DEFAULT");
    // What else services put there is known of none.
    context.set_unknown("kms:EncryptionContext:*").set_unknown("kms:EncryptionContextKeys");
    if let Some(key) = row.context {
        context.set(&format!("kms:EncryptionContext:{key}"), &of.resource);
    }
    context.set("aws:ViaAWSService", "true");
    for key in ["aws:CalledVia", "aws:CalledViaFirst", "aws:CalledViaLast", "aws:SourceIp"] {
        context.set_unknown(key);
    }
}
