//! A stack with every resource type, from creation to deletion, over the whole
//! road: each of its calls is a request to the guard.

use std::time::Duration;

use ringfence::config::IssuerKind;
use ringfence::stack::Stack;
use ringfence_wire::{Service, ServiceError};
use serde_json::{Value, json};

use crate::stack::with_empty_account;

const NAME: &str = "proofs-every-type";
const TYPES: [&str; 20] = [
    "AWS::ApiGatewayV2::Api",
    "AWS::ApiGatewayV2::Authorizer",
    "AWS::ApiGatewayV2::Deployment",
    "AWS::ApiGatewayV2::Integration",
    "AWS::ApiGatewayV2::Route",
    "AWS::ApiGatewayV2::Stage",
    TABLE,
    "AWS::EC2::SecurityGroup",
    "AWS::IAM::ManagedPolicy",
    "AWS::IAM::Policy",
    "AWS::IAM::Role",
    "AWS::Lambda::Alias",
    "AWS::Lambda::Function",
    "AWS::Lambda::Permission",
    "AWS::Lambda::Url",
    "AWS::Lambda::Version",
    "AWS::Logs::LogGroup",
    "AWS::S3::Bucket",
    "AWS::S3::BucketPolicy",
    "AWS::SSM::Parameter",
];

async fn ask(
    stack: &Stack,
    service: Service,
    operation: &str,
    input: Value,
) -> Result<Value, ServiceError> {
    stack.client().call(&stack.root(), service, operation, input).await.result
}

async fn cloudformation(stack: &Stack, operation: &str, more: Value) -> Value {
    try_cloudformation(stack, operation, more).await.unwrap()
}

async fn try_cloudformation(
    stack: &Stack,
    operation: &str,
    more: Value,
) -> Result<Value, ServiceError> {
    let mut input = json!({"StackName": NAME});
    for (member, value) in more.as_object().unwrap() {
        input[member] = value.clone();
    }
    ask(stack, Service::CloudFormation, operation, input).await
}

const TABLE: &str = "AWS::DynamoDB::Table";

/// Whether the upstream has tables: LocalStack's image has none where it was
/// built from packages, for its DynamoDB is a program of AWS's that it fetches.
pub(crate) async fn has_tables(stack: &Stack) -> bool {
    let listed = ask(stack, Service::DynamoDb, "ListTables", json!({})).await;
    let backend = stack.emulator().identity().backend;
    assert!(listed.is_ok() || backend == "localstack", "{listed:?}");
    listed.is_ok()
}

/// The template for this account: its VPC and its issuer.
async fn template(stack: &Stack, tables: bool) -> String {
    let vpc = ask(stack, Service::Ec2, "CreateVpc", json!({"CidrBlock": "10.9.0.0/16"}));
    let vpc = vpc.await.unwrap();
    let id = vpc.pointer("/vpc/vpcId").or_else(|| vpc.pointer("/Vpc/VpcId")).unwrap();
    include_str!("cloudformation/every-type.yaml")
        .replace("HAS_TABLES", &tables.to_string())
        .replace("VPC_ID", id.as_str().unwrap())
        .replace("ISSUER", &stack.issuer(IssuerKind::Okta).unwrap().url)
}

/// Waits until the stack rests; its status, and what failed.
async fn rests(stack: &Stack) -> (String, Vec<String>) {
    for _ in 0..1_200 {
        let answer = cloudformation(stack, "DescribeStacks", json!({})).await;
        let status = answer["Stacks"][0]["StackStatus"].as_str().unwrap().to_owned();
        if status.ends_with("_IN_PROGRESS") && status != "REVIEW_IN_PROGRESS" {
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        }
        let answer = cloudformation(stack, "DescribeStackEvents", json!({})).await;
        let events = answer["StackEvents"].as_array().unwrap().iter();
        let failed = events
            .filter(|event| event["ResourceStatus"].as_str().unwrap().ends_with("_FAILED"))
            .map(|event| {
                format!("{}: {}", event["LogicalResourceId"], event["ResourceStatusReason"])
            })
            .collect();
        return (status, failed);
    }
    panic!("the stack never rests");
}

