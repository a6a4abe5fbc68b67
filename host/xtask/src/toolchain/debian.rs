//! Creates a private compiler for the plugins' target from Debian packages, for machines on which rustup can't fetch
//! it: Debian's rustc and std source, the wasi-libc of a later release, and the linkers of the installed toolchain.
//! The standard library is compiled once and placed where that rustc finds it, so that `RUSTC=…/bin/rustc` is all
//! that a build needs. Installs nothing on the system, and never leaves an incomplete toolchain under the final name.

use std::fs::{self, File, TryLockError};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::TARGET;
use super::packages::Packages;
use crate::step;

/// The version of the folder's layout. A folder of an older version is ignored.
const FORM: &str = "toolchain-wasip2-1";

/// The release whose wasi-libc supports the target.
const LIBC_RELEASE: &str = "trixie";

/// A wrapper that sets the library path for Debian's compiler only, because the folder is shared with another
/// compiler.
const WRAPPER: &str = "#!/bin/sh
home=$(dirname \"$(dirname \"$(readlink -f \"$0\")\")\")
LD_LIBRARY_PATH=\"$home/libraries${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}\" exec \"$home/usr/bin/rustc\" \"$@\"
";

/// A component that needs std, an allocator and the linkers. A compiler that builds it can build plugins.
const PROOF_MANIFEST: &str = "[package]
name = \"proof\"
version = \"0.0.0\"
edition = \"2024\"
[lib]
crate-type = [\"cdylib\"]
[profile.release]
opt-level = \"s\"
panic = \"abort\"
[workspace]
";
const PROOF: &str = "#[unsafe(no_mangle)]
pub extern \"C\" fn proof(count: u32) -> usize {
    println!(\"{count}\");
    (0..count).map(|number| number.to_string()).collect::<String>().len()
}
";

/// Returns the path of the toolchain, existing or not.
pub fn home() -> Result<PathBuf> {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = set("XDG_CACHE_HOME").or_else(|| set("HOME").map(|home| home.join(".cache")));
    Ok(cache.context("neither XDG_CACHE_HOME nor HOME is set")?.join("cordboard").join(FORM))
}

/// Returns the toolchain's compiler, if it exists.
pub fn made(home: &Path) -> Option<PathBuf> {
    let rustc = home.join("bin/rustc");
    rustc.is_file().then_some(rustc)
}

/// Creates the toolchain, which takes one to three minutes, and returns its compiler. Concurrent calls create it
/// once.
pub fn make(home: &Path) -> Result<PathBuf> {
    let cache = home.parent().context("the cache folder has no parent")?;
    fs::create_dir_all(cache).with_context(|| format!("{} can't be created", cache.display()))?;
    let _lock = lock(&cache.join(format!("{FORM}.lock")))?;
    if let Some(rustc) = made(home) {
        return Ok(rustc);
    }
    let workshop = cache.join(format!("{FORM}.making"));
    discard(&workshop)?;
    discard(home)?;
    let outcome = assemble(&workshop.join("home"), &workshop)
        .and_then(|()| fs::rename(workshop.join("home"), home).context("the toolchain can't be moved to its folder"));
    let tidied = discard(&workshop);
    outcome?;
    tidied?;
    made(home).context("the toolchain has no compiler")
}

/// Locks a file until it is closed, at the latest when the process exits.
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

fn discard(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("{} can't be removed", folder.display()))
        }
        _ => Ok(()),
    }
}

fn assemble(home: &Path, workshop: &Path) -> Result<()> {
    let linkers = Linkers::find()?;
    step::start("private toolchain 1/4: fetching Debian's compiler, without installing it (150 MB, about a minute)");
    compiler(home, &workshop.join("compiler"))?;
    step::start("private toolchain 2/4: fetching wasi's libc (a few seconds)");
    libc(home, &workshop.join("libc"))?;
    step::start("private toolchain 3/4: compiling the standard library (about a minute)");
    linkers.lay(home)?;
    standard_library(home, &workshop.join("proof"))?;
    step::start("private toolchain 4/4: building a test component (a second)");
    prove(home, &workshop.join("proof"))
}

