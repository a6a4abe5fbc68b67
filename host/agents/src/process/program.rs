//! Finds a program's file. If the program can't be started, explains why and how to fix it. Does not start programs.

use std::{
    ffi::OsStr,
    io,
    os::unix::{ffi::OsStrExt, fs::PermissionsExt},
    path::{Path, PathBuf},
};

use super::SpawnError;

/// Finds the program to start. Checks the folder first, because the error of a failed `exec` does not distinguish a
/// missing folder from a missing program.
pub(super) fn find(program: &Path, env: &[(String, String)], folder: &Path) -> Result<PathBuf, SpawnError> {
    if !folder.is_dir() {
        let program = program.display().to_string();
        return Err(SpawnError::NoFolder { program, folder: folder.display().to_string() });
    }
    locate(program, env, folder)
}

/// Finds the file of `program` for an agent with this environment and folder.
///
/// # Errors
/// There is no such file, or it is not executable.
pub fn locate(program: &Path, env: &[(String, String)], folder: &Path) -> Result<PathBuf, SpawnError> {
    let name = || program.display().to_string();
    if !program.as_os_str().as_bytes().contains(&b'/') {
        return in_path(program, env).ok_or_else(|| SpawnError::NotInPath { program: name() });
    }
    // A relative path is relative to the session's folder, which is the child's working directory.
    let path = folder.join(program);
    // If the folder can't be searched, the file may still exist.
    let exists = path.try_exists().unwrap_or_else(|error| error.kind() == io::ErrorKind::PermissionDenied);
    if !exists {
        return Err(SpawnError::Missing { program: name() });
    }
    if is_executable(&path) { Ok(path) } else { Err(SpawnError::NotExecutable { program: name() }) }
}

fn in_path(program: &Path, env: &[(String, String)]) -> Option<PathBuf> {
    let path = env.iter().rev().find(|(name, _)| name == "PATH").map_or(DEFAULT_PATH, |(_, value)| value);
    std::env::split_paths(OsStr::new(path))
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(program))
        .find(|path| is_executable(path))
}

/// The folders to search for an agent's program if the agent's environment has no `PATH`.
const DEFAULT_PATH: &str = "/usr/local/bin:/usr/bin:/bin";

fn is_executable(path: &Path) -> bool {
    path.metadata().is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}

/// Returns the error for a failed start, with its reason and remedy.
pub(super) fn explain(program: &Path, folder: &Path, path: &Path, error: io::Error) -> SpawnError {
    let program = program.display().to_string();
    if error.kind() == io::ErrorKind::NotFound {
        return if path.exists() { SpawnError::NoInterpreter { program } } else { SpawnError::Missing { program } };
    }
    if error.raw_os_error() == Some(rustix::io::Errno::NOEXEC.raw_os_error()) {
        return SpawnError::NoProgram { program };
    }
    if error.kind() == io::ErrorKind::PermissionDenied {
        return SpawnError::NotExecutable { program };
    }
    SpawnError::Failed { program, folder: folder.display().to_string(), source: error }
}
