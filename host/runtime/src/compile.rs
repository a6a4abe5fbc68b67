//! Compiles WebAssembly components to native code in a child process, and loads the result through a cache that plugins
//! can't access. The child is this same binary with resource limits, so the compiler's memory (360 MB for a Python
//! plugin) and its bugs don't affect the host.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    io::{self, Read, Write},
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    process::{Output, Stdio},
    time::Duration,
};

use cordboard_core::{config::format_size, messages, type_erased::TypeErased};
use rustix::process::{Resource, Rlimit, Signal, setrlimit};
use tokio::{io::AsyncWriteExt, process::Command};
use wasmtime::component::Component;

use super::{
    cache::Cache,
    contract_compatibility,
    engine::{self, SharedEngine},
    error::PluginError,
    file_format,
    registry::version::Artifact,
    untrusted_text::shorten,
};

/// The hidden subcommand that compiles standard input to standard output.
pub const COMPILE_COMMAND: &str = "compile-plugin";

/// The path of the running binary, which stays valid when an update replaces the file on disk.
pub const THIS_PROGRAM: &str = "/proc/self/exe";

/// The CPU time limit of a compilation, in seconds. An 18 MB Python plugin takes 6 s to compile. A wall-clock limit
/// would also include the time that a busy machine spends on other work.
const COMPILE_TIME: u64 = 120;

/// The wall-clock limit of a compilation, in case the compiler gets no CPU time.
const COMPILE_WAIT: Duration = Duration::from_secs(30 * 60);

/// The address space limit of the compiling child, in bytes. A Python plugin needs 420 MB.
const COMPILE_MEMORY: u64 = 4 << 30;

/// The maximum size of a WebAssembly file, in bytes. A typical Python plugin is 18 MB.
pub const MAX_WASM_SIZE: u64 = 64 << 20;

pub struct Compiler {
    engine: SharedEngine,
    cache: Cache,
    /// The binary that provides the `compile-plugin` subcommand.
    program: PathBuf,
    /// A hash of the engine's compatibility hash and the host's version. It is part of an artifact's name, so that an
    /// incompatible artifact isn't loaded.
    compatibility: u64,
}

impl Compiler {
    /// Creates the cache folder if it doesn't exist.
    pub fn new(engine: SharedEngine, cache: Cache, program: PathBuf) -> io::Result<Self> {
        cache.create().map_err(|error| {
            let what = "the folder for compiled plugins";
            let text = format!(
                "{what}, {}, cannot be created: {error}; use another state directory with --state",
                cache.folder().display()
            );
            io::Error::new(error.kind(), text)
        })?;
        let mut hasher = DefaultHasher::new();
        engine.engine().precompile_compatibility_hash().hash(&mut hasher);
        env!("CARGO_PKG_VERSION").hash(&mut hasher);
        Ok(Self { engine, cache, program, compatibility: hasher.finish() })
    }

    /// Returns the artifact of `wasm`, from the cache if possible.
    pub async fn artifact(&self, name: &str, digest: String, wasm: &[u8]) -> Result<Artifact, PluginError> {
        if let Some(artifact) = self.cached(name, &digest) {
            return Ok(artifact);
        }
        let imports = file_format::imports(wasm)?;
        let compiled = self.compile(name, wasm).await.map_err(|refused| {
            // A component for a newer host may contain features that this compiler lacks, so the import error is the
            // better explanation.
            contract_compatibility::check_imports(imports.iter().map(String::as_str)).err().unwrap_or(refused)
        })?;
        let component = self.load(name, &digest, &compiled)?;
        Ok(Artifact { name: name.to_owned(), digest, component: TypeErased::new(component) })
    }

    /// Stores compiled code in the cache and opens it from there. If either fails, the code is loaded from memory.
    fn load(&self, name: &str, digest: &str, compiled: &[u8]) -> Result<Component, PluginError> {
        let stored = self.cache.store(&self.key(digest), compiled).inspect_err(|error| {
            let cache = self.cache.folder().display();
            tracing::warn!(plugin = name, %cache, %error, "failed to store a compiled plugin: it is compiled again at the next start; free some space");
        });
        if let Some(component) = stored.ok().and_then(|path| self.open(&path)) {
            return Ok(component);
        }
        #[expect(unsafe_code, reason = "this binary's own compiler has just produced it")]
        let opened = unsafe { Component::deserialize(self.engine.engine(), compiled) };
        opened.map_err(|error| PluginError::TooBig(shorten(&error.root_cause().to_string())))
    }

    /// Returns the cached artifact with this digest, if there is one. This saves reading the WebAssembly file.
    pub fn cached(&self, name: &str, digest: &str) -> Option<Artifact> {
        let component = self.open(&self.cache.find(&self.key(digest))?)?;
        Some(Artifact { name: name.to_owned(), digest: digest.to_owned(), component: TypeErased::new(component) })
    }

