//! Standard input and output that are not there, end at once, or end early.

use std::{io::Read, process::Stdio};

use super::board::{Board, Host, QUICK};

#[test]
fn input_that_ends_at_once_is_a_quiet_end() {
    let ended = Board::new("").run().end();
    assert_eq!((ended.code, ended.out.as_str()), (Some(0), ""), "{}", ended.err);
}

#[test]
fn closed_streams_are_an_end_too() {
    let board = Board::new("");
    let mut command = board.program("sh");
    let closed = command.args(["-c", "exec \"$@\" <&- >&- 2>&-", "sh"]).arg(super::board::CORDBOARD);
    let status = closed.args(["run", "--chat", "console"]).args(board.places()).status().unwrap();
    assert_eq!(status.code(), Some(0));
}

#[test]
fn a_last_line_without_its_end_and_one_that_is_no_text_are_messages_all_the_same() {
    let board = Board::new(QUICK);
    let mut command = board.program("sh");
    let lines = "printf '/new a\\n\\377\\376 is no UTF-8\\nlast' | \"$@\"";
    let command = command.args(["-c", lines, "sh", super::board::CORDBOARD, "run", "--chat", "console"]);
    let ended = Host::start(command.args(board.places())).end();
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    assert!(ended.out.contains(" is no UTF-8\n") && ended.out.ends_with("You said: last\n"), "{}", ended.out);
}

#[test]
fn a_line_past_every_bound_is_refused_and_the_next_one_heard() {
    let board = Board::new(QUICK);
    let mut host = board.run();
    host.exchange("/new a", "Session 'a' created.");
    host.say(&"x".repeat(2 << 20));
    host.hear("A line was longer than ");
    host.exchange("short", "You said: short");
    assert_eq!(host.end().code, Some(0));
}

/// As `| head -1`: what nobody has read is shown to the next reader.
#[test]
fn output_that_is_closed_early_ends_the_host_and_loses_no_answer() {
    let board = Board::new(QUICK);
    let mut command = board.cordboard(&["run", "--chat", "console"]);
    let command = command.args(board.places()).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let say = |stdin: &mut std::process::ChildStdin, line: &str| {
        std::io::Write::write_all(stdin, format!("{line}\n").as_bytes()).unwrap();
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
    let mut host = board.run();
    host.hear("You said: who hears this?");
    assert_eq!(host.end().code, Some(0));
}

#[test]
fn a_table_that_nobody_reads_is_no_failure() {
    let board = Board::new("");
    for subcommand in ["check", "sessions", "plugins"] {
        let mut command = board.cordboard(&[subcommand]);
        let command = command.args(board.places()).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!((output.status.code(), said.as_ref()), (Some(0), ""), "{subcommand}");
    }
}
