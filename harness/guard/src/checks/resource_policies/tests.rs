//! Each service with a policy that it refuses, and the same without the fault.

use ringfence_wire::{Call, Operation, Service, ServiceError};
use rstest::rstest;
use serde_json::{Value, json};

use super::check;

const ACCOUNT: &str = "123456789012";
const ALICE: &str = "arn:aws:iam::123456789012:user/alice";

fn call(service: &str, operation: &str, input: Value) -> Call {
    let service = Service::of(service).unwrap();
    Call {
        operation: Operation::find(service, operation).unwrap(),
        region: "eu-west-1".into(),
        input: input.as_object().cloned().unwrap(),
        payload: None,
    }
}

/// A call that stores a document for a resource of each service.
fn storing(service: &str, text: &str) -> Call {
    let (operation, input) = match service {
        "sqs" => ("SetQueueAttributes", json!({"QueueUrl": "q", "Attributes": {"Policy": text}})),
        "sqs new" => ("CreateQueue", json!({"QueueName": "q", "Attributes": {"Policy": text}})),
        "sns" => (
            "SetTopicAttributes",
            json!({"TopicArn": "arn:aws:sns:eu-west-1:123456789012:t",
                "AttributeName": "Policy", "AttributeValue": text}),
        ),
        "sns new" => ("CreateTopic", json!({"Name": "t", "Attributes": {"Policy": text}})),
        "kms" => ("PutKeyPolicy", json!({"KeyId": "k", "Policy": text})),
        "kms new" => ("CreateKey", json!({"Policy": text})),
        "ecr" => ("SetRepositoryPolicy", json!({"repositoryName": "r", "policyText": text})),
        "ecr registry" => ("PutRegistryPolicy", json!({"policyText": text})),
        "events" => ("PutPermission", json!({"EventBusName": "orders", "Policy": text})),
        "dynamodb" => (
            "PutResourcePolicy",
            json!({"ResourceArn": "arn:aws:dynamodb:eu-west-1:123456789012:table/t", "Policy": text}),
        ),
        "dynamodb stream" => (
            "PutResourcePolicy",
            json!({"ResourceArn": "arn:aws:dynamodb:eu-west-1:123456789012:table/t/stream/1",
                "Policy": text}),
        ),
        "dynamodb new" => ("CreateTable", json!({"TableName": "t", "ResourcePolicy": text})),
        "apigateway" => (
            "UpdateRestApi",
            json!({"restApiId": "a", "patchOperations":
                [{"op": "replace", "path": "/policy", "value": text}]}),
        ),
        "apigateway new" => ("CreateRestApi", json!({"name": "a", "policy": text})),
        "secretsmanager" => ("PutResourcePolicy", json!({"SecretId": "s", "ResourcePolicy": text})),
        "logs" => ("PutResourcePolicy", json!({"policyName": "p", "policyDocument": text})),
        "logs destination" => {
            ("PutDestinationPolicy", json!({"destinationName": "d", "accessPolicy": text}))
        }
        "kinesis" => ("PutResourcePolicy", json!({"ResourceARN": "a", "Policy": text})),
        "efs" => ("PutFileSystemPolicy", json!({"FileSystemId": "fs-1", "Policy": text})),
        "glue" => ("PutResourcePolicy", json!({"PolicyInJson": text})),
        "backup" => ("PutBackupVaultAccessPolicy", json!({"BackupVaultName": "v", "Policy": text})),
        other => panic!("{other}"),
    };
    call(service.split(' ').next().unwrap(), operation, input)
}

fn told(error: ServiceError) -> (u16, String, String) {
    (error.status, error.code.into_owned(), error.message)
}

