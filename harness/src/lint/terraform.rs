//! Policies in what `terraform show -json` prints of a plan or a state.
//!
//! Format: <https://developer.hashicorp.com/terraform/internals/json-format>.
//!
//! - `shown`: the resources that it shows;
//! - `links`: who refers to what;
//! - `block`: the statements of a data source.

mod block;
mod links;
mod shown;

use std::collections::BTreeSet;

use ringfence_policy::Kind;

pub(crate) use self::block::statement;
pub(crate) use self::links::Links;
pub(crate) use self::shown::{Action, former, read_before, resources, taken};
use super::known::{Member, Node, Value};
use super::source::{Source, Unchecked};
use super::template::{Permission, text};

/// What a plan or a state holds.
#[derive(Debug, Default)]
pub struct Found {
    /// Its policies.
    pub sources: Vec<Source>,
    /// What was not checked.
    pub unchecked: Vec<Unchecked>,
    /// The names of the SSM parameters that it publishes.
    pub parameters: BTreeSet<String>,
    /// Its resources, as its own file has them.
    pub resources: Vec<Resource>,
}

/// A resource as it will be, or is.
#[derive(Debug, Clone)]
pub struct Resource {
    /// `module.m.aws_iam_role.r["a"]`.
    pub address: String,
    /// `aws_iam_role`.
    pub kind: String,
    /// Whether it is read and not managed.
    pub is_data: bool,
    /// Its values; those not known are [`Value::Unknown`].
    pub values: Node,
}

impl Resource {
    /// The address in the configuration: without the keys of instances.
    pub(crate) fn configured(&self) -> String {
        without_keys(&self.address)
    }
}

/// An address or a reference without the keys of instances: `module.m["a"].out` as
/// `module.m.out`.
pub(crate) fn without_keys(address: &str) -> String {
    let mut depth = 0_usize;
    let kept = address.chars().filter(|one| {
        match one {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            _ => return depth == 0,
        }
        false
    });
    kept.collect()
}

/// Whether a file is what `terraform show -json` prints: of a state without anything the version
/// of the format alone
/// (<https://github.com/hashicorp/terraform/blob/v1.11.4/internal/command/jsonstate/state.go>).
pub fn is_shown(root: &Node) -> bool {
    root.get("format_version").is_some()
        && (root.get("resource_changes").is_some()
            || root.get("planned_values").is_some()
            || root.get("values").is_some()
            || root.members().len() == 1)
}

/// Whether a file is a state as Terraform keeps it.
pub fn is_raw_state(root: &Node) -> bool {
    root.get("terraform_version").is_some() && root.get("lineage").is_some()
}

