//! Creating and deleting stacks.

use rstest::rstest;
use serde_json::json;

use super::{World, error};

const ROLE_AND_FUNCTION: &str = r"
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:
      RoleName: app-role
      PermissionsBoundary: arn:aws:iam::123456789012:policy/boundary
      AssumeRolePolicyDocument: {Version: 2012-10-17, Statement: []}
      ManagedPolicyArns: [arn:aws:iam::aws:policy/P]
      Policies:
        - PolicyName: inline
          PolicyDocument: {Version: 2012-10-17, Statement: []}
  Function:
    Type: AWS::Lambda::Function
    Properties:
      FunctionName: app
      Role: !GetAtt Role.Arn
      Handler: app.handler
      Runtime: python3.12
      Timeout: '30'
      Code: {S3Bucket: b, S3Key: k}
Outputs:
  Arn: {Value: !GetAtt Function.Arn, Export: {Name: app-arn}}
";

/// Who waits for a stack is told once it rests: what it made, or what failed.
#[tokio::test]
async fn what_a_stack_has_is_told_once_it_rests() {
    let world = World::new().await;
    let input = json!({"StackName": "app", "TemplateBody": ROLE_AND_FUNCTION,
        "Capabilities": ["CAPABILITY_NAMED_IAM"]});
    world.call("CreateStack", input).await.unwrap();
    let contents = world.service.settled("app").await.unwrap();
    assert!(contents.is_complete());
    let made: Vec<(&str, &str)> = contents
        .resources
        .iter()
        .map(|made| (made.logical_id.as_str(), made.physical_id.as_str()))
        .collect();
    assert_eq!(made, [("Role", "app-role"), ("Function", "app")]);
    assert_eq!(contents.resources[0].properties["RoleName"], "app-role");
    let role = contents.resources[0].attributes["Arn"].clone();
    assert_eq!(contents.resources[1].properties["Role"], role);
    assert_eq!(contents.outputs.keys().collect::<Vec<_>>(), ["Arn"]);
    assert_eq!(contents.failed, []);
    assert!(world.service.settled("nobody").await.is_none());
}

#[tokio::test]
async fn a_stack_is_made_in_order_with_the_handlers_calls() {
    let world = World::new().await;
    let (id, status) = world.create("app", ROLE_AND_FUNCTION).await;
    assert_eq!(status, "CREATE_COMPLETE");
    assert_eq!(
        world.events(&id).await,
        [
            "app CREATE_IN_PROGRESS User Initiated",
            "Role CREATE_IN_PROGRESS",
            "Role CREATE_IN_PROGRESS Resource creation Initiated",
            "Role CREATE_COMPLETE",
            "Function CREATE_IN_PROGRESS",
            "Function CREATE_IN_PROGRESS Resource creation Initiated",
            "Function CREATE_COMPLETE",
            "app CREATE_COMPLETE",
        ]
    );
    let calls = world.fake.calls_with_input();
    let names: Vec<_> = calls.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        [
            "CreateRole",
            "AttachRolePolicy",
            "PutRolePolicy",
            "GetRole",
            "CreateFunction",
            "GetFunction"
        ]
    );
    let function = &calls[4].1;
    assert_eq!(function["Role"], "arn:aws:iam::123456789012:role/app-role");
    assert_eq!(function["Timeout"], 30);
    assert_eq!(
        function["Tags"],
        json!({
            "aws:cloudformation:stack-name": "app",
            "aws:cloudformation:stack-id": id,
            "aws:cloudformation:logical-id": "Function",
        })
    );
    // IAM roles carry no tags of CloudFormation's own.
    assert_eq!(calls[0].1.get("Tags"), None);
    let stack = world.call("DescribeStacks", json!({"StackName": "app"})).await.unwrap();
    assert_eq!(
        stack["Stacks"][0]["Outputs"],
        json!([{
            "OutputKey": "Arn",
            "OutputValue": "arn:aws:lambda:eu-west-1:123456789012:function:app",
            "ExportName": "app-arn",
        }])
    );
}

