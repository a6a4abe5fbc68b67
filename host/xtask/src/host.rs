//! Builds the host and runs it with its files in `.cordboard/`.

use std::convert::Infallible;
use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, anyhow};

use crate::step;
use crate::workspace::Workspace;

const STARTER: &str = "\
# Cordboard's configuration in this clone. Keys that it does not set have their defaults.
# The file config.toml at the top of the repository documents every key with its default.
# Saved changes take effect at once, while the host runs.
";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    Dev,
    Release,
}

impl Profile {
    pub fn of(release: bool) -> Self {
        if release { Self::Release } else { Self::Dev }
    }

    fn folder(self) -> &'static str {
        match self {
            Self::Dev => "debug",
            Self::Release => "release",
        }
    }
}

/// Builds the binary, which embeds the plugins in `target/plugins/`. Returns its path.
pub fn build(workspace: &Workspace, profile: Profile) -> Result<PathBuf> {
    step::start("building the host (4 to 6 minutes the first time on two cores, 9 to 14 for a release; then seconds)");
    let mut cargo = step::cargo();
    // Build the whole workspace, as the tests do: for a single package, cargo resolves other features and rebuilds
    // wasmtime.
    cargo.current_dir(&workspace.root).args(["build", "--workspace", "--bin", "cordboard"]);
    if profile == Profile::Release {
        cargo.arg("--release");
    }
    step::show(&mut cargo)?;
    Ok(workspace.target.join(profile.folder()).join("cordboard"))
}

/// Replaces this process with the host, so that the host receives signals and terminal input directly. Returns only on
/// failure.
pub fn exec(workspace: &Workspace, binary: &Path, args: &[OsString]) -> Result<()> {
    let home = workspace.root.join(".cordboard");
    prepare(&home).with_context(|| format!("{} can't be prepared", home.display()))?;
    let home = workspace.relative_to_here(&home);
    let mut command = Command::new(binary);
    command.arg("run").arg("--config").arg(home.join("config.toml"));
    command.arg("--state").arg(home.join("state")).arg("--plugins").arg(home.join("plugins")).args(args);
    Err::<Infallible, _>(anyhow!(command.exec()))
        .map(|never| match never {})
        .with_context(|| format!("couldn't start {}", binary.display()))
}

/// Creates `home` with its plugin folder, and a starter configuration unless one exists.
fn prepare(home: &Path) -> Result<()> {
    std::fs::create_dir_all(home.join("plugins"))?;
    let config = home.join("config.toml");
    if !config.exists() {
        std::fs::write(config, STARTER)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_starter_configuration_is_written_once() {
        let home = tempfile::tempdir().unwrap();
        prepare(home.path()).unwrap();
        let config = home.path().join("config.toml");
        assert_eq!(std::fs::read_to_string(&config).unwrap(), STARTER);
        assert!(home.path().join("plugins").is_dir());
        std::fs::write(&config, "mine").unwrap();
        prepare(home.path()).unwrap();
        assert_eq!(std::fs::read_to_string(&config).unwrap(), "mine");
    }

    #[test]
    fn the_starter_configuration_equals_the_defaults() {
        assert!(STARTER.lines().all(|line| line.starts_with('#')));
    }
}
