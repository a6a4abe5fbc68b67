//! `/stop [all]`: interrupts the turn of the active session, at once. It must never end an agent: the host does, where one
//! does not listen.

use cordboard_plugin::{
    Call, Command, Phase, Reply, Session,
    command::Spec,
    context,
    session_control::{self, Waiting},
};

struct Control;

impl Command for Control {
    fn specs() -> Result<Vec<Spec>, String> {
        Ok(vec![Spec::new("stop", "Interrupt the answer", "/stop [all]").at_once()])
    }

    fn run(call: &Call) -> Result<Reply, String> {
        let waiting = match call.args.as_slice() {
            [] => Waiting::Keep,
            [word] if word == "all" => Waiting::Drop,
            _ => return Ok(Reply::plain("Usage: /stop [all]")),
        };
        let session = context::active_session()?;
        if !stoppable(&session, waiting) {
            return Ok(Reply::plain("Nothing is running."));
        }
        Ok(Reply::plain(&stopped(session_control::interrupt(&session.name, waiting)?.queued)))
    }
}

/// Whether a turn runs or is about to; messages that wait for something else count where they are to be dropped.
fn stoppable(session: &Session, waiting: Waiting) -> bool {
    match session.phase {
        Phase::Busy | Phase::Starting => true,
        Phase::Idle | Phase::Stopping | Phase::Suspended | Phase::Asking | Phase::Broken | Phase::Archived => {
            waiting == Waiting::Drop && session.queued > 0
        }
    }
}

fn stopped(queued: u32) -> String {
    match queued {
        0 => "Stopped.".to_owned(),
        1 => "Stopped. 1 message still waits (/stop all drops it).".to_owned(),
        _ => format!("Stopped. {queued} messages still wait (/stop all drops them)."),
    }
}

cordboard_plugin::export!(Control: command);

#[cfg(test)]
mod tests {
    use cordboard_plugin::testing::session;

    use super::*;

    #[test]
    fn what_still_waits_is_told() {
        assert_eq!(stopped(0), "Stopped.");
        assert_eq!(stopped(1), "Stopped. 1 message still waits (/stop all drops it).");
        assert_eq!(stopped(2), "Stopped. 2 messages still wait (/stop all drops them).");
    }

    #[test]
    fn only_what_runs_or_waits_can_be_stopped() {
        let in_phase = |phase, queued| Session { phase, queued, ..session("x") };
        assert!(stoppable(&in_phase(Phase::Busy, 0), Waiting::Keep));
        assert!(!stoppable(&in_phase(Phase::Idle, 0), Waiting::Drop));
        assert!(!stoppable(&in_phase(Phase::Asking, 2), Waiting::Keep));
        assert!(stoppable(&in_phase(Phase::Asking, 2), Waiting::Drop));
    }
}
