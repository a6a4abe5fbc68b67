//! Fuzzes `/access` requests, typed commands and links.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| cordboard_fuzz::decoders::access::check(data));
