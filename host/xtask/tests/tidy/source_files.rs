//! Reads the files of the working tree.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use super::code_scanner;

/// The hidden folders whose files are checked.
const HIDDEN: [&str; 3] = [".cargo", ".ci", ".github"];

pub struct File {
    /// The path relative to the project root, with forward slashes.
    pub path: String,
    pub text: String,
    /// A Rust file's text without its unit tests and with comments and literals blanked out. Line numbers don't change.
    /// Empty for other files.
    pub code: String,
}

impl File {
    fn new(path: String, text: String) -> Self {
        let code =
            if path.ends_with(".rs") { code_scanner::bare(code_scanner::without_tests(&text)) } else { String::new() };
        Self { path, text, code }
    }

    /// Creates a file for testing a rule.
    pub fn example(path: &str, text: &str) -> Self {
        Self::new(path.to_owned(), text.to_owned())
    }

    pub fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    pub fn is_test(&self) -> bool {
        let mut parts = self.path.split('/');
        parts.any(|part| ["benches", "fuzz", "tests", "tests.rs"].contains(&part))
    }

    /// Returns whether the file contains Rust code that belongs to the product or its build, as opposed to tests,
    /// benchmarks or fuzz targets.
    pub fn is_product(&self) -> bool {
        self.is_rust() && !self.is_test()
    }
}

static ALL: LazyLock<Vec<File>> = LazyLock::new(|| {
    let mut files = Vec::new();
    let root = root();
    collect(&root, &root, &mut files);
    assert!(files.len() > 100, "only {} files below {}: the rules would check nothing", files.len(), root.display());
    files
});

/// Returns every text file, excluding build output, Git's own files and hidden folders that aren't in [`HIDDEN`].
pub fn all() -> &'static [File] {
    &ALL
}

pub fn product() -> impl Iterator<Item = &'static File> {
    all().iter().filter(|file| file.is_product())
}

/// Reads a file that must exist.
pub fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path} can't be read: {error}"))
}

pub fn exists(path: &str) -> bool {
    root().join(path).exists()
}

pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the root can't be found")
}

fn collect(folder: &Path, root: &Path, files: &mut Vec<File>) {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{} can't be read: {error}", folder.display()));
    for path in entries.map(|entry| entry.expect("an entry can't be read").path()) {
        let name = path.file_name().and_then(|name| name.to_str()).expect("a name isn't text");
        if path.is_dir() && !path.is_symlink() {
            // The corpus of the fuzz targets contains arbitrary text.
            if !["corpus", "target"].contains(&name) && (!name.starts_with('.') || HIDDEN.contains(&name)) {
                collect(&path, root, files);
            }
        } else if name != ".git"
            && let Ok(text) = fs::read_to_string(&path)
        {
            let below = path.strip_prefix(root).expect("all are below the root");
            files.push(File::new(below.to_str().expect("a path isn't text").to_owned(), text));
        }
    }
}
