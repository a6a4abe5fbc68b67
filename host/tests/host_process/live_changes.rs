//! Tests plugin and configuration changes during an answer: the answer continues, the agent keeps running, and the next
//! call uses the new version.

use std::time::Instant;

use super::support::{Home, Host, until};

/// Starts a 100000-line answer in the session `long`, and returns its agent's pid.
fn begin(host: &mut Host<'_>) -> u64 {
    host.ask("/new long", "Session 'long' created.");
    host.say("slow 100000");
    host.reads("line 1");
    host.agent("long")
}

/// Checks that the same agent process is still answering, then stops the answer and checks that no line is missing or
/// repeated.
fn check_that_it_continues(host: &mut Host<'_>, agent: u64) {
    assert_eq!(host.session("long")["phase"], "busy");
    assert_eq!(host.agent("long"), agent);
    let last = line_numbers(&host.chat()).last().copied().unwrap_or(0);
    host.expect(&format!("line {}\n", last + 2));
    host.say("/session long");
    host.expect("Switched to session 'long'.\n");
    host.say("/stop");
    host.expect("Stopped.\n");
    host.await_phase("long", "idle");
    assert_eq!(host.agent("long"), agent);
    let numbers = line_numbers(&host.chat());
    assert!(numbers.iter().copied().eq(1..=numbers.len()), "{}", host.chat());
}

fn line_numbers(chat: &str) -> Vec<usize> {
    let said = |line: &'_ str| line.strip_prefix("[long] ").unwrap_or(line).strip_prefix("line ")?.parse().ok();
    chat.lines().filter_map(said).collect()
}

#[test]
fn a_command_is_replaced_while_an_answer_streams() {
    let home = Home::new();
    home.plug("echo", "echo");
    let mut host = home.start();
    let agent = begin(&mut host);
    host.say("/echo hi");
    host.expect("v1: hi\n");
    home.plug("echo", "echo_v2");
    host.expect("Plugin 'echo' is active: generation 2, ");
    host.say("/echo hi");
    host.expect("v2: hi\n");
    home.remove_plugin("echo");
    host.expect("Plugin 'echo' is no longer active: its file was removed.\n");
    host.expect_logged("plugin file removed");
    until("the plugin is gone", || home.plugins().as_array().unwrap().iter().all(|row| row["name"] != "echo"));
    host.say("/echo hi");
    host.expect("Unknown command /echo.");
    check_that_it_continues(&mut host, agent);
}

#[test]
fn an_answer_is_complete_despite_rollouts_and_new_settings() {
    let home = Home::new();
    home.plug("echo", "echo");
    let mut host = home.start();
    host.ask("/new a", "Session 'a' created.");
    host.say("slow 60");
    host.reads("line 1");
    home.plug("echo", "echo_v2");
    host.expect("Plugin 'echo' is active: generation 2, ");
    home.configure("[sessions]\nidle_timeout = \"20m\"");
    host.expect_logged("configuration changed");
    home.plug("echo", "echo");
    host.expect("Plugin 'echo' is active: generation 3, ");
    host.await_phase("a", "idle");
    until("all output is printed", || host.chat().contains("line 60\n"));
    assert!(line_numbers(&host.chat()).into_iter().eq(1..=60), "{}", host.chat());
    assert_eq!(host.session("a")["idle_timeout_s"], 1200);
}

