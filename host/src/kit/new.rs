//! `cordboard plugin new`: a folder that builds, tests and explains itself, outside of any workspace.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{
    build,
    error::KitError,
    progress,
    project::{Project, check_name},
};
use crate::cli::{self, Language, Trade};

/// A text file that is part of the binary, by its path.
struct Embedded {
    path: &'static str,
    text: &'static str,
}

include!(concat!(env!("OUT_DIR"), "/kit.rs"));

/// # Errors
/// A bad name, a folder that is there, a disk that is full.
pub fn new(wanted: &cli::New) -> Result<(), KitError> {
    check_name(&wanted.name)?;
    let folder = PathBuf::from(&wanted.name);
    if folder.symlink_metadata().is_ok() {
        return Err(KitError::Exists { path: folder });
    }
    let template = template(wanted.lang, wanted.trade);
    for file in TEMPLATES {
        let Some(path) = file.path.strip_prefix(&format!("{template}/")) else { continue };
        write(&folder.join(filled(path, &wanted.name)), &filled(file.text, &wanted.name))?;
    }
    for (path, text) in kept(wanted.lang) {
        write(&folder.join(path), text)?;
    }
    let name = &wanted.name;
    progress::print(&format!(
        "{name}/ is ready:\n  cd {name}\n  cordboard plugin build\n  cordboard plugin test\n  cordboard plugin call . /{} Ada\n",
        command(name)
    ));
    Ok(())
}

const fn template(language: Language, trade: Trade) -> &'static str {
    match (language, trade) {
        (Language::Rust, Trade::Command) => "rust",
        (Language::Python, Trade::Command) => "python",
        (Language::Js, Trade::Command) => "js",
    }
}

/// A command's name has no '-'.
fn command(name: &str) -> String {
    name.replace('-', "_")
}

/// Dots lead no name in the repository, so that what is hidden here is seen there.
fn filled(text: &str, name: &str) -> String {
    let words = [
        ("{{name}}", name),
        ("{{command}}", &command(name)),
        ("{{componentize-py}}", build::COMPONENTIZE_PY),
        ("{{componentize-js}}", build::COMPONENTIZE_JS),
        ("{{jco}}", build::JCO),
        ("dot-gitignore", ".gitignore"),
    ];
    words.iter().fold(text.to_owned(), |text, (word, value)| text.replace(word, value))
}

/// What in a project is not its author's: the contract, and what the language needs beside it.
fn kept(language: Language) -> Vec<(String, &'static str)> {
    let sdk = || SDK.iter().map(|file| (format!(".cordboard/{}", file.path), file.text));
    let contract = sdk().find(|(path, _)| path.ends_with(".wit")).map(|(_, text)| text);
    let contract = contract.map(|text| ("wit/deps/cordboard/cordboard.wit".to_owned(), text));
    match language {
        Language::Rust => sdk().collect(),
        Language::Python => contract.into_iter().collect(),
        Language::Js => {
            let script = TEMPLATES.iter().find(|file| file.path == "js-kept/build.mjs");
            let script = script.map(|file| (".cordboard/build.mjs".to_owned(), file.text));
            contract.into_iter().chain(script).collect()
        }
    }
}

/// Writes what is kept, as this very binary has it, where a project's is absent or another one. A crate with an SDK from elsewhere, as one
/// of this repository, is left alone.
pub fn refresh(project: &Project) -> Result<(), KitError> {
    let manifest = fs::read_to_string(project.folder.join("Cargo.toml")).unwrap_or_default();
    if project.language == Language::Rust && !manifest.contains(".cordboard/sdk") {
        return Ok(());
    }
    let mut changed = false;
    for (path, text) in kept(project.language) {
        let path = project.folder.join(path);
        if fs::read_to_string(&path).ok().as_deref() != Some(text) {
            write(&path, text)?;
            changed = true;
        }
    }
    if changed {
        progress::step(&format!("SDK and contract are now those of cordboard {}", env!("CARGO_PKG_VERSION")));
    }
    Ok(())
}

fn write(path: &Path, text: &str) -> Result<(), KitError> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(KitError::write(folder))?;
    }
    fs::write(path, text).map_err(KitError::write(path))
}
