//! Secrets that plugins send and never see.

use std::{fs, io::Write, os::unix::fs::PermissionsExt};

use tempfile::NamedTempFile;

/// A file that holds `secret`, for its owner alone.
pub fn file(secret: &str) -> NamedTempFile {
    let mut file = NamedTempFile::new().unwrap();
    writeln!(file, "{secret}").unwrap();
    fs::set_permissions(file.path(), fs::Permissions::from_mode(0o600)).unwrap();
    file
}
