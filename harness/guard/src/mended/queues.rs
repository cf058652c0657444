//! The URLs of queues. Some SDKs send what is about a queue to its URL: one of
//! the upstream's would lead around the guard.

use bytes::Bytes;
use http::Response;
use ringfence_wire::Call;
use serde_json::Value;
use url::Url;

/// Puts the guard's address into the URLs of queues that SQS answers with.
pub(crate) fn addressed(call: &Call, answer: &mut Response<Bytes>, guard: &Url) {
    if call.service().name() != "sqs" || !answer.status().is_success() {
        return;
    }
    let Ok(Value::Object(mut fields)) = serde_json::from_slice(answer.body()) else { return };
    let mut changed = false;
    for (name, value) in &mut fields {
        if !["QueueUrl", "QueueUrls", "queueUrls"].contains(&name.as_str()) {
            continue;
        }
        let urls = match value {
            Value::Array(urls) => urls.iter_mut().collect(),
            url => vec![url],
        };
        for url in urls {
            if let Some(own) = url.as_str().and_then(|url| own(url, guard)) {
                *url = Value::String(own);
                changed = true;
            }
        }
    }
    if changed {
        *answer.body_mut() = Value::Object(fields).to_string().into();
    }
}

/// `http://GUARD/ACCOUNT/NAME`.
fn own(url: &str, guard: &Url) -> Option<String> {
    let mut segments = url.rsplit('/');
    let (name, account) = (segments.next()?, segments.next()?);
    Some(format!("{guard}{account}/{name}"))
}

#[cfg(test)]
mod tests {
    use ringfence_wire::{Operation, Service};
    use serde_json::json;

    use super::*;

    fn answered(operation: &str, body: &Value) -> Value {
        let call = Call {
            operation: Operation::find(Service::of("sqs").unwrap(), operation).unwrap(),
            region: "eu-central-1".into(),
            input: serde_json::Map::new(),
            payload: None,
        };
        let mut answer = Response::new(Bytes::from(body.to_string()));
        addressed(&call, &mut answer, &Url::parse("http://127.0.0.1:4566/").unwrap());
        serde_json::from_slice(answer.body()).unwrap()
    }

    #[test]
    fn the_url_of_a_queue_leads_to_the_guard() {
        let moto = "http://127.0.0.1:35689/123456789012/q1";
        let stack = "http://sqs.eu-west-1.localhost.localstack.cloud:4566/123456789012/q2";
        assert_eq!(
            answered("CreateQueue", &json!({"QueueUrl": moto})),
            json!({"QueueUrl": "http://127.0.0.1:4566/123456789012/q1"})
        );
        assert_eq!(
            answered("ListQueues", &json!({"QueueUrls": [moto, stack]})),
            json!({"QueueUrls": [
                "http://127.0.0.1:4566/123456789012/q1",
                "http://127.0.0.1:4566/123456789012/q2",
            ]})
        );
    }

    #[test]
    fn messages_are_left_as_they_are() {
        let body = json!({"Messages": [{"Body": "http://127.0.0.1:35689/123456789012/q1"}]});
        assert_eq!(answered("ReceiveMessage", &body), body);
    }
}
