//! What attributes of resources and the section `Rules` ask for.

use serde_json::json;

use super::{World, error};

/// The reason with which a resource failed.
async fn failure(world: &World, line: &str) -> String {
    let events = world.events("s").await;
    let found = events.iter().find_map(|event| event.strip_prefix(line));
    found.unwrap_or_else(|| panic!("{events:?}")).trim().to_owned()
}

const ALIAS: &str = r#"{"Resources": {"A": {
    "Type": "AWS::Lambda::Alias",
    "UpdatePolicy": {"CodeDeployLambdaAliasUpdate": {"ApplicationName": "a", "DeploymentGroupName": "g"}},
    "Properties": {"FunctionName": "f", "FunctionVersion": "1", "Name": "live"}}}}"#;

/// Nothing is deployed by CodeDeploy here: the alias is made, and what the policy
/// guides is refused, not done without it.
#[tokio::test]
async fn an_update_that_a_policy_guides_is_refused_by_its_name() {
    let world = World::new().await;
    assert_eq!(world.create("s", ALIAS).await.1, "CREATE_COMPLETE");
    assert_eq!(world.fake.calls(), ["CreateAlias"]);
    let described = ALIAS.replace(r#""Name""#, r#""Description": "d", "Name""#);
    assert_eq!(world.update("s", &described).await, "UPDATE_COMPLETE");
    assert_eq!(world.fake.calls(), ["UpdateAlias"]);
    let next = described.replace(r#""FunctionVersion": "1""#, r#""FunctionVersion": "2""#);
    assert_eq!(world.update("s", &next).await, "UPDATE_ROLLBACK_COMPLETE");
    assert_eq!(
        failure(&world, "A UPDATE_FAILED").await,
        "an update under `UpdatePolicy.CodeDeployLambdaAliasUpdate` is not supported by Ringfence's CloudFormation"
    );
    assert_eq!(world.fake.calls(), [""; 0]);
}

const DATABASE: &str = r#"{"Resources": {"D": {
    "Type": "AWS::RDS::DBInstance", "DeletionPolicy": "Snapshot",
    "Properties": {"DBInstanceIdentifier": "d", "DBInstanceClass": "db.t3.micro", "Engine": "mysql"}}}}"#;

#[tokio::test]
async fn a_last_snapshot_is_taken_where_the_policy_asks_for_one() {
    for (policy, snapshot) in [("Snapshot", true), ("Delete", false)] {
        let world = World::new().await;
        let template = DATABASE.replace("Snapshot", policy);
        assert_eq!(world.create("s", &template).await.1, "CREATE_COMPLETE");
        world.fake.calls();
        world.call("DeleteStack", json!({"StackName": "s"})).await.unwrap();
        world.fake.settled("DeleteDBInstance").await;
        let (_, input) = world.fake.calls_with_input().remove(0);
        assert_eq!(input["DBInstanceIdentifier"], "d");
        let name = input["FinalDBSnapshotIdentifier"].as_str();
        assert_eq!(name.is_some_and(|name| name.starts_with("s-d-")), snapshot, "{input}");
        assert_eq!(input["SkipFinalSnapshot"] == true, !snapshot, "{input}");
    }
}

#[tokio::test]
async fn a_snapshot_of_what_leaves_none_is_refused_before_anything_is_made() {
    let world = World::new().await;
    let template =
        r#"{"Resources": {"T": {"Type": "AWS::SNS::Topic", "DeletionPolicy": "Snapshot"}}}"#;
    assert_eq!(world.create("s", template).await.1, "ROLLBACK_COMPLETE");
    assert_eq!(
        failure(&world, "T CREATE_FAILED").await,
        "the DeletionPolicy Snapshot of AWS::SNS::Topic is not supported by Ringfence's CloudFormation"
    );
    assert_eq!(world.fake.calls(), [""; 0]);
}

