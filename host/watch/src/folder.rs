//! Lists the plugin files of the plugin folder and checks their names. It must not read a file.

use std::{
    fs,
    io::{self, ErrorKind},
    path::{Path, PathBuf},
};

use cordboard_core::{
    render::escape_invisible,
    types::{PLUGIN_NAME_RULE, is_plugin_name},
};

/// Returns every plugin file by its stem, sorted. `None` if there is no folder. Hidden, temporary and backup files
/// are skipped.
pub(super) fn list(folder: &Path) -> io::Result<Option<Vec<(String, PathBuf)>>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if let Some(name) = plugin(&path) {
            files.push((name, path));
        }
    }
    files.sort();
    Ok(Some(files))
}

/// The plugin name of `path`, valid or not. `None` if it isn't a plugin file.
fn plugin(path: &Path) -> Option<String> {
    let file = path.file_name()?.to_string_lossy();
    let stem = file.strip_suffix(".wasm")?;
    // Control characters are spelt out for messages and listings. A name that contains any is invalid anyway.
    (!stem.is_empty() && !stem.starts_with('.')).then(|| escape_invisible(stem))
}

/// Checks the name of a plugin.
///
/// # Errors
/// The naming rule, for the operator.
pub(super) fn check_name(name: &str) -> Result<(), String> {
    if is_plugin_name(name) { Ok(()) } else { Err(format!("name the file with {PLUGIN_NAME_RULE}")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plugin_files_are_listed() {
        let folder = tempfile::tempdir().unwrap();
        for file in [
            "b.wasm",
            "a-1_x.wasm",
            ".b.wasm.tmp",
            ".b.wasm",
            "b.wasm~",
            "b.wasm.swp",
            "#b.wasm#",
            ".wasm",
            "b.txt",
            "Not A Name.wasm",
            "c\u{202e}d\n.wasm",
        ] {
            fs::write(folder.path().join(file), "").unwrap();
        }
        let names: Vec<String> = list(folder.path()).unwrap().unwrap().into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["Not A Name", "a-1_x", "b", "c\\u{202e}d\\u{a}"]);
        assert_eq!(list(&folder.path().join("none")).unwrap(), None);
    }

    #[test]
    fn plugin_names_are_validated() {
        assert!(check_name("my-plugin_2").is_ok());
        assert_eq!(check_name("X").unwrap_err(), "name the file with 1 to 32 of a-z, 0-9, '-' and '_'");
    }
}
