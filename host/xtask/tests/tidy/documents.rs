//! Checks the documents: the commands and flags that they mention exist, links resolve to files and headings,
//! `README.md` is short, and the code map in `host/ARCHITECTURE.md` lists every crate and, in layer order, every
//! module.

use std::collections::BTreeSet;

use super::Findings;
use super::code_scanner::line_of;
use super::dependencies::CRATES;
use super::imports::LAYERS;
use super::source_files::{exists, read};

const DOCUMENTS: [&str; 11] = [
    "README.md",
    "CHANGELOG.md",
    ".github/CONTRIBUTING.md",
    ".github/SECURITY.md",
    "host/ARCHITECTURE.md",
    "host/docs/installation.md",
    "host/docs/operations.md",
    "host/docs/proof.md",
    "plugins/README.md",
    "plugins/homelab/README.md",
    "wit/README.md",
];

/// The maximum number of lines in README.md, which must stay short because newcomers read it first.
const README_LINES: usize = 200;

/// The existing subcommands and flags, as read from their definitions.
struct Known {
    xtask: BTreeSet<String>,
    cordboard: BTreeSet<String>,
    flags: BTreeSet<String>,
}

impl Known {
    fn load() -> Self {
        let xtask = read("host/xtask/src/cli.rs");
        let host = [
            "host/src/cli.rs",
            "host/src/cli/backups.rs",
            "host/src/cli/plugin.rs",
            "host/src/cli/session.rs",
            "host/src/cli/setup.rs",
        ]
        .map(read)
        .concat();
        let mut flags = BTreeSet::from(["help".to_owned(), "version".to_owned()]);
        flags.extend(long_flags(&xtask));
        flags.extend(long_flags(&host));
        let enums = ["enum Command {", "enum BackupCommand {", "enum SessionCommand {", "enum SetupCommand {"];
        let cordboard = enums.into_iter().flat_map(|name| subcommands(&host, name)).collect();
        Self { xtask: subcommands(&xtask, "enum Task {"), cordboard, flags }
    }
}

#[test]
fn documents_name_commands_that_exist() {
    let known = Known::load();
    let mut findings = Findings::default();
    for document in DOCUMENTS {
        for (line, command) in commands(&read(document)) {
            for (program, subcommands) in [("cargo xtask", &known.xtask), ("cordboard", &known.cordboard)] {
                let Some(rest) = after(&command, program) else { continue };
                let name: String = rest.chars().take_while(|c| c.is_ascii_lowercase() || *c == '-').collect();
                if !name.is_empty() && !name.starts_with('-') && name != "help" && !subcommands.contains(&name) {
                    missing(&mut findings, (document, line), &format!("{program} {name}"), subcommands);
                }
                for flag in flags(rest).filter(|flag| !known.flags.contains(flag)) {
                    missing(&mut findings, (document, line), &format!("--{flag}"), &known.flags);
                }
            }
        }
    }
    findings.none();
}

fn missing(findings: &mut Findings, (document, line): (&str, usize), what: &str, known: &BTreeSet<String>) {
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    findings.add_overall(
        format!("{document}:{line}: `{what}` doesn't exist"),
        format!("name one of {}, or define it in host/src/cli.rs or host/xtask/src/cli.rs", known.join(", ")),
    );
}

#[test]
fn the_readme_is_short() {
    let lines = read("README.md").lines().count();
    assert!(lines <= README_LINES, "README.md has {lines} lines; move what only some readers need to another document");
}

#[test]
fn links_between_documents_resolve() {
    let mut findings = Findings::default();
    for document in DOCUMENTS {
        for (line, target) in links(&read(document)) {
            let (path, anchor) = target.split_once('#').unwrap_or((&target, ""));
            let path = resolved(document, path);
            let found = exists(&path) && (anchor.is_empty() || anchors(&read(&path)).contains(anchor));
            if !found {
                findings.add_overall(format!("{document}:{line}: `{target}` doesn't exist"), "correct the link");
            }
        }
    }
    findings.none();
}

/// Returns the targets of project-internal links, with their line numbers.
fn links(document: &str) -> Vec<(usize, String)> {
    let lines = document.lines().enumerate().flat_map(|(number, line)| {
        let targets = line.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
        targets.map(move |(target, _)| (number + 1, target.to_owned()))
    });
    lines.filter(|(_, target)| !target.starts_with("http")).collect()
}