    fn key(&self, digest: &str) -> String {
        format!("{digest}-{:016x}.cwasm", self.compatibility)
    }

    fn open(&self, path: &Path) -> Option<Component> {
        #[expect(
            unsafe_code,
            reason = "the cache is in the state directory, which only its owner can write to, and only `artifact` adds files to it"
        )]
        let opened = unsafe { Component::deserialize_file(self.engine.engine(), path) };
        opened.inspect_err(|error| tracing::warn!(%error, "a cached artifact is invalid: compiling again")).ok()
    }

    async fn compile(&self, name: &str, wasm: &[u8]) -> Result<Vec<u8>, PluginError> {
        let failed = |error: io::Error| not_started(name, &error);
        let mut child = Command::new(&self.program)
            .arg(COMPILE_COMMAND)
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(failed)?;
        let mut stdin = child.stdin.take().expect("stdin is piped");
        // A child that stops reading explains why on stderr, so ignore a broken pipe here.
        let feeding = async move { drop(stdin.write_all(wasm).await) };
        let run = async { tokio::join!(child.wait_with_output(), feeding).0 };
        let waited = tokio::time::timeout(COMPILE_WAIT, run).await;
        let output = waited
            .map_err(|_| {
                let minutes = COMPILE_WAIT.as_secs() / 60;
                let again = format!("type /plugins reload {name} when the machine is less busy");
                PluginError::Compile(format!("compiling took more than {minutes} minutes; {again}"))
            })?
            .map_err(failed)?;
        if output.status.success() {
            Ok(output.stdout)
        } else {
            Err(PluginError::Compile(explain_failure(name, &output)))
        }
    }
}

fn not_started(name: &str, error: &io::Error) -> PluginError {
    let why = messages::system_error(error);
    PluginError::Compile(format!(
        "its compiler failed to start: {why}; when that is fixed, type /plugins reload {name}"
    ))
}

/// Explains why the compiler process failed, and how to fix it.
fn explain_failure(name: &str, output: &Output) -> String {
    let stderr = String::from_utf8_lossy(&output.stderr);
    let why = stderr.trim();
    let why = shorten(why.strip_prefix("cordboard: ").unwrap_or(why));
    let signal = output.status.signal();
    let is = |one: Signal| signal == Some(one.as_raw());
    if is(Signal::XCPU) {
        format!("compiling took more than {COMPILE_TIME} s of CPU time; make the plugin smaller")
    } else if is(Signal::KILL) {
        format!(
            "its compiler was killed, probably because memory ran out; free some memory, then type /plugins reload {name}"
        )
    } else if why.contains("memory allocation of ") || why.contains("Cannot allocate memory") {
        let most = format_size(COMPILE_MEMORY);
        format!(
            "its compiler ran out of memory (its limit is {most}); make the plugin smaller, or free some memory and type /plugins reload {name}"
        )
    } else if signal.is_some() || why.is_empty() {
        format!("its compiler failed ({}); type /plugins reload {name} to try it again", output.status)
    } else {
        format!("{why}; build it again for wasm32-wasip2")
    }
}

/// Runs in the child: reads WebAssembly from standard input and writes the artifact to standard output.
pub fn compile_stdin() -> wasmtime::Result<()> {
    let memory = Rlimit { current: Some(COMPILE_MEMORY), maximum: Some(COMPILE_MEMORY) };
    setrlimit(Resource::As, memory)?;
    // At the soft limit the kernel sends SIGXCPU, which the parent can recognize. At the hard limit it sends SIGKILL,
    // which can also have other causes, so the hard limit is a few seconds higher.
    setrlimit(Resource::Cpu, Rlimit { current: Some(COMPILE_TIME), maximum: Some(COMPILE_TIME + 5) })?;
    let mut wasm = Vec::new();
    io::stdin().lock().take(MAX_WASM_SIZE).read_to_end(&mut wasm)?;
    // The outer errors only name the location in the compiler.
    let cause = |error: wasmtime::Error| wasmtime::Error::msg(error.root_cause().to_string());
    let compiled = engine::compiler()?.precompile_component(&wasm).map_err(cause)?;
    io::stdout().lock().write_all(&compiled)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_compiler_without_open_files_names_the_remedy() {
        let why = not_started("a", &io::Error::from_raw_os_error(24)).to_string();
        assert!(why.contains("(os error 24); raise the open-file limit with `ulimit -n`"), "{why}");
        assert!(why.ends_with("; when that is fixed, type /plugins reload a"), "{why}");
    }
}
