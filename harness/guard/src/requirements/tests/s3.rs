//! S3.

use ringfence_wire::Service;
use rstest::rstest;
use serde_json::{Value, json};

use super::{ask_as, expect, root};
use crate::requirements::{Needed, Requirement, RequirementsError};

#[rstest]
#[case::read("GetObject", json!({"Bucket": "b", "Key": "dir/k"}),
    &["s3:GetObject arn:aws:s3:::b/dir/k (\"arn:aws:s3:::b/dir/k\") s3:resourceaccount=123456789012"])]
#[case::head_is_read("HeadObject", json!({"Bucket": "guarded", "Key": "k"}),
    &["s3:GetObject arn:aws:s3:::guarded/k (\"arn:aws:s3:::guarded/k\") \
       s3:resourceaccount=123456789012 ^BUCKET"])]
#[case::a_version("GetObject", json!({"Bucket": "b", "Key": "k", "VersionId": "v"}),
    &["s3:GetObjectVersion arn:aws:s3:::b/k (\"arn:aws:s3:::b/k\") \
       s3:resourceaccount=123456789012 s3:versionid=v ?s3:existingobjecttag/*"])]
#[case::object_tags("GetObject", json!({"Bucket": "b", "Key": "tagged"}),
    &["s3:GetObject arn:aws:s3:::b/tagged (\"arn:aws:s3:::b/tagged\") \
       s3:existingobjecttag/team=a s3:resourceaccount=123456789012"])]
#[case::head_bucket("HeadBucket", json!({"Bucket": "b"}),
    &["s3:ListBucket arn:aws:s3:::b (\"arn:aws:s3:::b\") s3:resourceaccount=123456789012"])]
#[case::list("ListObjectsV2", json!({"Bucket": "b", "Prefix": "a/", "Delimiter": "/", "MaxKeys": 5}),
    &["s3:ListBucket arn:aws:s3:::b (\"arn:aws:s3:::b\") s3:delimiter=/ s3:max-keys=5 \
       s3:prefix=a/ s3:resourceaccount=123456789012"])]
#[case::versions("ListObjectVersions", json!({"Bucket": "b"}),
    &["s3:ListBucketVersions arn:aws:s3:::b (\"arn:aws:s3:::b\") s3:resourceaccount=123456789012"])]
#[case::all_buckets("ListBuckets", json!({}), &["s3:ListAllMyBuckets *"])]
#[case::put(
    "PutObject", json!({"Bucket": "b", "Key": "k", "ServerSideEncryption": "aws:kms"}),
    &["s3:PutObject arn:aws:s3:::b/k (\"arn:aws:s3:::b/k\") \
         s3:objectcreationoperation=true s3:resourceaccount=123456789012 \
       s3:x-amz-server-side-encryption=aws:kms"])]
#[case::put_public_and_tagged(
    "PutObject", json!({"Bucket": "b", "Key": "k", "ACL": "public-read", "Tagging": "a=1&b=x+y"}),
    &[
        "s3:PutObject arn:aws:s3:::b/k (\"arn:aws:s3:::b/k\") \
         s3:objectcreationoperation=true s3:requestobjecttag/a=1 \
         s3:requestobjecttag/b=x y s3:requestobjecttagkeys=[a,b] s3:resourceaccount=123456789012 \
         s3:x-amz-acl=public-read",
        "s3:PutObjectAcl arn:aws:s3:::b/k (\"arn:aws:s3:::b/k\") s3:resourceaccount=123456789012 \
         s3:x-amz-acl=public-read",
        "s3:PutObjectTagging arn:aws:s3:::b/k (\"arn:aws:s3:::b/k\") s3:requestobjecttag/a=1 \
         s3:requestobjecttag/b=x y s3:requestobjecttagkeys=[a,b] s3:resourceaccount=123456789012",
    ])]
#[case::copy(
    "CopyObject", json!({"Bucket": "b", "Key": "k", "CopySource": "guarded/a%20b?versionId=v"}),
    &[
        "s3:GetObjectVersion arn:aws:s3:::guarded/a b (\"arn:aws:s3:::guarded/a b\") \
         s3:resourceaccount=123456789012 s3:versionid=v ?s3:existingobjecttag/* ^BUCKET",
        "s3:GetObjectVersionTagging arn:aws:s3:::guarded/a b (\"arn:aws:s3:::guarded/a b\") \
         s3:resourceaccount=123456789012 s3:versionid=v ?s3:existingobjecttag/* ^BUCKET \
         ~where the source has tags",
        "s3:PutObjectTagging arn:aws:s3:::b/k (\"arn:aws:s3:::b/k\") \
         s3:resourceaccount=123456789012 ?s3:requestobjecttagkeys ?s3:requestobjecttag/* \
         ~where the source has tags",
        "s3:PutObject arn:aws:s3:::b/k (\"arn:aws:s3:::b/k\") \
         s3:objectcreationoperation=true s3:resourceaccount=123456789012 \
         s3:x-amz-copy-source=guarded/a%20b?versionId=v",
    ])]
