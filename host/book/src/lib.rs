//! Reads the project's documents: the tests check their links and commands, and the program builds a book from them.
//!
//! The library doesn't use mdBook, so that tests compile quickly.

#![forbid(unsafe_code)]

pub mod book_links;
pub mod command_check;
pub mod documents;
pub mod markdown;
pub mod pages;
pub mod reference;
pub mod served_files;
pub mod shell;
