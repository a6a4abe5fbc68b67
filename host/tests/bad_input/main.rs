//! Tests how the real binary handles user mistakes, disk failures and agent failures: its messages say what to do, its
//! exit code is correct, and no session or message is lost. Also checks the inputs of the fuzz targets.

#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

mod agents;
mod check;
mod command_line;
mod configuration;
mod databases;
mod folders;
mod full_disk;
mod fuzz_corpus;
mod host;
mod pid_namespace;
mod pipes;
