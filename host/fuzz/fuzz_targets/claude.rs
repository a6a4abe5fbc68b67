//! Fuzzes the lines of claude's stream-json protocol.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| cordboard_fuzz::decoders::claude::check(data));
