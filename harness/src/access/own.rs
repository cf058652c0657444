//! What a resource's policy is about: the resource that it is on, and what is done to that,
//! whatever its statements say. It says who has access to the resource to which it is attached
//! (<https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_identity-vs-resource.html>):
//! `"Resource": "*"` of a key's policy means this key
//! (<https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-overview.html>), and what
//! a queue's policy says of actions of S3 lets nobody use a bucket.
//!
//! A policy whose Allows say more is bound by a Deny of everything else. One of a resource that
//! is not known is bound to the service alone.

use std::sync::Arc;

use ringfence_policy::{Document, Kind, Wildcard};
use serde_json::{Value as Json, json};

use super::denies::Denies;
use super::estate::Estate;
use super::grants;
use super::templates::Place;
use super::unnamed::{OF_STACK, form};
use crate::lint::known::{Member, Node, Value};
use crate::lint::terraform::{DOCUMENTS, Resource};

/// Types whose policies stand in themselves, and are about their own ARNs and what is in them.
const OF_THEMSELVES: [&str; 11] = [
    "aws_api_gateway_rest_api",
    "aws_elasticsearch_domain",
    "aws_glacier_vault",
    "aws_kms_external_key",
    "aws_kms_key",
    "aws_kms_replica_external_key",
    "aws_kms_replica_key",
    "aws_opensearch_domain",
    "aws_secretsmanager_secret",
    "aws_sns_topic",
    "aws_sqs_queue",
];

/// A type that is a policy of another resource.
struct OfAnother {
    kind: &'static str,
    /// What names the other: its ARN, or what the resource of one of the types has by one of
    /// the names.
    attribute: &'static str,
    kinds: &'static [&'static str],
    names: &'static [&'static str],
    /// Its ARN where it is not in the files, with `{}` for the name.
    form: Option<&'static str>,
}

const fn by_arn(kind: &'static str, attribute: &'static str) -> OfAnother {
    OfAnother { kind, attribute, kinds: &[], names: &[], form: None }
}

const KEYS: &[&str] =
    &["aws_kms_key", "aws_kms_external_key", "aws_kms_replica_key", "aws_kms_replica_external_key"];

const OF_OTHERS: [OfAnother; 23] = [
    by_arn("aws_acmpca_policy", "resource_arn"),
    OfAnother {
        kind: "aws_api_gateway_rest_api_policy",
        attribute: "rest_api_id",
        kinds: &["aws_api_gateway_rest_api"],
        names: &["id"],
        form: Some("arn:*:execute-api:*:*:{}"),
    },
    OfAnother {
        kind: "aws_cloudwatch_event_bus_policy",
        attribute: "event_bus_name",
        kinds: &["aws_cloudwatch_event_bus"],
        names: &["name", "id"],
        form: Some("arn:*:events:*:*:event-bus/{}"),
    },
    OfAnother {
        kind: "aws_cloudwatch_log_destination_policy",
        attribute: "destination_name",
        kinds: &["aws_cloudwatch_log_destination"],
        names: &["name", "id"],
        form: Some("arn:*:logs:*:*:destination:{}"),
    },
    by_arn("aws_codebuild_resource_policy", "resource_arn"),
    by_arn("aws_dynamodb_resource_policy", "resource_arn"),
    OfAnother {
        kind: "aws_ecr_repository_policy",
        attribute: "repository",
        kinds: &["aws_ecr_repository"],
        names: &["name", "id"],
        form: Some("arn:*:ecr:*:*:repository/{}"),
    },
    OfAnother {
        kind: "aws_ecrpublic_repository_policy",
        attribute: "repository_name",
        kinds: &["aws_ecrpublic_repository"],
        names: &["repository_name", "id"],
        form: Some("arn:*:ecr-public:*:*:repository/{}"),
    },
    OfAnother {
        kind: "aws_efs_file_system_policy",
        attribute: "file_system_id",
        kinds: &["aws_efs_file_system"],
        names: &["id"],
        form: Some("arn:*:elasticfilesystem:*:*:file-system/{}"),
    },
    OfAnother {
        kind: "aws_elasticsearch_domain_policy",
        attribute: "domain_name",
        kinds: &["aws_elasticsearch_domain"],
        names: &["domain_name"],
        form: Some("arn:*:es:*:*:domain/{}"),
    },
    OfAnother {
        kind: "aws_glacier_vault_lock",
        attribute: "vault_name",
        kinds: &["aws_glacier_vault"],
        names: &["name", "id"],
        form: Some("arn:*:glacier:*:*:vaults/{}"),
    },
    by_arn("aws_kinesis_resource_policy", "resource_arn"),
    OfAnother {
        kind: "aws_kms_key_policy",
        attribute: "key_id",
        kinds: KEYS,
        names: &["key_id", "id"],
        form: Some("arn:*:kms:*:*:key/{}"),
    },
    by_arn("aws_networkfirewall_resource_policy", "resource_arn"),
    OfAnother {
        kind: "aws_opensearch_domain_policy",
        attribute: "domain_name",
        kinds: &["aws_opensearch_domain"],
        names: &["domain_name"],
        form: Some("arn:*:es:*:*:domain/{}"),
    },
    by_arn("aws_s3tables_table_bucket_policy", "table_bucket_arn"),
    by_arn("aws_s3tables_table_policy", "table_bucket_arn"),
    OfAnother {
        kind: "aws_sagemaker_model_package_group_policy",
        attribute: "model_package_group_name",
        kinds: &["aws_sagemaker_model_package_group"],
        names: &["model_package_group_name", "id"],
        form: Some("arn:*:sagemaker:*:*:model-package-group/{}"),
    },
    OfAnother {
        kind: "aws_schemas_registry_policy",
        attribute: "registry_name",
        kinds: &["aws_schemas_registry"],
        names: &["name", "id"],
        form: Some("arn:*:schemas:*:*:registry/{}"),
    },
    OfAnother {
        kind: "aws_secretsmanager_secret_policy",
        attribute: "secret_arn",
        kinds: &["aws_secretsmanager_secret"],
        names: &["id"],
        form: None,
    },
    OfAnother {
        kind: "aws_ses_identity_policy",
        attribute: "identity",
        kinds: &[],
        names: &[],
        form: Some("arn:*:ses:*:*:identity/{}"),
    },
    by_arn("aws_sns_topic_policy", "arn"),
    OfAnother {
        kind: "aws_sqs_queue_policy",
        attribute: "queue_url",
        kinds: &["aws_sqs_queue"],
        names: &["url", "id"],
        form: None,
    },
];

