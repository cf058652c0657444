//! What the policies of a template's resources are about.

use super::{of_bucket, queue, with_parts};
use crate::access::templates::Place;
use crate::access::unnamed::{OF_STACK, form};
use crate::lint::known::{Member, Node, Value};

/// A resource of a template, by its logical id: its type, and its properties as far as they are
/// known.
pub(in crate::access) type Find<'f> = dyn Fn(&str) -> Option<(&'f str, &'f Node)> + 'f;

/// A policy of a template: the resource that has it, of a type, with its properties as far as
/// they are known.
#[derive(Clone, Copy)]
pub(in crate::access) struct OfTemplate<'t, 'f> {
    pub(in crate::access) resource: &'t Member,
    pub(in crate::access) kind: &'t str,
    pub(in crate::access) properties: &'t Node,
    pub(in crate::access) place: &'t Place,
    pub(in crate::access) find: &'t Find<'f>,
}

/// Types of templates with a name, the property that is it, and what stands in their ARNs: the
/// service, and what is before the name
/// (<https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html>).
const NAMED: [(&str, &str, &str, &str); 11] = [
    (GLOBAL_TABLE, "TableName", "dynamodb", "table/"),
    ("AWS::DynamoDB::Table", "TableName", "dynamodb", "table/"),
    (PUBLIC_REPOSITORY, "RepositoryName", "ecr-public", "repository/"),
    ("AWS::ECR::Repository", "RepositoryName", "ecr", "repository/"),
    ("AWS::Elasticsearch::Domain", "DomainName", "es", "domain/"),
    ("AWS::Kinesis::Stream", "Name", "kinesis", "stream/"),
    ("AWS::OpenSearchService::Domain", "DomainName", "es", "domain/"),
    ("AWS::S3::AccessPoint", "Name", "s3", "accesspoint/"),
    ("AWS::S3Tables::TableBucket", "TableBucketName", "s3tables", "bucket/"),
    ("AWS::SNS::Topic", "TopicName", "sns", ""),
    ("AWS::SQS::Queue", "QueueName", "sqs", ""),
];

/// A table with replicas: one of its name in each region of them, each with policies of its own
/// (<https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-dynamodb-globaltable.html>).
const GLOBAL_TABLE: &str = "AWS::DynamoDB::GlobalTable";

/// A repository of no region.
const PUBLIC_REPOSITORY: &str = "AWS::ECR::PublicRepository";

/// Types of those to which `CloudFormation` gives a name of the stack's, the logical id's and
/// letters of its own, as they are written
/// (<https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-name.html>).
const NAMED_BY_STACKS: [&str; 5] = [
    GLOBAL_TABLE,
    "AWS::DynamoDB::Table",
    "AWS::Kinesis::Stream",
    "AWS::SNS::Topic",
    "AWS::SQS::Queue",
];

/// Those whose names have no capital letters: "The repository name must start with a letter and
/// can only contain lowercase letters, numbers, hyphens, underscores, and forward slashes"
/// (<https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_CreateRepository.html>).
const NAMED_IN_SMALL_LETTERS: [&str; 2] = [PUBLIC_REPOSITORY, "AWS::ECR::Repository"];

const FILE_SYSTEM: &str = "AWS::EFS::FileSystem";

/// The ids that AWS gives file systems: "either LONG_ID (17 characters) or SHORT_ID (8
/// characters)" (<https://docs.aws.amazon.com/efs/latest/ug/API_ResourceIdPreference.html>). What a
/// plan's new file system is called here is longer: none of a template's is that one.
const FILE_SYSTEMS: [&str; 2] = ["file-system/fs-????????", "file-system/fs-?????????????????"];

/// Types of templates in whose resource there is what has a policy of its own: the streams of a
/// table, the consumers of a stream
/// (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/access-control-resource-based.html>,
/// <https://docs.aws.amazon.com/streams/latest/dev/resource-based-policy-examples.html>).
const WITH_OTHERS: [&str; 3] =
    [GLOBAL_TABLE, "AWS::DynamoDB::Table", "AWS::Kinesis::ResourcePolicy"];

