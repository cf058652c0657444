//! Names of secrets and parameters, and what is said of them.

use rstest::rstest;

use super::*;

type Told = Result<Value, (u16, String, String)>;

async fn call(stage: &Stage, service: Service, operation: &str, input: Value) -> Told {
    let answer = stage.client.call(&root(), service, operation, input).await;
    answer.map_err(|error| (error.status, error.code.into_owned(), error.message))
}

fn refused(status: u16, code: &str, text: &str) -> Told {
    Err((status, code.to_owned(), text.to_owned()))
}

/// LocalStack's `test_invalid_secret_name`.
#[rstest]
#[case("CreateSecret", json!({"Name": "Inv Name", "SecretString": "x"}))]
#[case("DescribeSecret", json!({"SecretId": " Inv Name"}))]
#[case("TagResource", json!({"SecretId": "Inv*Name?", "Tags": []}))]
#[tokio::test]
async fn a_secret_has_a_name_of_its_form(#[case] operation: &str, #[case] input: Value) {
    let stage = Stage::new().await;
    let text = "Invalid name. Must be a valid name containing alphanumeric characters, or any of \
                the following: -/_+=.@!";
    let told = call(&stage, Service::SecretsManager, operation, input).await;
    assert_eq!(told, refused(400, "ValidationException", text));
}

/// What moto says, and what AWS was recorded to say.
#[rstest]
#[case::none("GetSecretValue", false, (404, "ResourceNotFoundException", "gone"), ("ResourceNotFoundException", "gone"))]
#[case::twice(
    "CreateSecret",
    false,
    (400, "ResourceExistsException", "A resource with the ID you requested already exists."),
    ("ResourceExistsException", "The operation failed because the secret s already exists.")
)]
#[case::twice_and_marked(
    "CreateSecret",
    true,
    (400, "ResourceExistsException", "A resource with the ID you requested already exists."),
    ("InvalidRequestException", "You can't create this secret because a secret with this name is already scheduled for deletion.")
)]
#[case::marked(
    "GetSecretValue",
    true,
    (400, "InvalidRequestException", "An error occurred (InvalidRequestException) when calling the GetSecretValue operation: You tried to perform the operation on a secret that's currently marked deleted."),
    ("InvalidRequestException", "You can't perform this operation on the secret because it was marked for deletion.")
)]
#[tokio::test]
async fn secrets_manager_says_it_in_its_words(
    #[case] operation: &str,
    #[case] is_marked: bool,
    #[case] (status, code, text): (u16, &str, &str),
    #[case] wanted: (&str, &str),
) {
    let stage = Stage::new().await;
    let mut described = json!({"ARN": "arn:aws:secretsmanager:eu-central-1:123456789012:secret:s-abcdef",
        "Name": "s"});
    if is_marked {
        described["DeletedDate"] = 1_700_000_000.into();
    }
    stage.upstream.answers("secretsmanager.DescribeSecret", 200, &described);
    let told = json!({"__type": code, "message": text});
    stage.upstream.answers(&format!("secretsmanager.{operation}"), status, &told);
    let input = match operation {
        "CreateSecret" => json!({"Name": "s", "SecretString": "x"}),
        _ => json!({"SecretId": "s"}),
    };
    let told = call(&stage, Service::SecretsManager, operation, input).await;
    assert_eq!(told, refused(400, wanted.0, wanted.1));
}

/// LocalStack's `test_tag_untag_resource_on_deleted_secret`.
#[rstest]
#[case(true)]
#[case(false)]
#[tokio::test]
async fn a_secret_that_is_to_be_deleted_takes_no_tags(#[case] is_marked: bool) {
    let stage = Stage::new().await;
    let mut described =
        json!({"ARN": "arn:aws:secretsmanager:eu-central-1:123456789012:secret:s-abcdef"});
    if is_marked {
        described["DeletedDate"] = 1_700_000_000.into();
    }
    stage.upstream.answers("secretsmanager.DescribeSecret", 200, &described);
    stage.upstream.answers("secretsmanager.UntagResource", 200, &json!({}));
    let input = json!({"SecretId": "s", "TagKeys": ["a"]});
    let told = call(&stage, Service::SecretsManager, "UntagResource", input).await;
    let text = "You can't perform this operation on the secret because it was marked for deletion.";
    assert_eq!(told.is_err(), is_marked, "{told:?}");
    if is_marked {
        assert_eq!(told, refused(400, "InvalidRequestException", text));
    }
}

