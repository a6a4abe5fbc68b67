//! Checks who may write to a path, and whether it leads to a regular file. Because the configuration grants
//! capabilities, the host uses the configuration and the plugins only if no other user may write to them. This module
//! must not change file permissions.

use std::{
    fs::FileType,
    io::ErrorKind,
    os::unix::fs::{FileTypeExt, MetadataExt},
    path::{Path, PathBuf},
};

use rustix::io::Errno;

use super::{FileError, WatchError};

const GROUP_WRITE: u32 = 0o020;
const OTHERS_WRITE: u32 = 0o002;

/// Checks that only this user or root may write to `path`. A missing path passes.
///
/// # Errors
/// Fails if another user may write to `path`, or if its metadata can't be read. In the first case, the error contains
/// the command that corrects the owner or the mode.
pub fn check_private(path: &Path) -> Result<(), WatchError> {
    let path = PathBuf::from(path);
    let metadata = match path.metadata() {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(source) => return Err(WatchError::Read { path, source }),
    };
    let me = rustix::process::geteuid().as_raw();
    let uid = metadata.uid();
    if uid != 0 && uid != me {
        return Err(WatchError::Foreign { path, uid, me });
    }
    match metadata.mode() {
        mode if mode & OTHERS_WRITE != 0 => Err(WatchError::Writable { path, who: "others" }),
        mode if mode & GROUP_WRITE != 0 => Err(WatchError::Writable { path, who: "its group" }),
        _ => Ok(()),
    }
}

/// Returns an error if `path` is a dangling or circular link, a folder, or a special file such as a pipe or a device.
/// Returns `None` otherwise, for example for a regular or missing file.
#[must_use]
pub fn not_a_file(path: &Path) -> Option<FileError> {
    match path.metadata() {
        Ok(metadata) => not_regular(metadata.file_type()),
        Err(error) => {
            let target = path.read_link().ok()?;
            if error.kind() == ErrorKind::NotFound {
                return Some(FileError::DanglingLink { target });
            }
            let is_circular = error.raw_os_error() == Some(Errno::LOOP.raw_os_error());
            is_circular.then_some(FileError::CircularLink { target })
        }
    }
}

/// Returns the error with the remedy, unless `kind` is a regular file.
pub(super) fn not_regular(kind: FileType) -> Option<FileError> {
    let kind = match kind {
        _ if kind.is_file() => return None,
        _ if kind.is_dir() => "a folder",
        _ if kind.is_fifo() => "a pipe",
        _ if kind.is_socket() => "a socket",
        _ => "a device",
    };
    Some(FileError::NotRegular { kind })
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt};

    use super::*;

    fn refusal(mode: u32) -> Option<String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plugins");
        fs::create_dir(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let text = check_private(&path).err()?.to_string();
        Some(text.replace(&path.display().to_string(), "PATH"))
    }

    #[test]
    fn files_writable_by_others_are_refused_with_the_remedy() {
        let text = |who: &str| {
            Some(format!("use PATH: {who} may write to it, and could change plugins or grants; run `chmod go-w PATH`"))
        };
        assert_eq!(refusal(0o775), text("its group"));
        assert_eq!(refusal(0o757), text("others"));
    }

    #[test]
    fn only_a_regular_or_missing_file_passes() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("file"), "").unwrap();
        fs::create_dir(at("folder")).unwrap();
        for (target, name) in
            [("gone", "dangling"), ("file", "link"), ("loop", "loop"), ("folder", "to_folder"), ("/dev/zero", "device")]
        {
            std::os::unix::fs::symlink(target, at(name)).unwrap();
        }
        let _socket = std::os::unix::net::UnixListener::bind(at("socket")).unwrap();
        assert_eq!(["file", "link", "none"].map(|name| not_a_file(&at(name))), [None, None, None]);
        for (name, start) in [
            ("dangling", "it is a link to gone, which does not exist: put "),
            ("loop", "it is a circular link through loop: replace "),
            ("folder", "it is a folder, not a regular file: replace "),
            ("to_folder", "it is a folder, not a regular file: replace "),
            ("device", "it is a device, not a regular file: replace "),
            ("socket", "it is a socket, not a regular file: replace "),
        ] {
            let why = not_a_file(&at(name)).unwrap().to_string();
            assert!(why.starts_with(start), "{name}: {why}");
        }
    }

    #[test]
    fn readable_by_others_and_missing_are_accepted() {
        assert_eq!(refusal(0o755), None);
        assert!(check_private(Path::new("/nowhere/at/all")).is_ok());
        assert!(check_private(Path::new("/usr/bin")).is_ok(), "root's");
    }
}
