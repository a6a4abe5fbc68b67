//! Helpers for the tests of codecs.

pub mod trace;
