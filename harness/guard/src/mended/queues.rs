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
    let Ok(Value::Object(mut fields)) = serde_json::from_slice(answer.body()) else {
        if let Some(xml) = std::str::from_utf8(answer.body()).ok().and_then(|it| in_xml(it, guard))
        {
            *answer.body_mut() = xml.into();
        }
        return;
    };
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

/// An answer of the query protocol; none where it has no URL.
fn in_xml(answer: &str, guard: &Url) -> Option<String> {
    const OPEN: &str = "<QueueUrl>";
    let mut parts = answer.split(OPEN);
    let mut changed = parts.next()?.to_owned();
    for part in parts {
        let (url, rest) = part.split_once('<')?;
        changed.push_str(OPEN);
        changed.push_str(&own(url, guard)?);
        changed.push('<');
        changed.push_str(rest);
    }
    (changed != answer).then_some(changed)
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
        serde_json::from_str(&answered_text(operation, &body.to_string())).unwrap()
    }

    fn answered_text(operation: &str, body: &str) -> String {
        let call = Call {
            operation: Operation::find(Service::of("sqs").unwrap(), operation).unwrap(),
            region: "eu-central-1".into(),
            input: serde_json::Map::new(),
            payload: None,
        };
        let mut answer = Response::new(Bytes::from(body.to_owned()));
        addressed(&call, &mut answer, &Url::parse("http://127.0.0.1:4566/").unwrap());
        String::from_utf8(answer.body().to_vec()).unwrap()
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
    fn so_does_that_in_an_answer_of_the_query_protocol() {
        let answer = |one: &str, other: &str| {
            format!(
                "<ListQueuesResponse><ListQueuesResult><QueueUrl>{one}</QueueUrl><QueueUrl>{other}\
                 </QueueUrl></ListQueuesResult></ListQueuesResponse>"
            )
        };
        let upstream = answer("http://127.0.0.1:35689/1/a", "http://127.0.0.1:35689/1/b");
        assert_eq!(
            answered_text("ListQueues", &upstream),
            answer("http://127.0.0.1:4566/1/a", "http://127.0.0.1:4566/1/b")
        );
    }

    #[test]
    fn messages_are_left_as_they_are() {
        let body = json!({"Messages": [{"Body": "http://127.0.0.1:35689/123456789012/q1"}]});
        assert_eq!(answered("ReceiveMessage", &body), body);
    }
}
