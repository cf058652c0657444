//! Layer 1 itself.

use std::collections::BTreeMap;
use std::io::Read as _;

use ringfence::progress::Progress;
use serde_json::{Value, json};

use crate::stack::{root, with_stack};

/// What the guard and the upstream tell Terraform of what it made is what it
/// asked for, and the state's file is read as Terraform prints it.
#[test]
fn a_second_plan_finds_nothing_to_change_and_the_state_as_it_is_read() {
    with_stack(async |stack| {
        let phase = Progress::silent().phase("plan");
        let layer1 = stack.terraform().unwrap().all()[0].terraform().unwrap();
        let plan = layer1.plan(&stack.root(), &phase).await.unwrap();
        let changes: Vec<String> = plan["resource_changes"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|change| {
                let actions = &change["change"]["actions"];
                *actions != serde_json::json!(["no-op"]) && *actions != serde_json::json!(["read"])
            })
            .map(|change| format!("{}: {}", change["address"], change["change"]["actions"]))
            .collect();
        assert!(changes.is_empty(), "{}", changes.join("\n"));
        assert!(plan["planned_values"].is_object());
        let shown = layer1.state().unwrap().shown();
        let (read, printed) = (values(&shown["values"]), values(&plan["prior_state"]["values"]));
        assert!(read.keys().eq(printed.keys()));
        // A bucket's own `policy` is what its other resource gave it.
        for (address, value) in read.iter().filter(|(it, _)| !it.starts_with("aws_s3_bucket.")) {
            assert_eq!(value, &printed[address], "{address}");
        }
        assert_eq!(outputs(&shown["values"]), outputs(&plan["prior_state"]["values"]));
    });
}

const READ: [&str; 8] = [
    "arn",
    "assume_role_policy",
    "id",
    "json",
    "name",
    "permissions_boundary",
    "policy",
    "policy_arn",
];

/// What permissions depend on of each resource by its address, those of modules among
/// them. A plan reads again what is there: counts and times differ.
fn values(state: &Value) -> BTreeMap<String, Value> {
    let mut found = BTreeMap::new();
    let mut modules = vec![&state["root_module"]];
    while let Some(module) = modules.pop() {
        for resource in module["resources"].as_array().into_iter().flatten() {
            let said: Vec<&Value> = READ.iter().map(|name| &resource["values"][*name]).collect();
            let what = json!([resource["mode"], resource["type"], said]);
            found.insert(resource["address"].as_str().unwrap().to_owned(), what);
        }
        modules.extend(module["child_modules"].as_array().into_iter().flatten());
    }
    found
}

fn outputs(state: &Value) -> BTreeMap<String, Value> {
    let outputs = state["outputs"].as_object().unwrap();
    outputs.iter().map(|(name, output)| (name.clone(), output["value"].clone())).collect()
}

#[test]
fn the_published_parameters_hold_what_the_templates_read() {
    with_stack(async |stack| {
        let outputs = stack.outputs();
        for (name, output) in [
            ("/platform/network/vpc-id", "vpc_id"),
            ("/platform/network/lambda-sg-id", "lambda_security_group_id"),
            ("/platform/iam/lambda-permission-boundary-arn", "lambda_permission_boundary_arn"),
            ("/platform/apigw/api-id", "api_id"),
            ("/platform/apigw/authorizer-id", "authorizer_id"),
            ("/platform/artifacts/bucket-name", "artifacts_bucket"),
        ] {
            let answer = stack
                .client()
                .call(
                    &stack.root(),
                    ringfence_wire::Service::Ssm,
                    "GetParameter",
                    serde_json::json!({"Name": name}),
                )
                .await;
            let parameter = answer.result.unwrap();
            let value = parameter.pointer("/Parameter/Value").and_then(Value::as_str).unwrap();
            assert_eq!(value, outputs.text(output).unwrap(), "{name}");
        }
    });
}

#[test]
fn the_placeholder_package_holds_the_placeholder() {
    let placeholder = root().join("terraform/placeholder");
    let package = std::fs::File::open(placeholder.join("app.zip")).unwrap();
    let mut archive = zip::ZipArchive::new(package).unwrap();
    assert_eq!(archive.len(), 1);
    let mut packed = String::new();
    archive.by_name("app.py").unwrap().read_to_string(&mut packed).unwrap();
    assert_eq!(packed, std::fs::read_to_string(placeholder.join("app.py")).unwrap());
}
