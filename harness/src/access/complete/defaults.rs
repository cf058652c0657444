//! What AWS gives a new resource whose configuration says nothing.

use std::collections::BTreeSet;

use hcl_edit::structure::Block;

use super::setting::Setting;
use super::source::Source;
use crate::lint::known::{Node, Value};
use crate::lint::terraform::Resource;

/// What stands there then.
#[derive(Clone, Copy)]
enum Default {
    Nothing,
    Text(&'static str),
}

/// Types, attributes, and what a new one has. Of an endpoint:
/// <https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-access.html>; of a key:
/// <https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html>.
const DEFAULTS: [(&str, &str, Default); 21] = [
    ("aws_api_gateway_rest_api", "policy", Default::Nothing),
    ("aws_elasticsearch_domain", "access_policies", Default::Nothing),
    // `IAM_ALLOWED_PRINCIPALS`: IAM's policies decide alone
    // (<https://docs.aws.amazon.com/lake-formation/latest/dg/change-settings.html>).
    ("aws_glue_catalog_database", "create_table_default_permission", Default::Nothing),
    ("aws_iam_role", "inline_policy", Default::Nothing),
    ("aws_iam_role", "managed_policy_arns", Default::Nothing),
    ("aws_iam_role", "permissions_boundary", Default::Nothing),
    ("aws_opensearch_domain", "access_policies", Default::Nothing),
    ("aws_s3_access_point", "policy", Default::Nothing),
    ("aws_s3_bucket", "acl", Default::Nothing),
    ("aws_s3_bucket", "grant", Default::Nothing),
    ("aws_s3_bucket", "policy", Default::Nothing),
    ("aws_s3_bucket_acl", "access_control_policy", Default::Nothing),
    ("aws_s3_object", "acl", Default::Nothing),
    ("aws_s3_object", "grant", Default::Nothing),
    ("aws_s3_object_copy", "acl", Default::Nothing),
    ("aws_s3_object_copy", "grant", Default::Nothing),
    ("aws_sqs_queue", "policy", Default::Nothing),
    ("aws_secretsmanager_secret", "policy", Default::Nothing),
    (
        "aws_vpc_endpoint",
        "policy",
        Default::Text(
            r#"{"Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}"#,
        ),
    ),
    // `false` (<https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateKey.html>).
    ("aws_kms_key", "multi_region", Default::Nothing),
    (
        "aws_kms_key",
        "policy",
        Default::Text(
            r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:${partition}:iam::${account}:root"},"Action":"kms:*","Resource":"*"}]}"#,
        ),
    ),
];

/// Blocks of networks that a new resource has none of where its configuration says
/// nothing: the provider removes the rules that AWS puts into a new security group, and
/// AWS puts no other than the local route into a table, and no rule into a network ACL;
/// those that are there at first the provider empties
/// (<https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/security_group>,
/// <https://docs.aws.amazon.com/vpc/latest/userguide/create-route-tables.html>,
/// <https://docs.aws.amazon.com/vpc/latest/userguide/create-network-acl.html>).
const NO_BLOCKS: [(&str, &str); 12] = [
    ("aws_default_route_table", "route"),
    ("aws_default_security_group", "egress"),
    ("aws_default_security_group", "ingress"),
    ("aws_security_group", "egress"),
    ("aws_security_group", "ingress"),
    ("aws_route_table", "route"),
    ("aws_route_table", "propagating_vgws"),
    ("aws_network_acl", "egress"),
    ("aws_network_acl", "ingress"),
    ("aws_network_acl", "subnet_ids"),
    ("aws_vpc_endpoint", "route_table_ids"),
    ("aws_vpc_endpoint", "subnet_ids"),
];

/// Completes what new resources have where their configuration says nothing.
///
/// Of blocks that are made by others (`dynamic`) a plan says nothing: the configuration
/// is asked, and of networks must be there to be asked.
pub(super) fn complete(
    root: &Node,
    source: Option<&Source>,
    resources: &mut [Resource],
    setting: &Setting,
) {
    let made = made(root);
    for resource in resources.iter_mut().filter(|one| made.contains(one.address.as_str())) {
        let address = resource.configured();
        let Some(configured) = configured(root, &address) else { continue };
        let written = source.and_then(|source| source.block(&address));
        for (kind, attribute) in NO_BLOCKS {
            let says = configured.path(&["expressions", attribute]).is_some();
            let makes = written.is_none_or(|block| is_made_in(block, attribute));
            if kind == resource.kind && !says && !makes {
                fill(resource, attribute, Value::Null);
            }
        }
        for (kind, attribute, default) in DEFAULTS {
            let says = configured.path(&["expressions", attribute]).is_some()
                || written.is_some_and(|block| is_made_in(block, attribute));
            if kind != resource.kind || says {
                continue;
            }
            let text = match default {
                Default::Nothing => Some(Value::Null),
                Default::Text(format) => {
                    // The braces of JSON are no places of the format.
                    setting.at(resource).written(format, &resource.values).map(Value::Text)
                }
            };
            if let Some(value) = text {
                fill(resource, attribute, value);
            }
        }
    }
}

fn fill(resource: &mut Resource, attribute: &str, value: Value) {
    let node = resource.values.get_mut(attribute);
    if let Some(node) = node.filter(|node| matches!(node.value, Value::Unknown)) {
        node.value = value;
    }
}

/// Whether a block makes others of a kind.
fn is_made_in(block: &Block, kind: &str) -> bool {
    block.body.blocks().any(|inner| {
        inner.ident.as_str() == "dynamic"
            && inner.labels.first().is_some_and(|label| label.as_str() == kind)
    })
}

/// The addresses of what is made anew.
fn made(root: &Node) -> BTreeSet<&str> {
    let changes = root.get("resource_changes").map(Node::items).unwrap_or_default();
    let is_made = |change: &&Node| {
        let actions = change.path(&["change", "actions"]).map(Node::items).unwrap_or_default();
        actions.iter().any(|action| action.text() == Some("create"))
    };
    changes.iter().filter(is_made).filter_map(|change| change.get("address")?.text()).collect()
}

/// What the configuration says of a resource, by its address without keys.
pub(super) fn configured<'n>(root: &'n Node, address: &str) -> Option<&'n Node> {
    let mut module = root.path(&["configuration", "root_module"])?;
    let mut rest = address;
    while let Some((name, inner)) =
        rest.strip_prefix("module.").and_then(|after| after.split_once('.'))
    {
        module = module.path(&["module_calls", name, "module"])?;
        rest = inner;
    }
    let resources = module.get("resources").map(Node::items).unwrap_or_default();
    resources.iter().find(|one| one.get("address").and_then(Node::text) == Some(rest))
}
