//! What Layer 1 leaves to others: attributes that its own configuration tells
//! Terraform to ignore, and those that `ringfence.toml` names.

use std::collections::BTreeSet;
use std::path::Path;

use super::hcl;
use super::snapshot::{ObjectId, resources};
use crate::config::{IgnoredAttribute, Layer1};
use crate::terraform::Instance;

/// Kinds of objects that are guard rails: nobody may change them, whatever the
/// configuration leaves to others.
const RAILS: [&str; 5] = ["policy", "OIDC provider", "route", "authorizer", "log resource policy"];

/// Members that are guard rails, by kind.
const RAIL_MEMBERS: [(&str, &str); 23] = [
    ("function", "Policy"),
    ("function", "URLs"),
    ("role", "AssumeRolePolicyDocument"),
    ("role", "PermissionsBoundary"),
    ("role", "RolePolicyList"),
    ("role", "AttachedManagedPolicies"),
    ("user", "PermissionsBoundary"),
    ("user", "UserPolicyList"),
    ("user", "AttachedManagedPolicies"),
    ("group", "GroupPolicyList"),
    ("group", "AttachedManagedPolicies"),
    ("bucket", "policy"),
    ("bucket", "public access block"),
    ("bucket", "ACL"),
    ("secret", "ResourcePolicy"),
    ("route table", "routeSet"),
    ("VPC endpoint", "policyDocument"),
    ("KMS key", "Policy"),
    ("KMS key", "Grants"),
    ("queue", "Policy"),
    ("topic", "Policy"),
    ("image repository", "policy"),
    ("event bus", "Policy"),
];

/// Terraform's resources and the objects that they are: the type, the kind, and
/// the attribute with the object's name.
const RESOURCES: [(&str, &str, &str); 27] = [
    ("aws_iam_role", "role", "name"),
    ("aws_iam_user", "user", "name"),
    ("aws_iam_group", "group", "name"),
    ("aws_lambda_function", "function", "function_name"),
    ("aws_lambda_alias", "alias", "arn"),
    ("aws_ssm_parameter", "parameter", "name"),
    ("aws_secretsmanager_secret", "secret", "name"),
    ("aws_secretsmanager_secret_version", "secret", "secret_id"),
    ("aws_cloudwatch_log_group", "log group", "name"),
    ("aws_dynamodb_table", "table", "name"),
    ("aws_s3_bucket", "bucket", "bucket"),
    ("aws_s3_bucket_versioning", "bucket", "bucket"),
    ("aws_s3_bucket_lifecycle_configuration", "bucket", "bucket"),
    ("aws_apigatewayv2_api", "API", "id"),
    ("aws_apigatewayv2_stage", "stage", "name"),
    ("aws_apigatewayv2_integration", "integration", "id"),
    ("aws_vpc", "VPC", "id"),
    ("aws_subnet", "subnet", "id"),
    ("aws_security_group", "security group", "id"),
    ("aws_route_table", "route table", "id"),
    ("aws_vpc_endpoint", "VPC endpoint", "id"),
    ("aws_nat_gateway", "NAT gateway", "id"),
    ("aws_kms_key", "KMS key", "key_id"),
    ("aws_sqs_queue", "queue", "name"),
    ("aws_sns_topic", "topic", "arn"),
    ("aws_ecr_repository", "image repository", "name"),
    ("aws_cloudwatch_event_bus", "event bus", "name"),
];

/// Attributes whose members are called otherwise than in camel case.
const MEMBERS: [(&str, &[&str]); 20] = [
    ("filename", &["CodeSha256"]),
    ("source_code_hash", &["CodeSha256"]),
    ("s3_bucket", &["CodeSha256"]),
    ("s3_key", &["CodeSha256"]),
    ("s3_object_version", &["CodeSha256"]),
    ("image_uri", &["CodeSha256", "ImageConfigResponse"]),
    ("tags", &["Tags", "tags", "tagSet"]),
    ("tags_all", &["Tags", "tags", "tagSet"]),
    ("reserved_concurrent_executions", &["ReservedConcurrentExecutions"]),
    ("retention_in_days", &["retentionInDays"]),
    ("secret_string", &["Value"]),
    ("ingress", &["ipPermissions"]),
    ("egress", &["ipPermissionsEgress"]),
    ("lifecycle_rule", &["lifecycle"]),
    ("versioning_configuration", &["versioning"]),
    ("ttl", &["TimeToLive"]),
    // SQS's (<https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html>).
    ("max_message_size", &["MaximumMessageSize"]),
    ("message_retention_seconds", &["MessageRetentionPeriod"]),
    ("receive_wait_time_seconds", &["ReceiveMessageWaitTimeSeconds"]),
    ("visibility_timeout_seconds", &["VisibilityTimeout"]),
];

