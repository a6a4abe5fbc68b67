//! Notices: the messages about a session that are not answers to prompts, with their buttons.

mod texts;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use tr::tr;

use super::{agent_request, background_work, denied_tool, host_reply::quoting, plain, quote, session_archived};
use crate::{
    agent_event::PromptId,
    types::{AgentRequest, AskReason, Authorship, Button, Choice, Reply, Request, SessionName, Timestamp},
};

/// A message about a session that is not an answer to a prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SessionNotice {
    /// The session is being resumed. The text comes from the lifecycle plugin.
    Resuming(String),
    /// The persona's greeting. It is sent when the agent of a new session is ready.
    Greeting(String),
    /// Text that the agent sends without a prompt, for example a background task's report.
    UnpromptedText(String),
    QueueFull {
        limit: usize,
        /// The beginning of the rejected message.
        prompt: String,
    },
    /// The session has reached the limit of interrupted prompts, so it rejected the message.
    TooManyInterrupted {
        interrupted: usize,
        limit: usize,
        /// The beginning of the rejected message.
        prompt: String,
    },
    /// The agent refused to resume its conversation. The user decides how to continue.
    ResumeRefused {
        failure: u64,
        why: String,
    },
    /// The agent refused to fork the conversation of another session. The user decides how to continue.
    ForkRefused {
        failure: u64,
        why: String,
    },
    /// The agent did not start. The host retries by itself, and posts this notice only for the first of several
    /// consecutive failures.
    StartFailed {
        failure: u64,
        agent: String,
        details: String,
    },
    Broken {
        failure: u64,
        why: String,
    },
    /// The agent died during a turn.
    Died {
        id: PromptId,
        why: String,
    },
    /// The agent died during a turn that it had started itself, or during background work.
    DiedInBackground {
        why: String,
    },
    /// A changed setting requires restarting the agent. The restart waits until the agent's background work is done.
    AppliesLater {
        work: Vec<String>,
    },
    /// The host was stopped, which ended the agent's background work.
    WorkEnded {
        work: Vec<String>,
    },
    /// The host was stopped during a turn. `prompt` is the beginning of the turn's prompt.
    Interrupted {
        id: PromptId,
        prompt: String,
    },
    /// The host was stopped during a turn, and has told the agent to continue. `prompt` is the beginning of the turn's
    /// prompt.
    TurnContinues {
        prompt: String,
    },
    /// The agent received a message during a turn but did not answer it, because it exited or the turn was interrupted.
    /// `prompt` is the beginning of the message.
    NotAnswered {
        id: PromptId,
        prompt: String,
    },
    /// A user decided about the latest interrupted prompt, and there is an earlier one. `prompt` is the beginning of
    /// the earlier one.
    EarlierInterrupted {
        id: PromptId,
        prompt: String,
    },
    /// `[sessions.folders]` names a new folder for the session, and the agent has started there or a terminal was
    /// opened there.
    FolderChanged {
        folder: PathBuf,
    },
    /// A program that can't restore its state was restarted.
    StateLost,
    /// The agent did not accept the permission mode that a user set.
    PermissionModeRefused {
        why: String,
    },
    /// The agent's program is too old for some features. Contains the notice text.
    AboutAgent(String),
    Denied {
        tool: String,
        detail: String,
        cause: DenialCause,
    },
    PersonaFailed {
        failure: u64,
        why: String,
    },
    /// The agent could not be started, for example because its command does not exist, or because a user has to sign in
    /// first.
    NotStarted {
        failure: u64,
        why: String,
    },
    /// The session was archived after the message was accepted but before the session handled it.
    Archived {
        /// The beginning of the rejected message.
        prompt: String,
    },
    /// A terminal holds the session, so the message waits.
    OpenInTerminal,
    /// The agent has been silent during a turn for `silent`, since `since`. The user decides how to continue.
    Stalled {
        since: Timestamp,
        silent: Duration,
        /// The background work that a restart of the agent would end.
        work: Vec<String>,
    },
    /// The agent asks a question.
    Asked {
        number: u64,
        request: Box<AgentRequest>,
        /// The buttons that the approval plugin adds to the question.
        buttons: Vec<Button>,
        reason: Option<AskReason>,
        folder: PathBuf,
    },
    /// The agent's question was withdrawn, because the host was stopped.
    RequestLost {
        title: String,
    },
    /// The agent's question was withdrawn, because the console's input has ended and no user can answer.
    RequestWithdrawn {
        title: String,
    },
    /// The agent's question expired without an answer.
    RequestExpired {
        /// The line that describes the question.
        title: String,
        after: Duration,
    },
    /// After a turn of the session, the daily budget is nearly or completely spent. Contains the notice text.
    Budget(String),
    /// Processes that were still running when the agent exited and can't be attributed to any agent. The host does not
    /// kill them, because they may belong to another session.
    Strays {
        pids: Vec<i32>,
    },
}

