//! The component that a command works on, read from a file or built from a plugin's folder.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use cordboard_runtime::MAX_WASM_SIZE;

use super::{build, error::DevError};

/// A component on disk, and the name of its plugin.
#[derive(Debug, Clone)]
pub struct Subject {
    pub name: String,
    pub path: PathBuf,
    pub wasm: Vec<u8>,
}

impl Subject {
    /// Reads a component. If `path` is a folder, builds the plugin first, because an existing component might not match
    /// the sources.
    pub fn find(path: &Path) -> Result<Self, DevError> {
        if path.is_dir() { Self::read(&build::build_quietly(path)?) } else { Self::read(path) }
    }

    pub fn read(path: &Path) -> Result<Self, DevError> {
        // Opening a pipe would block until a writer opens it.
        if let Some(why) = cordboard_watch::not_a_file(path) {
            return Err(DevError::read(path)(io::Error::other(why)));
        }
        let length = fs::metadata(path).map_err(DevError::read(path))?.len();
        if length > MAX_WASM_SIZE {
            let why = format!("it has {length} bytes, more than the maximum of {MAX_WASM_SIZE}");
            return Err(DevError::read(path)(io::Error::other(why)));
        }
        let wasm = fs::read(path).map_err(DevError::read(path))?;
        let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        Ok(Self { name, path: path.to_owned(), wasm })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reading_a_pipe_fails_at_once_with_the_remedy() {
        let folder = tempfile::tempdir().expect("a folder");
        let pipe = folder.path().join("pipe.wasm");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status().expect("mkfifo runs");
        assert!(made.success());
        let why = Subject::find(&pipe).expect_err("it is not a component").to_string();
        assert!(why.contains("it is a pipe, not a regular file: replace it with a regular file"), "{why}");
    }
}
