//! What is read of resources, documents and principals.

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
