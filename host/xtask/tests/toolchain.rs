//! Tests which plugin compiler xtask chooses, and which messages it prints if it can neither find nor create one. Fake
//! programs replace the real ones, so nothing is fetched or built.

#![expect(clippy::unwrap_used, reason = "a test that can't prepare its machine has failed")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

/// A simulated machine where rustup and apt-get have no network access and rustc lacks the target.
struct Machine {
    folder: tempfile::TempDir,
}

impl Machine {
    fn new() -> Self {
        let machine = Self { folder: tempfile::tempdir().unwrap() };
        let root = machine.folder.path().display().to_string();
        machine.program(
            "rustc",
            &format!(
                "case \"$*\" in *target-libdir*) echo {root}/absent;; *sysroot*) echo {root}/sysroot;; \
                 *) echo host: here-unknown-linux;; esac"
            ),
        );
        machine.program("rustup", "echo could not download >&2; exit 1");
        machine.program("apt-get", "echo nothing reached >&2; exit 100");
        machine
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn program(&self, name: &str, script: &str) {
        let path = self.path().join("bin").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn with_linkers(self) -> Self {
        let tools = self.path().join("sysroot/lib/rustlib/here-unknown-linux/bin");
        fs::create_dir_all(tools.join("gcc-ld")).unwrap();
        fs::write(tools.join("wasm-component-ld"), "").unwrap();
        fs::write(tools.join("gcc-ld/wasm-ld"), "").unwrap();
        self
    }

    fn xtask(&self, args: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_xtask"))
            .args(args)
            .env("PATH", format!("{}:/usr/bin:/bin", self.path().join("bin").display()))
            .env("XDG_CACHE_HOME", self.path().join("cache"))
            .env_remove("CORDBOARD_TOOLCHAIN")
            .output()
            .unwrap()
    }
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn without_any_compiler_the_build_says_what_to_do() {
    let machine = Machine::new().with_linkers();
    let output = machine.xtask(&["toolchain"]);
    let text = stderr(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    for part in ["`rustup target` failed", "could not download", "nothing reached", "Do one of these"] {
        assert!(text.contains(part), "{part:?} is missing: {text}");
    }
    assert!(!text.contains('\x1b'), "colors only on a terminal: {text}");
    let left: Vec<_> = fs::read_dir(machine.path().join("cache/cordboard")).unwrap().flatten().collect();
    assert_eq!(left.len(), 1, "only the lock stays: {left:?}");
}

#[test]
fn without_linkers_nothing_is_fetched() {
    let machine = Machine::new();
    machine.program("apt-get", "echo fetched >&2; exit 1");
    let output = machine.xtask(&["toolchain"]);
    let text = stderr(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("has no wasm linker"), "{text}");
    assert!(!text.contains("fetched"), "{text}");
}

#[test]
fn a_compiler_that_was_chosen_is_not_replaced_by_another() {
    let machine = Machine::new().with_linkers();
    let output = machine.xtask(&["toolchain", "--toolchain", "installed"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("the installed rustc has no wasm32-wasip2"), "{}", stderr(&output));
}

#[test]
fn an_existing_private_toolchain_is_used_without_rustup() {
    let machine = Machine::new();
    machine.program("rustup", "echo asked >&2; exit 1");
    let bin = machine.path().join("cache/cordboard/toolchain-wasip2-1/bin");
    fs::create_dir_all(&bin).unwrap();
    fs::write(bin.join("rustc"), "").unwrap();
    let output = machine.xtask(&["toolchain"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(String::from_utf8_lossy(&output.stdout).contains("private toolchain"));
    assert!(!stderr(&output).contains("asked"));
}

#[test]
fn doctor_changes_nothing() {
    let machine = Machine::new();
    let output = machine.xtask(&["doctor"]);
    assert_eq!(output.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&output.stdout).contains("would be tried"));
    assert!(!machine.path().join("cache").exists());
}
