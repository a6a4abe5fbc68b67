//! Commands for a shell: splitting them for allow rules, finding their parts for deny rules, and patterns for both.

mod part;
mod pattern;
mod scan;
mod split;
mod words;

pub use part::parts;
pub use pattern::CommandPattern;
pub use split::{Simple, is_plain, split};
pub use words::has_word;
