//! `AWS::S3::BucketPolicy`. The handlers look at the policy first
//! (`s3:GetBucketPolicy` in all of them).

use async_trait::async_trait;
use ringfence_wire::services::S3;
use serde_json::{Map, Value, json};

use super::{Context, Existing, Failure, Kind, Made, Property, ResourceType, document, text};

pub(super) struct BucketPolicy;

#[async_trait]
impl ResourceType for BucketPolicy {
    fn properties(&self) -> &'static [Property] {
        const PROPERTIES: &[Property] = &[
            Property::new("Bucket", Kind::Text).required().replaces(),
            Property::new("PolicyDocument", Kind::Document).required(),
        ];
        PROPERTIES
    }

    async fn create(
        &self,
        context: &Context,
        wanted: &Map<String, Value>,
    ) -> Result<Made, Failure> {
        let bucket = text(wanted, "Bucket").unwrap_or_default();
        match context.call(S3, "GetBucketPolicy", json!({"Bucket": bucket})).await {
            Ok(_) => {
                return Err(Failure::handler(
                    "AlreadyExists",
                    format!("The bucket policy already exists on bucket {bucket}."),
                ));
            }
            Err(failure) if failure.not_found() => {}
            Err(failure) => return Err(failure),
        }
        put(context, bucket, wanted).await?;
        let made = Made::new(bucket);
        context.initiated(&made);
        Ok(made)
    }

    async fn update(
        &self,
        context: &Context,
        current: &Existing,
        wanted: &Map<String, Value>,
    ) -> Result<Made, Failure> {
        let bucket = &current.made.physical_id;
        context.call(S3, "GetBucketPolicy", json!({"Bucket": bucket})).await?;
        put(context, bucket, wanted).await?;
        Ok(current.made.clone())
    }

    async fn delete(&self, context: &Context, current: &Existing) -> Result<(), Failure> {
        let input = json!({"Bucket": current.made.physical_id});
        context.call(S3, "GetBucketPolicy", input.clone()).await?;
        context.call(S3, "DeleteBucketPolicy", input).await?;
        Ok(())
    }
}

async fn put(context: &Context, bucket: &str, wanted: &Map<String, Value>) -> Result<(), Failure> {
    let policy = document(wanted.get("PolicyDocument"));
    let input = json!({"Bucket": bucket, "Policy": policy});
    context.call(S3, "PutBucketPolicy", input).await?;
    Ok(())
}
