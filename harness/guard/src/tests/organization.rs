//! Resource control policies, and what is known of the organization.

use ringfence_policy::Outcome;
use rstest::rstest;

use super::*;
use crate::recording::Overlay;
use crate::{GuardError, Membership};

const PATH: &str = "o-a1b2c3d4e5/r-ab12/ou-ab12-11111111/";
const SECRET: &str = "arn:aws:s3:::bucket/secret/*";

/// A resource control policy of one level.
fn policies(statements: &Value) -> Vec<Vec<(String, String)>> {
    let text = json!({"Version": "2012-10-17", "Statement": statements}).to_string();
    vec![vec![("perimeter".into(), text)]]
}

fn deny(action: &str, resource: &str, condition: Value) -> Value {
    let sid = action.replace(":*", "Perimeter");
    let mut statement = json!({"Sid": sid, "Effect": "Deny", "Principal": "*",
        "Action": action, "Resource": resource});
    if !condition.is_null() {
        statement["Condition"] = condition;
    }
    statement
}

async fn controlled(statements: Value) -> Stage {
    let policies = policies(&statements);
    Stage::configured(|config| config.resource_control = policies).await
}

async fn get(stage: &Stage, by: &Credentials, key: &str) -> Result<Value, ServiceError> {
    let input = json!({"Bucket": "bucket", "Key": key});
    stage.client.call(by, Service::S3, "GetObject", input).await
}

/// How often an object was read upstream.
fn arrived(stage: &Stage, key: &str) -> usize {
    let path = format!("/bucket/{key}");
    let state = stage.upstream.state.lock().unwrap();
    let reads = |seen: &&upstream::Seen| {
        let parts = &seen.parts;
        parts.method == "GET"
            && parts.uri.path() == path
            && parts.uri.query().is_none_or(|it| it == "x-id=GetObject")
    };
    state.seen.iter().filter(reads).count()
}

#[tokio::test]
async fn a_deny_of_the_resources_organization_is_told_in_aws_words() {
    let stage = controlled(json!([deny("s3:*", SECRET, Value::Null)])).await;
    let app = stage.role(&allow("*"));
    let error = get(&stage, &app, "secret/k").await.unwrap_err();
    assert_eq!((error.code.as_ref(), error.status), ("AccessDenied", 403));
    assert_eq!(
        error.message,
        "User: arn:aws:sts::123456789012:assumed-role/app/s is not authorized to perform: \
         s3:GetObject on resource: \"arn:aws:s3:::bucket/secret/k\" with an explicit deny in a resource \
         control policy"
    );
    assert_eq!(arrived(&stage, "secret/k"), 0);
    let entry = stage.last_entry();
    assert_eq!(entry.outcome, Ending::Denied);
    let check = &entry.checks[0];
    assert_eq!((check.outcome.as_str(), check.layer.as_str()), ("explicit_deny", "rcp"));
    let statement = &check.statements[0];
    assert_eq!(
        (statement.policy.as_str(), statement.sid.as_deref()),
        ("perimeter", Some("s3Perimeter"))
    );
    // The twin: another object.
    let _ = get(&stage, &app, "public/k").await;
    assert_eq!((stage.last_entry().outcome, arrived(&stage, "public/k")), (Ending::Allowed, 1));
}

/// Whoever asks: root, and nobody in particular.
#[tokio::test]
async fn everybody_is_bound() {
    let stage = controlled(json!([deny("s3:*", SECRET, Value::Null)])).await;
    let error = get(&stage, &root(), "secret/k").await.unwrap_err();
    assert!(
        error.message.ends_with("with an explicit deny in a resource control policy"),
        "{error}"
    );
    let _ = get(&stage, &root(), "public/k").await;
    assert_eq!(stage.last_entry().outcome, Ending::Allowed);
    let unsigned = async |key: &str| {
        reqwest::get(format!("{}bucket/{key}", stage.guard.endpoint())).await.unwrap().status()
    };
    assert_eq!(unsigned("secret/k").await, 403);
    assert_eq!(stage.last_entry().checks[0].layer, "rcp");
    assert_eq!(unsigned("public/k").await, 403);
    assert_eq!(stage.last_entry().checks[0].layer, "resource");
}

/// A service that the list of AWS's page does not have, a resource of another
/// account, and an action without a resource.
#[rstest]
#[case::a_service_without_support(Service::Iam, "GetRole", get_app(), Ending::Allowed)]
#[case::no_resource(Service::S3, "ListBuckets", json!({}), Ending::Denied)]
#[case::the_accounts_role(Service::Sts, "AssumeRole",
    json!({"RoleArn": "arn:aws:iam::123456789012:role/app", "RoleSessionName": "name"}), Ending::Denied)]
#[tokio::test]
async fn what_they_bind(
    #[case] service: Service,
    #[case] operation: &str,
    #[case] input: Value,
    #[case] ending: Ending,
) {
    let all = ["iam:*", "s3:*", "sts:*"].map(|action| deny(action, "*", Value::Null));
    let stage = controlled(json!(all)).await;
    let app = stage.role(&allow("*"));
    let _ = stage.client.call(&app, service, operation, input).await;
    let entry = stage.last_entry();
    assert_eq!(entry.outcome, ending, "{entry:?}");
    let layer = if ending == Ending::Denied { "rcp" } else { "identity" };
    assert_eq!(entry.checks.last().unwrap().layer, layer);
}