/// A statement that the service takes, changed by the members given: null takes
/// one away.
fn document(service: &str, changes: Value) -> String {
    let (action, resource) = match service {
        "sqs" | "sqs new" => ("sqs:SendMessage", "arn:aws:sqs:eu-west-1:123456789012:q"),
        "sns" | "sns new" => ("SNS:Publish", "arn:aws:sns:eu-west-1:123456789012:t"),
        "kms" | "kms new" => ("kms:*", "*"),
        "ecr" => ("ecr:BatchGetImage", ""),
        "ecr registry" => ("ecr:ReplicateImage", "arn:aws:ecr:eu-west-1:123456789012:repository/*"),
        "events" => ("events:PutEvents", "arn:aws:events:eu-west-1:123456789012:event-bus/orders"),
        "dynamodb stream" => {
            ("dynamodb:GetRecords", "arn:aws:dynamodb:eu-west-1:123456789012:table/t/stream/1")
        }
        "dynamodb" | "dynamodb new" => {
            ("dynamodb:GetItem", "arn:aws:dynamodb:eu-west-1:123456789012:table/t")
        }
        "apigateway" | "apigateway new" => ("execute-api:Invoke", "execute-api:/*"),
        "secretsmanager" => ("secretsmanager:GetSecretValue", "*"),
        "logs" => ("logs:PutLogEvents", "*"),
        "logs destination" => {
            ("logs:PutSubscriptionFilter", "arn:aws:logs:eu-west-1:123456789012:destination:d")
        }
        "kinesis" => ("kinesis:PutRecord", "arn:aws:kinesis:eu-west-1:123456789012:stream/s"),
        "efs" => ("elasticfilesystem:ClientMount", "*"),
        "glue" => ("glue:GetTable", "arn:aws:glue:eu-west-1:123456789012:catalog"),
        "backup" => ("backup:CopyIntoBackupVault", "*"),
        other => panic!("{other}"),
    };
    let mut statement = json!({"Effect": "Allow", "Action": action, "Resource": resource,
        "Principal": {"AWS": "123456789012"}});
    let members = statement.as_object_mut().unwrap();
    if resource.is_empty() {
        members.remove("Resource");
    }
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => drop(members.remove(name)),
            _ => drop(members.insert(name.clone(), value.clone())),
        }
    }
    json!({"Version": "2012-10-17", "Statement": [statement]}).to_string()
}

const SQS: (&str, &str) = ("InvalidAttributeValue", "Invalid value for the parameter Policy.");
const NULL: (&str, &str) = ("InvalidParameter", "Invalid parameter: Policy Error: null");
const NOT_FOUND: (&str, &str) =
    ("InvalidParameter", "Invalid parameter: Policy Error: PrincipalNotFound");
const SCOPE: (&str, &str) =
    ("InvalidParameter", "Invalid parameter: Policy statement action out of service scope!");
const KMS: (&str, &str) = (
    "MalformedPolicyDocumentException",
    "Policy contains a statement with one or more invalid principals.",
);
const ECR: (&str, &str) = (
    "InvalidParameterException",
    "Invalid parameter at 'PolicyText' failed to satisfy constraint: 'Invalid repository policy \
     provided'",
);
const API: (&str, &str) = (
    "BadRequestException",
    "Invalid policy document. Please check the policy syntax and ensure that Principals are valid.",
);
const SYNTAX: (&str, &str) =
    ("MalformedPolicyDocumentException", "This resource policy contains a syntax error.");
const PRINCIPAL: (&str, &str) =
    ("MalformedPolicyDocumentException", "This resource policy contains an unsupported principal.");
const SERVICE: (&str, &str) = (
    "MalformedPolicyDocumentException",
    "This resource policy contains an invalid service principal.",
);
const LOGS: (&str, &str) =
    ("InvalidParameterException", "Could not convert to persistable policy.");

