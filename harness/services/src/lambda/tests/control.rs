//! Creating, changing and showing functions.

use ringfence_wire::ServiceError;
use rstest::rstest;
use serde_json::{Value, json};

use super::support::{ARN, BOOTSTRAP, ROLE, World, creation, orders, package, with, zipped};

#[track_caller]
fn is(error: &ServiceError, status: u16, code: &str, message: &str) {
    assert_eq!((error.status, &*error.code, &*error.message), (status, code, message));
}

#[tokio::test]
async fn a_new_function_is_pending_and_then_active() {
    let world = World::new().await;
    let created = world.create(json!({ "Tags": { "team": "a" } })).await;
    assert_eq!(created["State"], "Pending");
    assert_eq!(created["StateReason"], "The function is being created.");
    assert_eq!(created["StateReasonCode"], "Creating");
    assert_eq!(created.get("LastUpdateStatus"), None);
    assert_eq!(created["FunctionArn"], ARN);
    assert_eq!(created["Version"], "$LATEST");
    assert_eq!(
        (&created["Timeout"], &created["MemorySize"], &created["PackageType"]),
        (&json!(3), &json!(128), &json!("Zip"))
    );
    assert_eq!(created["Architectures"], json!(["x86_64"]));
    assert_eq!(created["LoggingConfig"]["LogGroup"], "/aws/lambda/orders");
    assert_eq!(created.get("Environment"), None);
    assert_eq!(created.get("VpcConfig"), None);
    let shown = world.fields("GetFunction", orders()).await;
    assert_eq!(shown["Configuration"]["State"], "Active");
    assert_eq!(shown["Configuration"]["LastUpdateStatus"], "Successful");
    assert_eq!(shown["Tags"], json!({ "team": "a" }));
    let facts = world.lambda.function("orders").unwrap();
    assert_eq!((&*facts.arn, &*facts.role), (ARN, ROLE));
    assert_eq!(facts.tags, [("team".to_owned(), "a".to_owned())]);
    assert_eq!(
        world.asked(),
        ["sts AssumeRole as lambda.amazonaws.com"],
        "the role was assumed by Lambda itself"
    );
}

#[tokio::test]
async fn a_second_function_of_a_name_is_a_conflict() {
    let world = World::new().await;
    world.create(json!({})).await;
    let error = world.refusal("CreateFunction", creation()).await;
    is(&error, 409, "ResourceConflictException", "Function already exist: orders");
    world.call("CreateFunction", with(creation(), json!({ "FunctionName": "b" }))).await.unwrap();
}

#[tokio::test]
async fn a_role_that_does_not_trust_lambda_is_refused() {
    let world = World::new().await;
    world.deny("sts AssumeRole");
    let error = world.refusal("CreateFunction", creation()).await;
    is(
        &error,
        400,
        "InvalidParameterValueException",
        "The role defined for the function cannot be assumed by Lambda.",
    );
    assert_eq!(world.refusal("GetFunction", orders()).await.status, 404);
    world.allow("sts AssumeRole");
    world.create(json!({})).await;
}

#[rstest]
#[case::memory(json!({ "MemorySize": 127 }), "ValidationException",
    "1 validation error detected: Value '127' at 'memorySize' failed to satisfy constraint: Member must have value greater than or equal to 128")]
#[case::memory_high(json!({ "MemorySize": 10_241 }), "ValidationException",
    "1 validation error detected: Value '10241' at 'memorySize' failed to satisfy constraint: Member must have value less than or equal to 10240")]
#[case::timeout(json!({ "Timeout": 901 }), "ValidationException",
    "1 validation error detected: Value '901' at 'timeout' failed to satisfy constraint: Member must have value less than or equal to 900")]
#[case::two(json!({ "Timeout": 0, "MemorySize": 1 }), "ValidationException",
    "2 validation errors detected: Value '1' at 'memorySize' failed to satisfy constraint: Member must have value greater than or equal to 128; Value '0' at 'timeout' failed to satisfy constraint: Member must have value greater than or equal to 1")]
