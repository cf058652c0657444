//! Puts what a call replaced of a role or a user back to what it was before, so that the next
//! attack meets what the platform made: its boundary, its tags, its policies. A policy that it
//! had before is not taken from it.

use percent_encoding::percent_decode_str;
use ringfence_wire::{Service, ServiceError};
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
    inline: Inline,
    attached: Attached,
}

/// The operations of an inline policy.
struct Inline {
    read: &'static str,
    put: &'static str,
    delete: &'static str,
}

/// The operations of a managed policy that is attached.
struct Attached {
    read: &'static str,
    attach: &'static str,
    detach: &'static str,
}

const ROLE: Kind = Kind {
    member: "RoleName",
    read: "GetRole",
    answer: "/Role",
    put: "PutRolePermissionsBoundary",
    delete: "DeleteRolePermissionsBoundary",
    tag: "TagRole",
    untag: "UntagRole",
    inline: Inline { read: "GetRolePolicy", put: "PutRolePolicy", delete: "DeleteRolePolicy" },
    attached: Attached {
        read: "ListAttachedRolePolicies",
        attach: "AttachRolePolicy",
        detach: "DetachRolePolicy",
    },
};

const USER: Kind = Kind {
    member: "UserName",
    read: "GetUser",
    answer: "/User",
    put: "PutUserPermissionsBoundary",
    delete: "DeleteUserPermissionsBoundary",
    tag: "TagUser",
    untag: "UntagUser",
    inline: Inline { read: "GetUserPolicy", put: "PutUserPolicy", delete: "DeleteUserPolicy" },
    attached: Attached {
        read: "ListAttachedUserPolicies",
        attach: "AttachUserPolicy",
        detach: "DetachUserPolicy",
    },
};

/// What of a role or a user a call replaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Boundary,
    Tags,
    Inline,
    Attached,
}

/// What a call replaces, and of what.
fn replaced(call: &Step) -> Option<(Kind, Part)> {
    [ROLE, USER].into_iter().find_map(|kind| {
        let parts = [
            (vec![kind.put, kind.delete], Part::Boundary),
            (vec![kind.tag], Part::Tags),
            (vec![kind.inline.put, kind.inline.delete], Part::Inline),
            (vec![kind.attached.attach, kind.attached.detach], Part::Attached),
        ];
        let is_it = |operations: &[&str]| operations.contains(&call.operation);
        let (_, part) = parts.into_iter().find(|(operations, _)| is_it(operations))?;
        Some((kind, part))
    })
}

impl Kind {
    /// An operation on the same, with one of the call's own members or another.
    fn step(&self, call: &Step, operation: &'static str, member: &str, value: Value) -> Step {
        let mut input = json!({self.member: call.input.get(self.member)});
        if let (Some(members), false) = (input.as_object_mut(), value.is_null()) {
            members.insert(member.to_owned(), value);
        }
        Step::new(Service::Iam, operation, input)
    }

    fn boundary(&self, call: &Step, before: &Value) -> Vec<Step> {
        let had = before.pointer("/PermissionsBoundary/PermissionsBoundaryArn");
        let (operation, had) = had.map_or((self.delete, &Value::Null), |arn| (self.put, arn));
        vec![self.step(call, operation, "PermissionsBoundary", had.clone())]
    }

    fn tags(&self, call: &Step, before: &Value) -> Vec<Step> {
        let tags =
            |of: &Value| of.get("Tags").and_then(Value::as_array).cloned().unwrap_or_default();
        let key = |tag: &Value| tag.get("Key").cloned().unwrap_or_default();
        let given: Vec<Value> = tags(&call.input).iter().map(key).collect();
        let had: Vec<Value> =
            tags(before).into_iter().filter(|tag| given.contains(&key(tag))).collect();
        let mut back = vec![self.step(call, self.untag, "TagKeys", given.into())];
        if !had.is_empty() {
            back.push(self.step(call, self.tag, "Tags", had.into()));
        }
        back
    }

    /// IAM answers with documents percent-encoded (RFC 3986).
    /// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetRolePolicy.html>
    fn inline(&self, call: &Step, before: Option<&Value>) -> Vec<Step> {
        let name = call.input.get("PolicyName").cloned().unwrap_or_default();
        let named = |operation| self.step(call, operation, "PolicyName", name.clone());
        let had = before.and_then(|it| it.get("PolicyDocument")).and_then(Value::as_str);
        if let Some(had) = had {
            let document = percent_decode_str(had).decode_utf8_lossy().into_owned();
            let mut put = named(self.inline.put);
            if let Some(members) = put.input.as_object_mut() {
                members.insert("PolicyDocument".to_owned(), document.into());
            }
            return vec![put];
        }
        let was_put = call.operation == self.inline.put;
        was_put.then(|| named(self.inline.delete)).into_iter().collect()
    }

    fn attached(&self, call: &Step, before: &Value) -> Result<Vec<Step>, String> {
        let arn = call.input.get("PolicyArn").cloned().unwrap_or_default();
        let all = before.get("AttachedPolicies").and_then(Value::as_array);
        let had = all.into_iter().flatten().any(|it| it.get("PolicyArn") == Some(&arn));
        if !had && before.get("IsTruncated") == Some(&Value::Bool(true)) {
            return Err(format!("`{}` answered with a part alone", self.attached.read));
        }
        let has = call.operation == self.attached.attach;
        let back = match (had, has) {
            (true, false) => self.attached.attach,
            (false, true) => self.attached.detach,
            (true, true) | (false, false) => return Ok(Vec::new()),
        };
        Ok(vec![self.step(call, back, "PolicyArn", arn)])
    }
}

