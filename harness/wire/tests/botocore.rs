//! Requests as botocore 1.43 really makes them, recorded from its `before-send`
//! event with the clock at 2026-11-22 12:00, once with its own signer
//! (`fixtures/botocore.json`) and once with the common runtime's
//! (`fixtures/botocore-crt.json`): each must be identified with its input, and
//! its signature must hold.
#![expect(clippy::unwrap_used, reason = "the helpers of a test are a test")]

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::Request;
use http::request::Parts;
use ringfence_wire::{Secret, identify, signature};
use serde::Deserialize;
use serde_json::{Map, Value};
use time::OffsetDateTime;
use time::macros::datetime;

const NOW: OffsetDateTime = datetime!(2026-11-22 12:00:00 UTC);
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

#[derive(Deserialize)]
struct Recorded {
    name: String,
    service: String,
    operation: String,
    input: Map<String, Value>,
    payload: Option<String>,
    method: String,
    url: String,
    headers: Vec<(String, String)>,
    body: Option<String>,
    body_base64: Option<String>,
}

impl Recorded {
    fn all() -> Vec<Self> {
        let files =
            [include_str!("fixtures/botocore.json"), include_str!("fixtures/botocore-crt.json")];
        files.iter().flat_map(|text| serde_json::from_str::<Vec<Self>>(text).unwrap()).collect()
    }

    /// The request as a server receives it: the host in its header.
    fn received(&self) -> (Parts, Bytes) {
        let url: http::Uri = self.url.parse().unwrap();
        let mut request = Request::builder()
            .method(self.method.as_str())
            .uri(url.path_and_query().unwrap().as_str());
        if !self.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
            request = request.header("host", url.authority().unwrap().as_str());
        }
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let body = match (&self.body, &self.body_base64) {
            (Some(text), _) => text.clone().into_bytes(),
            (None, Some(text)) => STANDARD.decode(text).unwrap(),
            (None, None) => Vec::new(),
        };
        (request.body(()).unwrap().into_parts().0, body.into())
    }
}

#[test]
fn every_recorded_request_is_identified() {
    for recorded in Recorded::all() {
        let (parts, body) = recorded.received();
        let call = identify::identify(&parts, &body, "us-east-1")
            .unwrap_or_else(|error| panic!("{}: {error}", recorded.name));
        assert_eq!(call.service().name(), recorded.service, "{}", recorded.name);
        assert_eq!(call.name(), recorded.operation, "{}", recorded.name);
        assert_eq!(Value::Object(call.input), Value::Object(recorded.input), "{}", recorded.name);
        let payload = call.payload.map(|payload| String::from_utf8(payload.to_vec()).unwrap());
        assert_eq!(payload, recorded.payload, "{}", recorded.name);
        let anonymous = recorded.operation == "AssumeRoleWithWebIdentity";
        let region = if anonymous { "us-east-1" } else { "eu-west-1" };
        assert_eq!(call.region, region, "{}", recorded.name);
    }
}

#[test]
fn every_recorded_signature_holds() {
    let secret = Secret::new(SECRET);
    for recorded in Recorded::all() {
        let (parts, body) = recorded.received();
        let presented =
            signature::read(&parts).unwrap_or_else(|error| panic!("{}: {error}", recorded.name));
        let Some(presented) = presented else {
            assert_eq!(recorded.operation, "AssumeRoleWithWebIdentity");
            continue;
        };
        let token = (presented.access_key_id == "ASIDEXAMPLE")
            .then(|| Secret::new("SESSION/TOKEN+EXAMPLE=="));
        assert_eq!(presented.session_token, token, "{}", recorded.name);
        let verified = signature::verify(&presented, &parts, &body, &secret, NOW)
            .unwrap_or_else(|error| panic!("{}: {error:#?}", recorded.name));
        if let Some(payload) = recorded.payload {
            assert_eq!(verified.body, payload, "{}", recorded.name);
        }
        // The twin: the same request does not hold with another secret.
        let other = signature::verify(&presented, &parts, &body, &Secret::new("other"), NOW);
        assert!(
            matches!(other, Err(signature::SignatureError::Mismatch { .. })),
            "{}",
            recorded.name
        );
    }
}
