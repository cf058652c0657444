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
#[case(r#""Action": "s3:GetObjects", "Resource": "arn:aws:s3:::b/*""#, &[Rule::UnknownAction])]
#[case(r#""Action": "s3:Fetch*", "Resource": "arn:aws:s3:::b/*""#, &[Rule::UnknownAction])]
#[case(r#""Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*""#, &[])]
#[case(r#""Action": "cognito-idp:AdminGetUser", "Resource": "*""#, &[])]
#[case(r#""Action": "s3:GetObject", "Resource": "arn:aws:s3:::b""#, &[Rule::ResourceNever])]
#[case(r#""Action": "s3:ListBucket", "Resource": "arn:aws:s3:::b""#, &[])]
#[case(r#""Action": ["s3:ListBucket", "s3:GetObject"], "Resource": ["arn:aws:s3:::b", "arn:aws:s3:::b/*"]"#, &[])]
#[case(r#""Action": "s3:ListAllMyBuckets", "Resource": "arn:aws:s3:::*""#, &[Rule::ResourceNever])]
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

#[test]
fn what_cannot_be_read_or_resolved_is_found() {
    assert_eq!(
        rules(
            Kind::Identity,
            r#"{"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::b", "Condition": {"NumericLessThan": {"s3:max-keys": "ten"}}}"#
        ),
        [Rule::UnreadableValue]
    );
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
