//! A call that is encoded, signed, sent, checked and identified is the call
//! that it was, for every operation and any input.

use bytes::Bytes;
use proptest::prelude::*;
use ringfence_wire::operation::{Kind, Location, Member};
use ringfence_wire::{Operation, Protocol, Secret, Service, identify, request, signature};
use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use time::macros::datetime;

const NOW: OffsetDateTime = datetime!(2026-11-22 12:00:00 UTC);

/// The services whose calls the guard decides.
const KNOWN: [Service; 11] = [
    Service::ApiGatewayV2,
    Service::CloudFormation,
    Service::DynamoDb,
    Service::Ec2,
    Service::Iam,
    Service::Lambda,
    Service::Logs,
    Service::S3,
    Service::SecretsManager,
    Service::Ssm,
    Service::Sts,
];

/// Every operation that a request can be identified as.
fn operations() -> Vec<&'static Operation> {
    KNOWN
        .iter()
        .flat_map(|service| service.model().operations.iter())
        // S3's superseded operations travel as their successors; two others
        // belong to hosts of their own.
        .filter(|operation| operation.service != Service::S3 || !operation.deprecated)
        .filter(|operation| !operation.elsewhere)
        .collect()
}

/// A value of a member that its place on the wire can carry.
fn value(operation: &'static Operation, member: &Member) -> BoxedStrategy<Value> {
    let as_json = matches!(operation.service.protocol(), Protocol::Json | Protocol::RestJson);
    match (member.location, member.kind) {
        // EC2's members are read as texts.
        _ if operation.service == Service::Ec2 => ".{0,12}".prop_map(Value::from).boxed(),
        _ if (operation.service, member.name) == (Service::S3, "Bucket") => {
            "[a-z0-9][a-z0-9.-]{2,20}".prop_map(Value::from).boxed()
        }
        (Location::Uri, Kind::Integer | Kind::Long) => (0i64..1000).prop_map(Value::from).boxed(),
        (Location::Uri, _) => "[^.\\p{Cc}][^.\\p{Cc}]{0,12}".prop_map(Value::from).boxed(),
        (Location::Body, Kind::Float | Kind::Double) => {
            (-1e9f64..1e9).prop_map(Value::from).boxed()
        }
        (_, Kind::Boolean) => any::<bool>().prop_map(Value::from).boxed(),
        (_, Kind::Integer | Kind::Long) => any::<i32>().prop_map(Value::from).boxed(),
        (Location::Header, Kind::List) => {
            prop::collection::vec("[A-Za-z]{1,8}".prop_map(Value::from), 1..3)
                .prop_map(Value::from)
                .boxed()
        }
        (Location::Header, _) => "[!-~]([ -~]{0,12}[!-~])?".prop_map(Value::from).boxed(),
        (Location::Headers, _) => prop::collection::btree_map("[a-z]{1,6}", "[!-~]{1,8}", 1..3)
            .prop_map(|map| json!(map))
            .boxed(),
        (_, Kind::List) => prop::collection::vec(".{1,8}".prop_map(Value::from), 1..12)
            .prop_map(Value::from)
            .boxed(),
        (_, Kind::Structure | Kind::Map) => {
            prop::collection::btree_map("[A-Z][a-z]{4,6}", "[^\\p{Cc}\u{fffe}\u{ffff}]{0,8}", 1..4)
                .prop_map(|map| json!(map))
                .boxed()
        }
        (Location::Body, Kind::Timestamp) if as_json => any::<u32>().prop_map(Value::from).boxed(),
        (Location::Payload, Kind::String) => ".{1,12}".prop_map(Value::from).boxed(),
        // XML has no control characters.
        (Location::Body, _) if operation.service == Service::S3 => {
            "[^\\p{Cc}\u{fffe}\u{ffff}]{0,8}".prop_map(Value::from).boxed()
        }
        (_, Kind::String | Kind::Timestamp | Kind::Blob | Kind::Float | Kind::Double) => {
            ".{0,12}".prop_map(Value::from).boxed()
        }
    }
}

/// An input: what is required, and some of the rest.
fn input(operation: &'static Operation) -> impl Strategy<Value = Map<String, Value>> {
    let members: Vec<_> = operation
        .members
        .iter()
        // Blobs travel as the payload; the body's length is the transport's.
        .filter(|member| (member.location, member.kind) != (Location::Payload, Kind::Blob))
        .filter(|member| member.name != "ContentLength")
        .map(|member| {
            let value = value(operation, member);
            let value = if member.required {
                value.prop_map(Some).boxed()
            } else {
                prop::option::of(value).boxed()
            };
            value.prop_map(|value| Some((member.name.to_owned(), value?))).boxed()
        })
        .collect();
    members.prop_map(|members| members.into_iter().flatten().collect())
}

