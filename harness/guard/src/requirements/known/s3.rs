//! S3.

use super::{Known, absent, set};

const OF_ACCESS_POINTS: &str = "calls through access points are refused";

pub(super) const KNOWN: &[Known] = &[
    set(&[
        "s3:ResourceAccount",
        "s3:TlsVersion",
        "s3:authType",
        "s3:signatureAge",
        "s3:signatureversion",
        "s3:x-amz-content-sha256",
    ]),
    set(&[
        "s3:ExistingObjectTag/*",
        "s3:ObjectCreationOperation",
        "s3:RequestObjectTag/*",
        "s3:RequestObjectTagKeys",
        "s3:delimiter",
        "s3:if-match",
        "s3:if-none-match",
        "s3:locationconstraint",
        "s3:max-keys",
        "s3:object-lock-legal-hold",
        "s3:object-lock-mode",
        "s3:object-lock-retain-until-date",
        "s3:prefix",
        "s3:versionid",
        "s3:x-amz-acl",
        "s3:x-amz-copy-source",
        "s3:x-amz-grant-*",
        "s3:x-amz-metadata-directive",
        "s3:x-amz-object-ownership",
        "s3:x-amz-server-side-encryption",
        "s3:x-amz-server-side-encryption-aws-kms-key-id",
        "s3:x-amz-server-side-encryption-customer-algorithm",
        "s3:x-amz-storage-class",
        "s3:x-amz-website-redirect-location",
    ]),
    set(&["aws:RequestTag/*", "aws:TagKeys"]),
    // <https://docs.aws.amazon.com/AmazonS3/latest/userguide/buckets-tagging-enable-abac.html>
    absent(
        &["aws:ResourceTag/*", "s3:BucketTag/*"],
        "a bucket's tags are no condition keys until PutBucketAbac says so, which is not served",
    ),
    absent(
        &[
            "s3:AccessPointNetworkOrigin",
            "s3:AccessPointTag/*",
            "s3:DataAccessPointAccount",
            "s3:DataAccessPointArn",
        ],
        OF_ACCESS_POINTS,
    ),
    absent(
        &["s3:AccessGrantsInstanceArn"],
        "no session comes from S3 Access Grants, which are not served",
    ),
];
