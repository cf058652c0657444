//! The resources that a plan or a state shows.

use std::collections::BTreeSet;

use super::Resource;
use crate::lint::known::{Member, Node, Value};

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