#[tokio::test]
async fn a_stack_is_deleted_in_reverse_order() {
    let world = World::new().await;
    let (id, _) = world.create("app", ROLE_AND_FUNCTION).await;
    world.fake.calls();
    world.call("DeleteStack", json!({"StackName": "app"})).await.unwrap();
    assert_eq!(world.rest(&id).await, "DELETE_COMPLETE");
    assert_eq!(
        world.fake.calls(),
        ["DeleteFunction", "GetFunction", "DetachRolePolicy", "DeleteRolePolicy", "DeleteRole"]
    );
    assert_eq!(
        world.events(&id).await[8..],
        [
            "app DELETE_IN_PROGRESS User Initiated",
            "Function DELETE_IN_PROGRESS",
            "Function DELETE_COMPLETE",
            "Role DELETE_IN_PROGRESS",
            "Role DELETE_COMPLETE",
            "app DELETE_COMPLETE",
        ]
    );
    assert_eq!(
        error(world.call("DescribeStacks", json!({"StackName": "app"})).await),
        (400, "ValidationError".into(), "Stack with id app does not exist".into())
    );
}

#[tokio::test]
async fn a_denied_resource_rolls_the_stack_back() {
    let world = World::new().await;
    world.fake.deny("CreateFunction");
    let (id, status) = world.create("app", ROLE_AND_FUNCTION).await;
    assert_eq!(status, "ROLLBACK_COMPLETE");
    assert_eq!(
        world.events(&id).await[4..],
        [
            "Function CREATE_IN_PROGRESS",
            "Function CREATE_FAILED Resource handler returned message: \"User: arn:aws:iam::123456789012:user/dev is not authorized to perform: lambda:CreateFunction on resource: X because no identity-based policy allows the lambda:CreateFunction action (Service: Lambda, Status Code: 403, Request ID: REQ) (SDK Attempt Count: 1)\" (RequestToken: T, HandlerErrorCode: AccessDenied)",
            "app ROLLBACK_IN_PROGRESS The following resource(s) failed to create: [Function]. Rollback requested by user.",
            "Function DELETE_COMPLETE",
            "Role DELETE_IN_PROGRESS",
            "Role DELETE_COMPLETE",
            "app ROLLBACK_COMPLETE",
        ]
    );
    let stack = format!("Stack:{id} is in ROLLBACK_COMPLETE state and can not be updated.");
    let update = json!({"StackName": "app", "TemplateBody": ROLE_AND_FUNCTION, "Capabilities": ["CAPABILITY_NAMED_IAM"]});
    assert_eq!(
        error(world.call("UpdateStack", update).await),
        (400, "ValidationError".into(), stack)
    );
}

#[tokio::test]
async fn a_half_made_role_is_removed_too() {
    let world = World::new().await;
    world.fake.deny("AttachRolePolicy");
    let (id, status) = world.create("app", ROLE_AND_FUNCTION).await;
    assert_eq!(status, "ROLLBACK_COMPLETE");
    let events = world.events(&id).await;
    assert!(
        events[3].starts_with("Role CREATE_FAILED Resource handler returned message: \"User: ")
    );
    assert!(
        events[3].contains("(Service: Iam, Status Code: 403, Request ID: REQ)"),
        "{}",
        events[3]
    );
    let calls = world.fake.calls();
    assert_eq!(
        calls,
        ["CreateRole", "AttachRolePolicy", "DetachRolePolicy", "DeleteRolePolicy", "DeleteRole"]
    );
}

#[tokio::test]
async fn a_rollback_that_is_denied_fails() {
    let world = World::new().await;
    world.fake.deny("CreateFunction");
    world.fake.deny("DeleteRole");
    let (id, status) = world.create("app", ROLE_AND_FUNCTION).await;
    assert_eq!(status, "ROLLBACK_FAILED");
    let events = world.events(&id).await;
    assert_eq!(
        events.last().unwrap(),
        "app ROLLBACK_FAILED The following resource(s) failed to delete: [Role]."
    );
    // Deleting again, with the permission, succeeds.
    world.fake.allow("DeleteRole");
    world.call("DeleteStack", json!({"StackName": "app"})).await.unwrap();
    assert_eq!(world.rest(&id).await, "DELETE_COMPLETE");
}

