//! An operator's file. `steppewatch` is a program without a library, so its module is read from where it stands.

#![no_main]

#[path = "../../steppewatch/src/config/mod.rs"]
#[allow(dead_code)]
mod config;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let Ok(text) = std::str::from_utf8(input) else { return };
    // These keys make it open files, and a fuzzer would find the ones that never end.
    if ["_file", "certificate", "client_ca"].iter().any(|key| text.contains(key)) {
        return;
    }
    match config::Config::parse(text) {
        Ok(config) => assert!(!format!("{config:?}").is_empty()),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
