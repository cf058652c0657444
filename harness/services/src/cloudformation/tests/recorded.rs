//! Answers as LocalStack's tests recorded them on AWS
//! (`tests/aws/services/cloudformation`); the test's name stands at each.

use rstest::rstest;
use serde_json::{Value, json};

use super::{World, error};

fn parameter(value: &Value) -> Value {
    json!({"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": value}})
}

fn one(value: &Value) -> String {
    json!({"Resources": {"P": parameter(value)}}).to_string()
}

fn with(section: &str, content: &Value, value: &Value) -> String {
    json!({section: content, "Resources": {"P": parameter(value)}}).to_string()
}

#[rstest]
#[case::test_no_type(
    json!({"Resources": {"Foo": {"Properties": {"Type": "String"}}}}).to_string(),
    "Template format error: [/Resources/Foo] Every Resources object must contain a Type member.")]
#[case::test_invalid_logical_resource_id(
    json!({"Resources": {"my-bad-resource-id": parameter(&json!("v"))}}).to_string(),
    "Template format error: Resource name my-bad-resource-id is non alphanumeric.")]
#[case::test_using_pseudoparameters_in_places_resource(
    json!({"Resources": {"AWS::NoValue": parameter(&json!("v"))}}).to_string(),
    "Template format error: Resource name AWS::NoValue is non alphanumeric.")]
#[case::test_using_pseudoparameters_in_places_parameter(
    with("Parameters", &json!({"AWS::NoValue": {"Type": "String"}}), &json!("v")),
    "Template format error: Parameter name AWS::NoValue is non alphanumeric.")]
#[case::test_useful_error_when_invalid_ref(
    one(&json!({"Ref": "InvalidRef"})),
    "Template format error: Unresolved resource dependencies [InvalidRef] in the Resources block of the template")]
#[case::test_missing_condition(
    one(&json!({"Fn::If": ["MissingCondition", "a", "b"]})),
    "Template error: unresolved condition dependency MissingCondition in Fn::If")]
#[case::test_linting_error_during_creation(
    json!({"Resources": "", "Outputs": ""}).to_string(),
    "Template format error: Any Resources member must be an object.")]
#[case::test_missing_resources_block(
    "{}".to_owned(),
    "Template format error: At least one Resources member must be defined.")]
#[case::test_resources_blocks(
    json!({"Resources": {"A": {"Type": "AWS::SSM::Parameter", "Invalid": 10}}}).to_string(),
    "Invalid template resource property 'Invalid'")]
#[case::test_error_pass_macro_as_reference(
    with("Transform", &json!([{"Name": {"Ref": "MacroName"}}]), &json!("v")),
    "Key Name of transform definition must be a string.")]
#[case::test_invalid_output_structure_none(
    with("Outputs", &json!({"MyOutput": {"Value": null}}), &json!("v")),
    "[/Outputs/MyOutput/Value] 'null' values are not allowed in templates")]
#[case::test_invalid_output_structure_empty(
    with("Outputs", &json!({"MyOutput": {}}), &json!("v")),
    "Template format error: Every Outputs member must contain a Value object")]
#[case::test_mapping_minimum_nesting_depth(
    with("Mappings", &json!({"M": {"A": "x"}}), &json!("v")),
    "Template format error: Every Mappings member A must be a map")]
#[case::test_mapping_maximum_nesting_depth(
    with("Mappings", &json!({"M": {"A": {"B": {"C": "x"}}}}), &json!("v")),
    "Template format error: Every Mappings attribute must be a String or a List.")]
#[case::test_mapping_with_invalid_refs(
    with("Mappings", &json!({"M": {"A": {"B": {"Ref": "P"}}}}), &json!("v")),
    "Template format error: Every Mappings attribute must be a String or a List.")]
#[case::test_async_mapping_error_first_level(
    with("Mappings", &json!({"SuffixMap": {"A": {"Suffix": "1"}}}),
        &json!({"Fn::FindInMap": ["SuffixMap", {"Ref": "AWS::Region"}, "Suffix"]})),
    "Template error: Unable to get mapping for SuffixMap::eu-west-1::Suffix")]
