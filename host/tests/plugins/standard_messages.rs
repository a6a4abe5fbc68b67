//! Tests the standard plugins' exact replies on a fake host.

use std::time::Duration;

use cordboard::dev::{RecordedAction, SessionSetup};
use cordboard_core::{
    session::{QueuedPrompts, SessionCommand},
    types::{Phase, Timestamp},
};

use crate::{sample_sessions::NOW, test_host::TestHost};

/// Runs each command line and compares its answer with the expected one.
async fn read(host: &TestHost, script: &[(&str, &str)]) {
    for (line, answer) in script {
        assert_eq!(host.read(line).await, *answer, "/{line}");
    }
}

const NONE_ACTIVE: &str = "No active session. Use /new to start one.";

#[tokio::test]
async fn every_message_matches_its_expected_text() {
    let host = TestHost::standard().await;
    for line in ["timeout", "model", "persona", "stop", "archive", "suspend", "retry", "fresh", "leave"] {
        assert_eq!(host.read(line).await, NONE_ACTIVE, "/{line}");
    }
    creating_and_switching(&host).await;
    listing(&host).await;
    timeouts(&host).await;
    models_and_personas(&host).await;
    stopping(&host).await;
    archiving(&host).await;
    retrying(&host).await;
}

async fn creating_and_switching(host: &TestHost) {
    read(
        host,
        &[
            ("sessions", "No sessions. Use /new to create one."),
            ("session", "Usage: /session <name>\n\nNo sessions. Use /new to create one."),
            ("new", "Usage: /new <name> [persona] [agent]"),
            ("new a b c d", "Usage: /new <name> [persona] [agent]"),
            ("new a/b", "'a/b' can't be a session's name. Use 1 to 64 of a-z, A-Z, 0-9, - and _."),
            ("new alpha poet", "Unknown persona 'poet'. Known: brainstorm, default, planner, research."),
            ("new alpha brainstorm", "Session 'alpha' created with persona 'brainstorm'."),
            ("new alpha", "Session 'alpha' already exists. Use /session alpha to switch to it."),
            ("new beta", "Session 'beta' created."),
            ("session alpha", "Switched to session 'alpha' (persona 'brainstorm')."),
            ("session beta", "Switched to session 'beta'."),
            ("session gamma", "Session 'gamma' doesn't exist. Use /new to create it."),
            ("session ../x", "Session '../x' doesn't exist. Use /new to create it."),
            ("session", "Usage: /session <name>\n\n🟢 alpha (brainstorm) - just now\n→ 🟢 beta - just now"),
        ],
    )
    .await;
    let actions = host.memory.actions();
    let started =
        actions.iter().filter(|action| matches!(action, RecordedAction::Ordered(_, SessionCommand::Start))).count();
    assert_eq!(started, 4, "each /new and each /session starts the agent");
}

/// Changes a session's state in the fake host.
fn set(host: &TestHost, name: &str, change: impl FnOnce(&mut SessionSetup)) {
    let record = host.memory.session(name).expect("the session exists").record;
    let mut setup = SessionSetup::new(record, host.place.clone());
    change(&mut setup);
    host.memory.set_up(setup).unwrap();
}

async fn listing(host: &TestHost) {
    let ago = |name: &str, seconds: u64, phase: Phase| {
        set(host, name, |setup| {
            setup.record.last_active = Timestamp(NOW.0 - seconds * 1000);
            setup.phase = phase;
        });
    };
    for (seconds, shown) in [(59, "just now"), (300, "5m ago"), (3 * 3600, "3h ago"), (2 * 86_400, "2d ago")] {
        ago("alpha", seconds, Phase::Suspended);
        ago("beta", 0, Phase::Busy);
        let list = format!("→ 🟢 beta - just now, busy\n⚪ alpha (brainstorm) - {shown}");
        assert_eq!(host.read("sessions").await, list);
    }
    for (phase, light) in [
        (Phase::Starting, "🟢"),
        (Phase::Idle, "🟢"),
        (Phase::Stopping, "🟢"),
        (Phase::Asking, "🔴"),
        (Phase::Broken, "🔴"),
    ] {
        ago("beta", 0, phase);
        assert!(host.read("sessions").await.starts_with(&format!("→ {light} beta - just now")), "{phase:?}");
    }
    pages(host).await;
}

