//! Condition keys of EC2 that say with whom something is shared, and whether it is
//! encrypted.

use ringfence_wire::Service;
use serde_json::{Map, Value, json};

use super::carries;
use crate::requirements::RequirementsError;
use crate::requirements::requirement::Requirement;
use crate::requirements::scope::{Scope, field, items};
use crate::requirements::state::{Question, Told};

/// Sets what the requirement's action carries of them with its resource.
pub(super) async fn describe(
    scope: &Scope<'_>,
    requirement: &mut Requirement,
    kind: &str,
    id: &str,
) -> Result<(), RequirementsError> {
    shared(scope, requirement, kind);
    if carries(requirement, kind, "Encrypted").is_some() {
        match encrypted(scope, kind, id).await? {
            Told::Is(text) => drop(requirement.context.set("ec2:Encrypted", text)),
            Told::Nothing => {}
            Told::Unknown(_) => drop(requirement.context.set_unknown("ec2:Encrypted")),
        }
    }
    Ok(())
}

/// `ec2:Add/group`, `ec2:Remove/userId` and the like: from the list of a structure, or
/// from the older members beside each other
/// (<https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifySnapshotAttribute.html>).
fn shared(scope: &Scope<'_>, requirement: &mut Requirement, kind: &str) {
    for (verb, operation) in [("Add", "add"), ("Remove", "remove")] {
        for (what, member, older) in
            [("group", "Group", "UserGroup"), ("userId", "UserId", "UserId")]
        {
            let Some(key) = carries(requirement, kind, &format!("{verb}/{what}")) else { continue };
            let mut given: Vec<&str> = Vec::new();
            for permission in ["CreateVolumePermission", "LaunchPermission"] {
                let list = scope.value(permission).and_then(|it| it.get(verb));
                let list = list.map(items).unwrap_or_default().into_iter();
                given.extend(list.filter_map(|it| field(it, &[member, what])?.as_str()));
            }
            if scope.text("OperationType") == Some(operation) {
                given.extend(scope.texts(older));
            }
            given.dedup();
            match given.as_slice() {
                [] => {}
                [one] => drop(requirement.context.set(key, *one)),
                // The key has one value, and nobody knows which.
                _ => drop(requirement.context.set_unknown(key)),
            }
        }
    }
}

/// Whether a volume or a snapshot is encrypted, or the volume that is to be made is:
/// also where the account encrypts by default, or the snapshot is, which does not
/// show in the call
/// (<https://docs.aws.amazon.com/ebs/latest/userguide/encryption-by-default.html>).
async fn encrypted(
    scope: &Scope<'_>,
    kind: &str,
    id: &str,
) -> Result<Told<String>, RequirementsError> {
    let (operation, member, answer): (_, _, &'static [&'static str]) = match kind {
        "volume" => ("DescribeVolumes", "VolumeId", &["volumeSet", "*", "encrypted"]),
        "snapshot" => ("DescribeSnapshots", "SnapshotId", &["snapshotSet", "*", "encrypted"]),
        _ => return Ok(Told::Unknown("nothing tells it".to_owned())),
    };
    if id != "*" {
        let input = Map::from_iter([(member.to_owned(), json!([id]))]);
        return told(scope, operation, input, answer).await;
    }
    if scope.name() != "CreateVolume" {
        return Ok(Told::Unknown("what is copied tells it".to_owned()));
    }
    if scope.flag("Encrypted") {
        return Ok(Told::Is("true".to_owned()));
    }
    let of_account =
        told(scope, "GetEbsEncryptionByDefault", Map::new(), &["ebsEncryptionByDefault"]).await?;
    Ok(match of_account {
        Told::Is(text) if text == "false" && scope.text("SnapshotId").is_none() => Told::Is(text),
        _ => Told::Unknown("the account's default, or the snapshot, tells it".to_owned()),
    })
}

async fn told(
    scope: &Scope<'_>,
    operation: &'static str,
    input: Map<String, Value>,
    answer: &'static [&'static str],
) -> Result<Told<String>, RequirementsError> {
    let question = Question { api: Service::Ec2, operation, input, answer };
    Ok(match scope.state.told(&question).await? {
        Told::Is(texts) => match texts.as_slice() {
            [text] => Told::Is(text.clone()),
            _ => Told::Unknown("it is told of several".to_owned()),
        },
        Told::Nothing => Told::Nothing,
        Told::Unknown(reason) => Told::Unknown(reason),
    })
}