/// The attribute of each type that holds a document, and what it is used as.
pub(crate) const DOCUMENTS: [(&str, &str, Kind); 69] = [
    ("aws_iam_role", "assume_role_policy", Kind::Trust),
    ("aws_iam_role_policy", "policy", Kind::Identity),
    ("aws_iam_user_policy", "policy", Kind::Identity),
    ("aws_iam_group_policy", "policy", Kind::Identity),
    ("aws_ssoadmin_permission_set_inline_policy", "inline_policy", Kind::Identity),
    ("aws_organizations_policy", "content", Kind::ServiceControl),
    ("aws_organizations_policy", "content", Kind::ResourceControl),
    ("aws_vpc_endpoint", "policy", Kind::VpcEndpoint),
    ("aws_vpc_endpoint_policy", "policy", Kind::VpcEndpoint),
    ("aws_acmpca_policy", "policy", Kind::Resource),
    ("aws_api_gateway_domain_name", "policy", Kind::Resource),
    ("aws_api_gateway_rest_api", "policy", Kind::Resource),
    ("aws_api_gateway_rest_api_policy", "policy", Kind::Resource),
    ("aws_backup_vault_policy", "policy", Kind::Resource),
    ("aws_cloudsearch_domain_service_access_policy", "access_policy", Kind::Resource),
    ("aws_cloudwatch_event_bus_policy", "policy", Kind::Resource),
    (
        "aws_cloudwatch_log_delivery_destination_policy",
        "delivery_destination_policy",
        Kind::Resource,
    ),
    ("aws_cloudwatch_log_destination_policy", "access_policy", Kind::Resource),
    ("aws_cloudwatch_log_resource_policy", "policy_document", Kind::Resource),
    ("aws_codeartifact_domain_permissions_policy", "policy_document", Kind::Resource),
    ("aws_codeartifact_repository_permissions_policy", "policy_document", Kind::Resource),
    ("aws_codebuild_resource_policy", "policy", Kind::Resource),
    ("aws_dynamodb_resource_policy", "policy", Kind::Resource),
    ("aws_ecr_registry_policy", "policy", Kind::Resource),
    ("aws_ecr_repository_policy", "policy", Kind::Resource),
    ("aws_ecrpublic_repository_policy", "policy", Kind::Resource),
    ("aws_efs_file_system_policy", "policy", Kind::Resource),
    ("aws_elasticsearch_domain", "access_policies", Kind::Resource),
    ("aws_elasticsearch_domain_policy", "access_policies", Kind::Resource),
    ("aws_glacier_vault", "access_policy", Kind::Resource),
    ("aws_glacier_vault_lock", "policy", Kind::Resource),
    ("aws_glue_resource_policy", "policy", Kind::Resource),
    ("aws_kinesis_resource_policy", "policy", Kind::Resource),
    ("aws_kms_external_key", "policy", Kind::Resource),
    ("aws_kms_key", "policy", Kind::Resource),
    ("aws_kms_key_policy", "policy", Kind::Resource),
    ("aws_kms_replica_external_key", "policy", Kind::Resource),
    ("aws_kms_replica_key", "policy", Kind::Resource),
    ("aws_media_store_container_policy", "policy", Kind::Resource),
    ("aws_msk_cluster_policy", "policy", Kind::Resource),
    ("aws_networkfirewall_resource_policy", "policy", Kind::Resource),
    ("aws_oam_sink_policy", "policy", Kind::Resource),
    ("aws_opensearch_domain", "access_policies", Kind::Resource),
    ("aws_opensearch_domain_policy", "access_policies", Kind::Resource),
    ("aws_organizations_resource_policy", "content", Kind::Resource),
    ("aws_redshift_resource_policy", "policy", Kind::Resource),
    ("aws_redshiftserverless_resource_policy", "policy", Kind::Resource),
    ("aws_s3_access_point", "policy", Kind::Resource),
    ("aws_s3_bucket", "policy", Kind::Resource),
    ("aws_s3_bucket_policy", "policy", Kind::Resource),
    ("aws_s3control_access_grants_instance_resource_policy", "policy", Kind::Resource),
    ("aws_s3control_access_point_policy", "policy", Kind::Resource),
    ("aws_s3control_bucket_policy", "policy", Kind::Resource),
    ("aws_s3control_object_lambda_access_point_policy", "policy", Kind::Resource),
    ("aws_s3tables_table_bucket_policy", "resource_policy", Kind::Resource),
    ("aws_s3tables_table_policy", "resource_policy", Kind::Resource),
    ("aws_sagemaker_model_package_group_policy", "resource_policy", Kind::Resource),
    ("aws_schemas_registry_policy", "policy", Kind::Resource),
    ("aws_secretsmanager_secret", "policy", Kind::Resource),
    ("aws_secretsmanager_secret_policy", "policy", Kind::Resource),
    ("aws_ses_identity_policy", "policy", Kind::Resource),
    ("aws_sesv2_email_identity_policy", "policy", Kind::Resource),
    ("aws_sns_topic", "policy", Kind::Resource),
    ("aws_sns_topic_policy", "policy", Kind::Resource),
    ("aws_sqs_queue", "policy", Kind::Resource),
    ("aws_sqs_queue_policy", "policy", Kind::Resource),
    ("aws_vpclattice_auth_policy", "policy", Kind::Resource),
    ("aws_vpclattice_resource_policy", "policy", Kind::Resource),
    ("aws_xray_resource_policy", "policy_document", Kind::Resource),
];

/// What Organizations calls the policies of a kind, where they are its own
/// (<https://docs.aws.amazon.com/organizations/latest/APIReference/API_PolicySummary.html>).
pub(crate) fn organization_type(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::ServiceControl => Some("SERVICE_CONTROL_POLICY"),
        Kind::ResourceControl => Some("RESOURCE_CONTROL_POLICY"),
        _ => None,
    }
}