async fn pages(host: &TestHost) {
    for number in 0..30 {
        let mut record = crate::sample_sessions::record(&format!("s{number}"), &host.caller);
        record.last_active = Timestamp(NOW.0 - 1_000_000 * (100 + number));
        host.memory.add(record);
    }
    let first = host.call("sessions").await.unwrap();
    assert_eq!(first.text.lines().count(), 21);
    assert!(first.text.contains("`beta`") && first.text.ends_with("\n…and 12 more: /sessions 2"), "{}", first.text);
    let usage = host.read("session").await;
    assert!(usage.starts_with("Usage: /session <name>\n") && usage.contains("…and 12 more: /sessions 2"), "{usage}");
    assert!(first.in_place && first.buttons[0][0].command == "/sessions 2");
    assert_eq!(host.call("sessions 2").await.unwrap().text.lines().count(), 12);
    read(
        host,
        &[
            ("sessions 3", "There is no page 3: the last one is /sessions 2."),
            ("sessions x", "Usage: /sessions [page]"),
        ],
    )
    .await;
}

async fn timeouts(host: &TestHost) {
    let usage = "Usage: /timeout <minutes> (1-120)";
    read(
        host,
        &[
            ("timeout", &format!("Idle timeout: 10 minutes\n\n{usage}")),
            ("timeout 5", "Idle timeout set to 5 minutes for session 'beta'."),
            ("timeout", &format!("Idle timeout: 5 minutes\n\n{usage}")),
            ("timeout 1", "Idle timeout set to 1 minute for session 'beta'."),
            ("timeout 0", "Timeout must be between 1 and 120 minutes"),
            ("timeout 121", "Timeout must be between 1 and 120 minutes"),
            ("timeout -5", "Timeout must be between 1 and 120 minutes"),
            ("timeout soon", "Invalid number. Usage: /timeout <minutes>"),
        ],
    )
    .await;
    set(host, "beta", |setup| setup.record.idle_timeout = Some(Duration::from_secs(2)));
    assert_eq!(host.read("timeout").await, format!("Idle timeout: 2 seconds\n\n{usage}"));
}

async fn models_and_personas(host: &TestHost) {
    read(
        host,
        &[
            ("model", "Model: the agent's default\n\nUsage: /model <name>, or /model default"),
            ("model opus", "Model set to opus for session 'beta'."),
            ("model", "Model: opus\n\nUsage: /model <name>, or /model default"),
            ("model default", "Model set to the default for session 'beta'."),
            ("model a b", "Usage: /model [name]"),
            ("persona planner", "Persona set to 'planner' for session 'beta'."),
            ("persona poet", "Unknown persona 'poet'. Known: brainstorm, default, planner, research."),
            ("persona none", "Session 'beta' has no persona now."),
            (
                "persona",
                "Persona: none\n\nbrainstorm - Collects many ideas before judging them\n\
                 default - A careful colleague: does what you ask and reports what it did\n\
                 planner - Turns a goal into steps that can be checked\n\
                 research - Researches with sources and says how certain the result is\n\n\
                 Usage: /persona <name>, or /persona none",
            ),
        ],
    )
    .await;
    set(host, "beta", |setup| setup.models = vec!["opus".to_owned(), "sonnet".to_owned()]);
    let commands = |reply: cordboard_core::types::Reply| -> Vec<String> {
        reply.buttons.into_iter().flatten().map(|button| button.command).collect()
    };
    assert_eq!(commands(host.call("model").await.unwrap()), ["/model opus", "/model sonnet"]);
}

async fn stopping(host: &TestHost) {
    let busy = |queued| {
        set(host, "beta", |setup| {
            setup.phase = Phase::Busy;
            setup.queued = queued;
        });
    };
    set(host, "beta", |setup| setup.phase = Phase::Idle);
    let nothing = "Nothing is running.";
    read(host, &[("stop", nothing), ("stop all", nothing), ("stop now", "Usage: /stop [all]")]).await;
    for (queued, line, answer) in [
        (0, "stop", "Stopped."),
        (1, "stop", "Stopped. 1 message is still queued. Use /stop all to drop it."),
        (2, "stop", "Stopped. 2 messages are still queued. Use /stop all to drop them."),
        (0, "stop all", "Stopped."),
        (1, "stop all", "Stopped. 1 message was dropped: “queued message 1”"),
        (2, "stop all", "Stopped. 2 messages were dropped:\n“queued message 1”\n“queued message 2”"),
    ] {
        busy(queued);
        assert_eq!(host.read(line).await, answer);
    }
    let last = host.memory.actions().pop();
    let stopped = SessionCommand::Interrupt { queued: QueuedPrompts::Drop, from: Some(host.place.clone()) };
    assert_eq!(last, Some(RecordedAction::Ordered("beta".parse().unwrap(), stopped)));
}