#[case::test_async_mapping_error_second_level(
    with("Mappings", &json!({"SuffixMap": {"A": {"Suffix": "1"}}}),
        &json!({"Fn::FindInMap": ["SuffixMap", "A", "NotValid"]})),
    "Template error: Unable to get mapping for SuffixMap::A::NotValid")]
#[case::test_invalid_select_index_type(
    one(&json!({"Fn::Select": ["bad", ["test"]]})),
    "Template error: Fn::Select requires a list argument with two elements: an integer index and a list")]
#[case::select_out_of_a_computed_list(
    one(&json!({"Fn::Select": [2, {"Fn::Split": [",", {"Fn::Sub": "a,${AWS::Region}"}]}]})),
    "Template error: Fn::Select requires a list argument with two elements: an integer index and a list")]
#[case::test_validate_split_arguments_len(
    one(&json!({"Fn::Split": {"Ref": "AWS::Region"}})),
    "Template error: every Fn::Split object requires two parameters, (1) a string delimiter and (2) a string to be split or a function that returns a string to be split.")]
#[case::test_validate_equals_args_len(
    with("Conditions", &json!({"C": {"Fn::Equals": ["a"]}}), &json!("v")),
    "Template error: every Fn::Equals object requires a list of 2 string parameters.")]
#[case::getatt_one_argument(
    one(&json!({"Fn::GetAtt": ["Foo"]})),
    "Template error: every Fn::GetAtt object requires two non-empty parameters, the resource name and the resource attribute")]
#[case::an_attribute_that_there_is_not(
    json!({"Resources": {"P": parameter(&json!("v")), "Q": parameter(&json!({"Fn::GetAtt": ["P", "Nope"]}))}})
        .to_string(),
    "Template error: resource P does not support attribute type Nope in Fn::GetAtt")]
#[case::test_depends_on_with_missing_reference(
    json!({"Resources": {"P": {"Type": "AWS::SSM::Parameter", "DependsOn": "NonExistingResource"}}}).to_string(),
    "Template format error: Unresolved resource dependencies [NonExistingResource] in the Resources block of the template")]
#[case::test_dependent_ref(
    json!({
        "Conditions": {"No": {"Fn::Equals": ["a", "b"]}},
        "Resources": {
            "MyTopic": {"Type": "AWS::SSM::Parameter", "Condition": "No",
                        "Properties": {"Type": "String", "Value": "v"}},
            "P": parameter(&json!({"Ref": "MyTopic"})),
        },
    }).to_string(),
    "Template format error: Unresolved resource dependencies [MyTopic] in the Resources block of the template")]
#[case::test_output_reference_to_skipped_resource(
    json!({
        "Conditions": {"No": {"Fn::Equals": ["a", "b"]}},
        "Resources": {
            "MyTopic": {"Type": "AWS::SSM::Parameter", "Condition": "No",
                        "Properties": {"Type": "String", "Value": "v"}},
            "P": parameter(&json!("v")),
        },
        "Outputs": {"O": {"Value": {"Ref": "MyTopic"}}},
    }).to_string(),
    "Unresolved resource dependencies [MyTopic] in the Outputs block of the template")]
#[case::a_resource_that_is_none(
    json!({"Resources": {"A": "x"}}).to_string(),
    "Template format error: [/Resources/A] resource definition is malformed")]
#[case::without_its_transform(
    json!({"Resources": {"A": {"Type": "AWS::Serverless::Function"}}}).to_string(),
    "Template format error: Unrecognized resource types: [AWS::Serverless::Function]")]
#[case::no_such_type(
    json!({"Resources": {"A": {"Type": "AWS::Nope::Thing"}}}).to_string(),
    "Template format error: Unrecognized resource types: [AWS::Nope::Thing]")]
#[case::another_format_version(
    with("AWSTemplateFormatVersion", &json!("2020-09-09"), &json!("v")),
    "Template format error: 2020-09-09 is not a supported value for AWSTemplateFormatVersion")]
#[case::a_parameter_without_its_type(
    with("Parameters", &json!({"X": {"Default": "x"}}), &json!("v")),
    "Template format error: Every Parameters object must contain a Type member.")]
