//! AWS's macros that are not SAM's.

use serde_json::json;

use super::World;

const INCLUDING: &str = r#"{"Resources": {
    "Fn::Transform": {"Name": "AWS::Include", "Parameters": {"Location": "s3://parts/part"}},
    "A": {"Type": "AWS::SQS::Queue"}}}"#;

#[tokio::test]
async fn a_part_in_s3_is_read_as_who_deploys() {
    let world = World::new().await;
    world.fake.object("part", "B:\n  Type: AWS::SQS::Queue\n");
    world.create_by_change_set("c", INCLUDING, json!([])).await;
    let calls = world.fake.calls();
    assert_eq!(calls.iter().filter(|name| *name == "GetObject").count(), 1);
    assert_eq!(calls.iter().filter(|name| *name == "CreateQueue").count(), 2);
}

#[tokio::test]
async fn a_part_that_is_not_there_or_may_not_be_read_fails_the_change_set() {
    let world = World::new().await;
    let of = json!({"ChangeSetType": "CREATE", "TemplateBody": INCLUDING});
    let set = world.change_set("a", of.clone()).await;
    let missing = "Transform AWS::Include failed with: The specified key does not exist.";
    assert_eq!((&set["Status"], &set["StatusReason"]), (&json!("FAILED"), &json!(missing)));
    world.fake.object("part", "- no object");
    let set = world.change_set("b", of.clone()).await;
    let malformed = "Transform AWS::Include failed with: The specified S3 object's content should be valid Yaml/JSON";
    assert_eq!(set["StatusReason"], malformed);
    world.fake.deny("GetObject");
    let set = world.change_set("c", of).await;
    let reason = set["StatusReason"].as_str().unwrap();
    assert!(reason.contains("is not authorized to perform: s3:GetObject"), "{reason}");
}

#[tokio::test]
async fn the_language_extensions_write_loops_out_and_evaluate_their_functions() {
    let world = World::new().await;
    let template = r#"{"Transform": "AWS::LanguageExtensions",
      "Mappings": {"M": {"a": {"b": "c"}}},
      "Resources": {"Fn::ForEach::Queues": ["Name", ["One", "Two"], {"Q${Name}": {
        "Type": "AWS::SQS::Queue", "Properties": {
          "QueueName": {"Fn::Sub": "${Name}-${AWS::Region}"},
          "DelaySeconds": {"Fn::Length": ["a", "b"]}}}}]},
      "Outputs": {
        "Json": {"Value": {"Fn::ToJsonString": {"Queue": {"Fn::GetAtt": ["QOne", "Arn"]}}}},
        "Default": {"Value": {"Fn::FindInMap": ["M", "x", "y", {"DefaultValue": "z"}]}}}}"#;
    world.create_by_change_set("c", template, json!([])).await;
    let calls = world.fake.calls_with_input();
    let made = calls.iter().filter(|(name, _)| name == "CreateQueue");
    let mut made: Vec<(String, String)> = made
        .map(|(_, input)| {
            let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
            (text(&input["QueueName"]), text(&input["Attributes"]["DelaySeconds"]))
        })
        .collect();
    made.sort();
    let expected = [("One-eu-west-1", "2"), ("Two-eu-west-1", "2")];
    assert_eq!(made, expected.map(|(name, delay)| (name.to_owned(), delay.to_owned())));
    let shown = world.call("DescribeStacks", json!({"StackName": "s"})).await.unwrap();
    let outputs = shown["Stacks"][0]["Outputs"].as_array().unwrap();
    let values: Vec<&str> = outputs.iter().map(|it| it["OutputValue"].as_str().unwrap()).collect();
    let arn = r#"{"Queue":"arn:aws:sqs:eu-west-1:123456789012:One-eu-west-1"}"#;
    assert_eq!(values, [arn, "z"]);
}

#[tokio::test]
async fn the_language_extensions_let_functions_name_resources() {
    let world = World::new().await;
    let template = r#"{"Transform": "AWS::LanguageExtensions",
      "Resources": {"Fn::ForEach::Queues": ["Name", ["One", "Two"], {"Q${Name}": {
        "Type": "AWS::SQS::Queue", "Properties": {"QueueName": {"Fn::Sub": "${Name}"}}}}]},
      "Outputs": {
        "Arn": {"Value": {"Fn::GetAtt": [{"Fn::Sub": "QOne"}, "Arn"]}},
        "Name": {"Value": {"Fn::GetAtt": [{"Fn::Join": ["", ["Q", "Two"]]}, "QueueName"]}}}}"#;
    world.create_by_change_set("c", template, json!([])).await;
    let shown = world.call("DescribeStacks", json!({"StackName": "s"})).await.unwrap();
    let outputs = shown["Stacks"][0]["Outputs"].as_array().unwrap();
    let values: Vec<&str> = outputs.iter().map(|it| it["OutputValue"].as_str().unwrap()).collect();
    assert_eq!(values, ["arn:aws:sqs:eu-west-1:123456789012:One", "Two"]);

    let input = json!({"StackName": "t", "TemplateBody": r#"{"Resources": {
        "Q": {"Type": "AWS::SQS::Queue"},
        "R": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": {"Ref": {"Fn::Sub": "Q"}}}}}}"#});
    let error = world.call("CreateStack", input).await.unwrap_err();
    let sentence =
        "Template error: All Ref intrinsic functions must reference a string resource name";
    assert_eq!((error.code.as_ref(), error.message.as_ref()), ("ValidationError", sentence));
}

#[tokio::test]
async fn their_functions_need_their_transform() {
    let world = World::new().await;
    let template = r#"{"Resources": {"Q": {"Type": "AWS::SQS::Queue", "Properties": {
        "DelaySeconds": {"Fn::Length": ["a"]}}}}}"#;
    let input = json!({"StackName": "s", "TemplateBody": template});
    let error = world.call("CreateStack", input).await.unwrap_err();
    let expected = "Template error: Fn::Length needs the transform AWS::LanguageExtensions, which the template does not name";
    assert_eq!(error.message, expected);
}