async fn outputs(stack: &Stack) -> impl Fn(&str) -> String {
    let answer = cloudformation(stack, "DescribeStacks", json!({})).await;
    let outputs = answer["Stacks"][0]["Outputs"].as_array().unwrap().clone();
    move |key: &str| {
        let output = outputs.iter().find(|output| output["OutputKey"] == key).unwrap();
        output["OutputValue"].as_str().unwrap().to_owned()
    }
}

async fn parameter(stack: &Stack, name: &str) -> Result<String, String> {
    let answer = ask(stack, Service::Ssm, "GetParameter", json!({"Name": name})).await;
    answer
        .map(|answer| answer["Parameter"]["Value"].as_str().unwrap().to_owned())
        .map_err(|error| error.code.into_owned())
}

async fn retention(stack: &Stack) -> Vec<Value> {
    let input = json!({"logGroupNamePrefix": "/proofs/group"});
    let answer = ask(stack, Service::Logs, "DescribeLogGroups", input).await.unwrap();
    let groups = answer["logGroups"].as_array().cloned().unwrap_or_default();
    groups.iter().map(|group| group["retentionInDays"].clone()).collect()
}

#[test]
fn a_stack_of_every_type_is_made_changed_rolled_back_and_removed() {
    with_empty_account(async |stack| {
        let published = json!({"Name": "/proofs/published", "Type": "String", "Value": "told"});
        ask(stack, Service::Ssm, "PutParameter", published).await.unwrap();
        let tables = has_tables(stack).await;
        let template = template(stack, tables).await;
        let body = json!({"TemplateBody": template, "Capabilities": ["CAPABILITY_IAM"]});

        let error =
            try_cloudformation(stack, "CreateStack", json!({"TemplateBody": template})).await;
        let error = error.unwrap_err();
        assert_eq!((&*error.code, error.status), ("InsufficientCapabilitiesException", 400));
        cloudformation(stack, "CreateStack", body.clone()).await;
        assert_eq!(rests(stack).await, ("CREATE_COMPLETE".to_owned(), Vec::new()));
        made(stack, tables).await;

        let error = try_cloudformation(stack, "UpdateStack", body.clone()).await.unwrap_err();
        assert_eq!(error.message, "No updates are to be performed.");
        changed(stack, &template).await;
        rolled_back(stack, &template).await;
        removed(stack, tables).await;
    });
}

async fn made(stack: &Stack, tables: bool) {
    let answer = cloudformation(stack, "ListStackResources", json!({})).await;
    let resources = answer["StackResourceSummaries"].as_array().unwrap();
    let mut types: Vec<&str> = Vec::new();
    for resource in resources {
        assert_eq!(resource["ResourceStatus"], "CREATE_COMPLETE", "{resource}");
        types.push(resource["ResourceType"].as_str().unwrap());
    }
    for wanted in TYPES.into_iter().filter(|wanted| tables || *wanted != TABLE) {
        assert!(types.contains(&wanted), "no {wanted}");
    }
    assert_eq!(
        parameter(stack, "/proofs/made").await.unwrap(),
        "told and told of proofs-every-type, kept 7 days"
    );
    let output = outputs(stack).await;
    assert_eq!(output("Kept"), "short");
    assert_eq!(retention(stack).await, [json!(7)]);

    // CloudFormation's own tags, which nobody else may give.
    let api = ask(stack, Service::ApiGatewayV2, "GetApi", json!({"ApiId": output("Api")})).await;
    let tags = api.unwrap()["tags"].clone();
    assert_eq!(tags["team"], "a");
    assert_eq!(tags["aws:cloudformation:stack-name"], NAME);
    assert_eq!(tags["aws:cloudformation:logical-id"], "Api");

    let open = stack.api_request(&output("Api"), "GET", "/open", None).await.unwrap();
    assert_eq!((open.status, open.body.as_str()), (200, "made"));
    let closed = stack.api_request(&output("Api"), "GET", "/closed", None).await.unwrap();
    assert_eq!(closed.status, 401);
}

