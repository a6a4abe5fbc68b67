//! Fuzzes Markdown.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| cordboard_fuzz::decoders::markdown::check(data));
