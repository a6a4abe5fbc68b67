//! Applies session commands to the sessions of the fake host. Rejects them with the codes and texts of a real host.

use cordboard_core::{
    messages,
    session::{ApiError, RefusalCode, SessionCommand, Waiting},
    types::{Phase, SessionView, Timestamp},
};
use cordboard_runtime::refuse;

use super::IDLE_TIMEOUT;

/// Rejects commands with the codes and texts of a real host. Commands that a host would delay are executed at once.
fn check(view: &SessionView, order: &SessionCommand) -> Result<(), ApiError> {
    let name = &view.record.name;
    let invalid = |text: &str| Err(refuse(RefusalCode::Invalid, text));
    if view.record.archived != (*order == SessionCommand::Restore) {
        return if view.record.archived {
            Err(refuse(RefusalCode::Archived, messages::archived(name)))
        } else {
            invalid(&messages::not_archived(name))
        };
    }
    match order {
        SessionCommand::Archive if view.phase == Phase::Busy => Err(refuse(RefusalCode::Busy, messages::busy(name))),
        // Dropping the queue is never rejected here: compiled 0.1 components rely on it.
        SessionCommand::Interrupt { waiting: Waiting::Keep, .. } if view.phase != Phase::Busy && view.queued == 0 => {
            invalid(messages::NOTHING_RUNS)
        }
        SessionCommand::Retry(_) if !matches!(view.phase, Phase::Asking | Phase::Broken) => {
            invalid(messages::NOTHING_TO_RETRY)
        }
        SessionCommand::Leave if view.phase != Phase::Asking => invalid(messages::NOTHING_TO_LEAVE),
        SessionCommand::SetModel(Some(model)) if !view.models.is_empty() && !view.models.contains(model) => {
            invalid(&messages::unknown_model(model, &view.models))
        }
        _ => Ok(()),
    }
}

/// Executes a session command on the fake host's copy of the session.
pub(super) fn apply(view: &mut SessionView, order: &SessionCommand, now: Timestamp) -> Result<(), ApiError> {
    check(view, order)?;
    match order {
        SessionCommand::Touch(place) => {
            view.record.place = Some(place.clone());
            view.record.last_active = now;
        }
        SessionCommand::Start | SessionCommand::Retry(_) | SessionCommand::Fresh | SessionCommand::Leave => {
            view.phase = Phase::Idle
        }
        SessionCommand::Pressed(_, order) => return apply(view, order, now),
        SessionCommand::Suspend | SessionCommand::SuspendAnyway => view.phase = Phase::Suspended,
        SessionCommand::Interrupt { waiting, .. } => {
            view.phase = Phase::Idle;
            view.queued = if *waiting == Waiting::Drop { 0 } else { view.queued };
        }
        SessionCommand::Archive => {
            view.record.archived = true;
            view.phase = Phase::Archived;
        }
        SessionCommand::Restore => {
            view.record.archived = false;
            view.phase = Phase::Suspended;
        }
        SessionCommand::SetIdleTimeout(timeout) => {
            view.record.idle_timeout = *timeout;
            view.idle_timeout = timeout.unwrap_or(IDLE_TIMEOUT);
        }
        SessionCommand::SetModel(model) => {
            view.record.model.clone_from(model);
            view.model.clone_from(model);
        }
        SessionCommand::SetPersona(persona) => view.record.persona.clone_from(persona),
        SessionCommand::SetMode(mode) => view.record.mode.clone_from(mode),
    }
    Ok(())
}
