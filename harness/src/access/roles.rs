//! What an identity may do where the policy of what it acts upon must let its account in, too:
//!
//! - a role's trust policy decides beside the policies of who takes the role
//!   (<https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_update-role-trust-policy.html>);
//! - policies of the account allow the use of a key where the key's policy lets the account in,
//!   as the one does that AWS gives it
//!   (<https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html>);
//! - of what another account has its policy must let in as well
//!   (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic-cross-account.html>).

use std::collections::BTreeSet;
use std::sync::Arc;

use ringfence_policy::{Document, Kind, Policies, Principal};
use serde_json::json;

use super::unnamed::{asks_for_caller, documents};

/// The account of a caller whom no policy asks who it is.
const SOME_ACCOUNT: &str = "111122223333";

/// What who has no policies asks for.
const OF_NO_ACCOUNT: [&str; 2] = ["sts:AssumeRoleWithSAML", "sts:AssumeRoleWithWebIdentity"];

/// Policies of an identity, each beside a policy of what is acted upon that lets its account in,
/// as far as its own policies let it; and who asks. Without one no role is ever taken, and no key
/// used. `None` where a policy of a resource decides already.
pub(super) fn let_in<const N: usize>(
    caller: Option<&Principal>,
    policies: [&Policies; N],
) -> Option<(Option<Principal>, [Policies; N])> {
    if policies.iter().any(|one| one.resource.is_some()) {
        return None;
    }
    let mut accounts = BTreeSet::new();
    let caller = match caller {
        Some(caller) => {
            accounts.insert(caller.account_id()?.to_owned());
            Some(caller.clone())
        }
        None => {
            accounts.insert(SOME_ACCOUNT.to_owned());
            let asks = policies.iter().any(|one| asks_for_caller(one, true).is_some());
            if asks {
                accounts.extend(policies.iter().flat_map(|one| named(one)));
            }
            let arn = format!("arn:aws:iam::{SOME_ACCOUNT}:user/x");
            (!asks).then_some(Principal::User { arn })
        }
    };
    let text = json!({"Version": "2012-10-17", "Statement": {
        "Effect": "Allow",
        "Principal": {"AWS": accounts},
        "NotAction": OF_NO_ACCOUNT,
        "Resource": "*",
    }});
    let document = Document::parse("what is acted upon", &text.to_string(), Kind::Resource);
    let document = Arc::new(document.ok()?);
    let beside = |one: &Policies| Policies { resource: Some(document.clone()), ..one.clone() };
    Some((caller, policies.map(beside)))
}

/// The accounts that policies name.
fn named(policies: &Policies) -> BTreeSet<String> {
    let texts = documents(policies).map(|document| document.text());
    let numbers = texts.flat_map(|text| text.split(|one: char| !one.is_ascii_digit()));
    numbers.filter(|number| number.len() == 12).map(str::to_owned).collect()
}
