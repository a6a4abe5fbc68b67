//! What an author saves in a project: its files, less what is hidden, what an editor leaves beside a file, and what a build writes.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Folders that hold nothing that an author saves.
const SKIPPED: [&str; 4] = ["dist", "node_modules", "target", "__pycache__"];

/// In the order of their names.
pub fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    collect(folder, &mut files);
    files.sort();
    files
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with('.') || name.ends_with('~') || SKIPPED.contains(&name.as_str()) || name.ends_with(".lock") {
            continue;
        }
        let path = entry.path();
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => collect(&path, files),
            // A linked file is one of the project; a linked folder may lead back to where it lies.
            Ok(_) if path.is_file() => files.push(path),
            Ok(_) | Err(_) => {}
        }
    }
}
