//! REST APIs, request by request, with records as the upstream shows them.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Method, Request, Response};
use ringfence_wire::{Call, Operation, Service, ServiceError};
use rstest::rstest;
use serde_json::{Value, json};

use super::{Records, RestApis};
use crate::client::Client;
use crate::http_api::Caller;
use crate::http_api::testing::{ACCOUNT, Engine, FUNCTION, REGION, World, told};
use crate::token::testing::{RSA, keys, with};
use crate::token::{Issuers, KeySource, SharedKeys};

const UNAUTHORIZED: &str = r#"{"message":"Unauthorized"}"#;
const FORBIDDEN: &str = r#"{"message":"Forbidden"}"#;
const MISSING: &str = r#"{"message":"Missing Authentication Token"}"#;
const DENIED: &str =
    r#"{"Message":"User is not authorized to access this resource with an explicit deny"}"#;
const UNKNOWN: &str = r#"{"Message":"User is not authorized to access this resource"}"#;

/// What an upstream keeps, by operation.
#[derive(Debug, Default)]
struct Kept {
    answers: Mutex<BTreeMap<String, Value>>,
    policy: Mutex<Option<String>>,
}

#[async_trait]
impl Records for Kept {
    async fn ask(&self, operation: &str, input: Value) -> Result<Value, ServiceError> {
        if operation == "GetStage" && input["stageName"] != "live" {
            return Err(ServiceError::new(404, "NotFoundException", "Invalid stage identifier"));
        }
        Ok(self.answers.lock().unwrap().get(operation).cloned().unwrap_or_else(|| json!({})))
    }

    async fn policy(&self, _: &str) -> Result<Option<String>, ServiceError> {
        Ok(self.policy.lock().unwrap().clone())
    }
}

fn uri(function: &str) -> String {
    format!("arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions/{function}/invocations")
}

/// A REST API `r1` with one method, deployed to the stage `live`.
struct Api {
    world: World,
    kept: Arc<Kept>,
    apis: RestApis,
}

impl Api {
    /// `GET /pets/{id}` with more of its method, and authorizers.
    async fn with(method: Value, authorizers: Value) -> Self {
        let world = World::new().await;
        let issuers = world.issuers.clone();
        Self::of(world, issuers, method, authorizers).await
    }

    async fn of(world: World, issuers: Issuers, method: Value, authorizers: Value) -> Self {
        let kept = Arc::new(Kept::default());
        let proxy = json!({"type": "AWS_PROXY", "httpMethod": "POST", "uri": uri(FUNCTION)});
        let usual = json!({"authorizationType": "NONE", "methodIntegration": proxy});
        for (operation, answer) in [
            ("GetRestApi", json!({"id": "r1"})),
            ("GetAuthorizers", json!({"items": authorizers})),
            ("GetStage", json!({"deploymentId": "d1", "variables": {"color": "blue"}})),
            (
                "GetResources",
                json!({"items": [
                    {"id": "root", "path": "/"},
                    {"id": "one", "path": "/pets/{id}", "resourceMethods": {"GET": with(usual, method)}},
                ]}),
            ),
        ] {
            kept.answers.lock().unwrap().insert(operation.to_owned(), answer);
        }
        let client = Client::new(Arc::clone(&world.setting));
        let records = Arc::clone(&kept) as Arc<dyn Records>;
        let apis = RestApis::new(Arc::clone(&world.setting), client, issuers, records);
        let api = Self { world, kept, apis };
        api.deploy().await;
        api
    }

    async fn open() -> Self {
        Self::with(json!({}), json!([])).await
    }

