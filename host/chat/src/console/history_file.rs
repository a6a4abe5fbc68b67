//! Persists the terminal's input history in a file that only its owner can read. If the file can't be written, logs a
//! warning, and the user can keep typing.

use std::{
    fs::{self, File, OpenOptions, Permissions},
    io::{self, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::Path,
};

/// The maximum number of lines to load. Older lines are ignored.
const MAX_LINES: usize = 1000;

/// The mode of the file. Others can't read it, because prompts may contain secrets.
const OWNER_ONLY: u32 = 0o600;

#[derive(Debug)]
pub(super) struct History {
    file: Option<File>,
    last: Option<String>,
}

impl History {
    /// Opens the history. Returns it together with its lines, oldest first.
    pub(super) fn open(path: &Path) -> (Self, Vec<String>) {
        let lines = load(path);
        let file = open(path, &lines)
            .inspect_err(|error| tracing::warn!(path = %path.display(), %error, "failed to open the console's history"))
            .ok();
        (Self { file, last: lines.last().cloned() }, lines)
    }

    /// Appends `line`, unless it repeats the previous line.
    pub(super) fn add(&mut self, line: &str) {
        if self.last.as_deref() == Some(line) {
            return;
        }
        self.last = Some(line.to_owned());
        if let Some(Err(error)) = self.file.as_mut().map(|file| file.write_all(format!("{line}\n").as_bytes())) {
            tracing::warn!(%error, "failed to store the console's history");
            self.file = None;
        }
    }
}

fn load(path: &Path) -> Vec<String> {
    let bytes = fs::read(path).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<String> = text.lines().map(str::to_owned).collect();
    lines[lines.len().saturating_sub(MAX_LINES)..].to_vec()
}

/// Opens the file for appending. Rewrites it first if most of it is older than the last [`MAX_LINES`] lines.
fn open(path: &Path, lines: &[String]) -> io::Result<File> {
    if fs::metadata(path).is_ok_and(|metadata| metadata.len() > 2 * size(lines) + 1) {
        let shorter = path.with_extension("tmp");
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(OWNER_ONLY).open(&shorter)?;
        lines.iter().try_for_each(|line| writeln!(file, "{line}"))?;
        fs::rename(shorter, path)?;
    }
    let file = OpenOptions::new().append(true).create(true).mode(OWNER_ONLY).open(path)?;
    file.set_permissions(Permissions::from_mode(OWNER_ONLY))?;
    Ok(file)
}

fn size(lines: &[String]) -> u64 {
    lines.iter().map(|line| line.len() as u64 + 1).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn history_is_restored_and_readable_only_by_its_owner() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("history");
        let (mut history, lines) = History::open(&path);
        assert_eq!(lines, Vec::<String>::new());
        for line in ["/new demo", "hello", "hello", "/sessions"] {
            history.add(line);
        }
        let (_, lines) = History::open(&path);
        assert_eq!(lines, ["/new demo", "hello", "/sessions"]);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, OWNER_ONLY);
    }

    #[test]
    fn a_long_history_is_truncated() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("history");
        let all: String = (0..MAX_LINES * 3).map(|line| format!("line {line}\n")).collect();
        fs::write(&path, all).unwrap();
        let (_, lines) = History::open(&path);
        assert_eq!((lines.len(), lines[0].as_str()), (MAX_LINES, "line 2000"));
        assert_eq!(load(&path), lines);
        assert_eq!(fs::metadata(&path).unwrap().len(), size(&lines));
    }

    #[test]
    fn an_unwritable_history_does_not_stop_typing() {
        let (mut history, lines) = History::open(Path::new("/nowhere/history"));
        assert!(lines.is_empty());
        history.add("still typed");
    }
}
