//! Versions, aliases, permissions and URLs.

use rstest::rstest;
use serde_json::{Value, json};

use super::support::{ARN, World, orders, with, zipped};
use crate::lambda::UrlHost;

#[tokio::test]
async fn an_unchanged_function_publishes_the_same_version() {
    let world = World::new().await;
    world.create(json!({})).await;
    let first = world.fields("PublishVersion", orders()).await;
    assert_eq!(first["Version"], "1");
    assert_eq!(first["FunctionArn"], format!("{ARN}:1"));
    assert_eq!(first["State"], "Active");
    assert_eq!(world.fields("PublishVersion", orders()).await["Version"], "1");
    let code = with(orders(), json!({ "ZipFile": zipped("#!/bin/sh\n"), "Publish": true }));
    let published = world.fields("UpdateFunctionCode", code).await;
    assert_eq!(published["Version"], "2");
    assert_eq!(published["State"], "Pending");
    world.settled().await;
    let second = with(orders(), json!({ "Qualifier": "2" }));
    assert_eq!(world.fields("GetFunctionConfiguration", second).await["State"], "Active");
    let listed = world.fields("ListVersionsByFunction", orders()).await;
    let versions: Vec<&Value> =
        listed["Versions"].as_array().unwrap().iter().map(|it| &it["Version"]).collect();
    assert_eq!(versions, ["$LATEST", "1", "2"]);
    assert_ne!(first["CodeSha256"], published["CodeSha256"]);
}

#[tokio::test]
async fn an_expected_hash_that_differs_stops_a_publication() {
    let world = World::new().await;
    let present = world.create(json!({})).await["CodeSha256"].as_str().unwrap().to_owned();
    let error = world.refusal("PublishVersion", with(orders(), json!({ "CodeSha256": "x" }))).await;
    assert_eq!(error.code, "InvalidParameterValueException");
    assert_eq!(
        error.message,
        format!(
            "CodeSHA256 (x) is different from current CodeSHA256 in $LATEST ({present}). Please \
             try again with the CodeSHA256 in $LATEST."
        )
    );
    world.fields("PublishVersion", with(orders(), json!({ "CodeSha256": present }))).await;
}

#[tokio::test]
async fn an_alias_names_a_version_and_keeps_it_from_deletion() {
    let world = World::new().await;
    world.create(json!({})).await;
    world.fields("PublishVersion", orders()).await;
    let live = with(orders(), json!({ "Name": "live", "FunctionVersion": "1" }));
    let created = world.fields("CreateAlias", live.clone()).await;
    assert_eq!(created["AliasArn"], format!("{ARN}:live"));
    assert_eq!(created["Description"], "");
    let error = world.refusal("CreateAlias", live).await;
    assert_eq!((error.status, error.message), (409, format!("Alias already exists: {ARN}:live")));
    let shown =
        world.fields("GetFunctionConfiguration", json!({ "FunctionName": "orders:live" })).await;
    assert_eq!(
        (&shown["FunctionArn"], &shown["Version"]),
        (&json!(format!("{ARN}:live")), &json!("1"))
    );
    let version = with(orders(), json!({ "Qualifier": "1" }));
    let error = world.refusal("DeleteFunction", version.clone()).await;
    assert_eq!(error.message, "Version 1 of the function is referenced by aliases [\"live\"].");
    world.call("DeleteAlias", with(orders(), json!({ "Name": "live" }))).await.unwrap();
    world.call("DeleteFunction", version.clone()).await.unwrap();
    assert_eq!(
        world.refusal("GetFunction", version).await.message,
        format!("Function not found: {ARN}:1")
    );
    let gone = with(orders(), json!({ "Name": "live" }));
    assert_eq!(
        world.refusal("GetAlias", gone).await.message,
        format!("Cannot find alias arn: {ARN}:live")
    );
}

