//! One request of each operation of each service, as botocore makes it
//! (`fixtures/every_operation.py`): each is identified.
#![expect(clippy::unwrap_used, reason = "the helpers of a test are a test")]

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;

use bytes::Bytes;
use flate2::read::GzDecoder;
use http::Request;
use http::request::Parts;
use ringfence_wire::{Service, identify};
use serde_json::Value;

const RECORDED: &[u8] = include_bytes!("fixtures/every_operation.jsonl.gz");

/// Services that are asked alike, each line with protocol and operations; a test
/// of `ringfence-models` finds them.
const ALIKE: &str = include_str!("../../models/tests/alike.txt");

/// What is not identified as what it is, and why.
const NOT_IDENTIFIED: &str = include_str!("fixtures/not_identified.txt");

/// What botocore does not serialize: events in both directions.
const WITHOUT: [&str; 5] = [
    "bedrock-runtime InvokeModelWithBidirectionalStream",
    "connecthealth StartMedicalScribeListeningSession",
    "lexv2-runtime StartConversation",
    "polly StartSpeechSynthesisStream",
    "qbusiness Chat",
];

fn lines() -> Vec<Vec<Value>> {
    let mut text = String::new();
    GzDecoder::new(RECORDED).read_to_string(&mut text).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The request as a server receives it, or nothing where none can be made.
fn received(line: &[Value]) -> Option<(Parts, Bytes)> {
    let [_, _, method, host, target, headers, body] = line else { return None };
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let mut request = Request::builder().method(text(method).as_str()).uri(text(target));
    request = request.header("host", text(host));
    for (name, value) in headers.as_object().unwrap() {
        request = request.header(name, text(value));
    }
    // Latin-1: a character is a byte.
    let body: Vec<u8> = text(body).chars().map(|byte| u8::try_from(byte).unwrap()).collect();
    Some((request.body(()).unwrap().into_parts().0, body.into()))
}

/// The services that an operation of a service is asked alike with.
fn alike() -> BTreeMap<(&'static str, &'static str), BTreeSet<&'static str>> {
    let mut alike: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for line in ALIKE.lines() {
        let (head, operations) = line.split_once(": ").unwrap();
        let (services, _) = head.split_once(' ').unwrap();
        for service in services.split('+') {
            for operation in operations.split(' ') {
                alike.entry((service, operation)).or_default().extend(services.split('+'));
            }
        }
    }
    alike
}

/// The requests of the list, with what comes of each.
fn not_identified() -> Vec<String> {
    let lines = NOT_IDENTIFIED.lines().filter(|line| !line.starts_with('#'));
    lines
        .flat_map(|line| {
            let [_, service, operations, what] =
                line.splitn(4, " | ").collect::<Vec<_>>().try_into().unwrap();
            operations.split(' ').map(move |operation| format!("{service} {operation}: {what}"))
        })
        .collect()
}

#[test]
fn a_request_of_every_operation_is_identified() {
    let alike = alike();
    let mut wrong = Vec::new();
    let mut without = Vec::new();
    let mut seen = BTreeSet::new();
    for line in lines() {
        let name = |at: usize| line.get(at).and_then(Value::as_str).unwrap().to_owned();
        let (service, operation) = (name(0), name(1));
        let own = format!("{service} {operation}");
        seen.insert(own.clone());
        let Some((parts, body)) = received(&line) else {
            without.push(own);
            continue;
        };
        match identify::identify(&parts, &body, "us-east-1") {
            Ok(call) => {
                let group = alike.get(&(service.as_str(), operation.as_str()));
                let is_one = call.service().name() == service
                    || group.is_some_and(|group| group.contains(call.service().name()));
                if !is_one || call.name() != operation {
                    wrong.push(format!("{own}: {} {}", call.service(), call.name()));
                }
            }
            Err(error) => wrong.push(format!("{own}: {error}")),
        }
    }
    assert_eq!(wrong, not_identified(), "{} are wrong", wrong.len());
    assert_eq!(without, WITHOUT);
    // Each of the models is among them, and no other.
    let known: BTreeSet<String> = Service::all()
        .flat_map(|service| &service.model().operations)
        .map(|operation| format!("{} {}", operation.service, operation.name))
        .collect();
    assert_eq!(seen, known);
    assert_eq!(known.len(), 20_027);
}
