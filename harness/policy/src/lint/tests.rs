//! Each rule with what it finds and its good twin.

use super::*;
use crate::document::{Document, Kind};
use rstest::rstest;

// `*` in an API's part of a path spans slashes, but no id holds one.
#[rstest]
#[case("/apis/a1/integrations/*", false)]
#[case("/apis/*/integrations", false)]
#[case("/apis/*/integrations/*", false)]
#[case("/apis/a1", false)]
#[case("/apis/a1/*", true)]
#[case("/apis/a1/routes/r1", true)]
#[case("/apis/*/routes", true)]
#[case("/*", true)]
fn routes_are_told_from_their_neighbours(#[case] path: &str, #[case] reached: bool) {
    let statement = format!(
        r#"{{"Effect": "Allow", "Action": "apigateway:*", "Resource": "arn:aws:apigateway:eu-west-1::{path}"}}"#
    );
    assert_eq!(rules(Kind::Identity, &statement).contains(&Rule::RouteWithoutAuthorizer), reached);
}

fn rules(kind: Kind, statement: &str) -> Vec<Rule> {
    let text = format!(r#"{{"Version": "2012-10-17", "Statement": [{statement}]}}"#);
    let document = Document::parse("policy", &text, kind).unwrap();
    lint(&document).into_iter().map(|finding| finding.rule).collect()
}

const BOUNDED: &str = r#""Condition": {"StringEquals": {"iam:PermissionsBoundary": "arn:aws:iam::123456789012:policy/b"}}"#;

#[rstest]
#[case(r#""Action": "apigatewayv2:CreateApi", "Resource": "*""#, &[Rule::UnknownAction])]
#[case(r#""Action": "apigatewayv2:CreateRoute", "Resource": "*""#, &[Rule::UnknownAction, Rule::RouteWithoutAuthorizer])]
#[case(r#""NotAction": "s3:GetObjects", "Resource": "*""#, &[Rule::UnknownAction, Rule::AllowOfAllButSome])]
#[case(r#""NotAction": ["s3:GetObject", "lambdaa:*"], "Resource": "*""#, &[Rule::UnknownService, Rule::AllowOfAllButSome])]
#[case(r#""Action": "s3:GetObjects", "Resource": "arn:aws:s3:::b/*""#, &[Rule::UnknownAction])]
#[case(r#""Action": "s3:Fetch*", "Resource": "arn:aws:s3:::b/*""#, &[Rule::UnknownAction])]
#[case(r#""Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*""#, &[])]
#[case(r#""Action": "cognito-idp:AdminGetUser", "Resource": "*""#, &[])]
#[case(r#""Action": "s3:GetObject", "Resource": "arn:aws:s3:::b""#, &[Rule::ResourceNever])]
#[case(r#""Action": "s3:ListBucket", "Resource": "arn:aws:s3:::b""#, &[])]
#[case(r#""Action": ["s3:ListBucket", "s3:GetObject"], "Resource": ["arn:aws:s3:::b", "arn:aws:s3:::b/*"]"#, &[])]
#[case(r#""Action": "s3:ListAllMyBuckets", "Resource": "arn:aws:s3:::*""#, &[])]
#[case(r#""Action": "s3:ListAllMyBuckets", "Resource": "arn:aws:s3:::b""#, &[Rule::ResourceNever])]
#[case(r#""Action": "codedeploy:PutLifecycleEventHookExecutionStatus", "Resource": "arn:aws:codedeploy:eu-west-1:123456789012:deploymentgroup:a/g""#, &[])]
#[case(r#""Action": "codedeploy:PutLifecycleEventHookExecutionStatus", "Resource": "*""#, &[])]
#[case(r#""Action": "codedeploy:StopDeployment", "Resource": "arn:aws:codedeploy:eu-west-1:123456789012:deploymentgroup:a/g""#, &[Rule::ResourceNever])]
#[case(r#""Action": "lambdaa:InvokeFunction", "Resource": "*""#, &[Rule::UnknownService])]
#[case(r#""Action": "deeplens:AssociateServiceRoleToAccount", "Resource": "*""#, &[])]
#[case(r#""Action": ["apigateway:TagResource", "apigateway:UntagResource"], "Resource": "*""#, &[])]
#[case(r#""Action": "apigateway:POST", "Resource": "arn:aws:apigateway:eu-west-1::/apis/*/integrations""#, &[])]
#[case(r#""Action": "apigateway:POST", "Resource": "arn:aws:apigateway:eu-west-1:123456789012:/v2/apis""#, &[Rule::ResourceNever])]
#[case(r#""Action": "iam:GetRole", "Resource": "arn:aws:iam::123456789012:role/app-*""#, &[])]
fn actions_and_resources_must_exist(#[case] rest: &str, #[case] expected: &[Rule]) {
    assert_eq!(rules(Kind::Identity, &format!(r#"{{"Effect": "Allow", {rest}}}"#)), expected);
}

#[test]
fn a_key_without_a_service_is_carried_by_nobody() {
    let statement = |key: &str| {
        format!(
            r#"{{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*",
                 "Condition": {{"StringEquals": {{"{key}": "x"}}}}}}"#
        )
    };
    assert_eq!(rules(Kind::Identity, &statement("username")), [Rule::KeyNeverCarried]);
    assert_eq!(rules(Kind::Identity, &statement("aws:username")), []);
}

#[rstest]
#[case("Allow", "iam:CreateRole", &[])]
#[case("Allow", "iam:TagRole", &[Rule::KeyNeverCarried])]
#[case("Allow", "iam:CreatePolicyVersion", &[Rule::KeyNeverCarried])]
#[case("Deny", "iam:TagRole", &[Rule::KeyNeverCarried])]
#[case("Deny", "iam:*", &[])]
fn a_key_must_be_carried_by_the_action(
    #[case] effect: &str,
    #[case] action: &str,
    #[case] expected: &[Rule],
) {
    let statement =
        format!(r#"{{"Effect": "{effect}", "Action": "{action}", "Resource": "*", {BOUNDED}}}"#);
    assert_eq!(rules(Kind::Identity, &statement), expected);
}

/// The reference gives these keys to other actions alone; AWS's documentation, or a statement of
/// one of its managed policies, has them with these.
#[rstest]
#[case(
    "application-autoscaling:DescribeScalableTargets",
    "application-autoscaling:service-namespace"
)]
#[case("aws-marketplace:GetAgreementRequest", "aws-marketplace:AgreementType")]
#[case("aws-marketplace:CancelAgreement", "aws-marketplace:PartyType")]
#[case("aws-marketplace:Subscribe", "aws-marketplace:ProductId")]
#[case("aws-marketplace:subscribe", "AWS-marketplace:productid")]
#[case("codestar-connections:PassConnection", "codestar-connections:ProviderAction")]
#[case("deadline:SearchWorkers", "deadline:FleetMembershipLevels")]
#[case("dynamodb:ConditionCheckItem", "dynamodb:EnclosingOperation")]
#[case("ec2:DescribeVpcEndpoints", "ec2:VpceServiceName")]
#[case("glue:GetTableOptimizer", "glue:LakeFormationPermissions")]
#[case("nimble:ListStreamingSessionBackups", "nimble:ownedBy")]
#[case("ram:GetResourceShares", "ram:ResourceShareName")]
#[case("redshift-data:GetStatementResult", "redshift-data:glue-catalog-arn")]
fn what_aws_itself_names_with_a_key_carries_it(#[case] action: &str, #[case] key: &str) {
    let statement = |action: &str| {
        format!(
            r#"{{"Effect": "Allow", "Action": "{action}", "Resource": "*",
                 "Condition": {{"ForAnyValue:StringEquals": {{"{key}": "x"}}}}}}"#
        )
    };
    assert_eq!(told(Kind::Identity, &statement(action)), Vec::<String>::new());
    // Of another action nobody says it.
    assert_eq!(rules(Kind::Identity, &statement("iam:GetRole")), [Rule::KeyNeverCarried]);
}

