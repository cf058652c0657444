//! Answers as AWS was recorded to give them, by the tests of LocalStack that are
//! named here.

use std::io::Read as _;

use bytes::Bytes;
use ringfence_wire::ServiceError;
use rstest::rstest;
use serde_json::{Value, json};

use super::support::{ARN, BOOTSTRAP, World, creation, orders, package, with};

#[track_caller]
fn is(error: &ServiceError, status: u16, code: &str, message: &str) {
    assert_eq!((error.status, &*error.code, &*error.message), (status, code, message));
}

fn kind(error: &ServiceError) -> Option<&str> {
    error.members.iter().find(|(name, _)| *name == "Type").map(|(_, value)| value.as_str())
}

/// `test_function_lifecycle`, `test_list_functions`.
#[tokio::test]
async fn a_configuration_tells_of_its_runtime_and_keeps_an_empty_environment() {
    let world = World::new().await;
    let created = world.create(json!({ "Environment": { "Variables": {} } })).await;
    let arn = created["RuntimeVersionConfig"]["RuntimeVersionArn"].as_str().unwrap();
    let id = arn.strip_prefix("arn:aws:lambda:eu-west-1::runtime:").unwrap();
    assert!(id.len() == 64 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{arn}");
    assert_eq!(created["Environment"], json!({ "Variables": {} }));
    let listed = world.fields("ListFunctions", json!({})).await;
    assert_eq!(listed["Functions"][0].get("RuntimeVersionConfig"), None);
    let change = with(orders(), json!({ "Runtime": "provided.al2" }));
    let changed = world.fields("UpdateFunctionConfiguration", change).await;
    assert_ne!(changed["RuntimeVersionConfig"], created["RuntimeVersionConfig"]);
}

/// `test_lambda_code_location_zipfile`.
#[tokio::test]
async fn a_package_can_be_downloaded_for_ten_minutes_from_its_location() {
    let world = World::new().await;
    world.create(json!({})).await;
    let shown = world.fields("GetFunction", orders()).await;
    assert_eq!(shown["Code"]["RepositoryType"], "S3");
    let location: ::url::Url = shown["Code"]["Location"].as_str().unwrap().parse().unwrap();
    let host = format!("127.0.0.1:{}", location.port().unwrap());
    assert!(world.lambda.is_code_request(&host, location.path()));
    assert!(!world.lambda.is_code_request("bucket.s3.localhost:80", location.path()));
    let query = location.query().unwrap();
    let file = world.lambda.code_file(location.path(), query).unwrap();
    let mut bytes = Vec::new();
    std::fs::File::open(file).unwrap().read_to_end(&mut bytes).unwrap();
    assert_eq!(Bytes::from(bytes), package(BOOTSTRAP));
    let forged = query.replace("X-Amz-Date=", "X-Amz-Date=1");
    let error = world.lambda.code_file(location.path(), &forged).unwrap_err();
    is(&error, 403, "AccessDenied", "Access Denied");
    let error = world.lambda.code_file("/_lambda/snapshots/1/other", query).unwrap_err();
    is(&error, 403, "AccessDenied", "Access Denied");
    world.call("DeleteFunction", orders()).await.unwrap();
    let error = world.lambda.code_file(location.path(), query).unwrap_err();
    is(&error, 404, "NoSuchKey", "The specified key does not exist.");
}

/// `test_function_revisions_version_and_alias`, `test_publish_version_on_create`.
#[tokio::test]
async fn a_publication_gives_latest_another_revision_and_the_version_its_own() {
    let world = World::new().await;
    world.create(json!({})).await;
    let revision = async |input: Value| {
        world.fields("GetFunctionConfiguration", with(orders(), input)).await["RevisionId"].clone()
    };
    let before = revision(json!({})).await;
    let published = world.fields("PublishVersion", orders()).await;
    let after = revision(json!({})).await;
    assert_ne!(after, before);
    assert_ne!(after, published["RevisionId"]);
    assert_eq!(revision(json!({ "Qualifier": "1" })).await, published["RevisionId"]);
    // Nothing changed since: the same version, and no new revision.
    let again = world.fields("PublishVersion", orders()).await;
    assert_eq!((&again["Version"], &again["RevisionId"]), (&json!("1"), &published["RevisionId"]));
    assert_eq!(revision(json!({})).await, after);
    // The revision that was told is the one that is expected.
    let stale = with(orders(), json!({ "RevisionId": before, "Timeout": 5 }));
    let error = world.refusal("UpdateFunctionConfiguration", stale).await;
    assert_eq!((error.status, &*error.code), (412, "PreconditionFailedException"));
    let change = with(orders(), json!({ "RevisionId": after, "Timeout": 5 }));
    world.fields("UpdateFunctionConfiguration", change).await;
}

/// `test_publish_version_on_create`.
#[tokio::test]
async fn a_version_that_is_published_on_creation_has_another_revision_once_it_is_active() {
    let world = World::new().await;
    let created = world.create(json!({ "Publish": true })).await;
    assert_eq!((&created["Version"], &created["State"]), (&json!("1"), &json!("Pending")));
    let one = with(orders(), json!({ "Qualifier": "1" }));
    let shown = world.fields("GetFunctionConfiguration", one).await;
    assert_eq!((&shown["State"], &shown["Version"]), (&json!("Active"), &json!("1")));
    assert_ne!(shown["RevisionId"], created["RevisionId"]);
}

/// `test_permission_exceptions`, `test_url_config_exceptions`.
#[rstest]
#[case("GetPolicy", json!({ "FunctionName": "gone" }), "The resource you requested does not exist.")]
#[case("GetPolicy", orders(), "The resource you requested does not exist.")]
#[case("UpdateFunctionUrlConfig", json!({ "FunctionName": "gone", "AuthType": "NONE" }), "Function does not exist")]
#[case("UpdateFunctionUrlConfig", with(orders(), json!({ "Qualifier": "gone", "AuthType": "NONE" })), "Function does not exist")]
#[case("UpdateFunctionUrlConfig", with(orders(), json!({ "AuthType": "NONE" })), "The resource you requested does not exist.")]
#[tokio::test]
async fn what_is_missing_is_told_in_the_operations_words(
    #[case] operation: &str,
    #[case] input: Value,
    #[case] message: &str,
) {
    let world = World::new().await;
    world.create(json!({})).await;
    let error = world.refusal(operation, input).await;
    is(&error, 404, "ResourceNotFoundException", message);
    assert_eq!(kind(&error), Some("User"));
}

/// `test_notfound_and_invalid_routingconfigs`, `test_function_concurrency_limits`.
#[tokio::test]
async fn two_errors_have_no_type() {
    let world = World::new().await;
    world.create(json!({})).await;
    world.fields("PublishVersion", orders()).await;
    let alias = |version: &str, weight: Value| {
        let routing = json!({ "AdditionalVersionWeights": weight });
        let alias = json!({ "Name": "a", "FunctionVersion": version, "RoutingConfig": routing });
        with(orders(), alias)
    };
    let error = world.refusal("CreateAlias", alias("$LATEST", json!({ "1": 0.5 }))).await;
    let message = "$LATEST is not supported for an alias pointing to more than 1 version";
    is(&error, 400, "InvalidParameterValueException", message);
    assert_eq!(kind(&error), None);
    let reserve = with(orders(), json!({ "ReservedConcurrentExecutions": 1000 }));
    let error = world.refusal("PutFunctionConcurrency", reserve).await;
    let message = "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [100].";
    is(&error, 400, "InvalidParameterValueException", message);
    assert_eq!(kind(&error), None);
    // Its neighbour has one, and a weight is a floating-point number.
    let error = world.refusal("CreateAlias", alias("1", json!({ "1": 0.5 }))).await;
    assert_eq!(kind(&error), Some("User"));
    let error = world.refusal("CreateAlias", alias("1", json!({ "2": 2 }))).await;
    assert!(
        error.message.starts_with("1 validation error detected: Value '{2=2.0}' at "),
        "{error}"
    );
}

/// `TestLambdaTag::test_tag_exceptions`.
#[rstest]
#[case(
    "event-source-mapping:7d1e2bc4-6a51-4d3e-8a3b-0a1b2c3d4e5f",
    404,
    "ResourceNotFoundException",
    "Event source mapping not found: RESOURCE"
)]
#[case(
    "capacity-provider:none",
    404,
    "ResourceNotFoundException",
    "Capacity provider not found: RESOURCE"
)]
#[case("function:gone", 404, "ResourceNotFoundException", "Function not found: RESOURCE")]
#[case(
    "foobar:x",
    400,
    "ValidationException",
    "1 validation error detected: Value 'RESOURCE' at 'resource' failed to satisfy constraint: Member must satisfy regular expression pattern: "
)]
#[case(
    "function:a:b:c",
    400,
    "ValidationException",
    "1 validation error detected: Value 'RESOURCE' at 'resource' failed to satisfy constraint: Member must satisfy regular expression pattern: "
)]
#[tokio::test]
async fn what_cannot_be_tagged_is_refused(
    #[case] resource: &str,
    #[case] status: u16,
    #[case] code: &str,
    #[case] message: &str,
) {
    let world = World::new().await;
    let resource = format!("arn:aws:lambda:eu-west-1:123456789012:{resource}");
    for operation in ["TagResource", "UntagResource", "ListTags"] {
        let input = json!({ "Resource": resource, "Tags": { "a": "b" }, "TagKeys": ["a"] });
        let error = world.refusal(operation, input).await;
        assert_eq!((error.status, &*error.code), (status, code));
        assert!(error.message.starts_with(&message.replace("RESOURCE", &resource)), "{error}");
    }
}