#[test]
fn a_bad_version_is_never_activated() {
    let home = Home::new();
    home.plug("echo", "echo");
    let mut host = home.start();
    let agent = begin(&mut host);
    let good = super::support::component("echo_v2");
    let bad: [(&[u8], &str); 4] = [
        (b"garbage", "it is not a WebAssembly component"),
        (&good[..good.len() / 2], "it did not compile"),
        (&super::support::component("specs_fail"), "it has nothing to say"),
        (
            &super::support::component("uppercase_view"),
            "it exports the mode 'normal', which plugin 'views' already exports",
        ),
    ];
    for (bytes, why) in bad {
        home.plug_bytes("echo", bytes);
        // On a slow machine, the host may have rejected a partial file first.
        let message = host.expect(why);
        assert!(message.contains("Plugin 'echo' was rejected: "), "{why}: {message}");
        host.expect("Generation 1 stays active.\n");
        host.expect_logged(why);
        host.say("/plugins");
        let shown = host.expect("`help` ok - ");
        assert!(shown.contains(why), "{why}: {shown}");
        let rows = home.plugins();
        let row = rows.as_array().unwrap().iter().find(|row| row["name"] == "echo").unwrap();
        assert!(row["note"].as_str().unwrap().contains(why) && row["generation"] == 1, "{row}");
        host.say("/echo hi");
        host.expect("v1: hi\n");
    }
    home.plug("echo", "echo_v2");
    host.expect("Plugin 'echo' is active: generation 2, ");
    host.say("/echo hi");
    host.expect("v2: hi\n");
    let rows = home.plugins();
    let row = rows.as_array().unwrap().iter().find(|row| row["name"] == "echo").unwrap();
    assert_eq!((&row["note"], &row["health"]), (&"".into(), &"ok".into()), "{row}");
    check_that_it_continues(&mut host, agent);
}

#[test]
fn a_new_policy_reviews_idle_sessions() {
    let home = Home::new();
    let mut host = home.start();
    host.ask("/new idler", "Session 'idler' created.");
    host.ask("remember tea", "I will remember: tea");
    let agent = begin(&mut host);
    home.plug("lifecycle", "one_second_policy");
    host.expect("Plugin 'lifecycle' is active: generation 2, ");
    host.await_phase("idler", "suspended");
    home.remove_plugin("lifecycle");
    host.expect("Plugin 'lifecycle' uses its built-in version again: generation 3.\n");
    host.say("/session idler");
    host.expect("Switched to session 'idler'.\n");
    host.say("recall");
    host.expect("I remember: tea\n");
    assert_eq!(host.session("long")["phase"], "busy");
    check_that_it_continues(&mut host, agent);
}

#[test]
fn a_new_view_renders_the_rest_of_the_answer() {
    let home = Home::new();
    let mut host = home.start();
    let agent = begin(&mut host);
    home.plug("views", "uppercase_view");
    host.expect("Plugin 'views' is active: generation 2, ");
    host.say("/stop");
    // The console can't change printed lines, so it prints the complete new text only at the end.
    host.expect_all(&["\nLINE 1\n", "Stopped.\n"]);
    host.await_phase("long", "idle");
    assert_eq!(host.chat().matches("\nLINE 1\n").count(), 1, "{}", host.chat());
    assert_eq!(host.agent("long"), agent);
    host.ask("hello", "YOU SAID: HELLO");
    home.remove_plugin("views");
    host.expect("Plugin 'views' uses its built-in version again: generation 3.\n");
    host.ask("hello", "You said: hello");
}

#[test]
fn a_saved_configuration_applies_at_once() {
    let home = Home::new();
    home.plug("needs_approval", "needs_approval");
    let mut host = home.start();
    host.expect_logged("add to [plugins.needs_approval] in the configuration: grants = [\"session-control\"]");
    host.expect("[Refuse] /plugins refuse needs_approval ");
    host.expect("\n");
    let agent = begin(&mut host);
    host.say("/new idler");
    host.expect("Session 'idler' created.\n");
    host.await_phase("idler", "idle");
    host.say("/needs_approval idler");
    host.expect("Unknown command /needs_approval.");
    home.configure("[plugins.needs_approval]\ngrants = [\"session-control\"]");
    until("the plugin is active", || {
        home.plugins().as_array().unwrap().iter().any(|row| row["name"] == "needs_approval" && row["health"] == "ok")
    });
    host.say("/needs_approval idler");
    host.expect("took idler\n");
    host.say("/session idler");
    host.expect("Switched to session 'idler'.\n");
    home.configure("[sessions]\nidle_timeout = \"1s\"");
    host.await_phase("idler", "suspended");
    home.configure(
        "[plugins.persona.config.personas.poet]\ndescription = \"Speaks in verse\"\ninstructions = \"Rhyme.\"",
    );
    until("the persona is active", || {
        host.say("/persona");
        host.expect("Usage: /persona <name>, or /persona none\n").contains("`poet` - Speaks in verse")
    });
    host.say("/new verse poet");
    host.expect("Session 'verse' created with persona 'poet'.\n");
    check_that_it_continues(&mut host, agent);
}

