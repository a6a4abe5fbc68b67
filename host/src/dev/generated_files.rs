//! The generated files of a plugin project, embedded in this binary: the SDK, the contract and the support files of
//! each language.

use std::{fs, path::Path};

use super::{error::DevError, progress, project::Project};
use crate::cli::Language;

/// A text file embedded in the binary.
pub struct Embedded {
    pub path: &'static str,
    pub text: &'static str,
}

include!(concat!(env!("OUT_DIR"), "/project_template.rs"));

/// Writes the generated files that are missing or differ from the ones embedded in this binary. Leaves a Rust project
/// unchanged if it depends on an SDK from elsewhere, as this repository's own crates do.
pub fn refresh(project: &Project) -> Result<(), DevError> {
    let manifest = fs::read_to_string(project.folder.join("Cargo.toml")).unwrap_or_default();
    if project.language == Language::Rust && !manifest.contains(".cordboard/sdk") {
        return Ok(());
    }
    let mut changed = false;
    for (path, text) in files(project.language) {
        let path = project.folder.join(path);
        if fs::read_to_string(&path).ok().as_deref() != Some(text) {
            write(&path, text)?;
            changed = true;
        }
    }
    if changed {
        progress::step(&format!("updated the SDK and the contract to cordboard {}", env!("CARGO_PKG_VERSION")));
    }
    Ok(())
}

/// Returns the generated files of a project: the contract, and the SDK or the support files of the language.
pub fn files(language: Language) -> Vec<(String, &'static str)> {
    let sdk = || SDK.iter().map(|file| (format!(".cordboard/{}", file.path), file.text));
    let contract = sdk().find(|(path, _)| path.ends_with(".wit")).map(|(_, text)| text);
    let contract = contract.map(|text| ("wit/deps/cordboard/cordboard.wit".to_owned(), text));
    match language {
        Language::Rust => sdk().collect(),
        Language::Python => contract.into_iter().chain(WASI_HTTP.into_iter().filter_map(embedded)).collect(),
        Language::Js => contract.into_iter().chain(SCRIPTS.into_iter().filter_map(embedded)).collect(),
    }
}

/// The support files that let a Python plugin send HTTP requests, each with its template and destination.
const WASI_HTTP: [(&str, &str); 4] = [
    ("python-support/cordboard_http.py", "cordboard_http.py"),
    ("python-support/wit/clocks.wit", "wit/deps/wasi-clocks/clocks.wit"),
    ("python-support/wit/http.wit", "wit/deps/wasi-http/http.wit"),
    ("python-support/wit/io.wit", "wit/deps/wasi-io/io.wit"),
];

/// The scripts that build a JavaScript plugin and wrap it for the host.
const SCRIPTS: [(&str, &str); 2] =
    [("js-support/build.mjs", ".cordboard/build.mjs"), ("js-support/guard.mjs", ".cordboard/guard.mjs")];

fn embedded((template, path): (&str, &str)) -> Option<(String, &'static str)> {
    let file = TEMPLATES.iter().find(|file| file.path == template)?;
    Some((path.to_owned(), file.text))
}

pub fn write(path: &Path, text: &str) -> Result<(), DevError> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(DevError::write(folder))?;
    }
    fs::write(path, text).map_err(DevError::write(path))
}