#[case::a_text_of_an_attribute_of_nothing(
    json!({"Resources": {"P": parameter(&json!({"Fn::Sub": "${Nope.Arn}"}))}}).to_string(),
    "Template error: instance of Fn::Sub references invalid resource attribute Nope.Arn")]
#[case::base64_of_a_list(
    json!({"Resources": {"P": parameter(&json!({"Fn::Base64": ["a"]}))}}).to_string(),
    "Template error: every Fn::Base64 object must have a String-typed value.")]
#[case::a_type_that_is_not_built(
    json!({"Resources": {"A": {"Type": "AWS::CloudFormation::Macro"}}}).to_string(),
    "the resource types [AWS::CloudFormation::Macro] are not supported by Ringfence's CloudFormation")]
#[tokio::test]
async fn what_is_wrong_with_a_template_is_told_at_once(
    #[case] template: String,
    #[case] message: &str,
) {
    let world = World::new().await;
    let wanted = (400, "ValidationError".to_owned(), message.to_owned());
    let create = json!({"StackName": "s", "ChangeSetName": "c", "ChangeSetType": "CREATE", "TemplateBody": template});
    assert_eq!(error(world.call("CreateChangeSet", create).await), wanted);
    let create = json!({"StackName": "s", "TemplateBody": template});
    assert_eq!(error(world.call("CreateStack", create).await), wanted);
    // Nothing was made.
    assert_eq!(
        error(world.call("DescribeStacks", json!({"StackName": "s"})).await).2,
        "Stack with id s does not exist"
    );
}

/// A branch that is not taken may refer to what is not there
/// (`test_references_to_disabled_resources`).
#[tokio::test]
async fn a_branch_that_is_not_taken_is_not_evaluated() {
    let world = World::new().await;
    let template = json!({
        "Conditions": {"No": {"Fn::Equals": ["a", "b"]}},
        "Resources": {
            "Off": {"Type": "AWS::SSM::Parameter", "Condition": "No",
                    "Properties": {"Type": "String", "Value": "v"}},
            "P": parameter(&json!({"Fn::If": ["No", {"Ref": "Off"}, "else"]})),
        },
    });
    assert_eq!(world.create("s", &template.to_string()).await.1, "CREATE_COMPLETE");
}

/// `test_list_change_sets`, and the fixture of all tests of updates, which uses
/// one name twice.
#[tokio::test]
async fn the_name_of_an_executed_change_set_is_free() {
    let world = World::new().await;
    let first = world.create_by_change_set("cs", &one(&json!("1")), json!([])).await;
    let listed = world.call("ListChangeSets", json!({"StackName": "s"})).await.unwrap();
    assert_eq!(listed["Summaries"], json!([]));
    let set = world.change_set("cs", json!({"TemplateBody": one(&json!("2"))})).await;
    assert_eq!(set["Status"], "CREATE_COMPLETE");
    assert_ne!(set["ChangeSetId"], first.as_str());
    let again = json!({"StackName": "s", "ChangeSetName": "cs", "TemplateBody": one(&json!("3"))});
    assert_eq!(
        error(world.call("CreateChangeSet", again).await),
        (400, "AlreadyExistsException".into(), "ChangeSet [cs] already exists".into())
    );
}

/// `test_create_changeset_with_stack_id`, `test_create_changeset_for_deleted_stack`,
/// `test_name_conflicts`.
#[tokio::test]
async fn change_sets_are_made_for_a_stack_by_its_arn_while_it_is_reviewed() {
    let world = World::new().await;
    let body = one(&json!("v"));
    let create = json!({"ChangeSetType": "CREATE", "TemplateBody": body});
    let set = world.change_set("a", create.clone()).await;
    let stack = set["StackId"].as_str().unwrap().to_owned();
    let by_arn = |name: &str, kind: &str| json!({"StackName": stack, "ChangeSetName": name, "ChangeSetType": kind, "TemplateBody": body});
    let second = world.call("CreateChangeSet", by_arn("b", "CREATE")).await.unwrap();
    assert_eq!(second["StackId"], stack.as_str());
    world.call("DeleteStack", json!({"StackName": "s"})).await.unwrap();
    assert_eq!(world.rest(&stack).await, "DELETE_COMPLETE");
    assert_eq!(
        error(world.call("CreateChangeSet", by_arn("c", "CREATE")).await),
        (
            400,
            "ValidationError".into(),
            format!(
                "Stack [{stack}] already exists and cannot be created again with the changeSet [c]."
            )
        )
    );
    assert_eq!(
        error(world.call("CreateChangeSet", by_arn("c", "UPDATE")).await).2,
        format!("Stack:{stack} is in DELETE_COMPLETE state and can not be updated.")
    );
    let executed = world.create_by_change_set("cs", &body, json!([])).await;
    world.call("DeleteStack", json!({"StackName": "s"})).await.unwrap();
    let set = world.call("DescribeChangeSet", json!({"ChangeSetName": executed})).await.unwrap();
    assert_eq!(set["ExecutionStatus"], "EXECUTE_COMPLETE");
}