/// Returns the path that a link in a document points to, relative to the project root.
fn resolved(document: &str, link: &str) -> String {
    if link.is_empty() {
        return document.to_owned();
    }
    let folder = document.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in link.split('/') {
        match part {
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// Returns the anchors that GitHub generates for a document's headings.
fn anchors(document: &str) -> BTreeSet<String> {
    let headings = document.lines().filter(|line| line.starts_with('#'));
    let anchor = |line: &str| {
        let text = line.trim_start_matches('#').trim().to_lowercase().replace(' ', "-");
        text.chars().filter(|c| c.is_alphanumeric() || matches!(c, '-' | '_')).collect()
    };
    headings.map(anchor).collect()
}

#[test]
fn the_code_map_lists_modules_by_layer() {
    let map = read("host/ARCHITECTURE.md");
    let table = map.split("| module of `host/src` |").nth(1).expect("there is a code map of `host/src`");
    let rows: Vec<&str> = table.lines().skip(2).take_while(|line| line.starts_with('|')).collect();
    let listed = rows.iter().flat_map(|row| row.split('|').nth(1).unwrap_or_default().split('`').skip(1).step_by(2));
    let listed: Vec<&str> = listed.collect();
    let layer = |name: &str| LAYERS.iter().position(|row| row.contains(&name));
    let layers: Vec<_> =
        listed.iter().map(|name| layer(name).unwrap_or_else(|| panic!("`{name}` has no layer"))).collect();
    assert!(layers.is_sorted(), "the code map and LAYERS differ in their order: {listed:?}");
    let modules: BTreeSet<&str> = LAYERS.iter().flat_map(|row| row.iter().copied()).collect();
    assert_eq!(listed.into_iter().collect::<BTreeSet<_>>(), modules, "the code map lists each module");
}

#[test]
fn the_code_map_lists_each_crate() {
    let map = read("host/ARCHITECTURE.md");
    let table = map.split("| crate |").nth(1).expect("there is a table of crates");
    let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    let listed: BTreeSet<&str> = rows.filter_map(|row| row.split('`').nth(1)).collect();
    let crates = CRATES.iter().map(|(name, _)| format!("host/{name}")).chain(["host/src".to_owned()]);
    assert_eq!(listed, crates.collect::<BTreeSet<_>>().iter().map(String::as_str).collect());
}

/// Returns the commands in fenced blocks and code spans, with their line numbers. Text that contains `|`, `;` or `&` is
/// split into several commands.
fn commands(readme: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut fenced = false;
    for (number, line) in readme.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if fenced {
            found.push((number + 1, line.to_owned()));
        } else {
            found.extend(line.split('`').skip(1).step_by(2).map(|span| (number + 1, span.to_owned())));
        }
    }
    let parts = found.iter().flat_map(|(line, text)| {
        let text = text.split(" #").next().unwrap_or_default();
        text.split(['|', ';', '&']).map(|part| (*line, part.trim().trim_start_matches("$ ").to_owned()))
    });
    parts.collect()
}

/// Returns the arguments of a command that runs `program`. `sudo`, variables and a path may precede the program name.
fn after<'a>(command: &'a str, program: &str) -> Option<&'a str> {
    let mut rest = command;
    while let Some((first, more)) = rest.split_once(' ').filter(|(first, _)| first.contains('=') || *first == "sudo") {
        debug_assert!(!first.is_empty());
        rest = more;
    }
    let (name, _) = rest.split_once(' ').unwrap_or((rest, ""));
    let folder = name.rfind('/').map_or(0, |slash| slash + 1);
    rest[folder..].strip_prefix(program)?.strip_prefix(' ')
}

fn flags(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split([' ', '[', ']', '='])
        .filter_map(|word| word.strip_prefix("--"))
        .filter(|flag| !flag.is_empty())
        .map(str::to_owned)
}

/// Returns the subcommand names that clap derives from an enum's variants.
fn subcommands(source: &str, head: &str) -> BTreeSet<String> {
    let from = source.find(head).unwrap_or_else(|| panic!("`{head}` isn't defined"));
    let body = &source[from..];
    let body = &body[..body.find("\n}").unwrap_or(body.len())];
    let variants = body.lines().filter_map(|line| line.strip_prefix("    "));
    let names = variants.filter(|line| line.starts_with(|c: char| c.is_ascii_uppercase()));
    names.map(|line| kebab(line.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default())).collect()
}

/// Returns the long flags, which are named after the fields with `#[arg(long)]`.
fn long_flags(source: &str) -> BTreeSet<String> {
    let marked = source.match_indices("#[arg(long");
    let fields = marked.map(|(at, _)| {
        let line = line_of(source, at);
        let field = source.lines().skip(line).map(str::trim).find(|line| !line.starts_with(['#', '/']));
        let field = field.unwrap_or_else(|| panic!("line {line}: a flag without a field"));
        field.trim_start_matches("pub ").split(':').next().unwrap_or_default().replace('_', "-")
    });
    fields.collect()
}

fn kebab(name: &str) -> String {
    let mut kebab = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() && !kebab.is_empty() {
            kebab.push('-');
        }
        kebab.push(c.to_ascii_lowercase());
    }
    kebab
}

#[test]
fn command_definitions_are_loaded() {
    let known = Known::load();
    for name in ["build", "run", "test", "bench", "ci", "doctor"] {
        assert!(known.xtask.contains(name), "{name}: {:?}", known.xtask);
    }
    for name in ["run", "check", "sessions", "plugins"] {
        assert!(known.cordboard.contains(name), "{name}: {:?}", known.cordboard);
    }
    for flag in ["release", "config", "state", "plugins", "chat", "json"] {
        assert!(known.flags.contains(flag), "{flag}: {:?}", known.flags);
    }
}

#[test]
fn commands_are_found() {
    let readme =
        "Type `cargo xtask run --release`.\n```\n$ echo a | target/debug/cordboard run --chat console  # here\n```\n";
    let found = commands(readme);
    assert_eq!(found[0], (1, "cargo xtask run --release".to_owned()));
    assert_eq!(found[2], (3, "target/debug/cordboard run --chat console".to_owned()));
    assert_eq!(after(&found[2].1, "cordboard"), Some("run --chat console"));
    assert_eq!(after("A=1 cordboard run", "cordboard"), Some("run"));
    assert_eq!(after("journalctl -u cordboard -f", "cordboard"), None);
    assert_eq!(flags("run --chat console").collect::<Vec<_>>(), ["chat"]);
}
