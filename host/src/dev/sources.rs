//! Lists a project's files: those that the author edits, and those that become part of the component.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Folders that contain only generated files.
const GENERATED_FOLDERS: [&str; 4] = ["dist", "node_modules", "target", "__pycache__"];

/// Top-level folders in a Python or JavaScript project that contain no component sources: build output, installed
/// packages and conversations.
const EXCLUDED_FOLDERS: [&str; 3] = ["dist", "node_modules", "tests"];

/// The folder that contains the generated support files.
const SUPPORT_FOLDER: &str = ".cordboard";

/// Returns the files that the author edits, excluding hidden files, editor backups, lock files and build output.
pub fn source_files(project: &Path) -> Vec<PathBuf> {
    let is_skipped = |_: &Path, name: &str| {
        name.starts_with('.') || name.ends_with('~') || name.ends_with(".lock") || GENERATED_FOLDERS.contains(&name)
    };
    files(project, &is_skipped)
}

/// Returns the files that may be part of a Python or JavaScript component, except for installed packages.
pub fn component_inputs(project: &Path) -> Vec<PathBuf> {
    let is_skipped = |folder: &Path, name: &str| {
        let at_top = folder == project;
        name == "__pycache__"
            || at_top && (EXCLUDED_FOLDERS.contains(&name) || name.starts_with('.') && name != SUPPORT_FOLDER)
    };
    files(project, &is_skipped)
}

/// Returns the files below `folder` that `is_skipped` doesn't exclude, sorted by path.
fn files(folder: &Path, is_skipped: &dyn Fn(&Path, &str) -> bool) -> Vec<PathBuf> {
    let mut found = Vec::new();
    collect(folder, is_skipped, &mut found);
    found.sort();
    found
}

fn collect(folder: &Path, is_skipped: &dyn Fn(&Path, &str) -> bool, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if is_skipped(folder, &entry.file_name().to_string_lossy()) {
            continue;
        }
        let path = entry.path();
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => collect(&path, is_skipped, found),
            // A link to a file counts as one of the project's files. A link to a folder is skipped, because it could
            // lead back to a parent.
            Ok(_) if path.is_file() => found.push(path),
            Ok(_) | Err(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn saved_and_built_files_are_distinguished() {
        let project = tempfile::tempdir().expect("a folder");
        let both = ["plugin.py", "lib/dist.py"];
        let saved_alone = ["tests/x.chat"];
        let built_alone = ["lib/target/x.js", "lib/dist/x.js", "poetry.lock", "lib/.hidden", ".cordboard/guard.mjs"];
        let neither = [".git/x", ".venv/x", "dist/x.wasm", "node_modules/x", "lib/__pycache__/x"];
        for name in both.iter().chain(&saved_alone).chain(&built_alone).chain(&neither) {
            let path = project.path().join(name);
            fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            fs::write(path, "").expect("written");
        }
        std::os::unix::fs::symlink(project.path(), project.path().join("lib/again")).expect("linked");
        let names = |files: Vec<PathBuf>| {
            let name = |file: PathBuf| file.strip_prefix(project.path()).expect("below it").display().to_string();
            files.into_iter().map(name).collect::<std::collections::BTreeSet<_>>()
        };
        let of = |parts: [&[&str]; 2]| parts.concat().iter().map(|&name| name.to_owned()).collect();
        assert_eq!(names(source_files(project.path())), of([&both, &saved_alone]));
        assert_eq!(names(component_inputs(project.path())), of([&both, &built_alone]));
    }
}
