//! What a deployment froze of an API.

use std::collections::BTreeMap;

use ringfence_models::Partition;
use ringfence_wire::ServiceError;
use serde_json::{Value, json};

use super::Records;
use crate::http_api::invoked;

/// "The maximum number of returned results per page" is 500
/// (<https://docs.aws.amazon.com/apigateway/latest/api/API_GetResources.html>).
const PAGE: u32 = 500;

/// An API as it was when it was deployed.
#[derive(Debug, Default)]
pub(super) struct Snapshot {
    /// Why nothing of it is served, if so.
    pub(super) unserved: Option<String>,
    /// By their paths.
    pub(super) resources: BTreeMap<String, Resource>,
    pub(super) authorizers: BTreeMap<String, Authorizer>,
    pub(super) binary_media_types: Vec<String>,
    /// The API's resource policy.
    pub(super) policy: Option<String>,
}

#[derive(Debug, Default)]
pub(super) struct Resource {
    pub(super) id: String,
    /// By `GET`, …, `ANY`.
    pub(super) methods: BTreeMap<String, Method>,
}

#[derive(Debug)]
pub(super) struct Method {
    pub(super) authorization: Authorization,
    pub(super) api_key: bool,
    pub(super) integration: Integration,
}

/// Who authorizes a method's requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Authorization {
    None,
    AwsIam,
    By { authorizer_id: String, scopes: Vec<String> },
}

#[derive(Debug)]
pub(super) enum Integration {
    Lambda {
        function: String,
        role: Option<String>,
        timeout_in_millis: u32,
    },
    /// As `GetIntegration` shows it.
    Mock(Value),
    Unserved(String),
}

/// An authorizer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Authorizer {
    pub(super) id: String,
    pub(super) kind: Kind,
    /// `method.request.header.NAME`, …, as given.
    pub(super) sources: Vec<String>,
    pub(super) seconds: u32,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    Token {
        function: String,
        role: Option<String>,
        expression: Option<String>,
    },
    Request {
        function: String,
        role: Option<String>,
    },
    /// Issuers of the user pools.
    Cognito(Vec<String>),
    Unserved(String),
}

fn text<'v>(value: &'v Value, name: &str) -> Option<&'v str> {
    value.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
}

fn owned(value: &Value, name: &str) -> Option<String> {
    text(value, name).map(str::to_owned)
}

fn texts(value: &Value, name: &str) -> Vec<String> {
    let all = value.get(name).and_then(Value::as_array).into_iter().flatten();
    all.filter_map(Value::as_str).map(str::to_owned).collect()
}

fn items(answer: &Value) -> impl Iterator<Item = &Value> {
    ["items", "item"].into_iter().filter_map(|name| answer.get(name)?.as_array()).flatten()
}

impl Snapshot {
    /// Reads an API as it is now.
    ///
    /// # Errors
    /// That the upstream does not answer.
    pub(super) async fn read(records: &dyn Records, api_id: &str) -> Result<Self, ServiceError> {
        let named = json!({ "restApiId": api_id });
        let api = records.ask("GetRestApi", named.clone()).await?;
        let mut snapshot = Self {
            binary_media_types: texts(&api, "binaryMediaTypes"),
            policy: records.policy(api_id).await?,
            ..Self::default()
        };
        let of_endpoint = api.pointer("/endpointConfiguration/types/0").and_then(Value::as_str);
        if of_endpoint == Some("PRIVATE") {
            snapshot.unserved = Some("private REST APIs".to_owned());
        }
        if text(&api, "apiKeySource") == Some("AUTHORIZER") {
            snapshot.unserved = Some("API keys that an authorizer gives".to_owned());
        }
        let authorizers = records.ask("GetAuthorizers", named.clone()).await?;
        snapshot.authorizers = items(&authorizers)
            .filter_map(|it| Some((owned(it, "id")?, authorizer(it)?)))
            .collect();
        let mut position = None;
        loop {
            let mut input = json!({ "restApiId": api_id, "embed": ["methods"], "limit": PAGE });
            if let (Some(input), Some(position)) = (input.as_object_mut(), position.take()) {
                input.insert("position".to_owned(), position);
            }
            let page = records.ask("GetResources", input).await?;
            for it in items(&page) {
                if let Some(path) = owned(it, "path") {
                    snapshot.resources.insert(path, resource(it));
                }
            }
            match page.get("position").filter(|position| position.is_string()) {
                Some(next) => position = Some(next.clone()),
                None => return Ok(snapshot),
            }
        }
    }
}

