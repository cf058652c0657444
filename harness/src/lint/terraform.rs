//! Policies in what `terraform show -json` prints of a plan or a state.
//!
//! Format: <https://developer.hashicorp.com/terraform/internals/json-format>.

use std::collections::{BTreeMap, BTreeSet};

use ringfence_policy::Kind;

use super::known::{Member, Node, Value};
use super::scopes::Scope;
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

/// A `statement` block as the statement that it becomes.
pub(crate) fn statement(block: &Node) -> Node {
    let at = block.at;
    let mut members = Vec::new();
    let mut add = |key: &str, value: Node| {
        members.push(Member { at: value.at, key: key.to_owned(), value });
    };
    let effect = block.get("effect").filter(|node| node.is_something()).cloned();
    add("Effect", effect.unwrap_or(Node::new(at, Value::Text("Allow".to_owned()))));
    for (attribute, key) in [
        ("sid", "Sid"),
        ("actions", "Action"),
        ("not_actions", "NotAction"),
        ("resources", "Resource"),
        ("not_resources", "NotResource"),
    ] {
        if let Some(node) = block.get(attribute).filter(|node| node.is_something()) {
            add(key, node.clone());
        }
    }
    for (attribute, key) in [("principals", "Principal"), ("not_principals", "NotPrincipal")] {
        if let Some(node) = block.get(attribute).filter(|node| node.is_something()) {
            add(key, principals(node));
        }
    }
    if let Some(node) = block.get("condition").filter(|node| node.is_something()) {
        add("Condition", conditions(node));
    }
    Node::new(at, Value::Map(members))
}

/// `AWS` and the rest, each with all that the blocks of its type say: the provider puts
/// blocks of one type together
/// (<https://registry.terraform.io/providers/hashicorp/aws/latest/docs/data-sources/iam_policy_document>).
fn principals(node: &Node) -> Node {
    let mut members: Vec<Member> = Vec::new();
    for block in node.items() {
        let (Some(kind), Some(identifiers)) = (block.get("type"), block.get("identifiers")) else {
            return Node::new(node.at, Value::Unknown);
        };
        match kind.text() {
            // AWS writes `"Principal": "*"` for the type `*`.
            Some("*") => return Node::new(node.at, Value::Text("*".to_owned())),
            Some(kind) => join(&mut members, block, kind, identifiers),
            None => return Node::new(node.at, Value::Unknown),
        }
    }
    match node.value {
        Value::List(_) => Node::new(node.at, Value::Map(members)),
        _ => Node::new(node.at, Value::Unknown),
    }
}

/// Operators with their keys, each with all values that the blocks of both say.
fn conditions(node: &Node) -> Node {
    let mut operators: BTreeMap<String, Vec<Member>> = BTreeMap::new();
    for block in node.items() {
        let field = |name: &str| block.get(name).and_then(Node::text);
        let (Some(test), Some(key), Some(values)) =
            (field("test"), field("variable"), block.get("values"))
        else {
            return Node::new(node.at, Value::Unknown);
        };
        join(operators.entry(test.to_owned()).or_default(), block, key, values);
    }
    if !matches!(node.value, Value::List(_)) {
        return Node::new(node.at, Value::Unknown);
    }
    let members = operators.into_iter().map(|(key, members)| Member {
        at: node.at,
        key,
        value: Node::new(node.at, Value::Map(members)),
    });
    Node::new(node.at, Value::Map(members.collect()))
}

/// Adds values to a member, beside those that it has.
fn join(members: &mut Vec<Member>, block: &Node, key: &str, values: &Node) {
    let Some(known) = members.iter_mut().find(|member| member.key == key) else {
        members.push(Member { at: block.at, key: key.to_owned(), value: values.clone() });
        return;
    };
    known.value.value = match (&known.value.value, &values.value) {
        (Value::List(one), Value::List(other)) => Value::List([one.as_slice(), other].concat()),
        _ => Value::Unknown,
    };
}

