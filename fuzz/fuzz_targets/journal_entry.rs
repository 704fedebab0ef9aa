#![no_main]
libfuzzer_sys::fuzz_target!(|input: &[u8]| journal::sqlite::fuzzing::journal_entry(input));