#[test]
fn a_bad_configuration_is_reported_once_and_ignored() {
    let home = Home::with("[sessions]\nidle_timeout = \"20m\"");
    let mut host = home.start();
    let agent = begin(&mut host);
    for bad in ["[sessions]\nidle_timeot = \"5m\"", "[sessions]\nidle_timeout = \"soon\"", "[sessions"] {
        home.write_config(bad);
        host.expect("The new configuration can't be used, and the previous one stays active:\n");
        host.expect_logged("the new configuration cannot be used");
    }
    home.write_config("");
    host.expect(" is empty\n");
    std::fs::remove_file(home.path("config.toml")).unwrap();
    host.expect(" is missing\n");
    assert_eq!(host.session("long")["idle_timeout_s"], 1200);
    home.configure("[sessions]\nidle_timeout = \"30m\"");
    until("the valid configuration is used", || host.session("long")["idle_timeout_s"] == 1800);
    host.expect("The configuration is valid again and active.\n");
    check_that_it_continues(&mut host, agent);
    let message = host.chat().matches("The new configuration can't be used").count();
    assert_eq!(message, 5, "{}", host.chat());
}

#[test]
fn a_bad_file_at_the_start_keeps_the_good_version_active() {
    let home = Home::new();
    home.plug("echo", "echo");
    let mut host = home.start();
    host.ask("/echo hi", "v1: hi");
    assert_eq!(host.end().1, Some(0));
    home.plug_bytes("echo", b"garbage");
    home.plug_bytes("views", b"garbage");
    let mut host = home.start();
    host.ask("/echo hi", "v1: hi");
    host.ask("/new a", "Session 'a' created.");
    host.ask("hello", "You said: hello");
    host.expect_logged("plugin rejected at start");
    for name in ["echo", "views"] {
        let is_named = |row: &serde_json::Value| {
            row["name"] == name && row["note"].as_str().unwrap().contains("it is not a WebAssembly component")
        };
        until(&format!("{name} is named"), || home.plugins().as_array().unwrap().iter().any(is_named));
    }
}

#[test]
fn many_simultaneous_files_make_few_messages() {
    // The host sends at most 5 messages in 15 seconds, each with at most 10 changes, so the first 15 seconds can't
    // cover this many files.
    const FILES: usize = 70;
    let home = Home::new();
    let mut host = home.start();
    host.ask("/new a", "Session 'a' created.");
    let began = Instant::now();
    // All of these plugins export the same command, so only one is activated and the others are rejected.
    (0..FILES).for_each(|number| home.plug(&format!("p{number}"), "echo"));
    until("all files were checked", || {
        let rows = home.plugins();
        rows.as_array().unwrap().iter().filter(|row| row["name"].as_str().unwrap().starts_with('p')).count() >= FILES
    });
    host.say("/plugins reload views");
    host.expect_all(&["Plugin 'views' is reloaded: ", " more. /plugins lists them.\n"]);
    let (chat, spans) = (host.chat(), began.elapsed().as_secs() / 15 + 1);
    let messages = chat.lines().filter(|line| line.starts_with("Plugin 'p") || line.contains(" plugin changes:"));
    // Before replying to the command, the host sends the pending notices in one more message.
    assert!(messages.count() as u64 <= 5 * spans + 1, "{chat}");
    assert!(chat.contains("\n- Plugin 'p"), "{chat}");
}
