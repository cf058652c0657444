//! API Gateway v2.

use ringfence_wire::Service;
use rstest::rstest;
use serde_json::{Value, json};

use super::{expect, fake, line};
use crate::requirements::invoke_api;

#[rstest]
#[case::a_route_without_a_type_is_open(
    "CreateRoute", json!({"ApiId": "a2", "RouteKey": "GET /"}),
    &["apigateway:POST arn:aws:apigateway:eu-west-1::/apis/a2/routes \
       apigateway:request/apikeyrequired=[false] \
       apigateway:request/routeauthorizationtype=[NONE]"])]
#[case::a_guarded_route(
    "CreateRoute", json!({"ApiId": "a2", "RouteKey": "GET /", "AuthorizationType": "JWT"}),
    &["apigateway:POST arn:aws:apigateway:eu-west-1::/apis/a2/routes \
       apigateway:request/apikeyrequired=[false] \
       apigateway:request/routeauthorizationtype=[JWT]"])]
#[case::opening_a_route(
    "UpdateRoute", json!({"ApiId": "a1", "RouteId": "jwt", "AuthorizationType": "NONE"}),
    &["apigateway:PATCH arn:aws:apigateway:eu-west-1::/apis/a1/routes/jwt \
       apigateway:request/apikeyrequired=[false] \
       apigateway:request/routeauthorizationtype=[NONE] \
       apigateway:resource/apikeyrequired=[false] \
       apigateway:resource/routeauthorizationtype=[JWT] aws:resourcetag/team=a"])]
#[case::an_update_that_leaves_the_type_keeps_it(
    "UpdateRoute", json!({"ApiId": "a2", "RouteId": "jwt", "Target": "integrations/i"}),
    &["apigateway:PATCH arn:aws:apigateway:eu-west-1::/apis/a2/routes/jwt \
       apigateway:request/apikeyrequired=[false] \
       apigateway:request/routeauthorizationtype=[JWT] \
       apigateway:resource/apikeyrequired=[false] \
       apigateway:resource/routeauthorizationtype=[JWT]"])]
#[case::a_stored_route_without_a_type_is_open(
    "DeleteRoute", json!({"ApiId": "a2", "RouteId": "open"}),
    &["apigateway:DELETE arn:aws:apigateway:eu-west-1::/apis/a2/routes/open \
       apigateway:resource/apikeyrequired=[false] \
       apigateway:resource/routeauthorizationtype=[NONE]"])]
#[case::reading_a_route(
    "GetRoute", json!({"ApiId": "a2", "RouteId": "jwt"}),
    &["apigateway:GET arn:aws:apigateway:eu-west-1::/apis/a2/routes/jwt"])]
#[case::a_domain_with_certificates_and_tags(
    "CreateDomainName",
    json!({"DomainName": "a.example.com", "DomainNameConfigurations": [], "Tags": {"t": "1"},
           "MutualTlsAuthentication": {"truststoreUri": "s3://b/k"}}),
    &[
        "apigateway:POST arn:aws:apigateway:eu-west-1::/domainnames aws:requesttag/t=1 \
         aws:tagkeys=[t] ?apigateway:request/endpointtype ?apigateway:request/mtlstruststoreuri \
         ?apigateway:request/mtlstruststoreversion ?apigateway:request/securitypolicy \
         ?apigateway:resource/endpointtype ?apigateway:resource/mtlstruststoreuri \
         ?apigateway:resource/mtlstruststoreversion ?apigateway:resource/routingmode \
         ?apigateway:resource/securitypolicy ?aws:resourcetag/*",
        "apigateway:POST arn:aws:apigateway:eu-west-1::/tags/\
         arn%3Aaws%3Aapigateway%3Aeu-west-1%3A%3A%2Fdomainnames%2F* aws:requesttag/t=1 \
         aws:tagkeys=[t]",
        "apigateway:AddCertificateToDomain arn:aws:apigateway:eu-west-1::/domainnames",
    ])]
#[case::authorizer(
    "CreateAuthorizer",
    json!({"ApiId": "a2", "Name": "x", "AuthorizerType": "REQUEST", "AuthorizerUri": "arn:fn"}),
    &["apigateway:POST arn:aws:apigateway:eu-west-1::/apis/a2/authorizers \
       apigateway:request/authorizertype=[REQUEST] apigateway:request/authorizeruri=[arn:fn]"])]
#[case::a_changed_authorizer(
    "UpdateAuthorizer", json!({"ApiId": "a2", "AuthorizerId": "z", "AuthorizerType": "REQUEST"}),
    &["apigateway:PATCH arn:aws:apigateway:eu-west-1::/apis/a2/authorizers/z \
       apigateway:request/authorizertype=[REQUEST] apigateway:resource/authorizertype=[JWT]"])]
