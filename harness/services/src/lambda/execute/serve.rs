//! Function URLs: an HTTP request becomes an invocation, and back.
//! <https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html>

use std::net::IpAddr;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::{HeaderMap, Method, Request, Response, StatusCode, Uri};
use ringfence_wire::ServiceError;
use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use time::macros::format_description;

use crate::credentials::{Identity, Session};
use crate::lambda::Lambda;
use crate::lambda::api::url::UrlTarget;
use crate::lambda::error::not_built;
use crate::lambda::execute::invoke::Request as FunctionRequest;
use crate::lambda::execute::run::Invoked;
use crate::lambda::execute::trace::{TraceHeader, trace_root};
use crate::lambda::name::{LATEST, Name};

/// What AWS answers to a request that may not invoke the function's URL
/// (LocalStack's `test_lambda.snapshot.json`, recorded on AWS).
const FORBIDDEN: &str = "Forbidden. For troubleshooting Function URL authorization issues, see: \
                         https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html";

impl Lambda {
    /// Serves a request to a function's URL, which the guard has authorized.
    /// `caller` is who signed it; none for `AuthType: NONE`.
    pub async fn serve_url(
        self: &Arc<Self>,
        target: &UrlTarget,
        request: Request<Bytes>,
        source_ip: IpAddr,
        caller: Option<&Session>,
        request_id: &str,
    ) -> Response<Bytes> {
        let cors = self.url_cors(target);
        let origin = request.headers().get("origin").cloned();
        if let (Some(cors), Some(origin)) = (&cors, &origin)
            && request.method() == Method::OPTIONS
            && request.headers().contains_key("access-control-request-method")
        {
            let mut response = Response::new(Bytes::new());
            add_cors(cors, origin, response.headers_mut(), true);
            return response;
        }
        if target.streams {
            return refused(&not_built("answering a function URL with `RESPONSE_STREAM`"));
        }
        let event = event(self, target, &request, source_ip, caller, request_id);
        let mut response = match self.invoke_url(target, request_id, &event).await {
            Ok(invoked) if invoked.failed => internal_error(),
            Ok(invoked) => read(&invoked.payload).unwrap_or_else(internal_error),
            Err(error) => refused(&error),
        };
        if let (Some(cors), Some(origin)) = (&cors, &origin) {
            add_cors(cors, origin, response.headers_mut(), false);
        }
        response
    }

    /// What AWS answers for a host that never was a function's URL (LocalStack's
    /// test_lambda_url_non_existing_url).
    pub fn url_unknown() -> Response<Bytes> {
        let mut response =
            plain(StatusCode::FORBIDDEN, json!({ "Message": Value::Null }).to_string());
        response
            .headers_mut()
            .insert("x-amzn-errortype", HeaderValue::from_static("AccessDeniedException"));
        response
    }

    /// What AWS answers to a request that may not invoke a function's URL.
    pub fn url_forbidden() -> Response<Bytes> {
        let mut response =
            plain(StatusCode::FORBIDDEN, json!({ "Message": FORBIDDEN }).to_string());
        response
            .headers_mut()
            .insert("x-amzn-errortype", HeaderValue::from_static("AccessDeniedException"));
        response
    }

    async fn invoke_url(
        self: &Arc<Self>,
        target: &UrlTarget,
        id: &str,
        event: &Value,
    ) -> Result<Invoked, ServiceError> {
        let name = Name { function: target.function.clone(), qualifier: target.qualifier.clone() };
        let version = self.target(&name)?;
        self.check_runtime(&version.configuration)?;
        let request = FunctionRequest {
            id: id.to_owned(),
            payload: event.to_string().into(),
            client_context: None,
            trace: TraceHeader::read(
                event.pointer("/headers/x-amzn-trace-id").and_then(Value::as_str),
            ),
        };
        self.run_apart(version, request).await
    }

    fn url_cors(&self, target: &UrlTarget) -> Option<Value> {
        let functions = self.store.lock();
        let urls = &functions.get(&target.function)?.urls;
        urls.get(target.qualifier.as_deref().unwrap_or(LATEST))?.cors.clone()
    }
}