#[rstest]
#[case::do_nothing(json!({"OnFailure": "DO_NOTHING"}), "CREATE_FAILED")]
#[case::disabled(json!({"DisableRollback": true}), "CREATE_FAILED")]
#[case::delete(json!({"OnFailure": "DELETE"}), "DELETE_COMPLETE")]
#[case::rollback(json!({"OnFailure": "ROLLBACK"}), "ROLLBACK_COMPLETE")]
#[tokio::test]
async fn on_failure_decides(#[case] extra: serde_json::Value, #[case] status: &str) {
    let world = World::new().await;
    world.fake.deny("CreateFunction");
    let mut input = json!({
        "StackName": "app",
        "TemplateBody": ROLE_AND_FUNCTION,
        "Capabilities": ["CAPABILITY_NAMED_IAM"],
    });
    input.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    let id = world.call("CreateStack", input).await.unwrap()["StackId"].clone();
    assert_eq!(world.rest(id.as_str().unwrap()).await, status);
}

#[tokio::test]
async fn the_stacks_role_works_and_sticks() {
    let world = World::new().await;
    let input = json!({
        "StackName": "app",
        "TemplateBody": ROLE_AND_FUNCTION,
        "Capabilities": ["CAPABILITY_NAMED_IAM"],
        "RoleARN": "arn:aws:iam::123456789012:role/deploy",
    });
    world.call("CreateStack", input).await.unwrap();
    assert_eq!(world.rest("app").await, "CREATE_COMPLETE");
    let calls = world.fake.calls_with_input();
    assert_eq!(calls[0].0, "AssumeRole");
    assert_eq!(calls[0].1["RoleSessionName"], "AWSCloudFormation");
    let facts = world.service.stack("app").unwrap();
    assert_eq!(facts.role_arn.as_deref(), Some("arn:aws:iam::123456789012:role/deploy"));
    world.call("DeleteStack", json!({"StackName": "app"})).await.unwrap();
    assert_eq!(world.rest(&facts.stack_id).await, "DELETE_COMPLETE");
    assert_eq!(world.fake.calls()[0], "AssumeRole");
}

#[tokio::test]
async fn a_role_that_refuses_is_named() {
    let world = World::new().await;
    world.fake.deny("AssumeRole");
    let input = json!({
        "StackName": "app",
        "TemplateBody": ROLE_AND_FUNCTION,
        "Capabilities": ["CAPABILITY_NAMED_IAM"],
        "RoleARN": "arn:aws:iam::123456789012:role/deploy",
    });
    assert_eq!(
        error(world.call("CreateStack", input).await),
        (
            400,
            "ValidationError".into(),
            "Role arn:aws:iam::123456789012:role/deploy is invalid or cannot be assumed".into()
        )
    );
    assert!(world.service.stack("app").is_none());
}

#[tokio::test]
async fn a_second_stack_of_the_same_name_is_refused() {
    let world = World::new().await;
    world.create("app", ROLE_AND_FUNCTION).await;
    let input = json!({"StackName": "app", "TemplateBody": ROLE_AND_FUNCTION});
    assert_eq!(
        error(world.call("CreateStack", input).await),
        (400, "AlreadyExistsException".into(), "Stack [app] already exists".into())
    );
}

#[tokio::test]
async fn termination_protection_protects() {
    let world = World::new().await;
    let (id, _) = world.create("app", ROLE_AND_FUNCTION).await;
    let protect = |on: bool| json!({"StackName": "app", "EnableTerminationProtection": on});
    world.call("UpdateTerminationProtection", protect(true)).await.unwrap();
    assert_eq!(
        error(world.call("DeleteStack", json!({"StackName": "app"})).await).2,
        "Stack [app] cannot be deleted while TerminationProtection is enabled"
    );
    world.call("UpdateTerminationProtection", protect(false)).await.unwrap();
    world.call("DeleteStack", json!({"StackName": "app"})).await.unwrap();
    assert_eq!(world.rest(&id).await, "DELETE_COMPLETE");
}

