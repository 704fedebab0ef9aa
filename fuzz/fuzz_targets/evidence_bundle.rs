#![no_main]
libfuzzer_sys::fuzz_target!(|input: &[u8]| evidence::bundle::fuzzing::evidence_bundle(input));
