//! The condition keys that follow from who asks.

use ringfence_policy::{Context, Principal};

/// The condition keys that follow from who asks
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html#principaltable>).
const OF_CALLERS: [&str; 7] = [
    "aws:principalarn",
    "aws:principalaccount",
    "aws:principaltype",
    "aws:principalisawsservice",
    "aws:principalservicename",
    "aws:principalservicenameslist",
    "aws:username",
];

/// Whether a key follows from who asks.
pub(crate) fn is_fixed(principal: &Principal, key: &str) -> bool {
    let lower = key.to_ascii_lowercase();
    match principal {
        Principal::User { .. } | Principal::RoleSession { .. } => OF_CALLERS.contains(&&*lower),
        // Of others no rail is; their keys are whatever they are.
        _ => false,
    }
}

pub(super) fn fixed(principal: &Principal) -> Context {
    let mut context = Context::new();
    let (arn, kind) = match principal {
        Principal::User { arn } => (arn, "User"),
        Principal::RoleSession { role_arn, .. } => (role_arn, "AssumedRole"),
        _ => return context,
    };
    context.set("aws:PrincipalArn", arn.as_str()).set("aws:PrincipalType", kind);
    context.set("aws:PrincipalIsAWSService", "false");
    for key in ["aws:PrincipalServiceName", "aws:PrincipalServiceNamesList", "aws:username"] {
        context.unset(key);
    }
    if let Some(account) = principal.account_id() {
        context.set("aws:PrincipalAccount", account);
    }
    if let (Principal::User { .. }, Some(name)) = (principal, arn.rsplit('/').next()) {
        context.set("aws:username", name);
    }
    context
}
