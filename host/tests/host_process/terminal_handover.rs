//! Tests `cordboard attach` and `cordboard adopt`. The test agent logs each process's start and end, so the tests can
//! check that a conversation never has two processes at once.

use std::{
    fs,
    io::Write,
    process::{Child, ChildStdin, Command, Output, Stdio},
};

use super::support::{Home, until};

/// An agent that can run on pipes and in a terminal. Each of its processes appends a line to `$LOG` when it starts and
/// when it ends. In a terminal, it starts another conversation if it reads `clear`, and answers any other line.
const AGENT: &str = r#"
mode=terminal; id=none; settings=
for arg in "$@"; do
  case "$arg" in
    -p) mode=pipes ;;
    --resume=*) id=${arg#*=} ;;
    --session-id=*) id=${arg#*=} ;;
    --settings=*) settings=${arg#*=} ;;
  esac
done
say "$mode starts $id" >> "$LOG"
hook() {
  command=${settings#*'"command":"'}; command=${command%%'"}'*}
  say '{"session_id":"'$id'","hook_event_name":"Stop"}' | PATH=/usr/bin:/bin /bin/sh -c "$command"
}
while read -r line; do
  case "$mode $line" in
    'terminal clear') id=cleared ;;
    'terminal '*) say "terminal answers $line"; hook ;;
    *'"initialize"'*) say '{"type":"control_response","response":{"subtype":"success","request_id":"cordboard-0","response":{}}}' ;;
    *'"type":"user"'*)
      uuid=${line#*'"uuid":"'}; uuid=${uuid%%'"'*}
      say '{"type":"user","isReplay":true,"uuid":"'$uuid'","message":{"content":[]}}'
      # A resume notice is shown only if the plugin returns it before the answer ends.
      sleep 0.3
      say '{"type":"assistant","session_id":"'$id'","message":{"id":"m-'$uuid'","content":[{"type":"text","text":"answered in '$id'"}]}}'
      say '{"type":"result","subtype":"success","session_id":"'$id'","user_message_uuids":["'$uuid'"]}' ;;
  esac
done
say "$mode ends $id" >> "$LOG"
"#;

fn home() -> Home {
    let home = Home::new();
    let log = home.path("starts");
    let command = home.script("agent", &format!("LOG={log:?}\n{AGENT}"));
    let agents = home.path("agent-home");
    home.configure(&format!(
        "[agents]\ndefault = \"few\"\n[agents.few]\nkind = \"claude\"\ncommand = {command:?}\nenv = {{ HOME = {agents:?} }}\n"
    ));
    home
}

fn command(home: &Home, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cordboard"));
    command.args(arguments).arg("--state").arg(home.state()).stdin(Stdio::piped()).stdout(Stdio::piped());
    command
}

pub fn run(home: &Home, arguments: &[&str]) -> Output {
    command(home, arguments).output().unwrap()
}

#[track_caller]
pub fn refused(home: &Home, arguments: &[&str], why: &str) {
    let output = run(home, arguments);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert_eq!(String::from_utf8(output.stderr).unwrap(), format!("cordboard: {why}\n"));
}

/// A `cordboard attach` process, which is killed when the test ends.
struct Terminal {
    child: Child,
    input: Option<ChildStdin>,
}

impl Terminal {
    fn open(home: &Home, session: &str) -> Self {
        let mut child = command(home, &["attach", session]).spawn().unwrap();
        Self { input: child.stdin.take(), child }
    }

    fn say(&mut self, line: &str) {
        self.input.as_mut().unwrap().write_all(format!("{line}\n").as_bytes()).unwrap();
    }

    fn exit(mut self) {
        drop(self.input.take());
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // The process may have ended already.
        let _: std::io::Result<()> = self.child.kill();
        let _: std::io::Result<std::process::ExitStatus> = self.child.wait();
    }
}

fn starts(home: &Home) -> Vec<String> {
    let log = fs::read_to_string(home.path("starts")).unwrap_or_default();
    log.lines().map(str::to_owned).collect()
}

fn await_start(home: &Home, line: &str, count: usize) {
    until(line, || starts(home).iter().filter(|started| started.starts_with(line)).count() == count);
}

/// Checks that each of a conversation's processes exits before the next one starts.
#[track_caller]
fn assert_one_writer(home: &Home) {
    let lines = starts(home);
    for pair in lines.chunks(2) {
        let modes: Vec<_> = pair.iter().map(|line| line.split_once(' ').unwrap().0).collect();
        assert!(pair[0].contains(" starts "), "{lines:?}");
        assert!(pair.get(1).is_none_or(|end| end.contains(" ends ") && modes[0] == modes[1]), "{lines:?}");
    }
}

const WAITS: &str = "Session 'a' is open in a terminal. Your message waits until the terminal is closed.";

#[test]
fn a_terminal_takes_the_conversation_and_gives_it_back() {
    let home = home();
    let mut host = home.start();
    host.ask("/new a", "Session 'a' created.");
    host.say("hello");
    let shown = host.expect("\n");
    let id = shown.trim().strip_prefix("answered in ").unwrap().to_owned();
    host.await_phase("a", "idle");

    let mut terminal = Terminal::open(&home, "a");
    await_start(&home, &format!("terminal starts {id}"), 1);
    terminal.say("one");
    host.ask("are you there?", WAITS);
    let held = host.session("a");
    assert_eq!((&held["phase"], &held["queued"]), (&"suspended".into(), &1.into()), "{held}");
    assert_eq!(held["terminal"], terminal.child.id());
    assert!(home.printed(&["sessions"]).contains("  terminal  "));
    let busy = "Session 'a' is open in a terminal. Exit the agent there first.";
    refused(&home, &["attach", "a"], busy);
    host.ask("/fresh", busy);
    terminal.exit();
    host.reads(&format!("Resuming session...\nanswered in {id}"));
    assert_one_writer(&home);
    assert_eq!(host.end().1, Some(0));
}

#[test]
fn a_conversation_that_a_terminal_switched_to_is_continued() {
    let home = home();
    let mut host = home.start();
    host.ask("/new a", "Session 'a' created.");
    host.await_phase("a", "idle");
    // The session has no conversation yet.
    let mut terminal = Terminal::open(&home, "a");
    await_start(&home, "terminal starts ", 1);
    for line in ["one", "clear", "two"] {
        terminal.say(line);
    }
    terminal.exit();
    until("the session is released", || host.session("a")["terminal"].is_null());
    host.ask("hello", "Resuming session...\nanswered in cleared");
    assert_one_writer(&home);
}

#[test]
fn a_terminal_outlives_a_killed_host() {
    let home = home();
    let mut host = home.start();
    host.ask("/new a", "Session 'a' created.");
    host.await_phase("a", "idle");
    let mut terminal = Terminal::open(&home, "a");
    await_start(&home, "terminal starts ", 1);
    terminal.say("one");
    host.ask("first", WAITS);
    host.kill();

    let mut host = home.start();
    host.reads(WAITS);
    host.say("second");
    until("both messages wait", || host.session("a")["queued"] == 2);
    terminal.say("two");
    terminal.exit();
    host.expect("answered in ");
    host.expect("answered in ");
    assert_one_writer(&home);
    host.kill();

    // If a terminal exits while no host is running, the next host doesn't treat the session as open in a terminal.
    let mut host = home.start();
    host.say("/timeout");
    host.expect("Usage: ");
    let terminal = Terminal::open(&home, "a");
    await_start(&home, "terminal starts ", 2);
    host.signal(rustix::process::Signal::TERM);
    assert_eq!(host.wait().code(), Some(0));
    drop(terminal);
    let mut host = home.start();
    host.say("third");
    host.expect("answered in ");
}

#[test]
fn a_killed_terminal_releases_the_session() {
    let home = home();
    let mut host = home.start();
    host.ask("/new a", "Session 'a' created.");
    host.await_phase("a", "idle");
    let terminal = Terminal::open(&home, "a");
    await_start(&home, "terminal starts ", 1);
    host.ask("hello", WAITS);
    drop(terminal);
    host.expect("answered in ");
}

#[test]
fn attach_explains_its_refusals() {
    let home = home();
    let state = home.state();
    let output = run(&home, &["attach", "a"]);
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    assert_eq!(
        String::from_utf8(output.stderr).unwrap(),
        format!(
            "cordboard: no host is running on {}: start one with `cordboard run`, or specify the state directory of a running host with --state\n",
            state.display()
        ),
    );
    let mut host = home.start();
    host.ask("/new a", "Session 'a' created.");
    refused(&home, &["attach", "b"], "Session 'b' doesn't exist. Use /new to create it.");
    home.configure("");
    host.expect_logged("configuration changed");
    refused(&home, &["attach", "a"], "Unknown agent 'few'. Known: claude, demo.");
}

#[test]
fn a_conversation_from_a_terminal_is_adopted() {
    let home = home();
    let project = home.path("project");
    let transcripts = home.path("agent-home/.claude/projects/-project");
    fs::create_dir_all(&transcripts).unwrap();
    fs::write(transcripts.join("c-1.jsonl"), format!("{{\"type\":\"user\",\"cwd\":{project:?}}}\n")).unwrap();
    let mut host = home.start();
    until("the host answers", || home.state().join("control.sock").exists());
    refused(
        &home,
        &["adopt", "c-1", "a"],
        &format!("{} is not a folder: name the folder of the conversation with --folder", project.display()),
    );
    fs::create_dir(&project).unwrap();
    let output = run(&home, &["adopt", "c-1", "a"]);
    assert_eq!(
        String::from_utf8(output.stdout).unwrap(),
        format!(
            "Session 'a' created with agent 'few' in {}. Exit the agent in the terminal, then use /session a in the chat.\n",
            project.display()
        )
    );
    refused(
        &home,
        &["adopt", "c-1", "b"],
        "conversation c-1 is already the conversation of session 'a': use that session",
    );
    let projects = home.path("agent-home/.claude/projects");
    refused(
        &home,
        &["adopt", "c-2", "b"],
        &format!(
            "no transcript of conversation c-2 is below {}: check the id, or name its folder with --folder",
            projects.display()
        ),
    );
    host.ask("/session a", "Switched to session 'a'.");
    host.ask("hello", "answered in c-1");
    assert_eq!(starts(&home), ["pipes starts c-1"]);
    assert_eq!(host.session("a")["folder"], project.display().to_string());
}