/// `test_stack_description_lifecycle`, `test_multiple_create_changeset`,
/// `test_stack_lifecycle`.
#[tokio::test]
async fn stacks_and_change_sets_have_the_members_that_they_have_on_aws() {
    let world = World::new().await;
    let template = with("Outputs", &json!({"O": {"Value": "x"}}), &json!("v"));
    let set =
        world.change_set("cs", json!({"ChangeSetType": "CREATE", "TemplateBody": template})).await;
    assert_eq!((set.get("Parameters"), set.get("Tags")), (None, None));
    assert_eq!((&set["Capabilities"], &set["NotificationARNs"]), (&json!([]), &json!([])));
    let members = |stack: &Value| {
        let stack = stack["Stacks"][0].as_object().unwrap();
        let mut names: Vec<String> = stack.keys().cloned().collect();
        names.sort();
        names.join(" ")
    };
    let describe = || world.call("DescribeStacks", json!({"StackName": set["StackId"]}));
    let reviewed = describe().await.unwrap();
    assert_eq!(
        members(&reviewed),
        "CreationTime DisableRollback DriftInformation EnableTerminationProtection NotificationARNs RollbackConfiguration StackId StackName StackStatus StackStatusReason Tags"
    );
    world.call("ExecuteChangeSet", json!({"ChangeSetName": set["ChangeSetId"]})).await.unwrap();
    world.rest("s").await;
    let made = describe().await.unwrap();
    assert_eq!(
        members(&made),
        "ChangeSetId CreationTime DisableRollback DriftInformation EnableTerminationProtection LastUpdatedTime NotificationARNs Outputs RollbackConfiguration StackId StackName StackStatus Tags"
    );
    assert_eq!(made["Stacks"][0]["ChangeSetId"], set["ChangeSetId"]);
    assert_eq!(world.update("s", &one(&json!("w"))).await, "UPDATE_COMPLETE");
    assert!(describe().await.unwrap()["Stacks"][0].get("ChangeSetId").is_none());
    assert_eq!(world.update("s", &template).await, "UPDATE_COMPLETE");
    world.call("DeleteStack", json!({"StackName": "s"})).await.unwrap();
    world.rest(set["StackId"].as_str().unwrap()).await;
    let deleted = describe().await.unwrap();
    assert_eq!(
        members(&deleted),
        "Capabilities CreationTime DeletionTime DisableRollback DriftInformation LastUpdatedTime NotificationARNs Outputs RollbackConfiguration StackId StackName StackStatus Tags"
    );
    assert_eq!(deleted["Stacks"][0]["Outputs"], json!([{"OutputKey": "O", "OutputValue": "x"}]));
}

/// `resources/test_logs.py::test_handle_existing_log_group`.
#[tokio::test]
async fn a_creation_that_is_taken_back_has_a_deletion_time() {
    let world = World::new().await;
    world.fake.deny("PutParameter");
    let (id, status) = world.create("s", &one(&json!("v"))).await;
    assert_eq!(status, "ROLLBACK_COMPLETE");
    let stack = world.call("DescribeStacks", json!({"StackName": id})).await.unwrap();
    assert!(stack["Stacks"][0]["DeletionTime"].is_string());
    assert_eq!(stack["Stacks"][0]["EnableTerminationProtection"], false);
}

