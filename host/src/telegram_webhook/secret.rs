//! Stores the webhook secret, which Telegram sends with each update, in a file in the state directory. The file also
//! records that this host may have set a webhook.

use std::{
    fs::{self, OpenOptions},
    io::{self, ErrorKind, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use cordboard_core::scrub;
use uuid::Uuid;

const FILE: &str = "telegram-webhook-secret";

/// The length in characters: two random UUIDs in hexadecimal digits.
const LENGTH: usize = 64;

/// Returns the path of the file in the state directory.
#[must_use]
pub fn path(state: &Path) -> PathBuf {
    state.join(FILE)
}

/// Returns the stored secret, or stores a new one, and registers it for scrubbing. Replaces a secret that other users
/// could read.
///
/// # Errors
/// The file can't be read or written.
pub fn load_or_create(state: &Path) -> io::Result<String> {
    let path = path(state);
    let secret = match load(&path)? {
        Some(secret) => secret,
        None => create(&path)?,
    };
    scrub::remember("<webhook secret>", &secret);
    Ok(secret)
}

/// Deletes the file.
///
/// # Errors
/// The file exists and can't be deleted.
pub fn delete(state: &Path) -> io::Result<()> {
    delete_if_present(&path(state))
}

fn delete_if_present(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Returns the secret if the file contains a valid one.
fn load(path: &Path) -> io::Result<Option<String>> {
    let text = match fs::read(path) {
        Ok(bytes) => String::from_utf8(bytes).unwrap_or_default(),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let is_private = fs::metadata(path)?.permissions().mode() & 0o077 == 0;
    let is_valid = text.len() == LENGTH && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    Ok(Some(text).filter(|_| is_private && is_valid))
}

/// Writes a new secret. A killed host leaves either no file or a complete one.
fn create(path: &Path) -> io::Result<String> {
    // A random UUID consists of 122 bits from the operating system's random source.
    let secret = format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
    let new = path.with_extension("tmp");
    delete_if_present(&new)?;
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
    file.write_all(secret.as_bytes())?;
    file.sync_all()?;
    fs::rename(new, path)?;
    Ok(secret)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_secret_is_created_once_and_private() {
        let state = tempfile::tempdir().unwrap();
        let secret = load_or_create(state.path()).unwrap();
        assert_eq!(secret.len(), LENGTH);
        assert!(secret.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{secret}");
        assert_eq!(fs::metadata(path(state.path())).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(load_or_create(state.path()).unwrap(), secret);
        assert_eq!(scrub::text(format!("at {secret}")), "at <webhook secret>");
        delete(state.path()).unwrap();
        delete(state.path()).unwrap();
        assert_ne!(load_or_create(state.path()).unwrap(), secret);
    }

    #[test]
    fn an_unusable_secret_is_replaced() {
        let state = tempfile::tempdir().unwrap();
        let path = path(state.path());
        let secret = load_or_create(state.path()).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let second = load_or_create(state.path()).unwrap();
        assert_ne!(second, secret, "others may have read it");
        for damaged in ["", "short", &format!("{}\n", &second[1..])] {
            fs::write(&path, damaged).unwrap();
            assert_eq!(load_or_create(state.path()).unwrap().len(), LENGTH, "{damaged:?}");
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }
}
