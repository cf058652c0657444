//! What the overrides say reaches the models. That they name what is there is
//! `build.rs`'s to see: another stops the build.

use ringfence_models::{Kind, Location, Operation, Protocol, Service, actions};
use rstest::rstest;

fn needed(service: &str, operation: &str) -> Option<Vec<String>> {
    let operation = Service::of(service)?.operation(operation)?;
    let actions = operation.actions.as_ref()?;
    Some(actions.iter().map(ToString::to_string).collect())
}

#[rstest]
#[case("sqs", "SendMessage", &["sqs:SendMessage"])]
#[case("sqs", "SendMessageBatch", &["sqs:SendMessage"])]
#[case("docdb", "CreateDBCluster", &["rds:CreateDBCluster"])]
#[case("stepfunctions", "StartExecution", &["states:StartExecution"])]
#[case("cloudwatch", "PutMetricAlarm", &["cloudwatch:PutMetricAlarm"])]
#[case("resourcegroupstaggingapi", "GetResources", &["tag:GetResources"])]
#[case("apigateway", "CreateDeployment", &["apigateway:POST"])]
#[case("apigatewayv2", "UpdateRoute", &["apigateway:PATCH"])]
// Evaluated by the role's trust policy, though nobody signs the call.
#[case("sts", "AssumeRoleWithWebIdentity", &["sts:AssumeRoleWithWebIdentity"])]
#[case("sso", "GetRoleCredentials", &[])]
fn an_operation_knows_its_actions(
    #[case] service: &str,
    #[case] operation: &str,
    #[case] actions: &[&str],
) {
    assert_eq!(needed(service, operation).unwrap(), actions);
}

#[test]
fn what_no_source_tells_is_not_known() {
    for (service, operation) in [("s3", "ListObjectsV2"), ("iotthingsgraph", "CreateFlowTemplate")]
    {
        assert!(Service::of(service).unwrap().operation(operation).is_some());
        assert_eq!(needed(service, operation), None);
    }
}

#[test]
fn bodies_and_hosts_are_bounded_where_a_file_says_so() {
    assert_eq!(Service::Lambda.body_limit(), Some(70_167_211));
    assert_eq!(Service::Iam.body_limit(), None);
    let elsewhere: Vec<&str> =
        Service::S3.model().operations.iter().filter(|it| it.elsewhere).map(|it| it.name).collect();
    assert_eq!(elsewhere, ["ListDirectoryBuckets", "WriteGetObjectResponse"]);
}

#[test]
fn members_know_their_names_and_places() {
    let operation = Operation::find(Service::ApiGatewayV2, "CreateRoute").unwrap();
    let member = operation.member("AuthorizationType").unwrap();
    assert_eq!((member.wire, member.location), ("authorizationType", Location::Body));
    assert_eq!(operation.member("ApiId").unwrap().location, Location::Uri);
    assert_eq!(operation.status, 201);

    // By `queryName`, by `locationName` with its first letter in upper case.
    let ec2 = |operation: &str| {
        let operation = Operation::find(Service::Ec2, operation).unwrap();
        operation.members.iter().map(|member| member.name).collect::<Vec<_>>()
    };
    assert!(ec2("CreateVpc").contains(&"TagSpecification"));
    assert!(!ec2("CreateVpc").contains(&"TagSpecifications"));
    assert!(ec2("CreateVpc").contains(&"AmazonProvidedIpv6CidrBlock"));

    let put = Operation::find(Service::S3, "PutObject").unwrap();
    assert_eq!(put.payload().map(|member| (member.name, member.kind)), Some(("Body", Kind::Blob)));
    let text = Operation::find(Service::S3, "SelectObjectContent").unwrap();
    assert_eq!(text.path(), "/{Bucket}/{Key+}");
    assert_eq!(text.fixed_query().collect::<Vec<_>>(), [("select", ""), ("select-type", "2")]);
}

#[test]
fn a_service_speaks_all_that_its_model_lists() {
    let cloudwatch = Service::of("cloudwatch").unwrap();
    assert_eq!(cloudwatch.protocols(), [Protocol::Cbor, Protocol::Json, Protocol::Query]);
    assert_eq!(cloudwatch.signing_name(), "monitoring");
    assert_eq!(Service::by_target_prefix("AmazonSSM"), [Service::Ssm]);
    assert_eq!(Service::by_api_version("2011-06-15"), [Service::Sts]);
    assert!(Service::by_api_version("2011-11-05").is_empty());
    let rds = ["docdb", "neptune", "rds"].map(|id| Service::of(id).unwrap());
    assert_eq!(Service::by_signing_name("rds"), rds);
    assert_eq!(Service::by_iam_prefix("rds"), rds);
}

#[test]
fn actions_know_their_resources_and_dependents() {
    let create = actions::action("lambda:CreateFunction").unwrap();
    assert_eq!(create.dependent, ["iam:PassRole", "lambda:PassCapacityProvider"]);
    assert!(actions::action("s3:ListAllMyBuckets").unwrap().takes_only_everything());
    assert!(!actions::action("s3:GetObject").unwrap().takes_only_everything());
    let hook = actions::action("codedeploy:PutLifecycleEventHookExecutionStatus").unwrap();
    let types: Vec<&str> = hook.resources.iter().map(|listed| listed.name).collect();
    assert_eq!(types, ["deploymentgroup"]);
    assert!(!hook.resources.iter().any(|listed| listed.required));
    assert!(actions::action("codedeploy:StopDeployment").unwrap().takes_only_everything());
    assert!(actions::action("iam:CreateRole").unwrap().access.contains(&actions::Access::Write));
    for prefix in ["iam", "LAMBDA", "sagemaker"] {
        assert!(actions::is_prefix(prefix) && actions::of(prefix).is_some(), "{prefix}");
    }
    for prefix in actions::all_prefixes() {
        assert!(actions::is_prefix(prefix), "{prefix}");
    }
    assert!(actions::is_prefix("DeepLens") && actions::of("deeplens").is_none());
    assert!(!actions::is_prefix("lambdaa") && !actions::is_prefix("apigatewayv2"));
    assert!(actions::of("apigatewayv2").is_none());
    assert!(actions::action("apigateway:POST").is_some());
}
