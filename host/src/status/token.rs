//! Reads the token of the status page from its file.

use std::path::{Path, PathBuf};

use cordboard_core::config::SecretSource;

/// The minimum length of the token in bytes. A shorter one could be guessed.
const MIN_LENGTH: usize = 16;

/// The reason why the token can't be used, with the remedy.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    #[error("{0}")]
    Unreadable(String),
    #[error("{} must contain a token of at least {MIN_LENGTH} characters; `openssl rand -hex 32` prints one", .0.display())]
    TooShort(PathBuf),
}

/// Reads the token, and registers it for scrubbing.
///
/// # Errors
/// The file can't be read, other users can read it, or its content isn't a token.
pub fn read_token(file: &Path) -> Result<String, TokenError> {
    let source = SecretSource::File(file.to_owned());
    let token = cordboard_runtime::read_secret("of the status page", &source);
    let token = token.map_err(|why| TokenError::Unreadable(why.to_string()))?;
    if token.len() < MIN_LENGTH { Err(TokenError::TooShort(file.to_owned())) } else { Ok(token) }
}
