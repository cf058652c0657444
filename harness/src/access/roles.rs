//! The roles that an identity may take: a role's own trust policy decides beside the policies
//! of who takes it
//! (<https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_update-role-trust-policy.html>).

use std::sync::Arc;

use ringfence_policy::{Document, Kind, Policies, Principal};
use serde_json::json;

use super::unnamed::asks_for_caller;

/// The account of a caller whom no policy asks who it is.
const SOME_ACCOUNT: &str = "111122223333";

/// Policies of an identity, each beside a trust policy that lets its account in, as far as
/// its own policies let it; and who takes the role. Without one none is ever taken. `None`
/// where a policy of a resource decides already, or asks who the caller is, which nobody
/// knows.
pub(super) fn taken<const N: usize>(
    caller: Option<&Principal>,
    policies: [&Policies; N],
) -> Option<(Principal, [Policies; N])> {
    if policies.iter().any(|one| one.resource.is_some()) {
        return None;
    }
    let caller = match caller {
        Some(caller) => caller.clone(),
        None if policies.iter().any(|one| asks_for_caller(one, true).is_some()) => return None,
        None => Principal::User { arn: format!("arn:aws:iam::{SOME_ACCOUNT}:user/x") },
    };
    let text = json!({"Version": "2012-10-17", "Statement": {
        "Effect": "Allow",
        "Principal": {"AWS": caller.account_id()?},
        "Action": ["sts:AssumeRole", "sts:SetSourceIdentity", "sts:TagSession"],
    }});
    let document = Document::parse("the role's trust policy", &text.to_string(), Kind::Trust);
    let document = Arc::new(document.ok()?);
    let beside = |one: &Policies| Policies { resource: Some(document.clone()), ..one.clone() };
    Some((caller, policies.map(beside)))
}
