//! Tests unusual input lines, and standard streams that are closed at startup, end early, or aren't read.

use std::{
    io::{Read, Write},
    process::{Child, ChildStdin, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};

use super::host::{Home, Host, QUICK, wait_until};

#[test]
fn empty_input_ends_silently() {
    let ended = Home::new("").run().end();
    assert_eq!((ended.code, ended.out.as_str()), (Some(0), ""), "{}", ended.err);
}

#[test]
fn closed_streams_end_the_host() {
    let home = Home::new("");
    let mut command = home.program("sh");
    let closed = command.args(["-c", "exec \"$@\" <&- >&- 2>&-", "sh"]).arg(super::host::CORDBOARD);
    let status = closed.args(["run", "--chat", "console"]).args(home.places()).status().unwrap();
    assert_eq!(status.code(), Some(0));
}

#[test]
fn unterminated_and_invalid_lines_are_still_messages() {
    let home = Home::new(QUICK);
    let mut command = home.program("sh");
    let lines = "printf '/new a\\n\\377\\376 is no UTF-8\\nlast' | \"$@\"";
    let command = command.args(["-c", lines, "sh", super::host::CORDBOARD, "run", "--chat", "console"]);
    let ended = Host::start(command.args(home.places())).end();
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    assert!(ended.out.contains(" is no UTF-8\n") && ended.out.ends_with("You said: last\n"), "{}", ended.out);
}

#[test]
fn an_oversized_line_is_refused_and_the_next_accepted() {
    let home = Home::new(QUICK);
    let mut host = home.run();
    host.exchange("/new a", "Session 'a' created.");
    host.say(&"x".repeat(2 << 20));
    host.hear("Not sent: the line is longer than ");
    host.exchange("short", "You said: short");
    assert_eq!(host.end().code, Some(0));
}

/// The reader exits early, like `| head -1`. The next host shows the output that was not read.
#[test]
fn closed_output_ends_the_host_and_loses_no_answer() {
    let home = Home::new(QUICK);
    let mut command = home.cordboard(&["run", "--chat", "console"]);
    let command = command.args(home.places()).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let say = |stdin: &mut ChildStdin, line: &str| {
        stdin.write_all(format!("{line}\n").as_bytes()).unwrap();
    };
    say(&mut stdin, "/new a");
    let mut stdout = child.stdout.take().unwrap();
    let mut first = vec![0; "Session 'a' created.\n".len()];
    stdout.read_exact(&mut first).unwrap();
    drop(stdout);
    say(&mut stdin, "who hears this?");
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    drop(stdin);
    let mut host = home.run();
    host.hear("You said: who hears this?");
    assert_eq!(host.end().code, Some(0));
}

/// A host whose output pipe is full because the reader stopped reading, like `| less` on its first page.
struct Stalled {
    child: Child,
    stdin: Option<ChildStdin>,
}

impl Stalled {
    /// Starts a host, and waits until its agent's answer exceeds the pipe capacity.
    fn flooded(home: &Home) -> Self {
        let mut command = home.cordboard(&["run", "--chat", "console"]);
        let command = command.args(home.places()).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut stdin = child.stdin.take();
        stdin.as_mut().unwrap().write_all(b"/new a\nflood 20000\n").unwrap();
        let stalled = Self { child, stdin };
        wait_until("the turn is over", || {
            let rows: serde_json::Value =
                serde_json::from_str(&home.ask("sessions", &["--json"]).out).unwrap_or_default();
            rows[0]["turns"] == 1 && rows[0]["phase"] == "idle"
        });
        // The view renders the answer only after the turn has ended.
        wait_until("the answer is stored", || {
            let posts = cordboard_store::read_only(&home.path("state")).unwrap().outbox;
            posts.iter().any(|post| post.reply.text.contains("line 20000"))
        });
        stalled
    }

    fn ended(&mut self) -> (Option<i32>, String) {
        let mut status = None;
        wait_until("the host ends", || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        let mut log = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut log).unwrap();
        (status.unwrap().code(), log)
    }
}

impl Drop for Stalled {
    fn drop(&mut self) {
        // If the test passed, the process has already ended.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[test]
fn unread_output_does_not_prevent_the_shutdown() {
    let home = Home::new(QUICK);
    let mut stalled = Stalled::flooded(&home);
    let pid = Pid::from_raw(i32::try_from(stalled.child.id()).unwrap()).unwrap();
    kill_process(pid, Signal::TERM).unwrap();
    let (code, log) = stalled.ended();
    assert_eq!(code, Some(0), "{log}");
    assert!(log.contains("standard output is not read: unread messages are shown at the next start"), "{log}");
    let mut host = home.run();
    host.hear("line 20000\n");
    assert_eq!(host.end().code, Some(0));
}

#[test]
fn unread_answers_are_reported_at_the_end_of_input() {
    let home = Home::new(&format!("{QUICK}[console]\ndrain = \"3s\"\n"));
    let mut stalled = Stalled::flooded(&home);
    drop(stalled.stdin.take());
    let (code, log) = stalled.ended();
    assert_eq!(code, Some(1), "{log}");
    let message = "the input ended, and after 3s some messages had not been read from standard output: ";
    assert!(log.contains(message), "{log}");
}

#[test]
fn an_unread_table_is_not_a_failure() {
    let home = Home::new("");
    for subcommand in ["check", "sessions", "plugins"] {
        let mut command = home.cordboard(&[subcommand]);
        let command = command.args(home.places()).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!((output.status.code(), errors.as_ref()), (Some(0), ""), "{subcommand}");
    }
}
