//! The way out
