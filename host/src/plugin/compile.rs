//! From wasm to code that runs: compiled in a child process with bounds, kept in a cache that no plugin can reach.
//!
//! The child is this very binary. What a compiler takes (360 MB for a Python plugin), and a bug of it, stay out of the host.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    io::{self, Read, Write},
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use rustix::process::{Resource, Rlimit, Signal, setrlimit};
use sha2::{Digest, Sha256};
use tokio::{io::AsyncWriteExt, process::Command};
use wasmtime::component::Component;

use super::{
    cache::Cache,
    engine::{self, SharedEngine},
    generation::Artifact,
    refusal::Refused,
};

/// The hidden subcommand that compiles standard input to standard output.
pub const COMPILE: &str = "compile-plugin";

/// This very binary, even where a newer one has taken its place on disk meanwhile.
pub const THIS_PROGRAM: &str = "/proc/self/exe";

/// The longest compilation, in seconds of the processor: a Python plugin of 18 MB takes 6. The clock is not what counts, since a machine
/// that is busy is no fault of the plugin's.
const COMPILE_TIME: u64 = 120;

/// When a compiler is given up that gets no processor.
const COMPILE_WAIT: Duration = Duration::from_secs(30 * 60);

/// The address space of the compiling child, in bytes: a Python plugin takes 420 MB.
const COMPILE_MEMORY: u64 = 4 << 30;

/// The largest wasm that is looked at, in bytes: a Python plugin has 18 MB.
pub const LARGEST_WASM: u64 = 64 << 20;

pub struct Compiler {
    engine: SharedEngine,
    cache: Cache,
    /// The binary that knows `compile-plugin`.
    program: PathBuf,
    /// What an artifact must agree with to be loaded.
    compatibility: u64,
}

impl Compiler {
    /// The folder of the cache is made where it is absent.
    pub fn new(engine: SharedEngine, cache: Cache, program: PathBuf) -> io::Result<Self> {
        cache.make().map_err(|error| {
            let what = "the folder of compiled plugins";
            let text = format!(
                "{what}, {}, cannot be made: {error}; name another state directory with --state",
                cache.folder().display()
            );
            io::Error::new(error.kind(), text)
        })?;
        let mut hasher = DefaultHasher::new();
        engine.engine().precompile_compatibility_hash().hash(&mut hasher);
        env!("CARGO_PKG_VERSION").hash(&mut hasher);
        Ok(Self { engine, cache, program, compatibility: hasher.finish() })
    }

    /// The artifact of `wasm`, out of the cache where it was compiled before.
    pub async fn artifact(&self, name: &str, digest: String, wasm: &[u8]) -> Result<Artifact, Refused> {
        if let Some(artifact) = self.cached(name, &digest) {
            return Ok(artifact);
        }
        sniff(wasm)?;
        let compiled = self.compile(wasm).await?;
        let component = match self.cache.store(&self.key(&digest), &compiled) {
            Ok(path) => self.open(&path),
            Err(error) => {
                let cache = self.cache.folder().display();
                tracing::warn!(plugin = name, %cache, %error, "failed to store a compiled plugin: it is used from memory and compiled again at the next start; free some space");
                self.open_bytes(&compiled)
            }
        };
        let component = component.ok_or_else(|| Refused::Compile("the artifact cannot be opened".to_owned()))?;
        Ok(Artifact { name: name.to_owned(), digest, component })
    }

    /// The artifact of a digest, if it is in the cache: nobody need then read the wasm.
    pub fn cached(&self, name: &str, digest: &str) -> Option<Artifact> {
        let component = self.open(&self.cache.find(&self.key(digest))?)?;
        Some(Artifact { name: name.to_owned(), digest: digest.to_owned(), component })
    }

    fn key(&self, digest: &str) -> String {
        format!("{digest}-{:016x}.cwasm", self.compatibility)
    }

    fn open(&self, path: &Path) -> Option<Component> {
        #[expect(
            unsafe_code,
            reason = "the cache lies in the state directory, which its owner alone can write, and only `artifact` does"
        )]
        let opened = unsafe { Component::deserialize_file(self.engine.engine(), path) };
        opened.inspect_err(|error| tracing::warn!(%error, "a cached artifact is of no use: compiling again")).ok()
    }

    /// Without a file to map it takes its size in memory.
    fn open_bytes(&self, compiled: &[u8]) -> Option<Component> {
        #[expect(unsafe_code, reason = "this binary's own compiler has just made it")]
        let opened = unsafe { Component::deserialize(self.engine.engine(), compiled) };
        opened.inspect_err(|error| tracing::warn!(%error, "a compiled plugin is of no use")).ok()
    }

    async fn compile(&self, wasm: &[u8]) -> Result<Vec<u8>, Refused> {
        let failed = |error: io::Error| Refused::Compile(format!("the compiler could not be run: {error}"));
        let mut child = Command::new(&self.program)
            .arg(COMPILE)
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(failed)?;
        let mut stdin = child.stdin.take().expect("stdin is piped");
        // A child that stops reading says why on stderr, so a broken pipe here is no news.
        let feeding = async move { drop(stdin.write_all(wasm).await) };
        let both = async { tokio::join!(child.wait_with_output(), feeding).0 };
        let waited = tokio::time::timeout(COMPILE_WAIT, both).await;
        let output = waited
            .map_err(|_| Refused::Compile(format!("it took more than {} minutes", COMPILE_WAIT.as_secs() / 60)))?
            .map_err(failed)?;
        if output.status.signal() == Some(Signal::XCPU.as_raw()) {
            return Err(Refused::Compile(format!("it took more than {COMPILE_TIME} s of the processor")));
        }
        if output.status.success() {
            return Ok(output.stdout);
        }
        let said = String::from_utf8_lossy(&output.stderr);
        let why = said.trim();
        let why = why.strip_prefix("cordboard: ").unwrap_or(why);
        Err(Refused::Compile(if why.is_empty() { output.status.to_string() } else { super::call::foreign(why) }))
    }
}

pub fn digest(wasm: &[u8]) -> String {
    Sha256::digest(wasm).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Tells the common mistakes apart before a compiler is started.
fn sniff(wasm: &[u8]) -> Result<(), Refused> {
    match wasm.get(..8) {
        Some([0x00, b'a', b's', b'm', 0x0d, 0x00, 0x01, 0x00]) => Ok(()),
        Some([0x00, b'a', b's', b'm', 0x01, 0x00, 0x00, 0x00]) => Err(Refused::CoreModule),
        Some(_) | None => Err(Refused::NotWasm),
    }
}

/// The child's side: wasm on standard input, the artifact on standard output.
pub fn compile_stdin() -> wasmtime::Result<()> {
    let bound = |most| Rlimit { current: Some(most), maximum: Some(most) };
    setrlimit(Resource::As, bound(COMPILE_MEMORY))?;
    // The signal that says why comes at the first of the two, and at the second one that does not.
    setrlimit(Resource::Cpu, Rlimit { current: Some(COMPILE_TIME), maximum: Some(COMPILE_TIME + 5) })?;
    let mut wasm = Vec::new();
    io::stdin().lock().take(LARGEST_WASM).read_to_end(&mut wasm)?;
    let compiled = engine::compiler()?.precompile_component(&wasm)?;
    io::stdout().lock().write_all(&compiled)?;
    Ok(())
}