/// What reads what a call would change.
pub(super) fn read(call: &Step) -> Option<Step> {
    let (kind, part) = replaced(call)?;
    let named = || call.input.get("PolicyName").cloned().unwrap_or_default();
    let (operation, named) = match part {
        Part::Boundary | Part::Tags => (kind.read, Value::Null),
        Part::Inline => (kind.inline.read, named()),
        Part::Attached => (kind.attached.read, Value::Null),
    };
    Some(kind.step(call, operation, "PolicyName", named))
}

/// What puts it back to what was read before.
///
/// # Errors
/// Why that is not known.
pub(super) fn to(call: &Step, before: &Result<Value, ServiceError>) -> Result<Vec<Step>, String> {
    let Some((kind, part)) = replaced(call) else { return Ok(Vec::new()) };
    let before = match before {
        Ok(before) => Some(before),
        Err(error) if error.code == "NoSuchEntity" => None,
        Err(error) => return Err(format!("what was before could not be read: {error}")),
    };
    let itself = || before.and_then(|it| it.pointer(kind.answer));
    Ok(match part {
        Part::Boundary => itself().map(|it| kind.boundary(call, it)).unwrap_or_default(),
        Part::Tags => itself().map(|it| kind.tags(call, it)).unwrap_or_default(),
        Part::Inline => kind.inline(call, before),
        Part::Attached => match before {
            Some(before) => kind.attached(call, before)?,
            None => Vec::new(),
        },
    })
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
    #[case::another_call("GetRole", json!({"RoleName": "r"}), json!({"Role": {}}), &[])]
    #[case::an_inline_policy_in_the_place_of_another(
        "PutRolePolicy", json!({"RoleName": "r", "PolicyName": "p", "PolicyDocument": "new"}),
        json!({"RoleName": "r", "PolicyName": "p", "PolicyDocument": "%7B%22a%22%3A%22%2525%22%7D"}),
        &[("PutRolePolicy",
           json!({"RoleName": "r", "PolicyName": "p", "PolicyDocument": "{\"a\":\"%25\"}"}))]
    )]
    #[case::an_inline_policy_that_was_there(
        "DeleteUserPolicy", json!({"UserName": "u", "PolicyName": "p"}),
        json!({"UserName": "u", "PolicyName": "p", "PolicyDocument": "%7B%7D"}),
        &[("PutUserPolicy", json!({"UserName": "u", "PolicyName": "p", "PolicyDocument": "{}"}))]
    )]
    #[case::a_policy_that_it_had(
        "AttachRolePolicy", json!({"RoleName": "r", "PolicyArn": "a"}),
        json!({"AttachedPolicies": [{"PolicyName": "a", "PolicyArn": "a"}]}), &[]
    )]
    #[case::a_policy_that_it_had_not(
        "AttachRolePolicy", json!({"RoleName": "r", "PolicyArn": "a"}),
        json!({"AttachedPolicies": [{"PolicyName": "b", "PolicyArn": "b"}], "IsTruncated": false}),
        &[("DetachRolePolicy", json!({"RoleName": "r", "PolicyArn": "a"}))]
    )]
    #[case::a_users(
        "AttachUserPolicy", json!({"UserName": "u", "PolicyArn": "a"}), json!({"AttachedPolicies": []}),
        &[("DetachUserPolicy", json!({"UserName": "u", "PolicyArn": "a"}))]
    )]
    #[case::a_policy_that_is_taken_away(
        "DetachUserPolicy", json!({"UserName": "u", "PolicyArn": "a"}),
        json!({"AttachedPolicies": [{"PolicyName": "a", "PolicyArn": "a"}]}),
        &[("AttachUserPolicy", json!({"UserName": "u", "PolicyArn": "a"}))]
    )]
    fn what_a_call_replaced_is_put_back(
        #[case] operation: &'static str,
        #[case] input: Value,
        #[case] before: Value,
        #[case] back: &[(&str, Value)],
    ) {
        let steps = to(&Step::new(Service::Iam, operation, input), &Ok(before)).unwrap();
        let steps: Vec<(&str, Value)> =
            steps.into_iter().map(|step| (step.operation, step.input)).collect();
        assert_eq!(steps, back);
    }

    /// An inline policy that was not there is taken away; what could not be read is told.
    #[test]
    fn what_was_not_there_before_is_not_what_could_not_be_read() {
        let input = json!({"RoleName": "r", "PolicyName": "p", "PolicyDocument": "{}"});
        let put = Step::new(Service::Iam, "PutRolePolicy", input);
        let missing = Err(ServiceError::new(404, "NoSuchEntity", "no such policy"));
        let back: Vec<_> = to(&put, &missing).unwrap();
        let back: Vec<_> = back.into_iter().map(|step| (step.operation, step.input)).collect();
        let named = json!({"RoleName": "r", "PolicyName": "p"});
        assert_eq!(back, [("DeleteRolePolicy", named)]);
        let unread = Err(ServiceError::new(503, "ServiceUnavailable", "try again"));
        let why = "what was before could not be read: ServiceUnavailable: try again";
        assert_eq!(to(&put, &unread).unwrap_err(), why);
    }

    #[rstest]
    #[case("TagUser", "UserName", Some("GetUser"))]
    #[case("PutRolePermissionsBoundary", "RoleName", Some("GetRole"))]
    #[case("DetachRolePolicy", "RoleName", Some("ListAttachedRolePolicies"))]
    #[case("UpdateAssumeRolePolicy", "RoleName", None)]
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