    async fn deploy(&self) {
        let Value::Object(input) = json!({"restApiId": "r1"}) else { panic!("an object") };
        let call = Call {
            operation: Operation::find(Service::ApiGateway, "CreateDeployment").unwrap(),
            region: REGION.into(),
            input,
            payload: None,
        };
        let mut answer = Response::new(Bytes::from(r#"{"id": "d1"}"#));
        *answer.status_mut() = http::StatusCode::CREATED;
        self.apis.after(&call, &answer).await.unwrap();
    }

    fn set_policy(&self, effect: &str) {
        let policy = json!({"Version": "2012-10-17", "Statement": [{"Effect": effect,
            "Principal": "*", "Action": "execute-api:Invoke", "Resource": "*"}]});
        *self.kept.policy.lock().unwrap() = Some(policy.to_string());
    }

    async fn send(&self, request: Request<Bytes>) -> Response<Bytes> {
        let path = request.uri().path().to_owned();
        let taken = match self.apis.method_of("r1", &Method::GET, &path).await {
            Ok(taken) => taken,
            Err(refused) => return refused.answer(),
        };
        let address = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7));
        self.apis.serve(&taken, request, address, "id", &mut Engine).await
    }

    /// Status, body and error type.
    async fn get(&self, path: &str, headers: &[(&str, &str)]) -> (u16, String, Option<String>) {
        let mut request = Request::get(path).header("host", "r1.execute-api.localhost:4566");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        told(&self.send(request.body(Bytes::new()).unwrap()).await, "x-amzn-errortype")
    }

    /// What the authorizer says, and what the integration does not mind.
    fn says(&self, answer: Value) {
        let both = with(json!({"statusCode": 200, "body": "hi"}), answer);
        self.world.answer_with((200, Vec::new(), both.to_string()));
    }
}

fn policy(effect: &str, resource: &str) -> Value {
    json!({"principalId": "alice", "context": {"n": 1}, "policyDocument": {
        "Version": "2012-10-17", "Statement": [{"Effect": effect,
            "Action": "execute-api:Invoke", "Resource": resource}]}})
}

fn token_authorizer(more: Value) -> Value {
    let base = json!({"id": "a1", "name": "t", "type": "TOKEN", "authorizerUri": uri(FUNCTION),
        "identitySource": "method.request.header.Authorization",
        "authorizerResultTtlInSeconds": 0});
    with(base, more)
}

fn custom() -> Value {
    json!({"authorizationType": "CUSTOM", "authorizerId": "a1"})
}

#[tokio::test]
async fn a_function_receives_the_request_and_answers_it() {
    let api = Api::open().await;
    let answer = api.get("/live/pets/7?a=1&a=2", &[("authorization", "x"), ("x-own", "y")]).await;
    assert_eq!(answer, (200, "hi".to_owned(), None));
    let event = api.world.asked()[0].event();
    assert_eq!(
        json!([
            event["resource"],
            event["path"],
            event["httpMethod"],
            event["pathParameters"],
            event["stageVariables"],
            event["queryStringParameters"],
            event["multiValueQueryStringParameters"],
            event["headers"]["Authorization"],
            event["headers"]["x-own"],
            event["body"],
            event["isBase64Encoded"]
        ]),
        json!(["/pets/{id}", "/pets/7", "GET", {"id": "7"}, {"color": "blue"}, {"a": "2"},
            {"a": ["1", "2"]}, "x", "y", null, false])
    );
    let context = &event["requestContext"];
    assert_eq!(
        json!([
            context["path"],
            context["resourceId"],
            context["resourcePath"],
            context["stage"],
            context["deploymentId"],
            context["apiId"],
            context["requestId"]
        ]),
        json!(["/live/pets/7", "one", "/pets/{id}", "live", "d1", "r1", "id"])
    );
    assert_eq!((event.get("version"), context.get("authorizer")), (None, None));
}

#[rstest]
#[case::no_resource("/live/other", 403, MISSING, "MissingAuthenticationTokenException")]
#[case::no_method("/live", 403, MISSING, "MissingAuthenticationTokenException")]
#[case::no_stage("/test/pets/7", 403, FORBIDDEN, "ForbiddenException")]
#[tokio::test]
async fn what_is_not_there_is_refused_as_aws_does(
    #[case] path: &str,
    #[case] status: u16,
    #[case] body: &str,
    #[case] kind: &str,
) {
    let api = Api::open().await;
    assert_eq!(api.get(path, &[]).await, (status, body.to_owned(), Some(kind.to_owned())));
    assert_eq!(api.get("/live/pets/7", &[]).await.0, 200);
}

