//! What services do in KMS for a caller: who uses what is encrypted with a
//! customer's key needs that key too, through the service
//! (<https://docs.aws.amazon.com/IAM/latest/UserGuide/access_forward_access_sessions.html>).
//!
//! A key that AWS manages lets in whoever may use its service: nothing is asked
//! for it.

mod table;

use ringfence_policy::catalog;
use serde_json::Value;

use super::RequirementsError;
use super::kms;
use super::requirement::{Requirement, ResourcePolicy};
use super::scope::Scope;
use super::state::Told;
use crate::directory::arns::Arn;
use table::{ADVANCED, PART, ROWS, Row};

/// What is done with a key.
pub(super) struct Use<'a> {
    /// The actions on it, without the prefix.
    pub(super) needs: &'a [&'a str],
    /// The key of the encryption context that holds the resource's ARN.
    pub(super) context: Option<&'a str>,
}

impl Row {
    fn of_key(&self) -> Use<'static> {
        Use { needs: self.needs, context: self.context }
    }
}

/// Adds what the caller needs of the keys of the resources that a call names.
pub(super) async fn add(
    scope: &Scope<'_>,
    requirements: &mut Vec<Requirement>,
) -> Result<(), RequirementsError> {
    let mut more = Vec::new();
    for requirement in requirements.iter() {
        let Some(row) = row_of(scope, &requirement.action) else { continue };
        if requirement.action == "ssm:GetParametersByPath" {
            more.extend(beneath_path(scope, requirement, row).await?);
            continue;
        }
        match key(scope, requirement).await? {
            Told::Is(id) if is_of_aws(&id) => {}
            Told::Is(id) => more.extend(on_key(scope, requirement, &row.of_key(), &id).await?),
            Told::Nothing => {}
            Told::Unknown(reason) => {
                more.extend(on_unknown(scope, requirement, &row.of_key(), &reason))
            }
        }
    }
    requirements.extend(more);
    Ok(())
}

/// Whether what an action does with keys is said here.
pub(super) fn says(action: &str) -> bool {
    ROWS.iter().any(|row| row.actions.contains(&action))
}

/// What the call does with the key of what the action is about.
fn row_of(scope: &Scope<'_>, action: &str) -> Option<&'static Row> {
    match (scope.name(), action) {
        ("UploadPart" | "UploadPartCopy", "s3:PutObject") => Some(&PART),
        // "If you provide an additional checksum value …, you must have permission
        // to use the kms:Decrypt action for the CompleteMultipartUpload request"
        // (https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html).
        ("CompleteMultipartUpload", "s3:PutObject") => has_checksum(scope).then_some(&PART),
        ("PutParameter", "ssm:PutParameter") if is_advanced(scope) => Some(&ADVANCED),
        _ => ROWS.iter().find(|row| row.actions.contains(&action)),
    }
}

/// Whether a completion says a checksum, of the object or of a part.
fn has_checksum(scope: &Scope<'_>) -> bool {
    fn says(value: &Value) -> bool {
        match value {
            Value::Object(members) => members.iter().any(|(name, value)| {
                name.starts_with("Checksum") && !value.is_null() || says(value)
            }),
            Value::Array(items) => items.iter().any(says),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
        }
    }
    says(&Value::Object(scope.call.input.clone()))
}

/// Whether a parameter is of the advanced tier
/// (<https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html>).
fn is_advanced(scope: &Scope<'_>) -> bool {
    const LARGEST_STANDARD: usize = 4096;
    match scope.text("Tier") {
        Some("Advanced") => true,
        Some("Intelligent-Tiering") => {
            scope.text("Policies").is_some()
                || scope.text("Value").is_some_and(|value| value.len() > LARGEST_STANDARD)
        }
        _ => false,
    }
}

/// Each secure string that is read beneath a path needs its key.
async fn beneath_path(
    scope: &Scope<'_>,
    requirement: &Requirement,
    row: &Row,
) -> Result<Vec<Requirement>, RequirementsError> {
    let Some(path) = scope.text("Path").filter(|_| scope.flag("WithDecryption")) else {
        return Ok(Vec::new());
    };
    let found = match scope.state.parameter_keys(path, scope.flag("Recursive")).await? {
        Told::Is(found) => found,
        Told::Nothing => Vec::new(),
        Told::Unknown(reason) => return Ok(on_unknown(scope, requirement, &row.of_key(), &reason)),
    };
    let mut more = Vec::new();
    for (name, key) in found.iter().filter(|(_, key)| !is_of_aws(key)) {
        let arn = scope.arn(&format!("parameter/{}", name.trim_start_matches('/')));
        let parameter = Requirement { resource: arn, ..requirement.clone() };
        more.extend(on_key(scope, &parameter, &row.of_key(), key).await?);
    }
    Ok(more)
}

/// A key that AWS manages, as services name it.
pub(super) fn is_of_aws(id: &str) -> bool {
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
        "s3:PutObject" if scope.text("UploadId").is_some() => {
            let bucket = arn.resource.split('/').next().unwrap_or_default();
            Ok(scope.state.upload_encryption(bucket, scope.need("UploadId")?).await?)
        }
        "s3:PutObject" => match (given(scope, "SSEKMSKeyId"), scope.text("ServerSideEncryption")) {
            (Told::Is(id), _) => Ok(Told::Is(id)),
            // AWS's own key, or none of KMS.
            (_, Some(_)) => Ok(Told::Nothing),
            _ => {
                let bucket = arn.resource.split('/').next().unwrap_or_default();
                Ok(scope.state.s3_key(bucket, None).await?)
            }
        },
        "dynamodb:CreateTable" | "dynamodb:UpdateTable" => {
            Ok(of_table(scope.value("SSESpecification")))
        }
        "dynamodb:RestoreTableFromBackup" | "dynamodb:RestoreTableToPointInTime" => {
            Ok(of_table(scope.value("SSESpecificationOverride")))
        }
        "dynamodb:ImportTable" => {
            let table = scope.value("TableCreationParameters");
            Ok(of_table(table.and_then(|table| table.get("SSESpecification"))))
        }
        // The action is about the stream and about the key.
        "kinesis:StartStreamEncryption" if arn.service != "kinesis" => Ok(Told::Nothing),
        "kinesis:StartStreamEncryption" => Ok(given(scope, "KeyId")),
        // Without a key it is Systems Manager's own, also where it replaces a value
        // (https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html).
        "ssm:PutParameter" => match scope.text("Type") {
            Some("String" | "StringList") => Ok(Told::Nothing),
            _ => Ok(given(scope, "KeyId")),
        },
        "ssm:GetParameter" | "ssm:GetParameterHistory" | "ssm:GetParameters"
            if !scope.flag("WithDecryption") =>
        {
            Ok(Told::Nothing)
        }
        _ => Ok(scope.state.encryption_key(resource).await?),
    }
}