/// `test_get_template_*`, `test_get_template_summary_*`.
#[tokio::test]
async fn templates_are_looked_at_by_stack_or_by_change_set() {
    let world = World::new().await;
    let refused = |input: Value| world.call("GetTemplate", input);
    assert_eq!(
        error(refused(json!({})).await),
        (
            400,
            "ValidationError".into(),
            "StackName is required if ChangeSetName is not specified.".into()
        )
    );
    assert_eq!(
        error(refused(json!({"ChangeSetName": "does-not-exist"})).await),
        (400, "ValidationError".into(), "StackName is a required parameter.".into())
    );
    let arn = "arn:aws:cloudformation:eu-west-1:000000000000:changeSet/c/d065e78c";
    assert_eq!(
        error(refused(json!({"ChangeSetName": arn})).await),
        (404, "ChangeSetNotFound".into(), format!("ChangeSet [{arn}] does not exist"))
    );
    let body = one(&json!("v"));
    let set =
        world.change_set("cs", json!({"ChangeSetType": "CREATE", "TemplateBody": body})).await;
    let kept = refused(json!({"ChangeSetName": set["ChangeSetId"]})).await.unwrap();
    assert_eq!(kept["TemplateBody"], body);
    assert_eq!(
        error(world.call("GetTemplateSummary", json!({"StackName": "s"})).await).2,
        "GetTemplateSummary cannot be called on REVIEW_IN_PROGRESS stacks."
    );
    let summary = world.call("GetTemplateSummary", json!({"TemplateBody": body})).await.unwrap();
    let identified = json!([
        {"ResourceType": "AWS::SSM::Parameter", "LogicalResourceIds": ["P"], "ResourceIdentifiers": ["Name"]},
    ]);
    assert_eq!(summary["ResourceIdentifierSummaries"], identified);
    assert_eq!(summary["ResourceTypes"], json!(["AWS::SSM::Parameter"]));
    world.call("ExecuteChangeSet", json!({"ChangeSetName": set["ChangeSetId"]})).await.unwrap();
    world.rest("s").await;
    let summary = world.call("GetTemplateSummary", json!({"StackName": "s"})).await.unwrap();
    assert_eq!(summary["Version"], "2010-09-09");
    assert_eq!(summary["ResourceIdentifierSummaries"], identified);
}

/// `test_create_stack_from_s3_template_url`.
#[rstest]
#[case(
    "s3://my-bucket/test/template.yml",
    "S3 error: Domain name specified in my-bucket is not a valid S3 domain"
)]
#[case("https://example.com/template.yml", "TemplateURL must be a supported URL.")]
#[tokio::test]
async fn a_template_lies_in_s3_or_nowhere(#[case] url: &str, #[case] message: &str) {
    let world = World::new().await;
    let create = json!({"StackName": "s", "TemplateURL": url});
    assert_eq!(error(world.call("CreateStack", create).await).2, message);
}