#[tokio::test]
async fn what_was_deployed_is_served_until_the_next_deployment() {
    let api = Api::open().await;
    let resources = json!({"items": []});
    api.kept.answers.lock().unwrap().insert("GetResources".into(), resources);
    api.set_policy("Deny");
    assert_eq!(api.get("/live/pets/7", &[]).await.0, 200);
    api.deploy().await;
    assert_eq!(api.get("/live/pets/7", &[]).await.1, MISSING);
}

#[tokio::test]
async fn the_resource_policy_decides_about_everybody() {
    let api = Api::open().await;
    api.set_policy("Deny");
    api.deploy().await;
    let message = "User: anonymous is not authorized to perform: execute-api:Invoke on resource: \
        arn:aws:execute-api:eu-central-1:********9012:r1/live/GET/pets/7 with an explicit deny";
    let denied =
        (403, json!({ "Message": message }).to_string(), Some("AccessDeniedException".to_owned()));
    assert_eq!(api.get("/live/pets/7", &[]).await, denied);
    api.set_policy("Allow");
    api.deploy().await;
    assert_eq!(api.get("/live/pets/7", &[]).await.0, 200);
}

#[rstest]
#[case::allowed(policy("Allow", "*"), 200, "hi")]
#[case::denied(policy("Deny", "*"), 403, DENIED)]
#[case::another(policy("Allow", "arn:aws:execute-api:*:*:r1/live/POST/*"), 403, UNKNOWN)]
#[case::no_policy(json!({"principalId": "u"}), 500, r#"{"message":null}"#)]
#[case::a_list_in_the_context(with(policy("Allow", "*"), json!({"context": {"n": []}})), 500, r#"{"message":null}"#)]
#[tokio::test]
async fn a_token_authorizer_decides_by_its_policy(
    #[case] answer: Value,
    #[case] status: u16,
    #[case] body: &str,
) {
    let api = Api::with(custom(), json!([token_authorizer(json!({}))])).await;
    api.says(answer);
    let told = api.get("/live/pets/7", &[("authorization", "t")]).await;
    assert_eq!((told.0, told.1.as_str()), (status, body));
    let event = api.world.asked()[0].event();
    let arn = format!("arn:aws:execute-api:{REGION}:{ACCOUNT}:r1/live/GET/pets/7");
    assert_eq!(event, json!({"type": "TOKEN", "methodArn": arn, "authorizationToken": "t"}));
    if status == 200 {
        let event = api.world.asked()[1].event();
        let told = &event["requestContext"]["authorizer"];
        assert_eq!(told, &json!({"n": "1", "principalId": "alice"}));
    }
}

#[tokio::test]
async fn without_a_token_or_with_another_form_nobody_is_asked() {
    let expression = json!({"identityValidationExpression": "Bearer [a-z]+"});
    let api = Api::with(custom(), json!([token_authorizer(expression)])).await;
    api.says(policy("Allow", "*"));
    let refused = (401, UNAUTHORIZED.to_owned(), Some("UnauthorizedException".to_owned()));
    assert_eq!(api.get("/live/pets/7", &[]).await, refused);
    assert_eq!(api.get("/live/pets/7", &[("authorization", "Bearer 7")]).await, refused);
    assert!(api.world.asked().is_empty());
    assert_eq!(api.get("/live/pets/7", &[("authorization", "Bearer a")]).await.0, 200);
}

