//! What a request costs: identifying it and checking its signature.
#![expect(clippy::unwrap_used, reason = "a benchmark of a valid request")]

use bytes::Bytes;
use http::request::Parts;
use ringfence_wire::{Operation, Secret, Service, identify, request, signature};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::macros::datetime;

const NOW: OffsetDateTime = datetime!(2026-11-22 12:00:00 UTC);
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

fn main() {
    divan::main();
}

/// A signed request of an operation.
fn signed(service: Service, operation: &str, input: Value) -> (Parts, Bytes) {
    let operation = Operation::find(service, operation).unwrap();
    let endpoint = "http://127.0.0.1:4566/".parse().unwrap();
    let mut request =
        request::encode(operation, input.as_object().unwrap(), None, &endpoint).unwrap();
    let name = service.signing_name();
    signature::sign(
        &mut request,
        "AKIDEXAMPLE",
        &Secret::new(SECRET),
        None,
        name,
        "eu-west-1",
        NOW,
    );
    request.into_parts()
}

fn cases() -> Vec<(&'static str, Parts, Bytes)> {
    let role = json!({
        "RoleName": "app",
        "Path": "/team/",
        "AssumeRolePolicyDocument": "{\"Version\":\"2012-10-17\",\"Statement\":[]}",
        "PermissionsBoundary": "arn:aws:iam::123456789012:policy/boundary",
        "Tags": [{"Key": "team", "Value": "a"}, {"Key": "app", "Value": "b"}]
    });
    let route = json!({"ApiId": "abc", "RouteKey": "GET /a", "AuthorizationType": "JWT"});
    [
        ("CreateRole", signed(Service::Iam, "CreateRole", role)),
        ("CreateRoute", signed(Service::ApiGatewayV2, "CreateRoute", route)),
        ("GetParameter", signed(Service::Ssm, "GetParameter", json!({"Name": "/a"}))),
        ("GetObject", signed(Service::S3, "GetObject", json!({"Bucket": "bucket", "Key": "a/b"}))),
    ]
    .into_iter()
    .map(|(name, (parts, body))| (name, parts, body))
    .collect()
}

#[divan::bench(args = 0..4)]
fn identified(bencher: divan::Bencher<'_, '_>, case: usize) {
    let (name, parts, body) = cases().swap_remove(case);
    assert_eq!(identify::identify(&parts, &body, "").unwrap().name(), name);
    bencher.bench(|| identify::identify(&parts, &body, "eu-west-1"));
}

#[divan::bench(args = 0..4)]
fn verified(bencher: divan::Bencher<'_, '_>, case: usize) {
    let (_, parts, body) = cases().swap_remove(case);
    let secret = Secret::new(SECRET);
    let check = || {
        let presented = signature::read(&parts)?.ok_or(signature::SignatureError::Unsigned)?;
        signature::verify(&presented, &parts, &body, &secret, NOW)
    };
    check().unwrap();
    bencher.bench(check);
}
