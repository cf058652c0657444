//! Unique ids of IAM, as AWS writes them
//! (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids>).
//!
//! moto's ids of roles are such; those of users, groups and others are 20 small
//! letters and digits. An id is one everywhere: in what clients read, in
//! `aws:userid`, in policies that name somebody who is gone.

use serde_json::Value;

/// How the ids in members of these names begin.
const PREFIXES: [(&str, &str); 5] = [
    ("UserId", "AIDA"),
    ("GroupId", "AGPA"),
    ("RoleId", "AROA"),
    ("InstanceProfileId", "AIPA"),
    ("ServerCertificateId", "ASCA"),
];
/// How long they are.
const LENGTH: usize = 21;

/// The id of a user, whatever the upstream writes.
pub(crate) fn of_user(id: &str) -> String {
    unique("AIDA", id)
}

/// Puts the ids in an answer of IAM right.
pub(crate) fn mend(answer: &mut Value) {
    match answer {
        Value::Object(members) => {
            for (name, value) in members {
                let prefix = PREFIXES.iter().find(|(member, _)| member == name);
                match (prefix, &mut *value) {
                    (Some((_, prefix)), Value::String(id)) => *id = unique(prefix, id),
                    _ => mend(value),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(mend),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// An id of a kind.
fn unique(prefix: &str, id: &str) -> String {
    if id.starts_with(prefix) {
        return id.to_owned();
    }
    format!("{prefix}{}", id.to_ascii_uppercase()).chars().take(LENGTH).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn ids_are_written_as_aws_writes_them() {
        let mut answer = json!({"User": {"UserName": "xy", "UserId": "xgy39abcdefghijklmno"},
            "Groups": [{"GroupId": "abcdefghijklmnopqrs1", "Path": "/"}],
            "Role": {"RoleId": "AROAEXAMPLEEXAMPLE123"}});
        mend(&mut answer);
        assert_eq!(
            answer,
            json!({"User": {"UserName": "xy", "UserId": "AIDAXGY39ABCDEFGHIJKL"},
                "Groups": [{"GroupId": "AGPAABCDEFGHIJKLMNOPQ", "Path": "/"}],
                "Role": {"RoleId": "AROAEXAMPLEEXAMPLE123"}})
        );
        // Once more changes nothing.
        let before = answer.clone();
        mend(&mut answer);
        assert_eq!(answer, before);
        assert_eq!(of_user("xgy39abcdefghijklmno"), "AIDAXGY39ABCDEFGHIJKL");
    }
}