/// `test_snapstart_exceptions`, `test_invalid_vpc_config_subnet`,
/// `test_invalid_vpc_config_security_group`.
#[rstest]
#[case(json!({ "PackageType": "Tar" }), "1 validation error detected: Value 'Tar' at 'packageType' failed to satisfy constraint: Member must satisfy enum value set: [Image, Zip]")]
#[case(json!({ "TracingConfig": { "Mode": "On" } }), "1 validation error detected: Value 'On' at 'tracingConfig.mode' failed to satisfy constraint: Member must satisfy enum value set: [Active, PassThrough]")]
#[case(json!({ "SnapStart": { "ApplyOn": "invalidOption" } }), "1 validation error detected: Value 'invalidOption' at 'snapStart.applyOn' failed to satisfy constraint: Member must satisfy enum value set: [PublishedVersions, None]")]
#[case(json!({ "VpcConfig": { "SubnetIds": ["subnet_1"], "SecurityGroupIds": ["sg-1"] } }), "1 validation error detected: Value '[subnet_1]' at 'vpcConfig.subnetIds' failed to satisfy constraint: Member must satisfy constraint: [Member must have length less than or equal to 1024, Member must have length greater than or equal to 0, Member must satisfy regular expression pattern: subnet-[0-9a-z]*]")]
#[case(json!({ "VpcConfig": { "SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg_1"] } }), "1 validation error detected: Value '[sg_1]' at 'vpcConfig.securityGroupIds' failed to satisfy constraint: Member must satisfy constraint: [Member must have length less than or equal to 1024, Member must have length greater than or equal to 0, Member must satisfy regular expression pattern: sg-[0-9a-zA-Z]*]")]
#[tokio::test]
async fn constraints_are_those_of_the_model(#[case] changes: Value, #[case] message: &str) {
    let world = World::new().await;
    let error = world.refusal("CreateFunction", with(creation(), changes)).await;
    is(&error, 400, "ValidationException", message);
    world.create(json!({ "SnapStart": { "ApplyOn": "None" } })).await;
}

