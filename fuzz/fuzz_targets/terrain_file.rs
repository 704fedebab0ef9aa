#![no_main]
libfuzzer_sys::fuzz_target!(|input: &[u8]| terrain::fuzzing::terrain_file(input));
