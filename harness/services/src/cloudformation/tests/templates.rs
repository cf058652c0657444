//! What is refused before anything is made.

use rstest::rstest;
use serde_json::json;

use super::{World, error};

#[rstest]
#[case("x", "Template format error: unsupported structure.")]
#[case("{\"Resources\": {}}}", "Template format error: JSON not well-formed. (line 1, column 19)")]
#[case(
    "{\"Resources\": {},}",
    "Template format error: At least one Resources member must be defined."
)]
#[case(
    "{\"this is invalid JSON\"=\"bobbins\"}",
    "Template format error: JSON not well-formed. (line 1, column 25)"
)]
#[case("Resources: {}", "Template format error: At least one Resources member must be defined.")]
#[case("Foo: 1\nResources: {}", "Invalid template property or properties [Foo]")]
#[case(
    "Resources: {A: {Type: 'AWS::Nope::Thing'}}",
    "Template format error: Unrecognized resource types: [AWS::Nope::Thing]"
)]
#[case(
    "Resources: {A: {Properties: {}}}",
    "Template format error: [/Resources/A] Every Resources object must contain a Type member."
)]
#[case(
    "Resources: {A: {Type: 'AWS::Logs::LogGroup', Properties: {LogGroupName: !Ref B}}}",
    "Template format error: Unresolved resource dependencies [B] in the Resources block of the template"
)]
#[case(
    "Resources: {A: {Type: 'AWS::Logs::LogGroup', Properties: {LogGroupName: !GetAtt B.Arn}}}",
    "Template error: instance of Fn::GetAtt references undefined resource B"
)]
#[case(
    "Resources: {A: {Type: 'AWS::Logs::LogGroup', DependsOn: B}, B: {Type: 'AWS::Logs::LogGroup', Properties: {LogGroupName: !Sub '${A}'}}}",
    "Circular dependency between resources: [A, B]"
)]
#[case(
    "Transform: Other\nResources: {A: {Type: X}}",
    "Template format error: the transform `Other` is not supported by Ringfence's CloudFormation"
)]
#[case(
    "Transform: [{Name: Other}, AWS::Serverless-2016-10-31]\nResources: {A: {Type: X}}",
    "Template format error: the transform `Other` is not supported by Ringfence's CloudFormation"
)]
#[case(
    "Resources: {'Fn::Transform': {Name: 'Mine'}}",
    "Template format error: the transform `Mine` is not supported by Ringfence's CloudFormation"
)]
#[case(
    "Resources: {A: {Type: X, Properties: {P: [{'Fn::Transform': {Name: Other}}]}}}",
    "Template format error: the transform `Other` is not supported by Ringfence's CloudFormation"
)]
#[case(
    "Rules: {R: {}}\nResources: {A: {Type: X}}",
    "Template format error: Rule R must have a list of Assertions."
)]
#[case(
    "Parameters: {P: {Type: String}}\nResources: {A: {Type: 'AWS::Logs::LogGroup'}}",
    "Parameters: [P] must have values"
)]
#[case(
    "Parameters: {P: {Type: Number, Default: x}}\nResources: {A: {Type: 'AWS::Logs::LogGroup'}}",
    "Parameter 'P' must be a number."
)]
#[case(
    "Parameters: {P: {Type: String, Default: x, AllowedValues: [a]}}\nResources: {A: {Type: 'AWS::Logs::LogGroup'}}",
    "Parameter 'P' must be one of AllowedValues"
)]
#[case(
    "Parameters: {P: {Type: 'AWS::SSM::Parameter::Value<String>', Default: /p}}\nResources: {A: {Type: 'AWS::Logs::LogGroup'}}",
    "Parameter P should either have input value or default value"
)]
#[tokio::test]
async fn a_bad_template_is_refused(#[case] template: &str, #[case] message: &str) {
    let world = World::new().await;
    let input = json!({"StackName": "s", "TemplateBody": template});
    assert_eq!(
        error(world.call("CreateStack", input).await),
        (400, "ValidationError".into(), message.into())
    );
    assert!(world.service.stack("s").is_none());
}

