//! Tests agents that exit unexpectedly, don't exit when they should, or can't be started.

use super::support::{Home, until};

/// The complete message that the chat shows if an agent crashes in the middle of an answer.
const DIED: &str = "I am about to\n\n⚠ Incomplete: the agent exited.\n\
    The agent of session 'a' exited during its answer: the demo agent crashed on request\n\
    Your message was not sent again.\n  [Send again] /retry a\n  [Leave it] /leave a";

#[test]
fn an_interrupted_prompt_is_not_resent_automatically() {
    let home = Home::new();
    let mut host = home.start();
    host.ask("/new a", "Session 'a' created.");
    host.ask("crash", DIED);
    host.expect_logged("agent ended status=");
    host.await_phase("a", "suspended");
    // The agent exited before it stored a conversation, so there is nothing to resume.
    host.ask("hello", "You said: hello");
    host.say("/retry");
    host.expect_all(&["Retrying in session 'a'.\n", &format!("{DIED}\n")]);
    host.ask("/leave", "Dropped. Session 'a' continues with the next message.");
    host.ask("/leave", "No interrupted message to drop.");
    host.ask("/retry", "Nothing to retry.");
    assert_eq!(host.end(), (String::new(), Some(0)));
}

#[test]
fn prompts_are_refused_at_the_limit_of_interrupted_ones() {
    let home = Home::with("[sessions]\nkept = 1");
    let mut host = home.start();
    host.ask("/new a", "Session 'a' created.");
    host.ask("crash", DIED);
    let refused = "Not accepted: session 'a' has an interrupted message. Use /retry a to send it again, or /leave a to drop it; then send this one again.\n“hello”";
    host.ask("hello", refused);
    // The test saves both keys together, so once `idle_timeout` has changed, the new `kept` also applies.
    for (kept, seconds, answer) in [(2, 1200, "You said: hello"), (1, 1800, refused)] {
        home.configure(&format!("[sessions]\nkept = {kept}\nidle_timeout = \"{seconds}s\""));
        until("the session uses the new configuration", || host.session("a")["idle_timeout_s"] == seconds);
        host.ask("hello", answer);
    }
    host.ask("/leave", "Dropped. Session 'a' continues with the next message.");
    host.ask("hello", "You said: hello");
    assert_eq!(host.end(), (String::new(), Some(0)));
}

#[test]
fn prompts_queued_behind_a_crash_are_answered() {
    let home = Home::new();
    let mut host = home.start();
    host.ask("/new a", "Session 'a' created.");
    host.say("slow 5");
    for line in ["crash", "after"] {
        host.say(line);
    }
    host.expect("line 5\n");
    host.reads(DIED);
    host.reads("You said: after");
}

#[test]
fn a_crashing_agent_is_restarted_and_then_given_up() {
    let home = Home::with("[agents]\ndefault = \"dead\"\n[agents.dead]\nkind = \"claude\"\ncommand = \"/bin/false\"");
    let mut host = home.start();
    host.say("/new a");
    host.say("hello");
    host.expect(
        "The agent of session 'a' did not start: it exited (exit code 1) without output\n\
         Cordboard tries three more times, and your messages are kept. Use /retry to try now. Check command and args in [agents.dead].\n  [Try again] /retry a\n",
    );
    let between = host.expect("The agent of session 'a' keeps exiting: ");
    assert!(!between.contains("did not start"), "only the first and the last exit are reported: {between}");
    host.expect(
        "\nYour messages are kept. Use /retry to start it again, or /fresh to start a new conversation.\n  [Try again] /retry a\n  [Start fresh] /fresh a\n",
    );
    host.await_phase("a", "broken");
    host.say("/sessions");
    host.expect("→ 🔴 `a` - ");
    host.expect("\n");
    assert_eq!(host.session("a")["queued"], 1);
    home.write_config("[agents.dead]\nkind = \"demo\"");
    host.expect_logged("configuration changed");
    host.say("/retry");
    host.expect_all(&["Retrying in session 'a'.\n", "You said: hello\n"]);
}

