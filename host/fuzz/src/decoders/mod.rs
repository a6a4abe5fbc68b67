//! Checks the code that decodes input, without I/O and plugins. Each public module contains the check of one target.

pub mod access;
pub mod acp;
pub mod claude;
pub mod config;
pub mod markdown;
pub mod plain;
pub mod split;
pub mod update;

mod agent_script;
mod styled_text;

type Check = fn(&[u8]);

/// The targets: the names of the files in `fuzz_targets` and of the folders in `corpus`, with their checks.
pub const TARGETS: [(&str, Check); 8] = [
    ("access", access::check),
    ("acp", acp::check),
    ("claude", claude::check),
    ("config", config::check),
    ("markdown", markdown::check),
    ("plain", plain::check),
    ("split", split::check),
    ("update", update::check),
];