#[tokio::test]
async fn a_retained_resource_stays() {
    let world = World::new().await;
    let template = "
Resources:
  Group:
    Type: AWS::Logs::LogGroup
    DeletionPolicy: Retain
    Properties: {LogGroupName: /x, RetentionInDays: 7}
";
    let (id, status) = world.create("logs", template).await;
    assert_eq!(status, "CREATE_COMPLETE");
    assert_eq!(world.fake.calls(), ["CreateLogGroup", "PutRetentionPolicy", "DescribeLogGroups"]);
    world.call("DeleteStack", json!({"StackName": "logs"})).await.unwrap();
    assert_eq!(world.rest(&id).await, "DELETE_COMPLETE");
    assert!(world.events(&id).await.contains(&"Group DELETE_SKIPPED".to_owned()));
    assert!(world.fake.calls().is_empty());
}

#[tokio::test]
async fn an_export_in_use_keeps_its_stack() {
    let world = World::new().await;
    let (id, _) = world.create("app", ROLE_AND_FUNCTION).await;
    let user = "
Resources:
  P:
    Type: AWS::Lambda::Permission
    Properties:
      FunctionName: !ImportValue app-arn
      Action: lambda:InvokeFunction
      Principal: apigateway.amazonaws.com
";
    let (other, status) = world.create("user", user).await;
    assert_eq!(status, "CREATE_COMPLETE");
    let imports = world.call("ListImports", json!({"ExportName": "app-arn"})).await.unwrap();
    assert_eq!(imports["Imports"], json!(["user"]));
    world.call("DeleteStack", json!({"StackName": "app"})).await.unwrap();
    assert_eq!(world.rest(&id).await, "DELETE_FAILED");
    assert_eq!(
        world.events(&id).await.last().unwrap(),
        "app DELETE_FAILED Export app-arn cannot be deleted as it is in use by user"
    );
    world.call("DeleteStack", json!({"StackName": "user"})).await.unwrap();
    assert_eq!(world.rest(&other).await, "DELETE_COMPLETE");
    world.call("DeleteStack", json!({"StackName": "app"})).await.unwrap();
    assert_eq!(world.rest(&id).await, "DELETE_COMPLETE");
}

#[tokio::test]
async fn an_unknown_property_fails_its_resource_by_name() {
    let world = World::new().await;
    let template = "
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties: {AssumeRolePolicyDocument: {}, Nonsense: 1}
";
    let (id, status) = world.create("app", template).await;
    assert_eq!(status, "ROLLBACK_COMPLETE");
    assert_eq!(
        world.events(&id).await[2],
        "Role CREATE_FAILED Properties validation failed for resource Role with message:\n[#: extraneous key [Nonsense] is not permitted]"
    );
    assert!(world.fake.calls().is_empty());
}

#[tokio::test]
async fn a_template_forges_no_tags_of_cloudformations() {
    let world = World::new().await;
    let template = |key: &str| {
        format!(
            "
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument: {{}}
      Tags: [{{Key: '{key}', Value: other}}]
"
        )
    };
    let (id, status) = world.create("app", &template("aws:cloudformation:stack-name")).await;
    assert_eq!(status, "ROLLBACK_COMPLETE");
    let failed = &world.events(&id).await[2];
    let told = "Role CREATE_FAILED Resource handler returned message: \"aws: prefixed tag key names are not allowed for external use.\" (RequestToken: ";
    assert!(failed.starts_with(told), "{failed}");
    assert!(world.fake.calls().is_empty());

    let (id, status) = world.create("own", &template("cloudformation:stack-name")).await;
    assert_eq!(status, "CREATE_COMPLETE");
    world.fake.calls();
    let update = json!({"StackName": "own", "TemplateBody": template("AWS:cloudformation:x"),
        "Capabilities": ["CAPABILITY_IAM"]});
    world.call("UpdateStack", update).await.unwrap();
    assert_eq!(world.rest(&id).await, "UPDATE_ROLLBACK_COMPLETE");
}

