//! Makes random changes to files and folders. After each quiet period, the watcher must have reported their current
//! state. The tests use tokio's paused clock, which advances only while all tasks are waiting, so machine speed doesn't
//! matter.

use std::collections::BTreeMap;

use super::*;

/// The seeds of the worlds. The time that tests may take limits the number of seeds and [`STEPS`].
const SEEDS: [u64; 8] = [1, 2, 3, 4, 5, 6, 7, 8];

/// The number of random changes in one world.
const STEPS: u32 = 250;

/// The watched files, either as known to the host or as on disk.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct View {
    config: Option<Content>,
    /// `None` if the folder is untrusted; the active plugins then stay active.
    plugins: Option<BTreeMap<String, Content>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Content {
    Text(String),
    Unreadable,
}

/// The watched files and their folders, and a folder that is not watched.
struct World {
    root: tempfile::TempDir,
    random: u64,
    /// Counts writes, so that each write has different content.
    written: u32,
    /// Files that are open for writing.
    open: Vec<File>,
}

const CONFIG: &str = "up/conf/config.toml";
const PLUGINS: &str = "up/plugins";
const FILES: [&str; 4] = [CONFIG, "up/plugins/a.wasm", "up/plugins/b.wasm", "up/plugins/c.wasm"];
const ELSEWHERE: [&str; 3] = ["else/a.wasm", "else/b.wasm", "else/other.toml"];
const FOLDERS: [&str; 3] = ["up", "up/conf", PLUGINS];

impl World {
    fn new(seed: u64) -> Self {
        let world = Self { root: tempfile::tempdir().unwrap(), random: seed, written: 0, open: Vec::new() };
        for folder in ["up/conf", PLUGINS, "else", "away"] {
            fs::create_dir_all(world.path(folder)).unwrap();
        }
        fs::write(world.path(CONFIG), "x = 0").unwrap();
        world
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// Returns a random number below `most`.
    fn random_below(&mut self, most: usize) -> usize {
        self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.random >> 33).unwrap() % most
    }

    fn one_of(&mut self, names: &[&str]) -> PathBuf {
        let at = self.random_below(names.len());
        self.path(names[at])
    }

    fn text(&mut self) -> String {
        self.written += 1;
        format!("{}", self.written)
    }

    /// Makes one random change. It may fail, for example if a file doesn't exist.
    fn step(&mut self) -> io::Result<()> {
        match self.random_below(16) {
            0..5 => {
                let (path, text) = (self.one_of(&FILES), self.text());
                fs::write(path, text)
            }
            5 => {
                let (from, to) = (self.one_of(&ELSEWHERE), self.one_of(&FILES));
                fs::write(&from, self.text())?;
                fs::rename(from, to)
            }
            6 => {
                let (from, to) = (self.one_of(&FILES), self.one_of(&FILES));
                fs::rename(from, to)
            }
            7 => fs::remove_file(self.one_of(&FILES)),
            8 => {
                let (path, text) = (self.one_of(&ELSEWHERE), self.text());
                fs::write(path, text)
            }
            9 => {
                let (target, path) = (self.one_of(&ELSEWHERE), self.one_of(&FILES));
                fs::remove_file(&path)?;
                if self.random_below(2) == 0 { symlink(target, path) } else { fs::hard_link(target, path) }
            }
            10 => {
                let (path, mode) = (self.one_of(&FILES), [0o644, 0o600, 0o666][self.random_below(3)]);
                fs::set_permissions(path, fs::Permissions::from_mode(mode))
            }
            11 => {
                let mode = [0o755, 0o755, 0o777][self.random_below(3)];
                fs::set_permissions(self.path(PLUGINS), fs::Permissions::from_mode(mode))
            }
            12 => {
                let mut file = File::create(self.one_of(&FILES))?;
                file.write_all(self.text().as_bytes())?;
                self.open.push(file);
                Ok(())
            }
            13 => self.open.drain(..).try_for_each(|mut file| file.write_all(b", the rest")),
            _ => self.move_folders(),
        }
    }

