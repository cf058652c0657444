//! What keeps data: buckets, tables, parameters, secrets, log groups.

use futures_util::future::try_join_all;
use ringfence_wire::services::{DynamoDb, Logs, S3, SecretsManager, Ssm};
use serde_json::{Map, Value, json};

use super::SnapshotError;
use super::reader::{Objects, Reader, object, text};

/// A bucket's settings, each of which is an operation of its own.
const SETTINGS: [(&str, &str); 13] = [
    ("policy", "GetBucketPolicy"),
    ("public access block", "GetPublicAccessBlock"),
    ("ownership", "GetBucketOwnershipControls"),
    ("encryption", "GetBucketEncryption"),
    ("versioning", "GetBucketVersioning"),
    ("lifecycle", "GetBucketLifecycleConfiguration"),
    ("logging", "GetBucketLogging"),
    ("ACL", "GetBucketAcl"),
    ("CORS", "GetBucketCors"),
    ("tags", "GetBucketTagging"),
    ("notification", "GetBucketNotificationConfiguration"),
    ("website", "GetBucketWebsite"),
    ("replication", "GetBucketReplication"),
];

pub(super) async fn read(reader: &Reader<'_>) -> Result<Objects, SnapshotError> {
    let (buckets, tables, parameters, secrets, logs) = futures_util::try_join!(
        buckets(reader),
        tables(reader),
        parameters(reader),
        secrets(reader),
        logs(reader),
    )?;
    Ok([buckets, tables, parameters, secrets, logs].into_iter().flatten().collect())
}

async fn buckets(reader: &Reader<'_>) -> Result<Objects, SnapshotError> {
    let answer = reader.ask(S3, "ListBuckets", json!({})).await?.unwrap_or_default();
    let buckets = answer.get("Buckets").map(listed).unwrap_or_default();
    let one = async |bucket: &Value| {
        let name = text(bucket, "Name");
        let settings = SETTINGS.iter().map(|one| setting(reader, &name, *one));
        let settings: Vec<(&str, Value)> = try_join_all(settings).await?;
        let members = settings.into_iter().map(|(title, value)| (title.to_owned(), value));
        let arns = vec![format!("arn:aws:s3:::{name}")];
        Ok(object("bucket", name, Value::Object(members.collect::<Map<_, _>>()), &[], arns))
    };
    try_join_all(buckets.iter().map(one)).await
}

