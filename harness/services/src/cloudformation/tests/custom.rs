//! Custom resources: what their functions are asked, and what their answers do.

use bytes::Bytes;
use serde_json::{Value, json};
use url::Url;

use super::World;

const TEMPLATE: &str = r#"{"Resources": {
    "Thing": {"Type": "Custom::Thing", "Properties": {
        "ServiceToken": "arn:aws:lambda:eu-west-1:123456789012:function:f",
        "Size": 3, "Deep": {"On": true, "List": [1, "a"]}}},
    "Log": {"Type": "AWS::SSM::Parameter", "Properties": {
        "Type": "String", "Value": {"Fn::GetAtt": ["Thing", "Secret"]}}}},
  "Outputs": {"Id": {"Value": {"Ref": "Thing"}}}}"#;

impl World {
    /// The next request to the function, decoded.
    async fn asked(&self) -> Value {
        self.fake.settled("Invoke").await;
        let calls = self.fake.calls_with_input();
        let (_, input) = calls.into_iter().find(|(name, _)| name == "Invoke").unwrap();
        assert_eq!(input["InvocationType"], "Event");
        assert_eq!(input["FunctionName"], "arn:aws:lambda:eu-west-1:123456789012:function:f");
        input["Payload"].clone()
    }

    /// Answers a request with these members over those that are its own.
    fn reply(&self, event: &Value, members: Value) -> bool {
        let mut answer = json!({
            "Status": "SUCCESS", "PhysicalResourceId": "p1", "StackId": event["StackId"],
            "RequestId": event["RequestId"], "LogicalResourceId": event["LogicalResourceId"],
        });
        answer.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        self.send(event, answer.to_string())
    }

    fn send(&self, event: &Value, body: String) -> bool {
        let url = Url::parse(event["ResponseURL"].as_str().unwrap()).unwrap();
        self.service.respond(url.path(), url.query().unwrap(), Bytes::from(body))
    }

    async fn begin(&self, template: &str) {
        let input = json!({
            "StackName": "s", "TemplateBody": template, "Capabilities": ["CAPABILITY_NAMED_IAM"],
        });
        self.call("CreateStack", input).await.unwrap();
    }

    /// Makes the stack of the template.
    async fn made(&self, answer: Value) {
        self.begin(TEMPLATE).await;
        let event = self.asked().await;
        assert!(self.reply(&event, answer));
        assert_eq!(self.rest("s").await, "CREATE_COMPLETE");
        self.fake.calls();
    }

    /// Begins an update of the template.
    async fn change(&self, from: &str, to: &str) -> Value {
        let input = json!({"StackName": "s", "TemplateBody": TEMPLATE.replace(from, to)});
        self.call("UpdateStack", input).await.unwrap();
        self.asked().await
    }
}

#[tokio::test]
async fn a_function_is_asked_to_create_and_its_data_are_attributes() {
    let world = World::new().await;
    world.begin(TEMPLATE).await;
    let event = world.asked().await;
    assert_eq!(event["RequestType"], "Create");
    assert_eq!(event["ResourceType"], "Custom::Thing");
    assert_eq!(event["LogicalResourceId"], "Thing");
    assert_eq!(event.get("PhysicalResourceId"), None);
    assert_eq!(event["ServiceToken"], "arn:aws:lambda:eu-west-1:123456789012:function:f");
    assert_eq!(
        event["ResourceProperties"],
        json!({
            "ServiceToken": "arn:aws:lambda:eu-west-1:123456789012:function:f",
            "Size": "3", "Deep": {"On": "true", "List": ["1", "a"]},
        })
    );
    assert!(world.reply(&event, json!({"Data": {"Secret": "hush"}, "NoEcho": true})));
    assert_eq!(world.rest("s").await, "CREATE_COMPLETE");
    // The URL is good once.
    assert!(!world.reply(&event, json!({})));
    let calls = world.fake.calls_with_input();
    let put = calls.iter().find(|(name, _)| name == "PutParameter").unwrap();
    assert_eq!(put.1["Value"], "hush");
    let events = world.call("DescribeStackEvents", json!({"StackName": "s"})).await.unwrap();
    assert!(!events.to_string().contains("hush"), "{events}");
    let shown = world.call("DescribeStacks", json!({"StackName": "s"})).await.unwrap();
    assert_eq!(shown["Stacks"][0]["Outputs"][0]["OutputValue"], "p1");
}

