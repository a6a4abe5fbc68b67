//! Tests a configuration and a plugin folder behind a symbolic link that is retargeted again and again, as deployment
//! tools do.

use std::{
    fs::{self, DirBuilder},
    os::unix::fs::{DirBuilderExt, symlink},
};

use super::{
    host::{Home, plugin, wait_until},
    resource_use::ResourceUse,
};

const RETARGETS: usize = 1000;

/// Creates a folder with a configuration and a version of the plugin `echo`.
fn deploy(home: &Home, name: &str, minutes: u32, version: &str) {
    let folder = home.path(name);
    DirBuilder::new().mode(0o700).create(&folder).unwrap();
    DirBuilder::new().mode(0o700).create(folder.join("plugins")).unwrap();
    let config = format!("[sessions]\nidle_timeout = \"{minutes}m\"\n[agents.demo]\nargs = [\"--pace-ms=20\"]\n");
    fs::write(folder.join("config.toml"), config).unwrap();
    fs::write(folder.join("plugins/echo.wasm"), plugin(version)).unwrap();
}

fn retarget(home: &Home, name: &str) {
    symlink(name, home.path("next")).unwrap();
    fs::rename(home.path("next"), home.path("current")).unwrap();
}

#[test]
fn a_thousand_retargets_lose_no_change_and_leave_no_watch() {
    let home = Home::new("");
    deploy(&home, "one", 7, "echo");
    deploy(&home, "two", 8, "echo_v2");
    deploy(&home, "last", 9, "counter");
    retarget(&home, "one");
    fs::remove_file(home.path("config.toml")).unwrap();
    fs::remove_dir(home.path("plugins")).unwrap();
    for name in ["config.toml", "plugins"] {
        symlink(format!("current/{name}"), home.path(name)).unwrap();
    }
    let mut host = home.run();
    host.exchange("/new a", "Session 'a' created.");
    host.exchange("/echo hello", "v1: hello");
    host.exchange("/timeout", "Idle timeout: 7 minutes");
    // The second version is compiled and the watches are in place before the resources are counted.
    retarget(&home, "two");
    host.hear("Plugin 'echo' is active: generation 2, ");
    host.ask_until("/timeout", "Idle timeout: 8 minutes");
    let used = || ResourceUse::of(u32::try_from(host.pid()).unwrap());
    let before = used();
    for number in 0..RETARGETS {
        retarget(&home, ["one", "two"][number % 2]);
    }
    retarget(&home, "last");
    wait_until("no more watches and files are open than before", || {
        let now = used();
        now.watches == before.watches && now.files <= before.files
    });
    let mut asked = 0;
    wait_until("the last target is active", || {
        asked += 1;
        host.say("/count");
        host.say("/timeout");
        host.exchange(&format!("message {asked}"), &format!("You said: message {asked}\n"));
        let shown = host.shown();
        shown.contains("Counted to 1.") && shown.contains("Idle timeout: 9 minutes")
    });
    let ended = host.end();
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    for wrong in ["can't be used", "is missing", "is empty", "was rejected", "was removed"] {
        assert!(!ended.out.contains(wrong), "{wrong}: {}", ended.out);
    }
}