#[rstest]
#[case::sqs("sqs")]
#[case::sqs_new("sqs new")]
#[case::sns("sns")]
#[case::sns_new("sns new")]
#[case::kms("kms")]
#[case::kms_new("kms new")]
#[case::ecr("ecr")]
#[case::registry("ecr registry")]
#[case::events("events")]
#[case::dynamodb("dynamodb")]
#[case::stream("dynamodb stream")]
#[case::dynamodb_new("dynamodb new")]
#[case::api("apigateway")]
#[case::api_new("apigateway new")]
#[case::secret("secretsmanager")]
#[case::logs("logs")]
#[case::destination("logs destination")]
#[case::kinesis("kinesis")]
#[case::efs("efs")]
#[case::glue("glue")]
#[case::backup("backup")]
fn a_policy_is_taken_and_none_is_not(#[case] service: &str) {
    let taken = document(service, json!({}));
    assert_eq!(check(&storing(service, &taken), ACCOUNT), Ok(()), "{taken}");
    for none in ["{}", "{", "[]", "null", "\"*\"", r#"{"Version":"2012-10-17","Statement":[]}"#] {
        let refused = check(&storing(service, none), ACCOUNT);
        assert_eq!(refused.map_err(|error| error.status), Err(400), "{none}");
    }
    // Each fault alone.
    for fault in [
        json!({"Effect": "Maybe"}),
        json!({"Effect": null}),
        json!({"Principal": null}),
        json!({"Principal": {"AWS": "alice"}}),
        json!({"Principal": {"AWS": []}}),
        json!({"Principal": {"AWS": "arn:aws:iam::1234:root"}}),
        json!({"Principal": {"Service": "*"}}),
        json!({"Principal": {"Service": "lambda"}}),
        json!({"Principle": {"AWS": "*"}}),
        json!({"Condition": {"StringEqual": {"aws:SourceAccount": "123456789012"}}}),
    ] {
        let text = document(service, fault);
        assert!(check(&storing(service, &text), ACCOUNT).is_err(), "{text}");
    }
    // And two that the service does not look at, or does.
    let foreign = document(service, json!({"Action": "s3:GetObject"}));
    let is_taken = check(&storing(service, &foreign), ACCOUNT).is_ok();
    assert_eq!(is_taken, service.starts_with("kms"), "{foreign}");
    let without = document(service, json!({"Resource": null}));
    let is_taken = check(&storing(service, &without), ACCOUNT).is_ok();
    assert_eq!(is_taken, service.starts_with("kms") || service == "ecr", "{without}");
}

#[rstest]
// LocalStack's test_set_queue_policy, recorded on AWS.
#[case::any_text("sqs", json!({"Resource": "'$sqs_queue_arn'"}), None)]
#[case::all("sqs", json!({"Action": "SQS:*"}), None)]
#[case::nobody("sqs", json!({"Principal": null}), Some(SQS))]
#[case::batch("sqs", json!({"Action": ["sqs:SendMessage", "sqs:ChangeMessageVisibilityBatch"]}),
    Some(("InvalidParameterValue", "Value sqs:ChangeMessageVisibilityBatch for parameter \
        ActionName is invalid. Reason: Please refer to the appropriate WSDL for a list of valid \
        actions.")))]
#[case::topics("sqs", json!({"Action": "sns:Publish"}),
    Some(("InvalidParameterValue", "Value sns:Publish for parameter ActionName is invalid. \
        Reason: Please refer to the appropriate WSDL for a list of valid actions.")))]
