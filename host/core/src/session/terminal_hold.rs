//! Holds a session for a terminal. While the session is held, prompts wait, and `start` doesn't start an agent. The
//! hold is stored before it takes effect, so that it survives a crash of the host.

use super::{
    ApiError, ApiErrorCode, Effect, Machine, SessionCommand,
    commands::refusal,
    state::{AfterStop, StartStage, State, StopStage},
};
use crate::{
    messages::{self, SessionNotice},
    types::{Choice, Place, ProcessId, Terminal, Timestamp},
};

impl Machine {
    /// While a terminal holds the session, refuses commands that need or discard the conversation.
    pub(super) fn check_no_terminal(&self, command: &SessionCommand) -> Result<(), ApiError> {
        if self.record.terminal.is_none() {
            return Ok(());
        }
        match command {
            SessionCommand::Start
            | SessionCommand::Suspend
            | SessionCommand::ForceSuspend
            | SessionCommand::OpenTerminal(_)
            | SessionCommand::Fresh
            | SessionCommand::SetAgent(_)
            | SessionCommand::Archive => {
                Err(refusal(ApiErrorCode::Busy, messages::open_in_terminal(&self.record.name)))
            }
            SessionCommand::Pressed(_, command) => self.check_no_terminal(command),
            SessionCommand::Touch(_) | SessionCommand::Interrupt { .. } | SessionCommand::Answer { .. } => Ok(()),
            SessionCommand::Retry(_) | SessionCommand::Leave | SessionCommand::DropQueued(_) => Ok(()),
            SessionCommand::Restore => Ok(()),
            SessionCommand::SetIdleTimeout(_) | SessionCommand::SetModel(_) | SessionCommand::SetPersona(_) => Ok(()),
            SessionCommand::SetMode(_) | SessionCommand::SetPermissionMode(_) => Ok(()),
        }
    }

    /// Holds the session for the terminal of `process`, and stops an idle agent.
    pub(super) fn open_terminal(&mut self, process: ProcessId, now: Timestamp) -> Result<(), ApiError> {
        if matches!(self.state, State::Busy(_)) {
            return Err(self.busy());
        }
        self.check_no_waiting_prompts()?;
        self.check_no_background_work("suspend")?;
        if !self.open_requests().is_empty() {
            return Err(refusal(ApiErrorCode::Busy, messages::question_open(&self.record.name)));
        }
        self.close_failure(Choice::Withdrawn);
        self.resume_notice = None;
        self.record.last_active = now;
        self.record.terminal = Some(Terminal { process: process.clone(), since: now });
        self.emit(Effect::WatchTerminal(process));
        if self.change_folder() {
            self.post_to_affected_places(&SessionNotice::FolderChanged { folder: self.record.folder.clone() });
        }
        match &mut self.state {
            State::Starting(StartStage::Agent { .. }) | State::Idle(_) => {
                self.stop(StopStage::Closed, AfterStop::Suspend, now);
            }
            State::Stopping(stop) => stop.then = AfterStop::Suspend,
            State::Starting(_) | State::Asking(_) | State::Broken(_) => self.state = State::Suspended,
            State::Suspended | State::Busy(_) | State::Archived => {}
        }
        Ok(())
    }

    /// Notifies a place, once for each terminal, that its prompts wait.
    pub(super) fn post_waits_for_terminal(&mut self, place: Place) {
        if !self.notified_of_terminal.contains(&place) {
            self.notified_of_terminal.push(place.clone());
            self.post(place, SessionNotice::OpenInTerminal);
        }
    }

    /// Releases the session after the process that held it has exited, and starts the agent if prompts are waiting.
    pub(super) fn handle_terminal_closed(&mut self, process: &ProcessId, conversation: Option<String>, now: Timestamp) {
        if self.record.terminal.take_if(|terminal| terminal.process == *process).is_none() {
            return;
        }
        self.notified_of_terminal.clear();
        if conversation.is_some() && conversation != self.record.conversation {
            self.record.reset_usage();
            self.record.begun_elsewhere = true;
        }
        if let Some(conversation) = conversation {
            self.record.conversation = Some(conversation);
            self.record.resumable = true;
            self.record.fork = None;
        }
        self.record.last_active = now;
        let place = self.queue.front().map(|prompt| prompt.place.clone());
        if let (State::Suspended, Some(place)) = (&self.state, place) {
            self.wake(place, now);
        }
    }
}
