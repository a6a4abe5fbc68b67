//! Finds or creates a compiler for the plugins' target. Installs nothing system-wide: at most, it adds the target to
//! the user's rustup or creates a private toolchain in the user's cache folder.

mod private;

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, anyhow, bail};
use clap::ValueEnum;

use crate::step;

pub const TARGET: &str = "wasm32-wasip2";

/// The source of the compiler. `Auto` uses the first source that works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ToolchainChoice {
    /// Tries the installed compiler, an existing private toolchain, rustup, and a new private toolchain, in that order.
    Auto,
    /// The installed compiler, without changes.
    Installed,
    /// The installed compiler, after rustup has added the target.
    Rustup,
    /// The private toolchain in the user's cache folder, created if missing.
    Private,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Toolchain {
    Installed,
    /// The path of the private toolchain's compiler, which finds its libraries by itself.
    Private(PathBuf),
}

impl Toolchain {
    /// Returns the compiler to use. If necessary, creates one, which takes one to three minutes. Errors tell the user
    /// what to do.
    pub fn find(choice: ToolchainChoice) -> Result<Self> {
        match choice {
            ToolchainChoice::Auto => automatic(),
            ToolchainChoice::Installed => installed().ok_or_else(|| anyhow!("the installed rustc has no {TARGET}")),
            ToolchainChoice::Rustup => rustup(),
            ToolchainChoice::Private => private_toolchain(),
        }
    }

    /// Describes in one line which compiler `find` would use, or how `find` would get one.
    pub fn describe(choice: ToolchainChoice) -> String {
        let home = private::home();
        let private = home.as_ref().ok().and_then(|home| private::compiler(home));
        match (choice, installed(), private) {
            (ToolchainChoice::Auto | ToolchainChoice::Installed | ToolchainChoice::Rustup, Some(found), _) => {
                format!("{TARGET}: {found}")
            }
            (ToolchainChoice::Auto | ToolchainChoice::Private, _, Some(rustc)) => {
                format!("{TARGET}: {}", Self::Private(rustc))
            }
            (ToolchainChoice::Installed, None, _) => format!("{TARGET}: missing from the installed rustc"),
            (ToolchainChoice::Rustup, None, _) => {
                format!("{TARGET}: missing; `rustup target add {TARGET}` would be tried")
            }
            (ToolchainChoice::Private, _, None) => format!("{TARGET}: missing; a private toolchain would be built"),
            (ToolchainChoice::Auto, None, None) => {
                format!("{TARGET}: missing; rustup, then a private toolchain would be tried")
            }
        }
    }

    /// Configures a cargo command to use this compiler.
    pub fn apply(&self, cargo: &mut Command) {
        // The user's flags are meant for native builds: a linker or target CPU, for example, doesn't apply to
        // components.
        cargo.env_remove("RUSTFLAGS").env_remove("CARGO_ENCODED_RUSTFLAGS");
        match self {
            Self::Installed => {}
            Self::Private(rustc) => {
                cargo.env("RUSTC", rustc);
            }
        }
    }
}

impl fmt::Display for Toolchain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Installed => write!(f, "the installed rustc has it"),
            Self::Private(rustc) => write!(f, "private toolchain, {}", rustc.display()),
        }
    }
}

/// Prefers an existing private toolchain over rustup. The toolchain usually exists because rustup failed, and rustup
/// would fail again in every build.
fn automatic() -> Result<Toolchain> {
    if let Some(found) = installed() {
        return Ok(found);
    }
    if let Some(rustc) = private::compiler(&private::home()?) {
        return Ok(Toolchain::Private(rustc));
    }
    let refused = match rustup() {
        Ok(found) => return Ok(found),
        Err(refused) => refused,
    };
    step::warning("rustup can't add the target; building a private toolchain instead");
    private_toolchain().map_err(|failed| advice(&refused, &failed))
}

