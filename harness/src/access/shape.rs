//! Whether a plan or a state has the form of what `terraform show -json` prints
//! (<https://developer.hashicorp.com/terraform/internals/json-format>): what has another is
//! not read in part.

use crate::lint::known::{Node, Value};

/// What of it has another form, and how.
pub(super) fn misshapen(root: &Node) -> Option<String> {
    let version = root.get("format_version").filter(|version| version.text().is_none());
    if version.is_some() {
        return Some("`format_version` is not a text".to_owned());
    }
    if let Some(changes) = something(root, "resource_changes") {
        let Value::List(all) = &changes.value else {
            return Some("`resource_changes` is not a list".to_owned());
        };
        let wrong = |(at, change): (usize, &Node)| {
            let name = format!("`resource_changes[{at}]`");
            named(change, &name).or_else(|| {
                let is_change = change.get("change").is_some_and(is_map);
                (!is_change).then(|| format!("{name} has no `change`"))
            })
        };
        let found = all.iter().enumerate().find_map(wrong);
        if found.is_some() {
            return found;
        }
    }
    ["values", "planned_values"]
        .into_iter()
        .filter_map(|name| Some((name, something(root, name)?)))
        .chain(
            root.get("prior_state")
                .and_then(|it| Some(("prior_state.values", something(it, "values")?))),
        )
        .find_map(|(name, values)| {
            if !is_map(values) {
                return Some(format!("`{name}` is not an object"));
            }
            let module = something(values, "root_module")?;
            of_module(module, &format!("{name}.root_module"))
        })
}

/// What there is under a name, and is not `null`.
fn something<'n>(node: &'n Node, name: &str) -> Option<&'n Node> {
    node.get(name).filter(|node| !matches!(node.value, Value::Null))
}

fn of_module(module: &Node, name: &str) -> Option<String> {
    if !is_map(module) {
        return Some(format!("`{name}` is not an object"));
    }
    for (list, is_module) in [("resources", false), ("child_modules", true)] {
        let Some(all) = something(module, list) else { continue };
        let Value::List(all) = &all.value else {
            return Some(format!("`{name}.{list}` is not a list"));
        };
        for (at, one) in all.iter().enumerate() {
            let own = format!("{name}.{list}[{at}]");
            let found = match is_module {
                true => of_module(one, &own),
                false => named(one, &format!("`{own}`")).or_else(|| {
                    let values = something(one, "values");
                    let is_wrong = values.is_some_and(|values| !is_map(values));
                    is_wrong.then(|| format!("`{own}.values` is not an object"))
                }),
            };
            if found.is_some() {
                return found;
            }
        }
    }
    None
}

/// Whether a resource has no address or no type.
fn named(node: &Node, name: &str) -> Option<String> {
    let missing =
        ["address", "type"].into_iter().find(|it| node.get(it).and_then(Node::text).is_none());
    missing.map(|missing| format!("{name} has no `{missing}`"))
}

fn is_map(node: &Node) -> bool {
    matches!(node.value, Value::Map(_))
}
