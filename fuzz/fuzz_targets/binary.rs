#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| mimikyu::fuzz::binary(input));