#[case::all("sns", json!({"Action": "sns:*"}), Some(SCOPE))]
#[case::everything("sns", json!({"Action": "*"}), Some(SCOPE))]
#[case::of_the_account("sns", json!({"Action": "sns:CreateTopic"}), Some(SCOPE))]
#[case::queues("sns", json!({"Action": ["sns:Publish", "sqs:SendMessage"]}), Some(SCOPE))]
#[case::of_the_topic("sns", json!({"Action": ["sns:Get*", "SNS:Receive"]}), None)]
#[case::anything("sns", json!({"Resource": "*"}), None)]
#[case::another("sns", json!({"Resource": "arn:aws:sns:eu-west-1:123456789012:u"}), Some(NULL))]
#[case::nobody("sns", json!({"Principal": null}), Some(NULL))]
#[case::a_service("sns", json!({"Principal": {"Service": "polly"}}), Some(NULL))]
#[case::no_account("sns", json!({"Principal": {"AWS": "arn:aws:iam::123:root"}}), Some(NOT_FOUND))]
#[case::a_word("sns", json!({"Principal": {"AWS": "_"}}), Some(NOT_FOUND))]
#[case::everybody("kms", json!({"Principal": "*"}), None)]
#[case::no_action("kms", json!({"Action": null}), None)]
#[case::a_group("kms", json!({"Principal": {"AWS": "arn:aws:iam::123456789012:group/g"}}), Some(KMS))]
#[case::a_resource("ecr", json!({"Resource": "*"}), Some(ECR))]
#[case::all("ecr", json!({"Action": "ecr:*"}), None)]
#[case::another_bus("events", json!({"Resource": "arn:aws:events:eu-west-1:123456789012:event-bus/x"}),
    Some(("ValidationException", "The relative-id \"event-bus/x\" is invalid for ARN \
        \"arn:aws:events:eu-west-1:123456789012:event-bus/x\"")))]
#[case::own_rules("events", json!({"Action": "events:PutRule",
    "Resource": "arn:aws:events:eu-west-1:123456789012:rule/orders/r"}), None)]
// LocalStack's test_put_permission, recorded on AWS.
#[case::listing("events", json!({"Principal": {"Service": "events.amazonaws.com"},
    "Action": "events:ListRules", "Resource": "*"}), None)]
#[case::of_a_stream("dynamodb",
    json!({"Action": ["dynamodb:GetItem", "dynamodb:GetRecords", "dynamodb:DescribeStream"]}),
    Some(("ValidationException", "One or more parameter values were invalid: Invalid policy \
        document: The following action names are invalid: \"dynamodb:GetRecords\", \
        \"dynamodb:DescribeStream\"")))]
#[case::of_a_table("dynamodb stream", json!({"Action": "dynamodb:GetItem"}),
    Some(("ValidationException", "One or more parameter values were invalid: Invalid policy \
        document: The following action names are invalid: \"dynamodb:GetItem\"")))]
#[case::another_table("dynamodb",
    json!({"Resource": "arn:aws:dynamodb:eu-west-1:123456789012:table/u"}), None)]
#[case::no_resource("dynamodb", json!({"Resource": null}),
    Some(("ValidationException", "One or more parameter values were invalid: Invalid policy \
        document: Missing required field Resource")))]
#[case::nobody("apigateway", json!({"Principal": {"AWS": "nobody"}}), Some(API))]
#[case::an_effect("kinesis", json!({"Effect": "allowed"}),
    Some(("InvalidArgumentException", "Invalid effect: allowed")))]
#[case::nobody("efs", json!({"Principal": null}),
    Some(("InvalidPolicyException", "Missing required field Principal")))]
#[case::a_user("secretsmanager", json!({"Principal": {"AWS": ALICE}}), None)]
#[case::an_account("secretsmanager", json!({"Principal": {"AWS": ["123456789012"]}}), None)]
#[case::a_session("secretsmanager",
    json!({"Principal": {"AWS": "arn:aws:sts::123456789012:assumed-role/app/s"}}), None)]
#[case::a_unique_id("secretsmanager", json!({"Principal": {"AWS": "AROAEXAMPLEEXAMPLE00"}}), None)]
// LocalStack's test_resource_policy, recorded on AWS.
#[case::everybody("secretsmanager", json!({"Principal": "*"}), None)]
#[case::a_service("secretsmanager", json!({"Principal": {"Service": "lambda.amazonaws.com"}}), None)]
#[case::a_services_service("secretsmanager",
    json!({"Principal": {"Service": ["ecs.application-autoscaling.amazonaws.com"]}}), None)]