/// Fetches Debian's rustc with the std source, and writes a wrapper that starts it.
fn compiler(home: &Path, workshop: &Path) -> Result<()> {
    let packages = Packages::of_system(workshop.to_path_buf())?;
    packages.fetch_with_needs(&["rustc-web", "rust-web-src"])?;
    fs::rename(packages.unpack()?, home)?;
    packages.remove()?;
    let libraries =
        folder_with(&home.join("usr/lib"), "librustc_driver-").context("the packages contain no compiler")?;
    std::os::unix::fs::symlink(libraries.strip_prefix(home)?, home.join("libraries"))?;
    let wrapper = home.join("bin/rustc");
    fs::create_dir_all(home.join("bin"))?;
    fs::write(&wrapper, WRAPPER)?;
    fs::set_permissions(&wrapper, fs::Permissions::from_mode(0o755))?;
    step::read(Command::new(&wrapper).arg("--version")).context("the unpacked compiler doesn't run")?;
    Ok(())
}

/// Finds the folder below `folder` that contains a file with this prefix.
fn folder_with(folder: &Path, prefix: &str) -> Option<PathBuf> {
    let holds = |folder: &PathBuf| {
        let Ok(mut entries) = fs::read_dir(folder) else { return false };
        entries.any(|entry| entry.is_ok_and(|entry| entry.file_name().to_string_lossy().starts_with(prefix)))
    };
    fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path()).find(holds)
}

fn target_libraries(home: &Path) -> PathBuf {
    home.join("usr/lib/rustlib").join(TARGET).join("lib")
}

/// Fetches wasi-libc and places it as in rustup's toolchains, so that no flag is needed.
fn libc(home: &Path, workshop: &Path) -> Result<()> {
    let packages = Packages::of_release(workshop.to_path_buf(), LIBC_RELEASE)?;
    packages.fetch("wasi-libc")?;
    let from = packages.unpack()?.join("usr/lib").join(TARGET);
    let into = target_libraries(home).join("self-contained");
    fs::create_dir_all(&into)?;
    copy_all(&from, &into, |name| name.ends_with(".a") || name.ends_with(".o"))?;
    packages.remove()
}

/// The linkers of rustup's toolchain, which includes them even without the target.
#[derive(Debug)]
struct Linkers {
    sysroot: PathBuf,
    /// Relative to the sysroot.
    place: PathBuf,
}

impl Linkers {
    fn find() -> Result<Self> {
        let sysroot = step::read(Command::new("rustc").args(["--print", "sysroot"]))?;
        let version = step::read(Command::new("rustc").arg("-vV"))?;
        let host = version.lines().find_map(|line| line.strip_prefix("host: ")).context("rustc reports no host")?;
        let place = Path::new("lib/rustlib").join(host).join("bin");
        let tools = Path::new(sysroot.trim()).join(&place);
        if !tools.join("wasm-component-ld").is_file() || !tools.join("gcc-ld/wasm-ld").is_file() {
            bail!("the installed Rust has no wasm linker in {}: only rustup's toolchains do", tools.display());
        }
        Ok(Self { sysroot: sysroot.trim().into(), place })
    }

    /// Copies the linkers, so that the private toolchain survives an update of the installed one.
    fn lay(&self, home: &Path) -> Result<()> {
        let (from, into) = (self.sysroot.join(&self.place), home.join("usr").join(&self.place));
        fs::create_dir_all(into.join("gcc-ld"))?;
        copy_all(&from, &into, |_| true)?;
        copy_all(&from.join("gcc-ld"), &into.join("gcc-ld"), |_| true)
    }
}

/// Copies the files of one folder, without subfolders.
fn copy_all(from: &Path, into: &Path, wanted: impl Fn(&str) -> bool) -> Result<()> {
    let entries = fs::read_dir(from).with_context(|| format!("{} is missing", from.display()))?;
    for path in entries.flatten().map(|entry| entry.path()).filter(|path| path.is_file()) {
        let Some(name) = path.file_name().filter(|name| name.to_str().is_some_and(&wanted)) else { continue };
        fs::copy(&path, into.join(name)).with_context(|| format!("{} can't be copied", path.display()))?;
    }
    Ok(())
}

