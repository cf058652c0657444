//! `statement` blocks of `aws_iam_policy_document` as the statements that they become.

use std::collections::BTreeMap;

use crate::lint::known::{Member, Node, Value};

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
