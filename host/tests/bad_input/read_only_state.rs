//! Tests a state directory on a file system that is mounted read-only.

use super::host::{CORDBOARD, Ended, Home, QUICK, finish};

/// Runs a subcommand while the state directory is mounted read-only.
fn run(home: &Home, args: &[&str]) -> Ended {
    let script =
        "mount --bind \"$1\" \"$1\" && mount -o remount,bind,ro \"$1\" || exit 77; shift; exec \"$@\" </dev/null";
    let mut command = home.unshare();
    command.args(["sh", "-c", script, "sh"]).arg(home.path("state")).arg(CORDBOARD).args(args);
    finish(command.args(home.places()))
}

#[test]
fn a_read_only_state_directory_is_named_with_the_remedy() {
    let home = Home::new(QUICK);
    if !home.can_mount() {
        return;
    }
    let refused = format!(
        "cordboard: failed to use state directory {}: its file system is mounted read-only; mount it writable, or copy \
         the directory and name the copy with --state\n",
        home.path("state").display()
    );
    let ended = run(&home, &["run", "--chat", "console"]);
    assert_eq!((ended.code, ended.err.as_str()), (Some(1), refused.as_str()), "never used");
    assert_eq!(home.talk(&["/new a", "hello"]).code, Some(0));
    for args in [&["run", "--chat", "console"][..], &["sessions"], &["outbox"]] {
        let ended = run(&home, args);
        assert_eq!((ended.code, ended.err.as_str()), (Some(1), refused.as_str()), "{args:?}");
    }
    assert_eq!(home.talk(&["/session a"]).out, "Switched to session 'a'.\n");
}
