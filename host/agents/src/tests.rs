//! Helpers for the tests of codecs, and a test of the documentation.

pub mod damage;
mod documented_features;
pub mod trace;
