//! REST APIs' answers: "A stringified JSON policy document", told as the inside of a JSON
//! text (<https://docs.aws.amazon.com/apigateway/latest/api/API_GetRestApi.html>; the
//! examples of `aws apigateway get-rest-api`), which Terraform's provider takes apart.

use bytes::Bytes;
use ringfence_wire::Call;
use serde_json::Value;

/// The body of an answer as AWS writes it; nothing where it is the same.
pub(super) fn body(call: &Call, told: &Bytes) -> Option<Bytes> {
    let is_about = ["CreateRestApi", "GetRestApi", "ImportRestApi", "PutRestApi", "UpdateRestApi"];
    if call.name() != "GetRestApis" && !is_about.contains(&call.name()) {
        return None;
    }
    let mut answer: Value = serde_json::from_slice(told).ok()?;
    let mut changed = escape(&mut answer);
    for list in ["item", "items"] {
        let apis = answer.get_mut(list).and_then(Value::as_array_mut);
        for api in apis.into_iter().flatten() {
            changed |= escape(api);
        }
    }
    changed.then(|| answer.to_string().into())
}

/// Writes an API's policy as AWS does; whether it was a plain document.
fn escape(api: &mut Value) -> bool {
    let Some(Value::String(policy)) = api.get_mut("policy") else { return false };
    if !serde_json::from_str::<Value>(policy).is_ok_and(|it| it.is_object()) {
        return false;
    }
    let quoted = Value::String(std::mem::take(policy)).to_string();
    let inside = quoted.strip_prefix('"').and_then(|it| it.strip_suffix('"'));
    // Slashes are escaped too.
    *policy = inside.unwrap_or(&quoted).replace('/', "\\/");
    true
}

#[cfg(test)]
mod tests {
    use ringfence_wire::{Operation, Service};
    use serde_json::{Map, json};

    use super::*;

    fn mended(operation: &str, told: &Value) -> Option<Value> {
        let call = Call {
            operation: Operation::find(Service::ApiGateway, operation).unwrap(),
            region: "eu-west-1".to_owned(),
            input: Map::new(),
            payload: None,
        };
        let body = body(&call, &told.to_string().into())?;
        Some(serde_json::from_slice(&body).unwrap())
    }

    #[test]
    fn a_policy_is_the_inside_of_a_text() {
        let policy = r#"{"Resource":"execute-api:/*"}"#;
        let escaped = r#"{\"Resource\":\"execute-api:\/*\"}"#;
        assert_eq!(
            mended("GetRestApi", &json!({"id": "a", "policy": policy})),
            Some(json!({"id": "a", "policy": escaped}))
        );
        assert_eq!(
            mended("GetRestApis", &json!({"item": [{"policy": policy}, {"id": "b"}]})),
            Some(json!({"item": [{"policy": escaped}, {"id": "b"}]}))
        );
        // What a client makes of it is the document.
        let read: String = serde_json::from_str(&format!("\"{escaped}\"")).unwrap();
        assert_eq!(read, policy);
    }

    #[test]
    fn what_is_told_so_or_of_something_else_stays_as_it_is() {
        let escaped = r#"{\"Resource\":\"*\"}"#;
        assert_eq!(mended("GetRestApi", &json!({ "policy": escaped })), None);
        assert_eq!(mended("GetRestApi", &json!({"id": "a"})), None);
        assert_eq!(mended("GetStage", &json!({"policy": "{}"})), None);
    }
}