/// The event of a request: payload format 2.0.
fn event(
    lambda: &Lambda,
    target: &UrlTarget,
    request: &Request<Bytes>,
    source_ip: IpAddr,
    caller: Option<&Session>,
    id: &str,
) -> Value {
    let now = lambda.setting.now();
    let host = request.headers().get("host").and_then(|host| host.to_str().ok());
    let domain = host.and_then(|host| host.split(':').next()).unwrap_or_default();
    let user_agent = request.headers().get("user-agent").and_then(|it| it.to_str().ok());
    let (mut headers, cookies) = headers(request.headers());
    add_headers(&mut headers, source_ip, now);
    let query = request.uri().query().unwrap_or_default();
    let path = decoded_path(request.uri());
    let mut context = json!({
        "accountId": "anonymous",
        "apiId": target.url_id,
        "domainName": domain,
        "domainPrefix": target.url_id,
        "http": {
            "method": request.method().as_str(),
            "path": path,
            "protocol": "HTTP/1.1",
            "sourceIp": source_ip.to_string(),
            "userAgent": user_agent.unwrap_or_default(),
        },
        "requestId": id,
        "routeKey": "$default",
        "stage": "$default",
        "time": clf(now),
        "timeEpoch": now.unix_timestamp_nanos() / 1_000_000,
    });
    if let (Some(caller), Some(context)) = (caller, context.as_object_mut())
        && !matches!(caller.identity, Identity::Anonymous)
    {
        let account = caller.identity.account_id().unwrap_or_default();
        context.insert("accountId".to_owned(), json!(account));
        let iam = json!({
            "accessKey": Value::Null,
            "accountId": account,
            "callerId": caller.identity.user_id(),
            "cognitoIdentity": Value::Null,
            "principalOrgId": Value::Null,
            "userArn": caller.identity.arn(),
            "userId": caller.identity.user_id(),
        });
        context.insert("authorizer".to_owned(), json!({ "iam": iam }));
    }
    let mut event = Map::new();
    event.insert("version".to_owned(), json!("2.0"));
    event.insert("routeKey".to_owned(), json!("$default"));
    event.insert("rawPath".to_owned(), json!(path));
    event.insert("rawQueryString".to_owned(), json!(query));
    if !cookies.is_empty() {
        event.insert("cookies".to_owned(), json!(cookies));
    }
    event.insert("headers".to_owned(), Value::Object(headers));
    if !query.is_empty() {
        event.insert("queryStringParameters".to_owned(), Value::Object(parameters(query)));
    }
    event.insert("requestContext".to_owned(), context);
    let body = request.body();
    let text = std::str::from_utf8(body).ok().filter(|_| is_text(request.headers()));
    if !body.is_empty() {
        let shown = text.map_or_else(|| BASE64.encode(body), str::to_owned);
        event.insert("body".to_owned(), json!(shown));
    }
    event.insert("isBase64Encoded".to_owned(), json!(!body.is_empty() && text.is_none()));
    Value::Object(event)
}

/// The path, decoded, with one slash in front: AWS takes `//path` for `/path`
/// (LocalStack's test_lambda_url_echo_http_fixture_default, recorded on AWS).
fn decoded_path(uri: &Uri) -> String {
    let path = percent_encoding::percent_decode_str(uri.path()).decode_utf8_lossy();
    format!("/{}", path.trim_start_matches('/'))
}

fn headers(from: &HeaderMap) -> (Map<String, Value>, Vec<String>) {
    let mut headers = Map::new();
    let mut cookies = Vec::new();
    for name in from.keys() {
        let values: Vec<&str> =
            from.get_all(name).iter().filter_map(|value| value.to_str().ok()).collect();
        if name == "cookie" {
            let each = values.iter().flat_map(|it| it.split(';')).map(|it| it.trim().to_owned());
            cookies.extend(each.filter(|it| !it.is_empty()));
        } else {
            headers.insert(name.as_str().to_owned(), json!(values.join(",")));
        }
    }
    (headers, cookies)
}

/// The headers that AWS adds to an event, and what it takes out
/// (LocalStack's test_lambda_url_echo_http_fixture_default, recorded on AWS). A
/// function URL is always reached by HTTPS there: a function that sends its
/// visitors to HTTPS must not do so here for ever.
fn add_headers(headers: &mut Map<String, Value>, source_ip: IpAddr, now: OffsetDateTime) {
    headers.remove("connection");
    // The port is the guard's: AWS's URLs have none.
    if let Some(host) = headers.get_mut("host")
        && let Some(name) = host.as_str().and_then(|host| host.split(':').next())
    {
        *host = json!(name);
    }
    let trace = headers.get("x-amzn-trace-id").and_then(Value::as_str);
    let trace = trace.map_or_else(|| trace_root(now.unix_timestamp()), str::to_owned);
    for (name, value) in [
        ("x-amzn-trace-id", trace),
        ("x-forwarded-for", source_ip.to_string()),
        ("x-forwarded-port", "443".to_owned()),
        ("x-forwarded-proto", "https".to_owned()),
        ("x-amzn-tls-version", "TLSv1.3".to_owned()),
        ("x-amzn-tls-cipher-suite", "TLS_AES_128_GCM_SHA256".to_owned()),
    ] {
        headers.insert(name.to_owned(), json!(value));
    }
}

