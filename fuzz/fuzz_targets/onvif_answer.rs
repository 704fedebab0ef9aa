#![no_main]
libfuzzer_sys::fuzz_target!(|input: &[u8]| ingest::fuzzing::onvif_answer(input));
