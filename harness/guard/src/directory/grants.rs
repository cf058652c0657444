//! What grants of KMS allow, as statements of their key's policy: a grant is an
//! Allow beside it, which explicit denies go before
//! (<https://docs.aws.amazon.com/kms/latest/developerguide/grants.html>).

use ringfence_models::Partition;
use serde_json::{Map, Value, json};

use super::endings::Endings;
use super::read;
use crate::checks::grants::{OPERATIONS, is_principal};

/// Operations to which an encryption context does not apply: "Encryption context
/// grant constraints are not applied to operations that do not support an
/// encryption context, such as cryptographic operations with asymmetric KMS keys
/// and management operations, such as DescribeKey or RetireGrant"
/// (<https://docs.aws.amazon.com/kms/latest/APIReference/API_GrantConstraints.html>).
const WITHOUT_CONTEXT: [&str; 7] = [
    "DescribeKey",
    "DeriveSharedSecret",
    "GenerateMac",
    "GetPublicKey",
    "Sign",
    "Verify",
    "VerifyMac",
];

/// The statements of a grant. Whom it lets retire itself does not follow from
/// them, for they are of the key and not of one grant.
pub(super) fn statements(grant: &Value, endings: &Endings) -> Vec<Value> {
    let id = read::text(grant, "GrantId").unwrap_or_default();
    let grantee = principal(grant, "GranteePrincipal", endings)
        .or_else(|| principal(grant, "GranteeServicePrincipal", endings));
    let Some(grantee) = grantee else { return Vec::new() };
    // What KMS would never have taken allows nothing: `*` in the place of an
    // operation or a principal would be a pattern in a policy.
    let operations: Vec<&str> = read::list(grant, "Operations")
        .iter()
        .filter_map(Value::as_str)
        .filter(|operation| OPERATIONS.contains(operation))
        .collect();
    let constraints = grant.get("Constraints").and_then(Value::as_object);
    let constraints = constraints.cloned().unwrap_or_default();
    let (plain, with_context): (Vec<&str>, Vec<&str>) = operations
        .iter()
        .filter(|operation| !["CreateGrant", "RetireGrant"].contains(*operation))
        .partition(|operation| WITHOUT_CONTEXT.contains(operation));
    let mut said = vec![
        (with_context, condition(&constraints)),
        (plain, condition(&without_context(&constraints))),
    ];
    if operations.contains(&"CreateGrant") {
        said.push((vec!["CreateGrant"], no_more(&operations, &constraints)));
    }
    said.into_iter()
        .filter(|(operations, _)| !operations.is_empty())
        .map(|(operations, condition)| {
            let actions: Vec<String> =
                operations.iter().map(|operation| format!("kms:{operation}")).collect();
            let mut statement = json!({"Sid": format!("Grant{id}"), "Effect": "Allow",
                "Principal": grantee, "Action": actions, "Resource": "*"});
            if let Some(members) = statement.as_object_mut().filter(|_| !condition.is_empty()) {
                members.insert("Condition".to_owned(), Value::Object(condition));
            }
            statement
        })
        .collect()
}

/// A grant that is made by a grant's permission is "equally or more restrictive":
/// of its operations, and under its constraints
/// (<https://docs.aws.amazon.com/kms/latest/developerguide/create-grant-overview.html>).
fn no_more(operations: &[&str], constraints: &Map<String, Value>) -> Map<String, Value> {
    let mut condition = condition(constraints);
    let all = condition.entry("ForAllValues:StringEquals").or_insert_with(|| json!({}));
    if let Some(all) = all.as_object_mut() {
        all.insert("kms:GrantOperations".to_owned(), json!(operations));
    }
    condition
}

fn without_context(constraints: &Map<String, Value>) -> Map<String, Value> {
    let of_context = |kind: &str| kind.starts_with("EncryptionContext");
    let rest = constraints.iter().filter(|(kind, _)| !of_context(kind));
    rest.map(|(kind, value)| (kind.clone(), value.clone())).collect()
}

/// A principal of a grant as a policy names it; that of a deleted one is
/// nobody's.
pub(super) fn principal(grant: &Value, member: &str, endings: &Endings) -> Option<Value> {
    let text = read::text(grant, member).filter(|text| is_principal(text))?;
    let after = read::text(grant, "GrantId").and_then(|id| endings.of_grant(id, text));
    let text = after.as_deref().unwrap_or(text);
    Some(match Partition::is_service_principal(text) {
        true => json!({"Service": text}),
        false => json!({"AWS": text}),
    })
}