/// What others may change.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct LeftToOthers {
    /// Kind, name, and the member in small letters without signs; none for all
    /// that are no guard rails.
    members: BTreeSet<(&'static str, String, Option<String>)>,
    /// The type, the name and the id of a resource, and an attribute of it.
    attributes: Vec<(String, String, Option<String>, String)>,
}

impl LeftToOthers {
    /// Adds what a root module of Layer 1 leaves to others.
    ///
    /// # Errors
    /// When its files cannot be read.
    pub(super) fn extend(
        &mut self,
        layer1: &Layer1,
        instances: &[Instance],
    ) -> std::io::Result<()> {
        let mut ignored = match layer1.is_terraform() {
            true => hcl::ignored(Path::new(&layer1.directory))?,
            false => Vec::new(),
        };
        ignored.extend(layer1.ignore_changes.iter().cloned());
        let own = Self::new(&ignored, instances);
        self.members.extend(own.members);
        self.attributes.extend(own.attributes);
        Ok(())
    }

    #[cfg(test)]
    pub(super) fn leaving(ignored: &[IgnoredAttribute], instances: &[Instance]) -> Self {
        Self::new(ignored, instances)
    }

    fn new(ignored: &[IgnoredAttribute], instances: &[Instance]) -> Self {
        let (mut members, mut attributes) = (BTreeSet::new(), Vec::new());
        for one in ignored {
            let made =
                instances.iter().filter(|made| made.kind == one.kind && made.name == one.name);
            for instance in made {
                let id = instance.text("id").map(str::to_owned);
                attributes.push((one.kind.clone(), one.name.clone(), id, plain(&one.attribute)));
                if let Some(kind) = resources::kind(&one.kind) {
                    for member in named(&one.attribute) {
                        members.insert((kind, instance.address(), member));
                    }
                }
                for (_, kind, named_by) in RESOURCES.iter().filter(|(of, ..)| *of == one.kind) {
                    let Some(name) = instance.text(named_by) else { continue };
                    let name = name.rsplit(':').next().unwrap_or(name).to_owned();
                    for member in named(&one.attribute) {
                        members.insert((*kind, name.clone(), member));
                    }
                }
            }
        }
        Self { members, attributes }
    }

    /// The attributes that a resource leaves to others, in small letters without
    /// signs; `all` for all of them.
    pub(super) fn attributes_of(&self, instance: &Instance) -> Vec<&str> {
        let own = self.attributes.iter().filter(|(kind, name, id, _)| {
            (kind, name) == (&instance.kind, &instance.name) && id.as_deref() == instance.text("id")
        });
        own.map(|(.., attribute)| attribute.as_str()).collect()
    }

    /// Whether a resource leaves to others what its service calls so:
    /// `VisibilityTimeout`.
    pub(super) fn has_member(&self, instance: &Instance, member: &str) -> bool {
        let member = plain(member);
        let is_member = |attribute: &str| {
            let others = MEMBERS.iter().filter(|(own, _)| plain(own) == attribute);
            attribute == "all"
                || attribute == member
                || others.flat_map(|(_, members)| *members).any(|other| plain(other) == member)
        };
        self.attributes_of(instance).into_iter().any(is_member)
    }

    /// Whether others may change a member of an object.
    pub(super) fn covers(&self, object: &ObjectId, member: &str) -> bool {
        if RAILS.contains(&object.kind) || RAIL_MEMBERS.contains(&(object.kind, member)) {
            return false;
        }
        // `OPERATION/MEMBER` of what is read by its address.
        let member = match member.rsplit_once('/') {
            Some((_, own)) if resources::kind(object.kind).is_some() => own,
            _ => member,
        };
        if resources::kind(object.kind).is_some() && is_of_permissions(object.kind, member) {
            return false;
        }
        let has = |member| self.members.contains(&(object.kind, object.name.clone(), member));
        has(None) || has(Some(plain(member)))
    }
}