/// Types of templates that are policies of others, and the property that names those.
const OF_OTHERS_OF_TEMPLATES: [(&str, &str); 7] = [
    ("AWS::Kinesis::ResourcePolicy", "ResourceArn"),
    ("AWS::S3Tables::TableBucketPolicy", "TableBucketARN"),
    ("AWS::SNS::TopicInlinePolicy", "TopicArn"),
    ("AWS::SNS::TopicPolicy", "Topics"),
    ("AWS::SQS::QueueInlinePolicy", "Queue"),
    ("AWS::SQS::QueuePolicy", "Queues"),
    ("AWS::SecretsManager::ResourcePolicy", "SecretId"),
];

const SECRET: &str = "AWS::SecretsManager::Secret";

/// How the id of a multi-Region key begins, and that of no other
/// (<https://docs.aws.amazon.com/kms/latest/developerguide/mrk-how-it-works.html>).
const MULTI_REGION: &str = "mrk-";

/// What the id of a key of the setting begins with; `None` where that is not known.
pub(in crate::access) fn before_key(multi_region: Option<&Node>) -> Option<&'static str> {
    match multi_region.map(|node| &node.value) {
        None | Some(Value::Null | Value::Bool(false)) => Some(""),
        Some(Value::Bool(true)) => Some(MULTI_REGION),
        Some(Value::Text(text)) if text.eq_ignore_ascii_case("true") => Some(MULTI_REGION),
        Some(Value::Text(text)) if text.eq_ignore_ascii_case("false") => Some(""),
        Some(_) => None,
    }
}

impl OfTemplate<'_, '_> {
    /// Patterns of what a policy is about that is called so; `None` where that is not known.
    pub(in crate::access) fn own(self, called: &str) -> Option<Vec<String>> {
        let Place { partition, account, region } = self.place;
        match self.kind {
            // AWS chooses its id: nothing else has it.
            "AWS::KMS::Key" | "AWS::KMS::ReplicaKey" => {
                let region = region.as_deref().unwrap_or("*");
                let before = match self.kind {
                    "AWS::KMS::ReplicaKey" => MULTI_REGION,
                    _ => before_key(self.properties.get("MultiRegion"))?,
                };
                let id =
                    format!("{before}known-after-apply.{}", called.replace(['*', '?', '$'], "-"));
                Some(vec![format!("arn:{partition}:kms:{region}:{account}:key/{id}")])
            }
            kind if WITH_OTHERS.contains(&kind) => None,
            _ => self.all(|_, kind, properties| self.arn(kind, properties, None)),
        }
    }

    /// The same where it may be about more than its own resource: of one to which AWS gives a
    /// part of its name, about all that may have such a name.
    pub(in crate::access) fn most(self, called: &str) -> Option<Vec<String>> {
        if self.kind == FILE_SYSTEM {
            let written = |rest: &&str| self.written("elasticfilesystem", rest);
            return Some(FILE_SYSTEMS.iter().map(written).collect());
        }
        self.own(called).or_else(|| {
            self.all(|id, kind, properties| {
                if let Some(own) = self.arn(kind, properties, None) {
                    return Some(own);
                }
                let is_named = |property: &str| {
                    Node::is_unknown(properties)
                        || properties.get(property).is_some_and(Node::is_something)
                };
                if kind == SECRET {
                    // "Secrets Manager includes six random characters at the end of the secret
                    // ARN" (<https://docs.aws.amazon.com/secretsmanager/latest/userguide/troubleshoot.html>).
                    let name = properties.get("Name").and_then(Node::text)?;
                    return Some(self.written("secretsmanager", &format!("secret:{name}-??????")));
                }
                let (_, property, ..) = NAMED.iter().find(|(of, ..)| *of == kind)?;
                let form = form(&format!("{OF_STACK}{id}")).filter(|_| !is_named(property))?;
                let form = match kind {
                    kind if NAMED_BY_STACKS.contains(&kind) => form,
                    kind if NAMED_IN_SMALL_LETTERS.contains(&kind) => form.to_ascii_lowercase(),
                    _ => return None,
                };
                self.arn(kind, properties, Some(&form))
            })
        })
    }

