//! Finds the file that a request for the served book asks for.

use std::path::{Component, Path, PathBuf};

/// Returns the path of the requested file. `None` if it would be outside of the book.
#[must_use]
pub fn path_of(url: &str) -> Option<PathBuf> {
    let path = url.split(['?', '#']).next()?.trim_start_matches('/');
    let path = Path::new(if path.is_empty() { "index.html" } else { path });
    path.components().all(|part| matches!(part, Component::Normal(_))).then(|| path.to_owned())
}

#[must_use]
pub fn content_type(path: &Path) -> &'static str {
    match path.extension().and_then(|ending| ending.to_str()) {
        Some("html") => "text/html; charset=utf-8",
        Some("css") => "text/css",
        Some("js") => "text/javascript",
        Some("json") => "application/json",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("woff2") => "font/woff2",
        Some(_) | None => "text/plain; charset=utf-8",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_of_the_book_are_served() {
        assert_eq!(path_of("/"), Some("index.html".into()));
        assert_eq!(path_of("/telegram/draft.png?x=1"), Some("telegram/draft.png".into()));
        for outside in ["/../Cargo.toml", "//a/../../b", "/./a"] {
            assert_eq!(path_of(outside), None, "{outside}");
        }
    }

    #[test]
    fn pages_are_html() {
        assert_eq!(content_type(Path::new("index.html")), "text/html; charset=utf-8");
        assert_eq!(content_type(Path::new("files/LICENSE-MIT")), "text/plain; charset=utf-8");
    }
}
