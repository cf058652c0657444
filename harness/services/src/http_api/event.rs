//! What a function receives: payload formats 1.0 and 2.0.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>

use std::net::IpAddr;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, COOKIE, HOST, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use time::macros::format_description;

use super::authorize::Grant;
use super::model::{PayloadFormat, Texts};
use super::serve::Caller;
use crate::gateway::answer::Answer;

/// A request, with what the gateway found out about it.
#[derive(Debug)]
pub(crate) struct Event<'a> {
    pub(crate) account_id: &'a str,
    pub(crate) api_id: &'a str,
    pub(crate) stage: &'a str,
    pub(crate) stage_variables: &'a Texts,
    pub(crate) route_key: &'a str,
    /// The path of the route's key; empty for `$default`.
    pub(crate) route_path: &'a str,
    pub(crate) path_parameters: &'a Texts,
    pub(crate) request: &'a Request,
    pub(crate) authorizer: &'a Authorizer,
}

/// Who authorized a request.
#[derive(Debug)]
pub(crate) enum Authorizer {
    None,
    Jwt(Grant),
    Iam(Caller),
    /// A function, by its answer.
    Lambda(Arc<Answer>),
}

/// A request as it came in.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) request_id: String,
    pub(crate) time: OffsetDateTime,
    pub(crate) source_ip: IpAddr,
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: Query,
    pub(crate) protocol: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Request {
    pub(crate) fn of(
        request: http::Request<Bytes>,
        request_id: String,
        time: OffsetDateTime,
        source_ip: IpAddr,
    ) -> Self {
        let (parts, body) = request.into_parts();
        Self {
            request_id,
            time,
            source_ip,
            path: parts.uri.path().to_owned(),
            query: Query::new(parts.uri.query().unwrap_or_default()),
            protocol: format!("{:?}", parts.version),
            method: parts.method,
            headers: parts.headers,
            body,
        }
    }
}

/// A query string: as it came, and as names with values.
#[derive(Debug, Default)]
pub(crate) struct Query {
    raw: String,
    pairs: Vec<(String, String)>,
}

impl Query {
    pub(crate) fn new(raw: &str) -> Self {
        let pairs = url::form_urlencoded::parse(raw.as_bytes()).into_owned().collect();
        Self { raw: raw.to_owned(), pairs }
    }

    /// Bytes of the query as it came.
    pub(crate) fn len(&self) -> usize {
        self.raw.len()
    }

    pub(crate) fn get_all(&self, name: &str) -> Vec<&str> {
        let values = self.pairs.iter().filter(|(own, _)| own == name);
        values.map(|(_, value)| value.as_str()).collect()
    }
}

impl Request {
    /// The host without its port.
    pub(crate) fn host(&self) -> &str {
        let host = text(&self.headers, &HOST);
        host.rsplit_once(':').map_or(host, |(name, _)| name)
    }

    pub(crate) fn user_agent(&self) -> &str {
        text(&self.headers, &USER_AGENT)
    }

    /// The time as access logs and events write it.
    pub(crate) fn clf_time(&self) -> String {
        let format =
            format_description!("[day]/[month repr:short]/[year]:[hour]:[minute]:[second] +0000");
        self.time.to_offset(time::UtcOffset::UTC).format(format).unwrap_or_default()
    }

    pub(crate) fn epoch_millis(&self) -> i64 {
        i64::try_from(self.time.unix_timestamp_nanos() / 1_000_000).unwrap_or_default()
    }

    /// The headers as the integration gets them: the load balancer's own are
    /// added, after whatever the client put there.
    fn forwarded_headers(&self) -> HeaderMap {
        let mut headers = self.headers.clone();
        let seen = joined(&headers, &HeaderName::from_static("x-forwarded-for"));
        let address = match seen {
            Some(before) => format!("{before}, {}", self.source_ip),
            None => self.source_ip.to_string(),
        };
        let port = text(&self.headers, &HOST).rsplit_once(':').map_or("443", |(_, port)| port);
        for (name, value) in [
            ("x-forwarded-for", address.as_str()),
            ("x-forwarded-port", port),
            ("x-forwarded-proto", "https"),
        ] {
            if let Ok(value) = HeaderValue::from_str(value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        }
        headers
    }

    /// The body, and whether it is base64: text media types travel as they are,
    /// everything else (forms too) is encoded.
    fn body(&self) -> (Option<String>, bool) {
        if self.body.is_empty() {
            return (None, false);
        }
        let media = text(&self.headers, &CONTENT_TYPE).split(';').next().unwrap_or_default();
        let media = media.trim().to_ascii_lowercase();
        let is_text = media.starts_with("text/")
            || media.ends_with("+json")
            || media.ends_with("+xml")
            || ["application/json", "application/javascript", "application/xml"]
                .contains(&media.as_str());
        match std::str::from_utf8(&self.body) {
            Ok(body) if is_text => (Some(body.to_owned()), false),
            _ => (Some(STANDARD.encode(&self.body)), true),
        }
    }
}

impl Event<'_> {
    /// The event in a payload format.
    pub(crate) fn payload(&self, format: PayloadFormat) -> Value {
        match format {
            PayloadFormat::V1 => self.v1(),
            PayloadFormat::V2 => self.v2(),
        }
    }

