//! Embeds the files of a new plugin project: the SDK's sources with a stand-alone manifest, the WIT contract and the
//! templates.

use std::{
    collections::BTreeMap,
    env,
    fmt::Write as _,
    fs, io,
    path::{Path, PathBuf},
};

/// Writes `OUT_DIR/project_template.rs`, which contains two lists: the embedded SDK files and the embedded template
/// files.
pub fn embed() -> io::Result<()> {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR").expect("cargo sets this variable")).join("..");
    let workspace = fs::read_to_string(root.join("Cargo.toml"))?;
    println!("cargo::rerun-if-changed={}", root.join("Cargo.toml").display());
    let mut sdk = BTreeMap::new();
    collect(&root.join("plugins/sdk/src"), "sdk/src", &mut sdk)?;
    for text in sdk.values_mut() {
        // In a plugin project, `wit/` is next to the SDK folder. In this repository, it is one level higher.
        *text = text.replace("\"../../wit\"", "\"../wit\"");
    }
    let manifest = read(&root.join("plugins/sdk/Cargo.toml"))?;
    sdk.insert("sdk/Cargo.toml".to_owned(), stand_alone(&manifest, &workspace));
    sdk.insert("wit/cordboard.wit".to_owned(), read(&root.join("wit/cordboard.wit"))?);
    let mut templates = BTreeMap::new();
    collect(&root.join("host/templates"), "", &mut templates)?;
    let text = format!(
        "const SDK: &[Embedded] = &{};\npub const TEMPLATES: &[Embedded] = &{};\n",
        list(&sdk),
        list(&templates)
    );
    fs::write(Path::new(&env::var("OUT_DIR").expect("cargo sets this variable")).join("project_template.rs"), text)
}

fn list(files: &BTreeMap<String, String>) -> String {
    let mut list = String::from("[\n");
    for (path, text) in files {
        writeln!(list, "    Embedded {{ path: {path:?}, text: {text:?} }},").expect("writing to a string never fails");
    }
    list.push(']');
    list
}

fn read(path: &Path) -> io::Result<String> {
    println!("cargo::rerun-if-changed={}", path.display());
    fs::read_to_string(path)
}

/// Adds the text of every file below `folder` to `files`. A file's key is `below` followed by its relative path.
fn collect(folder: &Path, below: &str, files: &mut BTreeMap<String, String>) -> io::Result<()> {
    println!("cargo::rerun-if-changed={}", folder.display());
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().expect("a folder entry has a name").to_string_lossy().into_owned();
        let name = if below.is_empty() { name } else { format!("{below}/{name}") };
        if path.is_dir() {
            collect(&path, &name, files)?;
        } else {
            files.insert(name, read(&path)?);
        }
    }
    Ok(())
}

/// Makes a manifest independent of this workspace: resolves inherited values, drops `[lints]`, and adds an empty
/// `[workspace]`.
fn stand_alone(manifest: &str, workspace: &str) -> String {
    let mut section = "";
    let mut text = String::new();
    for line in manifest.lines() {
        if line.starts_with('[') {
            section = line.trim_matches(['[', ']']);
        }
        if section == "lints" {
            continue;
        }
        text.push_str(&inherited(section, line, workspace).unwrap_or_else(|| line.to_owned()));
        text.push('\n');
    }
    format!("{}\n[workspace]\n", text.trim_end_matches('\n').to_owned() + "\n")
}

/// Replaces `name.workspace = true` or `name = { workspace = true, more }` with the workspace's value for `name`.
/// Returns `None` for any other line.
fn inherited(section: &str, line: &str, workspace: &str) -> Option<String> {
    let (name, rest) = line.split_once('=')?;
    let more = match name.trim().strip_suffix(".workspace") {
        Some(_) => String::new(),
        None => rest.trim().strip_prefix("{ workspace = true")?.trim_end_matches(" }").to_owned(),
    };
    let name = name.trim().trim_end_matches(".workspace");
    let head = format!("[workspace.{section}]");
    let body = workspace.split_once(&head).map(|(_, body)| body.split("\n[").next().unwrap_or(body));
    let found = body.and_then(|body| {
        body.lines().filter_map(|line| line.split_once(" = ")).find(|(key, _)| *key == name).map(|(_, value)| value)
    });
    let value = found.unwrap_or_else(|| panic!("{head} of the workspace has no {name}"));
    let table = value.strip_prefix('{').map(|inner| inner.trim_end_matches('}').trim().to_owned());
    Some(match (table, more.is_empty()) {
        (_, true) => format!("{name} = {value}"),
        (Some(inner), false) => format!("{name} = {{ {inner}{more} }}"),
        (None, false) => format!("{name} = {{ version = {value}{more} }}"),
    })
}