fn case() -> impl Strategy<Value = (&'static Operation, Map<String, Value>, Option<Bytes>)> {
    prop::sample::select(operations()).prop_flat_map(|operation| {
        let takes_blob = operation.payload().is_some_and(|member| member.kind == Kind::Blob);
        let required = operation.payload().is_some_and(|member| member.required);
        let payload = prop::collection::vec(any::<u8>(), 1..40).prop_map(Bytes::from);
        let payload = match (takes_blob, required) {
            (true, true) => payload.prop_map(Some).boxed(),
            (true, false) => prop::option::of(payload).boxed(),
            (false, _) => Just(None).boxed(),
        };
        (Just(operation), input(operation), payload)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, max_shrink_iters: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_call_survives_the_wire((operation, input, payload) in case()) {
        let endpoint = "http://127.0.0.1:4566/".parse().unwrap();
        let mut request = request::encode(operation, &input, payload.clone(), &endpoint).unwrap();
        let secret = Secret::new("secret");
        let token = Secret::new("token");
        signature::sign(
            &mut request,
            "ASIDEXAMPLE",
            &secret,
            Some(&token),
            operation.service.signing_name(),
            "eu-west-1",
            NOW,
        );
        let (parts, body) = request.into_parts();
        let presented = signature::read(&parts).unwrap().unwrap();
        prop_assert_eq!(presented.session_token.as_ref(), Some(&token));
        prop_assert!(signature::verify(&presented, &parts, &body, &secret, NOW).is_ok());
        let call = identify::identify(&parts, &body, "us-east-1");
        let call = match call {
            Ok(call) => call,
            // S3 refuses a call whose document is left out, though its model does not demand it.
            Err(error) if error.code == "MissingRequestBodyError" => {
                let document = operation.payload().filter(|it| it.kind == Kind::Structure);
                prop_assert_eq!(operation.service, Service::S3);
                prop_assert!(document.is_some_and(|it| !input.contains_key(it.name)));
                return Ok(());
            }
            Err(error) => return Err(TestCaseError::fail(format!("{}: {error}", operation.name))),
        };
        prop_assert_eq!(call.operation.name, operation.name);
        prop_assert_eq!(call.service(), operation.service);
        prop_assert_eq!(call.region, "eu-west-1");
        prop_assert_eq!(call.payload, payload);
        let expected = match operation.service {
            // EC2's members are read as texts.
            Service::Ec2 => texts(Value::Object(input)),
            _ => Value::Object(input),
        };
        prop_assert_eq!(Value::Object(call.input), expected);
    }

    #[test]
    fn any_bytes_are_read_or_refused(
        method in "GET|POST|PUT|HEAD|DELETE|PATCH",
        path in "/[ -~]{0,30}",
        scope in "iam|ec2|ssm|lambda|apigateway|s3|",
        target in "AmazonSSM\\.(GetParameter|PutParameter)",
        form in any::<bool>(),
        body in prop::collection::vec(any::<u8>(), 0..120),
    ) {
        let mut request = http::Request::builder().method(method.as_str()).uri(path.as_str());
        if !scope.is_empty() {
            request = request.header(
                "authorization",
                format!("AWS4-HMAC-SHA256 Credential=A/20261122/r/{scope}/aws4_request, \
                         SignedHeaders=host, Signature={}", "0".repeat(64)),
            );
        }
        if scope == "ssm" {
            request = request.header("x-amz-target", target);
        }
        if form {
            request = request.header("content-type", "application/x-www-form-urlencoded");
        }
        let Ok(request) = request.body(()) else { return Ok(()) };
        let (parts, ()) = request.into_parts();
        let body = Bytes::from(body);
        let _ = identify::identify(&parts, &body, "us-east-1");
        let _ = signature::read(&parts);
        let _ = signature::chunked::decode(&parts.headers, &body);
    }
}

fn texts(value: Value) -> Value {
    match value {
        Value::Array(items) => items.into_iter().map(texts).collect(),
        Value::Object(members) => members
            .into_iter()
            .map(|(name, value)| (name, texts(value)))
            .collect::<Map<_, _>>()
            .into(),
        Value::String(text) => Value::String(text),
        other => Value::String(other.to_string()),
    }
}