#[tokio::test]
async fn a_request_authorizer_gets_the_request_and_is_kept_by_its_identity() {
    let authorizer = token_authorizer(json!({"type": "REQUEST",
        "authorizerResultTtlInSeconds": 300,
        "identitySource": "method.request.header.X-Who, method.request.querystring.k"}));
    let api = Api::with(custom(), json!([authorizer])).await;
    api.says(policy("Allow", "*"));
    assert_eq!(api.get("/live/pets/7", &[("x-who", "me")]).await.1, UNAUTHORIZED);
    for _ in 0..2 {
        assert_eq!(api.get("/live/pets/7?k=v", &[("x-who", "me")]).await.0, 200);
    }
    // The authorizer's once, the integration's twice.
    assert_eq!(api.world.asked().len(), 3);
    let event = api.world.asked()[0].event();
    assert_eq!(
        json!([event["type"], event["resource"], event["pathParameters"], event.get("body")]),
        json!(["REQUEST", "/pets/{id}", {"id": "7"}, null])
    );
    assert_eq!(api.get("/live/pets/7?k=w", &[("x-who", "me")]).await.0, 200);
    assert_eq!(api.world.asked().len(), 5);
}

#[tokio::test]
async fn a_method_with_iam_serves_only_whom_the_guard_lets_in() {
    let api = Api::with(json!({"authorizationType": "AWS_IAM"}), json!([])).await;
    let missing = (403, MISSING.to_owned(), Some("MissingAuthenticationTokenException".to_owned()));
    assert_eq!(api.get("/live/pets/7", &[]).await, missing);
    let mut request = Request::get("/live/pets/7").body(Bytes::new()).unwrap();
    request.extensions_mut().insert(Caller {
        access_key: "AKIA".into(),
        account_id: ACCOUNT.into(),
        user_id: "AIDA".into(),
        user_arn: format!("arn:aws:iam::{ACCOUNT}:user/dev"),
    });
    assert_eq!(api.send(request).await.status(), 200);
    let event = api.world.asked()[0].event();
    assert_eq!(event["requestContext"]["identity"]["accessKey"], "AKIA");
}

#[tokio::test]
async fn an_api_key_needs_a_usage_plan_of_the_stage() {
    let api = Api::with(json!({"apiKeyRequired": true}), json!([])).await;
    let keys = json!({"items": [{"id": "k1", "value": "secret", "enabled": true},
        {"id": "k2", "value": "off", "enabled": false}]});
    api.kept.answers.lock().unwrap().insert("GetApiKeys".into(), keys);
    let plan = |stage: &str| json!({"items": [{"apiStages": [{"apiId": "r1", "stage": stage}]}]});
    api.kept.answers.lock().unwrap().insert("GetUsagePlans".into(), plan("other"));
    let forbidden = (403, FORBIDDEN.to_owned(), Some("ForbiddenException".to_owned()));
    for headers in
        [&[][..], &[("x-api-key", "wrong")], &[("x-api-key", "off")], &[("x-api-key", "secret")]]
    {
        assert_eq!(api.get("/live/pets/7", headers).await, forbidden);
    }
    api.kept.answers.lock().unwrap().insert("GetUsagePlans".into(), plan("live"));
    assert_eq!(api.get("/live/pets/7", &[("x-api-key", "secret")]).await.0, 200);
}

