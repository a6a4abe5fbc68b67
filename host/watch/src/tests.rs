//! Tests the watcher with real files. Most tests wait on the channel with a long deadline. To prove that a change is
//! *not* reported, a test makes another change and checks that it receives only that one.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::Write,
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
};

use tokio::time::{Instant, sleep_until};

use super::{
    watch_loop::{SETTLE, SETTLE_AT_MOST},
    *,
};

mod worlds;

/// The maximum wait for a change, which is reached only if the watcher hangs.
const DEADLINE: Duration = Duration::from_secs(60);

/// A rescan interval longer than any test, so that changes can only be found through events.
const NEVER: Duration = Duration::from_secs(3600);

struct Fixture {
    root: tempfile::TempDir,
    _watcher: Watcher,
    changes: mpsc::Receiver<Change>,
    rescan: live::Sender<Duration>,
}

impl Fixture {
    /// Watches `config.toml` and `plugins/` in a folder that `prepare` has filled.
    fn new(prepare: impl Fn(&Path)) -> Self {
        Self::start(prepare, OsWatcher::new())
    }

    fn start(prepare: impl Fn(&Path), os_watcher: OsWatcher) -> Self {
        let root = tempfile::tempdir().unwrap();
        prepare(root.path());
        let rescan = live::Sender::new(NEVER);
        let watched = watched(root.path(), &rescan);
        let (watcher, changes) = super::start(watched, os_watcher).unwrap();
        Self { root, _watcher: watcher, changes, rescan }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    fn rename_over(&self, name: &str, text: &str) {
        let temporary = self.path(name).with_extension("tmp");
        fs::write(&temporary, text).unwrap();
        fs::rename(temporary, self.path(name)).unwrap();
    }

    async fn until(&mut self, wanted: Change) {
        while self.next().await != wanted {}
    }

    async fn next(&mut self) -> Change {
        tokio::time::timeout(DEADLINE, self.changes.recv()).await.expect("a change").expect("a watch")
    }

    /// Returns the next change that isn't in `passed`, the list of changes that may be reported but don't have to be.
    async fn next_but(&mut self, passed: &[Change]) -> Change {
        loop {
            let next = self.next().await;
            if !passed.contains(&next) {
                return next;
            }
        }
    }
}

fn watched(root: &Path, rescan: &live::Sender<Duration>) -> WatchOptions {
    let path = root.join("config.toml");
    let bytes = fs::read(&path).unwrap_or_default();
    let plugins = Some(root.join("plugins"));
    WatchOptions { config: Some(ConfigFile { path, bytes }), plugins, rescan: rescan.subscribe() }
}

fn no_watch() -> OsWatcher {
    OsWatcher::with_init(|| Err(io::Error::other("none left")))
}

fn filled(root: &Path) {
    fs::create_dir(root.join("plugins")).unwrap();
    fs::write(root.join("plugins/a.wasm"), "a1").unwrap();
    fs::write(root.join("config.toml"), "x = 1").unwrap();
}

fn config(text: &str) -> Change {
    Change::Config(ConfigRead::Text(text.to_owned()))
}

fn plugin(name: &str, text: &str) -> Change {
    let digest = read::Digest::of(text.as_bytes()).to_hex();
    Change::Plugin { name: name.to_owned(), content: PluginContent { digest, wasm: text.into() } }
}

fn gone(name: &str) -> Change {
    Change::PluginGone { name: name.to_owned() }
}

#[tokio::test]
async fn a_save_by_rename_is_reported_and_existing_files_are_not() {
    let mut fixture = Fixture::new(filled);
    fixture.rename_over("plugins/a.wasm", "a2");
    assert_eq!(fixture.next().await, plugin("a", "a2"));
    fixture.rename_over("config.toml", "x = 2");
    assert_eq!(fixture.next().await, config("x = 2"));
    fixture.rename_over("plugins/a.wasm", "a3");
    assert_eq!(fixture.next().await, plugin("a", "a3"));
}

#[tokio::test]
async fn half_a_file_is_never_reported() {
    let mut fixture = Fixture::new(filled);
    let mut file = File::create(fixture.path("plugins/b.wasm")).unwrap();
    file.write_all(b"first half, ").unwrap();
    file.flush().unwrap();
    tokio::time::sleep(SETTLE * 4).await;
    file.write_all(b"second half").unwrap();
    drop(file);
    assert_eq!(fixture.next().await, plugin("b", "first half, second half"));
}

#[tokio::test]
async fn an_unchanged_save_is_not_reported() {
    let mut fixture = Fixture::new(filled);
    fixture.write("plugins/a.wasm", "a1");
    fixture.rename_over("config.toml", "x = 1");
    tokio::time::sleep(SETTLE * 4).await;
    fixture.write("plugins/z.wasm", "z1");
    assert_eq!(fixture.next().await, plugin("z", "z1"));
}

#[tokio::test]
async fn a_deleted_file_is_reported_and_may_return() {
    let mut fixture = Fixture::new(filled);
    fs::remove_file(fixture.path("plugins/a.wasm")).unwrap();
    assert_eq!(fixture.next().await, gone("a"));
    fixture.write("plugins/a.wasm", "a1");
    assert_eq!(fixture.next().await, plugin("a", "a1"));
    fs::remove_file(fixture.path("config.toml")).unwrap();
    assert_eq!(fixture.next().await, Change::Config(ConfigRead::Missing));
    fixture.write("config.toml", "x = 1");
    assert_eq!(fixture.next().await, config("x = 1"));
}

#[tokio::test]
async fn a_slow_receiver_gets_the_last_change_of_a_burst() {
    let mut fixture = Fixture::new(filled);
    // The first change fills the channel; the others wait in the queue, where newer ones replace them.
    fixture.write("plugins/blocker.wasm", "0");
    while fixture.changes.is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    for version in 0..5 {
        fixture.write("plugins/a.wasm", &format!("version {version}"));
        fixture.write("plugins/b.wasm", &format!("version {version}"));
        tokio::time::sleep(SETTLE * 2).await;
    }
    fixture.write("config.toml", "x = 9");
    tokio::time::sleep(SETTLE * 4).await;
    assert_eq!(fixture.next().await, plugin("blocker", "0"));
    let mut rest = Vec::new();
    for last in [config("x = 9"), plugin("a", "version 4"), plugin("b", "version 4")] {
        while !rest.contains(&last) {
            rest.push(fixture.next().await);
        }
    }
}

#[tokio::test]
async fn a_missing_folder_is_watched_once_it_is_created() {
    let mut fixture = Fixture::new(|root| fs::write(root.join("config.toml"), "x = 1").unwrap());
    fs::create_dir(fixture.path("plugins")).unwrap();
    fixture.rename_over("plugins/a.wasm", "a1");
    assert_eq!(fixture.next().await, plugin("a", "a1"));
    fixture.rename_over("plugins/a.wasm", "a2");
    assert_eq!(fixture.next().await, plugin("a", "a2"));
}

#[tokio::test]
async fn a_replaced_folder_reports_only_the_differences() {
    let mut fixture = Fixture::new(|root| {
        filled(root);
        fs::write(root.join("plugins/same.wasm"), "same").unwrap();
    });
    fs::create_dir(fixture.path("new")).unwrap();
    fixture.write("new/a.wasm", "a2");
    fixture.write("new/same.wasm", "same");
    fs::rename(fixture.path("plugins"), fixture.path("old")).unwrap();
    fs::rename(fixture.path("new"), fixture.path("plugins")).unwrap();
    // If two scans run between the two renames, they report all plugins as gone, and the next scan reports the new
    // folder's plugins.
    let anew = plugin("same", "same");
    let between = [gone("a"), gone("same"), anew.clone()];
    assert_eq!(fixture.next_but(&between).await, plugin("a", "a2"));
    fixture.write("plugins/a.wasm", "a3");
    assert_eq!(fixture.next_but(&between).await, plugin("a", "a3"), "the new folder is watched");
    fs::remove_dir_all(fixture.path("plugins")).unwrap();
    let mut lost = vec![gone("a"), gone("same")];
    while !lost.is_empty() {
        let next = fixture.next_but(std::slice::from_ref(&anew)).await;
        let at = lost.iter().position(|change| *change == next).unwrap_or_else(|| panic!("{next:?}"));
        lost.remove(at);
    }
    fs::create_dir(fixture.path("plugins")).unwrap();
    fixture.rename_over("plugins/a.wasm", "a3");
    assert_eq!(fixture.next().await, plugin("a", "a3"));
}

#[tokio::test]
async fn a_retargeted_symlink_is_followed() {
    let mut fixture = Fixture::new(|root| {
        fs::create_dir_all(root.join("plugins")).unwrap();
        fs::create_dir_all(root.join("one")).unwrap();
        fs::create_dir_all(root.join("two")).unwrap();
        fs::write(root.join("one/config.toml"), "x = 1").unwrap();
        fs::write(root.join("two/config.toml"), "x = 2").unwrap();
        symlink("one", root.join("data")).unwrap();
        symlink("data/config.toml", root.join("config.toml")).unwrap();
    });
    symlink("two", fixture.path("new")).unwrap();
    fs::rename(fixture.path("new"), fixture.path("data")).unwrap();
    assert_eq!(fixture.next().await, config("x = 2"));
    fixture.write("two/config.toml", "x = 3");
    assert_eq!(fixture.next().await, config("x = 3"), "the target of the link is watched");
}

#[tokio::test]
async fn without_os_events_the_rescan_interval_applies() {
    let mut fixture = Fixture::start(filled, no_watch());
    fixture.rename_over("plugins/a.wasm", "a2");
    fixture.rescan.send_replace(Duration::from_millis(50));
    assert_eq!(fixture.next().await, plugin("a", "a2"));
    fixture.rename_over("config.toml", "x = 2");
    assert_eq!(fixture.next().await, config("x = 2"));
}

#[tokio::test]
async fn sending_the_same_interval_again_requests_a_scan() {
    let mut fixture = Fixture::start(filled, no_watch());
    let began = std::time::Instant::now();
    fixture.rename_over("plugins/a.wasm", "a2");
    fixture.rescan.send_modify(|_| {});
    assert_eq!(fixture.next().await, plugin("a", "a2"));
    // Without events, the next scan would be due after 10 s.
    assert!(began.elapsed() < Duration::from_secs(8));
}

#[tokio::test]
async fn a_recreated_folder_is_watched() {
    let mut fixture = Fixture::new(filled);
    for text in ["a2", "a3", "a4"] {
        // The file system may reuse the inode of the old folder.
        fs::remove_dir_all(fixture.path("plugins")).unwrap();
        fs::create_dir(fixture.path("plugins")).unwrap();
        fixture.write("plugins/a.wasm", text);
        while fixture.next().await != plugin("a", text) {}
        let later = format!("{text}, saved later");
        fixture.write("plugins/a.wasm", &later);
        assert_eq!(fixture.next().await, plugin("a", &later));
    }
}

#[tokio::test]
async fn folders_moved_away_and_back_are_watched() {
    let mut fixture = Fixture::new(|root| {
        fs::create_dir_all(root.join("up/down")).unwrap();
        filled(&root.join("up/down"));
        for name in ["plugins", "config.toml"] {
            symlink(format!("up/down/{name}"), root.join(name)).unwrap();
        }
    });
    for (round, folder) in ["up/down/plugins", "up/down", "up", "plugins"].into_iter().enumerate() {
        fs::rename(fixture.path(folder), fixture.path("away")).unwrap();
        fs::rename(fixture.path("away"), fixture.path(folder)).unwrap();
        // Wait for a scan after both moves. If scans run between the moves, they may report files as gone, and a later
        // scan reports these files again.
        fixture.write("config.toml", &format!("x = {round}0"));
        fixture.until(config(&format!("x = {round}0"))).await;
        let text = format!("a, round {round}");
        fixture.write("up/down/plugins/a.wasm", &text);
        fixture.until(plugin("a", &text)).await;
    }
}

#[tokio::test]
async fn a_configuration_saved_after_the_first_read_is_a_change() {
    let root = tempfile::tempdir().unwrap();
    filled(root.path());
    let mut watched = watched(root.path(), &live::Sender::new(NEVER));
    fs::write(root.path().join("config.toml"), "x = 2").unwrap();
    let (_watcher, mut changes) = start(watched.clone(), OsWatcher::new()).unwrap();
    assert_eq!(changes.recv().await, Some(config("x = 2")));
    fs::remove_file(root.path().join("config.toml")).unwrap();
    watched.plugins = None;
    let (_watcher, mut changes) = start(watched, OsWatcher::new()).unwrap();
    assert_eq!(changes.recv().await, Some(Change::Config(ConfigRead::Missing)));
}

#[tokio::test]
async fn unusable_files_are_reported_once_with_the_reason() {
    let mut fixture = Fixture::new(|root| {
        filled(root);
        fs::write(root.join("plugins/Not A Name.wasm"), "x").unwrap();
    });
    let Change::PluginUnreadable { name, error } = fixture.next().await else { panic!("no fault") };
    assert_eq!((name.as_str(), error), ("Not A Name", FileError::InvalidName));
    File::create(fixture.path("large")).unwrap().set_len((64 << 20) + 1).unwrap();
    fs::rename(fixture.path("large"), fixture.path("plugins/large.wasm")).unwrap();
    let large = Change::PluginUnreadable { name: "large".into(), error: FileError::TooLarge { limit: 64 << 20 } };
    assert_eq!(fixture.next().await, large);
    fs::write(fixture.path("config.toml"), b"\xff").unwrap();
    let fault = Change::Config(ConfigRead::Unreadable("line 1 is not UTF-8 text".into()));
    assert_eq!(fixture.next().await, fault);
    fs::set_permissions(fixture.path("config.toml"), fs::Permissions::from_mode(0o666)).unwrap();
    let Change::Config(ConfigRead::Unreadable(why)) = fixture.next().await else { panic!("no fault") };
    assert!(why.contains("chmod go-w"), "{why}");
}

#[tokio::test]
async fn a_folder_writable_by_others_is_refused_or_skipped() {
    let mut fixture = Fixture::new(filled);
    let plugins = fixture.path("plugins");
    fs::set_permissions(&plugins, fs::Permissions::from_mode(0o777)).unwrap();
    let again =
        watch(WatchOptions { config: None, plugins: Some(plugins.clone()), rescan: fixture.rescan.subscribe() });
    assert!(matches!(again, Err(WatchError::Writable { .. })));
    let Change::Folder { fault: Some(why) } = fixture.next().await else { panic!("no fault") };
    assert!(why.starts_with("use ") && why.ends_with(&format!("run `chmod go-w {}`", plugins.display())), "{why}");
    fixture.write("plugins/a.wasm", "planted");
    fixture.write("config.toml", "x = 2");
    assert_eq!(fixture.next().await, config("x = 2"), "the configuration is still scanned");
    fs::remove_file(fixture.path("plugins/a.wasm")).unwrap();
    for text in ["x = 3", "x = 4", "x = 5"] {
        fixture.write("config.toml", text);
        assert_eq!(fixture.next().await, config(text), "nothing is reported as removed");
    }
    fixture.write("plugins/a.wasm", "honest");
    fs::set_permissions(&plugins, fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(fixture.next().await, Change::Folder { fault: None });
    assert_eq!(fixture.next().await, plugin("a", "honest"));
}

#[tokio::test]
async fn dropping_the_watcher_ends_the_changes() {
    let Fixture { _watcher: watcher, mut changes, root: _root, rescan: _rescan } = Fixture::new(filled);
    drop(watcher);
    assert_eq!(tokio::time::timeout(DEADLINE, changes.recv()).await.expect("an end"), None);
}

#[test]
fn read_folder_rejects_the_same_files_as_a_scan() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["a", "A b", "open"] {
        fs::write(folder.path().join(name).with_extension("wasm"), name).unwrap();
    }
    fs::set_permissions(folder.path().join("open.wasm"), fs::Permissions::from_mode(0o666)).unwrap();
    symlink("nowhere", folder.path().join("lost.wasm")).unwrap();
    fs::create_dir(folder.path().join("folder.wasm")).unwrap();
    let read = read_folder(folder.path())
        .unwrap()
        .into_iter()
        .map(|file| (file.name, file.content.map(|content| content.wasm)));
    let read: BTreeMap<_, _> = read.collect();
    assert_eq!(read["a"], Ok(b"a".to_vec()));
    assert!(read["A b"].as_ref().unwrap_err().to_string().starts_with("name the file with"), "{read:?}");
    assert!(read["open"].as_ref().unwrap_err().to_string().contains("chmod go-w"), "{read:?}");
    assert!(read["lost"].as_ref().unwrap_err().to_string().contains("link to nowhere"), "{read:?}");
    assert!(read["folder"].is_err() && read.len() == 5, "{read:?}");
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
    assert!(read_folder(folder.path()).is_err());
}