/// The answer with which a user chooses to keep waiting after a [`SessionNotice::Stalled`].
pub const WAIT: &str = "wait";

/// The cause of a denial that was not a user's decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DenialCause {
    /// The agent's own settings. Contains the agent's name.
    Agent(String),
    /// The configuration or the approval plugin. Contains the reason.
    Rules(String),
}

impl SessionNotice {
    /// Returns whether the session's name must be added to the message, because the notice text doesn't contain it.
    #[must_use]
    pub const fn is_nameless(&self) -> bool {
        matches!(self, Self::Resuming(_) | Self::Greeting(_) | Self::UnpromptedText(_) | Self::Denied { .. })
    }

    #[must_use]
    pub fn reply(&self, session: &SessionName) -> Reply {
        let text = self.text_reply(session);
        let Some((request, choices)) = self.request(session) else { return text };
        let button = |reply: Reply, choice: &Choice| match (choice.label(), command(choice, session)) {
            (Some(label), Some(command)) => reply.button(&label, &command),
            (_, _) => reply,
        };
        choices.iter().fold(text, button).about(session, request)
    }

    /// Returns the request that the notice asks users to decide, and the choices of its buttons.
    fn request(&self, session: &SessionName) -> Option<(Request, &'static [Choice])> {
        Some(match self {
            Self::Died { id, .. }
            | Self::Interrupted { id, .. }
            | Self::NotAnswered { id, .. }
            | Self::EarlierInterrupted { id, .. } => (Request::Prompt(id.clone()), &[Choice::SendAgain, Choice::Leave]),
            Self::ResumeRefused { failure, .. } | Self::Broken { failure, .. } => {
                (start_request(session, *failure), &[Choice::TryAgain, Choice::StartFresh])
            }
            Self::ForkRefused { failure, .. } => (start_request(session, *failure), &[Choice::StartFresh]),
            Self::StartFailed { failure, .. }
            | Self::PersonaFailed { failure, .. }
            | Self::NotStarted { failure, .. } => (start_request(session, *failure), &[Choice::TryAgain]),
            Self::Stalled { since, .. } => (
                Request::Stall { session: session.clone(), since: *since },
                &[Choice::Wait, Choice::Interrupt, Choice::Restart],
            ),
            Self::Resuming(_) | Self::DiedInBackground { .. } | Self::AboutAgent(_) => return None,
            Self::AppliesLater { .. } | Self::TurnContinues { .. } => return None,
            Self::WorkEnded { .. } | Self::OpenInTerminal | Self::Budget(_) | Self::StateLost => return None,
            Self::PermissionModeRefused { .. } => return None,
            Self::Greeting(_) | Self::UnpromptedText(_) | Self::Denied { .. } | Self::FolderChanged { .. } => {
                return None;
            }
            Self::QueueFull { .. } | Self::TooManyInterrupted { .. } | Self::Archived { .. } | Self::Strays { .. } => {
                return None;
            }
            // `agent_request::asked` has already added the buttons.
            Self::Asked { request, .. } => (Request::Agent { session: session.clone(), id: request.id.clone() }, &[]),
            Self::RequestExpired { .. } | Self::RequestLost { .. } | Self::RequestWithdrawn { .. } => return None,
        })
    }

