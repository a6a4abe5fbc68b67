//! `cordboard plugin new`: creates a folder with a plugin, its tests and a README. A Rust project is its own Cargo
//! workspace, so that it doesn't become part of one in a parent folder.

use std::path::PathBuf;

use super::{
    build,
    error::DevError,
    generated_files::{self, TEMPLATES, write},
    progress,
    project::check_name,
};
use crate::{
    cli::{self, ExtensionPoint, Language},
    standard_plugins::STANDARD,
    stdout,
};

/// # Errors
/// The name is invalid, or the folder already exists or can't be written.
pub fn new(options: &cli::NewArgs) -> Result<(), DevError> {
    check_name(&options.name)?;
    let folder = PathBuf::from(&options.name);
    if folder.symlink_metadata().is_ok() {
        return Err(DevError::Exists { path: folder });
    }
    for file in TEMPLATES {
        if let Some(path) = destination(file.path, options) {
            write(&folder.join(filled(&path, options)), &filled(file.text, options))?;
        }
    }
    for (path, text) in generated_files::files(options.lang) {
        write(&folder.join(path), text)?;
    }
    let mut lines =
        vec![format!("cd {}", options.name), "cordboard plugin build".to_owned(), "cordboard plugin test".to_owned()];
    lines.extend(call(options));
    let lines: String = lines.iter().map(|line| format!("  {line}\n")).collect();
    stdout::print(&format!("created {}/:\n{lines}{}", options.name, required_config(options)))?;
    if STANDARD.iter().any(|one| one.name == options.name) {
        progress::note(&format!(
            "'{}' is the name of a built-in plugin; once installed, this plugin replaces it",
            options.name
        ));
    }
    Ok(())
}

/// Returns a template file's path in the new folder, or `None` if the file isn't needed, for example because it belongs
/// to another language.
fn destination(template: &str, options: &cli::NewArgs) -> Option<String> {
    let (language, source, place) = match options.lang {
        Language::Rust => ("rust/", "lib.rs", "src/lib.rs"),
        Language::Python => ("python/", "plugin.py", "plugin.py"),
        Language::Js => ("js/", "plugin.js", "plugin.js"),
    };
    if let Some(common) = template.strip_prefix(language) {
        return Some(common.to_owned());
    }
    let file = template.strip_prefix(&extension_folder(options.extension))?;
    match file {
        "plugin.chat" => Some("tests/{{name}}.chat".to_owned()),
        // A Rust component imports only what it uses; the other languages need a world that lists the imports.
        "world.wit" if options.lang != Language::Rust => Some("wit/world.wit".to_owned()),
        _ if file == source => Some(place.to_owned()),
        _ => None,
    }
}

fn extension_folder(extension: ExtensionPoint) -> String {
    format!("extension-points/{}/", extension.as_str())
}

/// Returns the command for a plugin's name. Commands can't contain `-`.
fn command(name: &str) -> String {
    name.replace('-', "_")
}

/// Returns the shell command that calls the plugin. `None` if the plugin has no chat command.
fn call(options: &cli::NewArgs) -> Option<String> {
    let command = command(&options.name);
    match options.extension {
        ExtensionPoint::Command => Some(format!("cordboard plugin call . /{command} Ada")),
        ExtensionPoint::Hook | ExtensionPoint::Schedule | ExtensionPoint::Webhook => {
            Some(format!("cordboard plugin call . /{command} here"))
        }
        ExtensionPoint::Lifecycle
        | ExtensionPoint::Approval
        | ExtensionPoint::Filter
        | ExtensionPoint::Persona
        | ExtensionPoint::View => None,
    }
}

fn config_needed(lines: &str) -> String {
    format!("A host needs in its configuration:\n  {lines}\n")
}

/// Describes the host configuration that the plugin needs, or the chat command that calls the plugin. Returns an empty
/// string if neither applies.
fn required_config(options: &cli::NewArgs) -> String {
    let name = &options.name;
    match options.extension {
        ExtensionPoint::Command => String::new(),
        ExtensionPoint::Persona => format!("Once it is active, use it in the chat: /new demo {name}\n"),
        ExtensionPoint::Lifecycle => config_needed(&format!("[plugins]\n  lifecycle = \"{name}\"")),
        ExtensionPoint::Approval => config_needed(&format!("[requests]\n  approval = \"{name}\"")),
        ExtensionPoint::Filter => config_needed(&format!("[plugins]\n  filters = [\"{name}\"]")),
        ExtensionPoint::Hook | ExtensionPoint::Schedule => {
            config_needed(&format!("[plugins.{name}]\n  grants = [\"chat\"]"))
        }
        ExtensionPoint::View => config_needed(&format!("[plugins.{name}]\n  grants = [\"session-control\"]")),
        ExtensionPoint::Webhook => format!(
            "{}It also needs an address and a token: see README.md.\n",
            config_needed(&format!("[plugins.{name}]\n  grants = [\"chat\"]"))
        ),
    }
}

/// Replaces the placeholders in the path or the text of a template. The template of `.gitignore` is named
/// `dot-gitignore`, so that it is visible and has no effect in this repository.
fn filled(text: &str, options: &cli::NewArgs) -> String {
    let readme = format!("{}README.md", extension_folder(options.extension));
    let readme = TEMPLATES.iter().find(|file| file.path == readme).map_or("", |file| file.text);
    let (about, usage) = readme.split_once("\n\n").unwrap_or((readme, ""));
    let call = call(options).map_or_else(String::new, |line| format!("{line}\n"));
    let words = [
        ("{{about}}", about.trim_end()),
        ("{{use}}", usage.trim_end()),
        ("{{call}}\n", &call),
        ("{{name}}", &options.name),
        ("{{command}}", &command(&options.name)),
        ("{{componentize-py}}", build::COMPONENTIZE_PY),
        ("{{componentize-js}}", build::COMPONENTIZE_JS),
        ("{{jco}}", build::JCO),
        ("dot-gitignore", ".gitignore"),
    ];
    words.iter().fold(text.to_owned(), |text, (word, value)| text.replace(word, value))
}