fn resource(shown: &Value) -> Resource {
    let methods = shown.get("resourceMethods").and_then(Value::as_object).into_iter().flatten();
    Resource {
        id: owned(shown, "id").unwrap_or_default(),
        methods: methods.map(|(name, it)| (name.clone(), method(it))).collect(),
    }
}

fn method(shown: &Value) -> Method {
    let unserved =
        text(shown, "requestValidatorId").map(|_| "request validators of REST APIs".to_owned());
    let authorization = match text(shown, "authorizationType") {
        Some("NONE") => Authorization::None,
        Some("AWS_IAM") => Authorization::AwsIam,
        _ => Authorization::By {
            authorizer_id: owned(shown, "authorizerId").unwrap_or_default(),
            scopes: texts(shown, "authorizationScopes"),
        },
    };
    let nothing = Value::Null;
    let given = shown.get("methodIntegration").unwrap_or(&nothing);
    Method {
        authorization,
        api_key: shown.get("apiKeyRequired").and_then(Value::as_bool) == Some(true),
        integration: unserved.map_or_else(|| integration(given), Integration::Unserved),
    }
}

fn integration(given: &Value) -> Integration {
    let kind = text(given, "type").unwrap_or("none");
    let uri = text(given, "uri").unwrap_or_default();
    match (kind, invoked(uri)) {
        ("MOCK", _) => Integration::Mock(given.clone()),
        ("AWS_PROXY", Some(function)) => Integration::Lambda {
            function,
            role: owned(given, "credentials"),
            timeout_in_millis: given
                .get("timeoutInMillis")
                .and_then(Value::as_u64)
                .and_then(|millis| u32::try_from(millis).ok())
                .unwrap_or(29_000),
        },
        (kind, _) => Integration::Unserved(format!("integrations of REST APIs of the type {kind}")),
    }
}

fn authorizer(shown: &Value) -> Option<Authorizer> {
    let function = text(shown, "authorizerUri").and_then(invoked);
    let role = owned(shown, "authorizerCredentials");
    let kind = match (text(shown, "type")?, function) {
        ("TOKEN", Some(function)) => {
            Kind::Token { function, role, expression: owned(shown, "identityValidationExpression") }
        }
        ("REQUEST", Some(function)) => Kind::Request { function, role },
        ("COGNITO_USER_POOLS", _) => Kind::Cognito(
            texts(shown, "providerARNs").iter().filter_map(|arn| issuer(arn)).collect(),
        ),
        (other, _) => Kind::Unserved(format!("authorizers of the type {other}")),
    };
    let sources = text(shown, "identitySource").unwrap_or_default();
    let sources = sources.split(',').map(str::trim).filter(|source| !source.is_empty());
    let seconds = shown.get("authorizerResultTtlInSeconds").and_then(Value::as_u64);
    Some(Authorizer {
        id: owned(shown, "id")?,
        kind,
        sources: sources.map(str::to_owned).collect(),
        // "If this field is not set, the default value is 300."
        // (<https://docs.aws.amazon.com/apigateway/latest/api/API_CreateAuthorizer.html>)
        seconds: seconds.map_or(300, |seconds| u32::try_from(seconds).unwrap_or(0)),
    })
}

/// The issuer of a user pool's tokens
/// (<https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-tokens-verifying-a-jwt.html>).
fn issuer(pool: &str) -> Option<String> {
    match pool.split(':').collect::<Vec<_>>().as_slice() {
        ["arn", _, "cognito-idp", region, _, pool] => {
            let (pool, suffix) =
                (pool.strip_prefix("userpool/")?, Partition::of_region(region).dns_suffix);
            Some(format!("https://cognito-idp.{region}.{suffix}/{pool}"))
        }
        _ => None,
    }
}
