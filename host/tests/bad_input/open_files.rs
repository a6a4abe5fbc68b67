//! Tests a host that reaches its limit of open files while it runs: it says what to do, keeps its sessions, and recovers
//! when the limit is raised.

use std::fs;

use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};

use super::host::{CORDBOARD, Home, Host, QUICK, plugin, wait_until};

/// More sessions than a host with 64 open files can run.
const SESSIONS: usize = 40;

/// Creates sessions until an agent can't be started. Returns the number of that session.
fn exhaust(host: &mut Host) -> usize {
    for number in 0..SESSIONS {
        host.say(&format!("/new s{number}"));
        host.say(&format!("hello {number}"));
        let answer = format!("You said: hello {number}\n");
        let failure = format!("The agent of session 's{number}' could not be started: ");
        wait_until("the session answers or fails", || {
            let shown = host.shown();
            shown.contains(&answer) || shown.contains(&failure)
        });
        if host.shown().contains(&failure) {
            return number;
        }
    }
    panic!("{SESSIONS} sessions don't reach the limit")
}

#[test]
fn a_host_with_64_open_files_says_what_to_do_and_recovers() {
    let home = Home::new(QUICK);
    home.install("echo");
    let mut command = home.program("sh");
    command.args(["-c", "ulimit -S -n 64; exec \"$@\"", "sh", CORDBOARD, "run", "--chat", "console"]);
    let mut host = Host::start(command.args(home.places()));
    host.exchange("/echo hello", "v1: hello");
    let last = exhaust(&mut host);
    assert!(last > 0, "{}", host.shown());
    host.hear(&format!("The agent of session 's{last}' could not be started: "));
    host.hear("(os error 24); raise the open-file limit with `ulimit -n` or with LimitNOFILE= in the systemd unit");
    host.hear("Your messages are kept. Use /retry to try again.");
    // Sessions and plugins that run already aren't affected.
    host.exchange("/session s0", "Switched to session 's0'.");
    host.exchange("still there?", "You said: still there?");
    host.exchange("/echo hello", "v1: hello");
    // Changes that the host can't read now are not lost.
    home.configure(&format!("[sessions]\nidle_timeout = \"7m\"\n{QUICK}"));
    fs::write(home.path("plugins/echo.wasm"), plugin("echo_v2")).unwrap();
    let pid = Pid::from_raw(host.pid());
    let limit = Rlimit { current: Some(1024), maximum: getrlimit(Resource::Nofile).maximum };
    prlimit(pid, Resource::Nofile, limit).unwrap();
    host.hear("Plugin 'echo' is active: generation 2, ");
    host.ask_until("/timeout", "Idle timeout: 7 minutes");
    host.exchange(&format!("/session s{last}"), &format!("Switched to session 's{last}'."));
    host.say("/retry");
    host.hear(&format!("You said: hello {last}\n"));
    let ended = host.end();
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    assert!(!ended.err.contains("panicked"), "{}", ended.err);
}