#[test]
fn one_statement_with_actions_that_never_carry_its_key_names_them() {
    let text = format!(
        r#"{{"Version": "2012-10-17", "Statement": [{{"Sid": "Roles", "Effect": "Allow",
        "Action": ["iam:CreateRole", "iam:PassRole", "iam:TagRole"], "Resource": "arn:aws:iam::123456789012:role/*", {BOUNDED}}}]}}"#
    );
    let document = Document::parse("deployer", &text, Kind::Identity).unwrap();
    let findings = lint(&document);
    let found: Vec<_> = findings.iter().map(|finding| finding.rule).collect();
    assert_eq!(
        found,
        [
            Rule::KeyNeverCarried,
            Rule::KeyNeverCarried,
            Rule::PassRoleToAnyService,
            Rule::PassAnyRole
        ]
    );
    assert_eq!(
        findings[0].message,
        "requests for `iam:PassRole` never carry `iam:PermissionsBoundary`, so the statement never allows it"
    );
    assert_eq!((findings[0].line, findings[0].column), (2, 38));
    assert_eq!(findings[0].sid.as_deref(), Some("Roles"));
}

#[rstest]
#[case(r#""Action": "lambda:*", "Resource": "*""#, &[Rule::WideGrant])]
#[case(r#""Action": "*", "Resource": "*""#, &[Rule::WideGrant, Rule::PassRoleToAnyService])]
#[case(r#""Action": "iam:PassRole", "Resource": "arn:aws:iam::123456789012:role/a""#, &[Rule::PassRoleToAnyService])]
#[case(r#""Action": "iam:PassRole", "Resource": "arn:aws:iam::123456789012:role/a", "Condition": {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}}"#, &[])]
#[case(r#""Action": "iam:PassRole", "Resource": "arn:aws:iam::123456789012:role/a", "Condition": {"StringLike": {"iam:PassedToService": "*"}}"#, &[Rule::PassRoleToAnyService])]
#[case(r#""Action": "iam:PassRole", "Resource": "arn:aws:iam::123456789012:role/a", "Condition": {"StringLike": {"iam:PassedToService": "lambda.*"}}"#, &[])]
#[case(r#""Action": "iam:PassRole", "Resource": "arn:aws:iam::123456789012:role/a", "Condition": {"Null": {"iam:PassedToService": "false"}}"#, &[Rule::PassRoleToAnyService])]
#[case(r#""Action": "iam:PassRole", "Resource": "arn:aws:iam::123456789012:role/a", "Condition": {"StringNotEquals": {"iam:PassedToService": "lambda.amazonaws.com"}}"#, &[Rule::PassRoleToAnyService])]
#[case(r#""Action": "iam:PassRole", "Resource": "arn:aws:iam::123456789012:role/a", "Condition": {"StringEqualsIfExists": {"iam:PassedToService": "lambda.amazonaws.com"}}"#, &[])]
#[case(r#""Action": "lambda:GetFunction", "Resource": "*""#, &[])]
fn grants_that_say_less_than_they_give(#[case] rest: &str, #[case] expected: &[Rule]) {
    assert_eq!(rules(Kind::Identity, &format!(r#"{{"Effect": "Allow", {rest}}}"#)), expected);
    assert_eq!(rules(Kind::Boundary, &format!(r#"{{"Effect": "Allow", {rest}}}"#)), []);
}

const ROUTES: &str =
    r#""Action": "apigateway:POST", "Resource": "arn:aws:apigateway:eu-west-1::/apis/*/routes""#;
const KEY: &str = "apigateway:Request/RouteAuthorizationType";

#[rstest]
#[case("StringEquals", &[Rule::ListWithoutSetOperator])]
#[case("ForAnyValue:StringEquals", &[])]
#[case("ForAllValues:StringEquals", &[Rule::AllValuesOfNothing, Rule::RouteWithoutAuthorizer])]
fn lists_need_set_operators(#[case] operator: &str, #[case] expected: &[Rule]) {
    let condition = format!(r#""Condition": {{"{operator}": {{"{KEY}": "JWT"}}}}"#);
    let statement = format!(r#"{{"Effect": "Allow", {ROUTES}, {condition}}}"#);
    assert_eq!(rules(Kind::Identity, &statement), expected);
}

#[test]
fn all_values_with_a_null_check_is_fine() {
    let statement = format!(
        r#"{{"Effect": "Allow", {ROUTES}, "Condition": {{"ForAllValues:StringEquals": {{"{KEY}": "JWT"}}, "Null": {{"{KEY}": "false"}}}}}}"#
    );
    assert_eq!(rules(Kind::Identity, &statement), []);
}

const GITHUB: &str = r#""Effect": "Allow", "Principal": {"Federated": "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"}, "Action": "sts:AssumeRoleWithWebIdentity""#;
const SUB: &str = "token.actions.githubusercontent.com:sub";
const AUD: &str =
    r#""StringEquals": {"token.actions.githubusercontent.com:aud": "sts.amazonaws.com"}"#;

#[rstest]
#[case(format!(r#"{{"StringLike": {{"{SUB}": "repo:acme/*"}}}}"#), &[Rule::TrustWithoutAudience, Rule::TrustOfAnyRepository])]
#[case(format!(r#"{{{AUD}, "StringLike": {{"{SUB}": "repo:acme/service-a:*"}}}}"#), &[])]
#[case(format!(r#"{{{AUD}, "StringLike": {{"{SUB}": ["repo:acme/service-a:*", "repo:acme@1/service-a@2:*"]}}}}"#), &[])]
#[case(format!(r#"{{{AUD}}}"#), &[Rule::TrustOfAnyRepository])]
fn trust_in_github_is_scoped(#[case] condition: String, #[case] expected: &[Rule]) {
    let statement = format!(r#"{{{GITHUB}, "Condition": {condition}}}"#);
    assert_eq!(rules(Kind::Trust, &statement), expected);
}

/// A provider that the same plan makes has an ARN that is not known.
#[rstest]
#[case::without_an_audience(format!(r#"{{"StringLike": {{"{SUB}": "repo:acme/shop:*"}}}}"#), &[Rule::TrustWithoutAudience])]
#[case::with_one(format!(r#"{{{AUD}, "StringLike": {{"{SUB}": "repo:acme/shop:*"}}}}"#), &[])]
#[case::of_any_repository(format!(r#"{{{AUD}, "StringLike": {{"{SUB}": "repo:acme/*"}}}}"#), &[Rule::TrustOfAnyRepository])]
#[case::of_one_that_is_not_known(format!(r#"{{{AUD}, "StringLike": {{"{SUB}": "repo:{UNKNOWN}:ref:refs/heads/main"}}}}"#), &[])]
#[case::of_nothing_known(format!(r#"{{{AUD}, "StringLike": {{"{SUB}": "{UNKNOWN}"}}}}"#), &[])]
#[case::of_any_on_a_branch_that_is_not_known(format!(r#"{{{AUD}, "StringLike": {{"{SUB}": "repo:acme/*:ref:{UNKNOWN}"}}}}"#), &[Rule::TrustOfAnyRepository])]
fn trust_in_a_provider_that_is_not_known_is_scoped(
    #[case] condition: String,
    #[case] expected: &[Rule],
) {
    let own = GITHUB.replace(
        "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com",
        &UNKNOWN.to_string(),
    );
    let statement = format!(r#"{{{own}, "Condition": {condition}}}"#);
    assert_eq!(rules(Kind::Trust, &statement), expected);
    // A provider of SAML has no audience of this kind.
    let saml = statement.replace("WithWebIdentity", "WithSAML");
    assert!(!rules(Kind::Trust, &saml).contains(&Rule::TrustWithoutAudience));
}

#[test]
fn what_cannot_be_read_or_resolved_is_found() {
    assert_eq!(
        rules(
            Kind::Identity,
            r#"{"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::b", "Condition": {"NumericLessThan": {"s3:max-keys": "ten"}}}"#
        ),
        [Rule::UnreadableValue]
    );
    let none = r#"{"Effect": "Allow", "Principal": "*", "Action": "sns:Publish", "Resource": "arn:aws:sns:eu-west-1:123456789012:t", "Condition": {"StringEquals": {"aws:SourceOwner": []}}}"#;
    let found = told(Kind::Resource, none);
    let text =
        "StringEquals of `aws:SourceOwner` has no values, so the statement never allows anything";
    assert!(found.iter().any(|finding| finding.contains(text)), "{found:?}");
    let old = r#"{"Statement": {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/${aws:username}"}}"#;
    let document = Document::parse("old", old, Kind::Identity).unwrap();
    assert_eq!(lint(&document)[0].rule, Rule::VariableAsText);
}

const IN_VPC: &str = r#""ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface", "ec2:DescribeNetworkInterfaces""#;

/// Each case: the kind, the statement that is wrong, its good twin, the rule.
#[rstest]
#[case::not_action(
    Kind::Identity,
    r#""Effect": "Allow", "NotAction": "iam:*", "Resource": "arn:aws:s3:::b""#,
    r#""Effect": "Deny", "NotAction": "iam:*", "Resource": "arn:aws:s3:::b""#,
    Rule::AllowOfAllButSome
)]
#[case::not_resource(
    Kind::Identity,
    r#""Effect": "Allow", "Action": "s3:GetObject", "NotResource": "arn:aws:s3:::b/*""#,
    r#""Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*""#,
    Rule::AllowOfAllButSome
)]
#[case::negated(
    Kind::Identity,
    r#""Effect": "Allow", "Action": "iam:CreateRole", "Resource": "*", "Condition": {"StringNotEquals": {"iam:PermissionsBoundary": "arn:aws:iam::123456789012:policy/weak"}}"#,
    r#""Effect": "Deny", "Action": "iam:CreateRole", "Resource": "*", "Condition": {"StringNotEquals": {"iam:PermissionsBoundary": "arn:aws:iam::123456789012:policy/strong"}}"#,
    Rule::AllowedWhenAbsent
)]
#[case::if_exists(
    Kind::Identity,
    r#""Effect": "Allow", "Action": "iam:CreateRole", "Resource": "*", "Condition": {"StringEqualsIfExists": {"iam:PermissionsBoundary": "arn:aws:iam::123456789012:policy/b"}}"#,
    r#""Effect": "Allow", "Action": "ec2:RunInstances", "Resource": "*", "Condition": {"StringEqualsIfExists": {"ec2:InstanceType": "t3.micro"}}"#,
    Rule::AllowedWhenAbsent
)]
#[case::without_mfa(
    Kind::Identity,
    r#""Effect": "Deny", "Action": "*", "Resource": "*", "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "false"}}"#,
    r#""Effect": "Deny", "Action": "*", "Resource": "*", "Condition": {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}"#,
    Rule::NotDeniedWhenAbsent
)]
#[case::open_route_denied(
    Kind::ServiceControl,
    r#""Effect": "Deny", "Action": "apigateway:POST", "Resource": "*", "Condition": {"ForAnyValue:StringEquals": {"apigateway:Request/RouteAuthorizationType": "NONE"}}"#,
    r#""Effect": "Deny", "Action": "apigateway:POST", "Resource": "*", "Condition": {"Null": {"apigateway:Request/RouteAuthorizationType": "true"}}"#,
    Rule::NotDeniedWhenAbsent
)]
#[case::everybody(
    Kind::Resource,
    r#""Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*""#,
    r#""Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*", "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-a1b2c3"}}"#,
    Rule::Anybody
)]
#[case::everybody_without_a_header(
    Kind::Resource,
    r#""Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*", "Condition": {"StringNotEquals": {"aws:Referer": "x"}}"#,
    r#""Effect": "Deny", "Principal": {"AWS": "*"}, "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*""#,
    Rule::Anybody
)]
#[case::all_but_one(
    Kind::Resource,
    r#""Effect": "Allow", "NotPrincipal": {"AWS": "123456789012"}, "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*""#,
    r#""Effect": "Deny", "NotPrincipal": {"AWS": "123456789012"}, "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*""#,
    Rule::Anybody
)]
#[case::any_api(
    Kind::Resource,
    r#""Effect": "Allow", "Principal": {"Service": "apigateway.amazonaws.com"}, "Action": "lambda:InvokeFunction", "Resource": "arn:aws:lambda:eu-west-1:123456789012:function:f""#,
    r#""Effect": "Allow", "Principal": {"Service": "apigateway.amazonaws.com"}, "Action": "lambda:InvokeFunction", "Resource": "arn:aws:lambda:eu-west-1:123456789012:function:f", "Condition": {"ArnLike": {"aws:SourceArn": "arn:aws:execute-api:eu-west-1:123456789012:a1/*"}}"#,
    Rule::AnySource
)]
#[case::a_service_of_an_organization(
    Kind::Resource,
    r#""Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": "arn:aws:sqs:eu-west-1:123456789012:q", "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-a1b2c3"}}"#,
    r#""Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": "arn:aws:sqs:eu-west-1:123456789012:q", "Condition": {"StringEquals": {"aws:SourceOrgID": "o-a1b2c3"}}"#,
    Rule::KeyNeverCarried
)]
#[case::service_that_is_not(
    Kind::Trust,
    r#""Effect": "Allow", "Principal": {"Service": "apigatewayv2.amazonaws.com"}, "Action": "sts:AssumeRole""#,
    r#""Effect": "Allow", "Principal": {"Service": "apigateway.amazonaws.com"}, "Action": "sts:AssumeRole""#,
    Rule::NoSuchPrincipal
)]
#[case::deleted(
    Kind::Trust,
    r#""Effect": "Allow", "Principal": {"AWS": "AROAEXAMPLEEXAMPLE12"}, "Action": "sts:AssumeRole""#,
    r#""Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:role/r"}, "Action": "sts:AssumeRole""#,
    Rule::NoSuchPrincipal
)]
#[case::any_role(
    Kind::Identity,
    r#""Effect": "Allow", "Action": "iam:PassRole", "Resource": "*", "Condition": {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}}"#,
    r#""Effect": "Allow", "Action": "iam:PassRole", "Resource": "arn:aws:iam::123456789012:role/app-*", "Condition": {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}}"#,
    Rule::PassAnyRole
)]
#[case::open_route(
    Kind::Identity,
    r#""Effect": "Allow", "Action": "apigateway:P*", "Resource": "arn:aws:apigateway:eu-west-1::/apis/a1/*""#,
    r#""Effect": "Allow", "Action": "apigateway:GET", "Resource": "arn:aws:apigateway:eu-west-1::/apis/a1/*""#,
    Rule::RouteWithoutAuthorizer
)]
#[case::route_if_exists(
    Kind::Identity,
    r#""Effect": "Allow", "Action": ["apigateway:PATCH", "apigateway:GET"], "Resource": "arn:aws:apigateway:eu-west-1::/apis/*/routes/*", "Condition": {"ForAnyValue:StringEqualsIfExists": {"apigateway:Request/RouteAuthorizationType": "JWT"}}"#,
    r#""Effect": "Allow", "Action": "apigateway:PATCH", "Resource": "arn:aws:apigateway:eu-west-1::/apis/*/routes/*", "Condition": {"ForAnyValue:StringEquals": {"apigateway:Request/RouteAuthorizationType": "JWT"}}"#,
    Rule::RouteWithoutAuthorizer
)]
#[case::function_without_network(
    Kind::Identity,
    r#""Effect": "Allow", "Action": ["lambda:UpdateFunctionCode", "lambda:UpdateFunction*"], "Resource": "arn:aws:lambda:eu-west-1:123456789012:function:a""#,
    r#""Effect": "Allow", "Action": ["lambda:UpdateFunctionCode", "lambda:PublishVersion"], "Resource": "arn:aws:lambda:eu-west-1:123456789012:function:a""#,
    Rule::FunctionOutOfNetwork
)]
#[case::function_made_without_network(
    Kind::Identity,
    r#""Effect": "Allow", "Action": "lambda:CreateFunction", "Resource": "arn:aws:lambda:eu-west-1:123456789012:function:a""#,
    r#""Effect": "Allow", "Action": "lambda:CreateFunction", "Resource": "arn:aws:lambda:eu-west-1:123456789012:function:a", "Condition": {"StringEquals": {"lambda:VpcIds": "vpc-1"}}"#,
    Rule::FunctionOutOfNetwork
)]
fn the_bad_case_is_found_and_its_good_twin_is_not(
    #[case] kind: Kind,
    #[case] bad: &str,
    #[case] good: &str,
    #[case] rule: Rule,
) {
    assert_eq!(rules(kind, &format!("{{{bad}}}")), [rule]);
    assert_eq!(rules(kind, &format!("{{{good}}}")), []);
}

