//! Tests the examples in the documents: each command parses, each one that can run here succeeds, and each configuration
//! is valid.

use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::PathBuf,
    process::{Command, Stdio},
};

use clap::CommandFactory as _;
use cordboard::cli::Cli;
use cordboard_book::{
    command_check,
    documents::{self, Document},
    markdown::code_blocks,
    shell::shell_blocks,
};
use cordboard_core::config;

use super::support::{ENGLISH, Home, Host};

/// The beginnings of the commands that don't run here, each with the reason.
const NOT_RUN: [(&str, &str); 15] = [
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "needs the build in the line above it"),
    ("buildah", "needs a registry of images"),
    ("cargo build", "builds for minutes"),
    ("cargo xtask", "builds for minutes; a test of xtask parses it"),
    ("cordboard init", "asks at a terminal, as the tests of `setup_commands` do"),
    ("cordboard logs --follow", "ends only with the host, as in the tests of `logs`"),
    ("cordboard plugin build", "compiles for a minute, as the tests of `plugin_tools` do"),
    ("cordboard plugin call", "needs a built plugin"),
    ("cordboard plugin test", "needs a built plugin"),
    ("curl", "needs a server on the Internet"),
    ("loginctl", "needs systemd"),
    ("podman", "needs the image"),
    ("proxmox-backup-manager", "needs a Proxmox Backup Server"),
    ("sudo", "needs root"),
    ("systemctl", "needs systemd"),
];

/// The templates of a plugin project contain placeholders.
const TEMPLATES: &str = "host/templates/";

/// The only folder of the commands that isn't below the home or the working directory.
const BACKUPS: &str = "/backup/";

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn documents_without_placeholders() -> Vec<Document> {
    let mut documents = documents::all(&root()).unwrap();
    documents.retain(|document| !document.path.starts_with(TEMPLATES));
    documents
}

#[test]
fn documents_name_commands_that_exist() {
    let checked = command_check::check(&root(), &Cli::command()).unwrap();
    assert!(checked.count > 100, "only {} commands were found", checked.count);
    assert!(checked.wrong.is_empty(), "{}", checked.wrong.join("\n"));
}

#[test]
fn commands_in_the_documents_run() {
    let (mut failures, mut runs) = (Vec::new(), 0);
    let mut unused: BTreeSet<&str> = NOT_RUN.iter().map(|(beginning, _)| *beginning).collect();
    for document in documents_without_placeholders() {
        for block in shell_blocks(&document.text) {
            let mut script = Vec::new();
            for (_, command) in &block.commands {
                match NOT_RUN.iter().find(|(beginning, _)| command.starts_with(beginning)) {
                    Some((beginning, _)) => {
                        unused.remove(beginning);
                    }
                    None => script.push(command.as_str()),
                }
            }
            runs += script.len();
            let line = block.commands.first().map_or(0, |(line, _)| *line);
            if let Err(error) = run(&script.join("\n")) {
                failures.push(format!("{}:{line}:\n{error}", document.path));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(runs > 20, "only {runs} commands ran");
    assert!(unused.is_empty(), "no document contains {unused:?}");
}

#[test]
fn configurations_in_the_documents_are_valid() {
    let mut count = 0;
    for document in documents_without_placeholders() {
        for block in code_blocks(&document.text).iter().filter(|block| block.language == "toml") {
            count += 1;
            let error = config::load(&block.text).err();
            assert!(error.is_none(), "{}:{}: {}", document.path, block.line, error.unwrap());
        }
    }
    assert!(count > 15, "only {count} configurations were found");
}

/// Runs the lines of a block in a new home. Returns the output if a command fails.
fn run(script: &str) -> Result<(), String> {
    if script.is_empty() {
        return Ok(());
    }
    // The demo agent asks for permission if a prompt begins with "run".
    let home = Home::with("[plugins.approval.config]\nallow = [\"Bash\"]\n");
    for folder in ["work", "bin", "backup", "home"] {
        fs::create_dir(home.path(folder)).unwrap();
    }
    symlink(env!("CARGO_BIN_EXE_cordboard"), home.path("bin/cordboard")).unwrap();
    let host = prepare(&home, script);
    let path = std::env::var("PATH").unwrap_or_default();
    let mut shell = Command::new("bash");
    shell.args(["-euo", "pipefail", "-c", &script.replace(BACKUPS, &format!("{}/", home.path("backup").display()))]);
    shell.current_dir(home.path("work")).stdin(Stdio::null()).env_clear().envs([ENGLISH]);
    shell.env("PATH", format!("{}:{path}", home.path("bin").display())).env("HOME", home.path("home"));
    shell.env("CORDBOARD_CONFIG", home.path("config.toml")).env("CORDBOARD_STATE", home.state());
    let output = shell.output().unwrap();
    drop(host);
    let texts = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
    if output.status.success() { Ok(()) } else { Err(format!("{script}\n{}{}{}", output.status, texts[0], texts[1])) }
}

/// Creates what the commands need, such as a session or a backup. Returns the running host if a command needs one.
fn prepare<'h>(home: &'h Home, script: &str) -> Option<Host<'h>> {
    if script.contains("cordboard import homelab") {
        let session = home.path("home/homelab-bot/sessions/web");
        fs::create_dir_all(&session).unwrap();
        fs::write(session.join("metadata.json"), r#"{"name": "web"}"#).unwrap();
    }
    if script.contains("cordboard service install") {
        home.write_config("[telegram]\ntoken_file = \"bot.token\"\n");
        fs::write(home.path("bot.token"), "1:token").unwrap();
        fs::set_permissions(home.path("bot.token"), fs::Permissions::from_mode(0o600)).unwrap();
    }
    if script.contains("git diff") {
        let change = "git init --quiet && echo one > notes && git add notes && echo two > notes";
        let status = Command::new("sh").args(["-c", change]).current_dir(home.path("work")).status().unwrap();
        assert!(status.success());
    }
    let for_hosts = ["backup", "logs", "restore", "send", "top"].map(|command| format!("cordboard {command}"));
    if !for_hosts.iter().any(|command| script.contains(command)) {
        return None;
    }
    let mut host = home.start();
    host.ask("/new alpha", "Session 'alpha' created.");
    if script.contains("cordboard restore") {
        assert_eq!(host.end().1, Some(0));
        let backup = home.path("backup/cordboard-2026-11-30.db");
        let state = home.state();
        let arguments = ["backup".as_ref(), backup.as_os_str(), "--state".as_ref(), state.as_os_str()];
        assert!(Command::new(env!("CARGO_BIN_EXE_cordboard")).args(arguments).status().unwrap().success());
        return None;
    }
    Some(host)
}
