//! Services without a mapping of their own, by a real SDK: what a user may do is
//! done, and what it may not is refused as AWS refuses it. A user without policies
//! is refused all of it (the canary), one who may do everything is refused nothing
//! (the twin).

use serde_json::{Value, json};

use crate::stack::{python, with_empty_account};

const CASES: &str = include_str!("services/cases.json");

/// The services of the first 25 that have no mapping of their own.
const FIRST: [&str; 25] = [
    "sqs",
    "sns",
    "events",
    "scheduler",
    "pipes",
    "stepfunctions",
    "kms",
    "cognito-idp",
    "cognito-identity",
    "cloudwatch",
    "apigateway",
    "ecr",
    "ecs",
    "elbv2",
    "route53",
    "acm",
    "cloudfront",
    "wafv2",
    "kinesis",
    "firehose",
    "xray",
    "rds",
    "elasticache",
    "efs",
    "servicediscovery",
];

/// Whether a call that is allowed is served; where the upstream does not have the
/// service, whether the guard says just that. LocalStack fetches some of its
/// services when they are first called.
fn is_served(answer: &Value, case: &Value, backend: &str) -> bool {
    let message = answer["message"].as_str().unwrap_or_default();
    let service = case["service"].as_str().unwrap();
    if case["absent_in"] == backend {
        // In XML the code is S3's.
        return answer["status"] == 501
            && (answer["code"] == "NotImplementedException" || answer["code"] == "NotImplemented")
            && message.starts_with(&format!("{service}:"))
            && message.contains(" is allowed, and the upstream lacks it: no refusal of AWS's. ");
    }
    let is_not_fetched = case["fetched_by"] == backend
        && answer["status"] == 500
        && message.starts_with(&format!("exception while calling {service}."));
    answer["status"] == 200 || is_not_fetched
}

/// Whether the answer is the refusal that the case expects. The canary may lack
/// an action that is asked for earlier.
fn is_refused(answer: &Value, expected: &Value, region: &str) -> bool {
    let message = answer["message"].as_str().unwrap_or_default();
    let says = match answer["who"].as_str() {
        Some("alice") => {
            message == expected["message"].as_str().unwrap().replace("{region}", region)
        }
        _ => message.starts_with(
            "User: arn:aws:iam::123456789012:user/nobody is not authorized to perform: ",
        ),
    };
    answer["status"] == expected["status"] && answer["code"] == expected["code"] && says
}

fn is_right(answer: &Value, case: &Value, backend: &str, region: &str) -> bool {
    let index = usize::try_from(answer["index"].as_u64().unwrap()).unwrap();
    let expected = &case["refused"][index];
    match (answer["kind"].as_str(), answer["who"].as_str()) {
        (Some("may"), Some("alice")) => is_served(answer, case, backend),
        // Its code is the service's, whatever the call.
        (Some("may"), _) => is_refused(answer, &case["refused"][0], region),
        (_, Some("twin")) => {
            // What is not there is told to who may ask.
            let is_told = expected["twin"].is_string() && answer["code"] == expected["twin"];
            is_told || is_served(answer, case, backend)
        }
        _ => is_refused(answer, expected, region),
    }
}

#[test]
fn each_service_allows_and_refuses_as_aws_does() {
    with_empty_account(async |stack| {
        let access = stack.root();
        let region = access.region.clone();
        let backend = stack.emulator().identity().backend;
        let cases: Vec<Value> = serde_json::from_str(CASES).unwrap();
        for service in FIRST {
            assert!(cases.iter().any(|case| case["service"] == service), "{service}");
        }
        let given = json!({
            "endpoint": access.endpoint.as_str(),
            "region": region,
            "key": access.access_key_id,
            "secret": access.secret_access_key.expose(),
            "cases": cases,
        });
        let told = python(stack, "services/calls.py", &given).await;
        let case =
            |answer: &Value| &cases[usize::try_from(answer["case"].as_u64().unwrap()).unwrap()];
        let wrong: Vec<String> = told
            .iter()
            .filter(|answer| !is_right(answer, case(answer), backend, &region))
            .map(ToString::to_string)
            .collect();
        let calls = |kind: &str| {
            cases.iter().map(|case| case[kind].as_array().unwrap().len()).sum::<usize>()
        };
        assert_eq!(told.len(), 2 * calls("may") + 3 * calls("may_not"));
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    });
}
