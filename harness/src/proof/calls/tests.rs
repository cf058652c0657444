use std::collections::BTreeMap;
use std::sync::Arc;

use ringfence_policy::{Principal, Values};
use rstest::rstest;

use super::*;
use crate::guard_rail::GuardRail;

const HOME: Home<'_> = Home { partition: "aws", region: "us-east-1", account: "123456789012" };

const NOW: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;

fn role() -> Principal {
    Principal::RoleSession {
        role_arn: "arn:aws:iam::123456789012:role/ci".to_owned(),
        session_arn: "arn:aws:sts::123456789012:assumed-role/ci/session".to_owned(),
    }
}

/// A claim that these statements let an identity do nothing of what another one forbids.
fn claim(allowed: &Value, forbidden: &Value) -> Claim {
    let statements = allowed.as_array().unwrap();
    let everything = json!({"Effect": "Allow", "Action": "*", "Resource": "*"});
    let identity = vec![written(&[everything, forbidden.clone()], Kind::Identity).unwrap()];
    Claim {
        rail: GuardRail::Identities,
        who: "role/ci".to_owned(),
        principal: Some(role()),
        policies: Policies {
            identity: vec![written(statements, Kind::Identity).unwrap()],
            ..Policies::default()
        },
        most: Policies { identity, ..Policies::default() },
        open: Vec::new(),
        bounded: BTreeMap::new(),
        beyond: None,
        unnamed: None,
        hangs_on: None,
        kept_back_by: None,
        kept_back: None,
        denials: Arc::default(),
        disguised: Vec::new(),
        tagged: Vec::new(),
        elsewhere: Arc::default(),
    }
}

/// The call of the smallest request that breaks a claim.
fn called(claim: &Claim) -> Result<Made, String> {
    let universe = match within(&question(claim, Universe::Catalogue)).unwrap() {
        Verdict::Violated(_) => Universe::Catalogue,
        _ => Universe::All,
    };
    let Verdict::Violated(witness) = within(&question(claim, universe)).unwrap() else {
        panic!("it is not violated")
    };
    match of(claim, &witness, HOME, NOW) {
        Call::Made(made) => Ok(*made),
        Call::None(why) => Err(why),
    }
}

fn question(claim: &Claim, universe: Universe) -> Question<'_> {
    Question {
        inner: &claim.policies,
        outer: &claim.most,
        principal: claim.principal.as_ref(),
        universe,
    }
}

fn allow(action: &str, resource: &str, condition: &Value) -> Value {
    let mut statement = json!({"Effect": "Allow", "Action": action, "Resource": resource});
    if !condition.is_null() {
        statement["Condition"] = condition.clone();
    }
    statement
}

fn deny(action: &str) -> Value {
    json!({"Effect": "Deny", "Action": action, "Resource": "*"})
}

const TABLE: &str = "arn:aws:dynamodb:*:*:table/ledger";
const STACK: &str = "arn:aws:cloudformation:us-east-1:123456789012:stack/app-*";