#[case::handler(json!({ "Handler": "a b" }), "ValidationException",
    r"1 validation error detected: Value 'a b' at 'handler' failed to satisfy constraint: Member must satisfy regular expression pattern: [^\s]+")]
#[case::role(json!({ "Role": "app" }), "ValidationException",
    r"1 validation error detected: Value 'app' at 'role' failed to satisfy constraint: Member must satisfy regular expression pattern: arn:(aws[a-zA-Z-]*)?:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+")]
#[case::retired(json!({ "Runtime": "python3.7" }), "InvalidParameterValueException",
    "The runtime parameter of python3.7 is no longer supported for creating or updating AWS Lambda functions. We recommend you use a supported runtime while creating or updating functions.")]
#[case::architecture(json!({ "Architectures": ["sparc"] }), "ValidationException",
    "1 validation error detected: Value '[sparc]' at 'architectures' failed to satisfy constraint: Member must satisfy constraint: [Member must satisfy enum value set: [x86_64, arm64], Member must not be null]")]
#[case::reserved(json!({ "Environment": { "Variables": { "AWS_REGION": "x" } } }), "InvalidParameterValueException",
    "Lambda was unable to configure your environment variables because the environment variables you have provided contains reserved keys that are currently not supported for modification. Reserved keys used in this request: AWS_REGION")]
#[case::no_code(json!({ "Code": {} }), "InvalidParameterValueException", "Please provide a source for function code.")]
#[case::no_zip(json!({ "Code": { "ZipFile": "AAAA" } }), "InvalidParameterValueException",
    "Could not unzip uploaded file. Please check your file, then try to upload again.")]
#[case::layer(json!({ "Layers": ["arn:aws:lambda:eu-west-1:123456789012:layer:x:1"] }), "InvalidParameterValueException",
    "Layer version arn:aws:lambda:eu-west-1:123456789012:layer:x:1 does not exist.")]
#[case::no_groups(json!({ "VpcConfig": { "SubnetIds": ["subnet-1"] } }), "InvalidParameterValueException",
    "SubnetIds and SecurityIds must coexist or be both empty list.")]
#[tokio::test]
async fn what_is_outside_the_limits_is_refused(
    #[case] changes: Value,
    #[case] code: &str,
    #[case] message: &str,
) {
    let world = World::new().await;
    let error = world.refusal("CreateFunction", with(creation(), changes)).await;
    is(&error, 400, code, message);
    assert!(world.lambda.function("orders").is_none(), "nothing was made");
}

#[tokio::test]
async fn what_is_at_the_limits_is_taken() {
    let world = World::new().await;
    let limits = json!({ "MemorySize": 10_240, "Timeout": 900, "Architectures": ["arm64"] });
    let created = world.create(limits).await;
    assert_eq!((&created["MemorySize"], &created["Timeout"]), (&json!(10_240), &json!(900)));
}

#[tokio::test]
async fn an_environment_of_more_than_four_kilobytes_is_refused() {
    let world = World::new().await;
    let variables =
        |length: usize| json!({ "Environment": { "Variables": { "KEY": "v".repeat(length) } } });
    let error = world.refusal("CreateFunction", with(creation(), variables(4087))).await;
    assert_eq!(error.code, "InvalidParameterValueException");
    assert!(error.message.starts_with(
        "Lambda was unable to configure your environment variables because the environment \
         variables you have provided exceeded the 4KB limit. String measured: {\"KEY\":\"vvv"
    ));
    world.create(variables(4086)).await;
}

#[rstest]
#[case(json!({ "FileSystemConfigs": [{ "Arn": "arn:aws:elasticfilesystem:eu-west-1:123456789012:access-point/fsap-1" }] }), "`FileSystemConfigs`")]
#[case(json!({ "KMSKeyArn": "arn:aws:kms:eu-west-1:123456789012:key/k" }), "`KMSKeyArn`")]
#[tokio::test]
async fn what_is_not_built_is_refused_by_name(#[case] changes: Value, #[case] what: &str) {
    let world = World::new().await;
    let error = world.refusal("CreateFunction", with(creation(), changes)).await;
    assert_eq!((error.status, &*error.code), (501, "NotImplementedException"));
    assert_eq!(error.message, format!("{what} is not built in this Lambda; nothing was changed"));
}

