use ringfence_wire::Operation;
use rstest::rstest;
use serde_json::json;

use super::*;

/// A misspelt operation or member would ask for nothing, and a line that is cut
/// off would be none.
#[test]
fn rows_name_what_the_models_have() {
    let lines = include_str!("rows.txt").lines().filter(|line| !line.trim().is_empty());
    assert_eq!(Row::all().count(), lines.filter(|line| !line.starts_with('#')).count());
    let mut unknown = Vec::new();
    for row in Row::all() {
        let operation =
            Service::of(row.service).and_then(|service| Operation::find(service, row.operation));
        let Some(operation) = operation else {
            unknown.push(row.name());
            continue;
        };
        let members = row.members().filter(|(member, _)| operation.member(member).is_none());
        unknown.extend(members.map(|(member, _)| format!("{}: {member}", row.name())));
    }
    assert_eq!(unknown, Vec::<String>::new());
}

fn row(kind: &str) -> Row {
    Row::all().find(|row| row.kind == kind).unwrap()
}

#[rstest]
#[case("aws_sfn_activity", json!({"id": "arn"}), Some(json!({"activityArn": "arn"})))]
#[case("aws_sfn_activity", json!({"id": ""}), None)]
#[case("aws_lambda_function_event_invoke_config", json!({"function_name": "f", "qualifier": null}),
    Some(json!({"FunctionName": "f"})))]
#[case("aws_lambda_permission", json!({"function_name": "f", "qualifier": ""}), None)]
#[case("aws_lb", json!({"arn": "a"}), Some(json!({"LoadBalancerArns": ["a"]})))]
#[case("aws_api_gateway_account", json!({}), Some(json!({})))]
#[case("aws_lambda_layer_version_permission", json!({"layer_name": "l", "version_number": 2}),
    Some(json!({"LayerName": "l", "VersionNumber": 2})))]
fn a_question_is_filled_in_or_is_not_about_the_resource(
    #[case] kind: &str,
    #[case] attributes: Value,
    #[case] asked: Option<Value>,
) {
    assert_eq!(row(kind).input(&attributes), asked);
}

#[rstest]
#[case("aws_cloudwatch_log_metric_filter", json!({"metricFilters": [{"filterName": "ab"}, {"filterName": "a"}]}),
    Some(json!({"filterName": "a"})))]
#[case("aws_cloudwatch_log_metric_filter", json!({"metricFilters": [{"filterName": "ab"}]}), None)]
#[case("aws_efs_file_system", json!({"FileSystems": [{"Encrypted": true}]}), Some(json!({"Encrypted": true})))]
#[case("aws_efs_file_system", json!({"FileSystems": []}), None)]
#[case("aws_route53_record", json!({"ResourceRecordSets": {"ResourceRecordSet": [{"Name": "a."}]}}), Some(json!({"Name": "a."})))]
#[case("aws_route53_record", json!({"ResourceRecordSets": {"ResourceRecordSet": {"Name": "a."}}}), Some(json!({"Name": "a."})))]
#[case("aws_route53_record", json!({"ResourceRecordSets": {}}), None)]
#[case("aws_sfn_activity", json!({}), None)]
fn the_answer_is_about_the_resource_or_about_nothing(
    #[case] kind: &str,
    #[case] answer: Value,
    #[case] place: Option<Value>,
) {
    assert_eq!(row(kind).place(&answer, &json!({"name": "a"})), place);
}

#[test]
fn dates_are_no_content_and_secrets_are_hashes() {
    let row = row("aws_cognito_user_pool_client");
    let told = |secret: &str, date: u64| {
        let value = json!({"ClientSecret": secret, "LastModifiedDate": date,
            "Nested": {"CreationDate": date, "AllowedOAuthFlows": ["b", "a"]}});
        content(row, value)
    };
    assert_eq!(told("s", 1), told("s", 2));
    assert_ne!(told("s", 1), told("t", 1));
    let text = format!("{:?}", told("confidential", 1));
    assert!(!text.contains("confidential") && text.contains("SHA-256 "), "{text}");
}