    fn move_folders(&mut self) -> io::Result<()> {
        let (folder, away) = (self.one_of(&FOLDERS), self.path("away/folder"));
        match self.random_below(6) {
            0 => fs::remove_dir_all(folder),
            1 => {
                fs::remove_dir_all(&folder)?;
                fs::create_dir_all(folder)
            }
            2 => {
                fs::rename(&folder, &away)?;
                fs::rename(away, folder)
            }
            3 => fs::rename(folder, away),
            4 => {
                fs::rename(&folder, &away)?;
                symlink(away, folder)
            }
            _ => {
                // Remove a link at the old path, if there is one.
                drop(fs::remove_file(&folder));
                fs::rename(away, folder)
            }
        }
    }

    /// Closes all files and recreates missing folders.
    fn rest(&mut self) {
        self.open.clear();
        for folder in FOLDERS {
            drop(fs::create_dir_all(self.path(folder)));
        }
    }

    fn view(&self) -> View {
        let is_trusted = |path: &Path| path.metadata().is_ok_and(|about| about.permissions().mode() & 0o022 == 0);
        let content = |path: &Path| match fs::read_to_string(path) {
            Ok(text) if is_trusted(path) => Content::Text(text),
            Ok(_) | Err(_) => Content::Unreadable,
        };
        let config = self.path(CONFIG);
        let config = config.exists().then(|| content(&config));
        let folder = self.path(PLUGINS);
        let files = fs::read_dir(&folder).into_iter().flatten().map(|entry| entry.unwrap().path());
        let files = files.filter(|path| path.extension().is_some_and(|kind| kind == "wasm"));
        let files = files.map(|path| (path.file_stem().unwrap().to_string_lossy().into_owned(), content(&path)));
        let plugins = (is_trusted(&folder) || !folder.exists()).then(|| files.collect());
        View { config, plugins }
    }
}

/// The state that the watcher has reported so far.
struct Reported {
    view: View,
    /// The known plugins, even while the folder is untrusted.
    plugins: BTreeMap<String, Content>,
}

impl Reported {
    fn on_change(&mut self, change: Change) {
        let content = |text: ConfigRead| match text {
            ConfigRead::Text(text) => Some(Content::Text(text)),
            ConfigRead::Missing => None,
            ConfigRead::Unreadable(_) => Some(Content::Unreadable),
        };
        match change {
            Change::Config(read) => self.view.config = content(read),
            Change::Folder { fault } => self.view.plugins = fault.is_none().then(BTreeMap::new),
            Change::Plugin { name, content } => {
                self.plugins.insert(name, Content::Text(String::from_utf8(content.wasm).unwrap()));
            }
            Change::PluginGone { name } => drop(self.plugins.remove(&name)),
            Change::PluginUnreadable { name, .. } => drop(self.plugins.insert(name, Content::Unreadable)),
        }
        if let Some(plugins) = &mut self.view.plugins {
            plugins.clone_from(&self.plugins);
        }
    }
}

/// Lets the watcher read the pending events before the paused clock advances.
async fn read_events() {
    for _ in 0..3 {
        tokio::task::yield_now().await;
    }
}

async fn run_world(seed: u64) {
    let mut world = World::new(seed);
    let rescan = live::Sender::new(NEVER);
    let config = ConfigFile { path: world.path(CONFIG), bytes: b"x = 0".to_vec() };
    let watched = WatchOptions { config: Some(config), plugins: Some(world.path(PLUGINS)), rescan: rescan.subscribe() };
    let (_watcher, mut changes) = start(watched, OsWatcher::new()).unwrap();
    let mut reported = Reported { view: world.view(), plugins: BTreeMap::new() };
    let mut settled = 0;
    for step in 0..STEPS {
        drop(world.step());
        read_events().await;
        match world.random_below(12) {
            0 => sleep_until(Instant::now() + SETTLE).await,
            1 | 2 => {
                world.rest();
                read_events().await;
                let (rests, wanted) = (Instant::now(), world.view());
                while reported.view != wanted {
                    let change = tokio::time::timeout_at(rests + SETTLE_AT_MOST, changes.recv()).await;
                    let Ok(Some(change)) = change else {
                        panic!("seed {seed}, step {step}: the files are {:?}, reported are {:?}", wanted, reported.view)
                    };
                    reported.on_change(change);
                }
                settled += 1;
            }
            _ => {}
        }
    }
    assert!(settled > STEPS / 10, "{settled}");
}

#[tokio::test(start_paused = true)]
async fn random_file_changes_end_in_the_current_files() {
    for seed in SEEDS {
        run_world(seed).await;
    }
}
