//! Tests that `plugin test`'s fake host and a real host give the same replies to the same commands.

use super::{Author, component};
use crate::support::{Home, Host};

/// A state of session `a`, and the expected replies to commands in that state.
struct Case {
    /// The state, in the syntax of a conversation.
    setup: &'static str,
    /// A real host's answers to `/new`, in any order: a notice may come before the reply.
    created: &'static [&'static str],
    /// Puts a real host's session into the same state.
    reach: fn(&mut Host),
    exchanges: &'static [(&'static str, &'static str)],
}

const BUSY: &str = "Session 'a' is busy. Use /stop first.";
const NOTHING_RUNS: &str = "Nothing is running.";
const CREATED: &[&str] = &["Session 'a' created.\n"];

/// States of a session that uses the demo agent.
const RUNNING: [Case; 3] = [
    Case {
        setup: "idle",
        created: CREATED,
        reach: |host| host.await_phase("a", "idle"),
        exchanges: &[
            ("/leave", "No interrupted message to drop."),
            ("/retry", "Nothing to retry."),
            ("/stop", NOTHING_RUNS),
            ("/stop all", NOTHING_RUNS),
            ("/restore a", "Session 'a' is not archived."),
        ],
    },
    Case {
        setup: "busy",
        created: CREATED,
        reach: |host| {
            host.say("hang");
            host.await_phase("a", "busy");
        },
        exchanges: &[
            ("/suspend", BUSY),
            ("/fresh", BUSY),
            ("/archive", BUSY),
            ("/leave", "No interrupted message to drop."),
        ],
    },
    Case {
        setup: "suspended interrupted=1",
        created: CREATED,
        reach: |host| {
            host.say("crash");
            host.expect("[Leave it] /leave a\n");
            host.await_phase("a", "suspended");
        },
        exchanges: &[
            ("/leave", "Dropped. Session 'a' continues with the next message."),
            ("/leave", "No interrupted message to drop."),
        ],
    },
];

/// The state of a session whose agent's command doesn't exist.
const BROKEN: [Case; 1] = [Case {
    setup: "broken queued=1",
    created: &["Session 'a' created.\n", "  [Try again] /retry a\n"],
    reach: |host| {
        host.await_phase("a", "broken");
        host.say("queued message 1");
        host.expect("Use /retry to try again.\n");
        host.expect("\n");
    },
    exchanges: &[
        ("/archive", "1 message is still queued in session 'a'. Use /stop all there first."),
        ("/leave", "No interrupted message to drop."),
        ("/stop", NOTHING_RUNS_BUT_QUEUED),
        ("/stop all", "Stopped. 1 message was dropped: “queued message 1”"),
        ("/archive", "Session 'a' archived. Use /restore a to bring it back."),
    ],
}];

const NOTHING_RUNS_BUT_QUEUED: &str = "Nothing is running. 1 message is still queued. Use /stop all to drop it.";

#[test]
fn the_fake_host_replies_as_a_real_one() {
    let author = Author::new();
    let component = component("sessions").into_os_string().into_string().unwrap();
    for (number, case) in RUNNING.iter().chain(&BROKEN).enumerate() {
        let lines = case.exchanges.iter().map(|(line, reply)| format!("> {line}\n< {reply}\n"));
        let text = format!("@with control\n@session a {}\n{}", case.setup, lines.collect::<String>());
        author.write(&format!("mine/tests/{number}.chat"), &text);
    }
    let ended = author.run(&["test", "mine", "--component", &component]);
    assert_eq!(ended.code, Some(0), "{}{}", ended.out, ended.err);
}

#[test]
fn a_real_host_gives_the_replies_of_the_table() {
    reply("", &RUNNING);
    let lost = "[agents]\ndefault = \"lost\"\n[agents.lost]\nkind = \"claude\"\ncommand = \"/no/such/agent\"";
    reply(lost, &BROKEN);
}

fn reply(configuration: &str, cases: &[Case]) {
    for case in cases {
        let home = Home::with(configuration);
        let mut host = home.start();
        host.say("/new a");
        host.expect_all(case.created);
        (case.reach)(&mut host);
        for (line, reply) in case.exchanges {
            host.ask(line, reply);
        }
    }
}