#[tokio::test]
async fn dynamic_references_are_read_as_the_deployer() {
    let world = World::new().await;
    world.fake.parameter("/authorizer", "auth9");
    let template = "
Resources:
  Route:
    Type: AWS::ApiGatewayV2::Route
    Properties:
      ApiId: api1
      RouteKey: GET /x
      AuthorizationType: JWT
      AuthorizerId: '{{resolve:ssm:/authorizer}}'
";
    let (_, status) = world.create("one", template).await;
    assert_eq!(status, "CREATE_COMPLETE");
    let calls = world.fake.calls_with_input();
    assert_eq!(calls[0].0, "GetParameters");
    assert_eq!(calls[1].0, "CreateRoute");
    assert_eq!(calls[1].1["AuthorizerId"], "auth9");

    world.fake.deny("GetParameters");
    let (id, status) = world.create("two", template).await;
    assert_eq!(status, "ROLLBACK_COMPLETE");
    let events = world.events(&id).await;
    assert!(
        events[2].ends_with("(Service: AWSSimpleSystemsManagement; Status Code: 400; Error Code: AccessDeniedException; Request ID: REQ; Proxy: null)"),
        "{}",
        events[2]
    );
}

/// Else a rollback would take away what somebody else wrote under that name.
#[tokio::test]
async fn a_policy_that_was_not_written_is_not_deleted() {
    let world = World::new().await;
    world.fake.deny("PutRolePolicy");
    world.fake.deny("DeleteRolePolicy");
    let template = "
Resources:
  Policy:
    Type: AWS::IAM::Policy
    Properties: {PolicyName: p, PolicyDocument: {}, Roles: [theirs]}
";
    let (id, status) = world.create("app", template).await;
    assert_eq!(status, "ROLLBACK_COMPLETE");
    assert_eq!(world.fake.calls(), ["PutRolePolicy"]);
    let failed = &world.events(&id).await[2];
    assert!(failed.starts_with("Policy CREATE_FAILED "), "{failed}");

    world.fake.allow("PutRolePolicy");
    world.fake.allow("DeleteRolePolicy");
    let template = format!(
        "{template}  Other:\n    Type: AWS::IAM::Role\n    DependsOn: Policy\n    Properties: {{Nonsense: 1}}\n"
    );
    let (_, status) = world.create("other", &template).await;
    assert_eq!(status, "ROLLBACK_COMPLETE");
    assert_eq!(world.fake.calls(), ["PutRolePolicy", "DeleteRolePolicy"]);
}

/// EC2 keeps the private key of a pair that it made in a parameter of a fixed
/// name; of an imported one there is none.
#[rstest]
#[case::made("", &["CreateKeyPair", "PutParameter"], &["DeleteKeyPair", "DeleteParameter"])]
#[case::imported(
    ", PublicKeyMaterial: ssh-ed25519 AAAA",
    &["ImportKeyPair"],
    &["DeleteKeyPair"]
)]
#[tokio::test]
async fn a_key_pair_is_made_with_its_private_key_or_imported(
    #[case] more: &str,
    #[case] made: &[&str],
    #[case] deleted: &[&str],
) {
    let world = World::new().await;
    let template = format!(
        "Resources:\n  Pair: {{Type: AWS::EC2::KeyPair, Properties: {{KeyName: own{more}}}}}\n\
         Outputs:\n  Id: {{Value: !GetAtt Pair.KeyPairId}}\n  Name: {{Value: !Ref Pair}}\n"
    );
    let (id, status) = world.create("app", &template).await;
    assert_eq!(status, "CREATE_COMPLETE");
    let calls = world.fake.calls_with_input();
    let names: Vec<_> = calls.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, made);
    assert_eq!(calls[0].1["KeyName"], "own");
    // EC2 refuses a specification of no tags.
    assert_eq!(calls[0].1.get("TagSpecification"), None);
    if let Some((_, parameter)) = calls.get(1) {
        assert_eq!(parameter["Name"], "/ec2/keypair/key-1");
        assert_eq!(parameter["Type"], "SecureString");
        assert_eq!(parameter["Value"], "PRIVATE");
    } else {
        // The wire's bytes, in base64.
        assert_eq!(calls[0].1["PublicKeyMaterial"], "c3NoLWVkMjU1MTkgQUFBQQ==");
    }
    let stack = world.call("DescribeStacks", json!({"StackName": "app"})).await.unwrap();
    let outputs = &stack["Stacks"][0]["Outputs"];
    assert_eq!(outputs[0]["OutputValue"], "key-1");
    assert_eq!(outputs[1]["OutputValue"], "own");
    world.call("DeleteStack", json!({"StackName": "app"})).await.unwrap();
    assert_eq!(world.rest(&id).await, "DELETE_COMPLETE");
    assert_eq!(world.fake.calls(), deleted);
}

