//! What is read of resources, documents and principals.

use std::borrow::Cow;

use ringfence_policy::{Document, Principal};
use serde_json::Value as Json;

use super::world::{Identity, Kind};
use crate::lint::known::{Node, Value};
use crate::lint::terraform::Resource;

pub(super) fn by_role(identities: &[Identity], name: &str) -> Option<usize> {
    let mut all = identities.iter();
    all.position(|one| one.kind == Kind::Role && one.name.strip_prefix("role/") == Some(name))
}

/// A text of a resource, or of the one block that it has.
pub(super) fn attribute<'r>(resource: &'r Resource, path: &str) -> Option<&'r str> {
    let found = path.split('.').try_fold(&resource.values, |node, name| match &node.value {
        Value::List(items) => items.first()?.get(name),
        _ => node.get(name),
    });
    found.and_then(Node::text).filter(|text| !text.is_empty())
}

/// A text of a resource, also of one in JSON that an attribute holds.
pub(super) fn named<'r>(resource: &'r Resource, path: &str) -> Option<Cow<'r, str>> {
    if let Some(text) = attribute(resource, path) {
        return Some(text.into());
    }
    let (first, rest) = path.split_once('.')?;
    let json: Json = serde_json::from_str(attribute(resource, first)?).ok()?;
    let found = rest.split('.').try_fold(&json, |value, name| value.get(name))?;
    found.as_str().filter(|text| !text.is_empty()).map(|text| text.to_owned().into())
}

/// Whether a text of a resource is not known, also one in JSON that an attribute holds.
pub(super) fn is_open(resource: &Resource, path: &str) -> bool {
    let mut node = &resource.values;
    for name in path.split('.') {
        let of = match &node.value {
            Value::List(items) => items.first(),
            _ => Some(node),
        };
        match of.and_then(|of| of.get(name)) {
            Some(found) => node = found,
            None => return of.is_some_and(|of| of.value == Value::Unknown),
        }
        if node.value == Value::Unknown {
            return true;
        }
    }
    false
}

/// Whether an attribute is `true`.
pub(super) fn is_true(resource: &Resource, name: &str) -> bool {
    resource.values.get(name).is_some_and(|node| node.value == Value::Bool(true))
}

/// The ARN of a role or a user.
pub(super) fn arn(principal: &Principal) -> &str {
    match principal {
        Principal::User { arn } | Principal::RoleSession { role_arn: arn, .. } => arn,
        _ => "",
    }
}

/// Whether a policy may let in somebody of a kind: `AWS`, `Federated`.
pub(super) fn names(policy: &Document, key: &str) -> bool {
    let text: Json = serde_json::from_str(policy.text()).unwrap_or_default();
    let statements = match text.get("Statement") {
        Some(Json::Array(all)) => all.clone(),
        Some(one) => vec![one.clone()],
        None => Vec::new(),
    };
    statements.iter().any(|one| match (one.get("Principal"), one.get("NotPrincipal")) {
        (_, Some(_)) | (Some(Json::String(_)), _) => true,
        (Some(principal), None) => principal.get(key).is_some(),
        (None, None) => false,
    })
}