#[case::a_tagged_stage_needs_the_named_action(
    "CreateStage",
    json!({"ApiId": "a2", "StageName": "$default", "Tags": {"t": "1"},
           "AccessLogSettings": {"format": "f"}}),
    &[
        "apigateway:POST arn:aws:apigateway:eu-west-1::/apis/a2/stages \
         apigateway:request/accessloggingformat=f aws:requesttag/t=1 aws:tagkeys=[t]",
        "apigateway:TagResource arn:aws:apigateway:eu-west-1::/apis/a2/stages \
         aws:requesttag/t=1 aws:tagkeys=[t]",
    ])]
#[case::a_changed_stage(
    "UpdateStage", json!({"ApiId": "a2", "StageName": "$default",
                          "AccessLogSettings": {"format": "new"}}),
    &["apigateway:PATCH arn:aws:apigateway:eu-west-1::/apis/a2/stages/$default \
       apigateway:request/accessloggingdestination=arn:old \
       apigateway:request/accessloggingformat=new \
       apigateway:resource/accessloggingdestination=arn:old \
       apigateway:resource/accessloggingformat=old aws:resourcetag/stage=yes"])]
#[case::a_tagged_api(
    "CreateApi", json!({"Name": "shop", "ProtocolType": "HTTP", "Tags": {"t": "1"}}),
    &[
        "apigateway:POST arn:aws:apigateway:eu-west-1::/apis apigateway:request/apiname=shop \
         apigateway:request/disableexecuteapiendpoint=false \
         apigateway:request/endpointtype=[REGIONAL] aws:requesttag/t=1 aws:tagkeys=[t]",
        "apigateway:POST arn:aws:apigateway:eu-west-1::/tags/\
         arn%3Aaws%3Aapigateway%3Aeu-west-1%3A%3A%2Fapis%2F* aws:requesttag/t=1 aws:tagkeys=[t]",
    ])]
#[case::quick_create_opens_a_route(
    "CreateApi", json!({"Name": "shop", "ProtocolType": "HTTP", "Target": "arn:fn"}),
    &["apigateway:POST arn:aws:apigateway:eu-west-1::/apis apigateway:request/apikeyrequired=[false] \
       apigateway:request/apiname=shop apigateway:request/disableexecuteapiendpoint=false \
       apigateway:request/endpointtype=[REGIONAL] \
       apigateway:request/routeauthorizationtype=[NONE]"])]
#[case::a_changed_api(
    "UpdateApi", json!({"ApiId": "a1", "Name": "new", "DisableExecuteApiEndpoint": true}),
    &["apigateway:PATCH arn:aws:apigateway:eu-west-1::/apis/a1 apigateway:request/apiname=new \
       apigateway:request/disableexecuteapiendpoint=true \
       apigateway:request/endpointtype=[REGIONAL] apigateway:resource/apiname=shop \
       apigateway:resource/disableexecuteapiendpoint=false \
       apigateway:resource/endpointtype=[REGIONAL] aws:resourcetag/team=a"])]
#[case::deployment(
    "CreateDeployment", json!({"ApiId": "a2", "StageName": "prod"}),
    &["apigateway:POST arn:aws:apigateway:eu-west-1::/apis/a2/deployments \
       apigateway:request/stagename=prod"])]
#[case::tags_are_a_path_of_their_own(
    "TagResource",
    json!({"ResourceArn": "arn:aws:apigateway:eu-west-1::/apis/a1", "Tags": {"t": "1"}}),
    &["apigateway:POST arn:aws:apigateway:eu-west-1::/tags/\
       arn%3Aaws%3Aapigateway%3Aeu-west-1%3A%3A%2Fapis%2Fa1 aws:requesttag/t=1 \
       aws:resourcetag/team=a aws:tagkeys=[t]"])]
#[case::an_integrations_role_is_passed(
    "CreateIntegration",
    json!({"ApiId": "a2", "IntegrationType": "AWS_PROXY",
           "CredentialsArn": "arn:aws:iam::123456789012:role/apps/app"}),
    &[
        "apigateway:POST arn:aws:apigateway:eu-west-1::/apis/a2/integrations",
        "iam:PassRole arn:aws:iam::123456789012:role/apps/app \
         iam:passedtoservice=apigateway.amazonaws.com",
    ])]
#[case::deep_paths(
    "ResetAuthorizersCache", json!({"ApiId": "a2", "StageName": "s"}),
    &["apigateway:DELETE arn:aws:apigateway:eu-west-1::/apis/a2/stages/s/cache/authorizers"])]
#[case::cors("DeleteCorsConfiguration", json!({"ApiId": "a2"}),
    &["apigateway:DELETE arn:aws:apigateway:eu-west-1::/apis/a2/cors"])]
#[tokio::test]
async fn api_gateway_requires(
    #[case] operation: &str,
    #[case] input: Value,
    #[case] expected: &[&str],
) {
    expect(Service::ApiGatewayV2, operation, input, expected).await;
}

#[test]
fn a_route_with_iam_authorization_is_invoked_by_its_path() {
    let requirement = invoke_api(&fake::Account, "eu-west-1", "a1", "$default", "GET", "/items/1");
    assert_eq!(
        line(&requirement),
        "execute-api:Invoke arn:aws:execute-api:eu-west-1:123456789012:a1/$default/GET/items/1"
    );
}
