//! Fuzzes the output of plain programs.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| cordboard_fuzz::decoders::plain::check(data));