#[case::any_service("secretsmanager", json!({"Principal": {"Service": "*"}}), Some(SERVICE))]
#[case::services("secretsmanager", json!({"Principal": {"Service": "*.amazonaws.com"}}), Some(SERVICE))]
#[case::a_services_arn("secretsmanager", json!({"Principal": {"Service": ALICE}}), Some(SERVICE))]
#[case::an_effect("secretsmanager", json!({"Principal": "*", "Effect": "AllowSomething"}), Some(SYNTAX))]
#[case::nobody("secretsmanager", json!({"Principal": null}), Some(SYNTAX))]
#[case::a_word("secretsmanager", json!({"Principal": {"AWS": "alice"}}), Some(PRINCIPAL))]
#[case::a_pattern("secretsmanager",
    json!({"Principal": {"AWS": "arn:aws:iam::123456789012:user/*"}}), Some(PRINCIPAL))]
#[case::a_bucket("secretsmanager", json!({"Principal": {"AWS": "arn:aws:s3:::b"}}), Some(PRINCIPAL))]
// LocalStack's test_describe_resource_policies, recorded on AWS.
#[case::any_text("logs",
    json!({"Principal": {"Service": ["route53.amazonaws.com"]}, "Resource": "log_arn"}), None)]
#[case::an_arn("logs", json!({"Principal": {"AWS": ["123456789012", ALICE]}}),
    Some(("InvalidParameterException", "Principal section of policy contains ARN instead of \
        account ID: arn:aws:iam::123456789012:user/alice")))]
#[case::a_service_as_an_account("logs",
    json!({"Principal": {"AWS": "delivery.logs.amazonaws.com"}}), Some(LOGS))]
#[case::any_service("logs", json!({"Principal": {"Service": "*"}}), Some(LOGS))]
#[case::an_effect("logs", json!({"Effect": "Maybe"}), Some(LOGS))]
fn each_service_has_its_words(
    #[case] service: &str,
    #[case] change: Value,
    #[case] refused: Option<(&str, &str)>,
) {
    let found = check(&storing(service, &document(service, change)), ACCOUNT);
    let expected = refused.map(|(code, message)| (400, code.to_owned(), message.to_owned()));
    assert_eq!(found.err().map(told), expected);
}

/// As many statements, actions, principals and conditions as given, and so long.
fn large(statements: usize, actions: usize, principals: usize, conditions: usize) -> Value {
    let conditions: serde_json::Map<String, Value> =
        (0..conditions).map(|number| (format!("aws:RequestTag/k{number}"), json!("v"))).collect();
    let mut statement = json!({"Effect": "Allow", "Action": vec!["sqs:SendMessage"; actions],
        "Resource": "*", "Principal": {"AWS": vec!["123456789012"; principals]}});
    if !conditions.is_empty() {
        statement["Condition"] = json!({"StringEquals": conditions});
    }
    json!({"Version": "2012-10-17", "Statement": vec![statement; statements]})
}

#[rstest]
#[case::statements((20, 1, 1, 0), (21, 1, 1, 0),
    "21 statements were found in the submitted policy, max allowed is 20")]
#[case::actions((1, 7, 1, 0), (1, 10, 1, 0),
    "10 actions were found in a statement from the submitted policy, max allowed is 7")]
#[case::principals((2, 1, 25, 0), (3, 1, 25, 0),
    "75 principals were found in the submitted policy, max allowed is 50")]
#[case::conditions((1, 1, 1, 10), (1, 1, 1, 11),
    "11 conditions were found in the submitted policy, max allowed is 10")]
fn a_queues_policy_is_no_larger_than_sqs_stores(
    #[case] fits: (usize, usize, usize, usize),
    #[case] too_much: (usize, usize, usize, usize),
    #[case] message: &str,
) {
    let checked = |(statements, actions, principals, conditions)| {
        let text = large(statements, actions, principals, conditions).to_string();
        check(&storing("sqs", &text), ACCOUNT)
    };
    assert_eq!(checked(fits), Ok(()));
    let expected = (403, "OverLimit".to_owned(), message.to_owned());
    assert_eq!(checked(too_much).map_err(told), Err(expected));
}