/// Compiles std from Debian's source and copies its libraries to where the compiler looks for them.
fn standard_library(home: &Path, proof: &Path) -> Result<()> {
    fs::create_dir_all(proof.join("src"))?;
    fs::write(proof.join("Cargo.toml"), PROOF_MANIFEST)?;
    fs::write(proof.join("src/lib.rs"), PROOF)?;
    // Plugins are built with LTO, which needs std's bitcode. Stable cargo can't build std.
    let mut cargo = proving(home, proof);
    cargo.env("CARGO_ENCODED_RUSTFLAGS", "-Cembed-bitcode=yes").env("RUSTC_BOOTSTRAP", "1");
    step::read(cargo.arg("-Zbuild-std=std,panic_abort")).context("std can't be compiled")?;
    let built = proof.join("target").join(TARGET).join("release/deps");
    copy_all(&built, &target_libraries(home), |name| name.ends_with(".rlib"))?;
    // Remove 200 MB of source that are no longer needed.
    for folder in ["usr/src", "usr/lib/rustlib/src", "usr/share"] {
        discard(&home.join(folder))?;
    }
    discard(&proof.join("target"))
}

/// Builds a component as plugins are built.
fn prove(home: &Path, proof: &Path) -> Result<()> {
    step::read(proving(home, proof).env("CARGO_PROFILE_RELEASE_LTO", "true"))
        .context("the test component can't be built")?;
    let component = fs::read(proof.join("target").join(TARGET).join("release/proof.wasm"))?;
    if !is_component(&component) {
        bail!("the linker made a core module, not a component");
    }
    Ok(())
}

fn proving(home: &Path, proof: &Path) -> Command {
    let mut cargo = step::cargo();
    cargo.current_dir(proof).env("RUSTC", home.join("bin/rustc"));
    cargo.env_remove("RUSTFLAGS").env_remove("CARGO_ENCODED_RUSTFLAGS").env_remove("RUSTC_WRAPPER");
    cargo.args(["build", "--release", "--target", TARGET, "--target-dir", "target"]);
    cargo
}

/// A component and a core module have the same magic number; the layer, in the seventh byte, distinguishes them.
fn is_component(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\0asm") && bytes.get(6) == Some(&1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_component_is_distinguished_from_a_module() {
        assert!(is_component(b"\0asm\x0d\0\x01\0rest"));
        assert!(!is_component(b"\0asm\x01\0\0\0rest"));
        assert!(!is_component(b"\0asm"));
        assert!(!is_component(b"#!/bin/sh"));
    }

    #[test]
    fn a_toolchain_is_complete_once_its_compiler_exists() {
        let home = tempfile::tempdir().unwrap();
        assert_eq!(made(home.path()), None);
        fs::create_dir(home.path().join("bin")).unwrap();
        fs::write(home.path().join("bin/rustc"), "").unwrap();
        assert_eq!(made(home.path()), Some(home.path().join("bin/rustc")));
    }

    #[test]
    fn library_folders_are_found_for_any_architecture() {
        let folder = tempfile::tempdir().unwrap();
        for below in ["a", "x86_64-linux-gnu"] {
            fs::create_dir(folder.path().join(below)).unwrap();
        }
        assert_eq!(folder_with(folder.path(), "librustc_driver-"), None);
        let libraries = folder.path().join("x86_64-linux-gnu");
        fs::write(libraries.join("librustc_driver-1.so"), "").unwrap();
        assert_eq!(folder_with(folder.path(), "librustc_driver-"), Some(libraries));
    }

    #[test]
    fn only_the_wanted_files_of_a_folder_are_copied() {
        let folder = tempfile::tempdir().unwrap();
        let (from, into) = (folder.path().join("from"), folder.path().join("into"));
        fs::create_dir_all(from.join("below")).unwrap();
        fs::create_dir(&into).unwrap();
        for name in ["libc.a", "crt1.o", "readme"] {
            fs::write(from.join(name), name).unwrap();
        }
        copy_all(&from, &into, |name| name.ends_with(".a")).unwrap();
        assert_eq!(fs::read_dir(&into).unwrap().count(), 1);
        assert!(copy_all(&from.join("absent"), &into, |_| true).is_err());
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
