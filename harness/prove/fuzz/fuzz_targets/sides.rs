#![no_main]

#[path = "../../tests/hostile/entry.rs"]
#[allow(dead_code)]
mod entry;
#[path = "../../tests/hostile/made.rs"]
#[allow(dead_code)]
mod made;

libfuzzer_sys::fuzz_target!(|data: &[u8]| entry::sides(data));
