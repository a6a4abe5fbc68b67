//! Rust: cargo, with a compiler that has the target. Adds no target by itself: what a toolchain holds is its owner's business.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use crate::dev::{error::KitError, progress, project::Project, tool::Tool};

const TARGET: &str = "wasm32-wasip2";

const INSTALL_RUST: &str = "install Rust from https://rustup.rs";

/// Made by `cargo xtask build` where rustup cannot fetch the target: below the user's cache folder.
const PRIVATE: &str = "cordboard/toolchain-wasip2-1/bin/rustc";

/// A line of cargo's own account of a build.
#[derive(Deserialize)]
struct Message {
    reason: String,
    #[serde(default)]
    manifest_path: PathBuf,
    #[serde(default)]
    filenames: Vec<PathBuf>,
    /// Nothing was compiled: cargo takes what lies there for the crate's.
    #[serde(default)]
    fresh: bool,
}

pub fn build(project: &Project) -> Result<PathBuf, KitError> {
    let rustc = compiler()?;
    progress::step(&format!("building '{}' for {TARGET} (the first time: about a minute)", project.name));
    let made = compile(project, rustc.as_deref())?;
    if !made.fresh || is_own(&made.component, project) {
        return Ok(made.component);
    }
    progress::step(
        "compiling it once more: in a target folder that crates share, one of the same name may have overwritten it",
    );
    let name = project.name.as_str();
    cargo(project).args(["clean", "--quiet", "--release", "--target", TARGET, "--package", name]).run()?;
    Ok(compile(project, rustc.as_deref())?.component)
}

/// Whether what cargo calls fresh is of this very crate. Its name tells no `he-llo` from a `he_llo`, nor from another `hello` elsewhere.
fn is_own(component: &Path, project: &Project) -> bool {
    // Nobody else's crates are built into a folder of its own.
    let alone = project.folder.canonicalize().is_ok_and(|folder| component.starts_with(folder));
    let same = || Some(fs::read(component).ok()? == fs::read(project.component()).ok()?);
    alone || same() == Some(true)
}

fn cargo(project: &Project) -> Tool {
    Tool::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()), INSTALL_RUST).within(&project.folder)
}

/// What cargo made, or found.
struct Made {
    component: PathBuf,
    fresh: bool,
}

fn compile(project: &Project, rustc: Option<&Path>) -> Result<Made, KitError> {
    let mut cargo = cargo(project)
        .args(["build", "--release", "--lib", "--target", TARGET, "--message-format", "json-render-diagnostics"])
        // Flags meant for the machine's own programs (a linker, a processor) make no sense for a component.
        .without_env("RUSTFLAGS")
        .without_env("CARGO_ENCODED_RUSTFLAGS");
    if let Some(rustc) = rustc {
        cargo = cargo.env("RUSTC", rustc);
    }
    let manifest = project.folder.join("Cargo.toml");
    let manifest = manifest.canonicalize().map_err(KitError::read(&manifest))?;
    let messages = cargo.read()?;
    let messages = messages.lines().filter_map(|line| serde_json::from_str::<Message>(line).ok());
    let of_project =
        messages.filter(|message| message.reason == "compiler-artifact" && message.manifest_path == manifest);
    let made = of_project.flat_map(|Message { filenames, fresh, .. }| {
        filenames.into_iter().map(move |component| Made { component, fresh })
    });
    made.into_iter().find(|made| made.component.extension().is_some_and(|end| end == "wasm")).ok_or_else(|| {
        KitError::NoResult(
            "cargo made no component: set `crate-type = [\"cdylib\"]` in [lib] of its Cargo.toml".to_owned(),
        )
    })
}

/// None: the one that cargo takes by itself.
fn compiler() -> Result<Option<PathBuf>, KitError> {
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
    Err(KitError::NoTool {
        tool: format!("a compiler for {TARGET}"),
        remedy: "add it with `rustup target add wasm32-wasip2`; rustup itself comes from https://rustup.rs",
    })
}

/// A compiler prints the folder of any target that it knows; only a library in it means that the target is there.
fn has_target(rustc: Tool) -> bool {
    let folder = rustc.args(["--print", "target-libdir", "--target", TARGET]).ask();
    let entries = folder.and_then(|folder| std::fs::read_dir(folder).ok());
    entries.into_iter().flatten().flatten().any(|entry| {
        let name = entry.file_name().to_string_lossy().into_owned();
        name.starts_with("libstd-") && name.ends_with(".rlib")
    })
}