#[tokio::test]
async fn a_mock_answers_what_its_templates_say() {
    let mock = |template: &str| {
        json!({"methodIntegration": {"type": "MOCK",
            "requestTemplates": {"application/json": r#"{"statusCode": 204}"#},
            "integrationResponses": {"204": {"statusCode": "204",
                "responseParameters": {"method.response.header.Access-Control-Allow-Origin": "'*'"},
                "responseTemplates": {"application/json": template}}}}})
    };
    let api = Api::with(mock(""), json!([])).await;
    let request = Request::get("/live/pets/7").body(Bytes::new()).unwrap();
    let answer = api.send(request).await;
    assert_eq!(
        told(&answer, "access-control-allow-origin"),
        (204, String::new(), Some("*".into()))
    );
    let api = Api::with(mock("$input.body"), json!([])).await;
    let told = api.get("/live/pets/7", &[]).await;
    assert_eq!(
        (told.0, told.1.as_str()),
        (
            501,
            r#"{"message":"Ringfence does not have mapping templates of REST APIs that are not plain text"}"#
        )
    );
}

#[rstest]
#[case(json!({"methodIntegration": {"type": "HTTP_PROXY", "uri": "https://x"}}), "integrations of REST APIs of the type HTTP_PROXY")]
#[case(json!({"requestValidatorId": "v"}), "request validators of REST APIs")]
#[tokio::test]
async fn what_is_not_served_is_told_by_name(#[case] method: Value, #[case] what: &str) {
    let api = Api::with(method, json!([])).await;
    let body = json!({ "message": format!("Ringfence does not have {what}") }).to_string();
    assert_eq!(
        api.get("/live/pets/7", &[]).await,
        (501, body, Some("NotImplementedException".to_owned()))
    );
}

#[rstest]
#[case::own_error((200, vec![("x-amz-function-error", "Unhandled")], "{}".to_owned()), 502)]
#[case::no_answer((200, Vec::new(), "7".to_owned()), 502)]
#[case::not_let_in((403, Vec::new(), "{}".to_owned()), 500)]
#[tokio::test]
async fn a_function_that_fails_is_an_internal_error(
    #[case] answer: crate::http_api::testing::Answer,
    #[case] status: u16,
) {
    let api = Api::open().await;
    api.world.answer_with(answer);
    let told = api.get("/live/pets/7", &[]).await;
    assert_eq!((told.0, told.1.as_str()), (status, r#"{"message":"Internal server error"}"#));
}

#[rstest]
#[case::identity(json!({"token_use": "id"}), &[], 200)]
#[case::access_without_scopes(json!({"token_use": "access"}), &[], 401)]
#[case::a_scope(json!({"token_use": "access", "scope": "a read"}), &["read"], 200)]
#[case::another_scope(json!({"token_use": "access", "scope": "write"}), &["read"], 401)]
#[case::identity_with_scopes(json!({"token_use": "id", "scope": "read"}), &["read"], 401)]
#[case::another_pool(json!({"token_use": "id", "iss": "https://other"}), &[], 401)]
#[tokio::test]
async fn a_user_pool_lets_its_tokens_in(
    #[case] claims: Value,
    #[case] scopes: &[&str],
    #[case] status: u16,
) {
    const POOL: &str = "https://cognito-idp.eu-central-1.amazonaws.com/pool1";
    let published = KeySource::Keys(SharedKeys::new(keys(&[RSA.jwk("k1")])));
    let issuers = Issuers::new(vec![(POOL.into(), published)]);
    let authorizer = json!({"id": "a1", "name": "p", "type": "COGNITO_USER_POOLS",
        "identitySource": "method.request.header.Authorization",
        "providerARNs": [format!("arn:aws:cognito-idp:{REGION}:{ACCOUNT}:userpool/pool1")]});
    let method = json!({"authorizationType": "COGNITO_USER_POOLS", "authorizerId": "a1",
        "authorizationScopes": scopes});
    let api = Api::of(World::new().await, issuers, method, json!([authorizer])).await;
    let now = time::OffsetDateTime::now_utc().unix_timestamp();
    let usual = json!({"iss": POOL, "sub": "alice", "iat": now, "exp": now + 600});
    let token = RSA.token(&json!({"alg": "RS256", "kid": "k1"}), &with(usual.clone(), claims));
    let bearer = format!("Bearer {token}");
    for value in [&token, &bearer] {
        let told = api.get("/live/pets/7", &[("authorization", value)]).await;
        let body = if status == 200 { "hi" } else { UNAUTHORIZED };
        assert_eq!((told.0, told.1.as_str()), (status, body));
    }
    if status == 200 {
        let event = api.world.asked()[0].event();
        assert_eq!(event["requestContext"]["authorizer"]["claims"]["sub"], "alice");
    }
    let old = with(usual, json!({"token_use": "id", "exp": now - 600, "iat": now - 1200}));
    let old = RSA.token(&json!({"alg": "RS256", "kid": "k1"}), &old);
    let told = api.get("/live/pets/7", &[("authorization", &old)]).await;
    assert_eq!((told.0, told.1.as_str()), (401, r#"{"message":"The incoming token has expired"}"#));
}
