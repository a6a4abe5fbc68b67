//! Checks the source tree against the project's rules: sizes, one owner per dependency, one-way imports, correct
//! documentation. The tests only read files; they never build or run anything.
//!
//! Each finding names the violated rule and the remedy, and, if it concerns a specific place, the file and line.

mod code_scanner;
mod dependencies;
mod documents;
mod failpoints;
mod forbidden_text;
mod function_scanner;
mod imports;
mod sizes;
mod source_files;
mod translations;

use std::fmt::Display;

use source_files::File;

/// A rule's violations. Each test reports all of its findings at once.
#[derive(Default)]
struct Findings(Vec<String>);

impl Findings {
    fn add(&mut self, file: &File, line: usize, rule: impl Display, remedy: impl Display) {
        self.0.push(format!("{}:{line}: {rule}\n    {remedy}", file.path));
    }

    fn add_overall(&mut self, rule: impl Display, remedy: impl Display) {
        self.0.push(format!("{rule}\n    {remedy}"));
    }

    fn none(self) {
        assert!(self.0.is_empty(), "\n{}\n{} findings", self.0.join("\n"), self.0.len());
    }
}
