//! Splits shell commands for allow rules, finds their parts for deny rules, and parses the patterns of both.

mod deny_parts;
mod deny_scan;
mod pattern;
mod simple_commands;
mod special_words;

pub use deny_parts::parts;
pub use pattern::CommandPattern;
pub use simple_commands::{Simple, is_plain, split};
pub use special_words::has_word;
