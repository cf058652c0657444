//! What AWS's translator of SAM templates refuses is refused in its words, and the same
//! template without the mistake is expanded.

use ringfence::stack::Stack;
use ringfence_wire::Service;
use serde_json::{Value, json};

use crate::stack::with_empty_account;

const FUNCTION: &str = "Type: AWS::Serverless::Function, Properties: {Runtime: python3.12, \
                        Handler: index.handler, InlineCode: 'x = 1'";
const SPECIFICATION: &str = "Transform AWS::Serverless-2016-10-31 failed with: Invalid Serverless \
                             Application Specification document. Number of errors found: 1. ";

/// A resource, its mistake, what that is mended to, and what AWS's translator says.
const CASES: [(&str, &str, &str, &str); 9] = [
    (
        "F: {FUNCTION, Nope: 1}}",
        ", Nope: 1",
        "",
        "Resource with id [F] is invalid. property Nope not defined for resource of type \
         AWS::Serverless::Function",
    ),
    (
        "F: {FUNCTION}}",
        ", Handler: index.handler",
        ", Handler: index.handler",
        "Resource with id [F] is invalid. Runtime and Handler needs to be present when \
         PackageType is of type `Zip`",
    ),
    (
        "F: {FUNCTION, Events: {E: {Type: Api, Properties: {Path: /, Method: get, \
         RestApiId: {Ref: Nope}}}}}}",
        ", RestApiId: {Ref: Nope}",
        "",
        "Resource with id [F] is invalid. Event with id [E] is invalid. RestApiId must be a valid \
         reference to an 'AWS::Serverless::Api' resource in same template.",
    ),
    (
        "F: {FUNCTION, Events: {A: {Type: Api, Properties: {Path: /, Method: get}}, \
         B: {Type: Api, Properties: {Path: /, Method: GET}}}}}",
        "Method: GET",
        "Method: put",
        "Resource with id [F] is invalid. Event with id [B] is invalid. API method \"get\" defined \
         multiple times for path \"/\".",
    ),
    (
        "A: {Type: AWS::Serverless::HttpApi, Properties: {Auth: {DefaultAuthorizer: Nope}}}",
        "{Auth: {DefaultAuthorizer: Nope}}",
        "{}",
        "Resource with id [A] is invalid. Unable to set DefaultAuthorizer because 'Nope' was not \
         defined in 'Authorizers'.",
    ),
    (
        "A: {Type: AWS::Serverless::Api, Properties: {StageName: s, Auth: on}}",
        ", Auth: on",
        "",
        "Resource with id [A] is invalid. Property 'Auth' should be a map.",
    ),
    (
        "F: {FUNCTION, Policies: [{DynamoDBCrudPolicy: {}}]}}",
        "DynamoDBCrudPolicy: {}",
        "DynamoDBCrudPolicy: {TableName: t}",
        "Resource with id [F] is invalid. Following required parameters of template \
         'DynamoDBCrudPolicy' don't have values: ['TableName']",
    ),
    (
        "F: {FUNCTION, DeadLetterQueue: {Type: SNS}}}",
        "{Type: SNS}",
        "{Type: SNS, TargetArn: 'arn:aws:sns:us-east-1:123456789012:t'}",
        "Resource with id [F] is invalid. 'DeadLetterQueue' requires Type and TargetArn \
         properties to be specified.",
    ),
    // AWS's repository of applications is not asked: none can be read.
    (
        "A: {Type: AWS::Serverless::Application, Properties: {Location: {ApplicationId: nope, \
         SemanticVersion: 1.0.0}}}",
        "{ApplicationId: nope, SemanticVersion: 1.0.0}",
        "'https://bucket.s3.amazonaws.com/template.yaml'",
        "Resource with id [A] is invalid. Cannot access application: nope.",
    ),
];

async fn change_set(stack: &Stack, name: &str, resources: &str) -> (String, String) {
    let root = stack.root();
    let cloudformation = Service::of("cloudformation").unwrap();
    let call = async |operation: &str, input: Value| {
        stack.client().call(&root, cloudformation, operation, input).await.result.unwrap()
    };
    let template = format!("Transform: AWS::Serverless-2016-10-31\nResources: {{{resources}}}\n");
    let input = json!({
        "StackName": name, "ChangeSetName": "c", "ChangeSetType": "CREATE",
        "TemplateBody": template.replace("FUNCTION", FUNCTION),
        "Capabilities": ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
    });
    let id = call("CreateChangeSet", input).await["Id"].clone();
    for _ in 0..600 {
        let shown = call("DescribeChangeSet", json!({"ChangeSetName": id})).await;
        let text = |member: &str| shown[member].as_str().unwrap_or_default().to_owned();
        if ["CREATE_COMPLETE", "FAILED"].contains(&&*text("Status")) {
            return (text("Status"), text("StatusReason"));
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("the change set of `{name}` does not end")
}

#[test]
fn what_aws_translator_refuses_is_refused_in_its_words() {
    with_empty_account(async |stack| {
        for (number, (resources, mistake, mended, told)) in CASES.into_iter().enumerate() {
            let resources = resources.replace("FUNCTION", FUNCTION);
            let (wrong, right) = match mistake == mended {
                // The mistake is that something is missing.
                true => (resources.replacen(mistake, "", 1), resources),
                false => (resources.clone(), resources.replacen(mistake, mended, 1)),
            };
            assert_ne!(wrong, right);
            let refused = change_set(stack, &format!("wrong{number}"), &wrong).await;
            assert_eq!(refused, ("FAILED".to_owned(), format!("{SPECIFICATION}{told}")));
            let made = change_set(stack, &format!("right{number}"), &right).await;
            assert_eq!(made, ("CREATE_COMPLETE".to_owned(), String::new()), "{right}");
        }
    });
}
