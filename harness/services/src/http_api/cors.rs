//! Cross-origin resource sharing: preflights answered by the gateway, and the
//! configured headers on every other answer.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-cors.html>

use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_METHOD, ORIGIN,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method};

use super::model::Cors;

/// Whether a request is a preflight.
pub(super) fn is_preflight(method: &Method, headers: &HeaderMap) -> bool {
    method == Method::OPTIONS
        && headers.contains_key(ORIGIN)
        && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

impl Cors {
    /// The headers of a preflight's answer; none for an origin that is not
    /// allowed.
    pub(super) fn preflight(&self, request: &HeaderMap) -> HeaderMap {
        let mut headers = self.origin_headers(request);
        if headers.is_empty() {
            return headers;
        }
        put(&mut headers, ACCESS_CONTROL_ALLOW_METHODS, &list(self.allow_methods.as_deref()));
        put(&mut headers, ACCESS_CONTROL_ALLOW_HEADERS, &list(self.allow_headers.as_deref()));
        if let Some(age) = self.max_age {
            put(&mut headers, ACCESS_CONTROL_MAX_AGE, &age.to_string());
        }
        headers
    }

    /// Sets the configured headers on an answer, in place of the function's own:
    /// with CORS configured, API Gateway ignores those.
    pub(super) fn apply(&self, request: &HeaderMap, answer: &mut HeaderMap) {
        for name in [
            ACCESS_CONTROL_ALLOW_CREDENTIALS,
            ACCESS_CONTROL_ALLOW_HEADERS,
            ACCESS_CONTROL_ALLOW_METHODS,
            ACCESS_CONTROL_ALLOW_ORIGIN,
            ACCESS_CONTROL_EXPOSE_HEADERS,
            ACCESS_CONTROL_MAX_AGE,
        ] {
            answer.remove(name);
        }
        let mut headers = self.origin_headers(request);
        if !headers.is_empty() {
            put(&mut headers, ACCESS_CONTROL_EXPOSE_HEADERS, &list(self.expose_headers.as_deref()));
        }
        answer.extend(headers);
    }

    fn origin_headers(&self, request: &HeaderMap) -> HeaderMap {
        let mut headers = HeaderMap::new();
        // Two origins are none.
        let mut origins = request.get_all(ORIGIN).iter();
        let (Some(origin), None) = (origins.next(), origins.next()) else { return headers };
        let Some(allowed) = origin.to_str().ok().and_then(|origin| self.allowed(origin)) else {
            return headers;
        };
        put(&mut headers, ACCESS_CONTROL_ALLOW_ORIGIN, allowed);
        if self.allow_credentials == Some(true) {
            put(&mut headers, ACCESS_CONTROL_ALLOW_CREDENTIALS, "true");
        }
        headers
    }

    /// What to say of an origin: `*` where all are allowed, the origin itself
    /// where it is one of those allowed.
    fn allowed<'a>(&self, origin: &'a str) -> Option<&'a str> {
        let mut fitting =
            self.allow_origins.iter().flatten().filter_map(|allowed| match allowed.as_str() {
                "*" => Some("*"),
                "https://*" => origin.starts_with("https://").then_some(origin),
                "http://*" => origin.starts_with("http://").then_some(origin),
                exact => (exact == origin).then_some(origin),
            });
        fitting.next()
    }
}

fn list(values: Option<&[String]>) -> String {
    values.unwrap_or_default().join(",")
}

fn put(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let (false, Ok(value)) = (value.is_empty(), HeaderValue::from_str(value)) {
        headers.insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn cors(origins: &[&str]) -> Cors {
        Cors {
            allow_origins: Some(origins.iter().map(|o| (*o).to_owned()).collect()),
            allow_methods: Some(vec!["GET".into(), "POST".into()]),
            allow_headers: Some(vec!["authorization".into()]),
            expose_headers: Some(vec!["x-total".into()]),
            allow_credentials: Some(true),
            max_age: Some(300),
        }
    }

    fn from(origin: &'static str) -> HeaderMap {
        [(ORIGIN, HeaderValue::from_static(origin))].into_iter().collect()
    }

    #[rstest]
    #[case(&["https://a.example"], "https://a.example", Some("https://a.example"))]
    #[case(&["https://a.example"], "https://a.example.evil", None)]
    #[case(&["https://a.example"], "http://a.example", None)]
    #[case(&["*"], "http://x", Some("*"))]
    #[case(&["https://*"], "https://x", Some("https://x"))]
    #[case(&["https://*"], "http://x", None)]
    #[case(&["http://*", "https://b"], "https://b", Some("https://b"))]
    #[case(&[], "https://b", None)]
    fn an_origin_is_allowed_by_the_list(
        #[case] allowed: &[&str],
        #[case] origin: &'static str,
        #[case] expected: Option<&str>,
    ) {
        let headers = cors(allowed).preflight(&from(origin));
        assert_eq!(headers.get(ACCESS_CONTROL_ALLOW_ORIGIN).map(|v| v.to_str().unwrap()), expected);
        assert_eq!(headers.is_empty(), expected.is_none());
    }

    #[test]
    fn a_preflight_gets_all_headers_and_an_answer_gets_its_own() {
        let preflight = cors(&["https://a"]).preflight(&from("https://a"));
        assert_eq!(preflight[ACCESS_CONTROL_ALLOW_METHODS], "GET,POST");
        assert_eq!(preflight[ACCESS_CONTROL_ALLOW_HEADERS], "authorization");
        assert_eq!(preflight[ACCESS_CONTROL_MAX_AGE], "300");
        assert_eq!(preflight[ACCESS_CONTROL_ALLOW_CREDENTIALS], "true");

        let mut answer = HeaderMap::new();
        answer.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("https://function"));
        cors(&["https://a"]).apply(&from("https://a"), &mut answer);
        assert_eq!(answer[ACCESS_CONTROL_ALLOW_ORIGIN], "https://a");
        assert_eq!(answer[ACCESS_CONTROL_EXPOSE_HEADERS], "x-total");
        cors(&["https://a"]).apply(&from("https://b"), &mut answer);
        assert!(answer.is_empty());
    }

    #[test]
    fn two_origins_are_none() {
        let mut request = from("https://a");
        request.append(ORIGIN, HeaderValue::from_static("https://a"));
        assert!(cors(&["https://a"]).preflight(&request).is_empty());
    }

    #[rstest]
    #[case(Method::OPTIONS, &[ORIGIN, ACCESS_CONTROL_REQUEST_METHOD], true)]
    #[case(Method::OPTIONS, &[ORIGIN], false)]
    #[case(Method::OPTIONS, &[ACCESS_CONTROL_REQUEST_METHOD], false)]
    #[case(Method::GET, &[ORIGIN, ACCESS_CONTROL_REQUEST_METHOD], false)]
    fn a_preflight_says_origin_and_method(
        #[case] method: Method,
        #[case] names: &[HeaderName],
        #[case] expected: bool,
    ) {
        let headers =
            names.iter().map(|name| (name.clone(), HeaderValue::from_static("x"))).collect();
        assert_eq!(is_preflight(&method, &headers), expected);
    }
}
