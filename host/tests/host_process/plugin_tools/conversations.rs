//! Tests `cordboard plugin test`: the shipped plugins' conversations, the output of failing conversations, and
//! `--bless`.

use std::{ffi::OsString, fs};

use super::{Author, component, root};

#[test]
fn the_shipped_plugins_pass_their_conversations() {
    let author = Author::new();
    let mut passed = Vec::new();
    for folder in fs::read_dir(root().join("plugins")).unwrap().map(|entry| entry.unwrap().path()) {
        let files = fs::read_dir(folder.join("tests")).into_iter().flatten().flatten();
        if !files.map(|file| file.path()).any(|path| path.extension().is_some_and(|ending| ending == "chat")) {
            continue;
        }
        let name = folder.file_name().unwrap().to_str().unwrap().to_owned();
        let arguments: [OsString; 4] =
            ["test".into(), folder.into(), "--component".into(), component(&name).into_os_string()];
        author.printed(&arguments);
        passed.push(name);
    }
    for name in [
        "approval",
        "beszel",
        "control",
        "github",
        "lifecycle",
        "notify",
        "persona",
        "remind",
        "sessions",
        "timeout",
        "usage",
        "views",
    ] {
        assert!(passed.iter().any(|one| one == name), "{name} has no conversation: {passed:?}");
    }
}

/// A conversation with the `timeout` plugin. The first exchange expects a wrong timeout, and the second a wrong reply.
const WRONG: &str = "@session alpha idle\n> /timeout 5\n< Idle timeout set to {*} for session 'alpha'.\n* session alpha idle timeout 6m\n> /timeout 0\n< Timeout must be\n";

fn test(author: &Author, more: &[&str]) -> super::Ended {
    let component = component("timeout").into_os_string().into_string().unwrap();
    let arguments = [&["test", "mine", "--component", &component], more].concat();
    author.run(&arguments)
}

#[test]
fn a_mismatch_names_its_line_and_can_be_blessed() {
    let author = Author::new();
    author.write("mine/tests/one.chat", WRONG);
    author.write("mine/tests/two.chat", "> /timeout\n< No active session. Use /new to start one.\n");
    let ended = test(&author, &[]);
    let shown = "mine/tests/one.chat  FAILED  2 exchanges
  mine/tests/one.chat:2: > /timeout 5
      < Idle timeout set to 5 minutes for session 'alpha'.
    - * session alpha idle timeout 6m
    + * session alpha idle timeout 5m
  mine/tests/one.chat:5: > /timeout 0
    - < Timeout must be
    + < Timeout must be between 1 and 120 minutes
mine/tests/two.chat  ok  1 exchange
";
    let why = "cordboard: failed to pass the conversations: 1 of 2 differ; --bless accepts the actual replies\n";
    assert_eq!((ended.code, ended.out.as_str(), ended.err.as_str()), (Some(1), shown, why));

    let blessed = test(&author, &["--bless"]);
    assert_eq!((blessed.code, blessed.err.as_str()), (Some(0), ""));
    assert_eq!(blessed.out, "mine/tests/one.chat  rewritten\nmine/tests/two.chat  unchanged\n");
    let right = WRONG.replace("6m", "5m").replace("Timeout must be\n", "Timeout must be between 1 and 120 minutes\n");
    assert_eq!(author.read("mine/tests/one.chat"), right, "matching lines are unchanged");
    assert_eq!(test(&author, &[]).code, Some(0));
}