fn advice(refused: &anyhow::Error, failed: &anyhow::Error) -> anyhow::Error {
    anyhow!(
        "plugins need a compiler for {TARGET}, and none was found or could be built\n\
         \n  with rustup: {refused:#}\
         \n  as a private toolchain: {failed:#}\n\
         \nDo one of these, then run the same command again:\
         \n  - install rustup's stable toolchain, go online, and run: rustup target add {TARGET}\
         \n  - on Debian 12 or later (amd64, arm64), go online: the private toolchain is built from Debian's packages\
         \n  - copy {} from another machine with the same system and architecture",
        private::home().map_or_else(|_| "~/.cache/cordboard/toolchain-*".into(), |home| home.display().to_string()),
    )
}

fn installed() -> Option<Toolchain> {
    standard_library(&mut Command::new("rustc")).then_some(Toolchain::Installed)
}

fn rustup() -> Result<Toolchain> {
    if let Some(found) = installed() {
        return Ok(found);
    }
    step::start(&format!("adding {TARGET} to the installed toolchain with rustup (about 20 MB)"));
    // Turn off rustup's backtrace: the error shows only the last output lines, and a backtrace would push the cause
    // out.
    step::read(Command::new("rustup").args(["target", "add", TARGET]).env("RUST_BACKTRACE", "0"))?;
    installed().with_context(|| format!("rustup added {TARGET}, but `rustc` on PATH is another compiler"))
}

fn private_toolchain() -> Result<Toolchain> {
    let home = private::home()?;
    if let Some(rustc) = private::compiler(&home) {
        return Ok(Toolchain::Private(rustc));
    }
    let rustc = private::make(&home)?;
    if !standard_library(&mut Command::new(&rustc)) {
        bail!("{} was built, but doesn't work: remove it and try again", home.display());
    }
    Ok(Toolchain::Private(rustc))
}

/// Asks a compiler for the target's library folder, and returns whether the folder contains std.
fn standard_library(rustc: &mut Command) -> bool {
    step::read(rustc.args(["--print", "target-libdir", "--target", TARGET]))
        .is_ok_and(|folder| contains_std(Path::new(folder.trim())))
}

/// Returns whether the folder contains std. A compiler prints a folder for every target that it supports, but the
/// target is installed only if the folder contains std.
fn contains_std(folder: &Path) -> bool {
    let Ok(entries) = std::fs::read_dir(folder) else { return false };
    entries.flatten().any(|entry| {
        let name = entry.file_name();
        name.to_str().is_some_and(|name| name.starts_with("libstd-") && name.ends_with(".rlib"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_installed_if_its_std_is() {
        let folder = tempfile::tempdir().unwrap();
        assert!(!contains_std(&folder.path().join("absent")));
        assert!(!contains_std(folder.path()));
        std::fs::write(folder.path().join("libstd_detect-0.rlib"), "").unwrap();
        assert!(!contains_std(folder.path()));
        std::fs::write(folder.path().join("libstd-12ab.rlib"), "").unwrap();
        assert!(contains_std(folder.path()));
    }

    #[test]
    fn the_standard_library_is_found_through_the_compiler() {
        let folder = tempfile::tempdir().unwrap();
        let ask = || Command::new("echo");
        let fake = |folder: &Path| {
            let mut command = Command::new("sh");
            command.arg("-c").arg(format!("echo {}", folder.display()));
            command
        };
        assert!(!standard_library(&mut ask()));
        assert!(!standard_library(&mut fake(folder.path())));
        std::fs::write(folder.path().join("libstd-1.rlib"), "").unwrap();
        assert!(standard_library(&mut fake(folder.path())));
        assert!(!standard_library(&mut Command::new("no-such-compiler")));
    }

    #[test]
    fn the_advice_names_both_failures_and_what_to_do() {
        let text = advice(&anyhow!("no network"), &anyhow!("no apt-get")).to_string();
        for part in ["with rustup: no network", "private toolchain: no apt-get", "rustup target add wasm32-wasip2"] {
            assert!(text.contains(part), "{text}");
        }
    }
}
