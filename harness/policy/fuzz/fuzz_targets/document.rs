#![no_main]

#[path = "../../tests/hostile/entry.rs"]
#[allow(dead_code)]
mod entry;

libfuzzer_sys::fuzz_target!(|text: &str| entry::document(text));
