//! The policies of resources that templates make, by what stands in their properties.

use std::sync::Arc;

use ringfence_policy::{Document, Kind};

use super::complete::known;
use super::estate::Estate;
use super::grants::Unread;
use crate::lint::known::{Member, Node, Value};

/// Types whose documents are of identities, or limit.
const OTHERS: [&str; 6] = [
    "AWS::IAM::",
    "AWS::Organizations::",
    "AWS::SSO::",
    "AWS::EC2::VPCEndpoint",
    "AWS::Serverless::Function",
    "AWS::Serverless::StateMachine",
];

/// Adds what a resource lets in: the policies that name principals, and permissions on
/// functions for others than services. What is not known is taken for the most that it
/// may be.
pub(super) fn add(resource: &Member, kind: &str, properties: &Node, estate: &mut Estate) {
    if OTHERS.iter().any(|other| kind.starts_with(other)) {
        return;
    }
    let name = free(&resource.key, estate);
    let unread =
        |what: &str| Unread::of_template(kind, format!("Resources.{}: {what}", resource.key));
    if kind == "AWS::Lambda::Permission" {
        let principal = properties.get("Principal").and_then(Node::text);
        if !principal.is_some_and(|it| it.ends_with(".amazonaws.com")) {
            let unread = unread("it lets in another than a service");
            estate.entry(&name).unknown.insert(unread.why.clone());
            estate.entry(&name).unread.push(unread);
        }
        return;
    }
    let mut documents = Vec::new();
    policies(properties, &mut documents);
    for (number, node) in documents.into_iter().enumerate() {
        let own = if number == 0 { name.clone() } else { format!("{name}.{number}") };
        let text = match node.text() {
            Some(text) => Some(text.to_owned()),
            None => known(node).map(|it| it.to_string()),
        };
        let document =
            text.and_then(|text| Document::parse(own.clone(), &text, Kind::Resource).ok());
        let entry = estate.entry(&own);
        match document {
            Some(document) => entry.policies.resource = Some(Arc::new(document)),
            None => {
                let unread = unread("its policy is not known");
                entry.unknown.insert(unread.why.clone());
                entry.unread.push(unread);
            }
        }
    }
}

/// A name that no entry has.
fn free(key: &str, estate: &Estate) -> String {
    let own = format!("Resources.{key}");
    let numbered = (2..).map(|number| format!("{own} ({number})"));
    let mut all = std::iter::once(own.clone()).chain(numbered);
    all.find(|name| !estate.entries.contains_key(name)).unwrap_or(own)
}

/// The documents of a value that name principals, or may.
fn policies<'n>(node: &'n Node, found: &mut Vec<&'n Node>) {
    match &node.value {
        Value::Map(members) => {
            let statements = node.get("Statement");
            if statements.is_some_and(may_name) {
                found.push(node);
                return;
            }
            for member in members {
                let is_unknown = matches!(member.value.value, Value::Unknown);
                if is_unknown && (member.key.ends_with("Policy") || member.key == "PolicyDocument")
                {
                    found.push(&member.value);
                } else {
                    policies(&member.value, found);
                }
            }
        }
        Value::List(items) => items.iter().for_each(|item| policies(item, found)),
        Value::Text(text) if text.contains("\"Statement\"") && text.contains("Principal\"") => {
            found.push(node);
        }
        _ => {}
    }
}

/// Whether statements name principals, or are not known.
fn may_name(statements: &Node) -> bool {
    let names = |one: &Node| {
        matches!(one.value, Value::Unknown)
            || one.get("Principal").is_some()
            || one.get("NotPrincipal").is_some()
    };
    names(statements) || statements.items().iter().any(names)
}