/// How types and members are called that say who may do what, whatever service
/// they are of.
const PERMISSIONS: [&str; 6] = ["polic", "permission", "authoriz", "role", "grant", "trust"];

/// Whether a member of what is read by its address is a guard rail, or the object
/// itself is one.
fn is_of_permissions(kind: &str, member: &str) -> bool {
    [plain(kind), plain(member)]
        .iter()
        .any(|name| PERMISSIONS.iter().any(|word| name.contains(word)))
}

/// The members that an attribute is: itself without signs, and others; none for
/// `all`.
fn named(attribute: &str) -> Vec<Option<String>> {
    if attribute == "all" {
        return vec![None];
    }
    let others = MEMBERS.iter().filter(|(own, _)| *own == attribute);
    let others = others.flat_map(|(_, members)| members.iter().map(|member| plain(member)));
    std::iter::once(plain(attribute)).chain(others).map(Some).collect()
}

/// `memory_size` and `MemorySize` are one name.
pub(super) fn plain(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn instances() -> Vec<Instance> {
        Instance::of(&json!({"resources": [
            {"mode": "managed", "type": "aws_lambda_function", "name": "managed", "instances": [
                {"index_key": "b", "attributes": {"function_name": "service-b"}},
            ]},
            {"mode": "managed", "type": "aws_iam_role", "name": "r", "instances": [
                {"attributes": {"name": "deployer"}},
            ]},
        ]}))
    }

    fn ignored(kind: &str, name: &str, attribute: &str) -> IgnoredAttribute {
        format!("{kind}.{name}.{attribute}").parse().unwrap()
    }

    fn id(kind: &'static str, name: &str) -> ObjectId {
        ObjectId { kind, name: name.to_owned() }
    }

    #[test]
    fn an_ignored_attribute_is_the_members_that_it_becomes_and_no_other() {
        let left = LeftToOthers::new(
            &[
                ignored("aws_lambda_function", "managed", "source_code_hash"),
                ignored("aws_lambda_function", "managed", "memory_size"),
            ],
            &instances(),
        );
        let function = id("function", "service-b");
        assert!(left.covers(&function, "CodeSha256"));
        assert!(left.covers(&function, "MemorySize"));
        assert!(!left.covers(&function, "Role"));
        assert!(!left.covers(&id("function", "service-a"), "MemorySize"));
    }

    #[test]
    fn a_functions_policy_and_its_urls_are_left_to_nobody() {
        let left =
            LeftToOthers::new(&[ignored("aws_lambda_function", "managed", "all")], &instances());
        let function = id("function", "service-b");
        assert!(left.covers(&function, "Timeout"));
        for member in ["Policy", "URLs"] {
            assert!(!left.covers(&function, member), "{member}");
        }
    }

    /// Neither by the attribute nor with all others.
    #[test]
    fn the_routes_of_a_network_are_left_to_nobody() {
        let instances = Instance::of(&json!({"resources": [
            {"mode": "managed", "type": "aws_route_table", "name": "private", "instances": [
                {"attributes": {"id": "rtb-1"}},
            ]},
        ]}));
        for attribute in ["all", "route"] {
            let ignored = [ignored("aws_route_table", "private", attribute)];
            let left = LeftToOthers::new(&ignored, &instances);
            let table = id("route table", "rtb-1");
            assert!(!left.covers(&table, "routeSet"), "{attribute}");
            assert_eq!(left.covers(&table, "tagSet"), attribute == "all");
        }
    }

    #[test]
    fn a_guard_rail_is_left_to_nobody_whatever_the_configuration_says() {
        let all = [
            ignored("aws_iam_role", "r", "all"),
            ignored("aws_iam_role", "r", "assume_role_policy"),
        ];
        let left = LeftToOthers::new(&all, &instances());
        let role = id("role", "deployer");
        assert!(left.covers(&role, "Tags"));
        for member in ["AssumeRolePolicyDocument", "PermissionsBoundary", "RolePolicyList"] {
            assert!(!left.covers(&role, member), "{member}");
        }
    }
}
