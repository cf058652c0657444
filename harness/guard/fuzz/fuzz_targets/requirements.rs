//! A request from anybody on its way to a decision: it is identified or
//! refused, and what it requires of an account that never changes is told or
//! refused, and decided.
#![no_main]

mod decided;
#[path = "../../../wire/fuzz/fuzz_targets/split.rs"]
mod split;

// The tests' account names it from the crate's root.
use ringfence_guard::requirements;
use ringfence_wire::signature::{self, v2};
use ringfence_wire::{error, identify};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some((mut parts, body)) = split::split(data) else { return };
    let _ = (signature::read(&parts), v2::read(&parts));
    if let Some(headers) = v2::headers(&parts) {
        parts.headers = headers;
    }
    match identify::identify(&parts, &body, "eu-west-1") {
        Ok(call) => decided::decide(&call),
        Err(refused) => {
            let dialect = identify::error_dialect(&parts);
            let protocol = identify::error_protocol(&parts, dialect);
            let _ = error::render_as(&refused, dialect, protocol, "REQUEST-ID");
        }
    }
});