/// `test_lambda_invoke_payload_encoding_error`.
#[tokio::test]
async fn a_payload_that_is_no_json_is_told_in_the_parsers_words() {
    let world = World::new().await;
    world.create(json!({})).await;
    let payload = Some(Bytes::from_static(b"\x99\xeb"));
    let error = world.call_with("Invoke", orders(), payload).await.unwrap_err();
    is(
        &error,
        400,
        "InvalidRequestContentException",
        "Could not parse request body into json: Could not parse payload into json: Unexpected \
         character ((CTRL-CHAR, code 153)): expected a valid value (JSON String, Number, Array, \
         Object or token 'null', 'true' or 'false')\n at [Source: REDACTED \
         (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line: 1, column: 1]",
    );
}

/// `test_lambda_different_iam_keys_environment`, `test_invocation_with_qualifier`,
/// `test_request_id_invoke`.
#[tokio::test]
async fn each_environment_has_its_own_session_and_the_tail_begins_with_the_start() {
    let world = World::new().await;
    world.create(json!({ "Timeout": 20 })).await;
    world.asked();
    let first = world.invoke_with(json!({ "LogType": "Tail" }), json!({})).await;
    let log = first.log.unwrap();
    assert!(log.starts_with("START RequestId: "), "{log}");
    assert!(!log.contains("loaded"), "what came before is in CloudWatch Logs alone: {log}");
    assert!(log.contains("line one"), "{log}");
    world.until(|state| state.log_lines.iter().any(|line| line == "loaded\n").then_some(())).await;
    let assumed = |asked: &[String]| {
        asked.iter().filter(|it| it.starts_with("sts AssumeRole as lambda")).count()
    };
    assert_eq!(assumed(&world.asked()), 1);
    let change = with(orders(), json!({ "Timeout": 21 }));
    world.fields("UpdateFunctionConfiguration", change).await;
    world.settled().await;
    let second = world.invoke(json!({})).await;
    assert_eq!((&first.answer["count"], &second.answer["count"]), (&json!(1), &json!(1)));
    assert_eq!(assumed(&world.asked()), 1, "another environment, another session");
    world.lambda.shutdown().await;
}

