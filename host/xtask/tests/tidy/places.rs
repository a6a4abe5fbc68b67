//! Checks which modules may use each external dependency, and that the core stays pure.

use super::Findings;
use super::code::{line_of, places};
use super::sources::{File, product, read};

/// A name, and the prefixes of the paths that may use it. Other modules use the exports of those.
const OWNERS: [(&str, &[&str]); 9] = [
    ("teloxide_core", &["host/telegram/"]),
    ("wasmparser", &["host/runtime/"]),
    ("wasmtime", &["host/runtime/"]),
    ("wasmtime_wasi", &["host/runtime/"]),
    ("rusqlite", &["host/store/"]),
    ("fs::inotify", &["host/watch/"]),
    ("croner", &["host/core/src/"]),
    ("jiff", &["host/core/src/"]),
    // The compiler's child process is limited in memory and time by the module that reads its output. An author's
    // tools run in the author's terminal. Build scripts run programs.
    (
        "process::Command",
        &[
            "host/agents/src/process",
            "host/runtime/src/compile.rs",
            "host/src/dev/tool.rs",
            "host/build/",
            "host/xtask/",
        ],
    ),
];

/// The crates and names that would make the core depend on more than its arguments.
const IMPURE_CRATES: [&str; 7] =
    ["tokio", "futures", "wasmtime", "wasmtime-wasi", "teloxide-core", "rusqlite", "rustix"];
const IMPURE_NAMES: [&str; 6] =
    ["SystemTime::now", "Instant::now", "std::fs", "std::net", "std::thread", "std::process"];

#[test]
fn restricted_names_are_used_only_by_their_owners() {
    let mut findings = Findings::default();
    for file in product() {
        for (name, owners) in OWNERS {
            if owners.iter().any(|owner| file.path.starts_with(owner)) {
                continue;
            }
            for line in uses(file, name) {
                let rule = format!("`{}` is used outside {}", name.trim_end_matches(':'), owners.join(", "));
                findings.add(file, line, rule, "use that module's own types and functions instead");
            }
        }
    }
    findings.none();
}

#[test]
fn every_owner_exists() {
    for (name, owners) in OWNERS {
        for owner in owners {
            assert!(product().any(|file| file.path.starts_with(owner)), "{owner}, the owner of {name}, does not exist");
        }
    }
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
    let manifest = read("host/core/Cargo.toml");
    for (number, line) in manifest.lines().enumerate() {
        let key = line.split(['.', ' ', '=']).next().unwrap_or_default();
        if IMPURE_CRATES.contains(&key) {
            let rule = format!("host/core/Cargo.toml:{}: the core depends on {key}", number + 1);
            findings.add_overall(rule, "do it in host/src, and pass the result to the core");
        }
    }
    findings.none();
}

fn uses(file: &File, name: &str) -> Vec<usize> {
    let mut lines: Vec<usize> = grouped(&file.code, name);
    lines.extend(places(&file.code, name).map(|at| line_of(&file.code, at)));
    lines.dedup();
    lines
}

/// Returns the lines of grouped imports such as `use std::{fs, net}` and `process::{Child, Command}`.
fn grouped(code: &str, name: &str) -> Vec<usize> {
    let Some((module, item)) = name.split_once("::").filter(|(_, item)| !item.is_empty()) else { return Vec::new() };
    let opening = format!("{module}::{{");
    let groups = places(code, &opening).filter(|at| {
        let inside = &code[at + opening.len()..];
        let group = &inside[..inside.find(';').unwrap_or(inside.len())];
        places(group, item).next().is_some()
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