#[test]
fn a_missing_agent_command_is_reported_at_once() {
    let home =
        Home::with("[agents]\ndefault = \"lost\"\n[agents.lost]\nkind = \"claude\"\ncommand = \"/no/such/agent\"");
    let mut host = home.start();
    host.say("/new a");
    super::support::until("the session is broken", || home.sessions()[0]["phase"] == "broken");
    host.say("hello");
    let (shown, code) = host.end();
    let why = "The agent of session 'a' could not be started: failed to start '/no/such/agent': the file does not exist; set the program's full path in `command`\n\
               Your messages are kept. Use /retry to try again.\n";
    assert_eq!(shown.matches(why).count(), 2, "at the start, and as the answer: {shown}");
    assert!(shown.contains("Session 'a' created.\n"), "{shown}");
    assert_eq!(code, Some(0));
}

#[test]
fn a_stubborn_agent_and_its_children_are_killed() {
    let home = Home::new();
    let mut host = home.start();
    host.ask("/new a", "Session 'a' created.");
    host.say("children");
    host.expect("I left process ");
    host.expect(" behind.\n");
    host.ask("stubborn", "From now on I ignore SIGTERM and the end of input.");
    assert_eq!(home.agents().len(), 2);
    host.await_phase("a", "idle");
    host.ask("/suspend", "Session 'a' suspended. The next message resumes it.");
    // A message that arrives during the agent's shutdown waits for the next agent process.
    host.ask("hello", "Resuming session...\nYou said: hello");
    until("only the new agent is left", || home.agents().len() == 1);
    host.expect_logged("an agent left processes behind");
    assert_eq!(host.end(), (String::new(), Some(0)));
    assert_eq!(home.agents(), [] as [i32; 0]);
}

#[test]
fn a_changed_session_folder_is_reported_once() {
    let base = tempfile::tempdir().unwrap();
    let (first, gone) = (base.path().join("first"), base.path().join("gone"));
    std::fs::create_dir(&first).unwrap();
    let folders = |folder: &std::path::Path| format!("[sessions.folders]\np = \"{}\"", folder.display());
    let home = Home::with(&folders(&first));
    let mut host = home.start();
    host.ask("/new p", "Session 'p' created.");
    host.ask("one", "You said: one");
    home.configure("");
    host.reads(&format!(
        "Session 'p' keeps working in {}, although [sessions.folders] no longer lists the session.",
        first.display()
    ));
    host.expect_logged("configuration changed");
    home.configure(&folders(&gone));
    host.expect_logged("configuration changed");
    host.ask("/suspend", "Session 'p' suspended. The next message resumes it.");
    host.await_phase("p", "suspended");
    host.say("two");
    let shown = host.expect("  [Try again] /retry p\n");
    assert!(shown.contains(&format!("its folder {} does not exist", gone.display())), "{shown}");
    assert!(!shown.contains("now works in"), "{shown}");
}

#[test]
fn a_missing_user_folder_keeps_the_prompt() {
    let base = tempfile::tempdir().unwrap();
    let project = base.path().join("project");
    std::fs::create_dir(&project).unwrap();
    let home = Home::with(&format!("[sessions.folders]\np = \"{}\"", project.display()));
    let mut host = home.start();
    host.ask("/new p", "Session 'p' created.");
    host.ask("one", "You said: one");
    host.ask("/suspend", "Session 'p' suspended. The next message resumes it.");
    host.await_phase("p", "suspended");
    let away = base.path().join("away");
    std::fs::rename(&project, &away).unwrap();
    host.say("two");
    host.expect(&format!(
        "The agent of session 'p' could not be started: its folder {} does not exist; restore it, or set another one in [sessions.folders]",
        project.display()
    ));
    host.expect("  [Try again] /retry p\n");
    assert!(!project.exists());
    std::fs::rename(&away, &project).unwrap();
    host.say("three");
    host.expect_all(&["You said: two\n", "You said: three\n"]);
}

#[test]
fn a_configured_folder_in_the_state_directory_is_not_created() {
    let home = Home::new();
    let folder = home.path("state/projects/p");
    home.configure(&format!("[sessions.folders]\np = \"{}\"", folder.display()));
    let mut host = home.start();
    host.say("/new p");
    let missing = format!("its folder {} does not exist; restore it", folder.display());
    host.expect_all(&["Session 'p' created.", &missing]);
    assert!(!folder.exists());
}
