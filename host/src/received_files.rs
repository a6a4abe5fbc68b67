//! Manages the `inbox` folder in a session's folder: saves files that users send, and reads them to include in prompts.
//!
//! The agent can change everything in the session's folder, for example replace a file with a link to a file that it
//! may not read itself. This module therefore doesn't follow symbolic links below the session's folder.

use std::{
    fs::File,
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    os::fd::OwnedFd,
    path::{Path, PathBuf},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use cordboard_agents::{ModelInput, PromptFile};
use cordboard_core::{
    messages,
    types::{
        ChatFile, FILES_FOLDER,
        model_input::{MAX_SIZE, MAX_TOTAL, media_type},
    },
};
use rustix::{
    fs::{AtFlags, CWD, FileType, Mode, OFlags, fstat, mkdirat, openat, renameat, statat, unlinkat},
    io::Errno,
};

/// Only the host's user may read the files, as in the state directory.
const FOLDER_MODE: Mode = Mode::RWXU;
const FILE_MODE: Mode = Mode::RUSR.union(Mode::WUSR);

/// A session's open `inbox` folder.
pub struct ReceivedFiles(OwnedFd);

impl ReceivedFiles {
    /// Opens the folder. Creates it if it is missing, with a `.gitignore` that hides it from Git.
    ///
    /// # Errors
    /// The folder can't be created, or something other than a folder exists at its path.
    pub fn create(session_folder: &Path) -> io::Result<Self> {
        let session = open_folder(CWD, session_folder, OFlags::empty())?;
        let is_new = match mkdirat(&session, FILES_FOLDER, FOLDER_MODE) {
            Ok(()) => true,
            Err(Errno::EXIST) => false,
            Err(error) => return Err(error.into()),
        };
        let inbox = Self(open_folder(&session, Path::new(FILES_FOLDER), OFlags::NOFOLLOW)?);
        if is_new {
            inbox.new_file(".gitignore")?.write_all(b"*\n")?;
        }
        Ok(inbox)
    }

    /// Returns whether a regular file has this name.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        let found = statat(&self.0, name, AtFlags::SYMLINK_NOFOLLOW);
        found.is_ok_and(|found| FileType::from_raw_mode(found.st_mode) == FileType::RegularFile)
    }

    /// Creates a file under a temporary name. [`Self::save`] renames it once its content is complete.
    ///
    /// # Errors
    /// The file can't be created.
    pub fn begin(&self, name: &str) -> io::Result<File> {
        // A killed host may have left an incomplete file behind.
        self.discard(name);
        self.new_file(&incomplete(name))
    }

    /// Renames a complete file to its final name.
    ///
    /// # Errors
    /// The file can't be renamed.
    pub fn save(&self, name: &str) -> io::Result<()> {
        Ok(renameat(&self.0, incomplete(name), &self.0, name)?)
    }

    /// Deletes an incomplete file.
    pub fn discard(&self, name: &str) {
        self.remove(&incomplete(name));
    }

    /// Deletes a file, if it exists.
    pub fn remove(&self, name: &str) {
        match unlinkat(&self.0, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(error) => tracing::debug!(name, %error, "failed to delete a file"),
        }
    }

    fn new_file(&self, name: &str) -> io::Result<File> {
        // `APPEND` makes a repeated download start at the beginning of the truncated file.
        let flags =
            OFlags::WRONLY | OFlags::APPEND | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(openat(&self.0, name, flags, FILE_MODE)?.into())
    }
}

