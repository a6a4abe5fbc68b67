//! Fuzzes the lines of the Agent Client Protocol.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| cordboard_fuzz::decoders::acp::check(data));
