//! Tests agents that are missing, crash, print invalid output, don't answer or don't exit. In each case, the chat tells
//! the user what to do, and waiting prompts are answered once the agent is fixed.

use std::path::Path;

use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};

use super::host::{Home, QUICK};

/// Returns a configuration that sets the agent's command and a drain period of two seconds.
fn with_agent(command: &str) -> String {
    format!("[console]\ndrain = \"2s\"\n[agents.demo]\ncommand = \"{command}\"\n")
}

fn is_alive(pid: &str) -> bool {
    // A zombie has an empty environment.
    std::fs::read(Path::new("/proc").join(pid).join("environ")).is_ok_and(|environ| !environ.is_empty())
}

#[test]
fn a_missing_command_is_named_and_the_prompt_waits() {
    for (command, why) in [
        ("/nowhere/agent", "'/nowhere/agent': the file does not exist; set the program's full path in `command`"),
        ("no-such-agent", "'no-such-agent': "),
    ] {
        let home = Home::new(&with_agent(command));
        let mut host = home.run();
        host.exchange("/new a", "The agent of session 'a' could not be started: ");
        host.hear(why);
        host.say("are you there?");
        host.hear("Your messages are kept. Use /retry to try again.");
        home.configure(QUICK);
        host.log("configuration changed");
        host.exchange("/retry", "You said: are you there?");
        assert_eq!(host.end().code, Some(0));
    }
}

#[test]
fn too_many_open_files_at_a_start_name_the_remedy() {
    let home = Home::new(QUICK);
    let mut host = home.run();
    host.exchange("/sessions", "No sessions.");
    // The host already uses all file descriptors below this limit, so it can't open any more files.
    let few = Rlimit { current: Some(12), maximum: getrlimit(Resource::Nofile).maximum };
    let pid = Pid::from_raw(host.pid()).unwrap();
    let before = prlimit(Some(pid), Resource::Nofile, few).unwrap();
    host.exchange("/new a", "The agent of session 'a' could not be started: ");
    host.hear(
        "(os error 24); raise the open-file limit with `ulimit -n` or with LimitNOFILE= in the systemd unit\nYour",
    );
    prlimit(Some(pid), Resource::Nofile, before).unwrap();
    host.exchange("/retry", "Retrying in session 'a'.");
    assert_eq!(host.end().code, Some(0));
}

#[test]
fn an_unexecutable_command_is_named() {
    let home = Home::new("");
    home.configure(&with_agent(&home.path("config.toml").display().to_string()));
    let mut host = home.run();
    host.exchange("/new a", "The agent of session 'a' could not be started: ");
    host.hear("config.toml'");
    host.hear("Use /retry to try again.");
    // When the input ends, a session that is waiting for `/retry` doesn't delay the exit.
    assert_eq!(host.end().code, Some(0));
}

#[test]
fn a_prompt_of_a_failing_agent_is_named_and_answered_later() {
    let home = Home::new("");
    home.configure(&with_agent(&home.script("agent", "echo 'the licence has expired' >&2; exit 3")));
    let mut host = home.run();
    host.exchange("/new a", "Session 'a' created.\n");
    host.say("are you there?");
    // Wait for this output before closing the input, because the host exits at most two seconds (`drain`) after its
    // input ends.
    host.hear("The agent of session 'a' did not start: ");
    home.wait_for("one waiting message", |session| session["queued"] == 1);
    let ended = host.end();
    assert_eq!(ended.code, Some(1));
    let shown = "The agent of session 'a' did not start: it exited (exit code 3): the licence has expired\n";
    assert_eq!(ended.out.matches(shown).count(), 1, "{}", ended.out);
    assert!(ended.out.contains("Check command and args in [agents.demo]."), "{}", ended.out);
    assert!(
        ended.err.contains("cordboard: the input ended, and these were still open after 2s: a (starting, 1 waiting)"),
        "{}",
        ended.err
    );
    home.configure(QUICK);
    let mut host = home.run();
    host.hear("You said: are you there?");
    assert_eq!(host.end().code, Some(0));
}