#[rstest]
#[case::iam_by_name(
    "iam:DeleteRole", "arn:aws:iam::123456789012:role/app", Value::Null,
    "iam", "DeleteRole", json!({"RoleName": "app"})
)]
#[case::iam_with_a_path(
    "iam:DeleteUser", "arn:aws:iam::123456789012:user/teams/ci", Value::Null,
    "iam", "DeleteUser", json!({"UserName": "ci"})
)]
#[case::iam_by_arn(
    "iam:DeletePolicy", "arn:aws:iam::123456789012:policy/p", Value::Null,
    "iam", "DeletePolicy", json!({"PolicyArn": "arn:aws:iam::123456789012:policy/p"})
)]
#[case::iam_with_a_boundary(
    "iam:CreateRole", "arn:aws:iam::123456789012:role/app-*",
    json!({"StringEquals": {"iam:PermissionsBoundary": "arn:aws:iam::123456789012:policy/b"}}),
    "iam", "CreateRole", json!({"RoleName": "app-ringfence-probe",
        "AssumeRolePolicyDocument": "ringfence-probe",
        "PermissionsBoundary": "arn:aws:iam::123456789012:policy/b"})
)]
#[case::iam_with_a_tag(
    "iam:TagRole", "arn:aws:iam::123456789012:role/app",
    json!({"StringEquals": {"aws:RequestTag/team": "a"}}),
    "iam", "TagRole", json!({"RoleName": "app", "Tags": [{"Key": "team", "Value": "a"}]})
)]
#[case::iam_with_the_key_of_a_tag(
    "iam:UntagRole", "arn:aws:iam::123456789012:role/app",
    json!({"ForAnyValue:StringEquals": {"aws:TagKeys": "Team"}}),
    "iam", "UntagRole", json!({"RoleName": "app", "TagKeys": ["Team"]})
)]
#[case::lambda_of_another_name(
    "lambda:InvokeFunction", "arn:aws:lambda:us-east-1:123456789012:function:f", Value::Null,
    "lambda", "Invoke", json!({"FunctionName": "f"})
)]
#[case::lambda_with_a_key_of_its_own(
    "lambda:CreateFunctionUrlConfig", "arn:aws:lambda:us-east-1:123456789012:function:f",
    json!({"StringEquals": {"lambda:FunctionUrlAuthType": "NONE"}}),
    "lambda", "CreateFunctionUrlConfig", json!({"FunctionName": "f", "AuthType": "NONE"})
)]
#[case::lambda_with_a_value_of_the_model(
    "lambda:CreateFunctionUrlConfig", "arn:aws:lambda:us-east-1:123456789012:function:f",
    Value::Null,
    "lambda", "CreateFunctionUrlConfig", json!({"FunctionName": "f", "AuthType": "NONE"})
)]
#[case::lambda_with_the_value_that_is_let_in(
    "lambda:CreateFunctionUrlConfig", "arn:aws:lambda:us-east-1:123456789012:function:f",
    json!({"StringNotEquals": {"lambda:FunctionUrlAuthType": "NONE"}}),
    "lambda", "CreateFunctionUrlConfig", json!({"FunctionName": "f", "AuthType": "AWS_IAM"})
)]
#[case::lambda_with_the_value_that_a_pattern_means(
    "lambda:CreateFunctionUrlConfig", "arn:aws:lambda:us-east-1:123456789012:function:f",
    json!({"StringLike": {"lambda:FunctionUrlAuthType": "A*"}}),
    "lambda", "CreateFunctionUrlConfig", json!({"FunctionName": "f", "AuthType": "AWS_IAM"})
)]
#[case::lambda_with_what_stands_further_down(
    "lambda:UpdateFunctionConfiguration", "arn:aws:lambda:us-east-1:123456789012:function:f",
    json!({"ForAnyValue:StringEquals": {"lambda:SubnetIds": "subnet-1"}}),
    "lambda", "UpdateFunctionConfiguration",
    json!({"FunctionName": "f", "VpcConfig": {"SubnetIds": ["subnet-1"]}})
)]
#[case::s3_by_two_names(
    "s3:GetObject", "arn:aws:s3:::artifacts/*", Value::Null,
    "s3", "GetObject", json!({"Bucket": "artifacts", "Key": "ringfence-probe"})
)]
#[case::s3_with_a_version(
    "s3:GetObjectVersion", "arn:aws:s3:::artifacts/a",
    json!({"StringEquals": {"s3:VersionId": "3"}}),
    "s3", "GetObject", json!({"Bucket": "artifacts", "Key": "a", "VersionId": "3"})
)]
#[case::s3_of_another_name(
    "s3:ListBucket", "arn:aws:s3:::artifacts", json!({"StringEquals": {"s3:prefix": "p/"}}),
    "s3", "ListObjects", json!({"Bucket": "artifacts", "Prefix": "p/"})
)]
#[case::sts(
    "sts:DecodeAuthorizationMessage", "*", Value::Null,
    "sts", "DecodeAuthorizationMessage", json!({"EncodedMessage": "ringfence-probe"})
)]
#[case::ssm(
    "ssm:GetParameter", "arn:aws:ssm:us-east-1:123456789012:parameter/app/key", Value::Null,
    "ssm", "GetParameter", json!({"Name": "/app/key"})
)]
#[case::dynamodb(
    "dynamodb:DeleteItem", TABLE, Value::Null,
    "dynamodb", "DeleteItem", json!({"TableName": "ledger", "Key": {}})
)]
#[case::apigateway(
    "apigateway:DELETE", "arn:aws:apigateway:us-east-1::/apis/a1/routes/r1", Value::Null,
    "apigatewayv2", "DeleteRoute", json!({"ApiId": "a1", "RouteId": "r1"})
)]
#[case::apigateway_with_a_key_of_its_own(
    "apigateway:POST", "arn:aws:apigateway:us-east-1::/apis/a1/routes",
    json!({"ForAnyValue:StringEquals": {"apigateway:Request/RouteAuthorizationType": "AWS_IAM"}}),
    "apigatewayv2", "CreateRoute", json!({"ApiId": "a1", "RouteKey": "ringfence-probe",
        "AuthorizationType": "AWS_IAM"})
)]
#[case::cloudformation(
    "cloudformation:DeleteStack", STACK, Value::Null,
    "cloudformation", "DeleteStack", json!({"StackName": "app-ringfence-probe"})
)]
#[case::by_rule_and_url(
    "sqs:PurgeQueue", "arn:aws:sqs:us-east-1:123456789012:jobs", Value::Null,
    "sqs", "PurgeQueue",
    json!({"QueueUrl": "https://sqs.us-east-1.amazonaws.com/123456789012/jobs"})
)]
#[case::by_rule_and_arn(
    "sns:Publish", "arn:aws:sns:us-east-1:123456789012:news", Value::Null,
    "sns", "Publish", json!({"TargetArn": "arn:aws:sns:us-east-1:123456789012:news",
        "Message": "ringfence-probe"})
)]
fn a_request_is_a_call(
    #[case] action: &str,
    #[case] resource: &str,
    #[case] condition: Value,
    #[case] service: &str,
    #[case] operation: &str,
    #[case] input: Value,
) {
    let claim = claim(&json!([allow(action, resource, &condition)]), &deny(action));
    let made = called(&claim).unwrap();
    assert_eq!(
        (made.service, made.operation, Value::Object(made.input)),
        (service, operation, input)
    );
    assert_eq!(made.breaks.action, action);
    assert_eq!(made.supposes, [""; 0]);
    let by: Vec<String> = made.allowed_by.iter().map(ToString::to_string).collect();
    assert_eq!(by, ["statement 1 of `the guard rail`"]);
}

