//! Fuzzes the parts of long messages.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| cordboard_fuzz::decoders::split::check(data));
