//! Tests the plugin author's commands with the real binary: `cordboard plugin new`, `build`, `check`, `call`, `test`
//! and `watch`.

mod conversations;
mod errors;
mod fake_host_parity;
mod python_and_js;
mod rust;
mod templates;

use std::{
    ffi::OsStr,
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
    process::{Child, Command},
};

use rustix::process::{Pid, Signal, kill_process};

use tempfile::TempDir;

/// A plugin author's folder. All tests share compiled and downloaded files.
pub struct Author(TempDir);

fn shared() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("author")
}

/// A command's result. Excludes the progress lines that appear only if compilation is slow.
#[derive(Debug, PartialEq, Eq)]
pub struct Ended {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Author {
    pub fn new() -> Self {
        Self(tempfile::Builder::new().prefix("cordboard-author-").tempdir().unwrap())
    }

    pub fn path(&self, below: &str) -> PathBuf {
        self.0.path().join(below)
    }

    pub fn write(&self, below: &str, text: &str) {
        let path = self.path(below);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub fn read(&self, below: &str) -> String {
        fs::read_to_string(self.path(below)).unwrap()
    }

    /// Copies the shared compiled components into `cache`. While it copies, another test's command may remove a
    /// component to keep the shared cache within its limit.
    pub fn copy_compiled(&self, cache: &Path) {
        for artifact in fs::read_dir(shared().join("state/cordboard/cache")).unwrap().map(Result::unwrap) {
            let copy = cache.join(artifact.file_name());
            if !copy.exists() && artifact.path().extension().is_some_and(|ending| ending == "cwasm") {
                match fs::copy(artifact.path(), copy) {
                    Err(error) if error.kind() == ErrorKind::NotFound => {}
                    copied => drop(copied.unwrap()),
                }
            }
        }
    }

    /// Returns a `cordboard plugin` command to run in the author's folder.
    pub fn command(&self) -> Command {
        let shared = shared();
        let mut command = Command::new(env!("CARGO_BIN_EXE_cordboard"));
        command.arg("plugin").current_dir(self.0.path());
        command.env("XDG_STATE_HOME", shared.join("state")).env("XDG_CONFIG_HOME", self.path("config"));
        command.env("CARGO_TARGET_DIR", shared.join("target")).env_remove("CORDBOARD_CONFIG");
        // The variables that cargo sets for tests would affect the cargo that the command runs.
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("CARGO_PKG_")) {
            command.env_remove(name);
        }
        command
    }

    pub fn run<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Ended {
        let output = self.command().args(arguments).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let err = text(output.stderr);
        let err = err.split_inclusive('\n').filter(|line| !line.starts_with("--> compiling '")).collect();
        Ended { code: output.status.code(), out: text(output.stdout), err }
    }

    /// Runs a command that must succeed, and returns its standard output.
    #[track_caller]
    pub fn printed<S: AsRef<OsStr>>(&self, arguments: &[S]) -> String {
        let ended = self.run(arguments);
        assert_eq!(ended.code, Some(0), "{}{}", ended.out, ended.err);
        ended.out
    }
}

/// Returns the path of a plugin that `cargo xtask build` has built.
pub fn component(name: &str) -> PathBuf {
    let folders = ["target/plugins", "target/plugins/extra"];
    let found = folders.map(|folder| root().join(folder).join(format!("{name}.wasm")));
    found.into_iter().find(|path| path.exists()).unwrap_or_else(|| panic!("no {name}.wasm: run cargo xtask build"))
}

pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

/// A `cordboard plugin watch` process, which is killed when the test ends.
pub struct Watch(Child);

impl Watch {
    pub fn start(command: &mut Command) -> Self {
        Self(command.spawn().unwrap())
    }

    pub fn interrupt(mut self) -> Option<i32> {
        kill_process(Pid::from_raw(i32::try_from(self.0.id()).unwrap()).unwrap(), Signal::INT).unwrap();
        self.0.wait().unwrap().code()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        // If the test passed, the process has already ended.
        let _: std::io::Result<()> = self.0.kill();
        let _: std::io::Result<std::process::ExitStatus> = self.0.wait();
    }
}
