//! Change sets.

use serde_json::json;

use super::{World, error};

const GROUP: &str =
    "Resources:\n  Group:\n    Type: AWS::Logs::LogGroup\n    Properties: {LogGroupName: /a}\n";

#[tokio::test]
async fn a_new_stack_is_reviewed_then_created() {
    let world = World::new().await;
    let set =
        world.change_set("c", json!({"ChangeSetType": "CREATE", "TemplateBody": GROUP})).await;
    assert_eq!(set["Status"], "CREATE_COMPLETE");
    assert_eq!(set["ExecutionStatus"], "AVAILABLE");
    assert_eq!(
        set["Changes"],
        json!([{"Type": "Resource", "ResourceChange": {
            "Action": "Add",
            "LogicalResourceId": "Group",
            "ResourceType": "AWS::Logs::LogGroup",
            "Scope": [],
            "Details": [],
        }}])
    );
    assert_eq!(world.rest("s").await, "REVIEW_IN_PROGRESS");
    assert!(world.fake.calls().is_empty());
    let execute = json!({"StackName": "s", "ChangeSetName": "c"});
    world.call("ExecuteChangeSet", execute.clone()).await.unwrap();
    assert_eq!(world.rest("s").await, "CREATE_COMPLETE");
    assert_eq!(
        world.events("s").await,
        [
            "s REVIEW_IN_PROGRESS User Initiated",
            "s CREATE_IN_PROGRESS User Initiated",
            "Group CREATE_IN_PROGRESS",
            "Group CREATE_IN_PROGRESS Resource creation Initiated",
            "Group CREATE_COMPLETE",
            "s CREATE_COMPLETE",
        ]
    );
    // What was executed is there by its ARN alone.
    assert_eq!(
        error(world.call("ExecuteChangeSet", execute).await),
        (404, "ChangeSetNotFound".into(), "ChangeSet [c] does not exist".into())
    );
    let id = set["ChangeSetId"].as_str().unwrap();
    assert_eq!(
        error(world.call("ExecuteChangeSet", json!({"ChangeSetName": id})).await),
        (
            400,
            "InvalidChangeSetStatus".into(),
            format!(
                "ChangeSet [{id}] cannot be executed in its current execution status of [EXECUTE_COMPLETE]"
            )
        )
    );
}

#[tokio::test]
async fn an_empty_change_set_fails_with_the_sentence_that_clients_know() {
    let world = World::new().await;
    world.create("s", GROUP).await;
    let set = world.change_set("c", json!({"TemplateBody": GROUP})).await;
    assert_eq!(set["Status"], "FAILED");
    assert_eq!(set["ExecutionStatus"], "UNAVAILABLE");
    assert_eq!(
        set["StatusReason"],
        "The submitted information didn't contain changes. Submit different information to create a change set."
    );
    let id = set["ChangeSetId"].as_str().unwrap();
    assert_eq!(
        error(world.call("ExecuteChangeSet", json!({"ChangeSetName": id})).await),
        (
            400,
            "InvalidChangeSetStatus".into(),
            format!("ChangeSet [{id}] cannot be executed in its current status of [FAILED]")
        )
    );
}

#[tokio::test]
async fn a_change_of_tags_is_a_change() {
    let world = World::new().await;
    world.create("s", GROUP).await;
    world.fake.calls();
    let set = world
        .change_set("c", json!({"TemplateBody": GROUP, "Tags": [{"Key": "team", "Value": "a"}]}))
        .await;
    assert_eq!(set["Changes"][0]["ResourceChange"]["Scope"], json!(["Tags"]));
    assert_eq!(set["Changes"][0]["ResourceChange"]["Replacement"], "False");
    assert_eq!(
        set["Changes"][0]["ResourceChange"]["Details"],
        json!([{
            "Target": {"Attribute": "Tags", "RequiresRecreation": "Never"},
            "Evaluation": "Static",
            "ChangeSource": "DirectModification",
        }])
    );
    world.call("ExecuteChangeSet", json!({"StackName": "s", "ChangeSetName": "c"})).await.unwrap();
    assert_eq!(world.rest("s").await, "UPDATE_COMPLETE");
    assert_eq!(world.fake.calls(), ["TagResource"]);
}

#[tokio::test]
async fn what_does_not_exist_is_named() {
    let world = World::new().await;
    let create = json!({"StackName": "s", "ChangeSetName": "c", "TemplateBody": GROUP});
    assert_eq!(
        error(world.call("CreateChangeSet", create.clone()).await),
        (400, "ValidationError".into(), "Stack [s] does not exist".into())
    );
    world.create("s", GROUP).await;
    assert_eq!(
        error(
            world.call("DescribeChangeSet", json!({"StackName": "s", "ChangeSetName": "c"})).await
        ),
        (404, "ChangeSetNotFound".into(), "ChangeSet [c] does not exist".into())
    );
    let mut again = create;
    again["ChangeSetType"] = "CREATE".into();
    assert_eq!(
        error(world.call("CreateChangeSet", again).await).2,
        "Stack [s] already exists and cannot be created again with the changeSet [c]."
    );
}

/// The call is authorized on the stack that it names.
#[tokio::test]
async fn a_change_set_is_found_with_its_own_stack_alone() {
    let world = World::new().await;
    world.create("mine", "Resources: {Group: {Type: AWS::Logs::LogGroup}}").await;
    let set =
        world.change_set("c", json!({"ChangeSetType": "CREATE", "TemplateBody": GROUP})).await;
    let id = set["ChangeSetId"].as_str().unwrap();
    let named = |stack: &str| json!({"StackName": stack, "ChangeSetName": id});
    for operation in ["DescribeChangeSet", "ExecuteChangeSet"] {
        for stack in ["mine", "none"] {
            assert_eq!(
                error(world.call(operation, named(stack)).await),
                (404, "ChangeSetNotFound".into(), format!("ChangeSet [{id}] does not exist")),
                "{operation} {stack}"
            );
        }
    }
    world.call("DeleteChangeSet", named("mine")).await.unwrap();
    world.call("DescribeChangeSet", named("s")).await.unwrap();
    world.call("ExecuteChangeSet", named(set["StackId"].as_str().unwrap())).await.unwrap();
    assert_eq!(world.rest("s").await, "CREATE_COMPLETE");
}

#[tokio::test]
async fn the_template_may_lie_in_s3() {
    let world = World::new().await;
    world.fake.object("t.yaml", GROUP);
    let url = |key: &str| format!("{}bucket/{key}", world.fake.endpoint());
    let input = |url: String| json!({"StackName": "s", "TemplateURL": url});
    world.call("CreateStack", input(url("t.yaml"))).await.unwrap();
    assert_eq!(world.rest("s").await, "CREATE_COMPLETE");
    let other = |url: String| json!({"StackName": "t", "TemplateURL": url});
    assert_eq!(
        error(world.call("CreateStack", other(url("none"))).await),
        (
            400,
            "ValidationError".into(),
            "S3 error: The specified key does not exist.\nFor more information check http://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html".into()
        )
    );
    assert_eq!(
        error(world.call("CreateStack", other("https://example.com/t.yaml".into())).await).2,
        "TemplateURL must be a supported URL."
    );
}
