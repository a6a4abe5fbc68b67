//! Checks whether a component was built for this host, by the names and versions of its imports and exports and by the
//! linker's errors. This module must not check grants.

use cordboard_core::capability::Capability;

use super::{
    contract_names::{PACKAGE, VERSION},
    error::{Age, PluginError},
    untrusted_text::shorten,
};

/// The interface names of the extension points.
const EXTENSION_POINTS: [&str; 9] =
    ["command", "lifecycle", "approval", "filter", "persona", "view", "hook", "schedule", "webhook"];

/// The interface that contains only types, and therefore needs no grant.
const TYPES: &str = "types";

/// Checks imports by name and version only. The linker finds type mismatches later.
pub fn check_imports<'a>(imports: impl IntoIterator<Item = &'a str>) -> Result<(), PluginError> {
    imports.into_iter().try_for_each(check_import)
}

/// Returns the extension point that `export` implements, if the version of `export` is compatible with this host.
pub fn extension_point(export: &str) -> Option<&str> {
    let (name, version) = split(export.strip_prefix(PACKAGE)?);
    (EXTENSION_POINTS.contains(&name) && relative_age(version).is_none()).then_some(name)
}

fn check_import(import: &str) -> Result<(), PluginError> {
    let (name, version) = split(import);
    if let Some(own) = name.strip_prefix(PACKAGE) {
        if let Some(age) = relative_age(version) {
            return Err(PluginError::OtherContract { age, name: shorten(import) });
        }
        let is_known = own == TYPES || Capability::ALL.iter().any(|one| one.as_str() == own);
        return if is_known { Ok(()) } else { Err(unknown(import)) };
    }
    match version.and_then(parse) {
        Some(version) if name.starts_with("wasi:") && version >= (0, 3, 0) => {
            Err(PluginError::NewerWasi { name: shorten(import) })
        }
        Some(_) | None => Ok(()),
    }
}

/// Fails if the component exports extension points only for other host versions.
pub fn check_export_versions(exports: &[&str]) -> Result<(), PluginError> {
    if exports.iter().any(|export| extension_point(export).is_some()) {
        return Ok(());
    }
    let other = exports.iter().find_map(|export| Some((relative_age(split(export.strip_prefix(PACKAGE)?).1)?, export)));
    other.map_or(Ok(()), |(age, export)| Err(PluginError::OtherContract { age, name: shorten(export) }))
}

/// Checks that at least one export implements an extension point of this host. Exports for other hosts or versions are
/// ignored.
pub fn check_exports(exports: &[&str]) -> Result<(), PluginError> {
    check_export_versions(exports)?;
    if exports.iter().any(|export| extension_point(export).is_some()) {
        return Ok(());
    }
    let listed = exports.iter().take(MAX_LISTED).map(|export| shorten(export));
    Err(PluginError::NoExtensionPoint { exports: listed.collect() })
}

/// The maximum number of exports that an error lists.
const MAX_LISTED: usize = 5;

/// Returns the error for an interface of the host's own package that this host doesn't provide.
fn unknown(import: &str) -> PluginError {
    match split(import).1.and_then(parse) {
        Some(version) if version > VERSION => PluginError::OtherContract { age: Age::Newer, name: shorten(import) },
        Some(_) | None => PluginError::UnknownImport { name: shorten(import), item: None },
    }
}

/// Turns the linker's error into one that an operator understands.
pub fn explain_link_error(error: &wasmtime::Error) -> PluginError {
    let causes: Vec<String> = error.chain().map(|cause| cause.to_string()).collect();
    let import = causes.iter().find(|cause| cause.starts_with("component imports ")).and_then(|cause| quoted(cause));
    let item = causes.iter().rev().find(|cause| cause.starts_with("instance export ")).and_then(|cause| quoted(cause));
    let last = causes.last().map(String::as_str).unwrap_or_default();
    let Some(import) = import else { return PluginError::Link(shorten(last)) };
    let (name, item) = (shorten(import), item.map(shorten));
    if !last.ends_with("implementation is missing") {
        return PluginError::OtherType { name, item, why: shorten(last) };
    }
    match (import.strip_prefix(PACKAGE).map(split), item) {
        (Some((_, version)), _) if version.and_then(parse) > Some(VERSION) => {
            PluginError::OtherContract { age: Age::Newer, name }
        }
        (Some(_), item) => PluginError::UnknownImport { name, item },
        (None, item) if import.starts_with("wasi:") => PluginError::UnknownWasi { name, item },
        (None, _) => PluginError::ForeignImport { name },
    }
}