async fn changed(stack: &Stack, template: &str) {
    let set = json!({
        "ChangeSetName": "longer",
        "TemplateBody": template,
        "Capabilities": ["CAPABILITY_IAM"],
        "Parameters": [{"ParameterKey": "Retention", "ParameterValue": "14"}],
    });
    cloudformation(stack, "CreateChangeSet", set).await;
    let mut set = Value::Null;
    for _ in 0..600 {
        set = cloudformation(stack, "DescribeChangeSet", json!({"ChangeSetName": "longer"})).await;
        if set["Status"] == "CREATE_COMPLETE" {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(set["ExecutionStatus"], "AVAILABLE", "{set}");
    let mut changes: Vec<(&str, &str)> = set["Changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|change| {
            let change = &change["ResourceChange"];
            (change["Action"].as_str().unwrap(), change["LogicalResourceId"].as_str().unwrap())
        })
        .collect();
    changes.sort_unstable();
    assert_eq!(changes, [("Add", "OnlyLong"), ("Modify", "Group"), ("Modify", "Parameter")]);
    cloudformation(stack, "ExecuteChangeSet", json!({"ChangeSetName": "longer"})).await;
    assert_eq!(rests(stack).await, ("UPDATE_COMPLETE".to_owned(), Vec::new()));
    assert_eq!(outputs(stack).await("Kept"), "long");
    assert_eq!(retention(stack).await, [json!(14)]);
    assert_eq!(parameter(stack, "/proofs/long").await.unwrap(), "long");
}

/// A second route of the same key fails after the group was changed.
async fn rolled_back(stack: &Stack, template: &str) {
    let twice = "  Twice:\n    Type: AWS::ApiGatewayV2::Route\n    DependsOn: Group\n    \
                 Properties: {ApiId: !Ref Api, RouteKey: GET /open}\nOutputs:\n";
    let update = json!({
        "TemplateBody": template.replace("Outputs:\n", twice),
        "Capabilities": ["CAPABILITY_IAM"],
        "Parameters": [{"ParameterKey": "Retention", "ParameterValue": "30"}],
    });
    cloudformation(stack, "UpdateStack", update).await;
    let (status, failed) = rests(stack).await;
    assert_eq!(status, "UPDATE_ROLLBACK_COMPLETE", "{failed:#?}");
    let told = failed.iter().find(|told| told.starts_with("\"Twice\"")).unwrap();
    assert!(told.contains("Route with key GET /open already exists for this API"), "{told}");
    assert_eq!(retention(stack).await, [json!(14)]);
    assert_eq!(outputs(stack).await("Kept"), "long");
}

async fn removed(stack: &Stack, tables: bool) {
    let output = outputs(stack).await;
    cloudformation(stack, "DeleteStack", json!({})).await;
    let mut told = None;
    for _ in 0..600 {
        match try_cloudformation(stack, "DescribeStacks", json!({})).await {
            Err(error) => {
                told = Some(error.message);
                break;
            }
            Ok(answer) => {
                assert_eq!(answer["Stacks"][0]["StackStatus"], "DELETE_IN_PROGRESS", "{answer}");
            }
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(told.unwrap(), format!("Stack with id {NAME} does not exist"));
    for (service, operation, input, code) in [
        (Service::ApiGatewayV2, "GetApi", json!({"ApiId": output("Api")}), "NotFoundException"),
        (
            Service::Lambda,
            "GetFunction",
            json!({"FunctionName": output("Function")}),
            "ResourceNotFoundException",
        ),
        (Service::Iam, "GetRole", json!({"RoleName": output("Role")}), "NoSuchEntity"),
        (Service::S3, "GetBucketVersioning", json!({"Bucket": output("Bucket")}), "NoSuchBucket"),
        (
            Service::Ec2,
            "DescribeSecurityGroups",
            json!({"GroupId": [output("Wall")]}),
            "InvalidGroup.NotFound",
        ),
    ] {
        let error = ask(stack, service, operation, input).await.unwrap_err();
        assert_eq!(error.code, code, "{operation}");
    }
    for name in ["/proofs/made", "/proofs/long"] {
        assert_eq!(parameter(stack, name).await.unwrap_err(), "ParameterNotFound");
    }
    assert_eq!(retention(stack).await, Vec::<Value>::new());
    if tables {
        let left = ask(stack, Service::DynamoDb, "ListTables", json!({})).await.unwrap();
        assert_eq!(left["TableNames"], json!([]));
    }
}