/// LocalStack's `test_update_secret_description` and `test_deprecated_secret_version_stage`.
#[tokio::test]
async fn versions_without_labels_are_not_shown_and_arns_are() {
    let stage = Stage::new().await;
    let arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:s-abcdef";
    let described = json!({"ARN": arn, "VersionIdsToStages": {"1": [], "2": ["AWSCURRENT"]}});
    stage.upstream.answers("secretsmanager.DescribeSecret", 200, &described);
    let listed = json!({"ARN": "s", "Name": "s", "Versions": []});
    stage.upstream.answers("secretsmanager.ListSecretVersionIds", 200, &listed);
    let of = json!({"SecretId": "s"});
    let told = call(&stage, Service::SecretsManager, "DescribeSecret", of.clone()).await.unwrap();
    assert_eq!(told["VersionIdsToStages"], json!({"2": ["AWSCURRENT"]}));
    let told = call(&stage, Service::SecretsManager, "ListSecretVersionIds", of).await.unwrap();
    assert_eq!(told["ARN"], arn);
}

/// LocalStack's `test_hierarchical_parameter`.
#[rstest]
#[case("/a//b", false)]
#[case("a/b", false)]
#[case("/a/b", true)]
#[case("a", true)]
#[tokio::test]
async fn a_parameter_has_a_name_of_its_form(#[case] name: &str, #[case] is_one: bool) {
    let stage = Stage::new().await;
    stage.upstream.answers("AmazonSSM.GetParameter", 200, &json!({"Parameter": {"Name": name}}));
    let told = call(&stage, Service::Ssm, "GetParameter", json!({"Name": name})).await;
    assert_eq!(told.is_ok(), is_one, "{told:?}");
    if let Err((status, code, text)) = told {
        assert_eq!((status, &*code), (400, "ValidationException"));
        assert!(text.contains("sub-paths divided by slash symbol"), "{text}");
    }
}

/// LocalStack's `test_put_parameters` and `test_get_secret_parameter`.
#[rstest]
#[case("/p", "p", "/p")]
#[case("/aws/reference/secretsmanager/s", "s", "/aws/reference/secretsmanager/s")]
#[case("/a/p", "/a/p", "/a/p")]
#[tokio::test]
async fn a_parameter_is_named_as_it_is_asked_for(
    #[case] asked: &str,
    #[case] told: &str,
    #[case] wanted: &str,
) {
    let stage = Stage::new().await;
    let one = json!({"Name": told, "Value": "v"});
    stage.upstream.answers("AmazonSSM.GetParameter", 200, &json!({"Parameter": one}));
    stage.upstream.answers("AmazonSSM.GetParameters", 200, &json!({"Parameters": [one]}));
    stage.upstream.answers(
        "secretsmanager.DescribeSecret",
        200,
        &json!({"ARN": "arn:aws:secretsmanager:eu-central-1:123456789012:secret:s-abcdef"}),
    );
    let answer = call(&stage, Service::Ssm, "GetParameter", json!({"Name": asked})).await.unwrap();
    assert_eq!(answer["Parameter"]["Name"], wanted);
    let answer = call(&stage, Service::Ssm, "GetParameters", json!({"Names": [asked]})).await;
    assert_eq!(answer.unwrap()["Parameters"][0]["Name"], wanted);
}

/// LocalStack's `test_raise_invalid_launch_template_name`,
/// `test_raise_when_launch_template_data_missing` and `test_ec2_flow_logs_s3_validation`.
#[rstest]
#[case("CreateLaunchTemplate", json!({"LaunchTemplateName": "an illegal name", "LaunchTemplateData": {"EbsOptimized": true}}), "InvalidLaunchTemplateName.MalformedException", "A launch template name must be between 3 and 128 characters, and may contain letters, numbers, and the following characters: - ( ) . / _.")]
#[case("CreateLaunchTemplate", json!({"LaunchTemplateName": "own"}), "MissingParameter", "The request must contain the parameter LaunchTemplateData")]
#[case("CreateFlowLogs", json!({"LogGroupName": "g", "LogDestination": "arn:aws:s3:::b", "LogDestinationType": "s3"}), "InvalidParameter", "Please only provide LogGroupName or only provide LogDestination.")]
#[case("CreateFlowLogs", json!({"LogGroupName": "g", "LogDestinationType": "s3"}), "InvalidParameter", "LogDestination type must be cloud-watch-logs if LogGroupName is provided.")]
#[case("CreateFlowLogs", json!({"LogDestinationType": "s3"}), "InvalidParameter", "LogDestination can't be empty if LogGroupName is not provided.")]
fn ec2_refuses(
    #[case] operation: &str,
    #[case] input: Value,
    #[case] code: &str,
    #[case] text: &str,
) {
    let call = ringfence_wire::Call {
        operation: ringfence_wire::Operation::find(Service::Ec2, operation).unwrap(),
        region: "eu-central-1".into(),
        input: input.as_object().cloned().unwrap(),
        payload: None,
    };
    let error = crate::checks::ec2::check(&call).unwrap_err();
    assert_eq!((error.status, &*error.code, &*error.message), (400, code, text));
}