/// An API, whose policies are about calls of it
/// (<https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-resource-policies.html>).
const API: &str = "aws_api_gateway_rest_api";

/// What is a resource's own besides what is in it, by how its ARN has it and how these have it:
/// rules of an event bus, schemas, versions of a model
/// (<https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html>).
const BESIDE: [(&str, &str, &str); 3] = [
    (":events:", ":event-bus/", ":rule/"),
    (":sagemaker:", ":model-package-group/", ":model-package/"),
    (":schemas:", ":registry/", ":schema/"),
];

/// The bus of an account that has no name of its own, whose rules stand without it.
const DEFAULT_BUS: &str = "default";

impl Estate {
    /// Binds each policy that stands in a resource, or is one of a resource.
    pub(super) fn bind(&mut self) {
        let Self { entries, resources, .. } = self;
        for resource in resources.iter().filter(|it| !it.is_data) {
            let is_standing = DOCUMENTS
                .iter()
                .any(|(kind, _, of)| *kind == resource.kind && *of == Kind::Resource);
            let entry = entries.get_mut(&resource.address).filter(|_| is_standing);
            let Some(entry) = entry else { continue };
            let Some(policy) = entry.policies.resource.as_mut() else { continue };
            let about = grants::actions(&resource.kind);
            let (own, of) = (own(resource, resources), of(resource, resources));
            entry.denies = Denies::of(policy, of.as_deref(), &about, true);
            // The first is of the resource itself, what is in it the others.
            entry.of_one = of.iter().flatten().take(1).cloned().collect();
            let own = own.unwrap_or_default();
            *policy = bound(policy, &own, &about);
            entry.region = Region { own, about };
        }
    }
}

/// Patterns of what a resource's policy is about; `None` where that is not known.
fn own(resource: &Resource, all: &[Resource]) -> Option<Vec<String>> {
    let kind = resource.kind.as_str();
    if OF_THEMSELVES.contains(&kind) {
        return text(resource, arn_of(kind)).map(with_parts);
    }
    let of = OF_OTHERS.iter().find(|of| of.kind == kind)?;
    let is_said = resource.values.get(of.attribute).is_some_and(Node::is_something);
    let named = match text(resource, of.attribute) {
        None if of.attribute == "event_bus_name" && !is_said => DEFAULT_BUS,
        named => named?,
    };
    if named.starts_with("arn:") {
        return Some(with_parts(named));
    }
    let is_it = |one: &&Resource| {
        let is_named = |name: &&str| text(one, name) == Some(named);
        !one.is_data && of.kinds.contains(&one.kind.as_str()) && of.names.iter().any(is_named)
    };
    if let Some(it) = all.iter().find(is_it) {
        return text(it, arn_of(&it.kind)).map(with_parts);
    }
    match of.form {
        Some(form) => Some(with_parts(&form.replace("{}", named))),
        None => (kind == "aws_sqs_queue_policy").then(|| queue(named).map(|arn| vec![arn]))?,
    }
}

/// The same, of a bucket's too: what else a bucket's policy says, S3 does not store.
pub(super) fn of(resource: &Resource, all: &[Resource]) -> Option<Vec<String>> {
    own(resource, all).or_else(|| bucket(resource))
}

/// A bucket and what is in it, of the bucket or of its policy.
fn bucket(resource: &Resource) -> Option<Vec<String>> {
    let is_of_bucket = matches!(resource.kind.as_str(), "aws_s3_bucket" | "aws_s3_bucket_policy");
    let name = text(resource, "bucket").filter(|_| is_of_bucket)?;
    Some(of_bucket(name))
}