#[rstest]
#[tokio::test]
async fn operations_that_are_not_built_are_refused_by_name(
    #[values("CreateCodeSigningConfig", "ListCapacityProviders", "InvokeWithResponseStream")]
    operation: &str,
) {
    let world = World::new().await;
    let error = world.refusal(operation, json!({})).await;
    assert_eq!((error.status, &*error.code), (501, "NotImplementedException"));
    let expected = format!("`{operation}` is not built in this Lambda; nothing was changed");
    assert_eq!(error.message, expected);
}

#[tokio::test]
async fn code_in_s3_is_fetched_as_the_caller() {
    let world = World::new().await;
    let source = json!({ "Code": { "S3Bucket": "artifacts", "S3Key": "a/b.zip" } });
    let error = world.refusal("CreateFunction", with(creation(), source.clone())).await;
    is(
        &error,
        400,
        "InvalidParameterValueException",
        "Error occurred while GetObject. S3 Error Code: NoSuchKey. S3 Error Message: The \
         specified key does not exist.",
    );
    let key = "artifacts/a/b.zip".to_owned();
    world.upstream.state.lock().unwrap().objects.insert(key, package(BOOTSTRAP));
    world.deny("s3 GetObject");
    let error = world.refusal("CreateFunction", with(creation(), source.clone())).await;
    is(
        &error,
        403,
        "AccessDeniedException",
        "Your access has been denied by S3, please make sure your request credentials have \
         permission to GetObject for artifacts/a/b.zip. S3 Error Code: AccessDenied. S3 Error \
         Message: no policy allows it",
    );
    world.allow("s3 GetObject");
    world.asked();
    world.create(source).await;
    assert_eq!(
        world.asked(),
        [
            "sts AssumeRole as lambda.amazonaws.com",
            "s3 GetObject as arn:aws:iam::123456789012:root via lambda.amazonaws.com",
        ]
    );
}

fn network(subnet: &str, group: &str) -> Value {
    json!({ "VpcConfig": { "SubnetIds": [subnet, "subnet-2"], "SecurityGroupIds": [group] } })
}

#[tokio::test]
async fn a_network_is_seen_as_the_caller_and_tried_as_the_role() {
    let world = World::new().await;
    let created = world.create(network("subnet-1", "sg-1")).await;
    assert_eq!(
        created["VpcConfig"],
        json!({
            "SubnetIds": ["subnet-1", "subnet-2"],
            "SecurityGroupIds": ["sg-1"],
            "VpcId": "vpc-1",
            "Ipv6AllowedForDualStack": false,
        })
    );
    let root = "arn:aws:iam::123456789012:root via lambda.amazonaws.com";
    assert_eq!(
        world.asked(),
        [
            "sts AssumeRole as lambda.amazonaws.com".to_owned(),
            format!("ec2 DescribeSecurityGroups as {root}"),
            format!("ec2 DescribeSubnets as {root}"),
            format!("ec2 DescribeVpcs as {root}"),
            "ec2 CreateNetworkInterface as ASIAORDERS".to_owned(),
        ]
    );
}

#[rstest]
#[case(
    "subnet-0",
    "sg-1",
    "Error occurred while DescribeSubnets. EC2 Error Code: InvalidSubnetId.NotFound. EC2 Error Message: The subnet ID 'subnet-0' does not exist"
)]
#[case(
    "subnet-1",
    "sg-0",
    "Error occurred while DescribeSecurityGroups. EC2 Error Code: InvalidGroup.NotFound. EC2 Error Message: The subnet ID 'sg-0' does not exist"
)]
#[case("subnet-1", "sg-9", "Security Groups are required to be in the same VPC as Subnets.")]
#[tokio::test]
async fn a_network_that_is_not_there_is_refused(
    #[case] subnet: &str,
    #[case] group: &str,
    #[case] message: &str,
) {
    let world = World::new().await;
    let error = world.refusal("CreateFunction", with(creation(), network(subnet, group))).await;
    is(&error, 400, "InvalidParameterValueException", message);
}