/// Clients sort events by their time, as LocalStack's recorded
/// `test_stack_deletion_order` does; AWS's are seconds apart.
#[tokio::test]
async fn no_two_events_of_a_stack_are_of_one_millisecond() {
    let world = World::new().await;
    let (id, _) = world.create("app", ROLE_AND_FUNCTION).await;
    world.call("DeleteStack", json!({"StackName": "app"})).await.unwrap();
    assert_eq!(world.rest(&id).await, "DELETE_COMPLETE");
    let told = world.call("DescribeStackEvents", json!({"StackName": id})).await.unwrap();
    let told = told["StackEvents"].as_array().unwrap();
    let times: Vec<time::OffsetDateTime> = told
        .iter()
        .map(|event| {
            let text = event["Timestamp"].as_str().unwrap();
            let form = &time::format_description::well_known::Rfc3339;
            time::OffsetDateTime::parse(text, form).unwrap()
        })
        .collect();
    assert!(times.len() > 10);
    // The newest first.
    assert!(times.windows(2).all(|pair| pair[0] > pair[1]), "{times:?}");
}

/// Functions multiply in each of many resources: what they come to is bounded for the
/// whole deployment.
#[tokio::test]
async fn what_all_resources_grow_to_is_bounded() {
    let template = |count: usize| {
        let of = |index| {
            let value = json!({"Fn::Sub": "${P}".repeat(250)});
            let properties = json!({"Type": "String", "Value": value});
            (format!("R{index}"), json!({"Type": "AWS::SSM::Parameter", "Properties": properties}))
        };
        let resources: serde_json::Map<_, _> = (0..count).map(of).collect();
        let parameters = json!({"P": {"Type": "String", "Default": "x".repeat(4000)}});
        json!({"Parameters": parameters, "Resources": resources}).to_string()
    };
    let world = World::new().await;
    let (id, status) = world.create("large", &template(20)).await;
    assert_eq!(status, "ROLLBACK_COMPLETE");
    let reason = "the values of the template's functions come to more than 16777216 bytes";
    let events = world.events(&id).await;
    assert!(events.iter().any(|event| event.contains(reason)), "{events:?}");
    assert_eq!(world.create("small", &template(15)).await.1, "CREATE_COMPLETE");
}

/// The CDK's metadata and the handle of a wait condition are in no service.
#[tokio::test]
async fn what_holds_nothing_outside_cloudformation_calls_nobody() {
    let world = World::new().await;
    let template = json!({
        "Resources": {
            "CDKMetadata": {"Type": "AWS::CDK::Metadata",
                            "Properties": {"Analytics": "v2:deflate64:H4sI"}},
            "Handle": {"Type": "AWS::CloudFormation::WaitConditionHandle"},
        },
        "Outputs": {"Handle": {"Value": {"Ref": "Handle"}}},
    });
    let (id, status) = world.create("app", &template.to_string()).await;
    assert_eq!(status, "CREATE_COMPLETE");
    let stack = world.call("DescribeStacks", json!({"StackName": "app"})).await.unwrap();
    let escaped = id.replace(':', "%3A").replace('/', "%2F");
    assert_eq!(
        stack["Stacks"][0]["Outputs"][0]["OutputValue"],
        format!("https://cloudformation-waitcondition-eu-west-1.s3.amazonaws.com/{escaped}/Handle")
    );
    world.call("DeleteStack", json!({"StackName": "app"})).await.unwrap();
    assert_eq!(world.rest(&id).await, "DELETE_COMPLETE");
    assert_eq!(world.fake.calls_with_input(), []);
}