#[rstest]
#[case::no_action(
    "nosuch:Thing",
    "*",
    Value::Null,
    "`nosuch:thing` is no action of AWS's reference"
)]
#[case::a_key_that_is_never_there(
    "iam:PassRole", "arn:aws:iam::123456789012:role/app-*",
    json!({"StringEquals": {"iam:PermissionsBoundary": "arn:aws:iam::123456789012:policy/b"}}),
    "requests for `iam:PassRole` never carry `iam:permissionsboundary`"
)]
#[case::a_key_of_managed_policies(
    "aws-marketplace:Subscribe", "*",
    json!({"StringEquals": {"aws-marketplace:ProductId": "p"}}),
    "AWS's reference does not list `aws-marketplace:productid` for `aws-marketplace:Subscribe`, \
     though AWS's managed policies do: what sets it is not known"
)]
#[case::a_key_of_another_service(
    "iam:GetRole", "*",
    json!({"StringEquals": {"s3:prefix": "p"}}),
    "AWS's reference does not list `s3:prefix` for `iam:GetRole`: what sets it is not known"
)]
#[case::what_it_needs_besides(
    "lambda:CreateFunction",
    "arn:aws:lambda:us-east-1:123456789012:function:f",
    Value::Null,
    "lambda:CreateFunction: it needs `iam:PassRole` on \
     `arn:aws:iam::123456789012:role/ringfence-probe` too: "
)]
fn what_no_operation_can_produce_says_why(
    #[case] action: &str,
    #[case] resource: &str,
    #[case] condition: Value,
    #[case] why: &str,
) {
    let claim = claim(&json!([allow(action, resource, &condition)]), &deny(action));
    let told = called(&claim).unwrap_err();
    assert!(told.starts_with(why), "{told}");
}

/// What a call needs besides gets a resource on which it is allowed.
#[test]
fn what_a_call_needs_besides_is_named_as_it_is_allowed() {
    let statements = json!([
        allow("lambda:CreateFunction", "arn:aws:lambda:us-east-1:*:function:f", &Value::Null),
        allow("iam:PassRole", "arn:aws:iam::123456789012:role/app-*", &Value::Null),
    ]);
    let made = called(&claim(&statements, &deny("lambda:CreateFunction"))).unwrap();
    assert_eq!(made.operation, "CreateFunction");
    assert_eq!(made.input.get("FunctionName"), Some(&json!("f")));
    let role = "arn:aws:iam::123456789012:role/app-ringfence-probe";
    assert_eq!(made.input.get("Role"), Some(&json!(role)));
    let [besides] = made.besides.as_slice() else { panic!("{:?}", made.besides) };
    assert_eq!((besides.action.as_str(), besides.resource.as_str()), ("iam:PassRole", role));
    // The other way round, the role is what gets past.
    let made = called(&claim(&statements, &deny("iam:PassRole"))).unwrap();
    assert_eq!((made.operation, made.breaks.resource.as_str()), ("CreateFunction", role));
    assert_eq!(
        made.breaks.context.get("iam:PassedToService").map(Values::as_slice),
        Some(["lambda.amazonaws.com".to_owned()].as_slice())
    );
}