#[rstest]
#[case::service(json!({ "Principal": "apigateway.amazonaws.com", "SourceArn": "arn:aws:execute-api:eu-west-1:123456789012:api/*/GET/a" }),
    json!({ "Principal": { "Service": "apigateway.amazonaws.com" }, "Condition": { "ArnLike": { "AWS:SourceArn": "arn:aws:execute-api:eu-west-1:123456789012:api/*/GET/a" } } }))]
#[case::account(json!({ "Principal": "210987654321" }), json!({ "Principal": { "AWS": "arn:aws:iam::210987654321:root" } }))]
#[case::everybody(json!({ "Principal": "*", "PrincipalOrgID": "o-abcdefghij" }),
    json!({ "Principal": "*", "Condition": { "StringEquals": { "aws:PrincipalOrgID": "o-abcdefghij" } } }))]
#[case::url(json!({ "Principal": "*", "Action": "lambda:InvokeFunctionUrl", "FunctionUrlAuthType": "NONE" }),
    json!({ "Principal": "*", "Action": "lambda:InvokeFunctionUrl", "Condition": { "StringEquals": { "lambda:FunctionUrlAuthType": "NONE" } } }))]
#[case::confused_deputy(json!({ "Principal": "s3.amazonaws.com", "SourceArn": "arn:aws:s3:::b", "SourceAccount": "123456789012" }),
    json!({ "Principal": { "Service": "s3.amazonaws.com" }, "Condition": { "StringEquals": { "AWS:SourceAccount": "123456789012" }, "ArnLike": { "AWS:SourceArn": "arn:aws:s3:::b" } } }))]
#[tokio::test]
async fn a_permission_is_written_as_on_aws(#[case] given: Value, #[case] written: Value) {
    let world = World::new().await;
    world.create(json!({})).await;
    let base =
        json!({ "FunctionName": "orders", "StatementId": "s", "Action": "lambda:InvokeFunction" });
    let expected = with(
        json!({ "Sid": "s", "Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": ARN }),
        written,
    );
    let added = world.fields("AddPermission", with(base, given)).await;
    let statement: Value = serde_json::from_str(added["Statement"].as_str().unwrap()).unwrap();
    assert_eq!(statement, expected);
    let policy: Value =
        serde_json::from_str(&world.lambda.function_policy("orders", None).unwrap()).unwrap();
    assert_eq!(
        policy,
        json!({ "Version": "2012-10-17", "Id": "default", "Statement": [expected] })
    );
}

#[tokio::test]
async fn permissions_belong_to_their_qualifier() {
    let world = World::new().await;
    world.create(json!({})).await;
    world.fields("PublishVersion", orders()).await;
    world
        .fields("CreateAlias", with(orders(), json!({ "Name": "live", "FunctionVersion": "1" })))
        .await;
    let permission = json!({
        "FunctionName": "orders", "StatementId": "s", "Action": "lambda:InvokeFunction",
        "Principal": "events.amazonaws.com",
    });
    let on = |qualifier: &str| with(permission.clone(), json!({ "Qualifier": qualifier }));
    world.fields("AddPermission", on("live")).await;
    assert!(world.lambda.function_policy("orders", Some("live")).unwrap().contains(":live\""));
    assert_eq!(world.lambda.function_policy("orders", None), None);
    let error = world.refusal("AddPermission", on("live")).await;
    assert_eq!((error.status, &*error.code), (409, "ResourceConflictException"));
    assert_eq!(
        error.message,
        "The statement id (s) provided already exists. Please provide a new statement id, or \
         remove the existing statement."
    );
    assert_eq!(
        world.refusal("AddPermission", on("$LATEST")).await.message,
        "We currently do not support adding policies for $LATEST."
    );
    assert_eq!(
        world.refusal("AddPermission", on("other")).await.message,
        format!("Cannot find alias arn: {ARN}:other")
    );
    let nobody = with(permission.clone(), json!({ "Principal": "nobody" }));
    assert_eq!(
        world.refusal("AddPermission", nobody).await.message,
        "The provided principal was invalid. Please check the principal and try again."
    );
    assert_eq!(
        world.refusal("GetPolicy", orders()).await.message,
        "The resource you requested does not exist."
    );
    let removal = json!({ "FunctionName": "orders", "StatementId": "s", "Qualifier": "live" });
    world.call("RemovePermission", removal.clone()).await.unwrap();
    assert_eq!(
        world.refusal("RemovePermission", removal).await.message,
        "No policy is associated with the given resource."
    );
}

