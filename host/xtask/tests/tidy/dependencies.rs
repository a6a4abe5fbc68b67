//! Checks that a single crate owns each external dependency, that the host's crates depend only on permitted crates,
//! and that the core stays pure.

use super::Findings;
use super::code_scanner::{line_of, occurrences};
use super::source_files::{File, product, read};

/// The host's crates, each with the host crates that it may depend on.
pub const CRATES: [(&str, &[&str]); 11] = [
    ("book", &[]),
    ("core", &["permission-rules"]),
    ("metrics", &[]),
    ("permission-rules", &[]),
    ("failpoints", &[]),
    ("store", &["core"]),
    ("agents", &["core", "failpoints"]),
    ("chat", &["core", "metrics"]),
    ("telegram", &["chat", "core", "failpoints", "metrics"]),
    ("runtime", &["core", "metrics"]),
    ("watch", &["core"]),
];

/// External dependencies, each with the only crate that may depend on it outside tests. Other crates use what the owner
/// exports.
const OWNERS: [(&str, &str); 20] = [
    ("teloxide-core", "telegram"),
    ("wasmparser", "runtime"),
    ("wasmtime", "runtime"),
    ("wasmtime-wasi", "runtime"),
    ("wasmtime-wasi-http", "runtime"),
    ("tokio-rustls", "runtime"),
    ("rusqlite", "store"),
    ("ratatui", "."),
    ("rustyline-async", "chat"),
    ("libc", "agents"),
    ("signal-hook", "agents"),
    ("opentelemetry", "metrics"),
    ("opentelemetry-otlp", "metrics"),
    ("prometheus", "metrics"),
    ("croner", "core"),
    ("jiff", "core"),
    // A test of the core checks that every text has a translation.
    ("tr", "core"),
    ("glob", "permission-rules"),
    ("mdbook-driver", "book"),
    ("tiny_http", "book"),
];

/// Items from external crates or std, each with the path prefixes of the files that may use it.
const RESTRICTED_NAMES: [(&str, &[&str]); 2] = [
    ("fs::inotify", &["host/watch/"]),
    // Agents aren't the only child processes: `compile.rs` runs the compiler with limited memory and time, `tool.rs`
    // runs a plugin author's tools in the author's terminal, and the build script, xtask and the book also run programs.
    (
        "process::Command",
        &[
            "host/agents/src/process",
            "host/runtime/src/compile.rs",
            "host/src/dev/tool.rs",
            "host/book/",
            "host/build/",
            "host/xtask/",
        ],
    ),
];

/// Crates and names that would make the core depend on something other than its arguments.
const IMPURE_CRATES: [&str; 7] =
    ["tokio", "futures", "wasmtime", "wasmtime-wasi", "teloxide-core", "rusqlite", "rustix"];
const IMPURE_NAMES: [&str; 6] =
    ["SystemTime::now", "Instant::now", "std::fs", "std::net", "std::thread", "std::process"];

#[test]
fn restricted_names_are_used_only_by_their_owners() {
    let mut findings = Findings::default();
    for file in product() {
        for (name, owners) in RESTRICTED_NAMES {
            if owners.iter().any(|owner| file.path.starts_with(owner)) {
                continue;
            }
            for line in uses(file, name) {
                let rule = format!("`{name}` is used outside {}", owners.join(", "));
                findings.add(file, line, rule, "use that module's own types and functions instead");
            }
        }
    }
    findings.none();
}

#[test]
fn every_owner_exists() {
    for (name, owners) in RESTRICTED_NAMES {
        for owner in owners {
            assert!(product().any(|file| file.path.starts_with(owner)), "{owner}, the owner of {name}, does not exist");
        }
    }
}

#[test]
fn each_dependency_has_one_manifest() {
    let mut findings = Findings::default();
    let folders: Vec<&str> = CRATES.iter().map(|(name, _)| *name).chain(["."]).collect();
    for (dependency, owner) in OWNERS {
        let having = folders.iter().filter(|folder| dependencies(folder).iter().any(|(_, name)| name == dependency));
        let having: Vec<&str> = having.copied().collect();
        if having != [owner] {
            let rule = format!("{dependency} is a dependency of {having:?}, and not of `{owner}` alone");
            findings.add_overall(rule, "use the exports of that crate");
        }
    }
    findings.none();
}

#[test]
fn crates_depend_only_on_lower_ones() {
    let mut findings = Findings::default();
    for (name, allowed) in CRATES {
        for (line, dependency) in dependencies(name) {
            let Some(other) = dependency.strip_prefix("cordboard-") else { continue };
            if !allowed.contains(&other) {
                let rule = format!("host/{name}/Cargo.toml:{line}: `{name}` depends on `{other}`");
                findings.add_overall(rule, "declare a trait in core or chat, and implement it in host/src/app");
            }
        }
    }
    findings.none();
}

/// Returns the dependencies of a crate below `host` with their line numbers, excluding dev-dependencies.
fn dependencies(folder: &str) -> Vec<(usize, String)> {
    let manifest = read(&format!("host/{folder}/Cargo.toml"));
    let mut section = String::new();
    let mut found = Vec::new();
    for (number, line) in manifest.lines().enumerate() {
        if line.starts_with('[') {
            section = line.trim_matches(['[', ']']).to_owned();
        } else if section == "dependencies" && !line.starts_with('#') {
            let name = line.split(['.', ' ', '=']).next().unwrap_or_default();
            found.extend((!name.is_empty()).then(|| (number + 1, name.to_owned())));
        }
    }
    found
}

#[test]
fn the_core_has_no_forbidden_dependencies() {
    let mut findings = Findings::default();
    for file in product().filter(|file| file.path.starts_with("host/core/")) {
        for name in IMPURE_NAMES {
            for line in uses(file, name) {
                findings.add(file, line, format!("the core uses `{name}`"), "take it as an argument (`now`, a text)");
            }
        }
    }
    for (line, dependency) in dependencies("core") {
        if IMPURE_CRATES.contains(&dependency.as_str()) {
            let rule = format!("host/core/Cargo.toml:{line}: the core depends on {dependency}");
            findings.add_overall(rule, "do it in another crate, and pass the result to the core");
        }
    }
    findings.none();
}

fn uses(file: &File, name: &str) -> Vec<usize> {
    let mut lines: Vec<usize> = grouped(&file.code, name);
    lines.extend(occurrences(&file.code, name).map(|at| line_of(&file.code, at)));
    lines.dedup();
    lines
}

/// Returns the line numbers of grouped imports of `name`, such as `use std::{fs, net}` or `process::{Child, Command}`.
fn grouped(code: &str, name: &str) -> Vec<usize> {
    let Some((module, item)) = name.split_once("::") else { return Vec::new() };
    let opening = format!("{module}::{{");
    let groups = occurrences(code, &opening).filter(|at| {
        let inside = &code[at + opening.len()..];
        let group = &inside[..inside.find(';').unwrap_or(inside.len())];
        occurrences(group, item).next().is_some()
    });
    groups.map(|at| line_of(code, at)).collect()
}

#[test]
fn every_form_of_use_is_found() {
    let file =
        File::example("a.rs", "use std::{env, process::{Child, Command}};\nlet a = tokio::process::Command::new;\n");
    assert_eq!(uses(&file, "process::Command"), [1, 2]);
    let file = File::example("a.rs", "use std::{\n    fs, io,\n};\n// std::net\n");
    assert_eq!(uses(&file, "std::fs"), [1]);
    assert!(uses(&file, "std::net").is_empty());
}
