//! Opens and lists files in session folders for users. No path leads out of its session's folder: the kernel follows
//! neither `..` nor links beyond the folder, even if the agent changes them concurrently. It refuses access to the
//! host's own files.

use std::{
    fs::{self, File},
    io,
    os::fd::{AsRawFd as _, OwnedFd},
    path::{Component, Path, PathBuf},
    sync::Arc,
};

use cordboard_agents::process::OwnFiles;
use cordboard_core::types::{EntryKind, FolderEntry, FolderPage, SessionFile, Timestamp};
use rustix::{
    fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, ResolveFlags, openat, openat2, statat},
    io::Errno,
};

/// The number of attempts to open a path while other processes rename its folders.
const ATTEMPTS: u32 = 8;

/// The maximum number of entries that are read from a folder.
const MOST_ENTRIES: usize = 10_000;

/// Reads session files, but refuses to read the host's own files, which a session's folder may contain.
#[derive(Clone)]
pub struct SessionFiles {
    own: Arc<dyn Fn() -> OwnFiles + Send + Sync>,
}

impl SessionFiles {
    /// Creates a reader. `own` lists the files and folders of the host.
    #[must_use]
    pub fn new(own: Arc<dyn Fn() -> OwnFiles + Send + Sync>) -> Self {
        Self { own }
    }

    /// Opens a regular file, and returns it with its size.
    ///
    /// # Errors
    /// The file doesn't exist, is not a regular file, is not readable, is not in the folder, or belongs to the host.
    pub fn open(&self, file: &SessionFile) -> io::Result<(File, u64)> {
        // Use `NONBLOCK`, because the path may name a pipe.
        let opened: File = self.open_below(&file.folder, &file.path, OFlags::NONBLOCK)?.into();
        let metadata = opened.metadata()?;
        if !metadata.is_file() {
            return Err(io::Error::other(if metadata.is_dir() {
                "it is a folder"
            } else {
                "it is not a regular file"
            }));
        }
        Ok((opened, metadata.len()))
    }

    /// Lists part of a folder's contents, sorted by name.
    ///
    /// # Errors
    /// The folder doesn't exist, is not readable, is not in the folder of the session, or belongs to the host.
    pub fn list(&self, session_folder: &Path, page: &FolderPage) -> io::Result<Vec<FolderEntry>> {
        let folder = self.open_below(session_folder, &page.path, OFlags::DIRECTORY)?;
        let mut names = Vec::new();
        for entry in Dir::read_from(&folder)?.take(MOST_ENTRIES + 2) {
            let name = entry?.file_name().to_owned();
            if name.as_bytes() != b"." && name.as_bytes() != b".." {
                names.push(name);
            }
        }
        names.sort();
        let mut entries = Vec::new();
        for name in page.of(names) {
            // Omit entries that were deleted in the meantime.
            let Ok(found) = statat(&folder, &name, AtFlags::SYMLINK_NOFOLLOW) else { continue };
            let kind = match FileType::from_raw_mode(found.st_mode) {
                FileType::RegularFile => EntryKind::File,
                FileType::Directory => EntryKind::Folder,
                FileType::Symlink => EntryKind::Link,
                FileType::Fifo
                | FileType::Socket
                | FileType::CharacterDevice
                | FileType::BlockDevice
                | FileType::Unknown => EntryKind::Other,
            };
            let name = name.to_string_lossy().into_owned();
            let modified = Timestamp(u64::try_from(found.st_mtime).unwrap_or_default().saturating_mul(1000));
            entries.push(FolderEntry { name, kind, size: u64::try_from(found.st_size).unwrap_or_default(), modified });
        }
        Ok(entries)
    }

    /// Opens a path below the folder. Absolute paths below the folder are also accepted, because agents use them.
    fn open_below(&self, folder: &Path, path: &str, flags: OFlags) -> io::Result<OwnedFd> {
        let base = openat(CWD, folder, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
        let path = Path::new(path.trim());
        let path = path.strip_prefix(folder).unwrap_or(path);
        let path = if path.components().any(|part| part != Component::CurDir) { path } else { Path::new(".") };
        let opened = open_beneath(&base, path, flags)?;
        if self.is_own(&real_path(&base)?, &real_path(&opened)?) {
            return Err(io::Error::other("it belongs to Cordboard itself"));
        }
        Ok(opened)
    }

    /// Returns whether a path is one of the host's own files, or is in a host folder inside the session's folder. Host
    /// folders that contain the session's folder, such as the state directory, don't count.
    fn is_own(&self, session_folder: &Path, path: &Path) -> bool {
        let own = (self.own)();
        let real = |path: PathBuf| fs::canonicalize(&path).unwrap_or(path);
        own.files.into_iter().map(real).any(|file| file == path)
            || own.folders.into_iter().map(real).any(|own| own.starts_with(session_folder) && path.starts_with(own))
    }
}

/// Opens a path that doesn't lead out of the folder `base`.
fn open_beneath(base: &OwnedFd, path: &Path, flags: OFlags) -> io::Result<OwnedFd> {
    let flags = flags | OFlags::RDONLY | OFlags::CLOEXEC;
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
    for _ in 1..ATTEMPTS {
        match openat2(base, path, flags, Mode::empty(), resolve) {
            Err(Errno::AGAIN) => {}
            opened => return opened.map_err(explain),
        }
    }
    openat2(base, path, flags, Mode::empty(), resolve).map_err(explain)
}

fn real_path(opened: &OwnedFd) -> io::Result<PathBuf> {
    fs::read_link(format!("/proc/self/fd/{}", opened.as_raw_fd()))
}

fn explain(error: Errno) -> io::Error {
    match error {
        Errno::XDEV => io::Error::other("it is not in the session's folder"),
        Errno::NOENT => io::Error::other("it does not exist"),
        Errno::NOSYS | Errno::PERM => io::Error::other("this system doesn't support the system call openat2"),
        error => error.into(),
    }
}

#[cfg(test)]
mod tests {
    use std::{io::Read as _, os::unix::fs::symlink};

