//! A call of any operation with any input: `SERVICE:OPERATION`, a line's end,
//! and the input in JSON. What it requires is told or refused, and decided.
#![no_main]

mod decided;

use bytes::Bytes;
// The tests' account names it from the crate's root.
use ringfence_guard::requirements;
use ringfence_wire::{Call, Operation, Service};
use serde_json::Value;

libfuzzer_sys::fuzz_target!(|text: &str| {
    let Some((name, input)) = text.split_once('\n') else { return };
    let Some((service, operation)) = name.split_once(':') else { return };
    let Some(service) = Service::all().find(|it| it.name() == service) else { return };
    let Some(operation) = Operation::find(service, operation) else { return };
    let Ok(Value::Object(input)) = serde_json::from_str(input) else { return };
    let payload = operation.payload().map(|_| Bytes::from_static(b"{}"));
    let call = Call { operation, region: "eu-west-1".to_owned(), input, payload };
    decided::decide(&call);
});