#[tokio::test]
async fn a_caller_that_may_not_see_the_network_is_refused() {
    let world = World::new().await;
    world.deny("ec2 DescribeSecurityGroups");
    let error =
        world.refusal("CreateFunction", with(creation(), network("subnet-1", "sg-1"))).await;
    is(
        &error,
        403,
        "AccessDeniedException",
        "Your access has been denied by EC2, please make sure your request credentials have \
         permission to DescribeSecurityGroups for sg-1. EC2 Error Code: UnauthorizedOperation. EC2 \
         Error Message: You are not authorized to perform this operation. no policy allows it",
    );
}

#[tokio::test]
async fn a_role_that_may_not_make_interfaces_cannot_run_in_a_network() {
    let world = World::new().await;
    world.deny("ec2 CreateNetworkInterface");
    let request = with(creation(), network("subnet-1", "sg-1"));
    let error = world.refusal("CreateFunction", request).await;
    let message = "The provided execution role does not have permissions to call CreateNetworkInterface on EC2";
    is(&error, 400, "InvalidParameterValueException", message);
    // Without a network, the role will do; putting it into one later will not.
    world.create(json!({})).await;
    let change = with(orders(), network("subnet-1", "sg-1"));
    let error = world.refusal("UpdateFunctionConfiguration", change).await;
    is(&error, 400, "InvalidParameterValueException", message);
}

#[tokio::test]
async fn an_endpoint_that_ignores_dry_runs_keeps_no_interface() {
    let world = World::new().await;
    world.upstream.state.lock().unwrap().ignores_dry_run = true;
    world.create(network("subnet-1", "sg-1")).await;
    assert!(world.upstream.state.lock().unwrap().interfaces.is_empty());
}

#[tokio::test]
async fn an_update_is_in_progress_until_it_succeeded() {
    let world = World::new().await;
    world.create(json!({})).await;
    let change = with(orders(), json!({ "Timeout": 7, "Description": "new" }));
    // Nothing else runs on this thread until the test waits: the update is in
    // progress at the second call.
    let updated = world.fields("UpdateFunctionConfiguration", change.clone()).await;
    assert_eq!(updated["LastUpdateStatus"], "InProgress");
    assert_eq!(updated["LastUpdateStatusReason"], "The function is being created.");
    assert_eq!(updated["LastUpdateStatusReasonCode"], "Creating");
    assert_eq!(updated["State"], "Active");
    for (operation, input) in [
        ("UpdateFunctionConfiguration", change),
        ("UpdateFunctionCode", with(orders(), json!({ "ZipFile": zipped("x") }))),
        ("PublishVersion", orders()),
    ] {
        let error = world.refusal(operation, input).await;
        is(
            &error,
            409,
            "ResourceConflictException",
            &format!(
                "The operation cannot be performed at this time. An update is in progress for \
                 resource: {ARN}"
            ),
        );
    }
    let settled = world.settled().await;
    assert_eq!(settled["LastUpdateStatus"], "Successful");
    assert_eq!((&settled["Timeout"], &settled["Description"]), (&json!(7), &json!("new")));
}

#[tokio::test]
async fn a_stale_revision_is_refused_and_the_present_one_taken() {
    let world = World::new().await;
    world.create(json!({})).await;
    let present = world.settled().await["RevisionId"].clone();
    let change = |revision: Value| with(orders(), json!({ "Timeout": 7, "RevisionId": revision }));
    let error = world.refusal("UpdateFunctionConfiguration", change(json!("x"))).await;
    is(
        &error,
        412,
        "PreconditionFailedException",
        "The Revision Id provided does not match the latest Revision Id. Call the \
         GetFunction/GetAlias API to retrieve the latest Revision Id",
    );
    world.fields("UpdateFunctionConfiguration", change(present)).await;
}

