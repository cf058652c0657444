//! What hangs on a condition key of which nothing is known.

use super::*;

/// Everything, under a condition.
fn under(effect: &str, condition: Value) -> Value {
    json!({"Sid": format!("{effect}If"), "Effect": effect, "Action": "*", "Resource": "*",
        "Condition": condition})
}

fn policy(statements: &[Value]) -> String {
    json!({"Version": "2012-10-17", "Statement": statements}).to_string()
}

fn organization() -> Value {
    json!({"StringEquals": {"aws:PrincipalOrgID": "o-a"}})
}

fn everything() -> Value {
    json!({"Effect": "Allow", "Action": "*", "Resource": "*"})
}

/// One of each protocol.
#[rstest::rstest]
#[case::query(Service::Iam, "DeleteRole", json!({"RoleName": "app"}), "iam:DeleteRole",
    "arn:aws:iam::123456789012:role/app")]
#[case::ec2(Service::Ec2, "DescribeVpcs", json!({}), "ec2:DescribeVpcs", "*")]
#[case::xml(Service::S3, "ListObjectsV2", json!({"Bucket": "bucket"}), "s3:ListBucket",
    "arn:aws:s3:::bucket")]
#[case::json(Service::Ssm, "DescribeParameters", json!({}), "ssm:DescribeParameters", "*")]
#[case::rest(Service::Lambda, "ListFunctions", json!({}), "lambda:ListFunctions", "*")]
#[tokio::test]
async fn a_call_that_hangs_on_an_unknown_key_is_refused_by_the_guard_alone(
    #[case] service: Service,
    #[case] operation: &str,
    #[case] input: Value,
    #[case] action: &str,
    #[case] resource: &str,
) {
    let stage = Stage::new().await;
    let app = stage.role(&policy(&[under("Allow", organization())]));
    let error = stage.client.call(&app, service, operation, input).await.unwrap_err();
    assert_eq!((error.code.as_ref(), error.status), ("RingfenceUndecided", 418));
    assert_eq!(
        error.message,
        format!(
            "{action} on {resource} is undecided: nothing is known of `aws:PrincipalOrgID`; \
             statement `AllowIf` of `own` may allow it"
        )
    );
    assert_eq!(stage.upstream.seen(operation).len(), 0);
    let entry = stage.last_entry();
    assert_eq!((entry.outcome, entry.upstream_status), (Ending::Undecided, None));
    assert_eq!(entry.error.as_deref(), Some("RingfenceUndecided"));
    let check = entry.checks.last().unwrap();
    assert_eq!((check.outcome.as_str(), check.action.as_str()), ("undecided", action));
    assert_eq!(check.unknown, ["aws:PrincipalOrgID"]);
    assert_eq!(check.statements[0].sid.as_deref(), Some("AllowIf"));
    let line = std::fs::read_to_string(stage.directory.path().join("journal.jsonl")).unwrap();
    assert!(line.lines().last().unwrap().contains(r#""outcome":"undecided""#), "{line}");
}

/// A Deny that hangs on a key of which nothing is known, and its twin on one that
/// nobody has here, under each kind of condition, in each service.
#[rstest::rstest]
#[tokio::test]
async fn a_deny_that_may_apply_refuses_in_every_service(
    #[values(
        (Service::ApiGatewayV2, "GetApis"),
        (Service::CloudFormation, "ListStacks"),
        (Service::DynamoDb, "ListTables"),
        (Service::Ec2, "DescribeVpcs"),
        (Service::Iam, "ListRoles"),
        (Service::Lambda, "ListFunctions"),
        (Service::Logs, "DescribeLogGroups"),
        (Service::S3, "ListBuckets"),
        (Service::SecretsManager, "ListSecrets"),
        (Service::Ssm, "DescribeParameters")
    )]
    call: (Service, &str),
    #[values(
        ("StringEquals", "x", Ending::Allowed),
        ("StringNotEquals", "x", Ending::Denied),
        ("StringLikeIfExists", "x", Ending::Denied),
        ("StringNotLikeIfExists", "x", Ending::Denied),
        ("ForAllValues:StringEquals", "x", Ending::Denied),
        ("ForAnyValue:StringNotEquals", "x", Ending::Allowed),
        ("Null", "true", Ending::Denied),
        ("Null", "false", Ending::Allowed)
    )]
    form: (&str, &str, Ending),
) {
    let ((service, operation), (operator, value, absent)) = (call, form);
    for (key, ending) in [("aws:ResourceOrgID", Ending::Undecided), ("aws:SourceVpce", absent)] {
        let stage = Stage::new().await;
        let deny = under("Deny", json!({operator: {key: value}}));
        let app = stage.role(&policy(&[everything(), deny]));
        let answer = stage.client.call(&app, service, operation, json!({})).await;
        let answer = answer.map_err(|error| (error.code.into_owned(), error.status));
        let undecided = Err(("RingfenceUndecided".to_owned(), 418));
        assert_eq!(stage.last_entry().outcome, ending, "{key}: {answer:?}");
        assert_eq!(answer == undecided, ending == Ending::Undecided, "{key}: {answer:?}");
    }
}