    use super::*;

    fn files(own: OwnFiles) -> SessionFiles {
        SessionFiles::new(Arc::new(move || own.clone()))
    }

    fn page(path: &str) -> FolderPage {
        FolderPage { path: path.to_owned(), offset: 0, limit: 1000 }
    }

    fn read(folder: &Path, path: &str) -> Result<String, String> {
        read_from(&files(OwnFiles::default()), folder, path)
    }

    fn read_from(files: &SessionFiles, folder: &Path, path: &str) -> Result<String, String> {
        let file = SessionFile { folder: folder.to_owned(), path: path.to_owned() };
        let (mut opened, size) = files.open(&file).map_err(|error| error.to_string())?;
        let mut text = String::new();
        opened.read_to_string(&mut text).unwrap();
        assert_eq!(text.len() as u64, size);
        Ok(text)
    }

    #[test]
    fn only_files_below_the_folder_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let outside = tempfile::tempdir().unwrap();
        fs::write(outside.path().join("key"), "secret").unwrap();
        let inside = folder.path().join("src");
        fs::create_dir(&inside).unwrap();
        fs::write(inside.join("a b.txt"), "text").unwrap();
        symlink("src/a b.txt", folder.path().join("link")).unwrap();
        symlink(outside.path(), folder.path().join("out")).unwrap();
        symlink("../..", inside.join("up")).unwrap();
        symlink("/proc/self", folder.path().join("proc")).unwrap();
        let absolute = inside.join("a b.txt").display().to_string();
        for path in ["src/a b.txt", "./src//a b.txt", "src/../src/a b.txt", "link", " src/a b.txt ", &absolute] {
            assert_eq!(read(folder.path(), path), Ok("text".to_owned()), "{path}");
        }
        let key = outside.path().join("key").display().to_string();
        for path in ["out/key", &key, "../x", "src/up/etc/passwd", "/etc/passwd", "proc/environ"] {
            assert_eq!(read(folder.path(), path), Err("it is not in the session's folder".to_owned()), "{path}");
        }
        assert_eq!(read(folder.path(), "src"), Err("it is a folder".to_owned()));
        assert_eq!(read(folder.path(), ""), Err("it is a folder".to_owned()));
        assert_eq!(read(folder.path(), "gone"), Err("it does not exist".to_owned()));
        rustix::fs::mknodat(CWD, folder.path().join("pipe"), FileType::Fifo, Mode::RWXU, 0).unwrap();
        assert_eq!(read(folder.path(), "pipe"), Err("it is not a regular file".to_owned()));
    }

    #[test]
    fn a_folder_is_listed_by_name() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("b.txt"), "12345").unwrap();
        fs::create_dir(folder.path().join("a")).unwrap();
        symlink("/etc", folder.path().join("c")).unwrap();
        let files = files(OwnFiles::default());
        let entries = files.list(folder.path(), &page("")).unwrap();
        let listed: Vec<_> = entries.iter().map(|entry| (entry.name.as_str(), entry.kind.as_str())).collect();
        assert_eq!(listed, [("a", "folder"), ("b.txt", "file"), ("c", "link")]);
        assert_eq!(entries[1].size, 5);
        assert!(entries[1].modified.0 > 1_700_000_000_000);
        assert!(files.list(folder.path(), &page("a")).unwrap().is_empty());
        let second = FolderPage { offset: 1, limit: 1, ..page("") };
        assert_eq!(files.list(folder.path(), &second).unwrap(), entries[1..2]);
        for path in ["..", "c", "/etc"] {
            let why = files.list(folder.path(), &page(path)).unwrap_err().to_string();
            assert_eq!(why, "it is not in the session's folder", "{path}");
        }
        assert!(files.list(folder.path(), &page("b.txt")).is_err());
    }

    #[test]
    fn files_of_the_host_are_refused() {
        let home = tempfile::tempdir().unwrap();
        let session = home.path().join("state/sessions/a");
        fs::create_dir_all(&session).unwrap();
        for file in ["state/cordboard.db", "config.toml", "notes.txt", "state/sessions/a/b.txt"] {
            fs::write(home.path().join(file), "text").unwrap();
        }
        symlink("config.toml", home.path().join("link")).unwrap();
        let own = OwnFiles { folders: vec![home.path().join("state")], files: vec![home.path().join("config.toml")] };
        let files = files(own);
        for path in ["config.toml", "link", "state/cordboard.db", "state/sessions/a/b.txt"] {
            assert_eq!(
                read_from(&files, home.path(), path),
                Err("it belongs to Cordboard itself".to_owned()),
                "{path}"
            );
        }
        assert!(files.list(home.path(), &page("state")).is_err());
        assert_eq!(read_from(&files, home.path(), "notes.txt"), Ok("text".to_owned()));
        assert_eq!(read_from(&files, &session, "b.txt"), Ok("text".to_owned()), "the folder of a session");
    }
}