#[rstest]
#[case("GetFunction", json!({ "FunctionName": "gone" }), "Function not found: arn:aws:lambda:eu-west-1:123456789012:function:gone")]
#[case("GetFunction", json!({ "FunctionName": "gone", "Qualifier": "live" }), "Function not found: arn:aws:lambda:eu-west-1:123456789012:function:gone:live")]
#[case("Invoke", json!({ "FunctionName": "gone" }), "Function not found: arn:aws:lambda:eu-west-1:123456789012:function:gone:$LATEST")]
#[case("DeleteFunction", json!({ "FunctionName": "gone" }), "Function not found: arn:aws:lambda:eu-west-1:123456789012:function:gone")]
#[case("UpdateFunctionCode", json!({ "FunctionName": "gone" }), "Function not found: arn:aws:lambda:eu-west-1:123456789012:function:gone")]
#[tokio::test]
async fn a_function_that_is_not_there_is_not_found(
    #[case] operation: &str,
    #[case] input: Value,
    #[case] message: &str,
) {
    let world = World::new().await;
    is(&world.refusal(operation, input).await, 404, "ResourceNotFoundException", message);
}

#[tokio::test]
async fn a_deleted_function_is_gone_with_its_code() {
    let world = World::new().await;
    world.create(json!({})).await;
    let code = world.directory.path().join("work/lambda/code");
    assert_eq!(std::fs::read_dir(&code).unwrap().count(), 1);
    let reply = world.call("DeleteFunction", orders()).await.unwrap();
    assert_eq!(reply.status, Some(204));
    assert_eq!(world.refusal("GetFunction", orders()).await.status, 404);
    assert_eq!(std::fs::read_dir(&code).unwrap().count(), 0);
}

#[tokio::test]
async fn an_empty_network_takes_the_function_out_of_it() {
    let world = World::new().await;
    world.create(network("subnet-1", "sg-1")).await;
    let none = json!({ "VpcConfig": { "SubnetIds": [], "SecurityGroupIds": [] } });
    world.fields("UpdateFunctionConfiguration", with(orders(), none)).await;
    let settled = world.settled().await;
    assert_eq!(settled["VpcConfig"]["VpcId"], "");
    assert_eq!(settled["VpcConfig"]["SubnetIds"], json!([]));
}

#[tokio::test]
async fn tags_are_set_listed_and_removed_by_arn() {
    let world = World::new().await;
    world.create(json!({})).await;
    let of = |changes: Value| with(json!({ "Resource": ARN }), changes);
    let tags = of(json!({ "Tags": { "a": "1", "b": "2" } }));
    assert_eq!(world.call("TagResource", tags).await.unwrap().status, Some(204));
    world.call("UntagResource", of(json!({ "TagKeys": ["a"] }))).await.unwrap();
    assert_eq!(world.fields("ListTags", of(json!({}))).await, json!({ "Tags": { "b": "2" } }));
    let qualified = json!({ "Resource": format!("{ARN}:live"), "Tags": { "a": "1" } });
    is(
        &world.refusal("TagResource", qualified).await,
        400,
        "InvalidParameterValueException",
        "Tags on function aliases and versions are not supported. Please specify a function ARN.",
    );
}

/// <https://docs.aws.amazon.com/lambda/latest/dg/durable-functions.html>,
/// <https://docs.aws.amazon.com/lambda/latest/dg/tenant-isolation.html>
#[rstest]
#[case("DurableConfig", json!({ "ExecutionTimeout": 900, "RetentionPeriodInDays": 7 }))]
#[case("TenancyConfig", json!({ "TenantIsolationMode": "PER_TENANT" }))]
#[tokio::test]
async fn what_is_not_run_is_made_and_shown_and_told_at_its_invocation(
    #[case] member: &str,
    #[case] value: Value,
) {
    let world = World::new().await;
    let created = world.create(json!({ member: value })).await;
    assert_eq!(created[member], value);
    let error = world.refusal("Invoke", orders()).await;
    assert_eq!((error.status, &*error.code), (501, "NotImplementedException"));
    let expected = format!(
        "running a function with `{member}` is not built in this Lambda; nothing was changed"
    );
    assert_eq!(error.message, expected);
}
