//! What a call that changes something says beside what it was decided on.

use std::collections::BTreeMap;

use ringfence_wire::Call;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Check;

/// What a call that changes something says beside what it was decided on: which
/// members it gives, and of one that is decided on `*` what it is about.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The members of its input that it gives, without their values; of a map of
    /// attributes each (`Attributes.VisibilityTimeout`), and of one attribute by its
    /// name that one (`AttributeName.DisplayName`).
    pub members: Vec<String>,
    /// Where permissions or tags change and no ARN says of what: the names, ids and
    /// ARNs that it gives, by member (`policyName`, `EventBusName`).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub names: BTreeMap<String, Vec<String>>,
    /// The region of the call, which names are of; it goes with [`names`](Self::names).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
}

/// The member that is a map of attributes by their names: of SQS's
/// `SetQueueAttributes`, SNS's `SetEndpointAttributes`, ….
const ATTRIBUTES: &str = "Attributes";
/// The members whose value is an attribute's name: of SNS's `SetTopicAttributes`, of
/// EC2's `ModifyImageAttribute`.
const ATTRIBUTE_NAMES: [&str; 2] = ["AttributeName", "Attribute"];
/// How members end that say what a call is about.
const NAMES: [&str; 6] = ["name", "arn", "id", "identifier", "identity", "arnlist"];

impl Change {
    /// That of a call for which permissions were checked.
    pub(crate) fn of(call: &Call, checks: &[Check]) -> Self {
        let mut members = Vec::with_capacity(call.input.len());
        for (member, value) in &call.input {
            match value {
                Value::Object(attributes) if member == ATTRIBUTES => {
                    members.extend(attributes.keys().map(|name| format!("{member}.{name}")));
                }
                Value::String(name) if ATTRIBUTE_NAMES.contains(&member.as_str()) => {
                    members.push(format!("{member}.{name}"));
                }
                _ => members.push(member.clone()),
            }
        }
        members.sort_unstable();
        let is_about_all = |check: &Check| {
            check.resource == "*" && (check.is_of_permissions() || check.is_of_tags())
        };
        let (names, region) = match checks.iter().any(is_about_all) {
            true => (names(call), Some(call.region.to_string())),
            false => (BTreeMap::new(), None),
        };
        Self { members, names, region }
    }

    /// Whether it names something by a member.
    pub fn is_named(&self, member: &str, name: &str) -> bool {
        self.names.get(member).is_some_and(|names| names.iter().any(|it| it == name))
    }

    /// The attributes that it sets, where its input has them by their names.
    pub fn attributes(&self) -> impl Iterator<Item = &str> {
        self.members.iter().filter_map(|member| {
            let (of, name) = member.split_once('.')?;
            (of == ATTRIBUTES || ATTRIBUTE_NAMES.contains(&of)).then_some(name)
        })
    }
}

/// What a call names, but for what the service's model calls sensitive.
fn names(call: &Call) -> BTreeMap<String, Vec<String>> {
    let model = call.service().model();
    let is_sensitive = |name: &str| {
        let shape = call.operation.member(name).and_then(|member| model.shape_of(member));
        shape.is_none_or(|shape| shape.sensitive)
    };
    let is_name = |name: &str| {
        let name = name.to_ascii_lowercase();
        NAMES.iter().any(|end| name.ends_with(end))
    };
    let given = call.input.iter().filter(|(name, _)| is_name(name) && !is_sensitive(name));
    given
        .filter_map(|(name, value)| {
            let texts: Vec<String> = match value {
                Value::String(text) => vec![text.clone()],
                Value::Array(texts) => {
                    texts.iter().filter_map(|text| Some(text.as_str()?.to_owned())).collect()
                }
                _ => Vec::new(),
            };
            (!texts.is_empty()).then(|| (name.clone(), texts))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use ringfence_wire::Service;
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    fn change(service: &str, operation: &str, input: Value, check: (&str, &str)) -> Value {
        let Value::Object(input) = input else { panic!("an object") };
        let operation = Service::of(service).unwrap().operation(operation).unwrap();
        let call = Call { operation, region: "us-east-1".into(), input, payload: None };
        let check = json!({"action": check.0, "resource": check.1, "outcome": "allow",
            "layer": "identity", "statements": [], "explanation": ""});
        let checks = [serde_json::from_value(check).unwrap()];
        serde_json::to_value(Change::of(&call, &checks)).unwrap()
    }

    const QUEUE: &str = "arn:aws:sqs:us-east-1:123456789012:q";

    #[rstest]
    #[case::a_map(
        "sqs", "SetQueueAttributes",
        json!({"QueueUrl": "http://x/q", "Attributes": {"Policy": "{}", "DelaySeconds": "3"}}),
        ("sqs:SetQueueAttributes", QUEUE),
        json!({"members": ["Attributes.DelaySeconds", "Attributes.Policy", "QueueUrl"]})
    )]
    #[case::a_name(
        "sns", "SetTopicAttributes",
        json!({"TopicArn": "arn:t", "AttributeName": "DisplayName", "AttributeValue": "secret"}),
        ("sns:SetTopicAttributes", "arn:aws:sns:us-east-1:123456789012:t"),
        json!({"members": ["AttributeName.DisplayName", "AttributeValue", "TopicArn"]})
    )]
    #[case::a_policy_by_its_name(
        "logs", "PutResourcePolicy",
        json!({"policyName": "p", "policyDocument": "{}"}),
        ("logs:PutResourcePolicy", "*"),
        json!({"members": ["policyDocument", "policyName"], "names": {"policyName": ["p"]},
            "region": "us-east-1"})
    )]
    #[case::tags_by_a_list(
        "resourcegroupstaggingapi", "TagResources",
        json!({"ResourceARNList": [QUEUE], "Tags": {"a": "b"}}),
        ("tag:TagResources", "*"),
        json!({"members": ["ResourceARNList", "Tags"], "names": {"ResourceARNList": [QUEUE]},
            "region": "us-east-1"})
    )]
    #[case::no_permission(
        "sns", "SetSMSAttributes",
        json!({"attributes": {"DefaultSenderID": "x"}}),
        ("sns:SetSMSAttributes", "*"),
        json!({"members": ["attributes"]})
    )]
    fn a_change_tells_its_members_and_what_no_arn_says(
        #[case] service: &str,
        #[case] operation: &str,
        #[case] input: Value,
        #[case] check: (&str, &str),
        #[case] told: Value,
    ) {
        assert_eq!(change(service, operation, input, check), told);
    }
}
