//! Tests full disks: the host keeps running, says what to do, loses no data, and resumes pending work once space is
//! available.

use std::{fs, io::Write, process::Command, thread, time::Duration};

use rustix::process::{Pid, Resource, Rlimit, prlimit};

use super::host::{CORDBOARD, Home, Host, QUICK, compiled, finish, plugin, wait_until};

/// A script that mounts a 2 MiB tmpfs as the state directory and then runs the host. On request, a background process
/// fills the tmpfs or frees space in it.
const SMALL_DISK: &str = r#"
state=$1 cache=$2 orders=$3
mount -t tmpfs -o size=2m,mode=700 tmpfs "$state" && ln -s "$cache" "$state/cache" || exit 77
shift 3
(while read -r order; do
    case $order in
        fill) cat /dev/zero >"$state/filler" ;;
        free) rm "$state/filler" ;;
    esac
    : >"$orders.done"
done <"$orders") </dev/null >/dev/null 2>&1 &
exec "$@"
"#;

/// A script that mounts a tmpfs as the cache, too small for any compiled plugin, and then runs the host.
const NO_CACHE: &str = r#"
mount -t tmpfs -o size=8m,mode=700 tmpfs "$1" && mkdir "$1/cache" || exit 77
mount -t tmpfs -o size=16k,mode=700 tmpfs "$1/cache" || exit 77
shift
exec "$@"
"#;

struct Disk {
    orders: fs::File,
    done: std::path::PathBuf,
}

impl Disk {
    fn order(&mut self, order: &str) {
        writeln!(self.orders, "{order}").unwrap();
        while !self.done.exists() {
            thread::sleep(Duration::from_millis(5));
        }
        fs::remove_file(&self.done).unwrap();
    }
}

/// Starts a host whose state directory is on a 2 MiB disk. Returns `None` if this system doesn't let users mount a
/// tmpfs.
fn on_small_disk(home: &Home) -> Option<(Host, Disk)> {
    if !home.can_mount() {
        return None;
    }
    let orders = home.path("orders");
    assert!(Command::new("mkfifo").arg(&orders).status().unwrap().success());
    let mut command = home.unshare();
    command.args(["sh", "-c", SMALL_DISK, "sh"]).arg(home.path("state")).arg(compiled()).arg(&orders);
    let host = Host::start(command.args([CORDBOARD, "run", "--chat", "console"]).args(home.places()));
    let done = home.path("orders.done");
    let orders = fs::OpenOptions::new().write(true).open(&orders).unwrap();
    Some((host, Disk { orders, done }))
}

#[test]
fn input_on_a_full_disk_is_accepted_once_there_is_space() {
    let home = Home::new(QUICK);
    let Some((mut host, mut disk)) = on_small_disk(&home) else { return };
    host.exchange("/new a", "Session 'a' created.");
    host.exchange("hello", "You said: hello");
    disk.order("fill");
    host.say(&format!("on a full disk {}", "x".repeat(20_000)));
    host.hear("Not stored yet; trying again: store ");
    host.hear("the disk is full, so nothing was stored; free some space and try again");
    disk.order("free");
    host.hear("You said: on a full disk x");
    host.exchange("and on", "You said: and on");
    drop(disk);
    let ended = host.end();
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    assert_eq!(ended.out.matches("You said: on a full disk").count(), 1);
    assert_eq!(ended.out.matches("Not stored yet").count(), 1, "one notice");
}

#[test]
fn a_full_disk_at_the_start_excludes_no_plugin() {
    let home = Home::new(QUICK);
    if !home.can_mount() {
        return;
    }
    let mut command = home.unshare();
    command.args(["sh", "-c", NO_CACHE, "sh"]).arg(home.path("state"));
    let mut host = Host::start(command.args([CORDBOARD, "run", "--chat", "console"]).args(home.places()));
    host.log("failed to store a compiled plugin");
    host.exchange("/new a", "Session 'a' created.");
    host.exchange("hello", "You said: hello");
    assert_eq!(host.end().code, Some(0));
}

#[test]
fn an_answer_on_a_full_disk_is_shown_once_there_is_space() {
    let home = Home::new("[agents.demo]\nargs = [\"--pace-ms=300\"]\n");
    let Some((mut host, mut disk)) = on_small_disk(&home) else { return };
    host.exchange("/new a", "Session 'a' created.");
    host.exchange("slow 30", "line 1\n");
    disk.order("fill");
    host.log("failed to store posts");
    disk.order("free");
    host.hear("line 30\n");
    host.exchange("and on", "You said: and on");
    drop(disk);
    let ended = host.end();
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    let lines: String = (1..=30).map(|number| format!("line {number}\n")).collect();
    assert!(ended.out.contains(&lines), "{}", ended.out);
}