async fn setting(
    reader: &Reader<'_>,
    bucket: &str,
    (title, operation): (&'static str, &str),
) -> Result<(&'static str, Value), SnapshotError> {
    let answer = reader.ask(S3, operation, json!({"Bucket": bucket})).await?;
    Ok((title, answer.unwrap_or_default()))
}

/// The items of a list of S3, which has an element of their own name around
/// them in some answers.
fn listed(value: &Value) -> Vec<Value> {
    match value {
        Value::Array(items) => items.clone(),
        Value::Object(members) => match members.get("Bucket") {
            Some(Value::Array(items)) => items.clone(),
            Some(one) => vec![one.clone()],
            None => Vec::new(),
        },
        _ => Vec::new(),
    }
}

async fn tables(reader: &Reader<'_>) -> Result<Objects, SnapshotError> {
    const LEFT_OUT: [&str; 6] = [
        "CreationDateTime",
        "ItemCount",
        "TableSizeBytes",
        "TableStatus",
        "TableId",
        "LatestStreamLabel",
    ];
    // LocalStack starts another program, DynamoDB Local, at the first question,
    // which an image may lack; a run that has no table needs none of it.
    if reader.is_untouched(DynamoDb) {
        return Ok(Vec::new());
    }
    let names = reader.list(DynamoDb, "ListTables", json!({}), "TableNames").await?;
    let one = async |name: &Value| {
        let asked = || json!({"TableName": name});
        let (table, lives, backups) = futures_util::try_join!(
            reader.ask(DynamoDb, "DescribeTable", asked()),
            reader.ask(DynamoDb, "DescribeTimeToLive", asked()),
            reader.ask(DynamoDb, "DescribeContinuousBackups", asked()),
        )?;
        let mut table = table.and_then(|mut answer| answer.get_mut("Table").map(Value::take));
        if let Some(members) = table.as_mut().and_then(Value::as_object_mut) {
            members.insert("TimeToLive".to_owned(), lives.unwrap_or_default());
            let recovery = backups.and_then(|all| {
                let status = "/ContinuousBackupsDescription/PointInTimeRecoveryDescription/PointInTimeRecoveryStatus";
                all.pointer(status).cloned()
            });
            members.insert("PointInTimeRecovery".to_owned(), recovery.unwrap_or_default());
        }
        let table = table.unwrap_or_default();
        let arns = vec![text(&table, "TableArn")];
        Ok(object("table", text(&table, "TableName"), table, &LEFT_OUT, arns))
    };
    try_join_all(names.iter().map(one)).await
}

async fn parameters(reader: &Reader<'_>) -> Result<Objects, SnapshotError> {
    const LEFT_OUT: [&str; 3] = ["LastModifiedDate", "LastModifiedUser", "Version"];
    let listed = reader.list(Ssm, "DescribeParameters", json!({}), "Parameters").await?;
    let one = async |parameter: &Value| {
        let name = text(parameter, "Name");
        let asked = json!({"Name": name, "WithDecryption": true});
        let answer = reader.ask(Ssm, "GetParameter", asked).await?.unwrap_or_default();
        let mut parameter = parameter.clone();
        if let Some(members) = parameter.as_object_mut() {
            let value = text(answer.get("Parameter").unwrap_or(&Value::Null), "Value");
            members.insert("Value".to_owned(), hidden(&value, parameter_is_secret(&answer)));
        }
        let arns = vec![reader.arn("ssm", &format!("parameter/{}", name.trim_start_matches('/')))];
        Ok(object("parameter", name, parameter, &LEFT_OUT, arns))
    };
    try_join_all(listed.iter().map(one)).await
}

fn parameter_is_secret(answer: &Value) -> bool {
    answer.pointer("/Parameter/Type").and_then(Value::as_str) == Some("SecureString")
}

/// A value, or its hash where it is a secret: what is compared may be printed.
pub(super) fn hidden(value: &str, secret: bool) -> Value {
    use sha2::{Digest as _, Sha256};
    if secret {
        format!("SHA-256 {}", hex::encode(Sha256::digest(value))).into()
    } else {
        value.into()
    }
}

async fn secrets(reader: &Reader<'_>) -> Result<Objects, SnapshotError> {
    const LEFT_OUT: [&str; 6] = [
        "LastChangedDate",
        "LastAccessedDate",
        "LastRotatedDate",
        "CreatedDate",
        "VersionIdsToStages",
        "SecretVersionsToStages",
    ];
    let listed = reader.list(SecretsManager, "ListSecrets", json!({}), "SecretList").await?;
    let one = async |secret: &Value| {
        let (name, arn) = (text(secret, "Name"), text(secret, "ARN"));
        let asked = || json!({"SecretId": arn});
        let (policy, value) = futures_util::try_join!(
            reader.ask(SecretsManager, "GetResourcePolicy", asked()),
            reader.ask(SecretsManager, "GetSecretValue", asked()),
        )?;
        let mut secret = secret.clone();
        if let Some(members) = secret.as_object_mut() {
            let policy = policy.and_then(|all| all.get("ResourcePolicy").cloned());
            members.insert("ResourcePolicy".to_owned(), policy.unwrap_or_default());
            let value = value.map(|value| {
                let parts = [text(&value, "SecretString"), text(&value, "SecretBinary")];
                hidden(&parts.join("\n"), true)
            });
            members.insert("Value".to_owned(), value.unwrap_or_default());
        }
        Ok(object("secret", name, secret, &LEFT_OUT, vec![arn]))
    };
    try_join_all(listed.iter().map(one)).await
}

async fn logs(reader: &Reader<'_>) -> Result<Objects, SnapshotError> {
    let (groups, policies) = futures_util::try_join!(
        reader.list(Logs, "DescribeLogGroups", json!({}), "logGroups"),
        reader.list(Logs, "DescribeResourcePolicies", json!({}), "resourcePolicies"),
    )?;
    let groups = groups.into_iter().map(|group| {
        let (name, arn) = (text(&group, "logGroupName"), text(&group, "arn"));
        let arns = vec![arn.trim_end_matches(":*").to_owned()];
        let left_out = ["creationTime", "storedBytes", "metricFilterCount"];
        object("log group", name, group, &left_out, arns)
    });
    let policies = policies.into_iter().map(|policy| {
        let name = text(&policy, "policyName");
        object("log resource policy", name, policy, &["lastUpdatedTime", "revisionId"], Vec::new())
    });
    Ok(groups.chain(policies).collect())
}
