//! Grants on KMS keys (<https://docs.aws.amazon.com/kms/latest/developerguide/grants.html>).

use serde_json::{Map, Value as Json, json};

use super::{Beside, Open, items, literal, needed, principal, text};
use crate::lint::known::Node;
use crate::lint::terraform::Resource;

/// Operations that take an encryption context, which constraints are about
/// (<https://docs.aws.amazon.com/kms/latest/APIReference/API_GrantConstraints.html>).
/// What a grant lets make further grants is not held to it here.
const WITH_CONTEXT: [&str; 8] = [
    "Decrypt",
    "Encrypt",
    "GenerateDataKey",
    "GenerateDataKeyPair",
    "GenerateDataKeyPairWithoutPlaintext",
    "GenerateDataKeyWithoutPlaintext",
    "ReEncryptFrom",
    "ReEncryptTo",
];

/// The statements that an `aws_kms_grant` is like. A grant may be exercised by whoever is
/// its grantee, and retired by its retiring principal
/// (<https://docs.aws.amazon.com/kms/latest/developerguide/grant-delete.html>).
pub(super) fn grant(resource: &Resource, beside: &Beside<'_>) -> Result<Vec<Json>, Open> {
    let values = &resource.values;
    let key = match needed(values, "key_id")? {
        arn if arn.starts_with("arn:") => arn.to_owned(),
        id => beside.arn("kms", &format!("key/{id}")),
    };
    let operations = items(values, "operations")?.iter().filter_map(Node::text);
    let (with, without): (Vec<&str>, Vec<&str>) =
        operations.partition(|name| WITH_CONTEXT.contains(name));
    let condition = constraints(values)?;
    let grantee = principal(needed(values, "grantee_principal")?);
    let mut all = Vec::new();
    for (names, is_limited) in [(with, true), (without, false)] {
        if names.is_empty() {
            continue;
        }
        let actions: Vec<String> = names.iter().map(|name| format!("kms:{name}")).collect();
        let mut statement = json!({"Effect": "Allow", "Principal": grantee, "Action": actions,
            "Resource": key});
        if let Some(members) = statement.as_object_mut()
            && is_limited
            && !condition.is_empty()
        {
            members.insert("Condition".to_owned(), Json::Object(condition.clone()));
        }
        all.push(statement);
    }
    if let Some(retiring) = text(values, "retiring_principal")? {
        all.push(json!({"Effect": "Allow", "Principal": principal(retiring),
            "Action": "kms:RetireGrant", "Resource": key}));
    }
    Ok(all)
}

/// The constraints as a condition.
fn constraints(values: &Node) -> Result<Map<String, Json>, Open> {
    const KEYS: &str = "kms:EncryptionContextKeys";
    let mut equal: Map<String, Json> = Map::new();
    let mut keys: Option<Vec<String>> = None;
    for constraint in items(values, "constraints")? {
        for name in ["encryption_context_equals", "encryption_context_subset"] {
            let Some(pairs) = constraint.get(name).filter(|node| node.is_something()) else {
                continue;
            };
            let pairs = pairs.members();
            for pair in pairs {
                let value = pair.value.text().ok_or("constraints")?;
                equal.insert(format!("kms:EncryptionContext:{}", pair.key), literal(value));
            }
            if name == "encryption_context_equals" {
                keys = Some(pairs.iter().map(|pair| pair.key.clone()).collect());
            }
        }
    }
    let mut condition = Map::new();
    if !equal.is_empty() {
        condition.insert("StringEquals".to_owned(), Json::Object(equal));
    }
    if let Some(keys) = keys.filter(|keys| !keys.is_empty()) {
        condition.insert("ForAllValues:StringEquals".to_owned(), json!({KEYS: keys}));
    }
    Ok(condition)
}
