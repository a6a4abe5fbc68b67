//! Fuzzes updates of the Bot API.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| cordboard_fuzz::decoders::update::check(data));