#[rstest]
#[case::sqs("sqs", 8_192, (403, "OverLimit", "Submitted policy is over max allowed size."))]
#[case::sns("sns", 30_720, (400, NULL.0, NULL.1))]
#[case::kms("kms", 32_768, (400, "LimitExceededException",
    "The request was rejected because a length constraint or quota was exceeded."))]
#[case::dynamodb("dynamodb", 20_480, (400, "ValidationException",
    "One or more parameter values were invalid: Maximum policy size of 20480 bytes exceeded"))]
#[case::events("events", 10_240, (400, "PolicyLengthExceededException",
    "The event bus policy is too long. For more information, see the limits."))]
fn a_policy_is_no_longer_than_its_service_stores(
    #[case] service: &str,
    #[case] most: usize,
    #[case] refused: (u16, &str, &str),
) {
    let text = document(service, json!({}));
    let padded = |length: usize| format!("{}{}", " ".repeat(length - text.len()), text);
    assert_eq!(check(&storing(service, &padded(most)), ACCOUNT), Ok(()));
    let (status, code, message) = refused;
    let expected = (status, code.to_owned(), message.to_owned());
    let found = check(&storing(service, &padded(most + 1)), ACCOUNT);
    assert_eq!(found.map_err(told), Err(expected));
}

#[test]
fn a_topics_policy_has_a_hundred_statements() {
    let statement: Value = serde_json::from_str(&document("sns", json!({}))).unwrap();
    let many = |count: usize| {
        let statements = vec![statement["Statement"][0].clone(); count];
        json!({"Version": "2012-10-17", "Statement": statements}).to_string()
    };
    assert_eq!(check(&storing("sns", &many(100)), ACCOUNT), Ok(()));
    let expected = (400, NULL.0.to_owned(), NULL.1.to_owned());
    assert_eq!(check(&storing("sns", &many(101)), ACCOUNT).map_err(told), Err(expected));
}

#[rstest]
#[case::sqs("sqs", "SetQueueAttributes", json!({"QueueUrl": "q", "Attributes": {"Policy": ""}}))]
#[case::sqs_other("sqs", "SetQueueAttributes", json!({"Attributes": {"DelaySeconds": "1"}}))]
#[case::sns_other("sns", "SetTopicAttributes",
    json!({"AttributeName": "DisplayName", "AttributeValue": "{"}))]
#[case::api("apigateway", "UpdateRestApi",
    json!({"patchOperations": [{"op": "replace", "path": "/policy", "value": ""}]}))]
#[case::api_other("apigateway", "UpdateRestApi",
    json!({"patchOperations": [{"op": "replace", "path": "/name", "value": "{"}]}))]
#[case::default_key("kms", "CreateKey", json!({}))]
#[case::table("dynamodb", "CreateTable", json!({"TableName": "t"}))]
#[case::one_account("events", "PutPermission",
    json!({"Action": "events:PutEvents", "Principal": "*", "StatementId": "s"}))]
fn what_stores_no_policy_is_not_looked_at(
    #[case] service: &str,
    #[case] operation: &str,
    #[case] input: Value,
) {
    assert_eq!(check(&call(service, operation, input), ACCOUNT), Ok(()));
}

#[rstest]
#[case::sending(json!(["SendMessage"]), json!(["123456789012"]), None)]
#[case::all(json!(["*"]), json!(["123456789012"]), None)]
#[case::of_the_owner(json!(["SendMessage", "RemovePermission"]), json!(["123456789012"]),
    Some((400, "InvalidParameterValue", "Value SQS:RemovePermission for parameter ActionName is \
        invalid. Reason: Only the queue owner is allowed to invoke this action.")))]
