//! Tests full disks: the host keeps running, says what to do, loses no data, and resumes pending work once space is
//! available.

use std::{fs, io::Write, process::Command, thread, time::Duration};

use super::host::{CORDBOARD, Home, Host, QUICK, compiled};

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

/// Returns a command that runs its arguments in a new mount namespace. Without root, it also creates a user namespace.
fn unshare(home: &Home) -> Command {
    let mut command = home.program("unshare");
    command.arg(if rustix::process::geteuid().is_root() { "-m" } else { "-rm" });
    command
}

fn has_disks(home: &Home) -> bool {
    let mut command = unshare(home);
    let tried = command.args(["sh", "-c", "mount -t tmpfs -o size=1m tmpfs /mnt"]).output();
    tried.is_ok_and(|output| output.status.success())
}

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
    if !has_disks(home) {
        eprintln!("skipped: this system does not let its users mount a tmpfs of their own");
        return None;
    }
    let orders = home.path("orders");
    assert!(Command::new("mkfifo").arg(&orders).status().unwrap().success());
    let mut command = unshare(home);
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
    if !has_disks(&home) {
        return eprintln!("skipped: this system does not let its users mount a tmpfs of their own");
    }
    let mut command = unshare(&home);
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
    let pid = rustix::process::Pid::from_raw(host.pid());
    let unlimited = rustix::process::Rlimit { current: None, maximum: None };
    rustix::process::prlimit(pid, rustix::process::Resource::Fsize, unlimited).unwrap();
    host.hear("You said: for a small disk");
    let ended = host.end();
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    assert_eq!(ended.out.matches("You said: too much").count(), 1);
}