#[rstest]
#[case("AWS::IAM::Role", "{}", &[], "[CAPABILITY_IAM]")]
#[case("AWS::IAM::Role", "{RoleName: r}", &["CAPABILITY_IAM"], "[CAPABILITY_NAMED_IAM]")]
#[case("AWS::IAM::ManagedPolicy", "{ManagedPolicyName: r}", &[], "[CAPABILITY_NAMED_IAM]")]
#[tokio::test]
async fn iam_needs_its_capability(
    #[case] kind: &str,
    #[case] properties: &str,
    #[case] given: &[&str],
    #[case] missing: &str,
) {
    let world = World::new().await;
    let template = format!("Resources: {{R: {{Type: '{kind}', Properties: {properties}}}}}");
    let input = json!({"StackName": "s", "TemplateBody": template, "Capabilities": given});
    assert_eq!(
        error(world.call("CreateStack", input).await),
        (
            400,
            "InsufficientCapabilitiesException".into(),
            format!("Requires capabilities : {missing}")
        )
    );
}

#[tokio::test]
async fn a_transform_needs_its_capability_in_a_direct_call_only() {
    let world = World::new().await;
    let template = "Transform: AWS::Serverless-2016-10-31\nResources: {F: {Type: 'AWS::Serverless::Function'}}";
    let input = json!({"StackName": "s", "TemplateBody": template});
    assert_eq!(
        error(world.call("CreateStack", input.clone()).await),
        (
            400,
            "InsufficientCapabilitiesException".into(),
            "Requires capabilities : [CAPABILITY_AUTO_EXPAND]".into()
        )
    );
    // In a change set the transform itself is the reason: there is no Python.
    let mut input = input;
    input["ChangeSetName"] = "c".into();
    input["ChangeSetType"] = "CREATE".into();
    let id = world.call("CreateChangeSet", input).await.unwrap()["Id"].clone();
    let set = loop {
        let set = world.call("DescribeChangeSet", json!({"ChangeSetName": id})).await.unwrap();
        if set["Status"] == "FAILED" {
            break set;
        }
        tokio::task::yield_now().await;
    };
    assert_eq!(
        set["StatusReason"],
        "Transform AWS::Serverless-2016-10-31 failed with: no Python environment with aws-sam-translator"
    );
}

#[tokio::test]
async fn ssm_parameters_are_read_as_the_caller() {
    let world = World::new().await;
    world.fake.parameter("/subnets", "a,b");
    let template = "
Parameters:
  Names: {Type: 'AWS::SSM::Parameter::Value<List<String>>', Default: /subnets}
  Secret: {Type: String, NoEcho: true}
Resources:
  Group: {Type: 'AWS::Logs::LogGroup', Properties: {LogGroupName: !Join ['-', !Ref Names]}}
";
    let input = json!({
        "StackName": "s",
        "TemplateBody": template,
        "Parameters": [{"ParameterKey": "Secret", "ParameterValue": "hidden"}],
    });
    world.call("CreateStack", input.clone()).await.unwrap();
    assert_eq!(world.rest("s").await, "CREATE_COMPLETE");
    let calls = world.fake.calls_with_input();
    assert_eq!(calls[0].0, "GetParameters");
    assert_eq!(calls[1].1["logGroupName"], "a-b");
    let stack = world.call("DescribeStacks", json!({"StackName": "s"})).await.unwrap();
    assert_eq!(
        stack["Stacks"][0]["Parameters"],
        json!([
            {"ParameterKey": "Names", "ParameterValue": "/subnets", "ResolvedValue": "a,b"},
            {"ParameterKey": "Secret", "ParameterValue": "****"},
        ])
    );

    // Not even the properties in the events tell a `NoEcho` value.
    let template = "
Parameters: {Secret: {Type: String, NoEcho: true}}
Resources:
  P: {Type: 'AWS::SSM::Parameter', Properties: {Type: String, Value: !Sub 'x-${Secret}'}}
";
    let parameters = json!([{"ParameterKey": "Secret", "ParameterValue": "hid\"den"}]);
    let secret = json!({"StackName": "u", "TemplateBody": template, "Parameters": parameters});
    world.call("CreateStack", secret).await.unwrap();
    assert_eq!(world.rest("u").await, "CREATE_COMPLETE");
    let events = world.call("DescribeStackEvents", json!({"StackName": "u"})).await.unwrap();
    let shown = &events["StackEvents"][1]["ResourceProperties"];
    assert_eq!(shown, "{\"Type\":\"String\",\"Value\":\"x-****\"}");
    assert_eq!(world.fake.calls_with_input()[0].1["Value"], "x-hid\"den");

    world.fake.deny("GetParameters");
    let mut input = input;
    input["StackName"] = "t".into();
    let (status, code, message) = error(world.call("CreateStack", input).await);
    assert_eq!((status, code.as_str()), (400, "ValidationError"));
    assert_eq!(
        message,
        "User: arn:aws:iam::123456789012:user/dev is not authorized to perform: ssm:GetParameters on resource: X because no identity-based policy allows the ssm:GetParameters action (Service: AWSSimpleSystemsManagement; Status Code: 400; Error Code: AccessDeniedException; Request ID: REQ; Proxy: null)"
    );
}

