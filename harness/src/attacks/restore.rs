//! Puts the boundary and the tags of a role or a user back to what they were before a call
//! that replaced them, so that the next attack meets what the platform made.

use ringfence_wire::Service;
use serde_json::{Value, json};

use super::attack::Step;

/// A role or a user.
struct Kind {
    /// What a call names it by.
    member: &'static str,
    /// Reads it.
    read: &'static str,
    /// Where the answer has it.
    answer: &'static str,
    put: &'static str,
    delete: &'static str,
    tag: &'static str,
    untag: &'static str,
}

const ROLE: Kind = Kind {
    member: "RoleName",
    read: "GetRole",
    answer: "/Role",
    put: "PutRolePermissionsBoundary",
    delete: "DeleteRolePermissionsBoundary",
    tag: "TagRole",
    untag: "UntagRole",
};

const USER: Kind = Kind {
    member: "UserName",
    read: "GetUser",
    answer: "/User",
    put: "PutUserPermissionsBoundary",
    delete: "DeleteUserPermissionsBoundary",
    tag: "TagUser",
    untag: "UntagUser",
};

impl Kind {
    /// That of which a call replaces something.
    fn of(step: &Step) -> Option<Self> {
        [ROLE, USER].into_iter().find(|it| [it.put, it.delete, it.tag].contains(&step.operation))
    }

    fn step(&self, call: &Step, operation: &'static str, member: &str, value: Value) -> Step {
        let mut input = json!({self.member: call.input.get(self.member)});
        if let (Some(members), false) = (input.as_object_mut(), value.is_null()) {
            members.insert(member.to_owned(), value);
        }
        Step::new(Service::Iam, operation, input)
    }
}

/// What reads what a call would change.
pub(super) fn read(call: &Step) -> Option<Step> {
    let kind = Kind::of(call)?;
    Some(kind.step(call, kind.read, kind.member, Value::Null))
}

/// What puts it back to what was read before.
pub(super) fn to(call: &Step, before: &Value) -> Vec<Step> {
    let Some(kind) = Kind::of(call) else { return Vec::new() };
    let Some(before) = before.pointer(kind.answer) else { return Vec::new() };
    if call.operation != kind.tag {
        const BOUNDARY: &str = "PermissionsBoundary";
        let had = before.pointer("/PermissionsBoundary/PermissionsBoundaryArn");
        let (operation, had) = had.map_or((kind.delete, &Value::Null), |arn| (kind.put, arn));
        return vec![kind.step(call, operation, BOUNDARY, had.clone())];
    }
    let tags = |of: &Value| of.get("Tags").and_then(Value::as_array).cloned().unwrap_or_default();
    let key = |tag: &Value| tag.get("Key").cloned().unwrap_or_default();
    let given: Vec<Value> = tags(&call.input).iter().map(key).collect();
    let had: Vec<Value> =
        tags(before).into_iter().filter(|tag| given.contains(&key(tag))).collect();
    let mut back = vec![kind.step(call, kind.untag, "TagKeys", given.into())];
    if !had.is_empty() {
        back.push(kind.step(call, kind.tag, "Tags", had.into()));
    }
    back
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::another_boundary(
        "PutUserPermissionsBoundary", json!({"UserName": "u", "PermissionsBoundary": "b"}),
        json!({"User": {"PermissionsBoundary": {"PermissionsBoundaryArn": "a"}}}),
        &[("PutUserPermissionsBoundary", json!({"UserName": "u", "PermissionsBoundary": "a"}))]
    )]
    #[case::a_boundary_where_there_was_none(
        "PutUserPermissionsBoundary", json!({"UserName": "u", "PermissionsBoundary": "b"}),
        json!({"User": {}}), &[("DeleteUserPermissionsBoundary", json!({"UserName": "u"}))]
    )]
    #[case::no_boundary(
        "DeleteRolePermissionsBoundary", json!({"RoleName": "r"}),
        json!({"Role": {"PermissionsBoundary": {"PermissionsBoundaryArn": "a"}}}),
        &[("PutRolePermissionsBoundary", json!({"RoleName": "r", "PermissionsBoundary": "a"}))]
    )]
    #[case::a_new_tag(
        "TagUser", json!({"UserName": "u", "Tags": [{"Key": "team", "Value": "platform"}]}),
        json!({"User": {"Tags": [{"Key": "other", "Value": "x"}]}}),
        &[("UntagUser", json!({"UserName": "u", "TagKeys": ["team"]}))]
    )]
    #[case::another_value(
        "TagRole", json!({"RoleName": "r", "Tags": [{"Key": "team", "Value": "platform"}]}),
        json!({"Role": {"Tags": [{"Key": "team", "Value": "a"}, {"Key": "other", "Value": "x"}]}}),
        &[
            ("UntagRole", json!({"RoleName": "r", "TagKeys": ["team"]})),
            ("TagRole", json!({"RoleName": "r", "Tags": [{"Key": "team", "Value": "a"}]})),
        ]
    )]
    #[case::what_is_not_there(
        "TagRole", json!({"RoleName": "r", "Tags": []}), json!({}), &[]
    )]
    #[case::another_call("PutRolePolicy", json!({"RoleName": "r"}), json!({"Role": {}}), &[])]
    fn what_a_call_replaced_is_put_back(
        #[case] operation: &'static str,
        #[case] input: Value,
        #[case] before: Value,
        #[case] back: &[(&str, Value)],
    ) {
        let steps = to(&Step::new(Service::Iam, operation, input), &before);
        let steps: Vec<(&str, Value)> =
            steps.into_iter().map(|step| (step.operation, step.input)).collect();
        assert_eq!(steps, back);
    }

    #[rstest]
    #[case("TagUser", "UserName", Some("GetUser"))]
    #[case("PutRolePermissionsBoundary", "RoleName", Some("GetRole"))]
    #[case("PutRolePolicy", "RoleName", None)]
    fn what_is_replaced_is_read_before(
        #[case] operation: &'static str,
        #[case] member: &str,
        #[case] expected: Option<&str>,
    ) {
        let call = Step::new(Service::Iam, operation, json!({member: "x", "Tags": []}));
        let read = read(&call).map(|step| (step.operation, step.input));
        assert_eq!(read, expected.map(|it| (it, json!({member: "x"}))));
    }
}
