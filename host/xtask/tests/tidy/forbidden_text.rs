//! Checks that the tree contains no unfinished work, machine-specific paths or unbounded channels, that every Rust file
//! has a module comment, and that the examples in comments are tested.

use super::Findings;
use super::code_scanner::{line_of, occurrences};
use super::source_files::{all, product, root};

/// Forbidden words, each with a remedy. They are forbidden in tests, too.
const UNFINISHED: [(&str, &str); 5] = [
    ("todo!", "implement it, or remove it"),
    ("unimplemented!", "implement it, or remove it"),
    ("dbg!", "remove it"),
    ("#[ignore", "make the test fast and reliable, or remove it"),
    ("[allow(", "use #[expect(lint, reason = \"…\")], which warns when it is no longer needed"),
];

#[test]
fn every_file_has_a_module_comment() {
    let mut findings = Findings::default();
    for file in all().iter().filter(|file| file.is_rust() && !file.text.starts_with("//!")) {
        findings.add(file, 1, "doesn't open with `//!`", "describe what the module owns, and what it must not do");
    }
    findings.none();
}

/// Collecting the doctests of a crate that has none takes seconds, so most manifests turn doctests off.
#[test]
fn examples_in_comments_are_tested() {
    let manifests =
        all().iter().filter(|file| file.path.ends_with("Cargo.toml") && file.text.contains("doctest = false"));
    let folders: Vec<String> = manifests.map(|file| file.path.replace("Cargo.toml", "src/")).collect();
    assert!(folders.len() > 5, "found only {folders:?}");
    let mut findings = Findings::default();
    for file in product().filter(|file| folders.iter().any(|folder| file.path.starts_with(folder))) {
        for (number, line) in file.text.lines().enumerate() {
            let comment = line.trim_start();
            if ["/// ```", "//! ```"].iter().any(|opening| comment.starts_with(opening)) {
                let remedy = "remove `doctest = false` from the manifest of the crate";
                findings.add(file, number + 1, "has an example that isn't tested", remedy);
            }
        }
    }
    findings.none();
}

#[test]
fn no_todo_markers_are_left() {
    let mut findings = Findings::default();
    for file in all().iter().filter(|file| file.is_rust()) {
        let code = super::code_scanner::bare(&file.text);
        for (word, remedy) in UNFINISHED {
            for at in occurrences(&code, word) {
                findings.add(file, line_of(&code, at), format!("`{word}`"), remedy);
            }
        }
    }
    findings.none();
}

/// The path of this working copy doesn't exist on other machines.
#[test]
fn no_path_of_this_machine_is_used() {
    let here = root().display().to_string();
    let mut findings = Findings::default();
    for file in all() {
        for (number, _) in file.text.lines().enumerate().filter(|(_, line)| names(line, &here)) {
            let finding = format!("contains `{here}`, the path of this clone");
            findings.add(file, number + 1, finding, "use a path below the project, or one that is made up");
        }
    }
    findings.none();
}

/// Returns whether `path` occurs in `line` on its own. In `host/src`, for example, `/src` is part of a longer path and
/// doesn't count.
fn names(line: &str, path: &str) -> bool {
    let inside = |before: char| before.is_alphanumeric() || "._-/".contains(before);
    line.match_indices(path).any(|(at, _)| !line[..at].ends_with(inside))
}

/// Every channel needs a bound: a named constant whose comment explains the value.
#[test]
fn channels_are_bounded() {
    let mut findings = Findings::default();
    for file in product().filter(|file| file.path.starts_with("host/")) {
        for word in ["unbounded_channel", "mpsc::unbounded"] {
            for at in occurrences(&file.code, word) {
                let remedy = "bound it by a named constant that says why it is enough";
                findings.add(file, line_of(&file.code, at), format!("`{word}`"), remedy);
            }
        }
    }
    findings.none();
}
