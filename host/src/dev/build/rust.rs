//! Builds Rust plugins with cargo and a compiler that has the `wasm32-wasip2` target. A missing target is an error: the
//! toolchain belongs to the author, so this module doesn't change it.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use super::Output;
use crate::dev::{error::DevError, progress, project::Project, tool::Tool};

const TARGET: &str = "wasm32-wasip2";

const INSTALL_RUST: &str = "install Rust from https://rustup.rs";

/// The compiler that `cargo xtask build` installs if rustup can't download the target. The path is relative to the
/// user's cache folder.
const PRIVATE: &str = "cordboard/toolchain-wasip2-1/bin/rustc";

/// A line of cargo's JSON output.
#[derive(Deserialize)]
struct CargoMessage {
    reason: String,
    #[serde(default)]
    manifest_path: PathBuf,
    #[serde(default)]
    filenames: Vec<PathBuf>,
    /// Whether cargo compiled nothing because it considers the existing file up to date.
    #[serde(default)]
    fresh: bool,
}

pub fn build(project: &Project, output: Output) -> Result<PathBuf, DevError> {
    let rustc = compiler()?;
    if output == Output::Shown {
        progress::step(&format!("building '{}' for {TARGET} (the first build takes about a minute)", project.name));
    }
    let compiled = compile(project, rustc.as_deref(), output)?;
    if !compiled.fresh || is_own(&compiled.component, project) {
        return Ok(compiled.component);
    }
    progress::step(
        "compiling again, because another crate of the same name in the shared target folder may have overwritten the file",
    );
    let name = project.name.as_str();
    cargo(project).args(["clean", "--quiet", "--release", "--target", TARGET, "--package", name]).run()?;
    Ok(compile(project, rustc.as_deref(), output)?.component)
}

/// Returns whether a fresh artifact belongs to this crate. In a shared target folder, the crates `he-llo` and `he_llo`,
/// and crates of the same name in other folders, write to the same file.
fn is_own(component: &Path, project: &Project) -> bool {
    // A target folder inside the project contains only this project's crates.
    let is_private = project.folder.canonicalize().is_ok_and(|folder| component.starts_with(folder));
    let same = || Some(fs::read(component).ok()? == fs::read(project.component()).ok()?);
    is_private || same() == Some(true)
}

fn cargo(project: &Project) -> Tool {
    Tool::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()), INSTALL_RUST).within(&project.folder)
}

/// A component that cargo compiled or found up to date.
struct CompiledComponent {
    component: PathBuf,
    fresh: bool,
}

fn compile(project: &Project, rustc: Option<&Path>, output: Output) -> Result<CompiledComponent, DevError> {
    let mut cargo = cargo(project)
        .args(["build", "--release", "--lib", "--target", TARGET, "--message-format", "json-render-diagnostics"])
        // Flags meant for native programs, such as those that select a linker or a CPU, don't apply to components.
        .without_env("RUSTFLAGS")
        .without_env("CARGO_ENCODED_RUSTFLAGS");
    if output == Output::Errors {
        cargo = cargo.args(["--quiet"]);
    }
    if let Some(rustc) = rustc {
        cargo = cargo.env("RUSTC", rustc);
    }
    let manifest = project.folder.join("Cargo.toml");
    let manifest = manifest.canonicalize().map_err(DevError::read(&manifest))?;
    let messages = cargo.read()?;
    let messages = messages.lines().filter_map(|line| serde_json::from_str::<CargoMessage>(line).ok());
    let of_project =
        messages.filter(|message| message.reason == "compiler-artifact" && message.manifest_path == manifest);
    let compiled = of_project.flat_map(|CargoMessage { filenames, fresh, .. }| {
        filenames.into_iter().map(move |component| CompiledComponent { component, fresh })
    });
    compiled.into_iter().find(|compiled| compiled.component.extension().is_some_and(|end| end == "wasm")).ok_or_else(
        || {
            DevError::NoResult(
                "cargo built no component: set `crate-type = [\"cdylib\"]` in [lib] of Cargo.toml".to_owned(),
            )
        },
    )
}

/// Returns the compiler to use. `None` means cargo's default.
fn compiler() -> Result<Option<PathBuf>, DevError> {
    let installed = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    if has_target(Tool::new(installed, INSTALL_RUST)) {
        return Ok(None);
    }
    let cache = env::var_os("XDG_CACHE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let cache = cache.or_else(|| env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache")));
    let private = cache.map(|cache| cache.join(PRIVATE)).filter(|rustc| has_target(Tool::new(rustc, INSTALL_RUST)));
    if private.is_some() {
        return Ok(private);
    }
    Err(DevError::NoTool {
        tool: format!("a compiler for {TARGET}"),
        remedy: "add it with `rustup target add wasm32-wasip2`; rustup itself comes from https://rustup.rs",
    })
}

/// Returns whether the target is installed for a compiler. A compiler prints a library folder for every target that it
/// knows, but the folder contains `libstd` only if the target is installed.
fn has_target(rustc: Tool) -> bool {
    let folder = rustc.args(["--print", "target-libdir", "--target", TARGET]).ask();
    let entries = folder.and_then(|folder| std::fs::read_dir(folder).ok());
    entries.into_iter().flatten().flatten().any(|entry| {
        let name = entry.file_name().to_string_lossy().into_owned();
        name.starts_with("libstd-") && name.ends_with(".rlib")
    })
}
