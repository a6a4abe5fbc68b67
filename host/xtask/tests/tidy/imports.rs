//! Checks that modules of the `cordboard` crate import only from lower layers. Cargo checks imports between crates.

use super::Findings;
use super::code_scanner::{line_of, occurrences};
use super::source_files::product;

/// The layers from top to bottom. A module may import only from lower rows, not from its own row. `main` and `lib` may
/// import everything.
pub const LAYERS: [&[&str]; 9] = [
    &["app"],
    &["live_changes", "dev", "top"],
    &["listing"],
    &[
        "operators",
        "pairing",
        "script_service",
        "status",
        "telegram_webhook",
        "terminal_handover",
        "topic_updates",
        "webhook",
    ],
    &["hub"],
    &["rollout"],
    &["control", "homelab_import", "schedule", "session", "standard_plugins"],
    &["session_registry"],
    &[
        "cli",
        "clock",
        "constant_time",
        "http_server",
        "received_files",
        "service_manager",
        "session_files",
        "session_topics",
        "logging",
        "stdout",
    ],
];

fn layer(module: &str) -> Option<usize> {
    LAYERS.iter().position(|row| row.contains(&module))
}

#[test]
fn imports_follow_the_layers() {
    let mut findings = Findings::default();
    for file in product() {
        let Some(below) = file.path.strip_prefix("host/src/") else { continue };
        let module = below.split('/').next().unwrap_or(below).trim_end_matches(".rs");
        if matches!(module, "main" | "lib") {
            continue;
        }
        let Some(own) = layer(module) else {
            findings.add(file, 1, format!("`{module}` has no layer"), "give it a row in LAYERS of the test");
            continue;
        };
        let depth = below.split('/').count();
        for (line, name) in imported(&file.code, depth) {
            if name != module && layer(&name).is_some_and(|other| other <= own) {
                let rule = format!("`{module}` imports `{name}`, which is not below it");
                findings.add(
                    file,
                    line,
                    rule,
                    "pass it in from the layer above, or move the shared part to a lower layer",
                );
            }
        }
    }
    findings.none();
}

/// Returns the top-level modules that `code` names, with their lines. `depth` is 1 for a file in `src` itself.
fn imported(code: &str, depth: usize) -> Vec<(usize, String)> {
    let above = "super::".repeat(depth);
    ["crate::", above.as_str()]
        .iter()
        .flat_map(|root| {
            occurrences(code, root).flat_map(|at| {
                let names = first_names(&code[at + root.len()..]);
                names.into_iter().map(move |name| (line_of(code, at), name))
            })
        })
        .collect()
}

/// Returns `a` for `a::b`, and `a` and `b` for `{a, b::{c, d}}`.
fn first_names(path: &str) -> Vec<String> {
    let word = |text: &str| text.trim().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let Some(group) = path.strip_prefix('{') else { return vec![word(path)] };
    let mut depth = 0_usize;
    let mut names = vec![String::new()];
    for c in group.chars() {
        match c {
            '}' if depth == 0 => break,
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => names.push(String::new()),
            _ if depth == 0 => names.last_mut().expect("there is always one").push(c),
            _ => {}
        }
    }
    names.iter().map(|name| word(name)).filter(|name| !name.is_empty()).collect()
}

#[test]
fn every_form_of_import_is_found() {
    let names = |code: &str| imported(code, 2).into_iter().map(|(_, name)| name).collect::<Vec<_>>();
    assert_eq!(names("use crate::hub::Hub;"), ["hub"]);
    assert_eq!(names("use crate::{\n    chat::{Chat, Post},\n    hub,\n};"), ["chat", "hub"]);
    assert_eq!(names("super::super::app::run(); super::near();"), ["app"]);
}