#[tokio::test]
async fn a_refusal_fails_the_resource_with_its_reason_and_is_deleted_by_its_id() {
    let world = World::new().await;
    world.begin(TEMPLATE).await;
    let event = world.asked().await;
    let answer = json!({"Status": "FAILED", "Reason": "No room.", "PhysicalResourceId": "half"});
    assert!(world.reply(&event, answer));
    let deletion = world.asked().await;
    assert_eq!(deletion["RequestType"], "Delete");
    assert_eq!(deletion["PhysicalResourceId"], "half");
    assert!(world.reply(&deletion, json!({})));
    assert_eq!(world.rest("s").await, "ROLLBACK_COMPLETE");
    let events = world.events("s").await;
    let told = "Thing CREATE_FAILED Received response status [FAILED] from custom resource. Message returned: No room. (RequestId: ";
    assert!(events.iter().any(|it| it.starts_with(told)), "{events:?}");
}

#[tokio::test]
async fn who_does_not_answer_in_time_fails_and_is_asked_to_delete() {
    let world = World::new().await;
    world.begin(&TEMPLATE.replace("\"Size\": 3", "\"ServiceTimeout\": \"1\"")).await;
    let event = world.asked().await;
    assert_eq!(event["ResourceProperties"]["ServiceTimeout"], "1");
    let deletion = world.asked().await;
    assert_eq!(deletion["RequestType"], "Delete");
    assert!(deletion["PhysicalResourceId"].as_str().unwrap().starts_with("s-Thing-"));
    // Too late.
    assert!(!world.reply(&event, json!({})));
    assert!(world.reply(&deletion, json!({})));
    assert_eq!(world.rest("s").await, "ROLLBACK_COMPLETE");
    let told = format!(
        "Thing CREATE_FAILED CloudFormation did not receive a response from your Custom Resource. Please check your logs for requestId [{}]. If you are using the Python cfn-response module, you may need to update your Lambda function code so that CloudFormation can attach the updated version.",
        event["RequestId"].as_str().unwrap()
    );
    assert!(world.events("s").await.contains(&told));
}

#[tokio::test]
async fn an_update_tells_the_old_properties_and_another_id_replaces() {
    let world = World::new().await;
    world.made(json!({"Data": {"Secret": "a"}})).await;
    let event = world.change("\"Size\": 3", "\"Size\": 4").await;
    assert_eq!(event["RequestType"], "Update");
    assert_eq!(event["PhysicalResourceId"], "p1");
    assert_eq!(event["ResourceProperties"]["Size"], "4");
    assert_eq!(event["OldResourceProperties"]["Size"], "3");
    assert!(world.reply(&event, json!({"Data": {"Secret": "a"}})));
    assert_eq!(world.rest("s").await, "UPDATE_COMPLETE");
    assert_eq!(world.fake.calls(), [""; 0]);

    let event = world.change("\"Size\": 3", "\"Size\": 5").await;
    let answer = json!({"PhysicalResourceId": "p2", "Data": {"Secret": "a"}});
    assert!(world.reply(&event, answer));
    let deletion = world.asked().await;
    assert_eq!(deletion["RequestType"], "Delete");
    assert_eq!(deletion["PhysicalResourceId"], "p1");
    assert_eq!(deletion["ResourceProperties"]["Size"], "4");
    assert!(world.reply(&deletion, json!({})));
    assert_eq!(world.rest("s").await, "UPDATE_COMPLETE");
    let shown = world.call("DescribeStacks", json!({"StackName": "s"})).await.unwrap();
    assert_eq!(shown["Stacks"][0]["Outputs"][0]["OutputValue"], "p2");
}

#[tokio::test]
async fn a_failed_update_is_taken_back_by_another() {
    let world = World::new().await;
    world.made(json!({"Data": {"Secret": "a"}})).await;
    let event = world.change("\"Size\": 3", "\"Size\": 4").await;
    assert!(world.reply(&event, json!({"Status": "FAILED", "Reason": "No."})));
    let back = world.asked().await;
    assert_eq!(back["RequestType"], "Update");
    assert_eq!(back["ResourceProperties"]["Size"], "3");
    assert!(world.reply(&back, json!({"Data": {"Secret": "a"}})));
    assert_eq!(world.rest("s").await, "UPDATE_ROLLBACK_COMPLETE");
}

#[tokio::test]
async fn another_function_is_no_update() {
    let world = World::new().await;
    world.made(json!({"Data": {"Secret": "a"}})).await;
    let input =
        json!({"StackName": "s", "TemplateBody": TEMPLATE.replace("function:f", "function:g")});
    world.call("UpdateStack", input).await.unwrap();
    assert_eq!(world.rest("s").await, "UPDATE_ROLLBACK_COMPLETE");
    assert_eq!(world.fake.calls(), [""; 0]);
    let told = "Thing UPDATE_FAILED Modifying service token is not allowed.";
    assert!(world.events("s").await.contains(&told.to_owned()));
}

