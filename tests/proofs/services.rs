//! Services without a mapping of their own, by a real SDK: what a user may do is
//! done, and what it may not is refused as AWS refuses it.

use serde_json::{Value, json};

use crate::stack::{python, with_empty_account};

const CASES: &str = include_str!("services/cases.json");

/// Whether a call that is allowed is served; where the upstream does not have the
/// service, whether the guard says just that. LocalStack fetches some of its
/// services when they are first called.
fn is_served(answer: &Value, case: &Value, backend: &str) -> bool {
    let message = answer["message"].as_str().unwrap_or_default();
    let service = case["service"].as_str().unwrap();
    if case["absent_in"] == backend {
        return (answer["status"].as_u64(), answer["code"].as_str())
            == (Some(501), Some("NotImplementedException"))
            && message.starts_with(&format!("{service}:"))
            && message.contains(" is allowed, and the upstream lacks it: no refusal of AWS's. ");
    }
    let is_not_fetched = case["fetched_by"] == backend
        && answer["status"] == 500
        && message.starts_with(&format!("exception while calling {service}."));
    answer["status"] == 200 || is_not_fetched
}

#[test]
fn each_service_allows_and_refuses_as_aws_does() {
    with_empty_account(async |stack| {
        let access = stack.root();
        let region = access.region.clone();
        let backend = stack.emulator().identity().backend;
        let cases: Vec<Value> = serde_json::from_str(CASES).unwrap();
        let given = json!({
            "endpoint": access.endpoint.as_str(),
            "region": region,
            "key": access.access_key_id,
            "secret": access.secret_access_key.expose(),
            "cases": cases,
        });
        let told = python(stack, "services/calls.py", &given).await;
        let mut wrong = Vec::new();
        let mut refused = cases.iter().flat_map(|case| case["refused"].as_array().unwrap());
        for answer in &told {
            let right = if answer["kind"] == "may" {
                let case = cases.iter().find(|case| case["service"] == answer["service"]).unwrap();
                is_served(answer, case, backend)
            } else {
                let expected = refused.next().unwrap();
                let message = expected["message"].as_str().unwrap().replace("{region}", &region);
                answer["status"] == expected["status"]
                    && answer["code"] == expected["code"]
                    && answer["message"] == message.as_str()
            };
            if !right {
                wrong.push(answer.to_string());
            }
        }
        let calls = |kind: &str| {
            cases.iter().map(|case| case[kind].as_array().unwrap().len()).sum::<usize>()
        };
        assert_eq!(told.len(), calls("may") + calls("may_not"));
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    });
}
