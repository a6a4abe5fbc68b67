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
use crate::{
    cli::{self, Language, Trade},
    plugin_sources::STANDARD,
};

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
    for file in TEMPLATES {
        if let Some(path) = destination(file.path, wanted) {
            write(&folder.join(filled(&path, wanted)), &filled(file.text, wanted))?;
        }
    }
    for (path, text) in kept(wanted.lang) {
        write(&folder.join(path), text)?;
    }
    let mut lines =
        vec![format!("cd {}", wanted.name), "cordboard plugin build".to_owned(), "cordboard plugin test".to_owned()];
    lines.extend(call(wanted));
    let lines: String = lines.iter().map(|line| format!("  {line}\n")).collect();
    progress::print(&format!("{}/ is ready:\n{lines}{}", wanted.name, wish(wanted)));
    if STANDARD.iter().any(|one| one.name == wanted.name) {
        progress::note(&format!("'{}' is a built-in plugin's name: plugged in, this one takes its place", wanted.name));
    }
    Ok(())
}

/// Where a template's file lies in the new folder; none where it is for another language or trade.
fn destination(template: &str, wanted: &cli::New) -> Option<String> {
    let (language, source, place) = match wanted.lang {
        Language::Rust => ("rust/", "lib.rs", "src/lib.rs"),
        Language::Python => ("python/", "plugin.py", "plugin.py"),
        Language::Js => ("js/", "plugin.js", "plugin.js"),
    };
    if let Some(common) = template.strip_prefix(language) {
        return Some(common.to_owned());
    }
    let file = template.strip_prefix(&trade_folder(wanted.trade))?;
    match file {
        "plugin.chat" => Some("tests/{{name}}.chat".to_owned()),
        // A Rust component imports what it uses, and no more; the others name it.
        "world.wit" if wanted.lang != Language::Rust => Some("wit/world.wit".to_owned()),
        _ if file == source => Some(place.to_owned()),
        _ => None,
    }
}

fn trade_folder(trade: Trade) -> String {
    format!("trades/{}/", trade.as_str())
}

/// A command's name has no '-'.
fn command(name: &str) -> String {
    name.replace('-', "_")
}

/// A line that calls it; none where nobody in a chat does.
fn call(wanted: &cli::New) -> Option<String> {
    let command = command(&wanted.name);
    match wanted.trade {
        Trade::Command => Some(format!("cordboard plugin call . /{command} Ada")),
        Trade::Hook | Trade::Schedule | Trade::Webhook => Some(format!("cordboard plugin call . /{command} here")),
        Trade::Lifecycle | Trade::Persona | Trade::View => None,
    }
}

fn asks(lines: &str) -> String {
    format!("A host wants, in its configuration:\n  {lines}\n")
}

/// What a host has to be told before the plugin is of use.
fn wish(wanted: &cli::New) -> String {
    let name = &wanted.name;
    match wanted.trade {
        Trade::Command => String::new(),
        Trade::Persona => format!("Plugged in, it is chosen in the chat: /new demo {name}\n"),
        Trade::Lifecycle => asks(&format!("[plugins]\n  lifecycle = \"{name}\"")),
        Trade::Hook | Trade::Schedule => asks(&format!("[plugins.{name}]\n  grants = [\"chat\"]")),
        Trade::View => asks(&format!("[plugins.{name}]\n  grants = [\"session-control\"]")),
        Trade::Webhook => format!(
            "{}And an address and a token; README.md has the lines.\n",
            asks(&format!("[plugins.{name}]\n  grants = [\"chat\"]"))
        ),
    }
}

/// Dots lead no name in the repository, so that what is hidden here is seen there.
fn filled(text: &str, wanted: &cli::New) -> String {
    let readme = format!("{}README.md", trade_folder(wanted.trade));
    let readme = TEMPLATES.iter().find(|file| file.path == readme).map_or("", |file| file.text);
    let (about, usage) = readme.split_once("\n\n").unwrap_or((readme, ""));
    let call = call(wanted).map_or_else(String::new, |line| format!("{line}\n"));
    let words = [
        ("{{about}}", about.trim_end()),
        ("{{use}}", usage.trim_end()),
        ("{{call}}\n", &call),
        ("{{name}}", &wanted.name),
        ("{{command}}", &command(&wanted.name)),
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
        Language::Python => contract.into_iter().chain(WASI_HTTP.into_iter().filter_map(embedded)).collect(),
        Language::Js => contract.into_iter().chain(SCRIPTS.into_iter().filter_map(embedded)).collect(),
    }
}

/// What a Python plugin sends requests with, where its world names `wasi:http`: each template, and where it lies.
const WASI_HTTP: [(&str, &str); 4] = [
    ("python-kept/cordboard_http.py", "cordboard_http.py"),
    ("python-kept/wit/clocks.wit", "wit/deps/wasi-clocks/clocks.wit"),
    ("python-kept/wit/http.wit", "wit/deps/wasi-http/http.wit"),
    ("python-kept/wit/io.wit", "wit/deps/wasi-io/io.wit"),
];

/// What makes a component of a plugin in JavaScript, and stands between it and the host.
const SCRIPTS: [(&str, &str); 2] =
    [("js-kept/build.mjs", ".cordboard/build.mjs"), ("js-kept/guard.mjs", ".cordboard/guard.mjs")];

fn embedded((template, path): (&str, &str)) -> Option<(String, &'static str)> {
    let file = TEMPLATES.iter().find(|file| file.path == template)?;
    Some((path.to_owned(), file.text))
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