#[tokio::test]
async fn a_deletion_is_asked_for_and_may_be_refused() {
    let world = World::new().await;
    world.made(json!({"Data": {"Secret": "a"}})).await;
    world.call("DeleteStack", json!({"StackName": "s"})).await.unwrap();
    let event = world.asked().await;
    assert_eq!(event["RequestType"], "Delete");
    assert_eq!(event["PhysicalResourceId"], "p1");
    assert!(world.reply(&event, json!({"Status": "FAILED", "Reason": "In use."})));
    assert_eq!(world.rest("s").await, "DELETE_FAILED");
    world.call("DeleteStack", json!({"StackName": "s"})).await.unwrap();
    let event = world.asked().await;
    assert!(world.reply(&event, json!({})));
    world.fake.calls();
}

#[tokio::test]
async fn who_may_not_invoke_the_function_makes_nothing() {
    let world = World::new().await;
    world.fake.deny("Invoke");
    assert_eq!(world.create("s", TEMPLATE).await.1, "ROLLBACK_COMPLETE");
    assert_eq!(world.fake.calls(), ["Invoke"]);
    let events = world.events("s").await;
    let told = "is not authorized to perform: lambda:Invoke on resource: X";
    assert!(events.iter().any(|it| it.contains(told)), "{events:?}");
}

#[tokio::test]
async fn answers_that_cannot_be_read_fail_the_resource() {
    for (members, told) in [
        (
            json!({"Status": "FAILURE"}),
            "Invalid Response object: 'FAILURE' is not a valid ResponseStatus",
        ),
        (json!({"PhysicalResourceId": ""}), "Invalid PhysicalResourceId"),
        (
            json!({"StackId": "x"}),
            "Invalid Response object: StackId is not the request's (RequestId: ",
        ),
        (json!({"Data": {"A": "x".repeat(5000)}}), "Response object is too long (RequestId: "),
        (json!({"Data": 1}), "Invalid Response object: invalid type"),
    ] {
        let world = World::new().await;
        world.begin(TEMPLATE).await;
        let event = world.asked().await;
        assert!(world.reply(&event, members));
        let deletion = world.asked().await;
        assert!(world.reply(&deletion, json!({})));
        assert_eq!(world.rest("s").await, "ROLLBACK_COMPLETE");
        let events = world.events("s").await;
        let told = format!("Thing CREATE_FAILED {told}");
        assert!(events.iter().any(|it| it.starts_with(&told)), "{told}: {events:?}");
    }
}

#[tokio::test]
async fn topics_other_tokens_and_missing_data_are_refused_by_name() {
    for (from, to, told) in [
        (
            "arn:aws:lambda:eu-west-1:123456789012:function:f",
            "arn:aws:sns:eu-west-1:123456789012:t",
            "Thing CREATE_FAILED the custom resource Thing is backed by an SNS topic (arn:aws:sns:eu-west-1:123456789012:t), which is not supported by Ringfence's CloudFormation",
        ),
        (
            "arn:aws:lambda:eu-west-1:",
            "arn:aws:lambda:us-east-1:",
            "Thing CREATE_FAILED Invalid service token.",
        ),
        (
            "\"Size\": 3",
            "\"ServiceTimeout\": 3601",
            "Thing CREATE_FAILED ServiceTimeout must be an integer between 1 and 3600",
        ),
    ] {
        let world = World::new().await;
        assert_eq!(world.create("s", &TEMPLATE.replace(from, to)).await.1, "ROLLBACK_COMPLETE");
        assert_eq!(world.fake.calls(), [""; 0]);
        assert!(world.events("s").await.contains(&told.to_owned()), "{told}");
    }
    let world = World::new().await;
    world.begin(TEMPLATE).await;
    let event = world.asked().await;
    assert!(world.reply(&event, json!({"Data": {}})));
    let deletion = world.asked().await;
    assert!(world.reply(&deletion, json!({})));
    assert_eq!(world.rest("s").await, "ROLLBACK_COMPLETE");
    let told = "Log CREATE_FAILED CustomResource attribute error: Vendor response doesn't contain Secret attribute in object arn:aws:cloudformation:";
    let events = world.events("s").await;
    assert!(events.iter().any(|it| it.starts_with(told)), "{events:?}");
}