/// The constraints of a grant: pairs that the encryption context has, or is. "The
/// key in each key-value pair is not case sensitive, but the value is case sensitive"
/// (<https://docs.aws.amazon.com/kms/latest/APIReference/API_GrantConstraints.html>).
/// A constraint of another kind is never met.
fn condition(constraints: &Map<String, Value>) -> Map<String, Value> {
    let mut equals = Map::new();
    let mut all = Map::new();
    for (kind, value) in constraints.iter().filter(|(_, value)| !value.is_null()) {
        match (kind.as_str(), value) {
            ("EncryptionContextEquals" | "EncryptionContextSubset", Value::Object(pairs)) => {
                for (key, value) in pairs {
                    equals.insert(format!("kms:EncryptionContext:{key}"), literal(value));
                }
                if kind == "EncryptionContextEquals" {
                    let keys: Vec<Value> =
                        pairs.keys().map(|key| literal(&key.as_str().into())).collect();
                    all.insert("kms:EncryptionContextKeys".to_owned(), json!(keys));
                }
            }
            ("SourceArn", Value::String(_)) => {
                equals.insert("aws:SourceArn".to_owned(), literal(value));
            }
            (kind, _) => drop(equals.insert("ringfence:GrantConstraint".to_owned(), kind.into())),
        }
    }
    [("StringEquals", equals), ("ForAllValues:StringEqualsIgnoreCase", all)]
        .into_iter()
        .filter(|(_, tests)| !tests.is_empty())
        .map(|(operator, tests)| (operator.to_owned(), Value::Object(tests)))
        .collect()
}

/// A text that a policy takes as it stands: a grant has no policy variables, and
/// `${$}` is a dollar sign
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html>).
fn literal(value: &Value) -> Value {
    value.as_str().map_or_else(|| value.clone(), |text| text.replace("${", "${$}{").into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(grant: &Value) -> Vec<Value> {
        statements(grant, &Endings::default())
    }

    #[test]
    fn a_grant_is_an_allow_for_its_grantee() {
        let grant = json!({"GrantId": "69659377", "GranteePrincipal": "arn:aws:iam::1:role/r",
            "Operations": ["Decrypt", "ReEncryptFrom"],
            "Constraints": {"EncryptionContextSubset": {"a": "b"}}});
        assert_eq!(
            of(&grant),
            [json!({"Sid": "Grant69659377", "Effect": "Allow", "Resource": "*",
                "Principal": {"AWS": "arn:aws:iam::1:role/r"},
                "Action": ["kms:Decrypt", "kms:ReEncryptFrom"],
                "Condition": {"StringEquals": {"kms:EncryptionContext:a": "b"}}})]
        );
    }

    /// An encryption context is asked for where there is one; grants that are made
    /// with the grant may not go beyond it; none lets retire another.
    #[test]
    fn constraints_hold_where_they_apply() {
        let grant = json!({"GrantId": "1", "GranteePrincipal": "arn:aws:iam::1:role/r",
            "Operations": ["Encrypt", "DescribeKey", "RetireGrant", "CreateGrant"],
            "Constraints": {"EncryptionContextSubset": {"a": "b"}, "SourceArn": "arn:s"}});
        let said: Vec<(Value, Value)> = of(&grant)
            .into_iter()
            .map(|statement| (statement["Action"].clone(), statement["Condition"].clone()))
            .collect();
        let equals = json!({"kms:EncryptionContext:a": "b", "aws:SourceArn": "arn:s"});
        assert_eq!(
            said,
            [
                (json!(["kms:Encrypt"]), json!({"StringEquals": equals})),
                (json!(["kms:DescribeKey"]), json!({"StringEquals": {"aws:SourceArn": "arn:s"}})),
                (
                    json!(["kms:CreateGrant"]),
                    json!({"StringEquals": equals, "ForAllValues:StringEquals": {
                        "kms:GrantOperations":
                            ["Encrypt", "DescribeKey", "RetireGrant", "CreateGrant"]}})
                ),
            ]
        );
    }

    #[test]
    fn a_context_that_must_be_equal_has_no_other_keys() {
        let constraints = json!({"EncryptionContextEquals": {"a": "b", "c": "d"}});
        assert_eq!(
            Value::Object(condition(constraints.as_object().unwrap())),
            json!({"StringEquals": {"kms:EncryptionContext:a": "b", "kms:EncryptionContext:c": "d"},
                "ForAllValues:StringEqualsIgnoreCase": {"kms:EncryptionContextKeys": ["a", "c"]}})
        );
        let unknown = json!({"Another": "x", "EncryptionContextSubset": null});
        assert_eq!(
            Value::Object(condition(unknown.as_object().unwrap())),
            json!({"StringEquals": {"ringfence:GrantConstraint": "Another"}})
        );
    }

    /// Nor does what KMS would not have taken.
    #[test]
    fn a_grant_of_nobody_or_of_nothing_allows_nothing() {
        for (grantee, operations) in [
            (json!(null), json!(["Decrypt"])),
            (json!("arn:aws:iam::1:user/a"), json!([])),
            (json!("*"), json!(["Decrypt"])),
            (json!("arn:aws:iam::1:user/*"), json!(["Decrypt"])),
            (json!("arn:aws:iam::1:user/a"), json!(["*", "Dec*", "ScheduleKeyDeletion"])),
        ] {
            let grant =
                json!({"GrantId": "1", "GranteePrincipal": grantee, "Operations": operations});
            assert_eq!(of(&grant), [] as [Value; 0], "{grant}");
        }
    }
}
