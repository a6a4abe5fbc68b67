//! The reasons why a plugin file or the configuration file can't be used. Most of the messages include the remedy.

use std::path::PathBuf;

use cordboard_core::types::PLUGIN_NAME_RULE;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    #[error("name the file with {PLUGIN_NAME_RULE}")]
    InvalidName,
    #[error("it is a link to {}, which does not exist: put the file there, or remove the link", target.display())]
    DanglingLink { target: PathBuf },
    #[error("it is a circular link through {}: replace it with a regular file, or remove it", target.display())]
    CircularLink { target: PathBuf },
    #[error("it is {kind}, not a regular file: replace it with a regular file, or remove it")]
    NotRegular { kind: &'static str },
    #[error("it is larger than {} MiB: make it smaller", limit >> 20)]
    TooLarge { limit: u64 },
    /// Contains the system's error message.
    #[error("it cannot be read: {0}")]
    Io(String),
    /// Contains the text of a [`WatchError`](crate::WatchError).
    #[error("{0}")]
    NotPrivate(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_file_has_a_remedy() {
        assert_eq!(FileError::TooLarge { limit: 1 << 20 }.to_string(), "it is larger than 1 MiB: make it smaller");
    }
}