#[test]
fn a_boundary_for_functions_in_a_vpc_has_all_or_nothing_of_it() {
    let statement =
        |actions: &str| format!(r#"{{"Effect": "Allow", "Action": [{actions}], "Resource": "*"}}"#);
    let some = statement(IN_VPC);
    assert_eq!(rules(Kind::Boundary, &some), [Rule::NetworkPermissionsIncomplete]);
    assert_eq!(rules(Kind::Identity, &some), []);
    let all = format!(
        r#"{IN_VPC}, "ec2:DescribeSubnets", "ec2:AssignPrivateIpAddresses", "ec2:UnassignPrivateIpAddresses""#
    );
    assert_eq!(rules(Kind::Boundary, &statement(&all)), []);
    assert_eq!(rules(Kind::Boundary, &statement(r#""logs:PutLogEvents""#)), []);
}

#[rstest]
#[case(r#""Action": "s3:GetObject", "Resource": "arn:aws:?:?:?:?""#)]
#[case(r#""Action": "iam:GetRole", "Resource": "arn:aws:iam::?:role/?""#)]
#[case(r#""Action": "s3:ListBucket", "Resource": "arn:aws:s3:::?", "Condition": {"NumericLessThan": {"s3:max-keys": "?"}}"#)]
fn nothing_is_found_because_of_what_is_not_known(#[case] rest: &str) {
    let rest = rest.replace('?', &UNKNOWN.to_string());
    assert_eq!(rules(Kind::Identity, &format!(r#"{{"Effect": "Allow", {rest}}}"#)), []);
}

#[test]
fn a_finding_stands_where_its_entry_does() {
    let text = "{\n  \"Version\": \"2012-10-17\",\n  \"Statement\": {\n    \"Effect\": \"Allow\",\n    \"Action\": [\"s3:GetObject\",\n      \"s3:Fetch\"],\n    \"Resource\": \"arn:aws:s3:::b/*\"\n  }\n}";
    let document = Document::parse("policy", text, Kind::Identity).unwrap();
    let found: Vec<_> = lint(&document).iter().map(|found| (found.line, found.column)).collect();
    assert_eq!(found, [(6, 7)]);
}

#[test]
fn rules_have_names_of_their_own() {
    let mut names: Vec<&str> = Rule::ALL.iter().map(|rule| rule.name()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), Rule::ALL.len());
    for rule in Rule::ALL {
        assert!(rule.source().starts_with("https://docs.aws.amazon.com/"), "{rule:?}");
        assert!(rule.description().ends_with('.'), "{rule:?}");
    }
}

#[rstest]
#[case(
    "cloudformation:CreateChangeSet",
    "arn:aws:cloudformation:eu-west-1:aws:transform/Serverless-2016-10-31"
)]
#[case("logs:DescribeLogGroups", "arn:aws:logs:eu-west-1:123456789012:log-group:*")]
fn resources_that_the_reference_lacks_are_known(#[case] action: &str, #[case] resource: &str) {
    let statement = |action: &str| {
        format!(r#"{{"Effect": "Allow", "Action": "{action}", "Resource": "{resource}"}}"#)
    };
    assert_eq!(rules(Kind::Identity, &statement(action)), []);
    assert_eq!(rules(Kind::Identity, &statement("iam:GetRole")), [Rule::ResourceNever]);
}

/// A function's network comes whole or not at all.
#[test]
fn a_key_that_comes_with_another_is_there_when_that_is() {
    let statement = |vpc: &str| {
        format!(
            r#"{{"Effect": "Allow", "Action": "lambda:CreateFunction", "Resource": "arn:aws:lambda:eu-west-1:123456789012:function:a", "Condition": {{{vpc}"ForAllValues:StringEquals": {{"lambda:SubnetIds": "subnet-1"}}}}}}"#
        )
    };
    let alone = [Rule::AllValuesOfNothing, Rule::FunctionOutOfNetwork];
    assert_eq!(rules(Kind::Identity, &statement("")), alone);
    let vpc = r#""StringEquals": {"lambda:VpcIds": "vpc-1"}, "#;
    assert_eq!(rules(Kind::Identity, &statement(vpc)), []);
}

/// The findings' rules with their messages.
fn told(kind: Kind, statement: &str) -> Vec<String> {
    let text = format!(r#"{{"Version": "2012-10-17", "Statement": [{statement}]}}"#);
    let document = Document::parse("policy", &text, kind).unwrap();
    lint(&document)
        .into_iter()
        .map(|finding| format!("{}: {}; {}", finding.rule.name(), finding.message, finding.instead))
        .collect()
}

/// As AWS's reference spells keys of tags: `${TagKey}`, `<key>`, `tag-key`.
#[rstest]
#[case("secretsmanager:GetSecretValue", "secretsmanager:ResourceTag/App", true)]
#[case("secretsmanager:GetSecretValue", "secretsmanager:resourcetag/App", true)]
#[case("secretsmanager:ListSecrets", "secretsmanager:ResourceTag/App", false)]
#[case("s3:GetObject", "s3:ExistingObjectTag/team", true)]
#[case("s3:PutObject", "s3:RequestObjectTag/team", true)]
#[case("s3:ListBucket", "s3:ExistingObjectTag/team", false)]
#[case("ssm:SendCommand", "ssm:resourceTag/Name", true)]
#[case("ec2:StartInstances", "ec2:ResourceTag/team", true)]
#[case("ec2:DescribeInstances", "ec2:ResourceTag/team", false)]
#[case("states:InvokeHTTPEndpoint", "states:HTTPEndpoint", true)]
fn keys_of_tags_are_known(#[case] action: &str, #[case] key: &str, #[case] carried: bool) {
    let statement = format!(
        r#"{{"Effect": "Deny", "Action": "{action}", "Resource": "*", "Condition": {{"StringEquals": {{"{key}": "a"}}}}}}"#
    );
    let expected = if carried { vec![] } else { vec![Rule::KeyNeverCarried] };
    assert_eq!(rules(Kind::Identity, &statement), expected);
}

/// SNS's own default policy.
#[test]
fn the_owner_of_a_source_is_carried() {
    let statement = r#"{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": ["SNS:Publish", "SNS:Subscribe"],
        "Resource": "arn:aws:sns:us-east-1:123456789012:t", "Condition": {"StringEquals": {"AWS:SourceOwner": "123456789012"}}}"#;
    assert_eq!(told(Kind::Resource, statement), Vec::<String>::new());
}

const TAG_KEYS: &str = r#""ForAllValues:StringEquals": {"aws:TagKeys": ["team"]}"#;

/// Who must name a tag's value sends its key; who tags sends keys. A call that
/// deletes all tags sends none.
#[rstest]
#[case("ec2:RunInstances", r#""StringEquals": {"aws:RequestTag/team": "a"}, "#, true)]
#[case("ec2:RunInstances", r#""Null": {"aws:RequestTag/team": "false"}, "#, true)]
#[case("ec2:RunInstances", r#""StringEqualsIfExists": {"aws:RequestTag/team": "a"}, "#, false)]
#[case("ec2:RunInstances", "", false)]
#[case("iam:TagRole", "", true)]
#[case("ec2:CreateTags", "", true)]
#[case("ec2:DeleteTags", "", false)]
#[case("iam:UntagRole", "", true)]
#[case("datasync:UntagResource", "", true)]
#[case("aoss:TagResource", "", true)]
#[case("cloudformation:UntagResource", "", true)]
#[case("mq:CreateTags", "", false)]
#[case("deadline:TagResource", "", false)]
fn tag_keys_beside_a_required_tag_are_there(
    #[case] action: &str,
    #[case] beside: &str,
    #[case] fine: bool,
) {
    let statement = format!(
        r#"{{"Effect": "Allow", "Action": "{action}", "Resource": "*", "Condition": {{{beside}{TAG_KEYS}}}}}"#
    );
    let expected = if fine { vec![] } else { vec![Rule::AllValuesOfNothing] };
    assert_eq!(rules(Kind::Identity, &statement), expected);
}

#[rstest]
#[case("Action", "*", "iam:PermissionBoundary", Some("iam:PermissionsBoundary"))]
#[case("NotAction", "s3:*", "iam:PermissionBoundary", Some("iam:PermissionsBoundary"))]
#[case("Action", "*", "aws:PrincipalOrgPath", Some("aws:PrincipalOrgPaths"))]
#[case("Action", "*", "iam:PermissionsBoundary", None)]
#[case("Action", "*", "aws:RequestTag/a", None)]
#[case("Action", "*", "aws:ResourceTag/a", None)]
#[case("Action", "*", "aws:TagKeys", None)]
#[case("Action", "*", "AWS:requestedregion", None)]
#[case("Action", "*", "saml:aud", None)]
#[case("Action", "*", "ecs:cluster", None)]
fn a_key_that_nobody_carries_is_told_under_every_action(
    #[case] element: &str,
    #[case] action: &str,
    #[case] key: &str,
    #[case] near: Option<&str>,
) {
    let statement = format!(
        r#"{{"Effect": "Deny", "{element}": "{action}", "Resource": "*", "Condition": {{"ForAnyValue:StringEquals": {{"{key}": "a"}}}}}}"#
    );
    let expected: Vec<String> = near
        .map(|near| {
            format!(
                "key-never-carried: no request carries `{key}`, so the statement never denies \
                 anything; did you mean `{near}`?"
            )
        })
        .into_iter()
        .collect();
    assert_eq!(told(Kind::ServiceControl, &statement), expected);
}

#[test]
fn a_service_that_does_not_exist_is_told_with_its_neighbour() {
    let statement = r#"{"Effect": "Allow", "Action": "lambdaa:InvokeFunction", "Resource": "*"}"#;
    assert_eq!(
        told(Kind::Identity, statement),
        ["unknown-service: `lambdaa:InvokeFunction` is no action: no service has the prefix \
             `lambdaa`; did you mean `lambda:`?"]
    );
}

/// The claims that STS's reference lists, and no others.
#[rstest]
#[case("aud", true)]
#[case("sub", true)]
#[case("repository", true)]
#[case("job_workflow_ref", true)]
#[case("iss", false)]
#[case("repository_owner", false)]
#[case("event_name", false)]
#[case("run_id", false)]
#[case("job_workflow_sha", false)]
fn claims_that_are_no_condition_keys_are_told(#[case] claim: &str, #[case] is_key: bool) {
    let key = format!("token.actions.githubusercontent.com:{claim}");
    let trust = format!(
        r#"{{{GITHUB}, "Condition": {{{AUD}, "StringLike": {{"{SUB}": "repo:acme/service-a:*", "{key}": "a"}}}}}}"#
    )
    .replace(&format!(r#", "{SUB}": "a""#), "");
    let expected = if is_key { vec![] } else { vec![Rule::KeyNeverCarried] };
    assert_eq!(rules(Kind::Trust, &trust), expected);
}

/// "These keys are also available in requests made with the session": `sub`
/// and `aud` are, GitHub's further claims are not.
#[rstest]
#[case("token.actions.githubusercontent.com:sub", true)]
#[case("token.actions.githubusercontent.com:aud", true)]
#[case("token.actions.githubusercontent.com:repository", false)]
#[case("token.actions.githubusercontent.com:event_name", false)]
#[case("cognito-identity.amazonaws.com:amr", true)]
#[case("dev-1.okta.com/oauth2/default:groups", false)]
#[case("graph.facebook.com:app_id", true)]
fn claims_that_later_requests_do_not_carry_are_told(#[case] key: &str, #[case] carried: bool) {
    let statement = format!(
        r#"{{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*", "Condition": {{"StringLike": {{"{key}": "a"}}}}}}"#
    );
    let expected = if carried { vec![] } else { vec![Rule::KeyNeverCarried] };
    assert_eq!(rules(Kind::Identity, &statement), expected);
}

/// A star under `StringEquals` lets nobody in: that is another fault than an
/// open trust.
#[test]
fn a_star_that_is_text_is_told() {
    let trust = format!(
        r#"{{{GITHUB}, "Condition": {{"StringEquals": {{"token.actions.githubusercontent.com:aud": "sts.amazonaws.com", "{SUB}": "repo:acme/*"}}}}}}"#
    );
    assert_eq!(
        told(Kind::Trust, &trust),
        ["star-as-text: the `*` of `repo:acme/*` is an ordinary character to StringEquals, so \
             it holds for nothing that the pattern was to match; write `StringLike`, or what is \
             meant without a `*`"]
    );
}

#[rstest]
#[case("StringEquals", r#""a/*""#, Some("so it holds for nothing that the pattern was to match"))]
#[case("StringEquals", r#"["a", "a/*"]"#, Some("so the pattern adds nothing"))]
#[case(
    "StringNotEquals",
    r#""a/*""#,
    Some("so it holds for all that the pattern was to leave out")
)]
#[case(
    "StringEqualsIgnoreCase",
    r#""a/*""#,
    Some("so it holds for nothing that the pattern was to match")
)]
#[case("StringEqualsIfExists", r#""a/*""#, Some("so it holds for requests without the key alone"))]
#[case("StringLike", r#""a/*""#, None)]
#[case("StringEquals", r#""a/${*}""#, None)]
#[case("ArnEquals", r#""arn:aws:iam::123456789012:role/*""#, None)]
fn a_star_is_told_under_every_key(
    #[case] operator: &str,
    #[case] value: &str,
    #[case] effect: Option<&str>,
) {
    let statement = format!(
        r#"{{"Effect": "Deny", "Action": "s3:GetObject", "Resource": "*", "Condition": {{"{operator}": {{"aws:PrincipalArn": {value}}}}}}}"#
    );
    let found = told(Kind::ServiceControl, &statement);
    match effect {
        None => assert_eq!(found, Vec::<String>::new()),
        Some(effect) => {
            assert_eq!(found.len(), 1);
            assert!(
                found[0].starts_with("star-as-text: ") && found[0].contains(effect),
                "{found:?}"
            );
        }
    }
}

#[rstest]
#[case("iam:UpdateAssumeRolePolicy", "*", true)]
#[case("iam:PutRolePolicy", "arn:aws:iam::123456789012:role/*", true)]
#[case("iam:Put*", "*", true)]
#[case("iam:CreatePolicyVersion", "arn:aws:iam::123456789012:policy/own", false)]
#[case("iam:CreateAccessKey", "arn:aws:iam::*:user/*", true)]
#[case("iam:CreateAccessKey", "arn:aws:iam::*:user/${aws:username}", false)]
#[case("iam:GetRole", "*", false)]
fn single_actions_that_escalate_are_told(
    #[case] action: &str,
    #[case] resource: &str,
    #[case] told: bool,
) {
    let statement =
        format!(r#"{{"Effect": "Allow", "Action": "{action}", "Resource": "{resource}"}}"#);
    let expected = if told { vec![Rule::EscalatingAction] } else { vec![] };
    assert_eq!(rules(Kind::Identity, &statement), expected);
    // A boundary grants nothing, and a condition may say on what.
    assert_eq!(rules(Kind::Boundary, &statement), []);
    let held = statement.replace(
        "}",
        r#", "Condition": {"ArnEquals": {"aws:PrincipalArn": "arn:aws:iam::123456789012:role/admin"}}}"#,
    );
    if !statement.contains("${") {
        assert_eq!(rules(Kind::Identity, &held), []);
    }
}

/// A condition that some actions of a statement carry is there for these.
#[test]
fn an_exception_is_for_the_actions_that_carry_its_key() {
    let statement = |actions: &str| {
        format!(
            r#"{{"Effect": "Deny", "Action": [{actions}], "Resource": "*", "Condition": {{"StringNotEqualsIfExists": {{"aws:ResourceTag/open": "true"}}}}}}"#
        )
    };
    let both = statement(r#""sts:GetSessionToken", "sts:AssumeRole""#);
    assert_eq!(rules(Kind::ServiceControl, &both), []);
    assert_eq!(
        told(Kind::ServiceControl, &statement(r#""sts:GetSessionToken""#)),
        ["key-never-carried: requests for `sts:GetSessionToken` never carry \
             `aws:ResourceTag/open`, so the condition leaves nothing out; move \
             `sts:GetSessionToken` into a statement of its own, with keys that it carries"]
    );
}

#[test]
fn alexa_calls_by_a_name_of_its_own() {
    let statement = |service: &str| {
        format!(
            r#"{{"Effect": "Allow", "Principal": {{"Service": "{service}"}}, "Action": "lambda:InvokeFunction",
                "Resource": "arn:aws:lambda:us-east-1:123456789012:function:f", "Condition": {{"StringEquals": {{"lambda:EventSourceToken": "amzn1.ask.skill.1"}}}}}}"#
        )
    };
    assert_eq!(rules(Kind::Resource, &statement("alexa-appkit.amazon.com")), []);
    let wrong = rules(Kind::Resource, &statement("alexa-appkit.example.com"));
    assert_eq!(wrong, [Rule::NoSuchPrincipal]);
}

/// Each record set of a change has a name: Route 53's own examples compare all
/// of them.
#[rstest]
#[case("route53:ChangeResourceRecordSets", "route53:ChangeResourceRecordSetsRecordTypes", true)]
#[case("kms:Decrypt", "kms:EncryptionContextKeys", false)]
#[case("dynamodb:Query", "dynamodb:LeadingKeys", true)]
#[case("dynamodb:BatchWriteItem", "dynamodb:LeadingKeys", true)]
#[case("dynamodb:PartiQLSelect", "dynamodb:LeadingKeys", false)]
#[case("dynamodb:GetItem", "dynamodb:Attributes", false)]
fn keys_of_required_members_are_there(
    #[case] action: &str,
    #[case] key: &str,
    #[case] always: bool,
) {
    let statement = format!(
        r#"{{"Effect": "Allow", "Action": "{action}", "Resource": "*", "Condition": {{"ForAllValues:StringEquals": {{"{key}": ["A"]}}}}}}"#
    );
    let expected = if always { vec![] } else { vec![Rule::AllValuesOfNothing] };
    assert_eq!(rules(Kind::Identity, &statement), expected);
}

/// A policy is of a type, so that the key is always there; a service may stay
/// unsaid in a list of administrators.
#[rstest]
#[case("organizations:CreatePolicy", "organizations:PolicyType", true)]
#[case("organizations:DescribePolicy", "organizations:PolicyType", true)]
#[case("organizations:ListDelegatedAdministrators", "organizations:ServicePrincipal", false)]
fn keys_that_cannot_be_left_out_are_not_told(
    #[case] action: &str,
    #[case] key: &str,
    #[case] always: bool,
) {
    let statement = format!(
        r#"{{"Effect": "Allow", "Action": "{action}", "Resource": "*", "Condition": {{"StringLikeIfExists": {{"{key}": ["A"]}}}}}}"#
    );
    let expected = if always { vec![] } else { vec![Rule::AllowedWhenAbsent] };
    assert_eq!(rules(Kind::Identity, &statement), expected);
}

/// AWS's own examples compare the one source of a rule without a set operator.
#[rstest]
#[case("events:PutRule", "events:source", true)]
#[case("events:PutRule", "events:detail-type", true)]
#[case("dynamodb:GetItem", "dynamodb:Attributes", false)]
fn a_list_of_one_needs_no_set_operator(
    #[case] action: &str,
    #[case] key: &str,
    #[case] of_one: bool,
) {
    let statement = format!(
        r#"{{"Effect": "Allow", "Action": "{action}", "Resource": "*", "Condition": {{"StringEquals": {{"{key}": "a"}}}}}}"#
    );
    let expected = if of_one { vec![] } else { vec![Rule::ListWithoutSetOperator] };
    assert_eq!(rules(Kind::Identity, &statement), expected);
}

/// What is said of a value that cannot be read is what the engine makes of it.
#[rstest]
#[case(
    "Allow",
    r#""NumericEquals": {"s3:max-keys": "ten"}"#,
    "so the statement never allows anything"
)]
#[case("Allow", r#""NumericEquals": {"s3:max-keys": ["10", "ten"]}"#, "so it matches nothing")]
#[case(
    "Allow",
    r#""NumericEqualsIfExists": {"s3:max-keys": "ten"}"#,
    "so it holds for requests without `s3:max-keys` alone"
)]
#[case(
    "Deny",
    r#""NumericEquals": {"s3:max-keys": "ten"}"#,
    "so every request with `s3:max-keys` is denied"
)]
#[case("Deny", r#""Null": {"s3:max-keys": "ten"}"#, "so every request is denied")]
fn a_value_that_cannot_be_read_is_told_with_its_effect(
    #[case] effect: &str,
    #[case] condition: &str,
    #[case] says: &str,
) {
    let statement = |condition: &str| {
        format!(
            r#"{{"Effect": "{effect}", "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::b", "Condition": {{{condition}}}}}"#
        )
    };
    let unreadable = |condition: &str| -> Vec<String> {
        let found = told(Kind::ServiceControl, &statement(condition)).into_iter();
        found.filter(|finding| finding.starts_with("unreadable-value")).collect()
    };
    let found = unreadable(condition);
    assert_eq!(found.len(), 1);
    assert!(found[0].contains(&format!("cannot read `ten`, {says};")), "{found:?}");
    let readable = condition.replace("ten", if condition.contains("Null") { "true" } else { "20" });
    assert_eq!(unreadable(&readable), Vec::<String>::new());
}

