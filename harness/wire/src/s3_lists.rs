//! Which elements of S3's documents are lists, and which are items of one: S3
//! writes most lists without a wrapping element, so that an only item looks
//! like a plain member, and gives the items of the others names of their own.
//! From botocore's model of S3, inputs and outputs.

/// The name of the items of a list that has an element of its own.
pub(crate) fn item_of(list: &str) -> Option<&'static str> {
    match list {
        "AccessControlList" | "TargetGrants" => Some("Grant"),
        "Annotations" => Some("AnnotationEntry"),
        "Buckets" => Some("Bucket"),
        "OptionalFields" => Some("Field"),
        "RoutingRules" => Some("RoutingRule"),
        "TagSet" | "Tags" => Some("Tag"),
        "UserMetadata" => Some("MetadataEntry"),
        _ => None,
    }
}

/// Whether `name` under `parent` is an item of a list without such an element.
pub(crate) fn is_list(parent: &str, name: &str) -> bool {
    match name {
        "AllowedHeader"
        | "AllowedMethod"
        | "AllowedOrigin"
        | "AnalyticsConfiguration"
        | "CORSRule"
        | "CommonPrefixes"
        | "Contents"
        | "Deleted"
        | "Event"
        | "ExposeHeader"
        | "FilterRule"
        | "MetricsConfiguration"
        | "NoncurrentVersionTransition"
        | "Object"
        | "QueueConfiguration"
        | "CloudFunctionConfiguration"
        | "TopicConfiguration"
        | "Part"
        | "Tiering"
        | "Transition"
        | "Upload"
        | "Version" => true,
        "IntelligentTieringConfiguration" | "InventoryConfiguration" => parent.starts_with("List"),
        "Tag" => parent == "And",
        "Rule" => parent != "ObjectLockConfiguration",
        "Error" => parent == "DeleteResult",
        "DeleteMarker" => parent == "ListVersionsResult",
        "EncryptionType" => parent == "BlockedEncryptionTypes",
        "ChecksumAlgorithm" => matches!(parent, "Contents" | "Version"),
        _ => false,
    }
}
