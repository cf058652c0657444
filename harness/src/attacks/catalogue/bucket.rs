//! The artifacts bucket: its settings are the platform's, its objects their
//! teams'.

use ringfence_wire::services::S3;
use serde_json::{Value, json};

use super::super::attack::{Attack, Step};
use super::Scene;
use crate::config::Job;
use crate::guard_rail::GuardRail;

const ARTIFACTS: GuardRail = GuardRail::Artifacts;

pub(super) fn attacks(scene: &Scene<'_>) -> Vec<Attack> {
    let mut attacks = settings(scene);
    attacks.extend(objects(scene));
    attacks
}

/// Settings: name, what it would do, operation, action and its XML.
const SETTINGS: &[(&str, &str, &str, &str, &str)] = &[
    (
        "bucket-unblocked",
        "cannot let the artifacts bucket be public",
        "PutPublicAccessBlock",
        "s3:PutBucketPublicAccessBlock",
        "<PublicAccessBlockConfiguration><BlockPublicAcls>false</BlockPublicAcls></PublicAccessBlockConfiguration>",
    ),
    (
        "bucket-versions-stopped",
        "cannot stop the versions that show what was replaced",
        "PutBucketVersioning",
        "s3:PutBucketVersioning",
        "<VersioningConfiguration><Status>Suspended</Status></VersioningConfiguration>",
    ),
    (
        "bucket-ownership-changed",
        "cannot bring access control lists back",
        "PutBucketOwnershipControls",
        "s3:PutBucketOwnershipControls",
        "<OwnershipControls><Rule><ObjectOwnership>ObjectWriter</ObjectOwnership></Rule></OwnershipControls>",
    ),
    (
        "bucket-encryption-changed",
        "cannot change the bucket's encryption",
        "PutBucketEncryption",
        "s3:PutEncryptionConfiguration",
        "<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>AES256</SSEAlgorithm></ApplyServerSideEncryptionByDefault></Rule></ServerSideEncryptionConfiguration>",
    ),
    (
        "bucket-lifecycle-set",
        "cannot let all artifacts expire",
        "PutBucketLifecycleConfiguration",
        "s3:PutLifecycleConfiguration",
        "<LifecycleConfiguration><Rule><ID>probe</ID><Status>Enabled</Status><Filter><Prefix></Prefix></Filter><Expiration><Days>1</Days></Expiration></Rule></LifecycleConfiguration>",
    ),
    (
        "bucket-cors-set",
        "cannot open the bucket to scripts",
        "PutBucketCors",
        "s3:PutBucketCORS",
        "<CORSConfiguration><CORSRule><AllowedMethod>GET</AllowedMethod><AllowedOrigin>*</AllowedOrigin></CORSRule></CORSConfiguration>",
    ),
    (
        "bucket-website-made",
        "cannot serve the artifacts as a website",
        "PutBucketWebsite",
        "s3:PutBucketWebsite",
        "<WebsiteConfiguration><IndexDocument><Suffix>index.html</Suffix></IndexDocument></WebsiteConfiguration>",
    ),
];

