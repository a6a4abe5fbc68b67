//! `/stop [all]`: interrupts the turn of the active session at once. With `all`, also drops the queued messages. The
//! command doesn't stop the agent: the host does that if the agent doesn't react.

use cordboard_plugin::{
    Call, Phase, Reply, Session,
    command::Spec,
    context,
    session_control::{self, QueuedPrompts},
    text::usage,
    tr,
};

const USAGE: &str = "/stop [all]";

/// The maximum number of dropped messages to quote: about one phone screen.
const MAX_QUOTED: usize = 10;

pub fn spec() -> Spec {
    Spec::new("stop", &tr!("Interrupt the answer"), USAGE).at_once()
}

pub fn run(call: &Call) -> Result<Reply, String> {
    let queued = match call.args.as_slice() {
        [] => QueuedPrompts::Keep,
        [word] if word == "all" => QueuedPrompts::Drop,
        _ => return Ok(Reply::plain(&usage(USAGE))),
    };
    let session = context::session()?;
    // Interrupt even if no turn is running, because the last answer may still be on its way to the chat.
    match session_control::interrupt(&session.name, queued) {
        Ok(session) => Ok(Reply::plain(&stop_report(&session, queued))),
        Err(error) if error.code == "invalid" && !can_stop(&session, queued) => {
            let nothing = nothing_running(session.fact("background"));
            Ok(Reply::plain(&with_queued(&nothing, session.queued)))
        }
        Err(error) => Err(error.into()),
    }
}

fn nothing_running(background: Option<&str>) -> String {
    match background {
        Some(work) => tr!("Only background work is running: {work}. Use /suspend to end it.", work),
        None => tr!("Nothing is running."),
    }
}

/// Returns whether a turn is running or about to run, or there are waiting messages to drop.
fn can_stop(session: &Session, queued: QueuedPrompts) -> bool {
    match (session.phase, queued) {
        (Phase::Busy, _) => true,
        // A message that waits for an agent to start or stop is about to run.
        (Phase::Starting | Phase::Stopping, QueuedPrompts::Keep) => session.queued > 0,
        (_, QueuedPrompts::Drop) => session.queued > 0,
        (_, QueuedPrompts::Keep) => false,
    }
}

/// Describes the effect of `/stop`. `session` is the session after the interrupt.
fn stop_report(session: &Session, queued: QueuedPrompts) -> String {
    // // If no turn is running, `/stop` without `all` drops the message that was about to run, and the reply doesn't
    // mention it. During a turn, `/stop` drops the messages that the agent has received but not begun to answer.
    let is_mentioned = queued == QueuedPrompts::Drop || session.phase == Phase::Busy;
    let dropped = session.fact("dropped").filter(|_| is_mentioned);
    let dropped: Vec<&str> = dropped.unwrap_or_default().lines().collect();
    let stopped = match dropped.as_slice() {
        [] => return with_queued(&tr!("Stopped."), session.queued),
        [one] => tr!("Stopped. 1 message was dropped: “{one}”", one),
        all => {
            let mut lines = vec![tr!("Stopped. {} messages were dropped:", all.len())];
            lines.extend(all.iter().take(MAX_QUOTED).map(|one| format!("“{one}”")));
            if all.len() > MAX_QUOTED {
                lines.push(tr!("…and {} more.", all.len() - MAX_QUOTED));
            }
            lines.join("\n")
        }
    };
    match still_queued(session.queued) {
        Some(queued) => format!("{stopped}\n{queued}"),
        None => stopped,
    }
}

fn with_queued(what: &str, queued: u32) -> String {
    still_queued(queued).map_or_else(|| what.to_owned(), |queued| format!("{what} {queued}"))
}

fn still_queued(queued: u32) -> Option<String> {
    (queued > 0).then(|| {
        tr!("{n} message is still queued. Use /stop all to drop it."
            | "{n} messages are still queued. Use /stop all to drop them." % queued)
    })
}

#[cfg(test)]
mod tests {
    use cordboard_plugin::testing::session;

    use super::*;

    #[test]
    fn waiting_messages_are_counted() {
        assert_eq!(with_queued("Stopped.", 0), "Stopped.");
        assert_eq!(with_queued("Stopped.", 1), "Stopped. 1 message is still queued. Use /stop all to drop it.");
        assert_eq!(with_queued("Stopped.", 2), "Stopped. 2 messages are still queued. Use /stop all to drop them.");
    }

    #[test]
    fn stop_all_quotes_what_it_dropped() {
        let with = |dropped: &[&str]| {
            let facts = if dropped.is_empty() { vec![] } else { vec![("dropped".to_owned(), dropped.join("\n"))] };
            Session { facts, ..session("x") }
        };
        let all = |dropped: &[&str]| stop_report(&with(dropped), QueuedPrompts::Drop);
        assert_eq!(all(&[]), "Stopped.");
        assert_eq!(all(&["fix it…"]), "Stopped. 1 message was dropped: “fix it…”");
        assert_eq!(all(&["one", "two"]), "Stopped. 2 messages were dropped:\n“one”\n“two”");
        assert!(all(&["x"; MAX_QUOTED + 2]).ends_with("“x”\n…and 2 more."));
        assert_eq!(stop_report(&with(&["about to run"]), QueuedPrompts::Keep), "Stopped.");
    }

    #[test]
    fn stop_quotes_what_the_agent_had_got_during_the_turn() {
        let facts = vec![("dropped".to_owned(), "and more".to_owned())];
        let session = Session { facts, phase: Phase::Busy, queued: 1, ..session("x") };
        assert_eq!(
            stop_report(&session, QueuedPrompts::Keep),
            "Stopped. 1 message was dropped: “and more”\n1 message is still queued. Use /stop all to drop it."
        );
    }

    #[test]
    fn background_work_is_named() {
        assert_eq!(nothing_running(None), "Nothing is running.");
        let text = "Only background work is running: build. Use /suspend to end it.";
        assert_eq!(nothing_running(Some("build")), text);
    }

    #[test]
    fn only_running_or_waiting_work_can_be_stopped() {
        let in_phase = |phase, queued| Session { phase, queued, ..session("x") };
        assert!(can_stop(&in_phase(Phase::Busy, 0), QueuedPrompts::Keep));
        assert!(!can_stop(&in_phase(Phase::Idle, 0), QueuedPrompts::Drop));
        assert!(can_stop(&in_phase(Phase::Starting, 1), QueuedPrompts::Keep));
        assert!(!can_stop(&in_phase(Phase::Starting, 0), QueuedPrompts::Keep));
        assert!(!can_stop(&in_phase(Phase::Asking, 2), QueuedPrompts::Keep));
        assert!(can_stop(&in_phase(Phase::Asking, 2), QueuedPrompts::Drop));
    }
}
