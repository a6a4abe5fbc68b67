//! The private toolchain: a compiler for the plugins' target in the user's cache folder, for machines where rustup
//! can't add the target. `private.sh` assembles the toolchain in a temporary folder, which is renamed once it is
//! complete.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use super::TARGET;
use crate::step;

/// The name of the toolchain folder, which ends with its layout version. Folders with other versions are ignored.
const LAYOUT: &str = "toolchain-wasip2-1";

const SCRIPT: &str = include_str!("private.sh");

/// Returns the path of the toolchain, which may not exist.
pub fn home() -> Result<PathBuf> {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = set("XDG_CACHE_HOME").or_else(|| set("HOME").map(|home| home.join(".cache")));
    Ok(cache.context("neither XDG_CACHE_HOME nor HOME is set")?.join("cordboard").join(LAYOUT))
}

/// Returns the toolchain's compiler if it exists.
pub fn compiler(home: &Path) -> Option<PathBuf> {
    let rustc = home.join("bin/rustc");
    rustc.is_file().then_some(rustc)
}

/// Creates the toolchain, which takes one to three minutes, and returns its compiler. If several processes do this
/// concurrently, only one of them creates the toolchain.
pub fn make(home: &Path) -> Result<PathBuf> {
    let cache = home.parent().context("the cache folder has no parent")?;
    fs::create_dir_all(cache).with_context(|| format!("{} can't be created", cache.display()))?;
    let _lock = lock(&cache.join(format!("{LAYOUT}.lock")))?;
    if let Some(rustc) = compiler(home) {
        return Ok(rustc);
    }
    let work = cache.join(format!("{LAYOUT}.making"));
    remove(&work)?;
    remove(home)?;
    fs::create_dir_all(work.join("home"))?;
    let outcome = assemble(&work)
        .and_then(|()| fs::rename(work.join("home"), home).context("the toolchain can't be moved to its folder"));
    let removed = remove(&work);
    outcome?;
    removed?;
    compiler(home).context("the toolchain has no compiler")
}

fn assemble(work: &Path) -> Result<()> {
    let mut script = step::without_package(Command::new("sh"));
    script.args(["-c", SCRIPT, "private.sh"]).arg(work.join("home")).arg(work).arg(TARGET);
    script.arg(step::cargo().get_program()).stdin(Stdio::null());
    let status = script.status().context("couldn't start sh")?;
    if !status.success() {
        bail!("the private toolchain can't be built; see the output above");
    }
    Ok(())
}

/// Locks a file until the returned handle is dropped or the process exits.
fn lock(path: &Path) -> Result<File> {
    let file = File::create(path).with_context(|| format!("{} can't be opened", path.display()))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            step::start("waiting for another build of the private toolchain");
            file.lock()?;
        }
        Err(TryLockError::Error(error)) => return Err(error).context("the cache folder can't be locked"),
    }
    Ok(file)
}

fn remove(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error).with_context(|| format!("{} can't be removed", folder.display())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_toolchain_is_complete_once_its_compiler_exists() {
        let home = tempfile::tempdir().unwrap();
        assert_eq!(compiler(home.path()), None);
        fs::create_dir(home.path().join("bin")).unwrap();
        fs::write(home.path().join("bin/rustc"), "").unwrap();
        assert_eq!(compiler(home.path()), Some(home.path().join("bin/rustc")));
    }

    #[test]
    fn a_lock_has_one_owner() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let held = lock(&path).unwrap();
        let second = File::open(&path).unwrap();
        assert!(matches!(second.try_lock(), Err(TryLockError::WouldBlock)));
        drop(held);
        second.try_lock().unwrap();
    }
}
