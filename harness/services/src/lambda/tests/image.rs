//! Functions of container images: made, shown, and not run.

use rstest::rstest;
use serde_json::{Value, json};

use super::support::{ROLE, World, orders, with};

const URI: &str = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/orders:1";

fn creation(uri: &str) -> Value {
    json!({
        "FunctionName": "orders", "Role": ROLE, "PackageType": "Image",
        "Code": { "ImageUri": uri }, "ImageConfig": { "Command": ["app.handler"] },
    })
}

#[tokio::test]
async fn a_function_of_an_image_is_made_and_shown_and_its_run_refused_by_name() {
    let world = World::new().await;
    let made = world.fields("CreateFunction", creation(URI)).await;
    assert_eq!((&made["PackageType"], &made["CodeSize"]), (&json!("Image"), &json!(0)));
    assert_eq!((made.get("Runtime"), made.get("Handler")), (None, None));
    let config = json!({ "ImageConfig": { "Command": ["app.handler"] } });
    assert_eq!(made["ImageConfigResponse"], config);
    world.settled().await;
    let shown = world.fields("GetFunction", orders()).await;
    let code = json!({ "RepositoryType": "ECR", "ImageUri": URI, "ResolvedImageUri": URI });
    assert_eq!(shown["Code"], code);
    let error = world.refusal("Invoke", orders()).await;
    assert_eq!((error.status, &*error.code), (501, "NotImplementedException"));
    let expected = format!(
        "running the container image `{URI}` is not built in this Lambda; nothing was changed"
    );
    assert_eq!(error.message, expected);
    let next = URI.replace(":1", ":2");
    let update = with(orders(), json!({ "ImageUri": next }));
    world.fields("UpdateFunctionCode", update).await;
    world.settled().await;
    let shown = world.fields("GetFunction", orders()).await;
    assert_eq!(shown["Code"]["ImageUri"], next);
    let error = world.refusal("UpdateFunctionCode", with(orders(), json!({ "ZipFile": "" }))).await;
    let expected = "Please provide ImageUri when updating a function with packageType Image.";
    assert_eq!(error.message, expected);
}

/// <https://docs.aws.amazon.com/lambda/latest/dg/images-create.html>: Lambda adds
/// its statement where whoever makes the function may.
#[rstest]
#[case("ecr GetRepositoryPolicy")]
#[case("ecr SetRepositoryPolicy")]
#[tokio::test]
async fn an_image_that_lambda_may_not_pull_makes_no_function(#[case] denied: &'static str) {
    let world = World::new().await;
    world.deny(denied);
    let error = world.refusal("CreateFunction", creation(URI)).await;
    assert_eq!((error.status, &*error.code), (403, "AccessDeniedException"));
    let expected =
        "Lambda does not have permission to access the ECR image. Check the ECR permissions.";
    assert_eq!(error.message, expected);
    assert!(world.lambda.function("orders").is_none(), "nothing was made");
    world.allow(denied);
    world.fields("CreateFunction", creation(URI)).await;
    let sent = world.upstream.state.lock().unwrap().sent.clone();
    let [(_, input)] = sent.as_slice() else { panic!("{sent:?}") };
    assert_eq!(input["repositoryName"], "team/orders");
    let policy: Value = serde_json::from_str(input["policyText"].as_str().unwrap()).unwrap();
    let statements = policy["Statement"].as_array().unwrap();
    assert_eq!((statements.len(), &statements[0]["Sid"]), (2, &json!("own")));
    assert_eq!(statements[1]["Principal"], json!({ "Service": "lambda.amazonaws.com" }));
    // Who makes the next needs neither: Lambda may pull now.
    world.deny(denied);
    world.asked();
    world.fields("CreateFunction", with(creation(URI), json!({ "FunctionName": "other" }))).await;
    let asked = world.asked();
    assert!(asked.contains(&"ecr BatchGetImage as lambda.amazonaws.com".to_owned()), "{asked:?}");
    assert!(!asked.iter().any(|it| it.contains("Policy")), "{asked:?}");
}

#[rstest]
#[case(
    creation("orders:latest"),
    400,
    "Source image orders:latest is not valid. Provide a valid source image."
)]
#[case(
    creation("123456789012.dkr.ecr.eu-west-1.amazonaws.com/gone:1"),
    400,
    "Source image 123456789012.dkr.ecr.eu-west-1.amazonaws.com/gone:1 does not exist. Provide a valid source image."
)]
#[case(
    creation("999999999999.dkr.ecr.eu-west-1.amazonaws.com/a:1"),
    501,
    "a container image of another account or region is not built in this Lambda; nothing was changed"
)]
#[case(with(creation(URI), json!({ "Handler": "app.handler" })), 400, "Runtime, Handler and Layers are not supported for functions created with container images.")]
#[case(with(creation(URI), json!({ "Code": {} })), 400, "Please provide a source for function code.")]
#[case(with(creation(URI), json!({ "PackageType": "Zip" })), 400, "Please don't provide ImageUri when creating a function with packageType Zip.")]
#[tokio::test]
async fn a_wrong_image_is_refused(
    #[case] input: Value,
    #[case] status: u16,
    #[case] message: &str,
) {
    let world = World::new().await;
    let error = world.refusal("CreateFunction", input).await;
    assert_eq!((error.status, &*error.message), (status, message));
    assert!(world.lambda.function("orders").is_none(), "nothing was made");
}
