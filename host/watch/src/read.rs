//! Reads a file that may be written concurrently, and computes a fingerprint so that two reads can be compared. Any
//! bytes that this module returns must have been the file's complete content at some time.

use std::{
    fs::{File, Metadata},
    io::{self, ErrorKind, Read},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::Path,
    time::{Duration, SystemTime},
};

use cordboard_core::messages;
use rustix::fs::OFlags;
use sha2::{Digest as _, Sha256};

use super::{FileError, permissions::not_regular};

/// An upper bound on the file system's timestamp resolution. A file that changed within the last tick may change again
/// without getting a new stamp.
const TICK: Duration = Duration::from_secs(1);

/// The size of the buffer for reading and hashing a file, in bytes.
const CHUNK: usize = 64 << 10;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Digest([u8; 32]);

impl Digest {
    pub(super) fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    pub(super) fn to_hex(self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// The metadata that changes when a file changes. Users can't set the inode's change time, so even a copy that
/// preserves the modification time is detected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    inode: (u64, u64),
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    pub(super) fn of(metadata: &Metadata) -> Self {
        Self {
            inode: (metadata.dev(), metadata.ino()),
            size: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }

    /// Returns whether an equal stamp in a later read would prove that the bytes are unchanged.
    pub(super) fn is_settled(&self) -> bool {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let ticked = since.saturating_sub(TICK).as_secs();
        i64::try_from(ticked).is_ok_and(|ticked| self.changed.0 < ticked && self.modified.0 < ticked)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum FileRead {
    Whole {
        stamp: Stamp,
        bytes: Vec<u8>,
        digest: Digest,
    },
    /// The file doesn't exist.
    Absent,
    /// The file changed while it was read.
    Moving,
    Unreadable(FileError),
}

impl FileRead {
    /// Reads a file and keeps its bytes. A file of more than `limit` bytes counts as unreadable.
    pub(super) fn of(path: &Path, limit: u64) -> Self {
        let mut bytes = Vec::new();
        match Self::read_chunks(path, limit, |chunk| bytes.extend_from_slice(chunk)) {
            Self::Whole { stamp, digest, .. } => Self::Whole { stamp, bytes, digest },
            other @ (Self::Absent | Self::Moving | Self::Unreadable(_)) => other,
        }
    }

    /// Reads and hashes a file without keeping its bytes, for comparison with a second read.
    pub(super) fn without_bytes(path: &Path, limit: u64) -> Self {
        Self::read_chunks(path, limit, |_| {})
    }

    fn read_chunks(path: &Path, limit: u64, each: impl FnMut(&[u8])) -> Self {
        match read(path, limit, each) {
            Ok(reading) => reading,
            Err(error) if error.kind() == ErrorKind::NotFound => Self::Absent,
            Err(error) => Self::Unreadable(FileError::Io(messages::system_error(error))),
        }
    }

    /// Returns the stamp and digest of a complete read, for comparison with another read.
    pub(super) fn fingerprint(&self) -> Option<(Stamp, Digest)> {
        match self {
            Self::Whole { stamp, digest, .. } => Some((*stamp, *digest)),
            Self::Absent | Self::Moving | Self::Unreadable(_) => None,
        }
    }
}

/// Reads a file in chunks and passes each chunk to `each`. The `bytes` of the result are empty.
fn read(path: &Path, limit: u64, mut each: impl FnMut(&[u8])) -> io::Result<FileRead> {
    // Check first: opening a pipe or a device could block.
    let metadata = path.metadata()?;
    if let Some(error) = not_regular(metadata.file_type()) {
        return Ok(FileRead::Unreadable(error));
    }
    if metadata.len() > limit {
        return Ok(FileRead::Unreadable(FileError::TooLarge { limit }));
    }
    // A pipe may have replaced the file in the meantime, so open without blocking.
    let at_once = OFlags::NONBLOCK.bits().cast_signed();
    let file = File::options().read(true).custom_flags(at_once).open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Ok(FileRead::Moving);
    }
    let before = Stamp::of(&metadata);
    let (mut chunk, mut hasher, mut size) = (vec![0; CHUNK], Sha256::new(), 0);
    loop {
        let read = match (&file).read(&mut chunk) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        size += read as u64;
        if size > limit {
            return Ok(FileRead::Unreadable(FileError::TooLarge { limit }));
        }
        hasher.update(&chunk[..read]);
        each(&chunk[..read]);
    }
    let after = Stamp::of(&file.metadata()?);
    if before != after || after.size != size {
        return Ok(FileRead::Moving);
    }
    Ok(FileRead::Whole { stamp: after, bytes: Vec::new(), digest: Digest(hasher.finalize().into()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_and_oversized_files_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let error = FileError::NotRegular { kind: "a folder" };
        assert_eq!(FileRead::of(folder.path(), 9), FileRead::Unreadable(error));
        assert_eq!(FileRead::of(&folder.path().join("none"), 9), FileRead::Absent);
        let large = folder.path().join("large");
        File::create(&large).unwrap().set_len((1 << 20) + 1).unwrap();
        assert_eq!(FileRead::of(&large, 1 << 20), FileRead::Unreadable(FileError::TooLarge { limit: 1 << 20 }));
    }

    #[test]
    fn a_fresh_stamp_is_not_settled() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        std::fs::write(&path, "x").unwrap();
        assert!(!Stamp::of(&path.metadata().unwrap()).is_settled());
        assert!(Stamp::of(&Path::new("/proc/self/exe").metadata().unwrap()).size > 0);
    }
}
