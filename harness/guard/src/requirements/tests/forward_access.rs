//! What is asked of the key of what a call names.

use ringfence_wire::Service;
use rstest::rstest;
use serde_json::{Value, json};

use super::fake::KEY;
use super::{ask_as, root};
use crate::requirements::ResourcePolicy;

async fn asked(service: Service, operation: &str, input: Value) -> Vec<String> {
    let asked = ask_as(&root(), service, operation, input).await.unwrap();
    let words = asked.iter().map(|asked| {
        let key = asked.resource.rsplit('/').next().unwrap_or_default();
        let via = asked.context.get("kms:ViaService").map(|it| it.as_slice()[0].clone());
        format!("{} {key} {}", asked.action, via.unwrap_or_default()).trim_end().to_owned()
    });
    words.filter(|line| line.starts_with("kms:")).collect()
}

#[rstest]
#[case::a_customers_key("encrypted", true)]
#[case::a_key_of_aws("by-aws", false)]
#[case::none("t", false)]
#[tokio::test]
async fn a_table_that_is_encrypted_needs_its_key(#[case] table: &str, #[case] needs: bool) {
    let input = json!({"TableName": table, "Key": {"id": {"S": "1"}}});
    let line = format!("kms:Decrypt {KEY} dynamodb.eu-west-1.amazonaws.com");
    let expected = if needs { vec![line] } else { Vec::new() };
    assert_eq!(asked(Service::DynamoDb, "GetItem", input).await, expected);
    // What reads no data needs no key.
    let input = json!({"TableName": table});
    assert_eq!(asked(Service::DynamoDb, "DescribeTable", input).await, [""; 0]);
}

/// Fail closed: nothing is known of a key that is not told, or not there.
#[rstest]
#[case::untold("untold", "WHY")]
#[case::lost("lost", "its key alias/lost is not in KMS")]
#[tokio::test]
async fn a_key_that_cannot_be_found_has_a_policy_that_is_unknown(
    #[case] table: &str,
    #[case] reason: &str,
) {
    let input = json!({"TableName": table, "Key": {"id": {"S": "1"}}});
    let asked = ask_as(&root(), Service::DynamoDb, "GetItem", input).await.unwrap();
    assert_eq!(asked[1].action, "kms:Decrypt");
    assert_eq!(asked[1].resource, "arn:aws:kms:eu-west-1:123456789012:key/*");
    let name = format!("arn:aws:dynamodb:eu-west-1:123456789012:table/{table}");
    assert_eq!(
        asked[1].resource_policy,
        ResourcePolicy::Unknown { name, reason: reason.to_owned() }
    );
}

#[rstest]
#[case::read("GetObject", json!({"Bucket": "b", "Key": "encrypted"}), &["kms:Decrypt"])]
#[case::read_of_a_version("GetObject", json!({"Bucket": "b", "Key": "k", "VersionId": "encrypted"}), &["kms:Decrypt"])]
#[case::read_of_another("GetObject", json!({"Bucket": "b", "Key": "k"}), &[])]
#[case::write_to_the_bucket("PutObject", json!({"Bucket": "encrypted", "Key": "k"}), &["kms:GenerateDataKey"])]
#[case::write_to_another("PutObject", json!({"Bucket": "b", "Key": "k"}), &[])]
#[case::write_with_a_key("PutObject", json!({"Bucket": "b", "Key": "k", "ServerSideEncryption": "aws:kms",
    "SSEKMSKeyId": "alias/data"}), &["kms:GenerateDataKey"])]
#[case::write_with_s3s_own("PutObject", json!({"Bucket": "encrypted", "Key": "k",
    "ServerSideEncryption": "AES256"}), &[])]
#[case::copy("CopyObject", json!({"Bucket": "encrypted", "Key": "k", "CopySource": "/b/encrypted"}),
    &["kms:Decrypt", "kms:GenerateDataKey"])]
#[tokio::test]
async fn objects_that_are_encrypted_need_their_keys(
    #[case] operation: &str,
    #[case] input: Value,
    #[case] expected: &[&str],
) {
    let lines = asked(Service::S3, operation, input).await;
    let mut actions: Vec<&str> = lines.iter().filter_map(|line| line.split(' ').next()).collect();
    actions.sort_unstable();
    assert_eq!(actions, expected);
    assert!(lines.iter().all(|line| line.ends_with("s3.eu-west-1.amazonaws.com")), "{lines:?}");
}

#[rstest]
#[case::new("CreateSecret", json!({"Name": "n", "KmsKeyId": "alias/data", "SecretString": "s"}), 2)]
#[case::new_with_awss_key("CreateSecret", json!({"Name": "n", "SecretString": "s"}), 0)]
#[case::another_key("UpdateSecret", json!({"SecretId": "db", "KmsKeyId": "alias/data"}), 2)]
#[case::description("UpdateSecret", json!({"SecretId": "db", "Description": "d"}), 0)]
#[tokio::test]
async fn a_secret_needs_its_key(
    #[case] operation: &str,
    #[case] input: Value,
    #[case] count: usize,
) {
    assert_eq!(asked(Service::SecretsManager, operation, input).await.len(), count);
}
