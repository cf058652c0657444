//! The properties of a bucket that are a call of their own, as the API names
//! their members. Lists are the repeated elements of the wire (`Rule`,
//! `CORSRule`, …)
//! (<https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html>).

use ringfence_wire::services::S3;
use serde_json::{Map, Value, json};

use super::{Context, Failure, Kind};

const TEXTS: Kind = Kind::List(&Kind::Text);
const DEFAULT_ENCRYPTION: Kind =
    Kind::Object(&[("SSEAlgorithm", Kind::Text), ("KMSMasterKeyID", Kind::Text)]);
const ENCRYPTION_RULE: Kind = Kind::Object(&[
    ("ServerSideEncryptionByDefault", DEFAULT_ENCRYPTION),
    ("BucketKeyEnabled", Kind::Boolean),
]);
pub(super) const ENCRYPTION: Kind =
    Kind::Object(&[("ServerSideEncryptionConfiguration", Kind::List(&ENCRYPTION_RULE))]);
pub(super) const PUBLIC_ACCESS: Kind = Kind::Object(&[
    ("BlockPublicAcls", Kind::Boolean),
    ("BlockPublicPolicy", Kind::Boolean),
    ("IgnorePublicAcls", Kind::Boolean),
    ("RestrictPublicBuckets", Kind::Boolean),
]);
pub(super) const OWNERSHIP: Kind =
    Kind::Object(&[("Rules", Kind::List(&Kind::Object(&[("ObjectOwnership", Kind::Text)])))]);
const CORS_RULE: Kind = Kind::Object(&[
    ("AllowedHeaders", TEXTS),
    ("AllowedMethods", TEXTS),
    ("AllowedOrigins", TEXTS),
    ("ExposedHeaders", TEXTS),
    ("Id", Kind::Text),
    ("MaxAge", Kind::Integer),
]);
pub(super) const CORS: Kind = Kind::Object(&[("CorsRules", Kind::List(&CORS_RULE))]);
const REDIRECT_RULE: Kind = Kind::Object(&[
    ("HostName", Kind::Text),
    ("HttpRedirectCode", Kind::Text),
    ("Protocol", Kind::Text),
    ("ReplaceKeyPrefixWith", Kind::Text),
    ("ReplaceKeyWith", Kind::Text),
]);
const ROUTING_CONDITION: Kind =
    Kind::Object(&[("HttpErrorCodeReturnedEquals", Kind::Text), ("KeyPrefixEquals", Kind::Text)]);
const ROUTING_RULE: Kind =
    Kind::Object(&[("RedirectRule", REDIRECT_RULE), ("RoutingRuleCondition", ROUTING_CONDITION)]);
pub(super) const WEBSITE: Kind = Kind::Object(&[
    ("ErrorDocument", Kind::Text),
    ("IndexDocument", Kind::Text),
    ("RedirectAllRequestsTo", Kind::Object(&[("HostName", Kind::Text), ("Protocol", Kind::Text)])),
    ("RoutingRules", Kind::List(&ROUTING_RULE)),
]);
pub(super) const LOGGING: Kind =
    Kind::Object(&[("DestinationBucketName", Kind::Text), ("LogFilePrefix", Kind::Text)]);
const TAG_FILTERS: Kind = Kind::List(&Kind::Object(&[("Key", Kind::Text), ("Value", Kind::Text)]));
const TRANSITION: Kind = Kind::Object(&[
    ("StorageClass", Kind::Text),
    ("TransitionDate", Kind::Text),
    ("TransitionInDays", Kind::Integer),
]);
const NONCURRENT_TRANSITION: Kind = Kind::Object(&[
    ("NewerNoncurrentVersions", Kind::Integer),
    ("StorageClass", Kind::Text),
    ("TransitionInDays", Kind::Integer),
]);
const LIFECYCLE_RULE: Kind = Kind::Object(&[
    ("AbortIncompleteMultipartUpload", Kind::Object(&[("DaysAfterInitiation", Kind::Integer)])),
    ("ExpirationDate", Kind::Text),
    ("ExpirationInDays", Kind::Integer),
    ("ExpiredObjectDeleteMarker", Kind::Boolean),
    ("Id", Kind::Text),
    (
        "NoncurrentVersionExpiration",
        Kind::Object(&[
            ("NewerNoncurrentVersions", Kind::Integer),
            ("NoncurrentDays", Kind::Integer),
        ]),
    ),
    ("NoncurrentVersionExpirationInDays", Kind::Integer),
    ("NoncurrentVersionTransition", NONCURRENT_TRANSITION),
    ("NoncurrentVersionTransitions", Kind::List(&NONCURRENT_TRANSITION)),
    ("ObjectSizeGreaterThan", Kind::Text),
    ("ObjectSizeLessThan", Kind::Text),
    ("Prefix", Kind::Text),
    ("Status", Kind::Text),
    ("TagFilters", TAG_FILTERS),
    ("Transition", TRANSITION),
    ("Transitions", Kind::List(&TRANSITION)),
]);
pub(super) const LIFECYCLE: Kind = Kind::Object(&[("Rules", Kind::List(&LIFECYCLE_RULE))]);
pub(super) const VERSIONING: Kind = Kind::Object(&[("Status", Kind::Text)]);
const RETENTION: Kind =
    Kind::Object(&[("Days", Kind::Integer), ("Mode", Kind::Text), ("Years", Kind::Integer)]);