/// `test_update_parameter_default_value`, `per-resource-events`.
#[tokio::test]
async fn events_say_when_they_were_and_leftovers_show_no_properties() {
    let world = World::new().await;
    let named = |name: &str| {
        json!({"Resources": {"P": {"Type": "AWS::SSM::Parameter",
            "Properties": {"Type": "String", "Value": "v", "Name": name}}}})
        .to_string()
    };
    world.create("s", &named("a")).await;
    assert_eq!(world.update("s", &named("b")).await, "UPDATE_COMPLETE");
    let events = world.call("DescribeStackEvents", json!({"StackName": "s"})).await.unwrap();
    let events = events["StackEvents"].as_array().unwrap();
    let of = |status: &str| {
        let found = |e: &&Value| e["LogicalResourceId"] == "P" && e["ResourceStatus"] == status;
        events.iter().find(found).unwrap()
    };
    let made = of("CREATE_COMPLETE");
    assert_eq!(
        made["EventId"],
        format!("P-CREATE_COMPLETE-{}", made["Timestamp"].as_str().unwrap())
    );
    assert_eq!(made["ResourceProperties"], r#"{"Type":"String","Value":"v","Name":"a"}"#);
    let gone = of("DELETE_COMPLETE");
    assert_eq!(gone.get("ResourceProperties"), None);
    assert!(!gone["EventId"].as_str().unwrap().contains("DELETE"));
    let begun = events.iter().rev().find(|e| e["LogicalResourceId"] == "P").unwrap();
    assert_eq!(begun["PhysicalResourceId"], "");
}

/// With a role CloudFormation acts by forward access sessions too.
#[tokio::test]
async fn a_service_role_acts_via_cloudformation() {
    let world = World::new().await;
    let role = "arn:aws:iam::123456789012:role/deploy";
    let create = json!({"StackName": "s", "TemplateBody": one(&json!("v")), "RoleARN": role});
    world.call("CreateStack", create).await.unwrap();
    assert_eq!(world.rest("s").await, "CREATE_COMPLETE");
    assert_eq!(world.fake.calls(), ["AssumeRole", "PutParameter"]);
    assert_eq!(world.fake.called_via(), ["cloudformation.amazonaws.com"]);
}

/// The types of parameters that name things of the account.
#[rstest]
#[case("AWS::SSM::Parameter::Name", "/there", Ok(()))]
#[case("AWS::SSM::Parameter::Name", "/not", Err("/not"))]
#[case("AWS::SSM::Parameter::Value<List<String>>", "/there", Ok(()))]
#[case("AWS::EC2::Subnet::Id", "subnet-1", Err("subnet-1"))]
#[case("List<AWS::EC2::Subnet::Id>", "subnet-1,subnet-2", Err("subnet-1"))]
#[case("List<AWS::EC2::VPC::Id>", "vpc-1", Ok(()))]
#[case("AWS::EC2::KeyPair::KeyName", "k", Ok(()))]
#[case("AWS::Route53::HostedZone::Id", "Z1", Ok(()))]
#[case("AWS::Route53::HostedZone::Id", "Z0", Err("Z0"))]
#[case("AWS::EC2::AvailabilityZone::Name", "eu-west-1z", Err("eu-west-1z"))]
#[case("AWS::EC2::AvailabilityZone::Name", "eu-west-1a", Ok(()))]
#[case("AWS::SSM::Parameter::Value<AWS::EC2::Image::Id>", "/there", Ok(()))]
#[tokio::test]
async fn parameters_may_name_things(
    #[case] kind: &str,
    #[case] value: &str,
    #[case] wanted: Result<(), &str>,
) {
    let world = World::new().await;
    world.fake.parameter("/there", "a,b");
    let template = with("Parameters", &json!({"Thing": {"Type": kind}}), &json!("v"));
    let create = json!({"StackName": "s", "TemplateBody": template,
        "Parameters": [{"ParameterKey": "Thing", "ParameterValue": value}]});
    world.call("CreateStack", create).await.unwrap();
    let status = world.rest("s").await;
    match wanted {
        Ok(()) => assert_eq!(status, "CREATE_COMPLETE", "{:?}", world.events("s").await),
        Err(id) => {
            assert_eq!(status, "ROLLBACK_COMPLETE");
            let reason = format!(
                "s ROLLBACK_IN_PROGRESS Parameter validation failed: parameter value {id} for parameter name Thing does not exist. Rollback requested by user."
            );
            assert!(world.events("s").await.contains(&reason), "{:?}", world.events("s").await);
        }
    }
}

#[rstest]
#[case("AWS::EC2::Nope::Id")]
#[case("List<AWS::EC2::KeyPair::KeyName>")]
#[case("AWS::SSM::Parameter::Value<Number>")]
#[tokio::test]
async fn other_types_of_parameters_there_are_not(#[case] kind: &str) {
    let world = World::new().await;
    let template = with("Parameters", &json!({"Thing": {"Type": kind}}), &json!("v"));
    assert_eq!(
        error(world.call("ValidateTemplate", json!({"TemplateBody": template})).await).2,
        format!("Template format error: Unrecognized parameter type: {kind}")
    );
}

/// `test_deletion_policy_with_retain`, `test_deletion_policy_with_deletion`.
#[rstest]
#[case("prod", "DELETE_SKIPPED")]
#[case("dev", "DELETE_COMPLETE")]
#[tokio::test]
async fn a_deletion_policy_may_be_a_function(#[case] environment: &str, #[case] end: &str) {
    let world = World::new().await;
    let mut resource = parameter(&json!("v"));
    resource["DeletionPolicy"] = json!({"Fn::If": ["Permanent", "Retain", "Delete"]});
    let template = json!({
        "Conditions": {"Permanent": {"Fn::Equals": [environment, "prod"]}},
        "Resources": {"P": resource},
    });
    let (id, status) = world.create("s", &template.to_string()).await;
    assert_eq!(status, "CREATE_COMPLETE");
    world.call("DeleteStack", json!({"StackName": "s"})).await.unwrap();
    assert_eq!(world.rest(&id).await, "DELETE_COMPLETE");
    let events = world.events(&id).await;
    assert!(events.contains(&format!("P {end}")), "{events:?}");
}

/// `test_update_replace_policy_retain`, and its twin that goes.
#[rstest]
#[case("Retain", &["P UPDATE_COMPLETE", "P DELETE_SKIPPED"], false)]
#[case("Delete", &["P UPDATE_COMPLETE", "P DELETE_IN_PROGRESS", "P DELETE_COMPLETE"], true)]
#[tokio::test]
async fn a_replaced_resource_is_kept_by_its_policy_and_said_to_be(
    #[case] policy: &str,
    #[case] ends: &[&str],
    #[case] goes: bool,
) {
    let world = World::new().await;
    let named = |name: &str| {
        let mut resource = parameter(&json!("v"));
        resource["UpdateReplacePolicy"] = json!(policy);
        resource["Properties"]["Name"] = json!(name);
        json!({"Resources": {"P": resource}}).to_string()
    };
    world.create("s", &named("first")).await;
    world.fake.calls();
    assert_eq!(world.update("s", &named("second")).await, "UPDATE_COMPLETE");
    let events = world.events("s").await;
    let updated = events.iter().rposition(|event| event == "P UPDATE_COMPLETE").unwrap();
    let of_p: Vec<&String> =
        events.get(updated..).unwrap().iter().filter(|event| event.starts_with("P ")).collect();
    assert_eq!(of_p, ends);
    let deleted = world.fake.calls().iter().any(|call| call == "DeleteParameter");
    assert_eq!(deleted, goes);
}

/// A refused tagging is told as such where the tags are the stack's.
#[rstest]
#[case(
    "",
    "Resource handler returned message: \"Encountered a permissions error performing a tagging operation, please add required tag permissions. See https://repost.aws/knowledge-center/cloudformation-tagging-permission-error for how to resolve. Resource handler returned message: \"User: arn:aws:iam::123456789012:user/dev is not authorized to perform: logs:TagResource on resource: X because no identity-based policy allows the logs:TagResource action (Service: CloudWatchLogs, Status Code: 400, Request ID: REQ) (SDK Attempt Count: 1)\"\" (RequestToken: T, HandlerErrorCode: UnauthorizedTaggingOperation)"
)]
#[case(
    ", Tags: [{Key: own, Value: v}]",
    "Resource handler returned message: \"User: arn:aws:iam::123456789012:user/dev is not authorized to perform: logs:TagResource on resource: X because no identity-based policy allows the logs:TagResource action (Service: CloudWatchLogs, Status Code: 400, Request ID: REQ) (SDK Attempt Count: 1)\" (RequestToken: T, HandlerErrorCode: AccessDenied)"
)]
#[tokio::test]
async fn the_stack_s_tags_need_permissions_of_their_own(#[case] own: &str, #[case] reason: &str) {
    let world = World::new().await;
    let template = format!(
        "Resources: {{Group: {{Type: AWS::Logs::LogGroup, Properties: {{LogGroupName: /a{own}}}}}}}"
    );
    world.create("s", &template).await;
    world.fake.deny("TagResource");
    let update = json!({"StackName": "s", "UsePreviousTemplate": true,
        "Tags": [{"Key": "team", "Value": "a"}]});
    world.call("UpdateStack", update).await.unwrap();
    world.rest("s").await;
    let events = world.events("s").await;
    assert!(events.contains(&format!("Group UPDATE_FAILED {reason}")), "{events:#?}");
}