    fn v2(&self) -> Value {
        let request = self.request;
        let mut headers = request.forwarded_headers();
        let cookies: Vec<_> = headers
            .get_all(COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(';'))
            .map(|cookie| cookie.trim().to_owned())
            .filter(|cookie| !cookie.is_empty())
            .collect();
        headers.remove(COOKIE);
        let mut context = json!({
            "accountId": self.account_id,
            "apiId": self.api_id,
            "domainName": request.host(),
            "domainPrefix": request.host().split('.').next(),
            "http": {
                "method": request.method.as_str(),
                "path": request.path,
                "protocol": request.protocol,
                "sourceIp": request.source_ip.to_string(),
                "userAgent": request.user_agent(),
            },
            "requestId": request.request_id,
            "routeKey": self.route_key,
            "stage": self.stage,
            "time": request.clf_time(),
            "timeEpoch": request.epoch_millis(),
        });
        let authorizer = match self.authorizer {
            Authorizer::None => None,
            Authorizer::Jwt(grant) => {
                Some(json!({"jwt": {"claims": claims(grant), "scopes": grant.scopes}}))
            }
            Authorizer::Iam(caller) => Some(json!({"iam": {
                "accessKey": caller.access_key,
                "accountId": caller.account_id,
                "callerId": caller.user_id,
                "cognitoIdentity": null,
                "principalOrgId": null,
                "userArn": caller.user_arn,
                "userId": caller.user_id,
            }})),
            Authorizer::Lambda(answer) => Some(json!({ "lambda": answer.context })),
        };
        if let (Some(members), Some(authorizer)) = (context.as_object_mut(), authorizer) {
            members.insert("authorizer".to_owned(), authorizer);
        }
        let (body, is_base64) = request.body();
        let mut event = Map::new();
        let mut put = |name: &str, value: Value| event.insert(name.to_owned(), value);
        put("version", json!("2.0"));
        put("routeKey", json!(self.route_key));
        put("rawPath", json!(request.path));
        put("rawQueryString", json!(request.query.raw));
        if !cookies.is_empty() {
            put("cookies", json!(cookies));
        }
        put("headers", single(&headers, ","));
        if !request.query.pairs.is_empty() {
            put("queryStringParameters", Value::Object(commas(&request.query.pairs)));
        }
        put("requestContext", context);
        if !self.path_parameters.is_empty() {
            put("pathParameters", json!(self.path_parameters));
        }
        if !self.stage_variables.is_empty() {
            put("stageVariables", json!(self.stage_variables));
        }
        if let Some(body) = body {
            put("body", json!(body));
        }
        put("isBase64Encoded", json!(is_base64));
        Value::Object(event)
    }