pub(super) const OBJECT_LOCK: Kind = Kind::Object(&[
    ("ObjectLockEnabled", Kind::Text),
    ("Rule", Kind::Object(&[("DefaultRetention", RETENTION)])),
]);

const NOTIFICATION_FILTER: Kind = Kind::Object(&[(
    "S3Key",
    Kind::Object(&[(
        "Rules",
        Kind::List(&Kind::Object(&[("Name", Kind::Text), ("Value", Kind::Text)])),
    )]),
)]);
pub(super) const NOTIFICATIONS: Kind = Kind::Object(&[
    ("EventBridgeConfiguration", Kind::Object(&[("EventBridgeEnabled", Kind::Boolean)])),
    (
        "LambdaConfigurations",
        Kind::List(&Kind::Object(&[
            ("Event", Kind::Text),
            ("Filter", NOTIFICATION_FILTER),
            ("Function", Kind::Text),
        ])),
    ),
    (
        "QueueConfigurations",
        Kind::List(&Kind::Object(&[
            ("Event", Kind::Text),
            ("Filter", NOTIFICATION_FILTER),
            ("Queue", Kind::Text),
        ])),
    ),
    (
        "TopicConfigurations",
        Kind::List(&Kind::Object(&[
            ("Event", Kind::Text),
            ("Filter", NOTIFICATION_FILTER),
            ("Topic", Kind::Text),
        ])),
    ),
]);

/// A property that is a call of its own.
pub(super) struct Setting {
    pub(super) property: &'static str,
    put: &'static str,
    /// The member that holds the value.
    member: &'static str,
    value: fn(&Value) -> Value,
    remove: Removal,
}

