//! Tests how the real binary handles user mistakes, disk failures and agent failures: its messages say what to do, its
//! exit code is correct, and no session or message is lost. Also checks the inputs of the fuzz targets.

#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

#[path = "../support/resource_use.rs"]
#[expect(dead_code, reason = "shared with the chaos test, which uses more of it")]
mod resource_use;

mod agents;
mod check;
mod clock_jumps;
mod command_line;
mod configuration;
mod databases;
mod encodings;
mod folders;
mod full_disk;
mod fuzz_corpus;
mod host;
mod open_files;
mod pid_namespace;
mod pipes;
mod preloaded_library;
mod read_only_state;
mod retargeted_links;
mod slow_storage;
mod stopped_host;
