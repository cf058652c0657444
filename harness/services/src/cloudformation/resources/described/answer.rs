//! What an answer tells of a resource: an attribute is found by its name,
//! without regard to case and with or without the type's before it (`Arn` is
//! `stateMachineArn` in the answer of `CreateStateMachine`).

use serde_json::Value;

/// The attribute of a type in an answer: the least deep of that name.
pub(super) fn attribute(answer: &Value, short: &str, attribute: &str) -> Option<Value> {
    let last = attribute.rsplit('.').next().unwrap_or(attribute);
    let full = format!("{short}{last}");
    let bare = last.strip_prefix(short).filter(|rest| !rest.is_empty());
    let names = [Some(last), Some(full.as_str()), bare];
    let names: Vec<&str> = names.into_iter().flatten().collect();
    let mut level = vec![answer];
    for _ in 0..4 {
        for name in &names {
            if let Some(found) = level.iter().find_map(|value| member(value, name)) {
                return Some(found.clone());
            }
        }
        level = level.into_iter().flat_map(inside).collect();
    }
    None
}

fn member<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    let found = value.as_object()?.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value).filter(|value| !value.is_object() && !value.is_null())
}

/// What is one level deeper; of a list only a sole item can be the resource.
fn inside(value: &Value) -> Vec<&Value> {
    match value {
        Value::Object(members) => members.values().collect(),
        Value::Array(items) => match items.as_slice() {
            [only] => vec![only],
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn attributes_are_found_by_their_names() {
        let answer = json!({"stateMachineArn": "arn:x", "inner": {"arn": "other"}});
        assert_eq!(attribute(&answer, "StateMachine", "StateMachineArn"), Some("arn:x".into()));
        let answer = json!({"vpc": {"vpcId": "vpc-1", "tags": [{"id": 1}, {"id": 2}]}});
        assert_eq!(attribute(&answer, "VPC", "VpcId"), Some("vpc-1".into()));
        let answer = json!({"EventBusArn": "arn:b"});
        assert_eq!(attribute(&answer, "EventBus", "Arn"), Some("arn:b".into()));
        assert_eq!(attribute(&answer, "EventBus", "Nope"), None);
    }
}