/// Makes all writes of a host to files fail, however small they are, or allows them again.
fn limit_writes(host: &Host, largest_file: Option<u64>) {
    let limit = Rlimit { current: largest_file, maximum: None };
    prlimit(Pid::from_raw(host.pid()), Resource::Fsize, limit).unwrap();
}

#[test]
fn a_reply_that_cannot_be_stored_is_shown_later() {
    let home = Home::new(&format!("[plugins.exceeds_limits]\ntime = \"2s\"\n{QUICK}"));
    home.install("exceeds_limits");
    let mut host = home.run();
    host.exchange("/ok", "ok\n");
    let before = host.cpu_time();
    host.say("/spin");
    // The plugin loops until its time is up, so the writes fail when the reply is stored.
    wait_until("the plugin runs", || host.cpu_time() > before + Duration::from_millis(50));
    limit_writes(&host, Some(0));
    host.log("so nothing was stored; check that the disk is healthy and writable");
    limit_writes(&host, None);
    host.hear("exceeded its time limit");
    host.exchange("/ok", "ok\n");
    let ended = host.end();
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    assert_eq!(ended.out.matches("exceeded its time limit").count(), 1, "{}", ended.out);
}

/// The agent waits for a file before it reads, so the writes fail when the host marks the prompt as sent.
#[test]
fn a_prompt_that_cannot_be_marked_as_sent_is_sent_later() {
    let home = Home::new("");
    let go = home.path("go").display().to_string();
    let run = format!("while [ ! -e {go} ]; do sleep 0.02; done\nexec {CORDBOARD} demo-agent --pace-ms=20 \"$@\"");
    home.configure(&format!("[agents.demo]\ncommand = {:?}\n", home.script("agent", &run)));
    let mut host = home.run();
    host.exchange("/new a", "Session 'a' created.");
    host.say("hello");
    home.wait_for("the waiting prompt", |session| session["queued"] == 1);
    limit_writes(&host, Some(0));
    fs::write(home.path("go"), "").unwrap();
    host.log("so nothing was stored; check that the disk is healthy and writable");
    limit_writes(&host, None);
    host.hear("You said: hello");
    host.exchange("and on", "You said: and on");
    let ended = host.end();
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    assert_eq!(ended.out.matches("You said: hello").count(), 1, "{}", ended.out);
}

#[test]
fn a_plugin_version_on_a_full_disk_is_stored_once_there_is_space() {
    let home = Home::new(QUICK);
    home.install("echo");
    let Some((mut host, mut disk)) = on_small_disk(&home) else { return };
    host.exchange("/echo hello", "v1: hello");
    disk.order("fill");
    fs::write(home.path("plugins/echo.wasm"), plugin("echo_v2")).unwrap();
    host.log("the disk is full, so nothing was stored; free some space and try again");
    disk.order("free");
    host.hear("Plugin 'echo' is active: generation 2, ");
    host.exchange("/echo hello", "v2: hello");
    drop(disk);
    assert_eq!(host.end().code, Some(0));
}

#[test]
fn a_backup_on_a_full_disk_leaves_no_file() {
    let home = Home::new(QUICK);
    if !home.can_mount() {
        return;
    }
    assert_eq!(home.talk(&["/new a"]).code, Some(0));
    fs::create_dir(home.path("backups")).unwrap();
    let script =
        "mount -t tmpfs -o size=16k,mode=700 tmpfs backups || exit 77; \"$@\"; code=$?; ls backups; exit $code";
    let mut command = home.unshare();
    command.args(["sh", "-c", script, "sh", CORDBOARD, "backup", "backups/one.db", "--state"]).arg(home.path("state"));
    let ended = finish(&mut command);
    assert_eq!((ended.code, ended.out.as_str()), (Some(1), ""), "{}", ended.err);
    assert!(ended.err.contains("the disk is full") && ended.err.contains("free some space"), "{}", ended.err);
}

/// A write past the file size limit fails like a write to a full disk, but the kernel also sends a signal that
/// terminates the process by default.
#[test]
fn a_file_size_limit_does_not_end_the_host() {
    let home = Home::new(QUICK);
    let mut command = home.program("sh");
    let limited = command.args(["-c", "ulimit -S -f 2000; exec \"$@\"", "sh", CORDBOARD, "run", "--chat", "console"]);
    let mut host = Host::start(limited.args(home.places()));
    host.exchange("/new a", "Session 'a' created.");
    host.say(&format!("too much {}", "x".repeat(900_000)));
    host.say(&format!("for a small disk {}", "x".repeat(900_000)));
    host.hear("Not stored yet; trying again: ");
    limit_writes(&host, None);
    host.hear("You said: for a small disk");
    let ended = host.end();
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    assert_eq!(ended.out.matches("You said: too much").count(), 1);
}
