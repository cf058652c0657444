//! Layers, as LocalStack's TestLambdaLayer was recorded on AWS.

use std::io::{Cursor, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use rstest::rstest;
use serde_json::{Value, json};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::support::{World, creation, orders, with};

const ARN: &str = "arn:aws:lambda:eu-west-1:123456789012:layer:tools";

fn layer(files: &[(&str, &str)]) -> Value {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in files {
        writer.start_file(*name, SimpleFileOptions::default()).unwrap();
        writer.write_all(content.as_bytes()).unwrap();
    }
    let bytes = writer.finish().unwrap().into_inner();
    json!({ "LayerName": "tools", "Content": { "ZipFile": BASE64.encode(bytes) } })
}

fn version(number: i64) -> Value {
    json!({ "LayerName": "tools", "VersionNumber": number })
}

/// `test_layer_lifecycle`: numbers are never given twice.
#[tokio::test]
async fn a_layer_is_published_in_versions() {
    let world = World::new().await;
    let content = layer(&[("data.txt", "one")]);
    let made = with(
        content.clone(),
        json!({ "CompatibleRuntimes": ["python3.12"], "LicenseInfo": "MIT" }),
    );
    let first = world.fields("PublishLayerVersion", made).await;
    assert_eq!(first["LayerArn"], ARN);
    assert_eq!(first["LayerVersionArn"], format!("{ARN}:1"));
    assert_eq!((&first["Version"], &first["Description"]), (&json!(1), &json!("")));
    assert_eq!(first["CompatibleRuntimes"], json!(["python3.12"]));
    assert_eq!(first.get("CompatibleArchitectures"), None);
    assert_eq!(first["LicenseInfo"], "MIT");
    assert!(first["Content"]["Location"].as_str().unwrap().contains("/_lambda/snapshots/"));
    let mut shown = world.fields("GetLayerVersion", version(1)).await;
    shown["Content"]["Location"] = first["Content"]["Location"].clone();
    assert_eq!(shown, first);
    let by_arn = world.fields("GetLayerVersionByArn", json!({ "Arn": format!("{ARN}:1") })).await;
    assert_eq!(by_arn["LayerVersionArn"], first["LayerVersionArn"]);
    world.fields("PublishLayerVersion", content.clone()).await;
    let numbers = async || {
        let listed = world.fields("ListLayerVersions", json!({ "LayerName": "tools" })).await;
        let versions = listed["LayerVersions"].as_array().unwrap().clone();
        versions.iter().map(|it| it["Version"].as_u64().unwrap()).collect::<Vec<u64>>()
    };
    assert_eq!(numbers().await, [2, 1]);
    for number in [1, 2, 2] {
        assert_eq!(
            world.call("DeleteLayerVersion", version(number)).await.unwrap().status,
            Some(204)
        );
    }
    assert_eq!(numbers().await, Vec::<u64>::new());
    assert_eq!(world.fields("PublishLayerVersion", content).await["Version"], 3);
}

/// `test_layer_exceptions`, `test_layer_s3_content`: what a call says nothing of is
/// not shown, and what it says is empty is shown so.
#[tokio::test]
async fn an_empty_list_of_runtimes_is_shown() {
    let world = World::new().await;
    let content = layer(&[("data.txt", "one")]);
    let given = json!({ "CompatibleRuntimes": [], "CompatibleArchitectures": [] });
    let empty = world.fields("PublishLayerVersion", with(content.clone(), given)).await;
    assert_eq!(empty["CompatibleRuntimes"], json!([]));
    assert_eq!(empty["CompatibleArchitectures"], json!([]));
    let none = world.fields("PublishLayerVersion", content).await;
    assert_eq!(none.get("CompatibleRuntimes"), None);
}

/// `test_account_settings_total_code_size`
#[tokio::test]
async fn layers_count_for_the_accounts_code() {
    let world = World::new().await;
    let size = async || {
        let settings = world.fields("GetAccountSettings", json!({})).await;
        settings["AccountUsage"]["TotalCodeSize"].as_u64().unwrap()
    };
    let before = size().await;
    let made = world.fields("PublishLayerVersion", layer(&[("data.txt", "one")])).await;
    let archive = made["Content"]["CodeSize"].as_u64().unwrap();
    assert_eq!(size().await, before + archive);
    world.call("DeleteLayerVersion", version(1)).await.unwrap();
    assert_eq!(size().await, before);
}

/// `test_layer_exceptions`
#[tokio::test]
async fn lists_are_asked_for_runtimes_that_there_are_or_were() {
    let world = World::new().await;
    let asked = json!({ "CompatibleRuntime": "none", "CompatibleArchitecture": "mips" });
    let error = world.refusal("ListLayers", asked).await;
    assert_eq!((error.status, &*error.code), (400, "ValidationException"));
    let beginning = "2 validation errors detected: Value 'none' at 'compatibleRuntime' failed to \
                     satisfy constraint: Member must satisfy enum value set: [ruby3.5, ruby2.6, ";
    let end = "python3.6, python2.7]; Value 'mips' at 'compatibleArchitecture' failed to satisfy \
               constraint: Member must satisfy enum value set: [x86_64, arm64]";
    assert!(error.message.starts_with(beginning), "{}", error.message);
    assert!(error.message.ends_with(end), "{}", error.message);
    for runtime in ["python3.12", "python2.7"] {
        world.fields("ListLayers", json!({ "CompatibleRuntime": runtime })).await;
    }
}

/// `test_layer_exceptions`
#[rstest]
#[case(
    "GetLayerVersion",
    version(2),
    404,
    "ResourceNotFoundException",
    "The resource you requested does not exist."
)]
#[case(
    "GetLayerVersion",
    version(0),
    400,
    "InvalidParameterValueException",
    "Layer Version Cannot be less than 1"
)]
#[case("DeleteLayerVersion", version(-1), 400, "InvalidParameterValueException", "Layer Version Cannot be less than 1")]
#[case(
    "GetLayerVersionPolicy",
    version(1),
    404,
    "ResourceNotFoundException",
    "No policy is associated with the given resource."
)]
#[case(
    "GetLayerVersionPolicy",
    version(2),
    404,
    "ResourceNotFoundException",
    "Layer version arn:aws:lambda:eu-west-1:123456789012:layer:tools:2 does not exist."
)]
#[tokio::test]
async fn what_is_not_there_is_told_as_aws_does(
    #[case] operation: &str,
    #[case] input: Value,
    #[case] status: u16,
    #[case] code: &str,
    #[case] message: &str,
) {
    let world = World::new().await;
    world.fields("PublishLayerVersion", layer(&[("data.txt", "one")])).await;
    let error = world.refusal(operation, input).await;
    assert_eq!((error.status, &*error.code, &*error.message), (status, code, message));
}

