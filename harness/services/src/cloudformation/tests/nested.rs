//! Stacks in stacks.

use serde_json::json;

use super::World;

const INNER: &str = "arn:aws:cloudformation:eu-west-1:123456789012:stack/inner/1";
const OUTER: &str = r#"{"Resources": {
    "In": {"Type": "AWS::CloudFormation::Stack", "Properties": {
        "TemplateURL": "https://b.s3.amazonaws.com/t", "TimeoutInMinutes": 5,
        "Parameters": {"Size": 3, "Zones": "a,b"}, "Tags": [{"Key": "k", "Value": "v"}]}}},
  "Outputs": {"Url": {"Value": {"Fn::GetAtt": ["In", "Outputs.Url"]}}, "Id": {"Value": {"Ref": "In"}}}}"#;

#[tokio::test]
async fn an_inner_stack_is_made_changed_and_deleted_by_calls_of_the_deployer() {
    let world = World::new().await;
    assert_eq!(world.create("s", OUTER).await.1, "CREATE_COMPLETE");
    let calls = world.fake.calls_with_input();
    let names: Vec<&str> = calls.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["CreateStack", "DescribeStacks"]);
    let input = &calls[0].1;
    assert!(input["StackName"].as_str().unwrap().starts_with("s-In-"));
    assert_eq!(input["TemplateURL"], "https://b.s3.amazonaws.com/t");
    assert_eq!(
        input["Parameters"],
        json!([
            {"ParameterKey": "Size", "ParameterValue": "3"},
            {"ParameterKey": "Zones", "ParameterValue": "a,b"},
        ])
    );
    assert_eq!(input["Capabilities"], json!(["CAPABILITY_NAMED_IAM"]));
    assert_eq!(input["Tags"], json!([{"Key": "k", "Value": "v"}]));
    let shown = world.call("DescribeStacks", json!({"StackName": "s"})).await.unwrap();
    let outputs = shown["Stacks"][0]["Outputs"].as_array().unwrap();
    let values: Vec<&str> = outputs.iter().map(|it| it["OutputValue"].as_str().unwrap()).collect();
    assert_eq!(values, ["https://inner", INNER]);
    assert_eq!(world.update("s", &OUTER.replace("3", "4")).await, "UPDATE_COMPLETE");
    assert_eq!(world.fake.calls(), ["UpdateStack", "DescribeStacks"]);
    world.call("DeleteStack", json!({"StackName": "s"})).await.unwrap();
    world.fake.settled("DescribeStacks").await;
    assert_eq!(world.fake.calls(), ["DeleteStack", "DescribeStacks"]);
}

#[tokio::test]
async fn an_inner_stack_that_fails_fails_the_outer_with_its_reason() {
    let world = World::new().await;
    let (_, status) = world.create("s", &OUTER.replace("/t", "/bad")).await;
    assert_eq!(status, "ROLLBACK_COMPLETE");
    let reason = format!(
        "In CREATE_FAILED Embedded stack {INNER} was not successfully created: Because of it."
    );
    assert!(world.events("s").await.contains(&reason));
    assert_eq!(
        world.fake.calls(),
        ["CreateStack", "DescribeStacks", "DeleteStack", "DescribeStacks"]
    );
}

#[tokio::test]
async fn who_may_not_make_stacks_makes_none_inside() {
    let world = World::new().await;
    world.fake.deny("CreateStack");
    assert_eq!(world.create("s", OUTER).await.1, "ROLLBACK_COMPLETE");
    assert_eq!(world.fake.calls(), ["CreateStack"]);
}
