//! `AWS::S3::Bucket`.
//!
//! On AWS a bucket also gets the `aws:cloudformation:*` tags, by a way that no
//! request has (S3 refuses them in `PutBucketTagging`, as do LocalStack and
//! moto); here it gets only the stack's and its own.

use async_trait::async_trait;
use ringfence_models::Partition;
use ringfence_wire::services::S3;
use serde_json::{Map, Value, json};

use super::context::merged;
use super::s3_bucket_settings::{
    CORS, ENCRYPTION, LIFECYCLE, LOGGING, NOTIFICATIONS, OBJECT_LOCK, OWNERSHIP, PUBLIC_ACCESS,
    SETTINGS, VERSIONING, WEBSITE, canned,
};
use super::{Context, Existing, Failure, Kind, Made, Property, ResourceType, Tagging, text};

pub(super) struct Bucket;

#[async_trait]
impl ResourceType for Bucket {
    fn properties(&self) -> &'static [Property] {
        const PROPERTIES: &[Property] = &[
            Property::new("AccessControl", Kind::Text),
            Property::new("BucketEncryption", ENCRYPTION),
            Property::new("BucketName", Kind::Text).replaces(),
            Property::new("CorsConfiguration", CORS),
            Property::new("LifecycleConfiguration", LIFECYCLE),
            Property::new("LoggingConfiguration", LOGGING),
            Property::new("NotificationConfiguration", NOTIFICATIONS),
            Property::new("ObjectLockConfiguration", OBJECT_LOCK),
            Property::new("ObjectLockEnabled", Kind::Boolean),
            Property::new("OwnershipControls", OWNERSHIP),
            Property::new("PublicAccessBlockConfiguration", PUBLIC_ACCESS),
            Property::new("Tags", Kind::Tags),
            Property::new("VersioningConfiguration", VERSIONING),
            Property::new("WebsiteConfiguration", WEBSITE),
        ];
        PROPERTIES
    }

    fn tagging(&self) -> Tagging {
        Tagging::Stack
    }

    fn name_property(&self) -> Option<&'static str> {
        Some("BucketName")
    }

    async fn create(
        &self,
        context: &Context,
        wanted: &Map<String, Value>,
    ) -> Result<Made, Failure> {
        let name = text(wanted, "BucketName")
            .map_or_else(|| context.physical_name(63).to_lowercase(), str::to_owned);
        let mut input = json!({"Bucket": name});
        if let (false, Value::Object(members)) = (context.region == "us-east-1", &mut input) {
            let place = json!({"LocationConstraint": context.region});
            members.insert("CreateBucketConfiguration".to_owned(), place);
        }
        if let (true, Value::Object(members)) = (locks(wanted), &mut input) {
            members.insert("ObjectLockEnabledForBucket".to_owned(), true.into());
        }
        let wanted = &listed(wanted);
        // With the bucket, as its ownership forbids another list: "Bucket cannot have
        // ACLs set with ObjectOwnership's BucketOwnerEnforced setting"
        // (<https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/1606>).
        if let (false, Some(list), Value::Object(members)) =
            (has_lists(wanted), wanted.get("AccessControl"), &mut input)
        {
            members.insert("ACL".to_owned(), canned(list));
        }
        context.call(S3, "CreateBucket", input).await?;
        let region = &context.region;
        let partition = Partition::of_region(region);
        let suffix = partition.dns_suffix;
        let made = Made::new(name.clone())
            .with("Arn", format!("arn:{partition}:s3:::{name}"))
            .with("DomainName", format!("{name}.s3.{suffix}"))
            .with("DualStackDomainName", format!("{name}.s3.dualstack.{region}.{suffix}"))
            .with("RegionalDomainName", format!("{name}.s3.{region}.{suffix}"))
            .with("WebsiteURL", format!("http://{name}.s3-website-{region}.{suffix}"));
        context.initiated(&made);
        for setting in &SETTINGS {
            setting.apply(context, &name, wanted).await?;
        }
        let tags = context.tags(wanted.get("Tags"), self.tagging());
        if !tags.is_empty() {
            tag(context, &name, &tags).await?;
        }
        Ok(made)
    }

    async fn update(
        &self,
        context: &Context,
        current: &Existing,
        wanted: &Map<String, Value>,
    ) -> Result<Made, Failure> {
        let name = &current.made.physical_id;
        let (old, wanted) = (&listed(&current.properties), &listed(wanted));
        for setting in &SETTINGS {
            match (old.get(setting.property), wanted.get(setting.property)) {
                (was, is) if was == is => {}
                (_, Some(_)) => setting.apply(context, name, wanted).await?,
                (_, None) => setting.remove(context, name).await?,
            }
        }
        if old.get("ObjectLockEnabled") != wanted.get("ObjectLockEnabled") {
            object_lock(context, name, wanted).await?;
        }
        if merged(old.get("Tags"), &current.stack_tags)
            != merged(wanted.get("Tags"), &context.stack_tags)
        {
            let tags = context.tags(wanted.get("Tags"), self.tagging());
            if tags.is_empty() {
                context.call(S3, "DeleteBucketTagging", json!({"Bucket": name})).await?;
            } else {
                tag(context, name, &tags).await?;
            }
        }
        Ok(current.made.clone())
    }

    async fn delete(&self, context: &Context, current: &Existing) -> Result<(), Failure> {
        let input = json!({"Bucket": current.made.physical_id});
        context.call(S3, "DeleteBucket", input).await?;
        Ok(())
    }
}

/// The properties without the list that every bucket has.
fn listed(properties: &Map<String, Value>) -> Map<String, Value> {
    let mut properties = properties.clone();
    if properties.get("AccessControl").is_some_and(|list| list == "Private") {
        properties.remove("AccessControl");
    }
    properties
}

/// Whether the bucket's ownership lets access control lists count.
fn has_lists(wanted: &Map<String, Value>) -> bool {
    let controls = wanted.get("OwnershipControls");
    let ownership = controls.and_then(|controls| controls.pointer("/Rules/0/ObjectOwnership"));
    ownership.is_some_and(|ownership| ownership != "BucketOwnerEnforced")
}

fn locks(wanted: &Map<String, Value>) -> bool {
    wanted.get("ObjectLockEnabled") == Some(&Value::Bool(true))
}

/// A bucket that is there can be given object lock, and keeps it
/// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock-configure.html>).
async fn object_lock(
    context: &Context,
    name: &str,
    wanted: &Map<String, Value>,
) -> Result<(), Failure> {
    if !locks(wanted) {
        return Err(Failure::handler("NotUpdatable", "object lock cannot be switched off"));
    }
    let input =
        json!({"Bucket": name, "ObjectLockConfiguration": {"ObjectLockEnabled": "Enabled"}});
    context.call(S3, "PutObjectLockConfiguration", input).await?;
    Ok(())
}

async fn tag(context: &Context, bucket: &str, tags: &[(String, String)]) -> Result<(), Failure> {
    let tags = super::context::tag_list(tags);
    let input = json!({"Bucket": bucket, "Tagging": {"TagSet": {"Tag": tags}}});
    context.call(S3, "PutBucketTagging", input).await?;
    Ok(())
}