/// Where the smallest request is no call, another one that breaks the same claim is.
#[test]
fn another_request_of_the_claim_is_called() {
    let statements = json!([
        allow("lambda:CreateFunction", "*", &Value::Null),
        allow("lambda:UpdateFunctionCode", "*", &Value::Null),
    ]);
    let forbidden = json!({"Effect": "Deny", "Resource": "*",
        "Action": ["lambda:CreateFunction", "lambda:UpdateFunctionCode"]});
    let claim = claim(&statements, &forbidden);
    let Verdict::Violated(first) = within(&question(&claim, Universe::Catalogue)).unwrap() else {
        panic!("it is not violated")
    };
    assert_eq!(first.action, "lambda:CreateFunction");
    assert_eq!(called(&claim).unwrap().breaks.action, "lambda:UpdateFunctionCode");
}

#[test]
fn what_the_state_and_the_session_must_be_is_told() {
    let tagged = json!({"StringEquals": {
        "aws:ResourceTag/team": "a", "aws:PrincipalTag/job": "ci", "aws:SourceIdentity": "alice",
    }});
    let function = "arn:aws:lambda:us-east-1:123456789012:function:f";
    let statements = json!([allow("lambda:DeleteFunction", function, &tagged)]);
    let made = called(&claim(&statements, &deny("lambda:DeleteFunction"))).unwrap();
    assert_eq!(Value::Object(made.input), json!({"FunctionName": "f"}));
    assert_eq!(
        made.supposes,
        [
            format!("`{function}` has the tags `team` = `a`"),
            "who calls has the tags `job` = `ci`".to_owned(),
            "its session has the source identity `alice`".to_owned(),
        ]
    );
    let bounded = json!({"StringEquals": {
        "iam:PermissionsBoundary": "arn:aws:iam::123456789012:policy/b",
    }});
    let role = "arn:aws:iam::123456789012:role/app";
    let statements = json!([allow("iam:DeleteRolePolicy", role, &bounded)]);
    let made = called(&claim(&statements, &deny("iam:DeleteRolePolicy"))).unwrap();
    let boundary = "carries the boundary `arn:aws:iam::123456789012:policy/b`";
    assert_eq!(made.supposes, [format!("`{role}` {boundary}")]);
}

/// A service in its own right makes calls that nobody sends; somebody's are sent.
#[test]
fn what_nobody_sends_is_no_call() {
    let statements = json!([allow("iam:DeleteRole", "*", &Value::Null)]);
    let own = claim(&statements, &deny("iam:DeleteRole"));
    let Verdict::Violated(witness) = within(&question(&own, Universe::Catalogue)).unwrap() else {
        panic!("it is not violated")
    };
    let name = "lambda.amazonaws.com".to_owned();
    let of_service = Witness { principal: Principal::Service { name }, ..(*witness).clone() };
    let Err(why) = Comes::of(&of_service, NOW) else { panic!("it is one") };
    assert_eq!(why, "`lambda.amazonaws.com` itself asks for it, and nobody sends its calls");
    assert!(Comes::of(&witness, NOW).is_ok());
}

/// A trust policy is gone past by a token with the claims that it asks for.
#[test]
fn a_token_is_part_of_the_call() {
    let host = "token.actions.githubusercontent.com";
    let provider = format!("arn:aws:iam::123456789012:oidc-provider/{host}");
    let role = "arn:aws:iam::123456789012:role/ci";
    let trust = |subject: &str| {
        json!({"Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity",
            "Principal": {"Federated": provider},
            "Condition": {"StringLike": {format!("{host}:sub"): subject}}})
    };
    let mut most = trust("repo:acme/shop:*");
    most["Resource"] = json!(role);
    let others = json!({"Effect": "Allow", "Principal": "*", "Action": "*", "NotResource": role});
    let claim = Claim {
        rail: GuardRail::Trust,
        principal: None,
        policies: Policies {
            resource: Some(written(&[trust("repo:acme/*")], Kind::Trust).unwrap()),
            ..Policies::default()
        },
        most: Policies {
            resource: Some(written(&[others, most], Kind::Resource).unwrap()),
            ..Policies::default()
        },
        ..claim(&json!([allow("iam:GetRole", "*", &Value::Null)]), &deny("iam:GetRole"))
    };
    let made = called(&claim).unwrap();
    assert_eq!(made.operation, "AssumeRoleWithWebIdentity");
    assert_eq!(made.input.get("RoleArn"), Some(&json!(role)));
    let token = json!({"iss": format!("https://{host}"), "sub": "repo:acme/",
        "aud": "sts.amazonaws.com"});
    assert_eq!(made.token.map(Value::Object), Some(token));
}
