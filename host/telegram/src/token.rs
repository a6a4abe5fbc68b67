//! Reads the bot's token from its file, and keeps it out of logs and error texts.

use std::{fmt, io, os::unix::fs::PermissionsExt, path::Path, path::PathBuf};

use cordboard_core::{
    scrub,
    text_file::{self, NotText},
};

#[derive(Clone)]
pub(super) struct Token(String);

impl Token {
    /// Returns the secret. Use it only for the URL of a request.
    pub fn secret(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<token>")
    }
}

/// The reason that no token was loaded. The error texts don't contain the content of the file.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    #[error("read the token file {}: {why}; put the token from @BotFather into it, or correct [telegram] token_file", file.display())]
    Unreadable { file: PathBuf, why: io::Error },
    #[error("find a token in {}: it is empty; put the token from @BotFather into it", file.display())]
    Empty { file: PathBuf },
    #[error("find a token in {}: {why}", file.display())]
    NotText { file: PathBuf, why: NotText },
    #[error("find a token in {}: its content is not a token; the file must contain only a token, such as 123456789:AbC-dEf_…", file.display())]
    Malformed { file: PathBuf },
}

/// Reads the token and registers it for scrubbing, so that it never appears in logs or replies.
///
/// # Errors
/// The file can't be read, or doesn't contain a token.
pub(super) fn read(file: &Path) -> Result<Token, TokenError> {
    let of = || file.to_owned();
    let unreadable = |why| TokenError::Unreadable { file: of(), why };
    let bytes = std::fs::read(file).map_err(unreadable)?;
    let text = text_file::value(bytes).map_err(|why| TokenError::NotText { file: of(), why })?;
    if text.is_empty() {
        return Err(TokenError::Empty { file: of() });
    }
    if !is_token(&text) {
        return Err(TokenError::Malformed { file: of() });
    }
    let mode = std::fs::metadata(file).map_err(unreadable)?.permissions().mode();
    if mode & 0o077 != 0 {
        // Secrets mounted into a container are often world-readable, so this is only a warning.
        tracing::warn!(file = %file.display(), mode = format!("{:o}", mode & 0o777), "other users can read the token file: run chmod 600");
    }
    scrub::remember("<token>", &text);
    Ok(Token(text))
}

/// Checks that [`read`] finds a token in the file, and returns the id of the bot, which is the part before the colon.
pub fn check(file: &Path) -> Result<String, TokenError> {
    let token = read(file)?;
    Ok(token.secret().split(':').next().unwrap_or_default().to_owned())
}

/// Returns whether the text has the form of a bot's token.
#[must_use]
pub fn is_token(text: &str) -> bool {
    let Some((bot, secret)) = text.split_once(':') else { return false };
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    !bot.is_empty() && bot.bytes().all(|byte| byte.is_ascii_digit()) && secret.len() > 7 && secret.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(text: &str) -> Result<Token, TokenError> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token");
        std::fs::write(&file, text).unwrap();
        read(&file)
    }

    #[test]
    fn white_space_around_the_token_is_ignored() {
        for text in [" 42:AbC-dEf_123\n", "\u{feff}42:AbC-dEf_123\r\n"] {
            assert_eq!(read_text(text).unwrap().secret(), "42:AbC-dEf_123");
        }
    }

    #[test]
    fn token_file_errors_do_not_show_its_content() {
        let missing = read(Path::new("/nowhere/token")).unwrap_err().to_string();
        assert!(missing.contains("/nowhere/token") && missing.contains("@BotFather"), "{missing}");
        let empty = read_text(" \n").unwrap_err().to_string();
        assert!(empty.contains("it is empty") && empty.contains("@BotFather"), "{empty}");
        let marked = read_text("42:AbC-\u{feff}dEf_123").unwrap_err().to_string();
        assert!(marked.contains("byte order mark"), "{marked}");
        for text in ["hunter2-secret", "42:short", "42:AbC dEf 12345", "x42:AbC-dEf_123"] {
            let error = read_text(text).unwrap_err();
            assert!(!format!("{error}{error:?}").contains(text), "{error}");
        }
    }

    #[test]
    fn a_token_is_never_shown() {
        let token = read_text("42:AbC-dEf_123").unwrap();
        assert_eq!(format!("{token:?}"), "<token>");
        let shown = scrub::text("at /bot42:AbC-dEf_123/getMe, AbC-dEf_123".to_owned());
        assert_eq!(shown, "at /bot<token>/getMe, <token>");
    }
}