    fn v1(&self) -> Value {
        let request = self.request;
        let headers = request.forwarded_headers();
        let (body, is_base64) = request.body();
        let iam = match self.authorizer {
            Authorizer::Iam(caller) => Some(caller),
            _ => None,
        };
        let authorizer = match self.authorizer {
            Authorizer::Jwt(grant) => json!({"claims": claims(grant), "scopes": grant.scopes}),
            // As REST APIs have it, with which the format is compatible
            // (<https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-lambda-authorizer-output.html>).
            Authorizer::Lambda(answer) => {
                let mut members = answer.context.clone().unwrap_or_default();
                members
                    .extend(answer.principal_id().map(|id| ("principalId".to_owned(), id.into())));
                Value::Object(members)
            }
            _ => json!({"claims": null, "scopes": null}),
        };
        let pairs = &request.query.pairs;
        let last: Texts = pairs.iter().cloned().collect();
        let mut every: Map<String, Value> = Map::new();
        for (name, value) in pairs {
            let values = every.entry(name.clone()).or_insert_with(|| json!([]));
            if let Some(values) = values.as_array_mut() {
                values.push(json!(value));
            }
        }
        let resource = if self.route_path.is_empty() { "$default" } else { self.route_path };
        json!({
            "version": "1.0",
            "resource": resource,
            "path": request.path,
            "httpMethod": request.method.as_str(),
            "headers": last_of_each(&headers),
            "multiValueHeaders": all_of_each(&headers),
            "queryStringParameters": (!pairs.is_empty()).then_some(last),
            "multiValueQueryStringParameters": (!pairs.is_empty()).then_some(every),
            "requestContext": {
                "accountId": self.account_id,
                "apiId": self.api_id,
                "authorizer": authorizer,
                "domainName": request.host(),
                "domainPrefix": request.host().split('.').next(),
                "extendedRequestId": request.request_id,
                "httpMethod": request.method.as_str(),
                "identity": {
                    "accessKey": iam.map(|caller| &caller.access_key),
                    "accountId": iam.map(|caller| &caller.account_id),
                    "caller": iam.map(|caller| &caller.user_id),
                    "cognitoAuthenticationProvider": null,
                    "cognitoAuthenticationType": null,
                    "cognitoIdentityId": null,
                    "cognitoIdentityPoolId": null,
                    "principalOrgId": null,
                    "sourceIp": request.source_ip.to_string(),
                    "user": iam.map(|caller| &caller.user_id),
                    "userAgent": request.user_agent(),
                    "userArn": iam.map(|caller| &caller.user_arn),
                },
                "path": request.path,
                "protocol": request.protocol,
                "requestId": request.request_id,
                "requestTime": request.clf_time(),
                "requestTimeEpoch": request.epoch_millis(),
                "resourceId": null,
                "resourcePath": resource,
                "stage": self.stage,
            },
            "pathParameters": (!self.path_parameters.is_empty()).then_some(self.path_parameters),
            "stageVariables": (!self.stage_variables.is_empty()).then_some(self.stage_variables),
            "body": body,
            "isBase64Encoded": is_base64,
        })
    }
}

/// The claims as texts, as a function sees them.
fn claims(grant: &Grant) -> Value {
    let texts = grant.claims.iter().map(|(name, value)| (name.clone(), json!(claim(value))));
    Value::Object(texts.collect())
}

/// A claim as a text: lists are `[a b]`, objects `map[a:1 b:2]`.
pub(crate) fn claim(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => {
            format!("[{}]", items.iter().map(claim).collect::<Vec<_>>().join(" "))
        }
        Value::Object(members) => {
            let mut texts: Vec<_> =
                members.iter().map(|(name, value)| format!("{name}:{}", claim(value))).collect();
            texts.sort();
            format!("map[{}]", texts.join(" "))
        }
        other => other.to_string(),
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// The values of a header as one text, bytes beyond ASCII replaced.
fn values<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = String> + 'a {
    let all = headers.get_all(name).into_iter();
    all.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
}

fn joined(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let values: Vec<_> = values(headers, name).collect();
    (!values.is_empty()).then(|| values.join(", "))
}

fn single(headers: &HeaderMap, separator: &str) -> Value {
    let pairs = headers.keys().map(|name| {
        let value = values(headers, name).collect::<Vec<_>>().join(separator);
        (name.as_str().to_owned(), json!(value))
    });
    Value::Object(pairs.collect())
}

fn last_of_each(headers: &HeaderMap) -> Value {
    let pairs =
        headers.keys().map(|name| (name.as_str().to_owned(), json!(values(headers, name).last())));
    Value::Object(pairs.collect())
}

fn all_of_each(headers: &HeaderMap) -> Value {
    let pairs = headers
        .keys()
        .map(|name| (name.as_str().to_owned(), json!(values(headers, name).collect::<Vec<_>>())));
    Value::Object(pairs.collect())
}

fn commas(pairs: &[(String, String)]) -> Map<String, Value> {
    let mut joined: Texts = Texts::new();
    for (name, value) in pairs {
        joined
            .entry(name.clone())
            .and_modify(|before| {
                before.push(',');
                before.push_str(value);
            })
            .or_insert_with(|| value.clone());
    }
    joined.into_iter().map(|(name, value)| (name, Value::String(value))).collect()
}