    fn text_reply(&self, session: &SessionName) -> Reply {
        match self {
            Self::Resuming(text) | Self::Greeting(text) => Reply::text(text.clone()),
            Self::UnpromptedText(text) => Reply { author: Authorship::Agents, ..Reply::text(text.clone()) },
            Self::QueueFull { limit, prompt } => plain(&quoting(&texts::queue_full(session, *limit), prompt)),
            Self::TooManyInterrupted { interrupted, limit, prompt } => {
                plain(&quoting(&texts::too_many_interrupted(session, *interrupted, *limit), prompt))
            }
            Self::ResumeRefused { why, .. } => plain(&texts::resume_refused(session, why)),
            Self::ForkRefused { why, .. } => plain(&texts::fork_refused(session, why)),
            Self::StartFailed { agent, details, .. } => plain(&texts::start_failed(session, agent, details)),
            Self::Broken { why, .. } => plain(&texts::broken(session, why)),
            Self::Died { why, .. } => plain(&texts::died(session, why)),
            Self::DiedInBackground { why } => plain(&background_work::died(session, why)),
            Self::AppliesLater { work } => plain(&background_work::applies_later(session, work)),
            Self::WorkEnded { work } => plain(&background_work::ended(session, work)),
            Self::Interrupted { prompt, .. } => plain(&texts::interrupted(session, prompt)),
            Self::TurnContinues { prompt } => plain(&texts::turn_continues(session, prompt)),
            Self::NotAnswered { prompt, .. } => plain(&texts::not_answered(session, prompt)),
            Self::EarlierInterrupted { prompt, .. } => plain(&texts::earlier_interrupted(session, prompt)),
            Self::FolderChanged { folder } => plain(&texts::folder_changed(session, folder)),
            Self::AboutAgent(text) => plain(text),
            Self::StateLost => plain(&texts::state_lost(session)),
            Self::PermissionModeRefused { why } => plain(&texts::permission_mode_refused(session, why)),
            Self::Denied { tool, detail, cause } => Reply::text(denied_tool::denied(tool, detail, cause)),
            Self::PersonaFailed { why, .. } => plain(&texts::persona_failed(session, why)),
            Self::NotStarted { why, .. } => plain(&texts::not_started(session, why)),
            Self::Archived { prompt } => plain(&quoting(&texts::not_accepted(&session_archived(session)), prompt)),
            Self::OpenInTerminal => plain(&texts::waits_for_terminal(session)),
            Self::Stalled { silent, work, .. } => plain(&texts::stalled(session, *silent, work)),
            Self::Asked { number, request, buttons, reason, folder } => {
                let mut reply = agent_request::asked(session, folder, *number, request, reason.as_ref());
                reply.buttons.extend(buttons.iter().map(|button| vec![button.clone()]));
                reply
            }
            Self::RequestLost { title } => plain(&agent_request::lost(session, title)),
            Self::RequestWithdrawn { title } => plain(&agent_request::withdrawn(session, title)),
            Self::RequestExpired { title, after } => plain(&agent_request::expired(session, title, *after)),
            Self::Budget(text) => plain(text),
            Self::Strays { pids } => plain(&texts::strays(session, pids)),
        }
    }
}

/// Returns the notice that a session stays in its folder although `[sessions.folders]` no longer lists the session.
#[must_use]
pub fn folder_kept(session: &SessionName, folder: &Path) -> Reply {
    plain(&tr!(
        "Session '{session}' keeps working in {}, although [sessions.folders] no longer lists the session.",
        quote_folder(folder),
        session
    ))
}

pub(super) fn quote_folder(folder: &Path) -> String {
    quote(&folder.display().to_string())
}

fn start_request(session: &SessionName, failure: u64) -> Request {
    Request::Start { session: session.clone(), failure }
}

/// Returns the command that a choice's button runs. The command runs with the button's session as the active session.
fn command(choice: &Choice, session: &SessionName) -> Option<String> {
    match choice {
        Choice::SendAgain | Choice::TryAgain | Choice::Restart => Some(format!("/retry {session}")),
        Choice::Leave => Some(format!("/leave {session}")),
        Choice::StartFresh => Some(format!("/fresh {session}")),
        Choice::Wait => Some(format!("/answer {WAIT}")),
        Choice::Interrupt => Some("/stop".to_owned()),
        Choice::Grant | Choice::Refuse | Choice::Offered(_) | Choice::Expired | Choice::Withdrawn => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{super::request_decided, *};

    #[test]
    fn a_notice_binds_its_buttons_to_what_it_asks() {
        let session: SessionName = "alpha".parse().unwrap();
        let id = PromptId("a".to_owned());
        let reply = SessionNotice::EarlierInterrupted { id: id.clone(), prompt: "x".to_owned() }.reply(&session);
        assert_eq!(reply.request, Some(Request::Prompt(id)));
        let buttons: Vec<_> = reply.buttons.iter().flatten().collect();
        assert!(buttons.iter().all(|button| button.session.as_ref() == Some(&session)));
        let commands: Vec<_> = buttons.iter().map(|button| (button.label.as_str(), button.command.as_str())).collect();
        assert_eq!(commands, [("Send again", "/retry alpha"), ("Leave it", "/leave alpha")]);
        let closed = reply.closed(&request_decided(None, Some("Leave it")));
        assert!(closed.buttons.is_empty() && closed.request.is_none());
        assert!(closed.text.ends_with("\n\nDecided: Leave it."), "{}", closed.text);
    }

    #[test]
    fn a_notice_about_a_silence_offers_to_wait() {
        let session: SessionName = "alpha".parse().unwrap();
        let stalled = SessionNotice::Stalled {
            since: Timestamp(5),
            silent: Duration::from_secs(600),
            work: vec!["build".to_owned()],
        };
        let reply = stalled.reply(&session);
        assert_eq!(reply.request, Some(Request::Stall { session, since: Timestamp(5) }));
        assert!(reply.text.ends_with(" Restarting it also ends its background work: build."), "{}", reply.text);
        let buttons = reply.buttons.iter().flatten();
        let commands: Vec<_> = buttons.map(|button| (button.label.as_str(), button.command.as_str())).collect();
        let wanted = [("Wait", "/answer wait"), ("Interrupt", "/stop"), ("Restart the agent", "/retry alpha")];
        assert_eq!(commands, wanted);
    }
}
