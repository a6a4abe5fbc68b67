//! Fuzzes plugin files before they are compiled.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| cordboard_fuzz::host::component::check(data));