    /// What all resources are that it is about, by logical id, type and properties.
    fn all(self, arn: impl Fn(&str, &str, &Node) -> Option<String>) -> Option<Vec<String>> {
        let of = OF_OTHERS_OF_TEMPLATES.iter().find(|(kind, _)| *kind == self.kind);
        let Some((_, property)) = of else {
            let own = arn(&self.resource.key, self.kind, self.properties)?;
            // What has the name of a repository before its own, is another.
            let is_alone = NAMED_IN_SMALL_LETTERS.contains(&self.kind);
            return Some(if is_alone { vec![own] } else { with_parts(&own) });
        };
        let written = self.resource.value.path(&["Properties", *property]);
        let written = written.map(listed).unwrap_or_default();
        let mut found = Vec::new();
        for (at, one) in listed(self.properties.get(property)?).iter().enumerate() {
            let own = match one.text() {
                Some(text) if text.starts_with("arn:") => text.to_owned(),
                Some(text) => queue(text).filter(|_| self.kind.starts_with("AWS::SQS::"))?,
                None => {
                    let id = referred(written.get(at)?)?;
                    let (kind, properties) = (self.find)(id)?;
                    arn(id, kind, properties)?
                }
            };
            found.extend(with_parts(&own));
        }
        Some(found)
    }

    /// The ARN of a resource of a type, by its name, or by another.
    fn arn(self, kind: &str, properties: &Node, name: Option<&str>) -> Option<String> {
        let (_, property, service, before) = NAMED.iter().find(|(of, ..)| *of == kind)?;
        let name = name.or_else(|| properties.get(property)?.text())?;
        let rest = format!("{before}{name}");
        Some(match kind {
            GLOBAL_TABLE => self.written_in("*", service, &rest),
            PUBLIC_REPOSITORY => self.written_in("", service, &rest),
            _ => self.written(service, &rest),
        })
    }

    fn written(self, service: &str, rest: &str) -> String {
        self.written_in(self.place.region.as_deref().unwrap_or("*"), service, rest)
    }

    fn written_in(self, region: &str, service: &str, rest: &str) -> String {
        let Place { partition, account, .. } = self.place;
        format!("arn:{partition}:{service}:{region}:{account}:{rest}")
    }
}

/// The items of a list, or what is none.
fn listed(node: &Node) -> &[Node] {
    if node.items().is_empty() { std::slice::from_ref(node) } else { node.items() }
}

/// The logical id that a `Ref` or an `Fn::GetAtt` names.
pub(in crate::access) fn referred(node: &Node) -> Option<&str> {
    let attribute = node.get("Fn::GetAtt").map(|it| it.items().first().unwrap_or(it));
    let text = node.get("Ref").or(attribute)?.text()?;
    text.split('.').next()
}

/// A bucket of a template and what is in it, of its policy.
pub(in crate::access) fn bucket_of_template(kind: &str, properties: &Node) -> Option<Vec<String>> {
    let name = properties.get("Bucket").filter(|_| kind == "AWS::S3::BucketPolicy")?.text()?;
    Some(of_bucket(name))
}

/// Types of templates that are the only policy of a resource, and the property that names it.
const OF_ONE: [(&str, &str); 4] = [
    ("AWS::S3::BucketPolicy", "Bucket"),
    ("AWS::SNS::TopicPolicy", "Topics"),
    ("AWS::SQS::QueuePolicy", "Queues"),
    ("AWS::SecretsManager::ResourcePolicy", "SecretId"),
];

/// Of which resources a resource of a template is the only policy, as patterns of their ARNs:
/// of one that the template names by its logical id, what nothing of another template has.
pub(in crate::access) fn of_one(
    (kind, template): (&str, usize),
    known: Option<&[String]>,
    written: Option<&Node>,
) -> Vec<String> {
    let Some((_, property)) = OF_ONE.iter().find(|(of, _)| *of == kind) else { return Vec::new() };
    if let Some(known) = known {
        return known.iter().filter(|one| !one.ends_with("/*")).cloned().collect();
    }
    let Some(written) = written.and_then(|node| node.get(property)) else { return Vec::new() };
    let id = |one: &Node| referred(one).map(|id| format!("template:{template}:{id}"));
    listed(written).iter().filter_map(id).collect()
}