/// The resources of a plan as they will be, or of a state as they are.
pub(crate) fn resources(root: &Node) -> Vec<Resource> {
    let mut found = Vec::new();
    if let Some(changes) = root.get("resource_changes") {
        let texts = |name: &'static str| {
            changes.items().iter().filter_map(move |change| change.get(name)?.text())
        };
        let told: BTreeSet<&str> = texts("address").chain(texts("previous_address")).collect();
        // What a plan of a part says nothing of stays as it is.
        if let Some(module) = root.path(&["prior_state", "values", "root_module"]) {
            state(module, &mut found);
            found.retain(|one| !told.contains(one.address.as_str()));
        }
        for change in changes.items() {
            let Some(after) = change.path(&["change", "after"]) else { continue };
            if matches!(after.value, Value::Null) {
                // What is destroyed is no more; what Terraform forgets stays.
                let actions = change.path(&["change", "actions"]).map(Node::items);
                let is_left =
                    actions.is_some_and(|all| all.iter().any(|one| one.text() == Some("forget")));
                let before = change.path(&["change", "before"]).filter(|_| is_left);
                found.extend(before.and_then(|before| resource(change, before.clone())));
                continue;
            }
            let unknown = change.path(&["change", "after_unknown"]);
            let values = unknown.map_or_else(|| after.clone(), |unknown| merged(after, unknown));
            found.extend(resource(change, values));
        }
    } else if let Some(module) = root.path(&["values", "root_module"]) {
        state(module, &mut found);
    } else {
        if let Some(module) = root.path(&["planned_values", "root_module"]) {
            state(module, &mut found);
        }
        // A plan that only refreshes has no changes and plans no values: what there is is in
        // the state that it was made against, and stays
        // (<https://developer.hashicorp.com/terraform/internals/json-format#plan-representation>).
        if let Some(module) = root.path(&["prior_state", "values", "root_module"]) {
            let mut before = Vec::new();
            state(module, &mut before);
            let planned: BTreeSet<String> = found.iter().map(|one| one.address.clone()).collect();
            before.retain(|one| !planned.contains(&one.address));
            found.extend(before);
        }
    }
    found
}

/// The same, taken out of what is no plan: a state has most of what it holds in the values of
/// its resources.
pub(crate) fn taken(root: &mut Node) -> Vec<Resource> {
    if root.get("resource_changes").is_some() || root.get("values").is_none() {
        return resources(root);
    }
    let mut found = Vec::new();
    let module = root.get_mut("values").and_then(|values| values.get_mut("root_module"));
    if let Some(module) = module {
        taken_of(module, &mut found);
    }
    found
}

fn taken_of(module: &mut Node, found: &mut Vec<Resource>) {
    let items = |node: Option<&mut Node>| match node.map(|node| &mut node.value) {
        Some(Value::List(items)) => std::mem::take(items),
        _ => Vec::new(),
    };
    let (mut kept, own) = (Vec::new(), items(module.get_mut("resources")));
    for mut node in own {
        // Data sources of a state are no resources.
        let is_data = node.get("mode").and_then(Node::text) == Some("data");
        let at = node.at;
        let values = node.get_mut("values").filter(|_| !is_data);
        let values = values.map(|values| std::mem::replace(values, Node::new(at, Value::Null)));
        match values {
            Some(values) => found.extend(resource(&node, values)),
            None => kept.push(node),
        }
    }
    if let Some(Value::List(resources)) = module.get_mut("resources").map(|it| &mut it.value) {
        *resources = kept;
    }
    if let Some(Value::List(modules)) = module.get_mut("child_modules").map(|it| &mut it.value) {
        modules.iter_mut().for_each(|module| taken_of(module, found));
    }
}

/// What a plan does with a resource that there is
/// (<https://developer.hashicorp.com/terraform/internals/json-format#change-representation>).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    /// `no-op`: it stays as it is.
    Leave,
    /// `update`: it stays.
    Update,
    /// `delete`
    Delete,
    /// `delete`, then `create`
    DeleteThenCreate,
    /// `create`, then `delete`, as `create_before_destroy` has it
    CreateThenDelete,
    /// `forget`: it stays, and Terraform knows it no more.
    Forget,
    /// `create`, then `forget`
    CreateThenForget,
}

impl Action {
    fn of(actions: &[Node]) -> Self {
        let at = |name| actions.iter().position(|one| one.text() == Some(name));
        match (at("create"), at("delete"), at("forget")) {
            (Some(create), Some(delete), _) if create < delete => Self::CreateThenDelete,
            (Some(_), Some(_), _) => Self::DeleteThenCreate,
            (None, Some(_), _) => Self::Delete,
            (Some(_), None, Some(_)) => Self::CreateThenForget,
            (None, None, Some(_)) => Self::Forget,
            _ if at("no-op").is_some() => Self::Leave,
            _ => Self::Update,
        }
    }

    /// Whether it takes away what there was.
    pub(crate) const fn deletes(self) -> bool {
        matches!(self, Self::Delete | Self::DeleteThenCreate | Self::CreateThenDelete)
    }

    /// Whether it makes the resource anew.
    pub(crate) const fn creates(self) -> bool {
        matches!(self, Self::DeleteThenCreate | Self::CreateThenDelete | Self::CreateThenForget)
    }
}

