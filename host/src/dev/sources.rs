//! The files of a project, by what they are for: what an author saves, and what gets into a component.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Folders that hold nothing that an author saves.
const MADE: [&str; 4] = ["dist", "node_modules", "target", "__pycache__"];

/// Folders of a project in Python or JavaScript that are no part of its component: what a build writes, and conversations.
const BESIDE: [&str; 3] = ["dist", "node_modules", "tests"];

/// Where the kit keeps what it brings along.
const KEPT: &str = ".cordboard";

/// What an author saves: no hidden files, none that an editor leaves beside another, and none that a build writes.
pub fn saved(project: &Path) -> Vec<PathBuf> {
    let skipped = |_: &Path, name: &str| {
        name.starts_with('.') || name.ends_with('~') || name.ends_with(".lock") || MADE.contains(&name)
    };
    files(project, &skipped)
}

/// What a component in Python or JavaScript may be made of, installed packages apart.
pub fn built_from(project: &Path) -> Vec<PathBuf> {
    let skipped = |folder: &Path, name: &str| {
        let at_top = folder == project;
        name == "__pycache__" || at_top && (BESIDE.contains(&name) || name.starts_with('.') && name != KEPT)
    };
    files(project, &skipped)
}

/// In the order of their names.
fn files(folder: &Path, skipped: &dyn Fn(&Path, &str) -> bool) -> Vec<PathBuf> {
    let mut found = Vec::new();
    collect(folder, skipped, &mut found);
    found.sort();
    found
}

fn collect(folder: &Path, skipped: &dyn Fn(&Path, &str) -> bool, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if skipped(folder, &entry.file_name().to_string_lossy()) {
            continue;
        }
        let path = entry.path();
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => collect(&path, skipped, found),
            // A linked file is one of the project; a linked folder may lead back to where it lies.
            Ok(_) if path.is_file() => found.push(path),
            Ok(_) | Err(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_file_is_for_something() {
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
        assert_eq!(names(saved(project.path())), of([&both, &saved_alone]));
        assert_eq!(names(built_from(project.path())), of([&both, &built_alone]));
    }
}