/// `test_assume_role`: a session's name has at least two characters.
#[tokio::test]
async fn the_session_of_a_function_of_one_letter_has_a_longer_name() {
    let world = World::new().await;
    world.fields("CreateFunction", with(creation(), json!({ "FunctionName": "Z" }))).await;
    let sessions = world.upstream.state.lock().unwrap().sessions.clone();
    assert_eq!(sessions, ["Z@lambda_function"]);
    world.create(json!({})).await;
    let sessions = world.upstream.state.lock().unwrap().sessions.clone();
    assert_eq!(sessions, ["Z@lambda_function", "orders"]);
}

/// `test_url_config_lifecycle`, `test_lambda_update_function_url_config`.
#[tokio::test]
async fn an_invoke_mode_is_shown_as_it_was_given() {
    let world = World::new().await;
    world.create(json!({})).await;
    let given = json!({ "AuthType": "NONE", "InvokeMode": "BUFFERED" });
    let created = world.fields("CreateFunctionUrlConfig", with(orders(), given)).await;
    assert_eq!(
        (&created["InvokeMode"], &created["FunctionArn"]),
        (&json!("BUFFERED"), &json!(ARN))
    );
    let streaming = with(orders(), json!({ "InvokeMode": "RESPONSE_STREAM" }));
    let changed = world.fields("UpdateFunctionUrlConfig", streaming).await;
    assert_eq!(changed["InvokeMode"], "RESPONSE_STREAM");
    let changed = world.fields("UpdateFunctionUrlConfig", orders()).await;
    assert_eq!(changed["InvokeMode"], "RESPONSE_STREAM");
}

/// `test_lambda_eventinvokeconfig_exceptions`.
#[rstest]
#[case(
    "arn:aws:lambda:eu-west-1:123456789012:function:gone",
    "The destination ARN arn:aws:lambda:eu-west-1:123456789012:function:gone is invalid."
)]
#[case(ARN, "You can't specify the function as a destination for itself.")]
#[case(
    "arn:aws:iam:eu-west-1:123456789012:function:orders",
    "The provided destination config DestinationConfig(onSuccess=OnSuccess(destination=arn:aws:iam:eu-west-1:123456789012:function:orders), onFailure=null) is invalid."
)]
#[tokio::test]
async fn a_destination_that_takes_no_results_is_refused(
    #[case] destination: &str,
    #[case] message: &str,
) {
    let world = World::new().await;
    world.create(json!({})).await;
    let to = |arn: &str| {
        with(orders(), json!({ "DestinationConfig": { "OnSuccess": { "Destination": arn } } }))
    };
    let error = world.refusal("PutFunctionEventInvokeConfig", to(destination)).await;
    is(&error, 400, "InvalidParameterValueException", message);
    let error = world.refusal("PutFunctionEventInvokeConfig", to("arn:aws:s3:::results")).await;
    assert_eq!((error.status, &*error.code), (501, "NotImplementedException"));
    let error = world.refusal("PutFunctionEventInvokeConfig", to("no arn")).await;
    assert!(
        error.message.starts_with(
            "1 validation error detected: Value 'no arn' at \
             'destinationConfig.onSuccess.destination' failed to satisfy constraint: "
        ),
        "{error}"
    );
    world.fields("CreateFunction", with(creation(), json!({ "FunctionName": "other" }))).await;
    let other = ARN.replace("orders", "other");
    let shown = world.fields("PutFunctionEventInvokeConfig", to(&other)).await;
    let expected = json!({ "OnSuccess": { "Destination": other }, "OnFailure": {} });
    assert_eq!(shown["DestinationConfig"], expected);
}