/// `Null` asks of a key that nobody carries what is always so, or never.
#[rstest]
#[case("iam:PermissionBoundary", "*", "true", "so the condition leaves nothing out")]
#[case("iam:PermissionBoundary", "*", "false", "so the statement never denies anything")]
#[case(
    "token.actions.githubusercontent.com:event_name",
    "s3:*",
    "true",
    "so the condition limits nothing"
)]
#[case("token.actions.githubusercontent.com:event_name", "s3:*", "false", "so it never holds")]
fn the_absence_of_a_key_that_nobody_carries_is_certain(
    #[case] key: &str,
    #[case] action: &str,
    #[case] absent: &str,
    #[case] says: &str,
) {
    let statement = format!(
        r#"{{"Effect": "Deny", "Action": "{action}", "Resource": "*", "Condition": {{"Null": {{"{key}": "{absent}"}}}}}}"#
    );
    let found = told(Kind::ServiceControl, &statement);
    assert_eq!(found.len(), 1);
    assert!(found[0].contains(&format!("{says};")), "{found:?}");
}

/// A finding about a condition is told once, not for each action.
#[test]
fn a_condition_of_several_actions_is_told_once() {
    let statement = r#"{"Effect": "Allow", "Action": ["ec2:RunInstances", "ec2:CreateVolume"], "Resource": "*",
        "Condition": {"ForAllValues:StringEquals": {"aws:TagKeys": ["team"]}}}"#;
    assert_eq!(rules(Kind::Identity, statement), [Rule::AllValuesOfNothing]);
    let never = statement.replace("aws:TagKeys", "iam:PermissionsBoundary");
    assert_eq!(rules(Kind::Identity, &never)[..2], [Rule::KeyNeverCarried, Rule::KeyNeverCarried]);
}
