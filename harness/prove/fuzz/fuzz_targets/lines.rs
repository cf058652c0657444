#![no_main]

#[path = "../../tests/hostile/entry.rs"]
#[allow(dead_code)]
mod entry;
#[path = "../../tests/hostile/made.rs"]
#[allow(dead_code)]
mod made;

libfuzzer_sys::fuzz_target!(|text: &str| entry::lines(text));
