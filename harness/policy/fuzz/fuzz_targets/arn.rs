#![no_main]

#[path = "../../tests/hostile/entry.rs"]
#[allow(dead_code)]
mod entry;

// The pattern, a NUL, the resource.
libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Some((pattern, name)) = text.split_once('\0') {
        entry::arn(pattern, name);
    }
});
