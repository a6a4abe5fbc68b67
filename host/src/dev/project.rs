//! Describes a plugin's project folder: the plugin's language and name, and the path of the component.

use std::{
    fs,
    path::{Path, PathBuf},
};

use cordboard_core::{config, text_file, types::is_plugin_name};
use serde::Deserialize;

use super::error::DevError;
use crate::cli::Language;

/// The folder that contains the component, relative to the project folder.
const DIST: &str = "dist";

/// The manifest files that identify a project's language.
const MANIFESTS: [(&str, Language); 3] =
    [("Cargo.toml", Language::Rust), ("pyproject.toml", Language::Python), ("package.json", Language::Js)];

#[derive(Debug, Clone)]
pub struct Project {
    /// The folder as given on the command line, so that messages show familiar paths.
    pub folder: PathBuf,
    pub language: Language,
    pub name: String,
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

#[derive(Deserialize)]
struct Manifest {
    #[serde(alias = "project")]
    package: Named,
}

impl Project {
    pub fn open(folder: &Path) -> Result<Self, DevError> {
        let found = MANIFESTS.iter().find(|(file, _)| folder.join(file).is_file());
        let (file, language) = found.ok_or_else(|| DevError::NoProject { path: folder.to_owned() })?;
        let path = folder.join(file);
        let bytes = fs::read(&path).map_err(DevError::read(&path))?;
        let text = text_file::text(bytes).map_err(|error| error.to_string());
        let name = text.and_then(|text| name(*language, &text)).map_err(|why| DevError::NoName { path, why })?;
        check_name(&name)?;
        Ok(Self { folder: folder.to_owned(), language: *language, name })
    }

    pub fn component(&self) -> PathBuf {
        self.below(DIST).join(format!("{}.wasm", self.name))
    }

    /// Returns the path where a tool writes the component before it is installed. The path is absolute, and its folder
    /// exists. Each process uses a different file, because `watch` may be building at the same time as another command.
    pub fn built(&self) -> Result<PathBuf, DevError> {
        let dist = self.folder.join(DIST);
        fs::create_dir_all(&dist).map_err(DevError::write(&dist))?;
        let dist = dist.canonicalize().map_err(DevError::read(&dist))?;
        Ok(dist.join(format!(".{}.{}.building.wasm", self.name, std::process::id())))
    }

    /// Returns a path below the project, without `./` if the project is the current folder.
    pub fn below(&self, path: &str) -> PathBuf {
        if self.folder == Path::new(".") { PathBuf::from(path) } else { self.folder.join(path) }
    }
}

fn name(language: Language, text: &str) -> Result<String, String> {
    match language {
        Language::Rust | Language::Python => {
            toml::from_str(text).map(|manifest: Manifest| manifest.package.name).map_err(|error| error.to_string())
        }
        Language::Js => serde_json::from_str(text).map(|named: Named| named.name).map_err(|error| error.to_string()),
    }
}

/// Names that a plugin crate can't have: Rust keywords and the names of crates that the plugin may depend on.
const TAKEN: &str = "alloc core cordboard-plugin std test proc_macro wit-bindgen abstract as async await become box break const \
    continue crate do dyn else enum extern false final fn for if impl in let loop macro match mod move mut override priv pub ref \
    return self static struct super trait true try type typeof unsafe unsized use virtual where while yield";

/// Checks a plugin's name, which is also the name of its file and crate.
pub fn check_name(name: &str) -> Result<(), DevError> {
    let refuse = |why| Err(DevError::Name { name: name.to_owned(), why });
    let of_crates = name.starts_with(|first: char| first.is_ascii_lowercase()) && !name.ends_with(['-', '_']);
    if !is_plugin_name(name) || !of_crates {
        return refuse(
            "use 1 to 32 of a-z, 0-9, '-' and '_', beginning with a letter and ending with a letter or a digit",
        );
    }
    if TAKEN.split_whitespace().any(|taken| taken == name) {
        return refuse("a Rust keyword or crate has that name; use another name");
    }
    // If the name is already a key in `[plugins]`, the plugin can't have a table for its settings and grants.
    if config::load(&format!("[plugins.{name}]\n")).is_err() {
        return refuse("that is a key of [plugins]; use another name");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_valid_for_a_file_and_a_crate() {
        for good in ["a", "hello", "my-plugin_2", "lifecycle", &"x".repeat(32)] {
            assert!(check_name(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "Hello",
            "2x",
            "-a",
            "a-",
            "a b",
            "../x",
            "ä",
            "test",
            "log",
            "time",
            "cordboard-plugin",
            &"x".repeat(33),
        ] {
            assert!(check_name(bad).is_err(), "{bad}");
        }
        let why = check_name("memory").unwrap_err().to_string();
        assert_eq!(why, "name a plugin 'memory': that is a key of [plugins]; use another name");
    }

    #[test]
    fn a_manifest_may_have_a_byte_order_mark_but_not_be_utf_16() {
        let manifests = [
            ("Cargo.toml", "[package]\r\nname = \"a\"\r\n"),
            ("pyproject.toml", "[project]\r\nname = \"a\"\r\n"),
            ("package.json", "{\r\n\"name\": \"a\"\r\n}\r\n"),
        ];
        for (file, text) in manifests {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join(file);
            fs::write(&path, format!("\u{feff}{text}")).unwrap();
            assert_eq!(Project::open(folder.path()).unwrap().name, "a", "{file}");
            fs::write(&path, text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>()).unwrap();
            let why = Project::open(folder.path()).unwrap_err().to_string();
            let shown = format!("find the plugin's name in {}: it is UTF-16", path.display());
            assert!(why.starts_with(&shown) && why.ends_with(": save it as UTF-8"), "{why}");
        }
    }

    #[test]
    fn each_language_names_its_plugin() {
        assert_eq!(name(Language::Rust, "[package]\nname = \"a\"\nversion = \"1\"").as_deref(), Ok("a"));
        assert_eq!(name(Language::Python, "[project]\nname = \"b\"").as_deref(), Ok("b"));
        assert_eq!(name(Language::Js, "{\"name\": \"c\", \"type\": \"module\"}").as_deref(), Ok("c"));
        assert!(name(Language::Js, "{}").is_err());
    }
}