#[test]
fn the_last_output_of_an_agent_is_shown_literally() {
    let home = Home::new("");
    let agent = home.script("agent", r"echo '__init__: no `\d+` in *.py' >&2; exit 3");
    home.configure(&with_agent(&agent));
    let mut host = home.run();
    host.say("/new a");
    host.hear("The agent of session 'a' did not start: it exited (exit code 3): __init__: no `\\d+` in *.py\n");
    // After the third exit, the host waits 25 s before the next start.
    for _ in 0..3 {
        host.log("agent ended");
    }
    home.configure(QUICK);
    host.log("configuration changed");
    // `/retry` starts the agent without this delay.
    host.exchange("/retry", "Retrying in session 'a'.");
    host.exchange("are you there?", "You said: are you there?");
    assert_eq!(host.end().code, Some(0));
}

/// Takes 31 seconds, the sum of the host's delays between the four starts.
#[test]
fn an_agent_that_keeps_exiting_is_given_up() {
    let home = Home::new("");
    home.configure(&with_agent(&home.script("agent", "echo 'the licence has expired' >&2; exit 3")));
    let mut host = home.run();
    host.exchange("/new a", "Session 'a' created.");
    host.say("are you there?");
    host.hear("The agent of session 'a' keeps exiting: the licence has expired\n");
    host.hear("Your messages are kept. Use /retry to start it again");
    home.configure(QUICK);
    host.log("configuration changed");
    host.exchange("/retry", "You said: are you there?");
    assert_eq!(host.end().code, Some(0));
}

#[test]
fn garbage_and_a_10_mb_line_are_skipped() {
    let home = Home::new(QUICK);
    let ended = home.talk(&["/new a", "garbage", "bigline 10000000", "flood 3000", "recall"]);
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    for answer in ["I printed garbage.\n", "I printed one line of 10000000 bytes.\n", "line 1\nline 2\n", "line 3000\n"]
    {
        assert!(ended.out.contains(answer), "{answer:?} in {:?}", ended.out.chars().take(2000).collect::<String>());
    }
    assert!(ended.err.len() < 100_000, "garbage floods the log: {} bytes", ended.err.len());
}

#[test]
fn an_agent_that_prints_only_garbage_can_be_replaced() {
    let home = Home::new("");
    let chatter = home.script("agent", "while read -r line; do echo \"what? $line\"; printf '\\377\\376\\n'; done");
    home.configure(&with_agent(&chatter));
    let mut host = home.run();
    host.exchange("/new a", "Session 'a' created.");
    host.say("hello?");
    home.wait_for_phase("starting");
    home.configure(QUICK);
    host.log("configuration changed");
    host.exchange("/fresh", "Session 'a' starts a new conversation.");
    host.hear("You said: hello?");
    assert_eq!(host.end().code, Some(0));
}

#[test]
fn an_unresponsive_agent_is_named_at_the_end_of_input() {
    let home = Home::new(&format!("[console]\ndrain = \"1s\"\n{QUICK}"));
    let mut host = home.run();
    host.say("/new a");
    host.say("hang");
    // Wait until the agent has started, so that its startup doesn't use up the one-second drain period.
    home.wait_for_phase("busy");
    let ended = host.end();
    assert_eq!(ended.code, Some(1));
    assert!(ended.err.contains("these were still open after 1s: a (busy, 0 waiting)"), "{}", ended.err);
    let mut host = home.run();
    host.hear("Cordboard was stopped while session 'a' was answering “hang”. Your message was not sent again.");
    assert_eq!(host.end().code, Some(0));
}

/// The agent ignores SIGTERM and the end of its input. Its child runs in a separate process session and also ignores
/// SIGTERM.
#[test]
fn a_stubborn_agent_and_its_children_end_with_the_host() {
    let home = Home::new(QUICK);
    let mut host = home.run();
    host.exchange("/new a", "Session 'a' created.");
    host.exchange("stubborn", "From now on I ignore SIGTERM");
    host.exchange("children", "I left process ");
    host.hear(" behind.");
    let pid = home.wait_for_phase("idle");
    assert!(is_alive(&pid));
    host.signal(rustix::process::Signal::TERM);
    let ended = host.wait();
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    let child = ended.out.split("I left process ").nth(1).unwrap().split(' ').next().unwrap();
    assert!(!is_alive(&pid) && !is_alive(child), "{pid} or {child} is still running");
}