fn settings(scene: &Scene<'_>) -> Vec<Attack> {
    let rail = scene.rail(ARTIFACTS);
    let bucket = &scene.facts.bucket;
    let arn = format!("arn:aws:s3:::{bucket}");
    let named = || json!({"Bucket": bucket});
    let table = SETTINGS.iter().map(|(name, title, operation, action, xml)| {
        let step = Step::new(S3, operation, named()).with_payload(*xml);
        rail.case(name, title, step, action, arn.clone())
    });
    let mut attacks: Vec<Attack> = table.collect();
    let call = |operation, more: Value| Step::new(S3, operation, super::with(&named(), more));
    attacks.extend([
        rail.case(
            "bucket-acl-opened",
            "cannot open the bucket by its access control list",
            call("PutBucketAcl", json!({"ACL": "public-read-write"})),
            "s3:PutBucketAcl",
            arn.clone(),
        ),
        rail.case(
            "bucket-block-removed",
            "cannot take the block on public access away",
            call("DeletePublicAccessBlock", json!({})),
            "s3:PutBucketPublicAccessBlock",
            arn.clone(),
        ),
        rail.case(
            "bucket-policy-removed",
            "cannot remove the bucket's policy",
            call("DeleteBucketPolicy", json!({})),
            "s3:DeleteBucketPolicy",
            arn.clone(),
        ),
        rail.case(
            "bucket-deleted",
            "cannot delete the bucket",
            call("DeleteBucket", json!({})),
            "s3:DeleteBucket",
            arn.clone(),
        ),
        rail.case(
            "bucket-listed",
            "cannot list the artifacts of all teams",
            call("ListObjectsV2", json!({})),
            "s3:ListBucket",
            arn,
        )
        .platform_may(Vec::new()),
        rail.case(
            "bucket-created",
            "cannot create a bucket of its own",
            Step::new(S3, "CreateBucket", scene.facts.new_bucket("ringfence-probe-bucket")),
            "s3:CreateBucket",
            "arn:aws:s3:::ringfence-probe-bucket",
        ),
        rail.case(
            "buckets-listed",
            "cannot list the buckets",
            Step::new(S3, "ListBuckets", json!({})),
            "s3:ListAllMyBuckets",
            "*",
        )
        .platform_may(Vec::new()),
    ]);
    attacks
}

fn objects(scene: &Scene<'_>) -> Vec<Attack> {
    let Some(foreign) = scene.foreign() else { return Vec::new() };
    let rail = scene.rail(ARTIFACTS);
    let bucket = &scene.facts.bucket;
    let key = format!("{foreign}/ringfence-probe");
    let arn = format!("arn:aws:s3:::{bucket}/{key}");
    let call = |operation, more: Value| {
        Step::new(S3, operation, super::with(&json!({"Bucket": bucket, "Key": key}), more))
    };
    let mut attacks = vec![
        rail.case(
            "foreign-artifact-deleted",
            "cannot delete another team's artifact",
            call("DeleteObject", json!({})),
            "s3:DeleteObject",
            arn.clone(),
        ),
        rail.case(
            "foreign-artifact-opened",
            "cannot open another team's artifact by its access control list",
            call("PutObjectAcl", json!({"ACL": "public-read"})),
            "s3:PutObjectAcl",
            arn.clone(),
        ),
        rail.case(
            "foreign-artifact-tagged",
            "cannot tag another team's artifact",
            call("PutObjectTagging", json!({})).with_payload(
                "<Tagging><TagSet><Tag><Key>team</Key><Value>mine</Value></Tag></TagSet></Tagging>",
            ),
            "s3:PutObjectTagging",
            arn.clone(),
        ),
        rail.case(
            "foreign-artifact-upload-begun",
            "cannot upload over another team's artifact in parts",
            call("CreateMultipartUpload", json!({})),
            "s3:PutObject",
            arn.clone(),
        ),
        rail.case(
            "prefix-outwitted",
            "cannot write under a prefix that only begins like its own",
            Step::new(
                S3,
                "PutObject",
                json!({"Bucket": bucket, "Key": format!("{}-evil/probe", scene.deployer.app)}),
            )
            .with_payload("probe"),
            "s3:PutObject",
            format!("arn:aws:s3:::{bucket}/{}-evil/probe", scene.deployer.app),
        ),
    ];
    if scene.deployer.job == Job::Stack {
        attacks.push(rail.case(
            "foreign-artifact-copied",
            "cannot copy another team's artifact to itself",
            Step::new(
                S3,
                "CopyObject",
                json!({
                    "Bucket": bucket, "Key": format!("{}/ringfence-probe", scene.deployer.app),
                    "CopySource": format!("{bucket}/{key}"),
                }),
            ),
            "s3:GetObject",
            arn,
        ));
    }
    attacks
}