#[test]
fn varying_text_is_blessed_as_a_wildcard() {
    let author = Author::new();
    let component = component("bad/any_output").into_os_string().into_string().unwrap();
    let test = |more: &[&str]| author.run(&[&["test", "any_output", "--component", &component], more].concat());
    author.write("any_output/tests/one.chat", "> /any_output random\n< id 1, {*}\n> /any_output own\n");
    let blessed = test(&["--bless"]);
    assert_eq!((blessed.code, blessed.err.as_str()), (Some(0), ""));
    let shown = "any_output/tests/one.chat  rewritten\n  any_output/tests/one.chat:1: differs between runs: < id {*}, then {*}; done\n";
    assert_eq!(blessed.out, shown);
    let written = "> /any_output random\n< id {*}, then {*}; done\n> /any_output own\n< did own\n";
    assert_eq!(author.read("any_output/tests/one.chat"), written);
    assert_eq!(test(&[]).code, Some(0));
    assert_eq!(test(&["--bless"]).out.lines().next(), Some("any_output/tests/one.chat  unchanged"));

    author.write("any_output/tests/one.chat", "> /any_output lines\n< line\n> /any_output own\n");
    let blessed = test(&["--bless"]);
    let why = "cordboard: failed to bless any_output/tests/one.chat:1: `> /any_output lines` returns a different number of lines each time";
    assert!(blessed.code == Some(1) && blessed.err.starts_with(why), "{blessed:?}");
    assert_eq!(author.read("any_output/tests/one.chat"), "> /any_output lines\n< line\n> /any_output own\n< did own\n");
}

#[test]
fn a_press_of_an_unknown_button_names_the_existing_ones() {
    let author = Author::new();
    let component = component("bad/any_output").into_os_string().into_string().unwrap();
    author.write("any_output/tests/one.chat", "> /any_output buttons 3\n< {*}\n> /any_output own\n< did own\n> [Go]\n");
    let ended = author.run(&["test", "any_output", "--component", &component]);
    let shown = "one.chat:5: there is no button [Go]: the last message with buttons has [B0], [B1], [B2]\n";
    assert!(ended.code == Some(1) && ended.err.ends_with(shown), "{ended:?}");
}

#[test]
fn a_press_gives_the_literal_command_of_its_button() {
    let author = Author::new();
    let component = component("bad/any_output").into_os_string().into_string().unwrap();
    let offered = "> /any_output button /any_output say 'done.'\n< Well?\n<   [Again] /any_output say done.\n<   [Own] /any_output own\n";
    // The host strips a final period from the last argument of a typed command, but not from a button's command.
    let given = "> /any_output say done.\n< done\n> [Again]\n< done.\n";
    author.write("any_output/tests/one.chat", &format!("{offered}{given}"));
    let ended = author.run(&["test", "any_output", "--component", &component]);
    assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""), "{}", ended.out);
}

#[test]
fn an_unplayable_conversation_does_not_stop_the_others() {
    let author = Author::new();
    author.write("mine/tests/one.chat", "> [Nope]\n");
    author.write("mine/tests/two.chat", "@session a idle\n> /timeout\n< {*}\n");
    let ended = test(&author, &["--bless"]);
    assert_eq!(ended.out, "mine/tests/one.chat  FAILED\nmine/tests/two.chat  rewritten\n");
    assert_eq!(ended.code, Some(1));
    assert!(ended.err.starts_with("cordboard: failed to read mine/tests/one.chat:1: "), "{}", ended.err);
    let blessed = "@session a idle\n> /timeout\n< {*}\n<\n< Usage: /timeout <minutes> (1-120)\n";
    assert_eq!(author.read("mine/tests/two.chat"), blessed, "a pattern matches one line");
}