#[case::upload_part("UploadPart", json!({"Bucket": "b", "Key": "k", "PartNumber": 1, "UploadId": "u"}),
    &["s3:PutObject arn:aws:s3:::b/k (\"arn:aws:s3:::b/k\") \
         s3:objectcreationoperation=false s3:resourceaccount=123456789012"])]
#[case::delete_many(
    "DeleteObjects",
    json!({"Bucket": "b", "Delete": {"Object": [{"Key": "x"}, {"Key": "y", "VersionId": "v"}]}}),
    &[
        "s3:DeleteObject arn:aws:s3:::b/x (\"arn:aws:s3:::b/x\") s3:resourceaccount=123456789012",
        "s3:DeleteObjectVersion arn:aws:s3:::b/y (\"arn:aws:s3:::b/y\") \
         s3:resourceaccount=123456789012 s3:versionid=v",
    ])]
#[case::a_single_object_written_without_a_list(
    "DeleteObjects", json!({"Bucket": "b", "Delete": {"Object": {"Key": "x"}}}),
    &["s3:DeleteObject arn:aws:s3:::b/x (\"arn:aws:s3:::b/x\") s3:resourceaccount=123456789012"])]
#[case::create_bucket(
    "CreateBucket",
    json!({"Bucket": "b", "CreateBucketConfiguration": {"LocationConstraint": "eu-west-1"}}),
    &["s3:CreateBucket arn:aws:s3:::b (\"arn:aws:s3:::b\") s3:locationconstraint=eu-west-1 \
       s3:resourceaccount=123456789012"])]
#[case::encryption("GetBucketEncryption", json!({"Bucket": "b"}),
    &["s3:GetEncryptionConfiguration arn:aws:s3:::b (\"arn:aws:s3:::b\") \
       s3:resourceaccount=123456789012"])]
#[case::public_access("PutPublicAccessBlock", json!({"Bucket": "b"}),
    &["s3:PutBucketPublicAccessBlock arn:aws:s3:::b (\"arn:aws:s3:::b\") \
       s3:resourceaccount=123456789012"])]
#[case::bucket_policy("PutBucketPolicy", json!({"Bucket": "guarded", "Policy": "{}"}),
    &["s3:PutBucketPolicy arn:aws:s3:::guarded (\"arn:aws:s3:::guarded\") \
       s3:resourceaccount=123456789012 ^BUCKET"])]
#[case::attributes("GetObjectAttributes", json!({"Bucket": "b", "Key": "k"}),
    &[
        "s3:GetObjectAttributes arn:aws:s3:::b/k (\"arn:aws:s3:::b/k\") \
         s3:resourceaccount=123456789012",
        "s3:GetObject arn:aws:s3:::b/k (\"arn:aws:s3:::b/k\") s3:resourceaccount=123456789012",
    ])]
#[case::replication_passes_a_role(
    "PutBucketReplication",
    json!({"Bucket": "b",
           "ReplicationConfiguration": {"Role": "arn:aws:iam::123456789012:role/apps/app"}}),
    &[
        "s3:PutReplicationConfiguration arn:aws:s3:::b (\"arn:aws:s3:::b\") \
         s3:resourceaccount=123456789012",
        "iam:PassRole arn:aws:iam::123456789012:role/apps/app iam:passedtoservice=s3.amazonaws.com",
    ])]
#[tokio::test]
async fn s3_requires(#[case] operation: &str, #[case] input: Value, #[case] expected: &[&str]) {
    expect(Service::S3, operation, input, expected).await;
}

async fn actions(operation: &str, input: Value) -> Vec<String> {
    let asked = ask_as(&root(), Service::S3, operation, input).await.unwrap();
    let line = |it: &Requirement| {
        let perhaps = if it.needed == Needed::Surely { "" } else { "?" };
        format!("{}{perhaps} {}", it.action, it.resource.trim_start_matches("arn:aws:s3:::"))
    };
    asked.iter().map(line).collect()
}

#[rstest]
#[case::of_a_tag("DeleteObject", json!({"IfMatch": "\"e\""}), &["s3:DeleteObject b/k", "s3:GetObject b/k"])]
#[case::whatever_is_there("DeleteObject", json!({"IfMatch": "*"}), &["s3:DeleteObject b/k"])]
#[case::none("DeleteObject", json!({}), &["s3:DeleteObject b/k"])]
#[case::written("PutObject", json!({"IfMatch": "e"}), &["s3:PutObject b/k", "s3:GetObject b/k"])]
#[case::written_anew("PutObject", json!({"IfNoneMatch": "*"}), &["s3:PutObject b/k"])]
#[case::completed("CompleteMultipartUpload", json!({"UploadId": "u", "IfMatch": "e"}),
    &["s3:PutObject b/k", "s3:GetObject b/k"])]