fn of_bucket(name: &str) -> Vec<String> {
    with_parts(&match name.starts_with("arn:") {
        true => name.to_owned(),
        false => format!("arn:*:s3:::{name}"),
    })
}

/// The attribute of a type that is the ARN of what its policy is about.
fn arn_of(kind: &str) -> &'static str {
    if kind == API { "execution_arn" } else { "arn" }
}

/// The policy of an API with the ARNs of the API in the place of what stands for them in short:
/// `execute-api:/stage/GET/path` is of the API itself
/// (<https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-resource-policies-examples.html>).
pub(super) fn whole(resource: &Resource, all: &[Resource], node: &Node) -> Node {
    const SHORT: &str = "\"execute-api:/";
    let written = node.text().filter(|text| resource.kind.starts_with(API) && text.contains(SHORT));
    let Some(written) = written else { return node.clone() };
    let own = own(resource, all).and_then(|own| own.first().cloned());
    let own = own.unwrap_or_else(|| "arn:*:execute-api:*:*:*".to_owned());
    let text = written.replace(SHORT, &format!("\"{own}/"));
    Node::new(node.at, Value::Text(text))
}

/// The ARN of a queue of a URL, `https://sqs.eu-west-1.amazonaws.com/123456789012/q`
/// (<https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-queue-message-identifiers.html>).
fn queue(url: &str) -> Option<String> {
    let (before, name) = url.rsplit_once('/')?;
    let (before, account) = before.rsplit_once('/')?;
    let is_account = account.len() == 12 && account.bytes().all(|it| it.is_ascii_digit());
    let host = before.rsplit('/').next()?;
    let region = host.strip_prefix("sqs.").and_then(|rest| rest.split('.').next());
    let region = region.filter(|it| it.contains('-')).unwrap_or("*");
    (is_account && !name.is_empty()).then(|| format!("arn:*:sqs:{region}:{account}:{name}"))
}

/// Services whose resources with policies have nothing in them
/// (<https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html>).
const WITHOUT_PARTS: [&str; 4] = ["kms", "secretsmanager", "sns", "sqs"];

/// An ARN, and those of what is in it.
fn with_parts(arn: &str) -> Vec<String> {
    let mut all = vec![arn.to_owned()];
    let is_whole = arn.split(':').nth(2).is_some_and(|service| WITHOUT_PARTS.contains(&service));
    if !is_whole {
        all.push(format!("{arn}/*"));
    }
    for (service, own, beside) in BESIDE {
        if let Some((before, name)) = arn.split_once(own).filter(|_| arn.contains(service)) {
            let is_default = service == ":events:" && name == DEFAULT_BUS;
            let name = if is_default { String::new() } else { format!("{name}/") };
            all.push(format!("{before}{beside}{name}*"));
        }
    }
    all
}

fn text<'r>(resource: &'r Resource, attribute: &str) -> Option<&'r str> {
    resource.values.get(attribute).and_then(Node::text).filter(|text| !text.is_empty())
}

/// A resource of a template, by its logical id: its type, and its properties as far as they are
/// known.
pub(super) type Find<'f> = dyn Fn(&str) -> Option<(&'f str, &'f Node)> + 'f;

/// A policy of a template: the resource that has it, of a type, with its properties as far as
/// they are known.
#[derive(Clone, Copy)]
pub(super) struct OfTemplate<'t, 'f> {
    pub(super) resource: &'t Member,
    pub(super) kind: &'t str,
    pub(super) properties: &'t Node,
    pub(super) place: &'t Place,
    pub(super) find: &'t Find<'f>,
}

/// Types of templates with a name, the property that is it, and what stands in their ARNs: the
/// service, and what is before the name
/// (<https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html>).
const NAMED: [(&str, &str, &str, &str); 9] = [
    ("AWS::DynamoDB::Table", "TableName", "dynamodb", "table/"),
    ("AWS::ECR::Repository", "RepositoryName", "ecr", "repository/"),
    ("AWS::Elasticsearch::Domain", "DomainName", "es", "domain/"),
    ("AWS::Kinesis::Stream", "Name", "kinesis", "stream/"),
    ("AWS::OpenSearchService::Domain", "DomainName", "es", "domain/"),
    ("AWS::S3::AccessPoint", "Name", "s3", "accesspoint/"),
    ("AWS::S3Tables::TableBucket", "TableBucketName", "s3tables", "bucket/"),
    ("AWS::SNS::Topic", "TopicName", "sns", ""),
    ("AWS::SQS::Queue", "QueueName", "sqs", ""),
];

/// Types of those to which `CloudFormation` gives a name of the stack's, the logical id's and
/// letters of its own, as they are written
/// (<https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-name.html>).
const NAMED_BY_STACKS: [&str; 4] =
    ["AWS::DynamoDB::Table", "AWS::Kinesis::Stream", "AWS::SNS::Topic", "AWS::SQS::Queue"];

