//! Answers the questions of agents without a plugin: with a text that a question waits for, and with buttons and
//! `/answer` while no plugin exports this command. Otherwise, a session could wait until the question expires.

use std::sync::Arc;

use cordboard_core::{
    messages::{self, HostReply},
    session::SessionCommand,
    types::{Alert, Reply, Request, SessionName},
    updates_and_posts::{InboxRow, MessageId, Update, UpdateKind},
};
use cordboard_runtime::HostApi;

use super::{dispatch::Dispatcher, host_api::HostService, press_context::Press, text_answers::AwaitedText};

/// The command of the buttons of a question. Its arguments are `#number`, the id of the option, and a text if the
/// option takes one.
const COMMAND: &str = "answer";

impl Dispatcher {
    /// Answers the question that the pressed button belongs to. Must be called only if the command of the button can't
    /// be called. Returns whether the button belongs to a question.
    pub(super) async fn answer_pressed(&self, row: &InboxRow, press: Option<&Arc<Press>>) -> bool {
        let (Some(press), UpdateKind::Press { line, .. }) = (press, &row.update.what) else { return false };
        let (Some(Request::Agent { .. }), Some(session)) = (&press.request, &press.session) else { return false };
        let Some(answer) = Answer::parse(&line.command) else { return false };
        // The button is bound to its question, so the number doesn't matter.
        let command = Answer { number: None, ..answer }.command();
        if self.send_answer(row, session, command, Some(Arc::clone(press))).await {
            self.finish(row).await;
        }
        true
    }

    /// Answers a question of the active session if the command is `/answer` and unknown. Returns whether it is.
    pub(super) async fn answer_typed(&self, row: &InboxRow, reply: &HostReply) -> bool {
        let HostReply::UnknownCommand { name, .. } = reply else { return false };
        let UpdateKind::Text(text) = &row.update.what else { return false };
        let (Some(session), true) = (self.active_session(row), name == COMMAND) else { return false };
        let Some(answer) = Answer::parse(text) else { return false };
        let option = answer.option.to_owned();
        if self.send_answer(row, &session, answer.command(), None).await {
            self.reply(row, messages::plain(&messages::answered(&option))).await;
        }
        true
    }

    /// Returns whether the answer was accepted. If it was refused, replies with the reason.
    async fn send_answer(
        &self,
        row: &InboxRow,
        session: &SessionName,
        command: SessionCommand,
        press: Option<Arc<Press>>,
    ) -> bool {
        let host = HostService { press, place: Some(row.update.place.clone()), ..(*self.host).clone() };
        match host.control(&row.update.caller, session, command).await {
            Ok(_) => true,
            Err(error) => {
                self.reply(row, messages::plain(&error.text)).await;
                false
            }
        }
    }

    /// Sends a text to the agent whose question waits for it. Returns whether the agent's question was answered;
    /// otherwise the text is a prompt, for example because the question was closed in the meantime.
    pub(super) async fn answer_with_text(&self, row: &InboxRow) -> bool {
        let Update { caller, place, what, origin, .. } = &row.update;
        let UpdateKind::Text(text) = what else { return false };
        let words = origin.reply.as_ref().map_or(text, |reply| &reply.words);
        let replied = match &origin.reply {
            Some(reply) => self.question_of(&reply.message).await,
            None => None,
        };
        let Some(awaited) = self.host.text_answers.take_for(replied, place, &caller.id) else { return false };
        let session = self.host.sessions.registry.name_of(&awaited.session);
        let option = awaited.label.clone();
        let is_answered = self.host.control(caller, &session, awaited.command(words.clone())).await.is_ok();
        if is_answered {
            let reply = messages::plain(&messages::answered(&option));
            self.reply(row, Reply { alert: Alert::Silent, ..reply }).await;
        }
        is_answered
    }

    /// Returns the answer that a reply to `message` completes. `None` if `message` doesn't show an open question of an
    /// agent, or if the question has no option that requires a text.
    async fn question_of(&self, message: &MessageId) -> Option<AwaitedText> {
        let request = self.store.open_request(message).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "failed to look up the request of a message: a reply to it is a prompt");
            None
        });
        let Some(Request::Agent { session, id }) = request else { return None };
        AwaitedText::of_reply(&id, &*self.host.sessions.registry.with_id(&session)?)
    }
}

/// A typed answer: `/answer #number option [text]`.
struct Answer<'a> {
    number: Option<u64>,
    /// The id of the option.
    option: &'a str,
    text: Option<&'a str>,
}

impl<'a> Answer<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let (_, arguments) = line.split_once(" #")?;
        let (number, rest) = arguments.split_once(' ')?;
        let rest = rest.trim();
        let (option, text) = rest.split_once(' ').map_or((rest, None), |(option, text)| (option, Some(text.trim())));
        Some(Self { number: Some(number.parse().ok()?), option, text })
    }

    fn command(self) -> SessionCommand {
        let Self { number, option, text } = self;
        SessionCommand::Answer { number, options: vec![option.to_owned()], text: text.map(str::to_owned) }
    }
}