#[test]
fn an_invalid_line_is_named() {
    let author = Author::new();
    let cases = [
        ("hello\n", "1: a line must begin with >, <, *, @ or #"),
        ("@clock 5m\n", "1: '5m' is not a duration: write +5m or +1h30m to advance the clock, or a time"),
        ("@session alpha asleep\n", "1: 'asleep' is not a phase: use suspended, starting,"),
        ("\n> [Go]\n", "2: there is no button [Go]: no earlier message has buttons"),
        ("@with sesions\n", "1: 'sesions' is not a standard plugin; known plugins: access, approval,"),
        (
            "@plugin grants = []\n> /timeout\n",
            "2: the plugin is rejected: it requests capabilities that it was not granted: session-control;",
        ),
        ("@plugin grant = []\n> /timeout\n", "2: unknown key 'grant' in [plugins.timeout]; did you mean 'grants'?"),
        ("@tick\n", "1: unknown directive @tick: use one of @as, "),
        (
            "",
            "1: the conversation never calls the plugin: add a message such as `> /hello Ada`, or a call such as `@event ",
        ),
        ("# a remark\n@session a idle\n\n", "3: the conversation never calls the plugin: "),
        (
            "@session a idle\n@usage a cost=1\n@budget 20\n@exchange a hi => hello\n",
            "4: the conversation never calls the plugin: ",
        ),
        ("@says hello\n", "1: no turn is running: start one with @turn"),
        ("@turn beta\n", "1: unknown session 'beta': add it with @session"),
        ("@event of-tomorrow\n", "1: 'of-tomorrow' is not an event: use host-started, created, "),
        ("@request GET\n", "1: write @request METHOD PATH BODY"),
        ("@header x-a\n", "1: write @header NAME: VALUE"),
        ("@header Cookie: a=b\n@request GET / x\n", "2: a host removes 'cookie', because it authenticates the sender"),
        (
            "@secret ours hunter2\n@plugin webhook = { hmac = \"ours\" }\n@header x-hub-signature-256: 0\n@request PUT /\n",
            "4: a host removes 'x-hub-signature-256'",
        ),
        ("@request TRACE / x\n", "1: a host rejects TRACE: use GET, POST, PUT, PATCH, DELETE"),
        ("@session a idle\n@review a free=1\n", "2: free=1: expected a size such as free=512MiB"),
        ("@persona planner\n", "1: write @persona NAME SESSION"),
        ("@permission a\n", "1: write @permission SESSION TOOL DETAIL"),
        ("@question a Which?\n", "1: write @question SESSION TEXT | CHOICE | CHOICE"),
        (
            "@session a suspended\n@permission a Bash ls\n",
            "2: the agent of session 'a' can't ask, because it is suspended",
        ),
    ];
    for (text, shown) in cases {
        author.write("mine/tests/one.chat", text);
        let ended = test(&author, &[]);
        let shown = format!("cordboard: failed to read mine/tests/one.chat:{shown}");
        let is_reported = ended.err.lines().any(|line| line.starts_with(&shown));
        assert!(ended.code == Some(1) && is_reported, "{text:?}: {ended:?}");
    }
}

/// The guest's clock shows the conversation's time.
#[test]
fn the_guest_clock_is_paused_too() {
    let author = Author::new();
    let conversation =
        "@config jobs = { time = \"* * * * *\" }\n@job time\n* log info: ran time at 1767258000000, missed 0
* log info: it is 1767258000000 ms\n@clock +90m\n@job time\n* log info: ran time at 1767263400000, missed 0
* log info: it is 1767263400000 ms\n";
    author.write("mine/tests/time.chat", conversation);
    let component = component("bad/scheduled_jobs").into_os_string().into_string().unwrap();
    assert_eq!(author.printed(&["test", "mine", "--component", &component]), "mine/tests/time.chat  ok  2 exchanges\n");
}

/// `plugin test` rejects the same results as a host.
#[test]
fn a_conversation_refuses_what_a_host_refuses() {
    let author = Author::new();
    let cases = [
        ("bad/webhook_echo", "@request GET /odd\n< failed: it answered with the status 42: use 200 to 599\n"),
        (
            "bad/event_loop",
            "@plugin acts_as = \"owner\"\n@session alpha idle\n@session beta idle\n@event turn-finished beta\n\
             * log info: heard turn-finished of beta\n\
             * log warn: Session 'beta' was never active in a chat, so its answer can't be sent. Activate it in a chat first.\n",
        ),
        (
            "bad/session_thief",
            "@session alpha idle\n> /burgle alpha\n< got {*}set-model by \"alpha\", set-mode by \"alpha\"{*}\n",
        ),
    ];
    for (name, conversation) in cases {
        author.write("mine/tests/one.chat", conversation);
        let component = component(name).into_os_string().into_string().unwrap();
        let tested = author.run(&["test", "mine", "--component", &component]);
        assert_eq!(tested.out, "mine/tests/one.chat  ok  1 exchange\n", "{name}: {}", tested.err);
    }
}
