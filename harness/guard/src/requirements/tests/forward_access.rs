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
#[case::begins_an_upload("CreateMultipartUpload", json!({"Bucket": "b", "Key": "k",
    "ServerSideEncryption": "aws:kms", "SSEKMSKeyId": "alias/data"}), &["kms:GenerateDataKey"])]
#[case::a_part("UploadPart", json!({"Bucket": "b", "Key": "k", "UploadId": "encrypted",
    "PartNumber": 1}), &["kms:Decrypt"])]
#[case::a_part_without("UploadPart", json!({"Bucket": "encrypted", "Key": "k", "UploadId": "u",
    "PartNumber": 1}), &[])]
#[case::a_copied_part("UploadPartCopy", json!({"Bucket": "b", "Key": "k", "UploadId": "encrypted",
    "PartNumber": 1, "CopySource": "/b/encrypted"}), &["kms:Decrypt", "kms:Decrypt"])]
#[case::ends_an_upload("CompleteMultipartUpload", json!({"Bucket": "encrypted", "Key": "k",
    "UploadId": "encrypted", "MultipartUpload": {"Part": [{"PartNumber": 1, "ETag": "e"}]}}), &[])]
#[case::ends_one_with_checksums("CompleteMultipartUpload", json!({"Bucket": "b", "Key": "k",
    "UploadId": "encrypted", "MultipartUpload": {"Part": [{"PartNumber": 1, "ETag": "e",
    "ChecksumCRC32": "AAAAAA=="}]}}), &["kms:Decrypt"])]
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

/// Nobody tells the key of an upload that the guard did not see begin.
#[tokio::test]
async fn a_part_of_an_upload_whose_key_is_not_known_is_undecided() {
    let input = json!({"Bucket": "b", "Key": "k", "UploadId": "untold", "PartNumber": 1});
    let asked = ask_as(&root(), Service::S3, "UploadPart", input).await.unwrap();
    assert_eq!(asked[1].action, "kms:Decrypt");
    assert_eq!(
        asked[1].resource_policy,
        ResourcePolicy::Unknown { name: "arn:aws:s3:::b/k".to_owned(), reason: "WHY".to_owned() }
    );
}

fn table(specification: Value) -> Value {
    json!({"TableName": "new", "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "BillingMode": "PAY_PER_REQUEST", "SSESpecification": specification})
}

#[rstest]
#[case::a_customers_key(json!({"Enabled": true, "SSEType": "KMS", "KMSMasterKeyId": "alias/data"}), true)]
#[case::awss_key(json!({"Enabled": true, "SSEType": "KMS"}), false)]
#[case::awss_key_by_name(json!({"Enabled": true, "KMSMasterKeyId": "alias/aws/dynamodb"}), false)]
#[case::dynamodbs_own(json!({"Enabled": false}), false)]
#[tokio::test]
async fn a_new_table_with_a_key_needs_that_key(#[case] specification: Value, #[case] needs: bool) {
    let lines = asked(Service::DynamoDb, "CreateTable", table(specification.clone())).await;
    let mut expected: Vec<String> = [
        "CreateGrant",
        "Decrypt",
        "DescribeKey",
        "Encrypt",
        "GenerateDataKey",
        "GenerateDataKeyWithoutPlaintext",
        "ReEncryptFrom",
        "ReEncryptTo",
    ]
    .map(|action| format!("kms:{action} {KEY} dynamodb.eu-west-1.amazonaws.com"))
    .to_vec();
    if !needs {
        expected.clear();
    }
    assert_eq!(lines, expected);
    let all = ask_as(&root(), Service::DynamoDb, "CreateTable", table(specification)).await;
    for grant in all.unwrap().iter().filter(|asked| asked.action == "kms:CreateGrant") {
        let is_for = grant.context.get("kms:GrantIsForAWSResource").unwrap();
        assert_eq!(is_for.as_slice(), ["true"]);
    }
}

#[tokio::test]
async fn a_stream_that_is_to_be_encrypted_needs_to_see_the_key() {
    let input = json!({"StreamName": "s", "EncryptionType": "KMS", "KeyId": "alias/data"});
    let kinesis = Service::of("kinesis").unwrap();
    let expected = format!("kms:DescribeKey {KEY} kinesis.eu-west-1.amazonaws.com");
    assert_eq!(asked(kinesis, "StartStreamEncryption", input).await, [expected]);
    let input = json!({"StreamName": "s", "EncryptionType": "KMS", "KeyId": "alias/aws/kinesis"});
    assert_eq!(asked(kinesis, "StartStreamEncryption", input).await, [""; 0]);
}

#[rstest]
#[case::standard("PutParameter", json!({"Name": "p", "Type": "SecureString", "Value": "v",
    "KeyId": "alias/data"}), &["kms:Encrypt"])]
#[case::advanced("PutParameter", json!({"Name": "p", "Type": "SecureString", "Value": "v",
    "KeyId": "alias/data", "Tier": "Advanced"}), &["kms:GenerateDataKey"])]
#[case::large("PutParameter", json!({"Name": "p", "Type": "SecureString", "Value": "v".repeat(4097),
    "KeyId": "alias/data", "Tier": "Intelligent-Tiering"}), &["kms:GenerateDataKey"])]
#[case::replaced("PutParameter", json!({"Name": "p", "Value": "v", "Overwrite": true,
    "KeyId": "alias/data"}), &["kms:Encrypt"])]
#[case::awss_key("PutParameter", json!({"Name": "p", "Type": "SecureString", "Value": "v"}), &[])]
#[case::no_secret("PutParameter", json!({"Name": "p", "Type": "String", "Value": "v",
    "KeyId": "alias/data"}), &[])]
#[case::read("GetParameter", json!({"Name": "encrypted", "WithDecryption": true}), &["kms:Decrypt"])]
#[case::read_as_it_is("GetParameter", json!({"Name": "encrypted"}), &[])]
#[case::several("GetParameters", json!({"Names": ["encrypted", "p"], "WithDecryption": true}),
    &["kms:Decrypt"])]
#[case::a_path("GetParametersByPath", json!({"Path": "/app", "WithDecryption": true,
    "Recursive": true}), &["kms:Decrypt"])]
#[case::one_level("GetParametersByPath", json!({"Path": "/app", "WithDecryption": true}), &[])]
#[case::a_path_as_it_is("GetParametersByPath", json!({"Path": "/app", "Recursive": true}), &[])]
#[tokio::test]
async fn a_secure_string_needs_its_key(
    #[case] operation: &str,
    #[case] input: Value,
    #[case] expected: &[&str],
) {
    let lines = asked(Service::Ssm, operation, input.clone()).await;
    let expected: Vec<String> =
        expected.iter().map(|it| format!("{it} {KEY} ssm.eu-west-1.amazonaws.com")).collect();
    assert_eq!(lines, expected);
    for key in ask_as(&root(), Service::Ssm, operation, input).await.unwrap() {
        if key.action.starts_with("kms:") {
            let arn = key.context.get("kms:EncryptionContext:PARAMETER_ARN").unwrap();
            assert!(arn.as_slice()[0].starts_with("arn:aws:ssm:eu-west-1:123456789012:parameter/"));
        }
    }
}
