//! Finds the project's documents.

use std::{fs, io, path::Path};

/// A Markdown file.
#[derive(Debug)]
pub struct Document {
    /// The path relative to the project's root, with forward slashes.
    pub path: String,
    pub text: String,
}

/// The only hidden folder that contains documents.
const GITHUB: &str = ".github";

/// Returns all Markdown files of the project, sorted by path.
///
/// # Errors
/// A file or a folder can't be read.
pub fn all(root: &Path) -> io::Result<Vec<Document>> {
    let mut documents = Vec::new();
    collect(root, "", &mut documents)?;
    documents.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(documents)
}

fn collect(root: &Path, folder: &str, documents: &mut Vec<Document>) -> io::Result<()> {
    for entry in fs::read_dir(root.join(folder))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
        if entry.file_type()?.is_dir() {
            if name != "target" && (!name.starts_with('.') || name == GITHUB) {
                collect(root, &path, documents)?;
            }
        } else if name.ends_with(".md") {
            documents.push(Document { text: fs::read_to_string(entry.path())?, path });
        }
    }
    Ok(())
}

/// Returns the path to which a link in the document `from` leads, relative to the project's root. An empty link leads
/// to the document itself.
#[must_use]
pub fn link_path(from: &str, link: &str) -> String {
    if link.is_empty() {
        return from.to_owned();
    }
    let folder = from.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in link.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn build_output_and_hidden_folders_are_not_searched() {
        let root = tempfile::tempdir().unwrap();
        for path in ["README.md", "host/docs/b.md", "host/docs/b.txt", ".github/a.md", ".git/c.md", "target/d.md"] {
            fs::create_dir_all(root.path().join(path).parent().unwrap()).unwrap();
            fs::write(root.path().join(path), path).unwrap();
        }
        let found = all(root.path()).unwrap();
        let found: Vec<_> = found.iter().map(|document| (document.path.as_str(), document.text.as_str())).collect();
        let expected = [".github/a.md", "README.md", "host/docs/b.md"].map(|path| (path, path));
        assert_eq!(found, expected);
    }

    #[test]
    fn links_are_relative_to_their_document() {
        assert_eq!(link_path("host/docs/telegram.md", "../agents/README.md"), "host/agents/README.md");
        assert_eq!(link_path("README.md", "config.toml"), "config.toml");
        assert_eq!(link_path("host/docs/telegram.md", ""), "host/docs/telegram.md");
        assert_eq!(link_path("a/b.md", "./c//d.md"), "a/c/d.md");
    }
}