/// Returns the text between the first two backticks.
fn quoted(text: &str) -> Option<&str> {
    text.split('`').nth(1)
}

/// Splits `name@version` into name and version.
fn split(name: &str) -> (&str, Option<&str>) {
    name.split_once('@').map_or((name, None), |(name, version)| (name, Some(version)))
}

/// Compares a version of the host's own package with the version of this host. Returns `None` if both have the same
/// major and minor version, which makes them compatible. A missing or invalid version counts as older.
fn relative_age(version: Option<&str>) -> Option<Age> {
    let (major, minor, _) = version.and_then(parse).unwrap_or_default();
    match (major, minor).cmp(&(VERSION.0, VERSION.1)) {
        std::cmp::Ordering::Less => Some(Age::Older),
        std::cmp::Ordering::Equal => None,
        std::cmp::Ordering::Greater => Some(Age::Newer),
    }
}

fn parse(version: &str) -> Option<(u64, u64, u64)> {
    let version = version.split(['-', '+']).next()?;
    let mut parts = version.split('.').map(|part| part.parse().ok());
    Some((parts.next()??, parts.next()??, parts.next().flatten().unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract_names::OwnPackage;

    #[test]
    fn the_version_and_extension_points_match_the_contract() {
        let wit = include_str!("../../../wit/cordboard.wit");
        assert!(wit.starts_with(&format!("package {OwnPackage};\n")), "{OwnPackage}");
        let worlds = wit.lines().filter_map(|line| line.strip_prefix("world ")?.split_once("{ export "));
        let exports: Vec<&str> = worlds.filter_map(|(_, rest)| rest.strip_suffix("; }")).collect();
        assert_eq!(exports, EXTENSION_POINTS);
    }

    #[test]
    fn imports_for_another_host_version_are_explained() {
        let newer = "it is built for a newer Cordboard: it uses cordboard:plugin/";
        let unknown = "it imports interfaces that this host does not have: cordboard:plugin/rockets@0.2.6; ";
        for (import, expected) in [
            ("cordboard:plugin/sessions@0.2.0", ""),
            ("cordboard:plugin/sessions@0.2.7", ""),
            ("cordboard:plugin/types@0.2.0", ""),
            ("cordboard:plugin/sessions@0.3.0", newer),
            ("cordboard:plugin/sessions@0.3.0-rc.1", newer),
            ("cordboard:plugin/sessions@1.0.0", newer),
            ("cordboard:plugin/rockets@0.2.7", newer),
            ("cordboard:plugin/rockets@0.2.6", unknown),
            ("cordboard:plugin/sessions@0.1.0", "it is built for an older Cordboard: "),
            ("cordboard:plugin/sessions", "it is built for an older Cordboard: "),
            ("wasi:cli/stdout@0.2.3", ""),
            ("wasi:cli/stdout@0.3.0", "it is built for WASI 0.3 or later: it imports wasi:cli/stdout@0.3.0, "),
            ("wasi:http/handler@0.3.0-rc-2025-09-16", "it is built for WASI 0.3 or later: "),
            ("acme:tools/saw@9.0.0", ""),
        ] {
            let why = check_imports([import]).err().map(|why| why.to_string()).unwrap_or_default();
            assert!(why.starts_with(expected) && why.is_empty() == expected.is_empty(), "{import}: {why}");
        }
    }

    #[test]
    fn an_export_of_this_version_is_enough() {
        let exports = check_exports;
        assert_eq!(exports(&["cordboard:plugin/command@0.3.0", "cordboard:plugin/hook@0.2.0", "acme:a/b"]), Ok(()));
        let why = exports(&["cordboard:plugin/command@0.3.0"]).unwrap_err().to_string();
        assert!(
            why.starts_with("it is built for a newer Cordboard: it uses cordboard:plugin/command@0.3.0, "),
            "{why}"
        );
        let why = exports(&["wasi:cli/run@0.2.3"]).unwrap_err().to_string();
        assert!(why.contains("(it exports wasi:cli/run@0.2.3)"), "{why}");
    }
}