/// What a plan's changes begin from: the managed resources as they are, by the addresses that
/// they will have, and what becomes of each. An object that an earlier apply left to be
/// destroyed is called as Terraform calls it: `aws_iam_role.a (deposed 1a2b3c4d)`.
pub(crate) fn former(root: &Node) -> Vec<(Resource, Action)> {
    let changes = root.get("resource_changes").map(Node::items).unwrap_or_default();
    let all = changes.iter().filter_map(|change| {
        let before = change.path(&["change", "before"]).filter(|node| node.is_something())?;
        let actions = change.path(&["change", "actions"]).map(Node::items).unwrap_or_default();
        let mut one = resource(change, before.clone())?;
        if let Some(key) = change.get("deposed").and_then(Node::text) {
            one.address = format!("{} (deposed {key})", one.address);
        }
        Some((one, Action::of(actions)))
    });
    all.filter(|(one, _)| !one.is_data).collect()
}

/// The data sources that a plan had read before it was made, or that a state has.
pub(crate) fn read_before(root: &Node) -> Vec<Resource> {
    let module = root.path(&["prior_state", "values", "root_module"]);
    let module = module.or_else(|| root.path(&["values", "root_module"]));
    let mut found = Vec::new();
    if let Some(module) = module {
        data(module, &mut found);
    }
    found
}

fn data(module: &Node, found: &mut Vec<Resource>) {
    for node in module.get("resources").map(Node::items).unwrap_or_default() {
        let is_data = node.get("mode").and_then(Node::text) == Some("data");
        let values = node.get("values").filter(|_| is_data);
        found.extend(values.and_then(|values| resource(node, values.clone())));
    }
    for child in module.get("child_modules").map(Node::items).unwrap_or_default() {
        data(child, found);
    }
}

fn state(module: &Node, found: &mut Vec<Resource>) {
    for node in module.get("resources").map(Node::items).unwrap_or_default() {
        if let Some(values) = node.get("values") {
            // Data sources of a state are no resources; who uses them has
            // their text.
            found.extend(resource(node, values.clone()).filter(|resource| !resource.is_data));
        }
    }
    for child in module.get("child_modules").map(Node::items).unwrap_or_default() {
        state(child, found);
    }
}

fn resource(node: &Node, values: Node) -> Option<Resource> {
    Some(Resource {
        address: node.get("address")?.text()?.to_owned(),
        kind: node.get("type")?.text()?.to_owned(),
        is_data: node.get("mode").and_then(Node::text) == Some("data"),
        values,
    })
}

/// The values of a plan with what `after_unknown` marks.
fn merged(after: &Node, unknown: &Node) -> Node {
    let at = after.at;
    let value = match (&after.value, &unknown.value) {
        (_, Value::Bool(true)) => Value::Unknown,
        (Value::Map(members), Value::Map(marks)) => {
            let mut merged: Vec<Member> = members
                .iter()
                .map(|member| Member {
                    value: unknown
                        .get(&member.key)
                        .map_or_else(|| member.value.clone(), |mark| merged(&member.value, mark)),
                    ..member.clone()
                })
                .collect();
            // What is wholly unknown is absent from `after`.
            for mark in marks.iter().filter(|mark| after.get(&mark.key).is_none()) {
                if any_unknown(&mark.value) {
                    let value = Node::new(at, Value::Unknown);
                    merged.push(Member { at, key: mark.key.clone(), value });
                }
            }
            Value::Map(merged)
        }
        (Value::List(items), Value::List(marks)) => {
            let longest = items.len().max(marks.len());
            Value::List(
                (0..longest)
                    .map(|index| match (items.get(index), marks.get(index)) {
                        (Some(item), Some(mark)) => merged(item, mark),
                        (Some(item), None) => item.clone(),
                        (None, _) => Node::new(at, Value::Unknown),
                    })
                    .collect(),
            )
        }
        (value, _) => value.clone(),
    };
    Node { at, value }
}

fn any_unknown(mark: &Node) -> bool {
    match &mark.value {
        Value::Bool(truth) => *truth,
        Value::List(items) => items.iter().any(any_unknown),
        Value::Map(members) => members.iter().any(|member| any_unknown(&member.value)),
        _ => false,
    }
}

/// Who refers to what: by the configuration of a plan, and by the ARNs of a
/// state.
#[derive(Debug, Default)]
pub(crate) struct Links {
    /// For each configured address, who refers to it, by which attribute.
    referrers: BTreeMap<String, Vec<(String, String)>>,
    /// ARNs in the place of a boundary.
    boundaries: BTreeSet<String>,
    /// ARNs that are attached.
    attached: BTreeSet<String>,
}

