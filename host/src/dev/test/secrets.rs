//! Stores a conversation's secrets in temporary files, because a host reads secrets only from files.

use std::{
    fs::{self, DirBuilder, OpenOptions},
    io::Write as _,
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::PathBuf,
};

use super::step_error::StepError;

#[derive(Default)]
pub struct Secrets {
    folder: Option<PathBuf>,
    names: Vec<String>,
}

impl Secrets {
    /// Adds a secret: `NAME VALUE`.
    pub fn add(&mut self, words: &str) -> Result<(), StepError> {
        let (name, value) = words.split_once(' ').ok_or(StepError::Usage("@secret NAME VALUE"))?;
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_') {
            let known = "letters, digits, '-' and '_'".to_owned();
            return Err(StepError::Unknown { given: name.to_owned(), what: "a secret name", known });
        }
        let path = self.folder().map_err(StepError::SecretFolder)?.join(name);
        let written = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&path);
        let written = written.and_then(|mut file| file.write_all(value.trim().as_bytes()));
        written.map_err(|source| StepError::File { path, source })?;
        self.names.push(name.to_owned());
        Ok(())
    }

    fn folder(&mut self) -> std::io::Result<PathBuf> {
        if let Some(folder) = &self.folder {
            return Ok(folder.clone());
        }
        let folder = std::env::temp_dir().join(format!("cordboard-secrets-{}", uuid::Uuid::new_v4()));
        DirBuilder::new().mode(0o700).create(&folder)?;
        self.folder = Some(folder.clone());
        Ok(folder)
    }

    /// Returns the lines of the `[secrets]` table.
    pub fn lines(&self) -> Vec<String> {
        let folder = self.folder.clone().unwrap_or_default();
        self.names.iter().map(|name| format!("{name} = {:?}", folder.join(name).display().to_string())).collect()
    }
}

impl Drop for Secrets {
    fn drop(&mut self) {
        if let Some(folder) = &self.folder {
            // If the folder can't be removed, it stays in the system's temporary folder, readable only by its owner.
            drop(fs::remove_dir_all(folder));
        }
    }
}