#[tokio::test]
async fn conditions_mappings_and_functions_are_evaluated() {
    let world = World::new().await;
    let template = "
Parameters: {Env: {Type: String, Default: prod}}
Mappings: {Sizes: {prod: {Days: 14}, dev: {Days: 1}}}
Conditions:
  Prod: !Equals [!Ref Env, prod]
  Dev: !Not [!Condition Prod]
Resources:
  Group:
    Type: AWS::Logs::LogGroup
    Properties:
      LogGroupName: !Sub ['/${AWS::StackName}/${x}/${!kept}', {x: !Select [1, !Split ['|', 'a|b']]}]
      RetentionInDays: !FindInMap [Sizes, !Ref Env, Days]
      KmsKeyId: !If [Dev, key, !Ref AWS::NoValue]
  Never: {Type: 'AWS::Logs::LogGroup', Condition: Dev}
Outputs:
  Blocks: {Value: !Join [' ', !Cidr [10.0.0.0/16, 2, 8]]}
  Text: {Value: !Base64 hi}
  Skipped: {Condition: Dev, Value: !Ref Never}
";
    let (_, status) = world.create("s", template).await;
    assert_eq!(status, "CREATE_COMPLETE");
    let calls = world.fake.calls_with_input();
    assert_eq!(calls.len(), 3);
    assert_eq!(calls[0].1["logGroupName"], "/s/b/${kept}");
    assert_eq!(calls[0].1.get("kmsKeyId"), None);
    assert_eq!(calls[1].1["retentionInDays"], 14);
    let stack = world.call("DescribeStacks", json!({"StackName": "s"})).await.unwrap();
    assert_eq!(
        stack["Stacks"][0]["Outputs"],
        json!([
            {"OutputKey": "Blocks", "OutputValue": "10.0.0.0/24 10.0.1.0/24"},
            {"OutputKey": "Text", "OutputValue": "aGk="},
        ])
    );
}

#[tokio::test]
async fn what_is_not_built_is_refused_by_name() {
    let world = World::new().await;
    assert_eq!(
        error(world.call("DetectStackDrift", json!({"StackName": "s"})).await),
        (
            400,
            "ValidationError".into(),
            "the operation DetectStackDrift is not supported by Ringfence's CloudFormation".into()
        )
    );
    let input = json!({"StackName": "s", "TemplateBody": "x", "StackPolicyBody": "{}"});
    assert_eq!(
        error(world.call("CreateStack", input).await).2,
        "the parameter StackPolicyBody is not supported by Ringfence's CloudFormation"
    );
}

#[tokio::test]
async fn a_template_is_summed_up() {
    let world = World::new().await;
    let template = "
Description: D
Parameters: {P: {Type: String, Default: x, AllowedValues: [x, y]}}
Resources: {R: {Type: 'AWS::IAM::Role', Properties: {RoleName: r, AssumeRolePolicyDocument: {}}}}
";
    let summary =
        world.call("GetTemplateSummary", json!({"TemplateBody": template})).await.unwrap();
    assert_eq!(
        summary,
        json!({
            "Description": "D",
            "Capabilities": ["CAPABILITY_NAMED_IAM"],
            "CapabilitiesReason": "The following resource(s) require capabilities: [AWS::IAM::Role]",
            "Parameters": [{
                "ParameterKey": "P",
                "DefaultValue": "x",
                "NoEcho": false,
                "ParameterType": "String",
                "ParameterConstraints": {"AllowedValues": ["x", "y"]},
            }],
            "ResourceIdentifierSummaries": [{
                "ResourceType": "AWS::IAM::Role",
                "LogicalResourceIds": ["R"],
                "ResourceIdentifiers": ["RoleName"],
            }],
            "ResourceTypes": ["AWS::IAM::Role"],
        })
    );
}