impl Links {
    pub(crate) fn of(root: &Node, resources: &[Resource]) -> Self {
        let mut links = Self::default();
        if let Some(module) = root.path(&["configuration", "root_module"]) {
            links.module(&Scope::root(module));
        }
        for resource in resources {
            let text = |name: &str| {
                resource.values.get(name).and_then(Node::text).filter(|arn| !arn.is_empty())
            };
            links.boundaries.extend(text("permissions_boundary").map(str::to_owned));
            if resource.kind.ends_with("_policy_attachment") {
                links.attached.extend(text("policy_arn").map(str::to_owned));
            }
        }
        links
    }

    fn module(&mut self, scope: &Scope<'_>) {
        let (module, prefix) = (scope.module(), scope.prefix());
        for resource in module.get("resources").map(Node::items).unwrap_or_default() {
            let Some(address) = resource.get("address").and_then(Node::text) else { continue };
            let user = format!("{prefix}{address}");
            let expressions = resource.get("expressions").map(Node::members).unwrap_or_default();
            for expression in expressions {
                for target in scope.named(&expression.value) {
                    let entry = self.referrers.entry(target).or_default();
                    let pair = (user.clone(), expression.key.clone());
                    if !entry.contains(&pair) {
                        entry.push(pair);
                    }
                }
            }
        }
        for call in module.get("module_calls").map(Node::members).unwrap_or_default() {
            let prefix = format!("{prefix}module.{}.", call.key);
            if let Some(inner) = scope.of_call(&call.value, &prefix) {
                self.module(&inner);
            }
        }
    }

    /// The configured addresses to which an attribute refers.
    pub(crate) fn targets(&self, user: &str, attribute: &str) -> Vec<&str> {
        let refers = |(by, how): &(String, String)| by == user && how == attribute;
        let found = self.referrers.iter().filter(|(_, referrers)| referrers.iter().any(refers));
        found.map(|(target, _)| target.as_str()).collect()
    }

    fn referrers(&self, address: &str) -> &[(String, String)] {
        self.referrers.get(address).map(Vec::as_slice).unwrap_or_default()
    }

    /// What a managed policy is used as: a boundary, where it stands as one,
    /// and also a policy, where it is attached too.
    fn kinds(&self, resource: &Resource) -> Vec<Kind> {
        let arn = resource.values.get("arn").and_then(Node::text).unwrap_or_default();
        let referrers = self.referrers(&resource.configured());
        let by = |attribute: &str| referrers.iter().any(|(_, found)| found == attribute);
        let boundary = self.boundaries.contains(arn) || by("permissions_boundary");
        let attached = self.attached.contains(arn)
            || by("policy_arn")
            || by("managed_policy_arns")
            || by("policy_arns");
        match (boundary, attached) {
            (true, true) => vec![Kind::Boundary, Kind::Identity],
            (true, false) => vec![Kind::Boundary],
            (false, _) => vec![Kind::Identity],
        }
    }

    /// What a data source's document is used as; through further documents
    /// that take it in, too.
    fn uses(&self, address: &str) -> Vec<Kind> {
        let mut kinds = Vec::new();
        self.collect(address, &mut kinds, 8);
        kinds
    }

    fn collect(&self, address: &str, kinds: &mut Vec<Kind>, depth: usize) {
        let Some(depth) = depth.checked_sub(1) else { return };
        for (user, attribute) in self.referrers(address) {
            if user.contains("data.aws_iam_policy_document.") {
                self.collect(user, kinds, depth);
                continue;
            }
            let kind = user.split('.').rev().nth(1).unwrap_or_default();
            let used = match kind {
                "aws_iam_policy" => {
                    let mut users = self.referrers(user).iter();
                    match users.any(|(_, found)| found == "permissions_boundary") {
                        true => Some(Kind::Boundary),
                        false => Some(Kind::Identity),
                    }
                }
                _ => DOCUMENTS
                    .iter()
                    .find(|(name, holds, _)| *name == kind && *holds == attribute.as_str())
                    .map(|(_, _, kind)| *kind),
            };
            if let Some(used) = used.filter(|used| !kinds.contains(used)) {
                kinds.push(used);
            }
        }
    }

    /// Whether a document comes from a data source that the plan shows.
    fn is_deferred(&self, user: &str, attribute: &str) -> bool {
        self.referrers.iter().any(|(target, referrers)| {
            target.contains("data.aws_iam_policy_document.")
                && referrers.iter().any(|(by, how)| by == user && how == attribute)
        })
    }
}

/// The address of what a reference names: `aws_iam_policy.p.arn` is of
/// `aws_iam_policy.p`.
pub(super) fn address_of(reference: &str) -> String {
    let plain = reference.split('[').next().unwrap_or(reference);
    let parts = if plain.starts_with("data.") { 3 } else { 2 };
    plain.split('.').take(parts).collect::<Vec<_>>().join(".")
}