async fn archiving(host: &TestHost) {
    set(host, "beta", |setup| setup.phase = Phase::Busy);
    read(
        host,
        &[
            ("restore", "No archived sessions."),
            ("archive", "Session 'beta' is busy. Use /stop first."),
            ("archive nobody", "Session 'nobody' doesn't exist. Use /new to create it."),
            ("archive alpha", "Session 'alpha' archived. Use /restore alpha to bring it back."),
            ("session alpha", "Session 'alpha' is archived. Use /restore alpha."),
            ("new alpha", "Session 'alpha' is archived. Use /restore alpha."),
            ("restore", "Archived sessions. Use /restore with a name to restore one:\n⚪ alpha (brainstorm) - 2d ago"),
            ("restore alpha", "Session 'alpha' restored."),
            ("restore alpha", "Session 'alpha' is not archived."),
            ("restore nobody", "Session 'nobody' doesn't exist. Use /new to create it."),
            ("suspend", "Session 'beta' is busy. Use /stop first."),
            ("fresh", "Session 'beta' is busy. Use /stop first."),
            ("stop", "Stopped."),
            ("suspend", "Session 'beta' suspended. The next message resumes it."),
        ],
    )
    .await;
    set(host, "beta", |setup| {
        setup.phase = Phase::Broken;
        setup.queued = 1;
    });
    let waits = "1 message is still queued in session 'beta'. Use /stop all there first.";
    read(host, &[("archive", waits), ("stop all", "Stopped. 1 message was dropped: “queued message 1”")]).await;
}

async fn retrying(host: &TestHost) {
    set(host, "beta", |setup| setup.phase = Phase::Idle);
    assert_eq!(host.read("retry").await, "Nothing to retry.");
    for (line, answer) in [
        ("retry", "Retrying in session 'beta'."),
        (
            "fresh",
            "Session 'beta' starts a new conversation. Its folder is unchanged; the previous conversation can't be resumed.",
        ),
        ("leave", "No interrupted message to drop."),
    ] {
        set(host, "beta", |setup| setup.phase = Phase::Asking);
        assert_eq!(host.read(line).await, answer);
    }
    set(host, "beta", |setup| setup.interrupted = 1);
    read(
        host,
        &[
            ("leave", "Dropped. Session 'beta' continues with the next message."),
            ("leave", "No interrupted message to drop."),
        ],
    )
    .await;
}

#[tokio::test]
async fn help_and_plugins_list_the_active_plugins() {
    let host = TestHost::standard().await;
    let help = host.read("help").await;
    assert_eq!(
        help,
        "/access [add <id> [admin|member|here]|remove <id> [here]] - List and change who has access\n\
         /agent [name] - Show or select the agent\n\
         /allow [#number] [session] - Allow an agent's request\n\
         /answer [#number|name#number] <choice>… [text] - Answer a question of an agent\n\
         /archive [name] - Archive a session\n\
         /commands [page] - List the agent's own commands\n\
         /deny [#number] [why] - Deny an agent's request\n\
         /files [folder] - List the files of the active session\n\
         /fork <name> - Continue the conversation in a second session\n\
         /fresh [name] - Start a new conversation in a session\n\
         /get <path> - Send a file of the active session\n\
         /help - List the commands\n\
         /history [number] - Show the last messages and answers\n\
         /leave [name] - Drop an interrupted message\n\
         /mode [me] [<name>|default] - Show or set how answers are displayed\n\
         /model [name] - Show or set the model\n\
         /new <name> [persona] [agent] - Start a session\n\
         /now <message> - Interrupt the agent with a message\n\
         /permissions [allow|ask|deny [session] <rule>|remove <number>|mode [<mode>]] - Show or change the rules about tools\n\
         /persona [name] - Show or set the persona\n\
         /plugins [rollback|reload|disable|enable <name>] - List and manage the plugins\n\
         /queue - Show the queued messages\n\
         /rename <name> - Rename the session\n\
         /requests [#number|name#number] - List the questions of agents\n\
         /restore [name] - Restore an archived session\n\
         /retry [name] - Retry what failed\n\
         /session <name> - Switch to a session\n\
         /sessions [page] - List the sessions\n\
         /start - Show how to begin\n\
         /stop [all] - Interrupt the answer\n\
         /suspend [name] - Stop the agent of a session until its next message\n\
         /timeout [minutes] - Show or set the idle timeout\n\
         /usage [days|month] - Show the cost and the tokens of the agents\n\n\
         Anything else goes to the active session."
    );
    host.plug("echo", &crate::components::bad("echo")).await.unwrap();
    assert!(host.read("help").await.contains("/echo <text> - Says it again"));
    host.registry.remove_plugin("echo", std::time::Duration::ZERO).await;
    assert_eq!(host.read("help").await, help);
    host.refused("timeout", b"no wasm").await;
    let plugins = host.read("plugins").await;
    let line = plugins.lines().find(|line| line.starts_with("timeout")).unwrap();
    assert!(line.starts_with("timeout update rejected - ") && line.ends_with(", generation 1, just now"), "{line}");
    assert!(plugins.contains("was rejected: it is not a WebAssembly component"), "{plugins}");
}
