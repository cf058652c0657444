//! Who may be let into a bucket at all: Block Public Access and Object
//! Ownership.

use ringfence_wire::{Service, ServiceError};
use serde_json::{Value, json};

use super::{Directory, read};

/// The settings of a bucket. A bucket that has none, or is not there, blocks
/// nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct BucketAccess {
    /// `BlockPublicAcls`.
    pub(crate) blocks_public_acls: bool,
    /// `BlockPublicPolicy`.
    pub(crate) blocks_public_policy: bool,
    /// `RestrictPublicBuckets`.
    pub(crate) is_restricted: bool,
    /// The ownership `BucketOwnerEnforced`.
    pub(crate) has_no_acls: bool,
}

impl Directory {
    /// The settings of a bucket, with those of the account.
    ///
    /// # Errors
    /// That the upstream cannot tell.
    pub(crate) async fn bucket_access(
        &self,
        region: &str,
        bucket: &str,
    ) -> Result<BucketAccess, ServiceError> {
        let own = self.bucket_access.get(bucket, self.load_bucket_access(region, bucket)).await?;
        // "S3 applies the most restrictive combination of the bucket-level and
        // account-level settings."
        // https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html
        let of_account = self.kept.public_access.blocks();
        Ok(BucketAccess {
            blocks_public_acls: own.blocks_public_acls || of_account.public_acls,
            blocks_public_policy: own.blocks_public_policy || of_account.public_policy,
            is_restricted: own.is_restricted || of_account.restricted,
            has_no_acls: own.has_no_acls,
        })
    }

    /// Gives a new bucket what every new bucket has at AWS since April 2023: its
    /// public access blocked, its access control lists disabled
    /// (<https://aws.amazon.com/blogs/aws/heads-up-amazon-s3-security-changes-are-coming-in-april-of-2023/>).
    ///
    /// # Errors
    /// When the upstream does not take it: the bucket is open then, and the call
    /// fails.
    pub(crate) async fn close_new_bucket(
        &self,
        region: &str,
        bucket: &str,
        has_ownership: bool,
    ) -> Result<(), ServiceError> {
        let all = json!({"BlockPublicAcls": true, "IgnorePublicAcls": true,
            "BlockPublicPolicy": true, "RestrictPublicBuckets": true});
        let block = json!({"Bucket": bucket, "PublicAccessBlockConfiguration": all});
        self.ask_in(region, Service::S3, "PutPublicAccessBlock", block).await?;
        if !has_ownership {
            let rule = json!({"Rule": [{"ObjectOwnership": "BucketOwnerEnforced"}]});
            let own = json!({"Bucket": bucket, "OwnershipControls": rule});
            self.ask_in(region, Service::S3, "PutBucketOwnershipControls", own).await?;
        }
        self.bucket_access.forget(bucket);
        Ok(())
    }

    async fn load_bucket_access(
        &self,
        region: &str,
        bucket: &str,
    ) -> Result<BucketAccess, ServiceError> {
        let named = json!({"Bucket": bucket});
        let block =
            self.look_up_in(region, Service::S3, "GetPublicAccessBlock", named.clone()).await?;
        let is_on = |setting: &str| {
            let value = block.as_ref().and_then(|block| read::text(block, setting));
            value.is_some_and(|value| value.eq_ignore_ascii_case("true"))
        };
        let ownership =
            self.look_up_in(region, Service::S3, "GetBucketOwnershipControls", named).await?;
        let rules = ownership.as_ref().map(|own| read::list(own, "Rule")).unwrap_or_default();
        let is_enforced =
            |rule: &Value| read::text(rule, "ObjectOwnership") == Some("BucketOwnerEnforced");
        Ok(BucketAccess {
            blocks_public_acls: is_on("BlockPublicAcls"),
            blocks_public_policy: is_on("BlockPublicPolicy"),
            is_restricted: is_on("RestrictPublicBuckets"),
            has_no_acls: rules.iter().any(is_enforced),
        })
    }
}