/// Returns a prompt's files for the agent. Includes the content of files that models accept, within the maximum size of
/// a message.
#[must_use]
pub fn prompt_files(session_folder: &Path, files: &[ChatFile]) -> Vec<PromptFile> {
    let mut remaining = MAX_TOTAL;
    let prompt_file = |file: &ChatFile| {
        let opened = open(session_folder, &file.saved_as);
        let path = opened.is_ok().then(|| session_folder.join(file.path()));
        let note = messages::file_note(&file.kind, file.seconds, path.as_deref());
        let input = opened.and_then(|opened| model_input(&opened, remaining.min(MAX_SIZE)));
        let input = input.inspect_err(|error| {
            tracing::warn!(file = file.saved_as, %error, "failed to read a file of a message");
        });
        let (input, size) = input.ok().flatten().unzip();
        remaining -= size.unwrap_or(0);
        PromptFile { note, input }
    };
    files.iter().map(prompt_file).collect()
}

/// Returns the path of a saved file in the session's folder.
///
/// # Errors
/// The file does not exist, or is not a regular file.
pub fn saved_path(session_folder: &Path, file: &ChatFile) -> io::Result<PathBuf> {
    open(session_folder, &file.saved_as)?;
    Ok(session_folder.join(file.path()))
}

/// Reads up to `length` bytes of a saved file, starting at `offset`. Returns fewer bytes only at the end of the file.
///
/// # Errors
/// The file doesn't exist or can't be read.
pub fn read_part(session_folder: &Path, name: &str, offset: u64, length: usize) -> io::Result<Vec<u8>> {
    let file = open(session_folder, name)?;
    let mut bytes = Vec::new();
    (&file).seek(SeekFrom::Start(offset))?;
    file.take(length as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Reads a file if models accept its type, and returns it with its size. Returns `None` if they don't, or if the file
/// is larger than `max` bytes.
fn model_input(file: &File, max: u64) -> io::Result<Option<(ModelInput, u64)>> {
    let mut bytes = Vec::new();
    file.take(16).read_to_end(&mut bytes)?;
    let Some(media_type) = media_type(&bytes) else { return Ok(None) };
    file.take((max + 1).saturating_sub(bytes.len() as u64)).read_to_end(&mut bytes)?;
    let size = bytes.len() as u64;
    let input = || ModelInput { media_type: media_type.to_owned(), base64: STANDARD.encode(&bytes) };
    Ok((size <= max).then(|| (input(), size)))
}

/// Opens a saved file for reading.
fn open(session_folder: &Path, name: &str) -> io::Result<File> {
    let session = open_folder(CWD, session_folder, OFlags::empty())?;
    let inbox = open_folder(session, Path::new(FILES_FOLDER), OFlags::NOFOLLOW)?;
    // Use `NONBLOCK`, because the agent may have replaced the file with a pipe.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = openat(inbox, name, flags, Mode::empty())?;
    if FileType::from_raw_mode(fstat(&file)?.st_mode) != FileType::RegularFile {
        return Err(io::Error::other("it is not a regular file"));
    }
    Ok(file.into())
}

fn open_folder(base: impl std::os::fd::AsFd, path: &Path, flags: OFlags) -> io::Result<OwnedFd> {
    let flags = flags | OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok(openat(base, path, flags, Mode::empty())?)
}

/// Returns the name of a file whose content is not complete yet.
fn incomplete(name: &str) -> String {
    format!(".{name}.part")
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink};

    use super::*;

    fn file(name: &str) -> ChatFile {
        ChatFile {
            file: "f".to_owned(),
            kind: "photo".to_owned(),
            saved_as: name.to_owned(),
            size: None,
            seconds: None,
        }
    }

    fn save(folder: &Path, name: &str, content: &[u8]) {
        let inbox = ReceivedFiles::create(folder).unwrap();
        inbox.begin(name).unwrap().write_all(content).unwrap();
        assert!(!inbox.contains(name));
        inbox.save(name).unwrap();
        assert!(inbox.contains(name));
    }

    const PNG: &[u8] = &[0x89, b'P', b'N', b'G', 1, 2];

    #[test]
    fn saved_files_become_a_part_of_the_prompt() {
        let folder = tempfile::tempdir().unwrap();
        save(folder.path(), "a.png", PNG);
        save(folder.path(), "b.pdf", b"%PDF-1.4");
        save(folder.path(), "c.txt", b"text");
        let names = ["a.png", "b.pdf", "c.txt", "gone.png"].map(file);
        let [png, pdf, text, gone] = prompt_files(folder.path(), &names).try_into().unwrap();
        assert_eq!(png.input, Some(ModelInput { media_type: "image/png".to_owned(), base64: STANDARD.encode(PNG) }));
        assert_eq!(png.note, format!("[Attached photo: {}/inbox/a.png]", folder.path().display()));
        assert_eq!(pdf.input.unwrap().media_type, "application/pdf");
        assert_eq!((text.input, gone.input), (None, None));
        assert_eq!(gone.note, "[Attached photo: no longer available]");
        assert_eq!(fs::read(folder.path().join("inbox/.gitignore")).unwrap(), b"*\n");
    }

    #[test]
    fn a_part_of_a_saved_file_is_read() {
        let folder = tempfile::tempdir().unwrap();
        save(folder.path(), "a.txt", b"0123456789");
        let part = |offset, length| read_part(folder.path(), "a.txt", offset, length).unwrap();
        assert_eq!((part(0, 4), part(8, 4), part(10, 4)), (b"0123".to_vec(), b"89".to_vec(), Vec::new()));
        assert!(read_part(folder.path(), "gone", 0, 1).is_err());
        assert_eq!(saved_path(folder.path(), &file("a.txt")).unwrap(), folder.path().join("inbox/a.txt"));
    }

    #[test]
    fn content_that_exceeds_a_limit_is_named_only_by_its_path() {
        let folder = tempfile::tempdir().unwrap();
        let image = |size: u64| [PNG, &vec![0; usize::try_from(size).unwrap() - PNG.len()]].concat();
        save(folder.path(), "small.png", &image(MAX_SIZE));
        save(folder.path(), "large.png", &image(MAX_SIZE + 1));
        let files: Vec<_> = ["large.png"].iter().chain([&"small.png"; 6]).map(|name| file(name)).collect();
        let with_content: Vec<_> =
            prompt_files(folder.path(), &files).iter().map(|file| file.input.is_some()).collect();
        assert_eq!(with_content, [false, true, true, true, true, true, false]);
        // Too few bytes remain even to detect the file's type.
        save(folder.path(), "rest.png", &image(MAX_TOTAL / 6));
        let files: Vec<_> = std::iter::repeat_n(file("rest.png"), 7).collect();
        assert!(prompt_files(folder.path(), &files)[6].input.is_none());
    }

    #[test]
    fn links_and_pipes_of_the_agent_are_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let secret = tempfile::tempdir().unwrap();
        fs::write(secret.path().join("key.png"), PNG).unwrap();
        save(folder.path(), "a.png", PNG);
        let inbox = folder.path().join("inbox");
        symlink(secret.path().join("key.png"), inbox.join("link.png")).unwrap();
        rustix::fs::mknodat(CWD, inbox.join("pipe.png"), FileType::Fifo, FILE_MODE, 0).unwrap();
        for name in ["link.png", "pipe.png"] {
            let files = prompt_files(folder.path(), &[file(name)]);
            assert_eq!((files[0].input.as_ref(), &*files[0].note), (None, "[Attached photo: no longer available]"));
            assert!(!ReceivedFiles::create(folder.path()).unwrap().contains(name));
            assert!(saved_path(folder.path(), &file(name)).is_err());
        }
        // An incomplete file never overwrites the target of a link.
        symlink(secret.path().join("key.png"), inbox.join(".b.png.part")).unwrap();
        save(folder.path(), "b.png", b"new");
        assert_eq!(fs::read(secret.path().join("key.png")).unwrap(), PNG);

        fs::remove_dir_all(&inbox).unwrap();
        symlink(secret.path(), &inbox).unwrap();
        assert!(ReceivedFiles::create(folder.path()).is_err());
        assert_eq!(prompt_files(folder.path(), &[file("key.png")])[0].input, None);
    }
}
