#![no_main]
libfuzzer_sys::fuzz_target!(|input: &[u8]| registry::fuzzing::zones_geojson(input));
