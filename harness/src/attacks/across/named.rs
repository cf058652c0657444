//! Whether what two accounts allow is meant: one of them must say by name whom or what.
//!
//! The resource's policy names the caller where any other role of the caller's account,
//! with the same policies, is refused. The caller's own policies name the resource where
//! they do not allow the same on any other one. An account that is trusted as a whole
//! (`arn:aws:iam::ACCOUNT:root`) leaves to its own policies who gets in
//! (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html>),
//! and these say nobody where they allow it on `*`.

use std::sync::Arc;

use ringfence_guard::recording::Asked;
use ringfence_guard::{Attached, Inputs, Overlay};
use ringfence_policy::{Context, Decision, Document, Kind, Layer, Principal};
use serde_json::json;

use crate::attacks::companions::document;

/// A name that no policy speaks of.
const NEIGHBOUR: &str = "ringfence-neighbour";

/// Who says that what is allowed is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Named {
    /// The policy of what is entered names the caller.
    Caller,
    /// The caller's own policies name what is entered.
    Entered,
    /// Neither.
    Nobody,
}

/// Who means what is allowed.
pub(super) fn by(inputs: &Inputs) -> Named {
    if !allowed(&of_neighbour(inputs), &Overlay::none()) {
        Named::Caller
    } else if !allows_elsewhere(inputs) {
        Named::Entered
    } else {
        Named::Nobody
    }
}

fn allowed(inputs: &Inputs, overlay: &Overlay) -> bool {
    inputs.decide(overlay).iter().all(Decision::allowed)
}

/// The same by another role of the account, without the caller's tags.
fn of_neighbour(inputs: &Inputs) -> Inputs {
    let account = inputs.principal.account_id().unwrap_or_default();
    let partition = asked_partition(inputs);
    let role_arn = format!("arn:{partition}:iam::{account}:role/{NEIGHBOUR}");
    let session_arn = format!("arn:{partition}:sts::{account}:assumed-role/{NEIGHBOUR}/s");
    let context = |context: &Context| {
        let mut other = context.clone();
        other.retain(|key| {
            let key = key.to_ascii_lowercase();
            !key.starts_with("aws:principaltag/") && key != "aws:username"
        });
        other.set("aws:PrincipalArn", role_arn.clone());
        other.set("aws:userid", format!("AROARINGFENCENEIGHBR:{NEIGHBOUR}"));
        Arc::new(other)
    };
    let asked = inputs.asked.iter();
    let asked = asked.map(|one| Asked { context: context(&one.context), ..one.clone() });
    Inputs {
        asked: asked.collect(),
        principal: Principal::RoleSession { role_arn: role_arn.clone(), session_arn },
        ..inputs.clone()
    }
}

fn asked_partition(inputs: &Inputs) -> String {
    let first = inputs.asked.first().map(|asked| asked.resource.as_str()).unwrap_or_default();
    first.split(':').nth(1).unwrap_or("aws").to_owned()
}

/// Whether the caller's own policies allow the same on something of another name, were
/// it to let everybody in.
fn allows_elsewhere(inputs: &Inputs) -> bool {
    let mut overlay = Overlay::none();
    let mut asked = Vec::new();
    for one in &inputs.asked {
        let open = one.resource_policy.as_ref().and_then(|policy| open(&policy.document));
        let resource_policy = one.resource_policy.as_ref().zip(open).map(|(policy, open)| {
            Attached { slot: Arc::clone(&policy.slot), id: Arc::clone(&policy.id), document: open }
        });
        asked.push(Asked { resource: elsewhere(&one.resource), resource_policy, ..one.clone() });
    }
    if inputs.asked.iter().any(|one| one.resource_policy.is_none()) {
        let anything = vec![json!({"Effect": "Allow", "Principal": "*", "Action": "*",
            "Resource": "*"})];
        if let Some(open) = document("open", anything, Kind::Resource) {
            overlay = overlay.add(None, Layer::Resource, open);
        }
    }
    allowed(&Inputs { asked, ..inputs.clone() }, &overlay)
}

/// The policy of a resource that lets everybody in.
fn open(policy: &Document) -> Option<Arc<Document>> {
    let statement = match policy.kind() {
        Kind::Trust => json!({"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:*"}),
        _ => json!({"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}),
    };
    document(policy.name(), vec![statement], policy.kind())
}

/// Something of the same type and account by a name that no policy speaks of.
fn elsewhere(arn: &str) -> String {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let [arn, partition, service, region, account, resource] = parts.as_slice() else {
        return NEIGHBOUR.to_owned();
    };
    let other = match (*service, resource.split_once([':', '/'])) {
        // What is before the slash is the bucket's name.
        ("s3", Some((_, key))) => format!("{NEIGHBOUR}/{key}"),
        (_, Some((kind, rest))) => {
            let sign = resource.as_bytes().get(kind.len()).map_or('/', |byte| char::from(*byte));
            // Below a path of the same name.
            let path =
                rest.rsplit_once('/').map(|(path, _)| format!("{path}/")).unwrap_or_default();
            format!("{kind}{sign}{path}{NEIGHBOUR}")
        }
        (_, None) => NEIGHBOUR.to_owned(),
    };
    [arn, partition, service, region, account, other.as_str()].join(":")
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(
        "arn:aws:iam::222222222222:role/a/deploy",
        "arn:aws:iam::222222222222:role/a/ringfence-neighbour"
    )]
    #[case("arn:aws:s3:::bucket/k/x", "arn:aws:s3:::ringfence-neighbour/k/x")]
    #[case("arn:aws:s3:::bucket", "arn:aws:s3:::ringfence-neighbour")]
    #[case("arn:aws:sqs:r:222222222222:q", "arn:aws:sqs:r:222222222222:ringfence-neighbour")]
    #[case(
        "arn:aws:lambda:r:222222222222:function:f",
        "arn:aws:lambda:r:222222222222:function:ringfence-neighbour"
    )]
    fn another_of_the_same_type_has_another_name(#[case] arn: &str, #[case] other: &str) {
        assert_eq!(elsewhere(arn), other);
    }
}