/// Types of templates in whose resource there is what has a policy of its own: the streams of a
/// table, the consumers of a stream
/// (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/access-control-resource-based.html>,
/// <https://docs.aws.amazon.com/streams/latest/dev/resource-based-policy-examples.html>).
const WITH_OTHERS: [&str; 2] = ["AWS::DynamoDB::Table", "AWS::Kinesis::ResourcePolicy"];

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
pub(super) const MULTI_REGION: &str = "mrk-";

/// What the id of a key of the setting begins with; `None` where that is not known.
pub(super) fn before_key(multi_region: Option<&Node>) -> Option<&'static str> {
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
    pub(super) fn own(self, called: &str) -> Option<Vec<String>> {
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
    pub(super) fn most(self, called: &str) -> Option<Vec<String>> {
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
                let form = form(&format!("{OF_STACK}{id}"));
                let form = form.filter(|_| NAMED_BY_STACKS.contains(&kind) && !is_named(property));
                self.arn(kind, properties, Some(&form?))
            })
        })
    }

    /// What all resources are that it is about, by logical id, type and properties.
    fn all(self, arn: impl Fn(&str, &str, &Node) -> Option<String>) -> Option<Vec<String>> {
        let of = OF_OTHERS_OF_TEMPLATES.iter().find(|(kind, _)| *kind == self.kind);
        let Some((_, property)) = of else {
            let own = arn(&self.resource.key, self.kind, self.properties)?;
            // What has the name of a repository before its own, is another.
            let is_alone = self.kind == "AWS::ECR::Repository";
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
        Some(self.written(service, &format!("{before}{name}")))
    }

    fn written(self, service: &str, rest: &str) -> String {
        let Place { partition, account, region } = self.place;
        let region = region.as_deref().unwrap_or("*");
        format!("arn:{partition}:{service}:{region}:{account}:{rest}")
    }
}

/// The items of a list, or what is none.
fn listed(node: &Node) -> &[Node] {
    if node.items().is_empty() { std::slice::from_ref(node) } else { node.items() }
}

/// The logical id that a `Ref` or an `Fn::GetAtt` names.
fn referred(node: &Node) -> Option<&str> {
    let attribute = node.get("Fn::GetAtt").map(|it| it.items().first().unwrap_or(it));
    let text = node.get("Ref").or(attribute)?.text()?;
    text.split('.').next()
}