#[case::read("GetObject", json!({"IfMatch": "e"}), &["s3:GetObject b/k"])]
#[case::one_of_many("DeleteObjects", json!({"Delete": {"Object": [{"Key": "x", "ETag": "e"},
    {"Key": "y"}, {"Key": "z", "ETag": "*"}]}}),
    &["s3:DeleteObject b/x", "s3:GetObject b/x", "s3:DeleteObject b/y", "s3:DeleteObject b/z"])]
#[tokio::test]
async fn a_condition_on_the_content_needs_to_read_it(
    #[case] operation: &str,
    #[case] mut input: Value,
    #[case] expected: &[&str],
) {
    input["Bucket"] = "b".into();
    input["Key"] = "k".into();
    assert_eq!(actions(operation, input).await, expected);
}

/// Each key is decided under its own condition.
#[tokio::test]
async fn the_condition_of_each_key_is_told() {
    let objects = json!([{"Key": "x", "ETag": "e"}, {"Key": "y"}]);
    let input = json!({"Bucket": "b", "Delete": {"Object": objects}});
    let asked = ask_as(&root(), Service::S3, "DeleteObjects", input).await.unwrap();
    let told: Vec<_> = asked.iter().map(|it| it.context.get("s3:if-match").is_some()).collect();
    assert_eq!(told, [true, false, false]);
}

#[rstest]
#[case::of_its_source(json!({"CopySource": "b/tagged"}),
    &["s3:GetObject b/tagged", "s3:GetObjectTagging b/tagged", "s3:PutObjectTagging b/k", "s3:PutObject b/k"])]
#[case::none(json!({"CopySource": "b/bare"}), &["s3:GetObject b/bare", "s3:PutObject b/k"])]
#[case::its_own(json!({"CopySource": "b/tagged", "TaggingDirective": "REPLACE", "Tagging": "a=b"}),
    &["s3:GetObject b/tagged", "s3:PutObject b/k", "s3:PutObjectTagging b/k"])]
#[case::none_of_its_own(json!({"CopySource": "b/tagged", "TaggingDirective": "REPLACE"}),
    &["s3:GetObject b/tagged", "s3:PutObject b/k"])]
#[case::of_a_version(json!({"CopySource": "b/bare?versionId=v"}),
    &["s3:GetObjectVersion b/bare", "s3:GetObjectVersionTagging? b/bare", "s3:PutObjectTagging? b/k",
        "s3:PutObject b/k"])]
#[tokio::test]
async fn a_copy_that_gets_tags_needs_the_permissions_for_tags(
    #[case] mut input: Value,
    #[case] expected: &[&str],
) {
    input["Bucket"] = "b".into();
    input["Key"] = "k".into();
    assert_eq!(actions("CopyObject", input).await, expected);
}

#[rstest]
#[case("arn:aws:s3:eu-west-1:123456789012:accesspoint/p")]
#[case("point-abc-s3alias")]
#[case("dir--euw1-az1--x-s3")]
#[tokio::test]
async fn buckets_of_other_kinds_are_refused(#[case] bucket: &str) {
    let input = json!({"Bucket": bucket, "Key": "k"});
    let refused = ask_as(&root(), Service::S3, "GetObject", input).await.unwrap_err();
    let expected = RequirementsError::Unmapped {
        service: "s3",
        operation: "GetObject",
        reason: String::new(),
    };
    assert_eq!(refused, expected);
}

/// The twins of these, encoded, are the copy of `s3_requires` and the ones
/// below.
#[rstest]
#[case::host("//mine/secret/key")]
#[case::scheme("mine:/secret/key")]
#[case::query("mine/key?x=1")]
#[case::fragment("mine/key#a")]
#[case::parameters("mine/key;a")]
#[case::blank_or_plus("mine/a+b")]
#[case::two_versions("mine/key?versionId=a&versionId=b")]
#[case::empty_version("mine/key?versionId=")]
#[tokio::test]
async fn a_copy_source_that_is_a_url_to_some_readers_is_refused(#[case] source: &str) {
    let input = json!({"Bucket": "mine", "Key": "k", "CopySource": source});
    let refused = ask_as(&root(), Service::S3, "CopyObject", input).await.unwrap_err();
    let RequirementsError::Service(error) = refused else { panic!("{refused:?}") };
    assert_eq!((error.code.as_ref(), error.status), ("InvalidArgument", 400));
    assert_eq!(
        error.message,
        "Copy Source must mention the source bucket and key: sourcebucket/sourcekey"
    );
}

#[rstest]
#[case::encoded("/mine/a%3Fb%23c%3Bd%2Be", "a?b#c;d+e")]
#[case::slashes("mine//secret/key", "/secret/key")]
#[case::colon("mine/a:b", "a:b")]
#[tokio::test]
async fn a_copy_source_is_one_path(#[case] source: &str, #[case] key: &str) {
    let input = json!({"Bucket": "mine", "Key": "k", "CopySource": source});
    let required = ask_as(&root(), Service::S3, "CopyObject", input).await.unwrap();
    assert_eq!(required[0].action, "s3:GetObject");
    assert_eq!(required[0].resource, format!("arn:aws:s3:::mine/{key}"));
}