/// Not those of the resource's account: the guard has none of another's.
#[tokio::test]
async fn another_accounts_role_is_bound_by_other_policies() {
    let stage = controlled(json!([deny("sts:*", "*", Value::Null)])).await;
    let app = stage.role(&allow("*"));
    let input = json!({"RoleArn": "arn:aws:iam::999999999999:role/app", "RoleSessionName": "name"});
    stage.client.call(&app, Service::Sts, "AssumeRole", input).await.unwrap_err();
    assert_eq!(stage.last_entry().checks[0].layer, "resource");
}

#[tokio::test]
async fn nothing_of_the_management_account_is_bound() {
    for (management, ending) in [(ACCOUNT, Ending::Allowed), ("999999999999", Ending::Denied)] {
        let policies = policies(&json!([deny("s3:*", "*", Value::Null)]));
        let stage = Stage::configured(|config| {
            config.resource_control = policies;
            config.membership = Some(Membership::new(PATH, management).unwrap());
        })
        .await;
        let app = stage.role(&allow("*"));
        let _ = get(&stage, &app, "secret/k").await;
        assert_eq!(stage.last_entry().outcome, ending, "{management}");
    }
}

/// AWS's identity perimeter: nobody of another organization. Where nobody says
/// in which the account is, it is undecided.
#[rstest]
#[case::ours("o-a1b2c3d4e5", true, Ending::Allowed)]
#[case::another("o-zzzzzzzzzz", true, Ending::Denied)]
#[case::nobody_says("o-a1b2c3d4e5", false, Ending::Undecided)]
#[tokio::test]
async fn the_organization_is_known_where_it_is_stated(
    #[case] id: &str,
    #[case] stated: bool,
    #[case] ending: Ending,
    #[values("aws:PrincipalOrgID", "aws:ResourceOrgID")] key: &str,
) {
    let other = json!({"StringNotEqualsIfExists": {key: id}});
    let policies = policies(&json!([deny("s3:*", "*", other)]));
    let stage = Stage::configured(|config| {
        config.resource_control = policies;
        config.membership = stated.then(|| Membership::new(PATH, "999999999999").unwrap());
    })
    .await;
    let app = stage.role(&allow("*"));
    let _ = get(&stage, &app, "secret/k").await;
    assert_eq!(stage.last_entry().outcome, ending);
}

/// A guard rail that is taken away, as the mutants of a run have it.
#[tokio::test]
async fn what_was_denied_is_decided_again_without_them() {
    let stage = controlled(json!([deny("s3:*", SECRET, Value::Null)])).await;
    let app = stage.role(&allow("*"));
    get(&stage, &app, "secret/k").await.unwrap_err();
    let request = stage.last_entry().request_id.clone();
    let again = |overlay: Overlay| stage.guard.decide_again(&request, &overlay).unwrap()[0].outcome;
    assert_eq!(again(Overlay::none()), Outcome::ExplicitDeny);
    assert_eq!(again(Overlay::none().remove("rcp/0/0")), Outcome::Allow);
    let recorded = stage.guard.recording().unwrap().find(&request).unwrap();
    let decision = &recorded.inputs.decide(&Overlay::none())[0];
    let cited = recorded.inputs.cited(decision.layer, &decision.statements[0].policy).unwrap();
    assert_eq!(&*cited.slot, "rcp/0/0");
}

#[tokio::test]
async fn a_policy_that_organizations_would_not_store_starts_no_guard() {
    let upstream = Upstream::start().await;
    let directory = tempfile::tempdir().unwrap();
    let mut statement = deny("s3:*", "*", Value::Null);
    statement["Effect"] = "Allow".into();
    let resource_control = policies(&json!([statement]));
    let wrong = Config { resource_control, ..config(&upstream, &directory) };
    let error = Guard::start(wrong).await.unwrap_err();
    assert_eq!(error.to_string(), "the resource control policy `perimeter` is not valid");
    assert!(matches!(error, GuardError::ResourceControl { .. }));
}

/// Root's calls of a service whose permissions are not known are passed on, but
/// for those that the policies could deny.
#[rstest]
#[case::bound(
    "kms", "Encapsulate", json!({"KeyId": "k", "EncapsulationAlgorithm": "a"}), Ending::Refused
)]
#[case::not_bound("rekognition", "ListCollections", json!({}), Ending::Allowed)]
#[tokio::test]
async fn root_is_refused_what_they_could_deny(
    #[case] service: &str,
    #[case] operation: &str,
    #[case] input: Value,
    #[case] ending: Ending,
) {
    let service = Service::of(service).unwrap();
    for (statements, ending) in
        [(json!([deny("s3:*", "*", Value::Null)]), ending), (Value::Null, Ending::Allowed)]
    {
        let stage = match statements {
            Value::Null => Stage::new().await,
            statements => controlled(statements).await,
        };
        let _ = stage.client.call(&root(), service, operation, input.clone()).await;
        let entry = stage.last_entry();
        assert_eq!((entry.operation.as_str(), entry.outcome), (operation, ending));
    }
}
