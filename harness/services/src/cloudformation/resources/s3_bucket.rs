//! `AWS::S3::Bucket`, with the properties that make a bucket private.
//!
//! On AWS a bucket also gets the `aws:cloudformation:*` tags, by a way that no
//! request has (S3 refuses them in `PutBucketTagging`, as do LocalStack and
//! moto); here it gets only the stack's and its own.

use async_trait::async_trait;
use ringfence_wire::Service::S3;
use serde_json::{Map, Value, json};

use super::context::merged;
use super::{Context, Existing, Failure, Kind, Made, Property, ResourceType, Tagging, text};

const DEFAULT_ENCRYPTION: Kind =
    Kind::Object(&[("SSEAlgorithm", Kind::Text), ("KMSMasterKeyID", Kind::Text)]);
const ENCRYPTION_RULE: Kind = Kind::Object(&[
    ("ServerSideEncryptionByDefault", DEFAULT_ENCRYPTION),
    ("BucketKeyEnabled", Kind::Boolean),
]);
const ENCRYPTION: Kind =
    Kind::Object(&[("ServerSideEncryptionConfiguration", Kind::List(&ENCRYPTION_RULE))]);
const PUBLIC_ACCESS: Kind = Kind::Object(&[
    ("BlockPublicAcls", Kind::Boolean),
    ("BlockPublicPolicy", Kind::Boolean),
    ("IgnorePublicAcls", Kind::Boolean),
    ("RestrictPublicBuckets", Kind::Boolean),
]);
const OWNERSHIP: Kind =
    Kind::Object(&[("Rules", Kind::List(&Kind::Object(&[("ObjectOwnership", Kind::Text)])))]);

/// The properties that are a call of their own: the property and the call.
const SETTINGS: [(&str, &str); 4] = [
    ("BucketEncryption", "PutBucketEncryption"),
    ("PublicAccessBlockConfiguration", "PutPublicAccessBlock"),
    ("OwnershipControls", "PutBucketOwnershipControls"),
    ("VersioningConfiguration", "PutBucketVersioning"),
];

pub(super) struct Bucket;

#[async_trait]
impl ResourceType for Bucket {
    fn properties(&self) -> &'static [Property] {
        const PROPERTIES: &[Property] = &[
            Property::new("BucketEncryption", ENCRYPTION),
            Property::new("BucketName", Kind::Text).replaces(),
            Property::new("OwnershipControls", OWNERSHIP),
            Property::new("PublicAccessBlockConfiguration", PUBLIC_ACCESS),
            Property::new("Tags", Kind::Tags),
            Property::new("VersioningConfiguration", Kind::Object(&[("Status", Kind::Text)])),
        ];
        PROPERTIES
    }

    fn unsupported(&self) -> &'static [&'static str] {
        &[
            "AbacStatus",
            "AccelerateConfiguration",
            "AccessControl",
            "AnalyticsConfigurations",
            "BucketNamePrefix",
            "BucketNamespace",
            "CorsConfiguration",
            "IntelligentTieringConfigurations",
            "InventoryConfigurations",
            "LifecycleConfiguration",
            "LoggingConfiguration",
            "MetadataConfiguration",
            "MetadataTableConfiguration",
            "MetricsConfigurations",
            "NotificationConfiguration",
            "ObjectLockConfiguration",
            "ObjectLockEnabled",
            "ReplicationConfiguration",
            "WebsiteConfiguration",
        ]
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
        context.call(S3, "CreateBucket", input).await?;
        let region = &context.region;
        let made = Made::new(name.clone())
            .with("Arn", format!("arn:aws:s3:::{name}"))
            .with("DomainName", format!("{name}.s3.amazonaws.com"))
            .with("DualStackDomainName", format!("{name}.s3.dualstack.{region}.amazonaws.com"))
            .with("RegionalDomainName", format!("{name}.s3.{region}.amazonaws.com"))
            .with("WebsiteURL", format!("http://{name}.s3-website-{region}.amazonaws.com"));
        context.initiated(&made);
        for (property, _) in SETTINGS {
            apply(context, &name, property, wanted).await?;
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
        let old = &current.properties;
        for (property, _) in SETTINGS {
            if old.get(property) == wanted.get(property) {
                continue;
            }
            if wanted.contains_key(property) {
                apply(context, name, property, wanted).await?;
            } else {
                remove(context, name, property).await?;
            }
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

async fn apply(
    context: &Context,
    bucket: &str,
    property: &str,
    wanted: &Map<String, Value>,
) -> Result<(), Failure> {
    let Some(value) = wanted.get(property) else { return Ok(()) };
    let Some((_, operation)) = SETTINGS.iter().find(|(name, _)| *name == property) else {
        return Ok(());
    };
    // Inside a member the wire's names count: lists are repeated `Rule`s.
    let (member, value) = match property {
        "BucketEncryption" => {
            let rules: Vec<Value> = value
                .get("ServerSideEncryptionConfiguration")
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
                .map(encryption_rule)
                .collect();
            ("ServerSideEncryptionConfiguration", json!({"Rule": rules}))
        }
        "OwnershipControls" => {
            ("OwnershipControls", json!({"Rule": value.get("Rules").cloned().unwrap_or_default()}))
        }
        other => (other, value.clone()),
    };
    let input = json!({"Bucket": bucket, member: value});
    context.call(S3, operation, input).await?;
    Ok(())
}

/// CloudFormation's `ServerSideEncryptionByDefault` is the API's
/// `ApplyServerSideEncryptionByDefault`.
fn encryption_rule(rule: &Value) -> Value {
    let mut renamed = Map::new();
    for (key, value) in rule.as_object().into_iter().flatten() {
        let key = if key == "ServerSideEncryptionByDefault" {
            "ApplyServerSideEncryptionByDefault"
        } else {
            key
        };
        renamed.insert(key.to_owned(), value.clone());
    }
    renamed.into()
}

async fn remove(context: &Context, bucket: &str, property: &str) -> Result<(), Failure> {
    let (operation, input) = match property {
        "BucketEncryption" => ("DeleteBucketEncryption", json!({"Bucket": bucket})),
        "PublicAccessBlockConfiguration" => ("DeletePublicAccessBlock", json!({"Bucket": bucket})),
        "OwnershipControls" => ("DeleteBucketOwnershipControls", json!({"Bucket": bucket})),
        _ => (
            "PutBucketVersioning",
            json!({"Bucket": bucket, "VersioningConfiguration": {"Status": "Suspended"}}),
        ),
    };
    context.call(S3, operation, input).await?;
    Ok(())
}

async fn tag(context: &Context, bucket: &str, tags: &[(String, String)]) -> Result<(), Failure> {
    let tags = super::context::tag_list(tags);
    let input = json!({"Bucket": bucket, "Tagging": {"TagSet": {"Tag": tags}}});
    context.call(S3, "PutBucketTagging", input).await?;
    Ok(())
}
