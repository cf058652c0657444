//! Every action that a mapping asks for exists, and carries the keys that it
//! is asked with.

use ringfence_policy::catalog;
use ringfence_wire::Service;

use super::unmapped::full_input;
use super::{ask_as, root};

/// Actions that AWS's messages name and the reference lacks.
const NAMED_BY_MESSAGES: &[&str] = &["apigateway:TagResource"];

/// Keys that the reference does not list with an action in this form.
fn more(action: &str, key: &str) -> bool {
    match action {
        // Listed with the API alone; AWS's descriptions of the version 2 keys
        // set them with authorizers too.
        "apigateway:POST" | "apigateway:PATCH" | "apigateway:DELETE" => {
            key.ends_with("/authorizeruri")
        }
        // Written `s3:RequestObjectTag/<key>` and `s3:ExistingObjectTag/<key>`.
        _ if action.starts_with("s3:") => {
            key.starts_with("s3:requestobjecttag/") || key.starts_with("s3:existingobjecttag/")
        }
        _ => false,
    }
}

#[tokio::test]
async fn every_action_and_key_is_in_the_catalogue() {
    let mut wrong = Vec::new();
    for service in Service::ALL {
        for operation in &service.model().operations {
            let asked = ask_as(&root(), service, operation.name, full_input(operation)).await;
            for requirement in asked.unwrap_or_default() {
                let name = requirement.action.as_str();
                if NAMED_BY_MESSAGES.contains(&name) {
                    continue;
                }
                let (prefix, _) = name.split_once(':').unwrap();
                let service = catalog::service(prefix).unwrap();
                let Some(action) = catalog::action(name) else {
                    wrong.push(format!("{}: no action {name}", operation.name));
                    continue;
                };
                for key in requirement.context.keys() {
                    if !service.carries(action, key) && !more(name, key) {
                        wrong.push(format!("{}: {name} carries no {key}", operation.name));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
