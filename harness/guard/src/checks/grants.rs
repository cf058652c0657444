//! What KMS refuses of a new grant: operations that grants do not have, principals
//! that are none. An emulator stores both, and in a policy `*` would be a pattern.

use ringfence_wire::{Call, ServiceError};
use serde_json::Value;

/// What a grant can allow
/// (<https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateGrant.html>).
pub(crate) const OPERATIONS: [&str; 17] = [
    "Decrypt",
    "Encrypt",
    "GenerateDataKey",
    "GenerateDataKeyWithoutPlaintext",
    "ReEncryptFrom",
    "ReEncryptTo",
    "Sign",
    "Verify",
    "GetPublicKey",
    "CreateGrant",
    "RetireGrant",
    "DescribeKey",
    "GenerateDataKeyPair",
    "GenerateDataKeyPairWithoutPlaintext",
    "GenerateMac",
    "VerifyMac",
    "DeriveSharedSecret",
];

/// Whether a text has the form of a grant's principal.
pub(crate) fn is_principal(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_+=,.@:/-".contains(c);
    (1..=256).contains(&text.len()) && text.chars().all(allowed)
}

/// Checks a call that makes a grant.
///
/// # Errors
/// KMS's own; the form of the messages is that of all of its services
/// (LocalStack's recorded `test_kms.py`, "1 validation error detected").
pub(crate) fn check(call: &Call) -> Result<(), ServiceError> {
    if call.name() != "CreateGrant" {
        return Ok(());
    }
    for (member, label) in
        [("GranteePrincipal", "granteePrincipal"), ("RetiringPrincipal", "retiringPrincipal")]
    {
        let given = call.input.get(member).and_then(Value::as_str);
        if let Some(text) = given.filter(|text| !is_principal(text)) {
            let rule = "Member must satisfy regular expression pattern: ^[\\w+=,.@:/-]+$";
            return Err(invalid(&format!("Value '{text}' at '{label}'"), rule));
        }
    }
    let operations: Option<Vec<&str>> = call
        .input
        .get("Operations")
        .and_then(Value::as_array)
        .map(|operations| operations.iter().filter_map(Value::as_str).collect());
    let Some(operations) = operations else {
        return Err(invalid("Value null at 'operations'", "Member must not be null"));
    };
    if operations.iter().all(|operation| OPERATIONS.contains(operation)) {
        return Ok(());
    }
    Err(invalid(
        &format!("Value '[{}]' at 'operations'", operations.join(", ")),
        &format!(
            "Member must satisfy constraint: [Member must satisfy enum value set: [{}]]",
            OPERATIONS.join(", ")
        ),
    ))
}

fn invalid(what: &str, rule: &str) -> ServiceError {
    let message =
        format!("1 validation error detected: {what} failed to satisfy constraint: {rule}");
    ServiceError::new(400, "ValidationException", message)
}

#[cfg(test)]
mod tests {
    use ringfence_wire::Service;
    use rstest::rstest;
    use serde_json::json;

    use super::*;
    use crate::requirements::tests::call;

    const USER: &str = "arn:aws:iam::123456789012:user/a";

    #[rstest]
    #[case::good(json!({"GranteePrincipal": USER, "Operations": ["Decrypt", "CreateGrant"]}), "")]
    #[case::a_service(
        json!({"GranteeServicePrincipal": "dynamodb.us-east-1.amazonaws.com", "Operations": ["Decrypt"]}), ""
    )]
    #[case::everybody(
        json!({"GranteePrincipal": "*", "Operations": ["Decrypt"]}), "Value '*' at 'granteePrincipal'"
    )]
    #[case::any_user(
        json!({"GranteePrincipal": USER, "RetiringPrincipal": "arn:aws:iam::1:user/*",
            "Operations": ["Decrypt"]}),
        "Value 'arn:aws:iam::1:user/*' at 'retiringPrincipal'"
    )]
    #[case::another_operation(
        json!({"GranteePrincipal": USER, "Operations": ["Decrypt", "ScheduleKeyDeletion"]}),
        "Value '[Decrypt, ScheduleKeyDeletion]' at 'operations'"
    )]
    #[case::a_pattern(
        json!({"GranteePrincipal": USER, "Operations": ["Dec*"]}), "Value '[Dec*]' at 'operations'"
    )]
    #[case::none(json!({"GranteePrincipal": USER}), "Value null at 'operations'")]
    fn a_grant_has_kmss_form(#[case] input: Value, #[case] at_fault: &str) {
        let answer = check(&call(Service::Kms, "CreateGrant", input));
        let Err(error) = answer else { return assert_eq!(at_fault, "") };
        assert_eq!((error.status, error.code.as_ref()), (400, "ValidationException"));
        let begin = format!(
            "1 validation error detected: {at_fault} failed to satisfy constraint: Member must "
        );
        assert!(!at_fault.is_empty() && error.message.starts_with(&begin), "{error}");
    }
}
