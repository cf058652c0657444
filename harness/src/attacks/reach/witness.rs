//! A request that statements would allow: the engine must allow it too.

use ringfence_policy::catalog::Action;
use ringfence_policy::{Context, Principal, Request, judge};

use super::grants::{Grant, Policies};

/// A request for the action on the pattern that the engine allows, with the
/// condition keys that the grants ask for; none where it allows none, or where a
/// value cannot be made up here.
pub(super) fn request(
    policies: &Policies,
    name: &str,
    action: &Action,
    pattern: &str,
    grants: &[&Grant],
    account: &str,
) -> Option<(String, Context)> {
    let mut context = Context::new();
    for (operator, key, values) in grants.iter().flat_map(|grant| &grant.tests) {
        if !satisfied(&mut context, operator, key, values) {
            return None;
        }
    }
    let resource = match action.takes_only_everything() {
        true => "*".to_owned(),
        false => concrete(pattern, account),
    };
    judged(policies, name, &resource, &context, account).then_some((resource, context))
}

/// Whether the engine allows a request for the action on the pattern, with the
/// condition keys that the grants ask for. A condition for which no value can
/// be made up here (a number, a date, an address) is taken for met.
pub(super) fn allowed(
    policies: &Policies,
    action_name: &str,
    action: &Action,
    pattern: &str,
    grants: &[&Grant],
) -> bool {
    let mut context = Context::new();
    for (operator, key, values) in grants.iter().flat_map(|grant| &grant.tests) {
        if !satisfied(&mut context, operator, key, values) {
            return true;
        }
    }
    let account = "123456789012";
    let resource = match action.takes_only_everything() {
        true => "*".to_owned(),
        false => concrete(pattern, account),
    };
    judged(policies, action_name, &resource, &context, account)
}

fn judged(
    policies: &Policies,
    action: &str,
    resource: &str,
    context: &Context,
    account: &str,
) -> bool {
    let principal = Principal::RoleSession {
        role_arn: format!("arn:aws:iam::{account}:role/ringfence-reach"),
        session_arn: format!("arn:aws:sts::{account}:assumed-role/ringfence-reach/s"),
    };
    let request = Request {
        principal: &principal,
        action,
        resource,
        resource_account: Some(account),
        context,
    };
    judge(&request, &policies.compiled).allowed()
}

/// Sets the key so that the operator holds; false where that is not known how.
fn satisfied(context: &mut Context, operator: &str, key: &str, values: &[String]) -> bool {
    let (set, base) = match operator.split_once(':') {
        Some((set, base)) => (Some(set), base),
        None => (None, operator),
    };
    let base = base.strip_suffix("IfExists").unwrap_or(base);
    let first = values.first().map(|value| concrete(value, "123456789012"));
    match base {
        // Absent by default, and present with any value.
        "Null" => {
            if first.as_deref() == Some("false") && context.get(key).is_none() {
                context.set(key, "ringfence");
            }
            true
        }
        "StringEquals"
        | "StringEqualsIgnoreCase"
        | "StringLike"
        | "ArnEquals"
        | "ArnLike"
        | "Bool" => {
            let Some(value) = first else { return false };
            match set {
                Some(_) => context.set_list(key, [value]),
                None => context.set(key, value),
            };
            true
        }
        // A key that is absent differs from everything.
        "StringNotEquals" | "StringNotLike" | "ArnNotEquals" | "ArnNotLike" => true,
        _ => false,
    }
}

/// A text that fits a pattern and, in an ARN, has an account and no region of
/// its own.
pub(super) fn concrete(pattern: &str, account: &str) -> String {
    if pattern == "*" {
        return "ringfence".to_owned();
    }
    let mut parts: Vec<String> = pattern.splitn(6, ':').map(str::to_owned).collect();
    let is_arn = parts.len() == 6 && parts.first().is_some_and(|part| part == "arn");
    if is_arn {
        let defaults = [(1, "aws"), (3, "us-east-1"), (4, account)];
        for (place, value) in defaults {
            if let Some(part) = parts.get_mut(place).filter(|part| *part == "*") {
                value.clone_into(part);
            }
        }
    }
    parts.join(":").replace('*', "ringfence").replace('?', "x")
}