/// What the AWS CDK writes into each template.
const RULES: &str = r#"{
    "Parameters": {"Version": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/cdk/version"}},
    "Rules": {"CheckBootstrapVersion": {"Assertions": [{
        "Assert": {"Fn::Not": [{"Fn::Contains": [["1", "2"], {"Ref": "Version"}]}]},
        "AssertDescription": "CDK bootstrap stack version 3 required."}]}},
    "Resources": {"T": {"Type": "AWS::Logs::LogGroup"}}}"#;

#[tokio::test]
async fn parameters_of_which_a_rule_does_not_hold_make_no_stack() {
    let world = World::new().await;
    world.fake.parameter("/cdk/version", "2");
    let input = json!({"StackName": "s", "TemplateBody": RULES});
    assert_eq!(
        error(world.call("CreateStack", input).await),
        (400, "ValidationError".into(), "CDK bootstrap stack version 3 required.".into())
    );
    assert_eq!(world.fake.calls(), ["GetParameters"]);
    world.fake.parameter("/cdk/version", "21");
    assert_eq!(world.create("s", RULES).await.1, "CREATE_COMPLETE");
}

#[tokio::test]
async fn a_custom_resource_has_a_version_and_no_other_resource_has() {
    let world = World::new().await;
    let template = r#"{"Resources": {"T": {"Type": "AWS::SNS::Topic", "Version": "1.0"}}}"#;
    let input = json!({"StackName": "s", "TemplateBody": template});
    assert_eq!(
        error(world.call("CreateStack", input).await).2,
        "Invalid template resource property 'Version'"
    );
    let custom = r#"{"Resources": {"T": {"Type": "Custom::T", "Version": "1.0", "Properties": {"ServiceToken": "t"}}}}"#;
    let input = json!({"TemplateBody": custom});
    assert!(world.call("ValidateTemplate", input).await.is_ok());
}

/// No instance runs here and signals: the resource is made, and nothing is waited for.
#[tokio::test]
async fn signals_are_not_waited_for() {
    let world = World::new().await;
    let template = r#"{"Resources": {"I": {
        "Type": "AWS::EC2::Instance", "CreationPolicy": {"ResourceSignal": {"Timeout": "PT15M"}},
        "Properties": {"ImageId": "ami-1"}}}}"#;
    assert_eq!(world.create("s", template).await.1, "CREATE_COMPLETE");
    assert_eq!(world.fake.calls(), ["RunInstances", "DescribeInstances"]);
}

/// Java's patterns look ahead and behind; one that nobody can read is told of before
/// any value is.
#[tokio::test]
async fn a_pattern_may_look_ahead_and_behind() {
    let template = |pattern: &str, value: &str| {
        json!({
            "Parameters": {"Host": {"Type": "String", "Default": value, "AllowedPattern": pattern}},
            "Resources": {"G": {"Type": "AWS::Logs::LogGroup"}},
        })
        .to_string()
    };
    const HOST: &str = "(?!-)[a-zA-Z0-9-.]{1,63}(?<!-)";
    let world = World::new().await;
    assert_eq!(world.create("s", &template(HOST, "a-b.example")).await.1, "CREATE_COMPLETE");
    for value in ["-a", "a-", "a_b"] {
        let input = json!({"StackName": "t", "TemplateBody": template(HOST, value)});
        assert_eq!(
            error(world.call("CreateStack", input).await).2,
            format!("Parameter 'Host' must match pattern {HOST}")
        );
    }
    const MAIL: &str = r"^[\w-\+]+@[\w-]+(\.[a-z]{2,})$";
    assert_eq!(world.create("m", &template(MAIL, "a-b+c@d-e.fg")).await.1, "CREATE_COMPLETE");
    let input = json!({"StackName": "t", "TemplateBody": template(MAIL, "a,b@c.de")});
    assert_eq!(
        error(world.call("CreateStack", input).await).2,
        format!("Parameter 'Host' must match pattern {MAIL}")
    );
    let input = json!({"TemplateBody": template("[a-", "a")});
    assert_eq!(
        error(world.call("ValidateTemplate", input).await).2,
        "Template format error: AllowedPattern of parameter Host cannot be read: [a-"
    );
}
