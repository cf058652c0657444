//! Updating stacks.

use serde_json::json;

use super::{World, error};

/// A log group and a role; what varies is the retention and the role's policy.
fn template(days: u32, role: bool, group: &str) -> String {
    let mut text = format!(
        "Resources:\n  Group:\n    Type: AWS::Logs::LogGroup\n    Properties:\n      RetentionInDays: {days}\n      LogGroupName: {group}\n"
    );
    if role {
        text.push_str("  Role:\n    Type: AWS::IAM::Role\n    DependsOn: Group\n    Properties: {AssumeRolePolicyDocument: {}}\n");
    }
    text
}

#[tokio::test]
async fn a_change_in_place_calls_only_what_changes() {
    let world = World::new().await;
    world.create("s", &template(7, false, "/a")).await;
    world.fake.calls();
    assert_eq!(world.update("s", &template(14, false, "/a")).await, "UPDATE_COMPLETE");
    assert_eq!(world.fake.calls(), ["PutRetentionPolicy"]);
    assert_eq!(
        world.events("s").await[5..],
        [
            "s UPDATE_IN_PROGRESS User Initiated",
            "Group UPDATE_IN_PROGRESS",
            "Group UPDATE_COMPLETE",
            "s UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
            "s UPDATE_COMPLETE",
        ]
    );
}

#[tokio::test]
async fn an_update_without_changes_is_refused() {
    let world = World::new().await;
    world.create("s", &template(7, false, "/a")).await;
    let input = json!({"StackName": "s", "TemplateBody": template(7, false, "/a")});
    assert_eq!(
        error(world.call("UpdateStack", input).await),
        (400, "ValidationError".into(), "No updates are to be performed.".into())
    );
    assert_eq!(
        error(world.call("UpdateStack", json!({"StackName": "none", "TemplateBody": "x"})).await).2,
        "Stack [none] does not exist"
    );
}

/// LocalStack's `test_update_with_previous_parameter_value`.
#[tokio::test]
async fn what_is_said_of_what_is_replaced_is_an_update() {
    let world = World::new().await;
    let body = |policy: &str| {
        format!(
            "Resources:\n  Group:\n    Type: AWS::Logs::LogGroup\n{policy}    Properties: \
             {{LogGroupName: /a}}\n"
        )
    };
    let with = body("    UpdateReplacePolicy: Delete\n");
    world.create("s", &with).await;
    world.fake.calls();
    let again = json!({"StackName": "s", "TemplateBody": with});
    assert_eq!(error(world.call("UpdateStack", again).await).2, "No updates are to be performed.");
    assert_eq!(world.update("s", &body("")).await, "UPDATE_COMPLETE");
    assert_eq!(world.fake.calls(), Vec::<String>::new());
}

#[tokio::test]
async fn what_is_expanded_is_updated_without_changes_too() {
    let world = World::new().await;
    let body = format!("Transform: AWS::LanguageExtensions\n{}", template(7, false, "/a"));
    let input = json!({"StackName": "s", "TemplateBody": body,
        "Capabilities": ["CAPABILITY_AUTO_EXPAND"]});
    world.call("CreateStack", input.clone()).await.unwrap();
    assert_eq!(world.rest("s").await, "CREATE_COMPLETE");
    world.fake.calls();
    world.call("UpdateStack", input).await.unwrap();
    assert_eq!(world.rest("s").await, "UPDATE_COMPLETE");
    assert_eq!(world.fake.calls(), Vec::<String>::new());
}

#[tokio::test]
async fn a_replaced_resource_goes_in_the_clean_up() {
    let world = World::new().await;
    world.create("s", &template(7, true, "/a")).await;
    world.fake.calls();
    assert_eq!(world.update("s", &template(7, true, "/b")).await, "UPDATE_COMPLETE");
    assert_eq!(
        world.fake.calls(),
        ["CreateLogGroup", "PutRetentionPolicy", "DescribeLogGroups", "DeleteLogGroup"]
    );
    let events = world.events("s").await;
    assert_eq!(
        events[8..],
        [
            "s UPDATE_IN_PROGRESS User Initiated",
            "Group UPDATE_IN_PROGRESS Requested update requires the creation of a new physical resource; hence creating one.",
            "Group UPDATE_IN_PROGRESS Resource creation Initiated",
            "Group UPDATE_COMPLETE",
            "s UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
            "Group DELETE_IN_PROGRESS",
            "Group DELETE_COMPLETE",
            "s UPDATE_COMPLETE",
        ]
    );
}

#[tokio::test]
async fn a_removed_resource_goes_in_the_clean_up() {
    let world = World::new().await;
    world.create("s", &template(7, true, "/a")).await;
    world.fake.calls();
    assert_eq!(world.update("s", &template(7, false, "/a")).await, "UPDATE_COMPLETE");
    assert_eq!(world.fake.calls(), ["DeleteRole"]);
    let resources = world.call("ListStackResources", json!({"StackName": "s"})).await.unwrap();
    assert_eq!(resources["StackResourceSummaries"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_denied_update_is_taken_back() {
    let world = World::new().await;
    world.create("s", &template(7, false, "/a")).await;
    world.fake.calls();
    world.fake.deny("CreateRole");
    assert_eq!(world.update("s", &template(14, true, "/a")).await, "UPDATE_ROLLBACK_COMPLETE");
    assert_eq!(world.fake.calls(), ["PutRetentionPolicy", "CreateRole", "PutRetentionPolicy"]);
    let events = world.events("s").await;
    assert_eq!(
        events[10..],
        [
            "s UPDATE_ROLLBACK_IN_PROGRESS The following resource(s) failed to create: [Role].",
            "Group UPDATE_IN_PROGRESS",
            "Group UPDATE_COMPLETE",
            "s UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
            "s UPDATE_ROLLBACK_COMPLETE",
        ]
    );
    // The stack is what it was: the same update is a change again.
    world.fake.allow("CreateRole");
    assert_eq!(world.update("s", &template(14, true, "/a")).await, "UPDATE_COMPLETE");
}

#[tokio::test]
async fn a_rollback_that_is_denied_is_told() {
    let world = World::new().await;
    world.create("s", &template(7, false, "/a")).await;
    world.fake.deny("PutRetentionPolicy");
    assert_eq!(world.update("s", &template(14, false, "/a")).await, "UPDATE_ROLLBACK_FAILED");
    assert_eq!(
        world.events("s").await.last().unwrap(),
        "s UPDATE_ROLLBACK_FAILED The following resource(s) failed to update: [Group]."
    );
}

#[tokio::test]
async fn a_custom_name_cannot_be_replaced() {
    let world = World::new().await;
    let role = |path: &str| {
        format!(
            "Resources:\n  Role:\n    Type: AWS::IAM::Role\n    Properties: {{RoleName: r, Path: {path}, AssumeRolePolicyDocument: {{}}}}\n"
        )
    };
    world.create("s", &role("/a/")).await;
    assert_eq!(world.update("s", &role("/b/")).await, "UPDATE_ROLLBACK_COMPLETE");
    let reason = "Role UPDATE_FAILED CloudFormation cannot update a stack when a custom-named resource requires replacing. Rename r and update the stack again.";
    assert!(world.events("s").await.contains(&reason.to_owned()));
}
