use ringfence_wire::Operation;
use rstest::rstest;
use serde_json::json;

use super::*;

/// What a row names is in the models: a misspelt one would tell nothing.
#[test]
fn every_row_is_of_the_models() {
    for row in ROWS {
        let api = Service::of(row.api).unwrap_or_else(|| panic!("{}", row.api));
        let operation = Operation::find(api, row.operation);
        let operation = operation.unwrap_or_else(|| panic!("{}:{}", row.api, row.operation));
        for (member, _) in row.input {
            assert!(operation.member(member).is_some(), "{}: {member}", operation.name);
        }
        let service = if row.service == "execute-api" { "apigateway" } else { row.service };
        assert!(Service::by_iam_prefix(service).contains(&api), "{}", row.service);
    }
}

#[rstest]
#[case("arn:aws:sqs:eu-west-1:1:q", &["sqs:GetQueueAttributes"])]
#[case("arn:aws:ecr:eu-west-1:1:repository/a/b", &["ecr:GetRepositoryPolicy", "ecr:GetRegistryPolicy"])]
#[case("arn:aws:dynamodb:eu-west-1:1:table/t/index/i", &["dynamodb:GetResourcePolicy"])]
#[case("arn:aws:kms:eu-west-1:1:key/k", &["kms:GetKeyPolicy"])]
#[case("arn:aws:kms:eu-west-1:1:alias/a", &[])]
#[case("arn:aws:lambda:eu-west-1:1:layer:l:1", &["lambda:GetLayerVersionPolicy"])]
#[case("arn:aws:lambda:eu-west-1:1:layer:l", &[])]
#[case("arn:aws:codebuild:eu-west-1:1:project/p", &["codebuild:GetResourcePolicy"])]
#[case("arn:aws:states:eu-west-1:1:stateMachine:m", &[])]
fn questions_are_of_the_resource(#[case] arn: &str, #[case] expected: &[&str]) {
    let asked: Vec<String> = questions(&Arn::parse(arn).unwrap())
        .iter()
        .map(|question| format!("{}:{}", question.api.name(), question.operation))
        .collect();
    assert_eq!(asked, expected);
}

#[rstest]
#[case::json(json!({"Attributes": {"Policy": "{P}"}}), &["Attributes", "Policy"], &["{P}"])]
#[case::xml(json!({"Attributes": {"entry": [{"key": "Owner", "value": "1"}, {"key": "Policy", "value": "{P}"}]}}),
    &["Attributes", "Policy"], &["{P}"])]
#[case::each(json!({"resourcePolicies": [{"policyDocument": "{P}"}, {"policyDocument": "{Q}"}]}),
    &["resourcePolicies", "*", "policyDocument"], &["{P}", "{Q}"])]
#[case::of_a_map(json!({"Policies": {"a": "{P}"}}), &["Policies", "*"], &["{P}"])]
#[case::none(json!({"Policy": "{}"}), &["Policy"], &[])]
#[case::missing(json!({}), &["Policy"], &[])]
#[case::whichever(json!({"resourceArn": "a", "resourcePolicy": "{P}", "policyRevisionId": "1"}), &["?policy"], &["{P}"])]
#[case::escaped(json!({"policy": r#"{\"Version\":\"2012-10-17\"}"#}), &["policy"], &[r#"{"Version":"2012-10-17"}"#])]
fn policies_are_found_in_answers(
    #[case] answer: Value,
    #[case] path: &[&'static str],
    #[case] expected: &[&str],
) {
    assert_eq!(texts_at(&answer, path), expected);
}

fn statement(sid: &str) -> Value {
    json!({"Sid": sid, "Effect": "Allow", "Principal": "*", "Action": "sqs:*", "Resource": "*"})
}

fn policy(statement: &Value) -> String {
    json!({"Version": "2012-10-17", "Statement": statement}).to_string()
}

#[test]
fn a_statement_without_a_resource_is_about_its_own() {
    let arn = Arn::parse("arn:aws:ecr:eu-west-1:1:repository/a").unwrap();
    let mut bare = statement("a");
    bare.as_object_mut().unwrap().remove("Resource");
    assert_eq!(normal(&policy(&bare), &arn), policy(&json!([statement("a")])));
    let whole = policy(&statement("a"));
    assert_eq!(normal(&whole, &arn), whole);
}

#[test]
fn the_short_resource_of_an_api_is_its_own() {
    let arn = Arn::parse("arn:aws:execute-api:eu-west-1:1:a1/prod/GET/").unwrap();
    let mut short = statement("a");
    short["Resource"] = json!(["execute-api:/prod/GET/*"]);
    let mut long = statement("a");
    long["Resource"] = json!(["arn:aws:execute-api:eu-west-1:1:a1/prod/GET/*"]);
    assert_eq!(normal(&policy(&short), &arn), policy(&json!([long])));
}

#[test]
fn several_policies_are_one() {
    let (a, b) = (policy(&statement("a")), policy(&json!([statement("b")])));
    let both = policy(&json!([statement("a"), statement("b")]));
    assert_eq!(merged(vec![a.clone(), b]), Told::Is(both));
    assert_eq!(merged(vec![a.clone()]), Told::Is(a.clone()));
    assert_eq!(merged(Vec::new()), Told::Nothing);
    let old = a.replace("2012-10-17", "2008-10-17").replace("sqs:*", "${aws:username}");
    assert!(matches!(merged(vec![a, old]), Told::Unknown(_)));
}

#[rstest]
#[case("sqs", "SetQueueAttributes", json!({"QueueUrl": "q", "Attributes": {"Policy": "{}"}}), true)]
#[case("sqs", "SetQueueAttributes", json!({"QueueUrl": "q", "Attributes": {"DelaySeconds": "1"}}), false)]
#[case("sns", "SetTopicAttributes", json!({"TopicArn": "t", "AttributeName": "Policy"}), true)]
#[case("sns", "AddPermission", json!({"TopicArn": "t"}), true)]
#[case("ecr", "SetRepositoryPolicy", json!({"repositoryName": "r", "policyText": " {}"}), true)]
#[case("elbv2", "CreateListener", json!({"SslPolicy": "ELBSecurityPolicy-2016-08"}), false)]
#[case("ec2", "CreateVpcEndpoint", json!({"PolicyDocument": "{}"}), false)]
#[case("iot", "CreatePolicy", json!({"policyName": "p", "policyDocument": "{}"}), false)]
#[case("kms", "CreateKey", json!({"Policy": "{}"}), true)]
#[case("kms", "CreateKey", json!({}), false)]
fn calls_that_may_store_a_policy(
    #[case] service: &str,
    #[case] operation: &str,
    #[case] input: Value,
    #[case] stores: bool,
) {
    let api = Service::of(service).unwrap();
    let call = crate::requirements::tests::call(api, operation, input);
    let written = Written::default();
    written.learn(&call);
    assert_eq!(written.at(api), stores);
}