/// Finds the policies of a plan or a state.
pub fn read(root: &Node) -> Found {
    let mut found = Found { resources: resources(root), ..Found::default() };
    let links = Links::of(root, &found.resources);
    for resource in found.resources.clone() {
        if resource.is_data {
            deferred(&resource, &links, &mut found);
        } else {
            managed(&resource, &links, &mut found);
        }
    }
    found
}

fn managed(resource: &Resource, links: &Links, found: &mut Found) {
    let values = &resource.values;
    let mut document = |attribute: &str, node: &Node, kind: Kind| {
        let subject = resource.address.clone();
        match &node.value {
            Value::Text(text) if !text.is_empty() => {
                let source = Source::text(subject, kind, text.clone(), node.at);
                let is_managed =
                    ["aws_iam_policy", "aws_organizations_policy"].contains(&&*resource.kind);
                let source = if is_managed { source.as_managed() } else { source };
                let is_api = resource.kind.starts_with("aws_api_gateway_rest_api");
                found.sources.push(if is_api { source.as_api() } else { source });
            }
            Value::Unknown if !links.is_deferred(&resource.configured(), attribute) => {
                found.unchecked.push(Unchecked {
                    at: node.at,
                    what: format!("{subject}: {attribute} is known after apply only"),
                });
            }
            _ => {}
        }
    };
    match resource.kind.as_str() {
        "aws_iam_policy" => {
            if let Some(policy) = values.get("policy") {
                for kind in links.kinds(resource) {
                    document("policy", policy, kind);
                }
            }
        }
        "aws_lambda_permission" => {
            let get = |name: &str| values.get(name).filter(|node| node.is_something());
            let permission = Permission {
                at: values.at,
                principal: get("principal"),
                action: get("action"),
                function: get("function_name"),
                source_arn: get("source_arn"),
                token: get("event_source_token"),
                source_account: get("source_account"),
                organization: get("principal_org_id"),
                url_auth: get("function_url_auth_type"),
            };
            let subject = resource.address.clone();
            let node = permission.document();
            let source = node.and_then(|node| {
                Source::tree(subject, Kind::Resource, &node, &mut found.unchecked)
            });
            found.sources.extend(source);
        }
        "aws_ssm_parameter" => {
            found.parameters.extend(values.get("name").and_then(Node::text).map(str::to_owned));
        }
        kind => {
            for (_, attribute, kind) in DOCUMENTS.iter().filter(|(name, ..)| *name == kind) {
                let of_organization = values.get("type").and_then(Node::text);
                if organization_type(*kind).is_some_and(|name| of_organization != Some(name)) {
                    continue;
                }
                if let Some(node) = values.get(attribute) {
                    document(attribute, node, *kind);
                }
            }
            let inline = values.get("inline_policy").map(Node::items).unwrap_or_default();
            for policy in inline.iter().filter_map(|policy| policy.get("policy")) {
                document("inline_policy", policy, Kind::Identity);
            }
        }
    }
}

/// A data source `aws_iam_policy_document` that is read during apply: its
/// statements stand in the plan, with what is not known.
fn deferred(resource: &Resource, links: &Links, found: &mut Found) {
    if resource.kind != "aws_iam_policy_document" {
        return;
    }
    let Some(statements) = resource.values.get("statement") else { return };
    let at = resource.values.at;
    let statements = match &statements.value {
        Value::List(items) => Value::List(items.iter().map(statement).collect()),
        _ => Value::Unknown,
    };
    let value = Node::new(at, statements);
    let document = Node::new(
        at,
        Value::Map(vec![
            text(at, "Version", "2012-10-17"),
            Member { at, key: "Statement".into(), value },
        ]),
    );
    for kind in links.uses(&resource.configured()) {
        let mut unchecked = Vec::new();
        let source = Source::tree(resource.address.clone(), kind, &document, &mut unchecked);
        found.sources.extend(source);
        found.unchecked.extend(unchecked.into_iter().map(|left| Unchecked {
            at: left.at,
            what: format!("{}: {}", resource.address, left.what),
        }));
    }
}

/// The address of what a reference names: `aws_iam_policy.p.arn` is of
/// `aws_iam_policy.p`.
pub(super) fn address_of(reference: &str) -> String {
    let plain = reference.split('[').next().unwrap_or(reference);
    let parts = if plain.starts_with("data.") { 3 } else { 2 };
    plain.split('.').take(parts).collect::<Vec<_>>().join(".")
}