#[rstest::rstest]
#[case::an_allow_beside_it(vec![everything(), under("Allow", organization())], Ending::Allowed)]
#[case::a_deny_that_may_apply(vec![everything(), under("Deny", organization())], Ending::Undecided)]
#[case::a_deny_that_applies(
    vec![everything(), under("Allow", organization()), json!({"Effect": "Deny", "Action": "*", "Resource": "*"})],
    Ending::Denied
)]
#[case::a_deny_and_nothing_that_allows(vec![under("Deny", organization())], Ending::Denied)]
#[case::a_key_that_is_known(
    vec![under("Allow", json!({"StringEquals": {"aws:PrincipalAccount": "123456789012"}}))],
    Ending::Allowed
)]
// Nobody comes through a VPC endpoint: the key is absent, not unknown.
#[case::a_key_that_is_absent(
    vec![under("Allow", json!({"StringEquals": {"aws:SourceVpce": "vpce-1"}}))],
    Ending::Denied
)]
#[tokio::test]
async fn what_is_certain_is_decided(#[case] statements: Vec<Value>, #[case] ending: Ending) {
    let stage = Stage::new().await;
    let app = stage.role(&policy(&statements));
    let answer = stage.call(&app, "GetRole", get_app()).await;
    assert_eq!(answer.is_ok(), ending == Ending::Allowed, "{answer:?}");
    assert_eq!(stage.last_entry().outcome, ending);
}

/// The permission to pass the role is denied for certain: so is the call,
/// though its own permission is undecided.
#[tokio::test]
async fn a_later_denial_is_certain_whatever_an_earlier_permission_comes_to() {
    let stage = Stage::new().await;
    let deny =
        json!({"Sid": "NoPass", "Effect": "Deny", "Action": "iam:PassRole", "Resource": "*"});
    let app = stage.role(&policy(&[under("Allow", organization()), deny]));
    let input = json!({"InstanceProfileName": "web", "RoleName": "app"});
    let error = stage.call(&app, "AddRoleToInstanceProfile", input).await.unwrap_err();
    assert_eq!((error.code.as_ref(), error.status), ("AccessDenied", 403));
    let entry = stage.last_entry();
    assert_eq!(entry.outcome, Ending::Denied);
    let outcomes: Vec<&str> = entry.checks.iter().map(|check| check.outcome.as_str()).collect();
    assert_eq!(outcomes, ["undecided", "explicit_deny"]);
}

/// A Deny on how a request is signed applies to those alone that are signed
/// otherwise.
#[rstest::rstest]
#[case::the_method(json!({"StringNotEquals": {"s3:authType": "REST-HEADER"}}), true)]
#[case::another_method(json!({"StringEquals": {"s3:authType": "REST-HEADER"}}), false)]
#[case::an_old_tls(json!({"NumericLessThan": {"s3:TlsVersion": "1.2"}}), true)]
#[case::an_old_signature(json!({"NumericGreaterThanIfExists": {"s3:signatureAge": "600000"}}), true)]
#[case::the_version(json!({"StringEquals": {"s3:signatureversion": "AWS"}}), true)]
#[tokio::test]
async fn a_deny_on_s3s_signature_knows_the_signature(
    #[case] condition: Value,
    #[case] allowed: bool,
) {
    let stage = Stage::new().await;
    let app = stage.role(&policy(&[everything(), under("Deny", condition)]));
    let input = json!({"Bucket": "bucket"});
    // The upstream knows no bucket; what counts is what the guard decided.
    let _ = stage.client.call(&app, Service::S3, "ListObjectsV2", input).await;
    let ending = if allowed { Ending::Allowed } else { Ending::Denied };
    assert_eq!(stage.last_entry().outcome, ending);
}
