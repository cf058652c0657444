//! Who may be let into a bucket at all: Block Public Access, Object Ownership and
//! access control lists.

use ringfence_wire::{Call, Service, ServiceError};
use serde_json::{Value, json};

use super::{Directory, read};
use crate::requirements::bucket_access::{Acl, BucketAccess, Grant, Grantee, Ownership};

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
            ignores_public_acls: own.ignores_public_acls || of_account.ignored_acls,
            is_restricted: own.is_restricted || of_account.restricted,
            ownership: own.ownership,
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

    /// Tags a bucket as the call that made it says
    /// (<https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucketConfiguration.html>):
    /// moto passes over them.
    ///
    /// # Errors
    /// That the upstream does not take them.
    pub(crate) async fn tag_new_bucket(
        &self,
        call: &Call,
        bucket: &str,
    ) -> Result<(), ServiceError> {
        let configuration = call.input.get("CreateBucketConfiguration");
        let Some(tags) = configuration.and_then(|given| given.get("Tags")) else { return Ok(()) };
        let tags = tags.get("Tag").unwrap_or(tags);
        let input = json!({"Bucket": bucket, "Tagging": {"TagSet": {"Tag": tags}}});
        self.ask_in(&call.region, Service::S3, "PutBucketTagging", input).await.map(drop)
    }

    /// The access control list of a bucket, or of an object in it; none where that
    /// is not there.
    ///
    /// # Errors
    /// That the upstream cannot tell.
    pub(crate) async fn acl(
        &self,
        region: &str,
        bucket: &str,
        object: Option<(&str, Option<&str>)>,
    ) -> Result<Option<Acl>, ServiceError> {
        let (operation, input) = match object {
            None => ("GetBucketAcl", json!({"Bucket": bucket})),
            Some((key, None)) => ("GetObjectAcl", json!({"Bucket": bucket, "Key": key})),
            Some((key, Some(version))) => {
                ("GetObjectAcl", json!({"Bucket": bucket, "Key": key, "VersionId": version}))
            }
        };
        let answer = self.look_up_in(region, Service::S3, operation, input).await?;
        Ok(answer.as_ref().map(acl))
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
        let ownership = match rules.first().and_then(|rule| read::text(rule, "ObjectOwnership")) {
            Some("BucketOwnerEnforced") => Ownership::Enforced,
            Some("BucketOwnerPreferred") => Ownership::Preferred,
            _ => Ownership::Writer,
        };
        Ok(BucketAccess {
            blocks_public_acls: is_on("BlockPublicAcls"),
            blocks_public_policy: is_on("BlockPublicPolicy"),
            ignores_public_acls: is_on("IgnorePublicAcls"),
            is_restricted: is_on("RestrictPublicBuckets"),
            ownership,
        })
    }
}

/// An access control list as `GetBucketAcl` and `GetObjectAcl` show it.
fn acl(answer: &Value) -> Acl {
    let owner = answer.get("Owner").and_then(|owner| read::text(owner, "ID"));
    let grants = read::list(answer, "AccessControlList").iter().map(|grant| {
        let of = |member| grant.get("Grantee").and_then(|grantee| read::text(grantee, member));
        let grantee = match (of("URI"), of("ID")) {
            (Some(uri), _) => Grantee::group(uri),
            (None, Some(id)) if Some(id) == owner => Grantee::Owner,
            (None, _) => Grantee::Other,
        };
        let permission = read::text(grant, "Permission").unwrap_or_default().to_owned();
        Grant { grantee, permission }
    });
    Acl { owner: owner.map(str::to_owned), grants: grants.collect() }
}
