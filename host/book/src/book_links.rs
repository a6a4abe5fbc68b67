//! Checks the links in the built book.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::Path,
};

use crate::documents::link_path;

/// The links and anchors of a page.
#[derive(Debug)]
struct Page {
    targets: Vec<String>,
    anchors: BTreeSet<String>,
}

/// Returns the links of the pages in `book` that lead nowhere. Doesn't check addresses on the network.
///
/// # Errors
/// A page can't be read.
pub fn broken(book: &Path) -> io::Result<Vec<String>> {
    let mut pages = BTreeMap::new();
    for entry in fs::read_dir(book)? {
        let path = entry?.path();
        if path.extension().is_some_and(|ending| ending == "html") {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            pages.insert(name, Page::of(&fs::read_to_string(&path)?));
        }
    }
    let mut broken = Vec::new();
    for (name, page) in &pages {
        let is_broken = |target: &&String| {
            let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
            let path = link_path(name, path);
            let has_anchor = |page: &Page| anchor.is_empty() || page.anchors.contains(anchor);
            !pages.get(&path).map_or_else(|| book.join(&path).is_file(), has_anchor)
        };
        broken.extend(page.targets.iter().filter(is_broken).map(|target| format!("{name}: {target}")));
    }
    Ok(broken)
}

impl Page {
    fn of(html: &str) -> Self {
        let is_local = |target: &&str| !target.contains(':') && !target.starts_with('/');
        let targets = attributes(html, "href").chain(attributes(html, "src")).filter(is_local).map(str::to_owned);
        Self { targets: targets.collect(), anchors: attributes(html, "id").map(str::to_owned).collect() }
    }
}

/// Returns the values of an attribute, which mdBook writes in double quotes.
fn attributes<'a>(html: &'a str, name: &str) -> impl Iterator<Item = &'a str> {
    let opening = format!(" {name}=\"");
    let ends: Vec<usize> = html.match_indices(&opening).map(|(at, found)| at + found.len()).collect();
    ends.into_iter().filter_map(|start| html[start..].split('"').next())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_pages_files_and_anchors_are_found() {
        let book = tempfile::tempdir().unwrap();
        fs::create_dir(book.path().join("images")).unwrap();
        fs::write(book.path().join("images/a.png"), "").unwrap();
        let good = "<h1 id=\"top\"></h1><a href=\"b.html#c\"></a><img src=\"images/a.png\"><a href=\"#top\"></a>";
        let outside = "<a href=\"https://a.example/none\"></a><a href=\"mailto:a\"></a>";
        let bad =
            "<a href=\"none.html\"></a><a href=\"b.html#none\"></a><img src=\"images/b.png\"><a href=\"#none\"></a>";
        fs::write(book.path().join("a.html"), format!("{good}{outside}{bad}")).unwrap();
        fs::write(book.path().join("b.html"), "<h2 class=\"x\" id=\"c\"></h2>").unwrap();
        let expected = ["a.html: none.html", "a.html: b.html#none", "a.html: #none", "a.html: images/b.png"];
        assert_eq!(broken(book.path()).unwrap(), expected);
    }
}