/// How a property is taken away.
enum Removal {
    Operation(&'static str),
    /// By this value: there is no way back to none.
    Value(&'static str),
    /// By this text, which is the whole value.
    Text(&'static str),
    /// By an empty value.
    Empty,
    /// AWS has no way.
    Never,
}

/// In the order in which AWS's handler applies them, as far as it matters:
/// versioning goes before what needs it.
pub(super) const SETTINGS: [Setting; 11] = [
    Setting {
        property: "BucketEncryption",
        put: "PutBucketEncryption",
        member: "ServerSideEncryptionConfiguration",
        value: encryption,
        remove: Removal::Operation("DeleteBucketEncryption"),
    },
    Setting {
        property: "PublicAccessBlockConfiguration",
        put: "PutPublicAccessBlock",
        member: "PublicAccessBlockConfiguration",
        value: Value::clone,
        remove: Removal::Operation("DeletePublicAccessBlock"),
    },
    Setting {
        property: "OwnershipControls",
        put: "PutBucketOwnershipControls",
        member: "OwnershipControls",
        value: |value| json!({"Rule": value.get("Rules").cloned().unwrap_or_default()}),
        remove: Removal::Operation("DeleteBucketOwnershipControls"),
    },
    // A bucket takes no ACL before its ownership controls allow one.
    Setting {
        property: "AccessControl",
        put: "PutBucketAcl",
        member: "ACL",
        value: canned,
        remove: Removal::Text("private"),
    },
    Setting {
        property: "VersioningConfiguration",
        put: "PutBucketVersioning",
        member: "VersioningConfiguration",
        value: Value::clone,
        remove: Removal::Value("Suspended"),
    },
    Setting {
        property: "ObjectLockConfiguration",
        put: "PutObjectLockConfiguration",
        member: "ObjectLockConfiguration",
        value: Value::clone,
        remove: Removal::Never,
    },
    Setting {
        property: "CorsConfiguration",
        put: "PutBucketCors",
        member: "CORSConfiguration",
        value: |value| json!({"CORSRule": each(value.get("CorsRules"), cors_rule)}),
        remove: Removal::Operation("DeleteBucketCors"),
    },
    Setting {
        property: "LifecycleConfiguration",
        put: "PutBucketLifecycleConfiguration",
        member: "LifecycleConfiguration",
        value: |value| json!({"Rule": each(value.get("Rules"), lifecycle_rule)}),
        remove: Removal::Operation("DeleteBucketLifecycle"),
    },
    Setting {
        property: "WebsiteConfiguration",
        put: "PutBucketWebsite",
        member: "WebsiteConfiguration",
        value: website,
        remove: Removal::Operation("DeleteBucketWebsite"),
    },
    Setting {
        property: "LoggingConfiguration",
        put: "PutBucketLogging",
        member: "BucketLoggingStatus",
        value: logging,
        remove: Removal::Empty,
    },
    Setting {
        property: "NotificationConfiguration",
        put: "PutBucketNotificationConfiguration",
        member: "NotificationConfiguration",
        value: notifications,
        remove: Removal::Empty,
    },
];

impl Setting {
    /// Makes the bucket as the property says, where it says something.
    pub(super) async fn apply(
        &self,
        context: &Context,
        bucket: &str,
        wanted: &Map<String, Value>,
    ) -> Result<(), Failure> {
        let Some(value) = wanted.get(self.property) else { return Ok(()) };
        let mut input = json!({"Bucket": bucket, self.member: (self.value)(value)});
        // Without another, a bucket's logs go to itself.
        let target = input.pointer_mut("/BucketLoggingStatus/LoggingEnabled/TargetBucket");
        if let Some(target) = target.filter(|target| target.is_null()) {
            *target = bucket.into();
        }
        context.call(S3, self.put, input).await?;
        Ok(())
    }

    /// Takes the property's effect away.
    pub(super) async fn remove(&self, context: &Context, bucket: &str) -> Result<(), Failure> {
        let (operation, input) = match self.remove {
            Removal::Operation(operation) => (operation, json!({"Bucket": bucket})),
            Removal::Value(status) => {
                (self.put, json!({"Bucket": bucket, self.member: {"Status": status}}))
            }
            Removal::Text(text) => (self.put, json!({"Bucket": bucket, self.member: text})),
            Removal::Empty => (self.put, json!({"Bucket": bucket, self.member: {}})),
            Removal::Never => {
                let message = format!("{} cannot be removed from a bucket", self.property);
                return Err(Failure::handler("NotUpdatable", message));
            }
        };
        context.call(S3, operation, input).await?;
        Ok(())
    }
}

fn each(list: Option<&Value>, item: fn(&Value) -> Value) -> Vec<Value> {
    list.and_then(Value::as_array).into_iter().flatten().map(item).collect()
}

/// The members of a value under the API's names; those not named keep theirs.
fn renamed(value: &Value, names: &[(&str, &str)]) -> Map<String, Value> {
    let name = |key: &String| {
        let found = names.iter().find(|(ours, _)| ours == key);
        found.map_or(key.as_str(), |(_, theirs)| *theirs).to_owned()
    };
    let members = value.as_object().into_iter().flatten();
    members.map(|(key, value)| (name(key), value.clone())).collect()
}

fn encryption(value: &Value) -> Value {
    let names = [("ServerSideEncryptionByDefault", "ApplyServerSideEncryptionByDefault")];
    let rules = value.get("ServerSideEncryptionConfiguration").and_then(Value::as_array);
    let rules = rules.into_iter().flatten().map(|rule| renamed(rule, &names).into());
    json!({"Rule": rules.collect::<Vec<Value>>()})
}

/// `LogDeliveryWrite` as the API has it: `log-delivery-write`
/// (<https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-s3-bucket.html>).
pub(super) fn canned(value: &Value) -> Value {
    let mut written = String::new();
    for letter in value.as_str().unwrap_or_default().chars() {
        if letter.is_ascii_uppercase() && !written.is_empty() {
            written.push('-');
        }
        written.push(letter.to_ascii_lowercase());
    }
    written.into()
}

fn logging(value: &Value) -> Value {
    let prefix = value.get("LogFilePrefix").cloned().unwrap_or_else(|| "".into());
    let target = value.get("DestinationBucketName");
    json!({"LoggingEnabled": {"TargetBucket": target, "TargetPrefix": prefix}})
}

fn cors_rule(rule: &Value) -> Value {
    let names = [
        ("AllowedHeaders", "AllowedHeader"),
        ("AllowedMethods", "AllowedMethod"),
        ("AllowedOrigins", "AllowedOrigin"),
        ("ExposedHeaders", "ExposeHeader"),
        ("Id", "ID"),
        ("MaxAge", "MaxAgeSeconds"),
    ];
    renamed(rule, &names).into()
}

fn website(value: &Value) -> Value {
    let mut members = renamed(value, &[]);
    for (name, inner) in [("ErrorDocument", "Key"), ("IndexDocument", "Suffix")] {
        if let Some(text) = members.remove(name) {
            members.insert(name.to_owned(), json!({inner: text}));
        }
    }
    if members.contains_key("RoutingRules") {
        let names = [("RedirectRule", "Redirect"), ("RoutingRuleCondition", "Condition")];
        let rules = value.get("RoutingRules").and_then(Value::as_array).into_iter().flatten();
        let rules: Vec<Value> = rules.map(|rule| renamed(rule, &names).into()).collect();
        members.insert("RoutingRules".to_owned(), json!({"RoutingRule": rules}));
    }
    members.into()
}

/// Notifications by the wire's names
/// (<https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketNotificationConfiguration.html>).
fn notifications(value: &Value) -> Value {
    let mut members = Map::new();
    for (list, wire, target, of) in [
        ("LambdaConfigurations", "CloudFunctionConfiguration", "Function", "CloudFunction"),
        ("QueueConfigurations", "QueueConfiguration", "Queue", "Queue"),
        ("TopicConfigurations", "TopicConfiguration", "Topic", "Topic"),
    ] {
        let items = value.get(list).and_then(Value::as_array).into_iter().flatten();
        let items: Vec<Value> = items
            .map(|item| {
                let mut members = renamed(item, &[(target, of)]);
                if let Some(rules) = item.pointer("/Filter/S3Key/Rules") {
                    let filter = json!({"S3Key": {"FilterRule": rules}});
                    members.insert("Filter".to_owned(), filter);
                }
                members.into()
            })
            .collect();
        if !items.is_empty() {
            members.insert(wire.to_owned(), items.into());
        }
    }
    // The property is there where the events go; only `false` says otherwise.
    let bridge = value.get("EventBridgeConfiguration");
    if bridge.is_some_and(|it| it.get("EventBridgeEnabled") != Some(&Value::Bool(false))) {
        members.insert("EventBridgeConfiguration".to_owned(), json!({}));
    }
    members.into()
}

/// A rule of a lifecycle: CloudFormation's short properties are members of the
/// API's `Filter`, `Expiration` and `…Transition`
/// (<https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-s3-bucket-rule.html>).
fn lifecycle_rule(rule: &Value) -> Value {
    let get = |name: &str| rule.get(name).cloned();
    let mut members = Map::new();
    let mut put = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            members.insert(name.to_owned(), value);
        }
    };
    put("ID", get("Id"));
    put("Status", get("Status"));
    put("Filter", Some(filter(rule)));
    put("AbortIncompleteMultipartUpload", get("AbortIncompleteMultipartUpload"));
    let expiration = [
        ("ExpirationInDays", "Days"),
        ("ExpirationDate", "Date"),
        ("ExpiredObjectDeleteMarker", "ExpiredObjectDeleteMarker"),
    ];
    put("Expiration", picked(rule, &expiration));
    let days = picked(rule, &[("NoncurrentVersionExpirationInDays", "NoncurrentDays")]);
    put("NoncurrentVersionExpiration", get("NoncurrentVersionExpiration").or(days));
    let names = [("TransitionInDays", "Days"), ("TransitionDate", "Date")];
    put("Transition", transitions(rule, "Transition", &names));
    let names = [("TransitionInDays", "NoncurrentDays")];
    put("NoncurrentVersionTransition", transitions(rule, "NoncurrentVersionTransition", &names));
    members.into()
}

/// These members under the API's names; none where there are none.
fn picked(value: &Value, names: &[(&str, &str)]) -> Option<Value> {
    let found = names
        .iter()
        .filter_map(|(ours, theirs)| Some(((*theirs).to_owned(), value.get(*ours)?.clone())));
    let members: Map<String, Value> = found.collect();
    (!members.is_empty()).then(|| members.into())
}

/// One transition, or the list of them.
fn transitions(rule: &Value, name: &str, names: &[(&str, &str)]) -> Option<Value> {
    let many = rule.get(format!("{name}s")).and_then(Value::as_array).into_iter().flatten();
    let all: Vec<Value> =
        rule.get(name).into_iter().chain(many).map(|t| renamed(t, names).into()).collect();
    (!all.is_empty()).then(|| all.into())
}

/// Several conditions are under `And`.
fn filter(rule: &Value) -> Value {
    let sizes = ["ObjectSizeGreaterThan", "ObjectSizeLessThan"];
    let mut conditions: Vec<(String, Value)> = ["Prefix"]
        .iter()
        .chain(&sizes)
        .filter_map(|name| Some(((*name).to_owned(), rule.get(*name)?.clone())))
        .collect();
    let tags = rule.get("TagFilters").and_then(Value::as_array).cloned().unwrap_or_default();
    match (conditions.len() + tags.len(), tags.as_slice()) {
        (0, _) => json!({"Prefix": ""}),
        (1, [tag]) => json!({"Tag": tag}),
        (1, _) => Value::Object(conditions.into_iter().collect()),
        _ => {
            if !tags.is_empty() {
                conditions.push(("Tag".to_owned(), tags.into()));
            }
            json!({"And": conditions.into_iter().collect::<Map<_, _>>()})
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wire(property: &str, value: &Value) -> Value {
        let setting = SETTINGS.iter().find(|setting| setting.property == property).unwrap();
        (setting.value)(value)
    }

    #[test]
    fn a_lifecycle_s_short_properties_are_the_api_s_members() {
        let rules = json!({"Rules": [
            {"Id": "r", "Status": "Enabled", "ExpirationInDays": 30},
            {"Status": "Enabled", "Prefix": "a/", "TagFilters": [{"Key": "k", "Value": "v"}],
             "Transitions": [{"StorageClass": "GLACIER", "TransitionInDays": 3}],
             "NoncurrentVersionExpirationInDays": 5},
            {"Status": "Enabled", "TagFilters": [{"Key": "k", "Value": "v"}],
             "Transition": {"StorageClass": "GLACIER", "TransitionDate": "2030-01-01"}},
        ]});
        assert_eq!(
            wire("LifecycleConfiguration", &rules),
            json!({"Rule": [
                {"ID": "r", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 30}},
                {"Status": "Enabled",
                 "Filter": {"And": {"Prefix": "a/", "Tag": [{"Key": "k", "Value": "v"}]}},
                 "NoncurrentVersionExpiration": {"NoncurrentDays": 5},
                 "Transition": [{"StorageClass": "GLACIER", "Days": 3}]},
                {"Status": "Enabled", "Filter": {"Tag": {"Key": "k", "Value": "v"}},
                 "Transition": [{"StorageClass": "GLACIER", "Date": "2030-01-01"}]},
            ]})
        );
    }

    #[test]
    fn notifications_have_the_wire_s_names() {
        let value = json!({
            "LambdaConfigurations": [{"Event": "s3:ObjectCreated:*", "Function": "arn:f",
                "Filter": {"S3Key": {"Rules": [{"Name": "suffix", "Value": ".jpg"}]}}}],
            "QueueConfigurations": [{"Event": "s3:ObjectRemoved:*", "Queue": "arn:q"}],
            "EventBridgeConfiguration": {"EventBridgeEnabled": true},
        });
        assert_eq!(
            wire("NotificationConfiguration", &value),
            json!({
                "CloudFunctionConfiguration": [{"Event": "s3:ObjectCreated:*", "CloudFunction": "arn:f",
                    "Filter": {"S3Key": {"FilterRule": [{"Name": "suffix", "Value": ".jpg"}]}}}],
                "QueueConfiguration": [{"Event": "s3:ObjectRemoved:*", "Queue": "arn:q"}],
                "EventBridgeConfiguration": {},
            })
        );
    }

    #[test]
    fn cors_and_websites_have_the_api_s_names() {
        let cors = json!({"CorsRules": [{"AllowedMethods": ["GET"], "AllowedOrigins": ["*"], "MaxAge": 5, "Id": "i"}]});
        assert_eq!(
            wire("CorsConfiguration", &cors),
            json!({"CORSRule": [{"AllowedMethod": ["GET"], "AllowedOrigin": ["*"], "MaxAgeSeconds": 5, "ID": "i"}]})
        );
        let website = json!({"IndexDocument": "index.html", "RoutingRules": [
            {"RedirectRule": {"HostName": "h"}, "RoutingRuleCondition": {"KeyPrefixEquals": "p"}},
        ]});
        assert_eq!(
            wire("WebsiteConfiguration", &website),
            json!({"IndexDocument": {"Suffix": "index.html"}, "RoutingRules": {"RoutingRule": [
                {"Redirect": {"HostName": "h"}, "Condition": {"KeyPrefixEquals": "p"}},
            ]}})
        );
    }
}
