//! What AWS's services answer to a policy that they do not store: each has a
//! fixed set of sentences, without places, and an order in which it looks.
//!
//! These are for clients, who match on them. Why [`Document::parse`] refused a
//! document, and where, says its own [`DocumentError`].
//!
//! [`Document::parse`]: crate::Document::parse
//! [`DocumentError`]: crate::DocumentError

mod identity;
mod resource;
mod s3;
#[cfg(test)]
mod tests;

pub use identity::{Use, identity};
pub use resource::{Elements, Fault, is_service_name, resource, trust};
pub use s3::bucket;

use crate::json::{Member, Node, Value};
use crate::pattern::{Case, Glob};

/// Whether an entry of `Action` means an action, both without their prefix.
pub fn names_action(entry: &str, action: &str) -> bool {
    Glob::new(&entry.to_ascii_lowercase()).matches(action, Case::Fold)
}

/// A member of an object.
fn member<'n>(members: &'n [Member], name: &str) -> Option<&'n Node> {
    members.iter().find(|member| member.key == name).map(|member| &member.value)
}

/// The members of an object; none of anything else.
fn members(node: &Node) -> Option<&[Member]> {
    match &node.value {
        Value::Object(members) => Some(members),
        _ => None,
    }
}

/// The texts of one string or of a list; what is no text is left out.
fn texts(node: Option<&Node>) -> Vec<&str> {
    let nodes = match node.map(|node| &node.value) {
        Some(Value::Array(nodes)) => nodes.as_slice(),
        Some(_) => node.map(std::slice::from_ref).unwrap_or_default(),
        None => &[],
    };
    nodes.iter().filter_map(text).collect()
}

fn text(node: &Node) -> Option<&str> {
    match &node.value {
        Value::String(text) => Some(text),
        _ => None,
    }
}

/// The statements of a list, or the one that stands for a list of one.
fn listed(node: &Node) -> &[Node] {
    match &node.value {
        Value::Array(nodes) => nodes,
        _ => std::slice::from_ref(node),
    }
}