#[case::of_others(json!(["Publish"]), json!(["123456789012"]),
    Some((400, "InvalidParameterValue", "Value SQS:Publish for parameter ActionName is invalid. \
        Reason: Please refer to the appropriate WSDL for a list of valid actions.")))]
#[case::nobody(json!(["SendMessage"]), json!(["alice"]),
    Some((400, "InvalidParameterValue",
        "Value [alice] for parameter PrincipalId is invalid. Reason: Unable to verify.")))]
#[case::many(json!(["SendMessage", "*", "*", "*", "*", "*", "*", "*"]), json!(["123456789012"]),
    Some((403, "OverLimit", "8 Actions were found, maximum allowed is 7.")))]
fn a_permission_of_a_queue_is_one(
    #[case] actions: Value,
    #[case] accounts: Value,
    #[case] refused: Option<(u16, &str, &str)>,
) {
    let input =
        json!({"QueueUrl": "q", "Label": "l", "Actions": actions, "AWSAccountIds": accounts});
    let found = check(&call("sqs", "AddPermission", input), ACCOUNT);
    let expected = refused.map(|(status, code, message)| (status, code.into(), message.into()));
    assert_eq!(found.err().map(told), expected);
}

#[rstest]
#[case::publishing("Publish", "123456789012", None)]
#[case::unknown("InvalidAction", "123456789012", Some(SCOPE))]
#[case::nobody("Publish", "alice", Some(NOT_FOUND))]
fn a_permission_of_a_topic_is_one(
    #[case] action: &str,
    #[case] account: &str,
    #[case] refused: Option<(&str, &str)>,
) {
    let input = json!({"TopicArn": "arn:aws:sns:eu-west-1:123456789012:t", "Label": "l",
        "ActionName": [action], "AWSAccountId": [account]});
    let found = check(&call("sns", "AddPermission", input), ACCOUNT);
    let expected = refused.map(|(code, message)| (400, code.into(), message.into()));
    assert_eq!(found.err().map(told), expected);
}

#[rstest]
#[case::everybody(json!({"Principal": "*"}), true, true)]
#[case::everybody_where_it_may(json!({"Principal": "*"}), false, false)]
#[case::of_one_account(
    json!({"Principal": "*", "Condition": {"StringEquals": {"aws:SourceAccount": "123456789012"}}}),
    true, false)]
#[case::a_user(json!({"Principal": {"AWS": ALICE}}), true, false)]
fn a_public_policy_of_a_secret_may_be_blocked(
    #[case] statement: Value,
    #[case] blocks: bool,
    #[case] refused: bool,
) {
    let text = document("secretsmanager", statement);
    let input = json!({"SecretId": "s", "ResourcePolicy": text, "BlockPublicPolicy": blocks});
    let found = check(&call("secretsmanager", "PutResourcePolicy", input), ACCOUNT);
    let code = found.err().map(|error| (error.code.into_owned(), error.status));
    assert_eq!(code, refused.then(|| ("BlockPublicPolicyException".to_owned(), 400)));
}

/// Each row names an operation and a member that are there.
#[test]
fn the_table_is_of_the_models() {
    use super::word_table::{At, ROWS};
    for row in ROWS {
        let service = Service::of(row.api).unwrap_or_else(|| panic!("{}", row.api));
        for name in row.operations {
            let found = Operation::find(service, name);
            let operation = found.unwrap_or_else(|| panic!("{} {name}", row.api));
            let member = match row.at {
                At::Member(member) | At::Removable(member) => member,
                At::Attributes => "Attributes",
                At::Attribute => "AttributeName",
                At::Patch => "patchOperations",
            };
            assert!(operation.members.iter().any(|it| it.name == member), "{name} {member}");
            assert!(!row.words.code.is_empty(), "{name}");
        }
        assert!(ringfence_policy::catalog::service(row.prefix).is_some(), "{}", row.prefix);
    }
}
