#![no_main]

#[path = "../../tests/hostile/entry.rs"]
#[allow(dead_code)]
mod entry;

// The operator's number, the policy's value, a NUL, the request's value.
libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some((operator, rest)) = data.split_first() else { return };
    let Ok(rest) = std::str::from_utf8(rest) else { return };
    let Some((wanted, held)) = rest.split_once('\0') else { return };
    entry::condition(*operator, wanted, held);
});
