//! ECS's answers: moto tells an empty `networkConfiguration` of services and tasks that
//! have none. Those of AWS have none then ("required for task definitions that use the
//! awsvpc network mode", <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Service.html>);
//! Terraform's provider ends at an empty one.

use bytes::Bytes;
use serde_json::{Value, json};

const NAME: &str = "networkConfiguration";

/// The body of an answer as AWS writes it; nothing where it is the same.
pub(super) fn body(told: &Bytes) -> Option<Bytes> {
    let mut answer: Value = serde_json::from_slice(told).ok()?;
    without(&mut answer).then(|| answer.to_string().into())
}

/// Whether something was taken out.
fn without(value: &mut Value) -> bool {
    let mut changed = false;
    match value {
        Value::Object(members) => {
            if members.get(NAME).is_some_and(|it| it.is_null() || *it == json!({})) {
                members.remove(NAME);
                changed = true;
            }
            members.values_mut().for_each(|it| changed |= without(it));
        }
        Value::Array(items) => items.iter_mut().for_each(|it| changed |= without(it)),
        _ => {}
    }
    changed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mended(told: &Value) -> Option<Value> {
        Some(serde_json::from_slice(&body(&told.to_string().into())?).unwrap())
    }

    #[test]
    fn what_has_no_network_says_so_by_silence() {
        let told = json!({"services": [{"serviceName": "a", "networkConfiguration": {},
            "deployments": [{"networkConfiguration": null}]}]});
        let expected = json!({"services": [{"serviceName": "a", "deployments": [{}]}]});
        assert_eq!(mended(&told), Some(expected));
    }

    #[test]
    fn what_has_one_stays_as_it_is() {
        let network = json!({"awsvpcConfiguration": {"subnets": ["s"]}});
        assert_eq!(mended(&json!({"service": {"networkConfiguration": network}})), None);
    }
}
