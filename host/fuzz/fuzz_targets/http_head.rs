//! Fuzzes HTTP requests to the Telegram webhook.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| cordboard_fuzz::host::http_head::check(data));
