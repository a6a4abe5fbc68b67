//! Checks the documents: links resolve to files and headings, each block names its language, the book contains each
//! document for users, `README.md` is short, and the code map in `host/ARCHITECTURE.md` lists every crate, and all
//! modules in layer order.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use cordboard_book::documents::{self, Document, link_path};
use cordboard_book::markdown;

use super::Findings;
use super::dependencies::CRATES;
use super::imports::LAYERS;
use super::source_files::{exists, read, root};

/// The maximum number of lines in README.md, which must stay short because newcomers read it first.
const README_LINES: usize = 200;

static DOCUMENTS: LazyLock<Vec<Document>> =
    LazyLock::new(|| documents::all(&root()).expect("the documents can be read"));

#[test]
fn the_readme_is_short() {
    let lines = read("README.md").lines().count();
    assert!(lines <= README_LINES, "README.md has {lines} lines; move what only some readers need to another document");
}

#[test]
fn links_between_documents_resolve() {
    let mut findings = Findings::default();
    let anchors: BTreeMap<&str, Vec<String>> =
        DOCUMENTS.iter().map(|document| (document.path.as_str(), markdown::anchors(&document.text))).collect();
    let mut count = 0;
    for document in DOCUMENTS.iter() {
        for link in markdown::links(&document.text).into_iter().filter(|link| !link.target.contains("://")) {
            count += 1;
            let (path, anchor) = link.target.split_once('#').unwrap_or((&link.target, ""));
            let path = link_path(&document.path, path);
            let has_anchor =
                || anchors.get(path.as_str()).is_some_and(|anchors| anchors.iter().any(|one| one == anchor));
            if !exists(&path) || !(anchor.is_empty() || has_anchor()) {
                let place = format!("{}:{}", document.path, link.line);
                findings.add_overall(format!("{place}: `{}` doesn't exist", link.target), "correct the link");
            }
        }
    }
    assert!(count > 100, "only {count} links were found");
    findings.none();
}

/// A block without a language could contain commands that no test runs.
#[test]
fn each_block_names_its_language() {
    let mut findings = Findings::default();
    for document in DOCUMENTS.iter().filter(|document| document.path != "README.md") {
        for block in markdown::code_blocks(&document.text).iter().filter(|block| block.language.is_empty()) {
            let rule = format!("{}:{}: the block doesn't name its language", document.path, block.line - 1);
            let remedy = "write ```sh for commands, ```console for commands after `$ ` with their output, or ```text";
            findings.add_overall(rule, remedy);
        }
    }
    findings.none();
}

/// Parts of the paths of documents that aren't chapters: those about tests, plugin templates and the screenshots, and the
/// table of contents itself.
const NOT_IN_THE_BOOK: [&str; 4] =
    ["/tests/", "host/templates/", "host/docs/telegram/README.md", "host/docs/SUMMARY.md"];

#[test]
fn the_book_contains_each_document() {
    let summary = "host/docs/SUMMARY.md";
    let links = markdown::links(&read(summary)).into_iter().map(|link| link_path(summary, &link.target));
    let listed: BTreeSet<String> = links.filter(|path| path.ends_with(".md")).collect();
    let is_listed = |path: &str| !NOT_IN_THE_BOOK.iter().any(|part| path.contains(part));
    let expected = DOCUMENTS.iter().map(|document| document.path.clone()).filter(|path| is_listed(path));
    let missing: Vec<String> = expected.filter(|path| !listed.contains(path)).collect();
    assert!(missing.is_empty(), "add a chapter to {summary} for each of {missing:?}");
}

#[test]
fn the_code_map_lists_modules_by_layer() {
    let map = read("host/ARCHITECTURE.md");
    let table = map.split("| module of `host/src` |").nth(1).expect("there is a code map of `host/src`");
    let rows: Vec<&str> = table.lines().skip(2).take_while(|line| line.starts_with('|')).collect();
    let listed = rows.iter().flat_map(|row| row.split('|').nth(1).unwrap_or_default().split('`').skip(1).step_by(2));
    let listed: Vec<&str> = listed.collect();
    let layer = |name: &str| LAYERS.iter().position(|row| row.contains(&name));
    let layers: Vec<_> =
        listed.iter().map(|name| layer(name).unwrap_or_else(|| panic!("`{name}` has no layer"))).collect();
    assert!(layers.is_sorted(), "the code map and LAYERS differ in their order: {listed:?}");
    let modules: BTreeSet<&str> = LAYERS.iter().flat_map(|row| row.iter().copied()).collect();
    assert_eq!(listed.into_iter().collect::<BTreeSet<_>>(), modules, "the code map lists each module");
}

#[test]
fn the_code_map_lists_each_crate() {
    let map = read("host/ARCHITECTURE.md");
    let table = map.split("| crate |").nth(1).expect("there is a table of crates");
    let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    let listed: BTreeSet<&str> = rows.filter_map(|row| row.split('`').nth(1)).collect();
    let crates = CRATES.iter().map(|(name, _)| format!("host/{name}")).chain(["host/src".to_owned()]);
    assert_eq!(listed, crates.collect::<BTreeSet<_>>().iter().map(String::as_str).collect());
}