/// `test_layer_policy_lifecycle`
#[tokio::test]
async fn a_version_has_a_policy_of_its_own() {
    let world = World::new().await;
    world.fields("PublishLayerVersion", layer(&[("data.txt", "one")])).await;
    let permission = with(
        version(1),
        json!({ "StatementId": "s1", "Action": "lambda:GetLayerVersion", "Principal": "*" }),
    );
    assert_eq!(world.lambda.layer_policy("tools", 1), None);
    let added = world.fields("AddLayerVersionPermission", permission.clone()).await;
    let written: Value = serde_json::from_str(added["Statement"].as_str().unwrap()).unwrap();
    let expected = json!({
        "Sid": "s1", "Effect": "Allow", "Principal": "*", "Action": "lambda:GetLayerVersion",
        "Resource": format!("{ARN}:1"),
    });
    assert_eq!(written, expected);
    let again = world.refusal("AddLayerVersionPermission", permission).await;
    assert_eq!((again.status, &*again.code), (409, "ResourceConflictException"));
    let shown = world.fields("GetLayerVersionPolicy", version(1)).await;
    let policy: Value = serde_json::from_str(shown["Policy"].as_str().unwrap()).unwrap();
    assert_eq!(policy["Statement"], json!([expected]));
    assert!(world.lambda.layer_policy("tools", 1).is_some());
    let named = with(version(1), json!({ "StatementId": "s1" }));
    assert_eq!(world.call("RemoveLayerVersionPermission", named).await.unwrap().status, Some(204));
    assert_eq!(world.lambda.layer_policy("tools", 1), None);
}

/// `test_layer_function_exceptions`
#[rstest]
#[case(json!([format!("{ARN}:9")]), "InvalidParameterValueException", "Layer version arn:aws:lambda:eu-west-1:123456789012:layer:tools:9 does not exist.")]
#[case(json!([format!("{ARN}:1"), format!("{ARN}:2")]), "InvalidParameterValueException", "Two different versions of the same layer are not allowed to be referenced in the same function. arn:aws:lambda:eu-west-1:123456789012:layer:tools:1 and arn:aws:lambda:eu-west-1:123456789012:layer:tools:2 are versions of the same layer.")]
#[case(json!(["arn:aws:lambda:eu-west-1:999999999999:layer:tools:1"]), "NotImplementedException", "a layer of another account is not built in this Lambda; nothing was changed")]
#[tokio::test]
async fn a_function_gets_only_layers_that_fit(
    #[case] layers: Value,
    #[case] code: &str,
    #[case] message: &str,
) {
    let world = World::new().await;
    world.fields("PublishLayerVersion", layer(&[("data.txt", "one")])).await;
    world.fields("PublishLayerVersion", layer(&[("data.txt", "two")])).await;
    let error =
        world.refusal("CreateFunction", with(creation(), json!({ "Layers": layers }))).await;
    assert_eq!((&*error.code, &*error.message), (code, message));
}

#[tokio::test]
async fn a_function_finds_its_layers_under_opt_also_when_they_were_deleted() {
    let world = World::new().await;
    let published =
        world.fields("PublishLayerVersion", layer(&[("data.txt", "of the layer")])).await;
    let arn = published["LayerVersionArn"].clone();
    let created = world.create(json!({ "Timeout": 20, "Layers": [arn] })).await;
    let size = published["Content"]["CodeSize"].clone();
    assert_eq!(created["Layers"], json!([{ "Arn": arn, "CodeSize": size }]));
    world.call("DeleteLayerVersion", version(1)).await.unwrap();
    let read = "import os, glob\nprint(open([p for p in ['/opt/data.txt'] + glob.glob(os.environ['LAMBDA_TASK_ROOT'] + '/../layers-*/data.txt') if os.path.exists(p)][0]).read())";
    let event = json!({ "do": "run", "facts": {}, "code": read });
    let invoked = world.invoke(event).await;
    assert_eq!(invoked.answer["said"], "of the layer\n");
    world.fields("UpdateFunctionConfiguration", with(orders(), json!({ "Layers": [] }))).await;
    assert_eq!(world.settled().await.get("Layers"), None);
    world.lambda.shutdown().await;
}
