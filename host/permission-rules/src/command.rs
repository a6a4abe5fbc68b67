//! Shell commands: splits them for allow rules, finds their parts for deny rules, and parses the patterns of both.

mod part;
mod pattern;
mod scan;
mod special_words;
mod split;

pub use part::parts;
pub use pattern::CommandPattern;
pub use special_words::has_word;
pub use split::{Simple, is_plain, split};
