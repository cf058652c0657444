//! What a resource's policy is about: the resource that it is on, and what is done to that,
//! whatever its statements say. It says who has access to the resource to which it is attached
//! (<https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_identity-vs-resource.html>):
//! `"Resource": "*"` of a key's policy means this key
//! (<https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-overview.html>), and what
//! a queue's policy says of actions of S3 lets nobody use a bucket.
//!
//! A policy whose Allows say more is bound by a Deny of everything else. One of a resource that
//! is not known is bound to the service alone: one of a template whose name a function gives, and
//! types whose ARNs neither the files nor the names tell.

mod region;
mod template;
#[cfg(test)]
mod tests;

use ringfence_policy::Kind;

use super::denies::Denies;
use super::estate::Estate;
use super::grants;
use crate::lint::known::{Node, Value};
use crate::lint::terraform::{DOCUMENTS, Resource};

pub(crate) use region::Region;
pub(super) use region::{beside, bound};
pub(super) use template::{Find, OfTemplate, before_key, bucket_of_template, of_one, referred};

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
    /// Binds each policy that stands in a resource, or is one of a resource, and keeps to their
    /// account what blocks of public access do.
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
        for (name, entry) in entries {
            if let Some(restricts) = entry.restricts.take() {
                restricts.apply(name, entry);
            }
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
