//! Shell commands: splits them for allow rules, finds their parts for deny rules, and parses the patterns of both.

mod part;
mod pattern;
mod scan;
mod split;
mod words;

pub use part::parts;
pub use pattern::CommandPattern;
pub use split::{Simple, is_plain, split};
pub use words::has_word;