/// The customer's key of a table that is made or changed; without one it is AWS's.
fn of_table(specification: Option<&Value>) -> Told<String> {
    let Some(specification) = specification else { return Told::Nothing };
    if specification.get("Enabled").and_then(Value::as_bool) == Some(false) {
        return Told::Nothing;
    }
    let key = specification.get("KMSMasterKeyId").and_then(Value::as_str);
    key.map_or(Told::Nothing, |key| Told::Is(key.to_owned()))
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

pub(super) async fn on_key(
    scope: &Scope<'_>,
    of: &Requirement,
    of_key: &Use<'_>,
    id: &str,
) -> Result<Vec<Requirement>, RequirementsError> {
    let target = match kms::Target::find(scope, id).await {
        Ok(target) if target.is_of_aws() => return Ok(Vec::new()),
        Ok(target) => target,
        Err(RequirementsError::Service(error)) if error.code == "NotFoundException" => {
            let reason = format!("its key {id} is not in KMS");
            return Ok(on_unknown(scope, of, of_key, &reason));
        }
        Err(error) => return Err(error),
    };
    let needed = of_key.needs.iter().map(|action| {
        let mut requirement = Requirement::on(format!("kms:{action}"), target.arn());
        through(scope, of, of_key, &mut requirement);
        target.describe(&mut requirement);
        requirement
    });
    Ok(needed.collect())
}

/// A key of which nothing is known: what its policy says is unknown too.
fn on_unknown(
    scope: &Scope<'_>,
    of: &Requirement,
    of_key: &Use<'_>,
    reason: &str,
) -> Vec<Requirement> {
    let (partition, region, account) = (scope.partition(), scope.region(), scope.account());
    let needed = of_key.needs.iter().map(|action| {
        let arn = format!("arn:{partition}:kms:{region}:{account}:key/*");
        let mut requirement = Requirement::on(format!("kms:{action}"), &arn);
        through(scope, of, of_key, &mut requirement);
        requirement.resource_policy =
            ResourcePolicy::Unknown { name: of.resource.clone(), reason: reason.to_owned() };
        requirement
    });
    needed.collect()
}

/// The keys of a call that a service makes for its caller.
fn through(scope: &Scope<'_>, of: &Requirement, of_key: &Use<'_>, requirement: &mut Requirement) {
    let service = of.action.split(':').next().unwrap_or_default();
    requirement.extent = of.extent;
    let context = &mut requirement.context;
    let suffix = scope.partition().dns_suffix;
    context.set("kms:ViaService", format!("{service}.{}.{suffix}", scope.region()));
    if let Some(account) = scope.caller.identity.account_id() {
        context.set("kms:CallerAccount", account);
    }
    let carries = |key: &str| {
        let action = catalog::action(&requirement.action);
        action.is_some_and(|action| action.condition_keys.contains(&key))
    };
    if carries("kms:EncryptionAlgorithm") {
        context.set("kms:EncryptionAlgorithm", "SYMMETRIC_DEFAULT");
    }
    // What else services put there is known of none.
    context.set_unknown("kms:EncryptionContext:*").set_unknown("kms:EncryptionContextKeys");
    if let Some(key) = of_key.context {
        context.set(&format!("kms:EncryptionContext:{key}"), &of.resource);
    }
    context.set("aws:ViaAWSService", "true");
    if requirement.action == "kms:CreateGrant" {
        context.set("kms:GrantIsForAWSResource", "true");
        for key in ["ConstraintType", "Operations", "eePrincipal", "eeServicePrincipal"] {
            context.set_unknown(&format!("kms:Grant{key}"));
        }
        for key in ["kms:RetiringPrincipal", "kms:RetiringServicePrincipal"] {
            context.set_unknown(key);
        }
    }
    for key in ["aws:CalledVia", "aws:CalledViaFirst", "aws:CalledViaLast", "aws:SourceIp"] {
        context.set_unknown(key);
    }
}
