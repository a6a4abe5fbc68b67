//! Tests the commands for scripts: `cordboard send`, `stop`, `suspend` and `archive`.

use std::{
    io::Write,
    process::{Child, Command, Output, Stdio},
};

use rustix::process::{Pid, Signal};
use serde_json::Value;

use super::{
    support::{CREATED, ENGLISH, Home, until},
    turns::minimal_agent,
};

/// The line that the chat shows for the prompt "hello".
const ANNOUNCEMENT: &str = "From a script, to session 'a': “hello”";

fn command(home: &Home, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cordboard"));
    command.args(arguments).arg("--state").arg(home.state()).envs([ENGLISH]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn run(home: &Home, arguments: &[&str]) -> Output {
    command(home, arguments).output().unwrap()
}

/// Returns the exit code, standard output and standard error.
fn code_and_output(output: Output) -> (Option<i32>, String, String) {
    (output.status.code(), String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
}

#[track_caller]
fn assert_exit(home: &Home, arguments: &[&str], code: i32, error: &str) {
    let ended = code_and_output(run(home, arguments));
    assert_eq!(ended, (Some(code), String::new(), format!("cordboard: {error}\n")), "{arguments:?}");
}

/// Starts the command without waiting for it to exit.
fn spawn(home: &Home, arguments: &[&str]) -> Child {
    command(home, arguments).spawn().unwrap()
}

#[test]
fn a_script_gets_the_answer_that_the_chat_shows() {
    let home = Home::new();
    let mut host = home.start();
    host.ask("/new a", CREATED);
    let sent = code_and_output(run(&home, &["send", "--session", "a", "--wait", "hello"]));
    assert_eq!(sent, (Some(0), "You said: hello\n".to_owned(), String::new()));
    host.reads(&format!("{ANNOUNCEMENT}\nYou said: hello"));
    // Text that looks like a command is a prompt.
    let sent = code_and_output(run(&home, &["send", "--session", "a", "--wait", "//compact /stop"]));
    assert_eq!(sent, (Some(0), "You said: //compact /stop\n".to_owned(), String::new()));
    host.expect("You said: //compact /stop\n");
    let mut script = spawn(&home, &["send", "--session", "a", "--wait", "--json", "-"]);
    script.stdin.take().unwrap().write_all("two\nlines\n".as_bytes()).unwrap();
    let (code, json, error) = code_and_output(script.wait_with_output().unwrap());
    assert_eq!((code, error.as_str()), (Some(0), ""));
    let answer: Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&answer["session"], &answer["outcome"]), (&"a".into(), &"answered".into()));
    assert_eq!(answer["answer"], "You said: two\nlines");
    assert!(answer["prompt"].as_str().is_some_and(|id| id.len() == 36), "{answer}");
    host.expect("From a script, to session 'a': “two…”\n");
    let (code, json, _) = code_and_output(run(&home, &["send", "--session", "a", "--json", "no wait"]));
    let accepted: Value = serde_json::from_str(&json).unwrap();
    assert_eq!((code, &accepted["session"], &accepted["outcome"]), (Some(0), &"a".into(), &Value::Null));
    host.expect("You said: no wait\n");
    assert_eq!(host.end().1, Some(0));
}

#[test]
fn an_accepted_prompt_survives_a_kill() {
    let home = Home::new();
    let mut host = home.start();
    host.ask("/new a", CREATED);
    host.ask("slow 100000", "line 1");
    let sent = run(&home, &["send", "--session", "a", "hello"]);
    host.kill();
    assert_eq!(code_and_output(sent), (Some(0), String::new(), String::new()));
    let mut host = home.start();
    // The host may have been killed before it showed the announcement.
    host.expect("You said: hello\n");
    assert_eq!(host.chat().matches("You said: hello").count(), 1);
}

#[test]
fn a_script_learns_that_the_host_was_killed() {
    let home = Home::new();
    let mut host = home.start();
    host.ask("/new a", CREATED);
    let script = spawn(&home, &["send", "--session", "a", "--wait", "slow 100000"]);
    host.expect("line 1\n");
    host.kill();
    let (code, answer, error) = code_and_output(script.wait_with_output().unwrap());
    assert_eq!((code, answer.as_str()), (Some(3), ""));
    assert!(error.starts_with("cordboard: the host stopped before session 'a' answered; "), "{error}");
}

#[test]
fn a_script_that_stops_waiting_leaves_the_turn_running() {
    let home = Home::new();
    let mut host = home.start();
    host.ask("/new a", CREATED);
    let script = spawn(&home, &["send", "--session", "a", "--wait", "slow 100000"]);
    host.expect("line 2\n");
    let pid = Pid::from_raw(i32::try_from(script.id()).unwrap()).unwrap();
    rustix::process::kill_process(pid, Signal::INT).unwrap();
    let interrupted = code_and_output(script.wait_with_output().unwrap());
    let error =
        "cordboard: stopped waiting; the agent of session 'a' keeps working, and its answer will appear in the chat\n"
            .to_owned();
    assert_eq!(interrupted, (Some(130), String::new(), error));
    assert_exit(
        &home,
        &["send", "--session", "a", "--wait", "--timeout", "200ms", "hello"],
        124,
        "session 'a' has not answered within 200ms; the agent keeps working, and its answer will appear in the chat",
    );
    host.expect("line ");
    assert_eq!(host.session("a")["phase"], "busy");
    assert_eq!(code_and_output(run(&home, &["stop", "a"])).1, "Session 'a' is being interrupted.\n");
    host.expect_all(&["Stopped.\n", "You said: hello\n"]);
}

#[test]
fn a_failed_turn_fails_the_script() {
    let home = Home::new();
    let mut host = home.start();
    host.ask("/new a", CREATED);
    let (code, answer, error) = code_and_output(run(&home, &["send", "--session", "a", "--wait", "crash"]));
    assert_eq!((code, answer.as_str()), (Some(1), "I am about to \n"), "the incomplete answer is printed");
    assert_eq!(error, "cordboard: session 'a' did not answer: Incomplete: the agent exited.\n");
    let (code, json, _) = code_and_output(run(&home, &["send", "--session", "a", "--wait", "--json", "crash"]));
    let answer: Value = serde_json::from_str(&json).unwrap();
    assert_eq!((code, &answer["outcome"]), (Some(1), &"failed".into()));
    assert_eq!(answer["why"], "Incomplete: the agent exited.");
}

#[test]
fn stopping_the_turn_in_the_chat_fails_the_script() {
    let home = minimal_agent("half");
    let mut host = home.start();
    host.ask("/new a", CREATED);
    let script = spawn(&home, &["send", "--session", "a", "--wait", "go on"]);
    host.expect("go on”\n");
    host.await_phase("a", "busy");
    host.say("/stop");
    let (code, _, error) = code_and_output(script.wait_with_output().unwrap());
    assert_eq!((code, error.as_str()), (Some(1), "cordboard: session 'a' did not answer: Stopped.\n"));
}

#[test]
fn a_script_learns_that_the_agent_waits_for_a_user() {
    let home = Home::new();
    let mut host = home.start();
    host.ask("/new a", CREATED);
    let mut script = spawn(&home, &["send", "--session", "a", "--wait", "run make clean"]);
    host.expect("[Always allow…] /permissions always #1\n");
    let mut notice = String::new();
    let mut error = std::io::BufReader::new(script.stderr.take().unwrap());
    std::io::BufRead::read_line(&mut error, &mut notice).unwrap();
    assert!(notice.starts_with("cordboard: session 'a' waits for an answer to question #1: "), "{notice}");
    host.say("/allow");
    let (code, answer, _) = code_and_output(script.wait_with_output().unwrap());
    assert_eq!(code, Some(0), "{answer}");
}

#[test]
fn refused_prompts_are_explained_and_not_stored() {
    let home = Home::with("[sessions]\nqueue = 1");
    let no_host = format!(
        "no host is running on {}: start one with `cordboard run`, or specify the state directory of a running host with --state",
        home.state().display()
    );
    for arguments in [&["send", "--session", "a", "x"][..], &["stop", "a"], &["suspend", "a"], &["archive", "a"]] {
        assert_exit(&home, arguments, 3, &no_host);
    }
    let mut host = home.start();
    host.ask("/new alpha", "Session 'alpha' created.");
    let unknown = "session 'alpah' doesn't exist; did you mean 'alpha'? `cordboard sessions` lists the sessions";
    for arguments in [&["send", "--session", "alpah", "x"][..], &["stop", "alpah"], &["archive", "alpah"]] {
        assert_exit(&home, arguments, 1, unknown);
    }
    assert_exit(
        &home,
        &["send", "--session", "alpha", " "],
        2,
        "the prompt is empty: give a text, or use - to read it from standard input",
    );
    for arguments in [&["send", "--session", "a b", "x"][..], &["send", "--session", "alpha", "--timeout", "5s", "x"]] {
        assert_eq!(run(&home, arguments).status.code(), Some(2), "{arguments:?}");
    }
    host.ask("slow 100000", "line 1");
    host.say("queued");
    until("the message waits", || host.session("alpha")["queued"] == 1);
    let full = "Not accepted: 1 message is already queued for session 'alpha'. Send this one again when it is answered, or use /stop all to drop it.\n“more”";
    assert_exit(&home, &["send", "--session", "alpha", "more"], 1, full);
    assert_exit(&home, &["suspend", "alpha"], 1, "Session 'alpha' is busy. Use /stop first.");
    assert_exit(&home, &["archive", "alpha"], 1, "Session 'alpha' is busy. Use /stop first.");
    assert_eq!(code_and_output(run(&home, &["stop", "alpha"])).0, Some(0));
    host.expect("You said: queued\n");
    host.await_phase("alpha", "idle");
    assert_exit(&home, &["stop", "alpha"], 1, "Nothing is running.");
    assert!(!host.chat().contains("You said: more"), "{}", host.chat());
}

#[test]
fn scripts_suspend_and_archive_sessions() {
    let home = Home::new();
    let mut host = home.start();
    host.ask("/new a", CREATED);
    host.await_phase("a", "idle");
    let (code, json, _) = code_and_output(run(&home, &["suspend", "a", "--json"]));
    let row: Value = serde_json::from_str(&json).unwrap();
    assert_eq!((code, &row["name"]), (Some(0), &"a".into()));
    host.await_phase("a", "suspended");
    assert_eq!(
        code_and_output(run(&home, &["archive", "a"])),
        (Some(0), "Session 'a' archived.\n".to_owned(), String::new())
    );
    assert_exit(&home, &["send", "--session", "a", "x"], 1, "Session 'a' is archived. Use /restore a.");
    host.ask("hello", "No active session. Use /new to start one.");
}

#[test]
fn filters_apply_to_prompts_from_scripts() {
    let home =
        Home::with("[plugins]\nfilters = [\"filter\"]\n[plugins.filter]\ngrants = [\"attachments\", \"sessions\"]\n");
    home.plug_bytes("filter", include_bytes!("../fixtures/0.2.4/filter.wasm"));
    let mut host = home.start();
    host.ask("/new a", CREATED);
    let sent = code_and_output(run(&home, &["send", "--session", "a", "--wait", "replace"]));
    assert_eq!(sent, (Some(0), "You said: replaced\n".to_owned(), String::new()));
    host.expect_all(&["“replace”\n", "A *notice*\n", "You said: replaced\n"]);
    let (code, _, error) = code_and_output(run(&home, &["send", "--session", "a", "--wait", "secret"]));
    assert_eq!(code, Some(1));
    assert!(error.starts_with("cordboard: Not sent to the agent: ") && error.contains("\"secret\""), "{error}");
    assert!(!host.chat().contains("“secret”"), "a refused prompt is not announced: {}", host.chat());
}
