//! A request from anybody, as far as the crate takes it without a key: it is
//! identified or refused, its signature is read or refused, and whatever is
//! refused is written in some protocol.
#![no_main]

mod split;

use ringfence_wire::signature::{self, v2};
use ringfence_wire::{Secret, error, identify, post};
use time::macros::datetime;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some((parts, body)) = split::split(data) else { return };
    let _ = signature::read(&parts);
    if let Ok(Some(presented)) = v2::read(&parts) {
        let headers = v2::headers(&parts).unwrap_or_else(|| parts.headers.clone());
        let place = v2::Place { bucket: Some("bucket"), key: Some("key"), region: "us-east-1" };
        let now = datetime!(2026-11-22 12:00 UTC);
        let _ = presented.verify(&place, &parts, &headers, &Secret::new("secret"), now);
    }
    if signature::chunked::is_chunked(&parts.headers) {
        let _ = signature::chunked::decode(&parts.headers, &body);
    }
    if let Ok(form) = post::Form::read(&parts.headers, &body) {
        let _ = (form.key(), post::Signature::read(&form));
    }
    match identify::identify(&parts, &body, "us-east-1") {
        Ok(call) => {
            assert!(!call.name().is_empty());
        }
        Err(refused) => {
            let service = identify::error_dialect(&parts);
            let _ = error::render(&refused, service, "REQUEST-ID");
        }
    }
});
