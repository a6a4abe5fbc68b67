//! The bot libraries that the host is compared with. Each runs an echo bot from `host/benches/peers`. Their packages
//! are fetched once, with pinned versions, into the user's cache folder.

use std::{
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// The argument that includes the peers in the benchmark. Without it, the benchmark needs no network access.
pub const FLAG: &str = "--peers";

pub struct Peer {
    /// The package and its version, in the registry's syntax.
    pub package: &'static str,
    script: &'static str,
    registry: Registry,
}

#[derive(Clone, Copy)]
enum Registry {
    Npm,
    PyPi,
}

/// The peer whose own share sets the target for the host's share.
pub const GRAMMY: &str = "grammy@1.46.0";

pub const PEERS: [Peer; 4] = [
    Peer { package: GRAMMY, script: "grammy_bot.js", registry: Registry::Npm },
    Peer { package: "telegraf@4.16.3", script: "telegraf_bot.js", registry: Registry::Npm },
    Peer { package: "aiogram==3.31.0", script: "aiogram_bot.py", registry: Registry::PyPi },
    Peer { package: "python-telegram-bot==22.8", script: "python_telegram_bot.py", registry: Registry::PyPi },
];

pub fn are_wanted() -> bool {
    std::env::args().any(|argument| argument == FLAG)
}

impl Peer {
    /// Returns a command that runs the bot. The caller must append the Bot API's URL and the token as arguments.
    /// Fetches the packages if they aren't in the cache.
    ///
    /// # Errors
    /// Returns the reason if the packages can't be fetched.
    pub fn command(&self) -> Result<Command, String> {
        let folder = cache()?.join(format!("bench-{}", self.package));
        if !folder.exists() {
            eprintln!("fetching {}", self.package);
            self.fetch(&folder)?;
        }
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/peers").join(self.script);
        let mut command = match self.registry {
            Registry::Npm => {
                let mut node = Command::new("node");
                node.env("NODE_PATH", folder.join("node_modules"));
                node
            }
            Registry::PyPi => Command::new(folder.join("bin/python")),
        };
        command.arg(script).env("NO_PROXY", "127.0.0.1").stdin(Stdio::null()).stdout(Stdio::null());
        Ok(command)
    }

    /// Installs the packages. If this fails, removes the folder.
    fn fetch(&self, folder: &Path) -> Result<(), String> {
        let fetched = match self.registry {
            Registry::Npm => self.fetch_from_npm(folder),
            Registry::PyPi => self.fetch_from_pypi(folder),
        };
        if fetched.is_err() {
            drop(fs::remove_dir_all(folder));
        }
        fetched.map_err(|why| format!("{} can't be fetched: {why}", self.package))
    }

    fn fetch_from_npm(&self, folder: &Path) -> Result<(), String> {
        let io = |error: io::Error| error.to_string();
        fs::create_dir_all(folder).map_err(io)?;
        fs::write(folder.join("package.json"), r#"{"private": true}"#).map_err(io)?;
        let mut npm = Command::new("npm");
        npm.args(["install", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", self.package]);
        run(npm.current_dir(folder))
    }

    fn fetch_from_pypi(&self, folder: &Path) -> Result<(), String> {
        run(Command::new("python3").args(["-m", "venv"]).arg(folder))?;
        let mut pip = Command::new(folder.join("bin/python"));
        run(pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", self.package]))
    }
}

/// Returns the cache folder, which `.ci/run` shares.
fn cache() -> Result<PathBuf, String> {
    let of = |name: &str| std::env::var_os(name).filter(|value: &OsString| !value.is_empty()).map(PathBuf::from);
    let cache = of("XDG_CACHE_HOME").or_else(|| of("HOME").map(|home| home.join(".cache")));
    Ok(cache.ok_or("neither XDG_CACHE_HOME nor HOME is set")?.join("cordboard"))
}

fn run(command: &mut Command) -> Result<(), String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let ended = command.stdin(Stdio::null()).stdout(Stdio::null()).status();
    match ended {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{program} failed ({status}); see its output above")),
        Err(error) => Err(format!("couldn't start {program}: {error}")),
    }
}
