//! Answers agents' questions without a plugin. Passes on a message if a question is waiting for its text and, while no
//! plugin exports the `answer` command, handles buttons and `/answer`. Without this fallback, a session would wait
//! until the question expires.

use std::sync::Arc;

use cordboard_core::{
    messages::{self, HostReply},
    session::SessionCommand,
    types::{Alert, OpenRequest, Reply, Request, SessionName},
    updates_and_posts::{InboxRow, MessageId, Update, UpdateKind},
};
use cordboard_runtime::HostApi;

use super::{dispatch::Dispatcher, host_api::HostService, press_context::Press, text_answers::AwaitedText};

/// The command that a question's buttons run.
const COMMAND: &str = "answer";

impl Dispatcher {
    /// Answers the question that the pressed button belongs to. Must be called only if the button's command can't be
    /// called. Returns false if the button doesn't answer a question.
    pub(super) async fn answer_pressed(&self, row: &InboxRow, press: Option<&Arc<Press>>) -> bool {
        let (Some(press), UpdateKind::Press { line, .. }) = (press, &row.update.what) else { return false };
        let (Some(Request::Agent { .. }), Some(session)) = (&press.request, &press.session) else { return false };
        if !line.command.starts_with(&format!("/{COMMAND} ")) {
            return false;
        }
        let Some(answer) = Answer::parse(&line.command) else { return false };
        let (command, _) = answer.command(&self.open_requests(session));
        if self.send_answer(row, session, command, Some(Arc::clone(press))).await {
            self.finish(row).await;
        }
        true
    }

    /// If the command is `/answer` and no plugin exports it, answers a question in the named session, or else in the
    /// active one. Returns false for other commands, or if no session is named or active.
    pub(super) async fn answer_typed(&self, row: &InboxRow, reply: &HostReply) -> bool {
        let HostReply::UnknownCommand { name, .. } = reply else { return false };
        let UpdateKind::Text(text) = &row.update.what else { return false };
        let Some(answer) = Answer::parse(text) else { return false };
        let session = answer.session.clone().or_else(|| self.active_session(row));
        let Some(session) = session.filter(|_| name == COMMAND) else { return false };
        let (command, labels) = answer.command(&self.open_requests(&session));
        if self.send_answer(row, &session, command, None).await {
            self.reply(row, messages::plain(&messages::answered(&labels))).await;
        }
        true
    }

    fn open_requests(&self, session: &SessionName) -> Vec<OpenRequest> {
        self.host.sessions.registry.view(session.as_str()).map(|view| view.requests.clone()).unwrap_or_default()
    }

    /// Sends an answer to the session, and returns whether the session accepted it. If it didn't, replies with the
    /// reason.
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

    /// If an agent's question is waiting for this text, sends it to the agent. Returns whether the question was
    /// answered; if not, for example because it was closed in the meantime, the text is a prompt.
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

    /// Returns the answer that a reply to `message` completes, or `None` if `message` doesn't show an agent's open
    /// question or the question has no option that requires a text.
    async fn question_of(&self, message: &MessageId) -> Option<AwaitedText> {
        let request = self.store.open_request(message).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "failed to look up the request of a message: a reply to it is a prompt");
            None
        });
        let Some(Request::Agent { session, id }) = request else { return None };
        AwaitedText::of_reply(&id, &*self.host.sessions.registry.with_id(&session)?)
    }
}

/// The arguments of `/answer [#number | name#number] option… [text]`.
struct Answer<'a> {
    /// The session name, if given.
    session: Option<SessionName>,
    number: Option<u64>,
    /// The option ids, optionally followed by text.
    words: &'a str,
}

impl<'a> Answer<'a> {
    /// Returns `None` if the name of the session is invalid.
    fn parse(line: &'a str) -> Option<Self> {
        let rest = line.split_once(char::is_whitespace).map_or("", |(_, rest)| rest.trim());
        let (first, words) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        let target = first.split_once('#').and_then(|(name, number)| Some((name, number.parse().ok()?)));
        let Some((name, number)) = target else { return Some(Self { session: None, number: None, words: rest }) };
        let session = if name.is_empty() { None } else { Some(name.parse().ok()?) };
        Some(Self { session, number: Some(number), words: words.trim() })
    }

    /// Returns the command, and the labels of the chosen options.
    fn command(&self, open: &[OpenRequest]) -> (SessionCommand, String) {
        let request = match (self.number, open) {
            (None, [only]) => Some(only),
            (None, _) => None,
            (Some(number), open) => open.iter().find(|open| open.number == number),
        };
        let offered = request.map(|open| open.request.options.as_slice()).unwrap_or_default();
        let takes_several = request.is_some_and(|open| open.request.multiple);
        let (mut chosen, mut rest) = (Vec::new(), self.words);
        while let (word, after) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""))
            && let Some(option) = offered.iter().find(|option| option.id == word)
            && (takes_several || chosen.is_empty())
        {
            chosen.push(option);
            rest = after.trim_start();
        }
        let labels = chosen.iter().map(|option| option.label.as_str()).collect::<Vec<_>>().join(", ");
        let options = chosen.iter().map(|option| option.id.clone()).collect::<Vec<_>>();
        // Pass on an unknown option: the session rejects it with a list of the available ones.
        let (options, text) = if options.is_empty() { (vec![rest.to_owned()], "") } else { (options, rest) };
        let text = Some(text.to_owned()).filter(|text| !text.is_empty());
        (SessionCommand::Answer { number: self.number, options, text }, labels)
    }
}