fn parameters(query: &str) -> Map<String, Value> {
    let mut parameters: Map<String, Value> = Map::new();
    for (name, value) in ::url::form_urlencoded::parse(query.as_bytes()) {
        match parameters.get_mut(name.as_ref()) {
            Some(Value::String(values)) => {
                values.push(',');
                values.push_str(&value);
            }
            _ => {
                parameters.insert(name.into_owned(), json!(value));
            }
        }
    }
    parameters
}

fn is_text(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    kind.starts_with("text/")
        || ["json", "xml", "javascript", "x-www-form-urlencoded"]
            .iter()
            .any(|text| kind.ends_with(text))
}

/// `22/Nov/2026:20:00:00 +0000`.
fn clf(now: OffsetDateTime) -> String {
    const FORMAT: &[time::format_description::FormatItem<'_>] =
        format_description!("[day]/[month repr:short]/[year]:[hour]:[minute]:[second] +0000");
    now.format(FORMAT).unwrap_or_default()
}

/// The response that a function's result is; none where it is malformed.
fn read(payload: &Bytes) -> Option<Response<Bytes>> {
    let result: Value = serde_json::from_slice(payload).ok()?;
    let Some(status) = result.get("statusCode") else {
        // Anything else is the body itself.
        let body = match result {
            Value::String(text) => text,
            other => other.to_string(),
        };
        return Some(plain(StatusCode::OK, body));
    };
    let status = status.as_u64().or_else(|| status.as_str()?.parse().ok())?;
    let status = StatusCode::from_u16(u16::try_from(status).ok()?).ok()?;
    let body = match result.get("body") {
        None | Some(Value::Null) => Bytes::new(),
        Some(Value::String(text)) if result.get("isBase64Encoded") == Some(&Value::Bool(true)) => {
            BASE64.decode(text).ok()?.into()
        }
        Some(Value::String(text)) => text.clone().into(),
        Some(other) => other.to_string().into(),
    };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    for (name, value) in result.get("headers").and_then(Value::as_object).into_iter().flatten() {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        headers.insert(name, HeaderValue::from_str(&value).ok()?);
    }
    for cookie in result.get("cookies").and_then(Value::as_array).into_iter().flatten() {
        headers.append("set-cookie", HeaderValue::from_str(cookie.as_str()?).ok()?);
    }
    Some(response)
}

fn refused(error: &ServiceError) -> Response<Bytes> {
    match error.status {
        429 => {
            plain(StatusCode::TOO_MANY_REQUESTS, json!({ "Message": error.message }).to_string())
        }
        501 => plain(StatusCode::NOT_IMPLEMENTED, json!({ "Message": error.message }).to_string()),
        _ => internal_error(),
    }
}

fn internal_error() -> Response<Bytes> {
    plain(StatusCode::BAD_GATEWAY, "Internal Server Error".to_owned())
}

fn plain(status: StatusCode, body: String) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// Adds the headers of a URL's CORS settings; they replace the function's own.
fn add_cors(cors: &Value, origin: &HeaderValue, headers: &mut HeaderMap, preflight: bool) {
    let list = |member: &str| -> Vec<&str> {
        let items = cors.get(member).and_then(Value::as_array);
        items.into_iter().flatten().filter_map(Value::as_str).collect()
    };
    let origins = list("AllowOrigins");
    let given = origin.to_str().unwrap_or_default();
    if !origins.iter().any(|allowed| *allowed == "*" || *allowed == given) {
        return;
    }
    headers.insert("access-control-allow-origin", origin.clone());
    headers.insert("vary", HeaderValue::from_static("Origin"));
    if cors.get("AllowCredentials").and_then(Value::as_bool) == Some(true) {
        headers.insert("access-control-allow-credentials", HeaderValue::from_static("true"));
    }
    let mut put = |name: &'static str, values: Vec<&str>| {
        if !values.is_empty()
            && let Ok(value) = HeaderValue::from_str(&values.join(","))
        {
            headers.insert(name, value);
        }
    };
    put("access-control-expose-headers", list("ExposeHeaders"));
    if preflight {
        put("access-control-allow-methods", list("AllowMethods"));
        put("access-control-allow-headers", list("AllowHeaders"));
        if let Some(age) = cors.get("MaxAge").and_then(Value::as_u64) {
            headers.insert("access-control-max-age", HeaderValue::from(age));
        }
    }
}
