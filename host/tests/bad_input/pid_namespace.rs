//! Tests a host whose process group was created outside its pid namespace and therefore has no id there, as happens
//! when a container is entered from outside.

use super::host::{CORDBOARD, Home, Host, QUICK};

#[test]
fn agents_run_and_end_in_a_pid_namespace() {
    let home = Home::new(QUICK);
    let unshare = || {
        let mut command = home.program("unshare");
        command.args(if rustix::process::geteuid().is_root() { ["-m"].as_slice() } else { &["-rm"] });
        command.args(["--pid", "--fork", "--mount-proc"]);
        command
    };
    if !unshare().arg("true").output().is_ok_and(|output| output.status.success()) {
        return eprintln!("skipped: this system does not let its users create a pid namespace");
    }
    let mut host = Host::start(unshare().args([CORDBOARD, "run", "--chat", "console"]).args(home.places()));
    host.exchange("/new a", "Session 'a' created.");
    host.exchange("children", "I left process ");
    host.exchange("/suspend", "Session 'a' suspended.");
    host.exchange("hello", "You said: hello");
    let ended = host.end();
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    assert!(!ended.err.contains("panicked"), "{}", ended.err);
}
