//! `cordboard plugin new`: a folder that builds, tests and explains itself, outside of any workspace.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{error::KitError, progress, project::check_name};
use crate::cli::{self, Language, Trade};

/// A text file that is part of the binary, by its path.
struct Embedded {
    path: &'static str,
    text: &'static str,
}

include!(concat!(env!("OUT_DIR"), "/kit.rs"));

/// Where a project keeps what is not its author's: the SDK and the contract.
const KEPT: &str = ".cordboard";

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
    refresh_sdk(&folder)?;
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
    text.replace("{{name}}", name).replace("{{command}}", &command(name)).replace("dot-gitignore", ".gitignore")
}

/// Writes the SDK and the contract of this very binary into a project, where they are absent or of another one.
pub fn refresh_sdk(folder: &Path) -> Result<(), KitError> {
    let kept = folder.join(KEPT);
    let is_old = |file: &&Embedded| fs::read_to_string(kept.join(file.path)).ok().as_deref() != Some(file.text);
    let was_there = kept.is_dir();
    let old: Vec<&Embedded> = SDK.iter().filter(is_old).collect();
    for file in &old {
        write(&kept.join(file.path), file.text)?;
    }
    if was_there && !old.is_empty() {
        progress::step(&format!("{} is now that of cordboard {}", kept.display(), env!("CARGO_PKG_VERSION")));
    }
    Ok(())
}

fn write(path: &Path, text: &str) -> Result<(), KitError> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(KitError::write(folder))?;
    }
    fs::write(path, text).map_err(KitError::write(path))
}
