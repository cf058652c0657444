//! Layer 1 itself.

use std::io::Read as _;

use ringfence::progress::Progress;
use serde_json::Value;

use crate::stack::{root, with_stack};

/// What the guard and the upstream tell Terraform of what it made is what it
/// asked for.
#[test]
fn a_second_plan_finds_nothing_to_change() {
    with_stack(async |stack| {
        let phase = Progress::silent().phase("plan");
        let plan = stack.terraform().unwrap().all()[0]
            .terraform
            .plan(&stack.root(), &phase)
            .await
            .unwrap();
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
    });
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