/// `test_assess_lambda_destination_invocation`.
#[rstest]
#[case(json!({ "a": 1 }), "Success", 1)]
#[case(json!({ "do": "fail" }), "RetriesExhausted", 2)]
#[tokio::test]
async fn the_result_of_an_event_goes_to_its_destination(
    #[case] event: Value,
    #[case] condition: &str,
    #[case] attempts: u64,
) {
    let world = World::new().await;
    world.create(json!({ "Timeout": 20 })).await;
    world.fields("CreateFunction", with(creation(), json!({ "FunctionName": "other" }))).await;
    let other = ARN.replace("orders", "other");
    let side = json!({ "Destination": other });
    let config = json!({
        "DestinationConfig": { "OnSuccess": side, "OnFailure": side },
        "MaximumRetryAttempts": 1,
    });
    world.fields("PutFunctionEventInvokeConfig", with(orders(), config)).await;
    let sent = world.invoke_with(json!({ "InvocationType": "Event" }), event.clone()).await;
    assert_eq!(sent.status, Some(202));
    let (function, record) = world.until(|state| state.invoked.first().cloned()).await;
    assert_eq!(function, other);
    let record: Value = serde_json::from_slice(&record).unwrap();
    assert_eq!(record["version"], "1.0");
    assert_eq!(record["requestPayload"], event);
    let context = &record["requestContext"];
    assert_eq!(context["functionArn"], format!("{ARN}:$LATEST"));
    assert_eq!(
        (&context["condition"], &context["approximateInvokeCount"]),
        (&json!(condition), &json!(attempts))
    );
    let failed = condition != "Success";
    let expected = if failed {
        json!({ "statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled" })
    } else {
        json!({ "statusCode": 200, "executedVersion": "$LATEST" })
    };
    assert_eq!(record["responseContext"], expected);
    let told = if failed {
        &record["responsePayload"]["errorType"]
    } else {
        &record["responsePayload"]["event"]
    };
    assert_eq!(*told, if failed { json!("ValueError") } else { event });
    world.lambda.shutdown().await;
}

/// `test_lambda_version`, `test_lambda_version_provisioned_concurrency`.
#[tokio::test]
async fn versions_show_no_tags() {
    let world = World::new().await;
    world.create(json!({ "Tags": { "team": "a" } })).await;
    world.fields("PublishVersion", orders()).await;
    let shown = async |qualifier: Value| {
        world.fields("GetFunction", with(orders(), qualifier)).await.get("Tags").cloned()
    };
    assert_eq!(shown(json!({})).await, Some(json!({ "team": "a" })));
    assert_eq!(shown(json!({ "Qualifier": "$LATEST" })).await, Some(json!({ "team": "a" })));
    assert_eq!(shown(json!({ "Qualifier": "1" })).await, None);
    world.lambda.shutdown().await;
}

/// What a function finds where the sandbox has a root directory and a network of its
/// own (LocalStack's test_lambda_init_environment, recorded on AWS; of a Python's
/// variables those that its shell leaves are not here).
#[tokio::test]
async fn a_function_finds_things_where_they_are_on_aws() {
    let world = World::new().await;
    world.create(json!({})).await;
    let environment = world.invoke(json!({})).await.answer["environment"].clone();
    for (name, value) in [
        ("PATH", "/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin"),
        ("AWS_LAMBDA_RUNTIME_API", "169.254.100.1:9001"),
        ("_AWS_XRAY_DAEMON_ADDRESS", "169.254.100.1"),
        ("LAMBDA_TASK_ROOT", "/var/task"),
    ] {
        assert_eq!(environment[name], value, "{name}");
    }
    assert_eq!((&environment["HOME"], &environment["TMPDIR"]), (&Value::Null, &Value::Null));
    world.lambda.shutdown().await;
}

/// LocalStack's test_runtime_ulimits, recorded on AWS.
#[tokio::test]
async fn a_functions_limits_are_those_of_aws() {
    let world = World::new().await;
    world.create(json!({ "MemorySize": 128 })).await;
    let code = "import resource
for name in sorted(it for it in dir(resource) if it.startswith('RLIMIT_')):
    print(name[7:], *resource.getrlimit(getattr(resource, name)))";
    let said = world.invoke(json!({ "do": "run", "facts": {}, "code": code })).await.answer;
    let said = said["said"].as_str().unwrap();
    for line in [
        "AS -1 -1",
        "CORE 10737418240 10737418240",
        "CPU -1 -1",
        "DATA -1 -1",
        "FSIZE -1 -1",
        "MEMLOCK 65536 65536",
        "NOFILE 1024 1024",
        "NPROC 742 742",
        "RSS -1 -1",
        "STACK 8388608 -1",
    ] {
        assert!(said.lines().any(|it| it == line), "{line} in {said}");
    }
    world.lambda.shutdown().await;
}
