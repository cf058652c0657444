//! Every action that a mapping asks for exists, and carries the keys that it
//! is asked with.

use ringfence_policy::lint::{Rule, lint};
use ringfence_policy::{Document, Kind, catalog};
use ringfence_wire::Service;

use super::unmapped::full_input;
use super::{ask_as, root};

/// Keys that the reference does not list with an action in this form.
fn more(action: &str, key: &str) -> bool {
    match action {
        // Listed with the API alone; AWS's descriptions of the version 2 keys
        // set them with authorizers too.
        "apigateway:POST" | "apigateway:PATCH" | "apigateway:DELETE" => {
            key.ends_with("/authorizeruri")
        }
        _ => false,
    }
}

#[tokio::test]
async fn every_action_and_key_is_in_the_catalogue() {
    let mut wrong = Vec::new();
    for service in Service::all() {
        for operation in &service.model().operations {
            let asked = ask_as(&root(), service, operation.name, full_input(operation)).await;
            for requirement in asked.unwrap_or_default() {
                let name = requirement.action.as_str();
                let (prefix, bare) = name.split_once(':').unwrap();
                if catalog::beside_the_reference(prefix).any(|known| known == bare) {
                    continue;
                }
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

/// Lint says of nothing that a mapping asks for that it does not exist, is never
/// carried, or is never acted upon.
#[tokio::test]
async fn lint_knows_every_action_resource_and_key_of_a_mapping() {
    let mut wrong = std::collections::BTreeSet::new();
    let mut checked = 0;
    for service in Service::all() {
        for operation in &service.model().operations {
            let asked = ask_as(&root(), service, operation.name, full_input(operation)).await;
            for requirement in asked.unwrap_or_default() {
                let action = requirement.action.as_str();
                let plain = serde_json::json!({});
                let keys = requirement
                    .context
                    .keys()
                    .filter(|key| !more(action, key))
                    .map(|key| serde_json::json!({"ForAnyValue:StringLike": {key: "*"}}));
                for condition in std::iter::once(plain).chain(keys) {
                    let text = serde_json::json!({
                        "Version": "2012-10-17",
                        "Statement": {
                            "Effect": "Allow", "Action": action, "Resource": requirement.resource,
                            "Condition": condition,
                        },
                    });
                    let name = format!("{} of {}", operation.name, service.name());
                    // What the input has for an ARN is none, and nobody's
                    // password is the root user's.
                    let parsed = Document::parse(name, &text.to_string(), Kind::Identity);
                    let Some(document) =
                        parsed.ok().filter(|_| !requirement.resource.ends_with(":root"))
                    else {
                        continue;
                    };
                    checked += 1;
                    let never = lint(&document).into_iter().filter(|finding| {
                        matches!(
                            finding.rule,
                            Rule::UnknownAction
                                | Rule::UnknownService
                                | Rule::ResourceNever
                                | Rule::KeyNeverCarried
                        )
                    });
                    wrong.extend(never.map(|found| format!("{}: {}", found.policy, found.message)));
                }
            }
        }
    }
    assert!(checked > 2_000, "only {checked} permissions");
    let wrong: Vec<String> = wrong.into_iter().collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
