//! The bot's token: read from its file, and never shown.

use std::{fmt, io, os::unix::fs::PermissionsExt, path::Path, path::PathBuf};

#[derive(Clone)]
pub(super) struct Token(String);

impl Token {
    /// For the URL of a request, and nothing else.
    pub fn secret(&self) -> &str {
        &self.0
    }

    /// `text` without the token in it.
    pub fn redact(&self, text: &str) -> String {
        let (_, secret) = self.0.split_once(':').unwrap_or(("", &self.0));
        text.replace(&self.0, "<token>").replace(secret, "<token>")
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<token>")
    }
}

/// Why there is no token. The texts hold none.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    #[error("read the token file {}: {why}; write the token that @BotFather gave you into it, or correct [telegram] token_file", file.display())]
    Unreadable { file: PathBuf, why: io::Error },
    #[error("find a token in {}: it is empty; write the token that @BotFather gave you into it", file.display())]
    Empty { file: PathBuf },
    #[error("find a token in {}: that is no token; one looks like 123456789:AbC-dEf_…, alone in its file", file.display())]
    Malformed { file: PathBuf },
}

/// # Errors
/// The file can't be read, or holds no token.
pub(super) fn read(file: &Path) -> Result<Token, TokenError> {
    let of = || file.to_owned();
    let unreadable = |why| TokenError::Unreadable { file: of(), why };
    let text = std::fs::read_to_string(file).map_err(unreadable)?;
    let text = text.trim();
    if text.is_empty() {
        return Err(TokenError::Empty { file: of() });
    }
    if !is_token(text) {
        return Err(TokenError::Malformed { file: of() });
    }
    let mode = std::fs::metadata(file).map_err(unreadable)?.permissions().mode();
    if mode & 0o077 != 0 {
        // Secrets that are mounted into a container are readable for all there, so this is no error.
        tracing::warn!(file = %file.display(), mode = format!("{:o}", mode & 0o777), "others may read the token: chmod 600 is safer");
    }
    Ok(Token(text.to_owned()))
}

/// Whether [`read`] would find a token there.
pub fn check(file: &Path) -> Result<(), TokenError> {
    read(file).map(|_| ())
}

fn is_token(text: &str) -> bool {
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
    fn white_space_around_the_token_does_not_matter() {
        assert_eq!(read_text(" 42:AbC-dEf_123\n").unwrap().secret(), "42:AbC-dEf_123");
    }

    #[test]
    fn what_is_wrong_with_the_file_is_said_without_showing_it() {
        let missing = read(Path::new("/nowhere/token")).unwrap_err().to_string();
        assert!(missing.contains("/nowhere/token") && missing.contains("@BotFather"), "{missing}");
        let empty = read_text(" \n").unwrap_err().to_string();
        assert!(empty.contains("it is empty") && empty.contains("@BotFather"), "{empty}");
        for text in ["hunter2-secret", "42:short", "42:AbC dEf 12345", "x42:AbC-dEf_123"] {
            let error = read_text(text).unwrap_err();
            assert!(!format!("{error}{error:?}").contains(text), "{error}");
        }
    }

    #[test]
    fn a_token_is_never_shown() {
        let token = read_text("42:AbC-dEf_123").unwrap();
        assert_eq!(format!("{token:?}"), "<token>");
        assert_eq!(token.redact("at /bot42:AbC-dEf_123/getMe, AbC-dEf_123"), "at /bot<token>/getMe, <token>");
    }
}
