#![no_main]
libfuzzer_sys::fuzz_target!(|input: &[u8]| survey::fuzzing::survey_file(input));