#[tokio::test]
async fn a_url_belongs_to_a_function_and_is_found_by_its_host() {
    let world = World::new().await;
    world.create(json!({})).await;
    let input = with(orders(), json!({ "AuthType": "AWS_IAM" }));
    let created = world.fields("CreateFunctionUrlConfig", input.clone()).await;
    let url: ::url::Url = created["FunctionUrl"].as_str().unwrap().parse().unwrap();
    assert_eq!(url.port(), world.setting.endpoint().unwrap().port());
    assert_eq!(created.get("InvokeMode"), None);
    let shown = world.fields("GetFunctionUrlConfig", orders()).await;
    assert_eq!(shown["InvokeMode"], "BUFFERED");
    let Some(UrlHost::Served(target)) = world.lambda.url_of_host(url.host_str().unwrap()) else {
        panic!("the URL leads nowhere");
    };
    assert_eq!((&*target.function, &*target.auth_type), ("orders", "AWS_IAM"));
    let aws = format!("{}.lambda-url.eu-west-1.on.aws", target.url_id);
    assert_eq!(world.lambda.url_of_host(&aws), Some(UrlHost::Served(target.clone())));
    let local = format!("{}.lambda-url.eu-west-1.localhost:4566", target.url_id);
    assert_eq!(world.lambda.url_of_host(&local), Some(UrlHost::Served(target.clone())));
    let elsewhere = format!("{}.lambda-url.us-east-1.on.aws", target.url_id);
    assert_eq!(world.lambda.url_of_host(&elsewhere), None);
    let unknown = world.lambda.url_of_host("x.lambda-url.localhost");
    assert_eq!(unknown, Some(UrlHost::Unknown));
    assert_eq!(world.lambda.function_url_auth_type("orders", None).as_deref(), Some("AWS_IAM"));
    let error = world.refusal("CreateFunctionUrlConfig", input).await;
    assert_eq!(
        error.message,
        format!(
            "Failed to create function url config for [functionArn = {ARN}]. Error message:  \
             FunctionUrlConfig exists for this Lambda function"
        )
    );
    world.fields("UpdateFunctionUrlConfig", with(orders(), json!({ "AuthType": "NONE" }))).await;
    assert_eq!(world.fields("GetFunctionUrlConfig", orders()).await["AuthType"], "NONE");
    world.call("DeleteFunctionUrlConfig", orders()).await.unwrap();
    let deleted = world.lambda.url_of_host(url.host_str().unwrap());
    assert_eq!(deleted, Some(UrlHost::Deleted));
    assert_eq!(
        world.refusal("GetFunctionUrlConfig", orders()).await.message,
        "The resource you requested does not exist."
    );
}

#[tokio::test]
async fn lists_are_paged() {
    let world = World::new().await;
    world.create(json!({})).await;
    for name in ["a", "b", "c"] {
        let alias = json!({ "Name": name, "FunctionVersion": "$LATEST" });
        world.fields("CreateAlias", with(orders(), alias)).await;
    }
    let first = world.fields("ListAliases", with(orders(), json!({ "MaxItems": 2 }))).await;
    assert_eq!(first["Aliases"].as_array().unwrap().len(), 2);
    let next = json!({ "MaxItems": 2, "Marker": first["NextMarker"] });
    let second = world.fields("ListAliases", with(orders(), next)).await;
    assert_eq!(second["Aliases"][0]["Name"], "c");
    assert_eq!(second.get("NextMarker"), None);
}