/// A bucket of a template and what is in it, of its policy.
pub(super) fn bucket_of_template(kind: &str, properties: &Node) -> Option<Vec<String>> {
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
pub(super) fn of_one(
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

/// A policy about some resources, all where there are none, and some actions alone.
pub(super) fn bound(policy: &Arc<Document>, own: &[String], about: &[String]) -> Arc<Document> {
    let made = || {
        let mut text: Json = serde_json::from_str(policy.text()).ok()?;
        let written = text.get_mut("Statement")?;
        let mut all = match written.take() {
            Json::Array(all) => all,
            one => vec![one],
        };
        let (mut of_others, mut on_others) = (false, false);
        for allow in all.iter().filter(|one| one.get("Effect") == Some(&json!("Allow"))) {
            of_others |= !is_within(allow.get("Action"), about, Wildcard::of_actions);
            on_others |= !is_within(allow.get("Resource"), own, Wildcard::of_text);
        }
        let before = all.len();
        all.extend(of_other_actions(about).filter(|_| of_others));
        all.extend(on_other_resources(own).filter(|_| on_others));
        let is_more = all.len() > before;
        *text.get_mut("Statement")? = Json::Array(all);
        is_more.then_some(text.to_string())
    };
    let made = made().and_then(|it| Document::parse(policy.name(), &it, policy.kind()).ok());
    made.map_or_else(|| Arc::clone(policy), Arc::new)
}

fn deny(action: (&str, Json), resource: (&str, Json)) -> Json {
    json!({"Effect": "Deny", "Principal": "*", action.0: action.1, resource.0: resource.1})
}

fn is_any(all: &[String]) -> bool {
    all.is_empty() || all.iter().any(|one| one == "*")
}

fn of_other_actions(about: &[String]) -> Option<Json> {
    let is_bound = !is_any(about);
    is_bound.then(|| deny(("NotAction", json!(about)), ("Resource", json!("*"))))
}

fn on_other_resources(own: &[String]) -> Option<Json> {
    let is_bound = !is_any(own);
    is_bound.then(|| deny(("Action", json!("*")), ("NotResource", json!(own))))
}

/// What a resource's policy is about: patterns of its own resource and of actions, anything
/// where there are none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Region {
    pub(super) own: Vec<String>,
    pub(super) about: Vec<String>,
}

impl Region {
    /// Denies of all else.
    pub(super) fn others(&self) -> Vec<Json> {
        of_other_actions(&self.about).into_iter().chain(on_other_resources(&self.own)).collect()
    }

    /// A Deny of it; `None` where it is everything.
    pub(super) fn itself(&self) -> Option<Json> {
        let of = |all: &[String]| if is_any(all) { json!("*") } else { json!(all) };
        let is_everything = is_any(&self.about) && is_any(&self.own);
        (!is_everything).then(|| deny(("Action", of(&self.about)), ("Resource", of(&self.own))))
    }

    /// Whether the other is of the same resource, which one of them may tell in less detail
    /// (`arn:*:kms:*:*:key/k1`).
    pub(super) fn is_of_same(&self, other: &Self) -> bool {
        let is_known = !is_any(&self.own) && !is_any(&other.own);
        let are_of = |own: &[String], others: &[String]| {
            own.iter().all(|one| others.iter().any(|it| Wildcard::of_text(it).matches(one)))
        };
        let is_within = || are_of(&self.own, &other.own) || are_of(&other.own, &self.own);
        self.about == other.about && (self.own == other.own || (is_known && is_within()))
    }
}

/// A resource's policy with Denies besides; of a resource that has none, but for which another
/// stands elsewhere, one that says nothing else. `None` where that is no policy.
pub(super) fn beside(
    policy: Option<&Arc<Document>>,
    other: &Document,
    denies: &[Json],
) -> Option<Arc<Document>> {
    let Some(policy) = policy else {
        let statements = std::iter::once(nothing(other.kind())).chain(denies.iter().cloned());
        let statements: Vec<Json> = statements.collect();
        let text = json!({"Version": "2012-10-17", "Statement": statements}).to_string();
        return Document::parse(other.name(), &text, other.kind()).ok().map(Arc::new);
    };
    if denies.is_empty() {
        return Some(Arc::clone(policy));
    }
    let mut text: Json = serde_json::from_str(policy.text()).ok()?;
    let written = text.get_mut("Statement")?;
    let mut all = match written.take() {
        Json::Array(all) => all,
        one => vec![one],
    };
    all.extend(denies.iter().cloned());
    *written = Json::Array(all);
    Document::parse(policy.name(), &text.to_string(), policy.kind()).ok().map(Arc::new)
}

/// A statement that lets nobody do anything: of a role whoever is not let in cannot take it, and
/// of others there is no action that none is.
fn nothing(kind: Kind) -> Json {
    match kind {
        Kind::Trust => json!({"Effect": "Deny", "Principal": "*", "Action": "sts:AssumeRole"}),
        _ => json!({"Effect": "Allow", "Principal": "*", "NotAction": "*", "Resource": "*"}),
    }
}

/// Whether each of the texts of an element is of one of some patterns; one that is not there is
/// about everything.
fn is_within(element: Option<&Json>, patterns: &[String], of: fn(&str) -> Wildcard) -> bool {
    let is_one = |text: &Json| {
        let own = |text: &str| patterns.iter().any(|one| of(one).matches(text));
        text.as_str().is_some_and(own)
    };
    match element {
        Some(Json::Array(all)) => all.iter().all(is_one),
        Some(one) => is_one(one),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use ringfence_policy::{Context, Policies, Principal, Request, judge};
    use rstest::rstest;

    use super::*;
    use crate::lint::read::{Read, read};

    fn resource(kind: &str, values: &Json) -> Resource {
        let Ok(Read::Other(values)) = read(&values.to_string()) else { panic!("no values") };
        let address = format!("{kind}.one");
        Resource { address, kind: kind.to_owned(), is_data: false, values }
    }

    const ROLE: &str = "arn:aws:iam::123456789012:role/app";

    fn allows(policy: &Arc<Document>, action: &str, resource: &str) -> bool {
        let principal = Principal::User { arn: ROLE.replace("role", "user") };
        let policies = Policies { resource: Some(policy.clone()), ..Policies::default() };
        let context = &Context::new();
        let request =
            Request { principal: &principal, action, resource, resource_account: None, context };
        judge(&request, &policies).allowed()
    }

    fn policy(action: &str, resource: &str) -> Arc<Document> {
        let text = json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow",
            "Principal": {"AWS": ROLE.replace("role", "user")}, "Action": action,
            "Resource": resource}});
        Arc::new(Document::parse("p", &text.to_string(), Kind::Resource).unwrap())
    }

    /// The policy of a resource, as the estate binds it.
    fn of_estate(one: Resource, more: Vec<Resource>, own: Arc<Document>) -> Arc<Document> {
        let mut estate = Estate::default();
        let name = one.address.clone();
        estate.entry(&name).policies.resource = Some(own);
        estate.resources.push(one);
        estate.resources.extend(more);
        estate.bind();
        estate.entries[&name].policies.resource.clone().unwrap()
    }

    const SQS: &str = "arn:aws:sqs:eu-west-1:123456789012";
    const SNS: &str = "arn:aws:sns:eu-west-1:123456789012";
    const KMS: &str = "arn:aws:kms:eu-west-1:123456789012:key";

    #[rstest]
    #[case::key("aws_kms_key", json!({"arn": format!("{KMS}/k1")}), "kms:Decrypt", "kms/k")]
    #[case::key_by_its_id("aws_kms_key_policy", json!({"key_id": "k1"}), "kms:Decrypt", "kms/k")]
    #[case::queue("aws_sqs_queue", json!({"arn": format!("{SQS}:q1")}), "sqs:SendMessage", "sqs/q")]
    #[case::queue_by_its_url(
        "aws_sqs_queue_policy",
        json!({"queue_url": "https://sqs.eu-west-1.amazonaws.com/123456789012/q1"}),
        "sqs:SendMessage",
        "sqs/q"
    )]
    #[case::topic("aws_sns_topic_policy", json!({"arn": format!("{SNS}:t1")}), "sns:Publish", "sns/t")]
    fn a_policy_is_about_its_own_resource(
        #[case] kind: &str,
        #[case] values: Json,
        #[case] action: &str,
        #[case] named: &str,
    ) {
        let on = |number: u8| match named.split_once('/').unwrap() {
            ("kms", name) => format!("{KMS}/{name}{number}"),
            ("sns", name) => format!("{SNS}:{name}{number}"),
            (_, name) => format!("{SQS}:{name}{number}"),
        };
        let all = of_estate(resource(kind, &values), Vec::new(), policy("*", "*"));
        assert!(allows(&all, action, &on(1)));
        assert!(!allows(&all, action, &on(2)));
        // Where a key of an id is, the id does not say.
        let elsewhere = on(1).replace("eu-west-1", "us-east-1");
        assert_eq!(allows(&all, action, &elsewhere), kind == "aws_kms_key_policy");
        assert!(!allows(&all, "s3:PutObject", "arn:aws:s3:::data/x"));
    }

    const HERE: &str = "eu-west-1:123456789012";

    /// By the name that its policy has of it, whether the other is in the files or not.
    #[rstest]
    #[case::bus(
        "aws_cloudwatch_event_bus_policy",
        "event_bus_name",
        "aws_cloudwatch_event_bus",
        "name",
        "events",
        "event-bus/"
    )]
    #[case::rule("aws_cloudwatch_event_bus_policy", "event_bus_name", "", "", "events", "rule/")]
    #[case::api(
        "aws_api_gateway_rest_api_policy",
        "rest_api_id",
        "aws_api_gateway_rest_api",
        "id",
        "execute-api",
        ""
    )]
    #[case::file_system(
        "aws_efs_file_system_policy",
        "file_system_id",
        "aws_efs_file_system",
        "id",
        "elasticfilesystem",
        "file-system/"
    )]
    #[case::destination(
        "aws_cloudwatch_log_destination_policy",
        "destination_name",
        "aws_cloudwatch_log_destination",
        "name",
        "logs",
        "destination:"
    )]
    #[case::public_repository(
        "aws_ecrpublic_repository_policy",
        "repository_name",
        "",
        "",
        "ecr-public",
        "repository/"
    )]
    #[case::elasticsearch(
        "aws_elasticsearch_domain_policy",
        "domain_name",
        "",
        "",
        "es",
        "domain/"
    )]
    #[case::opensearch(
        "aws_opensearch_domain_policy",
        "domain_name",
        "aws_opensearch_domain",
        "domain_name",
        "es",
        "domain/"
    )]
    #[case::vault("aws_glacier_vault_lock", "vault_name", "", "", "glacier", "vaults/")]
    #[case::models(
        "aws_sagemaker_model_package_group_policy",
        "model_package_group_name",
        "",
        "",
        "sagemaker",
        "model-package-group/"
    )]
    #[case::versions_of_models(
        "aws_sagemaker_model_package_group_policy",
        "model_package_group_name",
        "",
        "",
        "sagemaker",
        "model-package/"
    )]
    #[case::registry(
        "aws_schemas_registry_policy",
        "registry_name",
        "",
        "",
        "schemas",
        "registry/"
    )]
    #[case::schema("aws_schemas_registry_policy", "registry_name", "", "", "schemas", "schema/")]
    #[case::sender("aws_ses_identity_policy", "identity", "", "", "ses", "identity/")]
    fn a_policy_of_another_is_about_that(
        #[case] kind: &str,
        #[case] attribute: &str,
        #[case] other: &str,
        #[case] by: &str,
        #[case] service: &str,
        #[case] before: &str,
    ) {
        let arn = |name: &str| format!("arn:aws:{service}:{HERE}:{before}{name}");
        let action = format!("{service}:X");
        let one = resource(kind, &json!({attribute: "one"}));
        let own = policy("*", "*");
        let all = of_estate(one.clone(), Vec::new(), own.clone());
        for end in ["", "/x"] {
            let is_part = ["rule/", "model-package/", "schema/"].contains(&before);
            if !is_part || !end.is_empty() {
                assert!(allows(&all, &action, &format!("{}{end}", arn("one"))), "{end}");
            }
            assert!(!allows(&all, &action, &format!("{}{end}", arn("two"))), "{end}");
        }
        assert!(!allows(&all, "s3:PutObject", "arn:aws:s3:::data/x"));
        if other.is_empty() {
            return;
        }
        // Of one that is in the files, its ARN.
        let found = json!({by: "one", arn_of(other): arn("one")});
        let known = of_estate(one, vec![resource(other, &found)], own);
        assert!(allows(&known, &action, &arn("one")));
        assert!(!allows(&known, &action, &arn("two")));
        assert!(!allows(&known, &action, &arn("one").replace("eu-west-1", "us-east-1")));
        assert!(allows(&all, &action, &arn("one").replace("eu-west-1", "us-east-1")));
    }

    /// The bus that is not named is the account's own.
    #[test]
    fn a_policy_of_no_bus_is_of_the_default_one() {
        let all = of_estate(
            resource("aws_cloudwatch_event_bus_policy", &json!({})),
            Vec::new(),
            policy("*", "*"),
        );
        let may =
            |on: &str| allows(&all, "events:PutEvents", &format!("arn:aws:events:{HERE}:{on}"));
        assert!(may("event-bus/default"));
        assert!(may("rule/x"));
        assert!(!may("event-bus/other"));
    }

    /// In short, what is called is of the API itself.
    #[test]
    fn the_policy_of_an_api_may_name_it_in_short() {
        let api = resource(
            API,
            &json!({"id": "a1", "execution_arn": format!("arn:aws:execute-api:{HERE}:a1")}),
        );
        let of = resource("aws_api_gateway_rest_api_policy", &json!({"rest_api_id": "a1"}));
        let of_another = resource("aws_api_gateway_rest_api_policy", &json!({"rest_api_id": "b1"}));
        let topic = resource("aws_sns_topic", &json!({"arn": format!("{SNS}:t")}));
        let text = r#"{"Resource": ["execute-api:/*", "execute-api:/prod/GET/x"]}"#;
        let place = crate::lint::known::Place { line: 1, column: 1 };
        let node = Node::new(place, Value::Text(text.to_owned()));
        let told = |one: &Resource| {
            whole(one, std::slice::from_ref(&api), &node).text().unwrap().to_owned()
        };
        let expected = |arn: &str| text.replace("execute-api:/", &format!("{arn}/"));
        assert_eq!(told(&api), expected(&format!("arn:aws:execute-api:{HERE}:a1")));
        assert_eq!(told(&of), expected(&format!("arn:aws:execute-api:{HERE}:a1")));
        assert_eq!(told(&of_another), expected("arn:*:execute-api:*:*:b1"));
        assert_eq!(told(&topic), text);
    }

    #[test]
    fn a_policy_that_names_another_resource_is_not_about_that() {
        let queue = || resource("aws_sqs_queue", &json!({"arn": format!("{SQS}:q")}));
        let on = |name: &str| {
            let own = policy("sqs:SendMessage", &format!("{SQS}:{name}"));
            let all = of_estate(queue(), Vec::new(), own);
            allows(&all, "sqs:SendMessage", &format!("{SQS}:{name}"))
        };
        assert!(on("q"));
        assert!(!on("secret"));
    }

    #[test]
    fn a_policy_of_what_has_a_name_of_its_own_is_about_that() {
        let queue = json!({"arn": format!("{SQS}:q"), "url": "http://localhost:4566/0/q"});
        let of = json!({"queue_url": "http://localhost:4566/0/q"});
        let one = resource("aws_sqs_queue_policy", &of);
        let own = policy("sqs:*", "*");
        let all = of_estate(one.clone(), vec![resource("aws_sqs_queue", &queue)], own.clone());
        assert!(allows(&all, "sqs:SendMessage", &format!("{SQS}:q")));
        assert!(!allows(&all, "sqs:SendMessage", &format!("{SQS}:secret")));
        // Of which queue it is, nobody knows: it may be any.
        let any = of_estate(one, Vec::new(), own);
        assert!(allows(&any, "sqs:SendMessage", &format!("{SQS}:secret")));
    }

    /// What says no more is as it was.
    #[test]
    fn a_policy_of_its_own_resource_is_kept_as_it_is() {
        let own = policy("sqs:SendMessage", &format!("{SQS}:q"));
        let queue = resource("aws_sqs_queue", &json!({"arn": format!("{SQS}:q")}));
        assert_eq!(of_estate(queue, Vec::new(), own.clone()).text(), own.text());
        let bucket = resource("aws_s3_bucket_policy", &json!({"bucket": "b"}));
        let own = policy("s3:*", "arn:aws:s3:::b/*");
        assert_eq!(of_estate(bucket, Vec::new(), own.clone()).text(), own.text());
    }

    /// The policy of `P` of a template, whose properties and what else there is are these.
    fn of_template(kind: &str, properties: &str, others: &str) -> Arc<Document> {
        let statement = format!(
            "{{Statement: [{{Effect: Allow, Principal: {{AWS: '{}'}}, Action: '*', Resource: '*'}}]}}",
            ROLE.replace("role", "user")
        );
        let properties = properties.replace("POLICY", &statement);
        let text =
            format!("Resources:\n  P: {{Type: '{kind}', Properties: {{{properties}}}}}\n{others}");
        let Ok(Read::Template { root, .. }) = read(&text) else { panic!("no template: {text}") };
        let place = Place {
            partition: "aws".to_owned(),
            account: "123456789012".to_owned(),
            region: Some("eu-west-1".to_owned()),
        };
        let mut estate = Estate::default();
        crate::access::templates::add(&root, &place, &mut estate).unwrap();
        estate.entries["Resources.P"].policies.resource.clone().unwrap()
    }

    const QUEUE: &str = "  Q: {Type: 'AWS::SQS::Queue', Properties: {QueueName: q}}\n";
    const TOPIC: &str = "  T: {Type: 'AWS::SNS::Topic', Properties: {TopicName: q}}\n";
    const STREAM: &str = "  S: {Type: 'AWS::Kinesis::Stream', Properties: {Name: q}}\n";

    /// By whatever the template names it, and whether it has a name of its own or not.
    #[rstest]
    #[case::queue(
        "AWS::SQS::QueuePolicy",
        "Queues: [!Ref Q], PolicyDocument: POLICY",
        QUEUE,
        "sqs",
        "q"
    )]
    #[case::queue_by_its_arn(
        "AWS::SQS::QueueInlinePolicy",
        "Queue: !GetAtt Q.QueueUrl, PolicyDocument: POLICY",
        QUEUE,
        "sqs",
        "q"
    )]
    #[case::queue_by_its_url(
        "AWS::SQS::QueueInlinePolicy",
        "Queue: 'https://sqs.eu-west-1.amazonaws.com/123456789012/q', PolicyDocument: POLICY",
        "",
        "sqs",
        "q"
    )]
    #[case::queue_without_a_name(
        "AWS::SQS::QueuePolicy",
        "Queues: [!Ref Q], PolicyDocument: POLICY",
        "  Q: {Type: 'AWS::SQS::Queue'}\n",
        "sqs",
        "stack-Q-1ABC"
    )]
    #[case::topic(
        "AWS::SNS::TopicPolicy",
        "Topics: [!Ref T], PolicyDocument: POLICY",
        TOPIC,
        "sns",
        "q"
    )]
    #[case::topic_inline(
        "AWS::SNS::TopicInlinePolicy",
        "TopicArn: !Ref T, PolicyDocument: POLICY",
        TOPIC,
        "sns",
        "q"
    )]
    #[case::table(
        "AWS::DynamoDB::Table",
        "TableName: q, ResourcePolicy: {PolicyDocument: POLICY}",
        "",
        "dynamodb",
        "table/q"
    )]
    #[case::stream(
        "AWS::Kinesis::ResourcePolicy",
        "ResourceArn: !GetAtt S.Arn, ResourcePolicy: POLICY",
        STREAM,
        "kinesis",
        "stream/q"
    )]
    #[case::domain(
        "AWS::OpenSearchService::Domain",
        "DomainName: q, AccessPolicies: POLICY",
        "",
        "es",
        "domain/q"
    )]
    #[case::access_point(
        "AWS::S3::AccessPoint",
        "Name: q, Policy: POLICY",
        "",
        "s3",
        "accesspoint/q"
    )]
    #[case::secret(
        "AWS::SecretsManager::ResourcePolicy",
        "SecretId: !Ref X, ResourcePolicy: POLICY",
        "  X: {Type: 'AWS::SecretsManager::Secret', Properties: {Name: q}}\n",
        "secretsmanager",
        "secret:q-AbCdEf"
    )]
    fn a_policy_of_a_template_is_about_its_own_resource(
        #[case] kind: &str,
        #[case] properties: &str,
        #[case] others: &str,
        #[case] service: &str,
        #[case] own: &str,
    ) {
        let policy = of_template(kind, properties, others);
        let action = format!("{service}:X");
        let arn = |rest: &str| format!("arn:aws:{service}:{HERE}:{rest}");
        assert!(allows(&policy, &action, &arn(own)));
        let other = own.replace('q', "other").replace('Q', "Other");
        assert!(!allows(&policy, &action, &arn(&other)), "{other}");
        assert!(!allows(&policy, "iam:X", &arn(own)));
    }

    /// Of which queue it is, nobody knows: it may be any.
    #[rstest]
    #[case::of_another_stack("!ImportValue q", QUEUE)]
    #[case::of_a_name_that_is_not_known(
        "!Ref Q",
        "  Q: {Type: 'AWS::SQS::Queue', Properties: {QueueName: !ImportValue q}}\n"
    )]
    fn a_policy_of_a_template_may_be_of_any_resource(#[case] queue: &str, #[case] others: &str) {
        let properties = format!("Queues: [{queue}], PolicyDocument: POLICY");
        let policy = of_template("AWS::SQS::QueuePolicy", &properties, others);
        assert!(allows(&policy, "sqs:SendMessage", &format!("{SQS}:secret")));
        assert!(!allows(&policy, "sns:Publish", &format!("{SNS}:secret")));
    }

    #[rstest]
    #[case::of_one_region("MultiRegion: false, ", false)]
    #[case::of_several("MultiRegion: true, ", true)]
    #[case::not_said("", false)]
    fn a_multi_region_key_has_an_id_of_its_own_form(#[case] says: &str, #[case] is: bool) {
        let policy = of_template("AWS::KMS::Key", &format!("{says}KeyPolicy: POLICY"), "");
        let id = "known-after-apply.Resources.P";
        assert_eq!(allows(&policy, "kms:Decrypt", &format!("{KMS}/mrk-{id}")), is);
        assert_eq!(allows(&policy, "kms:Decrypt", &format!("{KMS}/{id}")), !is);
    }
}
