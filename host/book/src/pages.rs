//! Turns documents into pages of the book: names the pages and corrects the links between them.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use anyhow::{Result, bail};

use crate::{documents::link_path, markdown};

/// The folder of the book's own documents. mdBook copies its other files, such as images, into the book.
pub const SOURCE: &str = "host/docs";

/// The book's folder for files elsewhere in the project to which a page links.
pub const FILES: &str = "files";

/// The names of the pages, by the paths of their documents.
#[derive(Debug)]
pub struct Pages(BTreeMap<String, String>);

impl Pages {
    /// # Errors
    /// Two documents would become the same page.
    pub fn new(documents: impl IntoIterator<Item = String>) -> Result<Self> {
        let mut pages: BTreeMap<String, String> = BTreeMap::new();
        for document in documents {
            let page = page_name(&document);
            if let Some((other, _)) = pages.iter().find(|(_, name)| **name == page) {
                bail!("{other} and {document} would both become {page}");
            }
            pages.insert(document, page);
        }
        Ok(Self(pages))
    }

    /// Returns the page of a document, such as `telegram.md`.
    #[must_use]
    pub fn name(&self, document: &str) -> Option<&str> {
        self.0.get(document).map(String::as_str)
    }

    /// Returns the text of a document with links that work in the book. Adds the files to which it links to `files`.
    ///
    /// # Errors
    /// A link leads to a file that doesn't exist.
    pub fn with_book_links(
        &self,
        root: &Path,
        document: &str,
        text: &str,
        files: &mut BTreeSet<String>,
    ) -> Result<String> {
        let mut rest = text.to_owned();
        for link in markdown::links(text).into_iter().rev() {
            let (path, anchor) = link.target.split_at(link.target.find('#').unwrap_or(link.target.len()));
            if path.is_empty() || path.contains("://") {
                continue;
            }
            let path = link_path(document, path);
            let target = match self.name(&path) {
                Some(page) => page.to_owned(),
                None if !root.join(&path).is_file() => bail!("{document}:{}: {} doesn't exist", link.line, link.target),
                None => self.file(path, files),
            };
            rest.replace_range(link.place, &format!("{target}{anchor}"));
        }
        Ok(rest)
    }

    /// Returns the path in the book of a file that isn't a page.
    fn file(&self, path: String, files: &mut BTreeSet<String>) -> String {
        if let Some(own) = path.strip_prefix(SOURCE).and_then(|own| own.strip_prefix('/'))
            && !own.ends_with(".md")
        {
            return own.to_owned();
        }
        let target = format!("{FILES}/{path}");
        files.insert(path);
        target
    }
}

fn page_name(document: &str) -> String {
    let (folder, file) = document.rsplit_once('/').unwrap_or(("", document));
    let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
    match (document, file) {
        ("README.md", _) => "index.md".to_owned(),
        ("config.toml", _) => "configuration.md".to_owned(),
        ("wit/cordboard.wit", _) => "interfaces.md".to_owned(),
        (_, "README.md") => format!("{}.md", folder.rsplit('/').next().unwrap_or(folder)),
        _ => format!("{}.md", stem.to_lowercase()),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn pages(documents: &[&str]) -> Pages {
        Pages::new(documents.iter().map(|&document| document.to_owned())).unwrap()
    }

    #[test]
    fn pages_are_named_after_their_documents() {
        let documents =
            ["README.md", "host/docs/telegram.md", "host/agents/README.md", ".github/SECURITY.md", "config.toml"];
        let pages = pages(&documents);
        let names = documents.map(|document| pages.name(document).unwrap());
        assert_eq!(names, ["index.md", "telegram.md", "agents.md", "security.md", "configuration.md"]);
        let error = Pages::new(["a/README.md", "docs/a.md"].map(str::to_owned)).unwrap_err().to_string();
        assert_eq!(error, "a/README.md and docs/a.md would both become a.md");
    }

    #[test]
    fn links_lead_to_pages_or_copied_files() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("host/docs")).unwrap();
        fs::write(root.path().join("LICENSE-MIT"), "").unwrap();
        fs::write(root.path().join("host/docs/board.json"), "").unwrap();
        let pages = pages(&["README.md", "host/docs/telegram.md", "host/agents/README.md", "config.toml"]);
        let mut files = BTreeSet::new();
        let mut linked = |text: &str| pages.with_book_links(root.path(), "host/docs/telegram.md", text, &mut files);
        let text = "[a](../agents/README.md#start) [b](../../config.toml) [c](#here) [d](https://a.example/b.md)";
        assert_eq!(
            linked(text).unwrap(),
            "[a](agents.md#start) [b](configuration.md) [c](#here) [d](https://a.example/b.md)"
        );
        let text = "[a](../../LICENSE-MIT) [b](board.json)";
        assert_eq!(linked(text).unwrap(), "[a](files/LICENSE-MIT) [b](board.json)");
        let error = linked("\n[a](none.md)").unwrap_err().to_string();
        assert_eq!(error, "host/docs/telegram.md:2: none.md doesn't exist");
        assert_eq!(files, BTreeSet::from(["LICENSE-MIT".to_owned()]));
    }
}
