//! Holds answers to agents until their text arrives: after a user chooses an option such as *Deny and say why*, the
//! user's next message is treated as the text. So is a reply to a question's message.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use cordboard_core::{
    session::SessionCommand,
    types::{OpenRequest, OptionText, Place, Request, RequestId, RequestOption, SessionName, SessionView, UserId},
};

/// An answer that still needs its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AwaitedText {
    /// The id of the session.
    pub session: SessionName,
    /// The id of the question.
    pub request: RequestId,
    pub number: u64,
    /// The ids of the chosen options. The last one requires the text.
    pub options: Vec<String>,
    /// The label of the last option.
    pub label: String,
}

/// The answers that are waiting for their text, keyed by the place and user from which the text is expected. They are
/// lost on restart, which also closes the requests.
#[derive(Debug, Clone, Default)]
pub struct TextAnswers(Arc<Mutex<HashMap<(Place, UserId), AwaitedText>>>);

impl TextAnswers {
    /// Makes the user's next message in this place the text of `awaited`. Replaces any answer that was already waiting
    /// for text there.
    pub fn expect(&self, place: Place, user: UserId, awaited: AwaitedText) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert((place, user), awaited);
    }

    /// Returns the answer that the user's message completes. If the message is a reply to a question, `replied` is the
    /// answer to that question. A waiting answer to a different question keeps waiting.
    pub fn take_for(&self, replied: Option<AwaitedText>, place: &Place, user: &UserId) -> Option<AwaitedText> {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (place.clone(), user.clone());
        let is_meant = |one: &AwaitedText| replied.as_ref().is_none_or(|replied| replied.is_about_same(one));
        if waiting.get(&key).is_some_and(is_meant) { waiting.remove(&key) } else { replied }
    }
}

impl AwaitedText {
    /// Returns the answer in `command` if the chosen option requires text and the command contains none. `pressed` is
    /// the request of the pressed button, if a button was pressed.
    pub fn of(command: &SessionCommand, view: &SessionView, pressed: Option<&Request>) -> Option<Self> {
        let SessionCommand::Answer { number, options, text: None } = command else { return None };
        let is_meant = |open: &&OpenRequest| match (pressed, number) {
            (Some(Request::Agent { id, .. }), _) => open.request.id == *id,
            (_, Some(number)) => open.number == *number,
            (_, None) => view.requests.len() == 1,
        };
        let open = view.requests.iter().find(is_meant)?;
        let chosen = options.last()?;
        let requires_text = |option: &&RequestOption| option.id == *chosen && option.text == OptionText::Required;
        let option = open.request.options.iter().find(requires_text)?;
        Some(Self::new(view, open, options.clone(), option))
    }

    /// Returns the answer that a reply to the message of this question completes: the question's first option that
    /// requires a text. Returns `None` if the question is closed or has no such option.
    pub fn of_reply(request: &RequestId, view: &SessionView) -> Option<Self> {
        let open = view.requests.iter().find(|open| open.request.id == *request)?;
        let option = open.request.options.iter().find(|option| option.text == OptionText::Required)?;
        Some(Self::new(view, open, vec![option.id.clone()], option))
    }

    fn is_about_same(&self, other: &Self) -> bool {
        self.session == other.session && self.request == other.request
    }

    fn new(view: &SessionView, open: &OpenRequest, options: Vec<String>, last: &RequestOption) -> Self {
        let (session, request) = (view.record.id().clone(), open.request.id.clone());
        Self { session, request, number: open.number, options, label: last.label.clone() }
    }

    /// Returns the id of the option that requires the text.
    pub fn option(&self) -> &str {
        self.options.last().map_or("", String::as_str)
    }

    /// Returns the command that answers with `text`. The command fails if the question is closed.
    pub fn command(self, text: String) -> SessionCommand {
        let Self { session, request: id, number, options, .. } = self;
        let answer = SessionCommand::Answer { number: Some(number), options, text: Some(text) };
        SessionCommand::Pressed(Request::Agent { session, id }, Box::new(answer))
    }
}

#[cfg(test)]
mod tests {
    use cordboard_core::{
        config::Config,
        session::Machine,
        types::{AgentRequest, SessionRecord, Timestamp},
    };

    use super::*;
    use crate::{hub::LiveConfig, session::SessionConfig};

    fn option(id: &str, text: OptionText) -> RequestOption {
        RequestOption { id: id.to_owned(), label: id.to_owned(), text }
    }

    /// Returns a session whose agent asks a question with these options.
    fn asking(id: &str, options: Vec<RequestOption>) -> SessionView {
        let request = AgentRequest { options, ..AgentRequest::new(RequestId(id.to_owned()), "?".to_owned()) };
        let open = OpenRequest { number: 7, request, buttons: Vec::new(), reason: None, since: Timestamp(0) };
        let name = "alpha".parse().unwrap();
        let record = SessionRecord::new(name, UserId("ada".to_owned()), "/alpha".into(), "demo", Timestamp(0));
        let settings = LiveConfig::new(Config::defaults()).settings(&record);
        SessionView { requests: vec![open], ..Machine::new(record, settings).view() }
    }

    fn answer(options: &[&str]) -> SessionCommand {
        let options = options.iter().map(|&id| id.to_owned()).collect();
        SessionCommand::Answer { number: None, options, text: None }
    }

    #[test]
    fn a_text_belongs_to_its_question_and_keeps_the_other_choices() {
        let options = vec![option("1", OptionText::No), option("other", OptionText::Required)];
        let view = asking("q", options);
        assert_eq!(AwaitedText::of(&answer(&["1"]), &view, None), None);
        let awaited = AwaitedText::of(&answer(&["1", "other"]), &view, None).expect("the last option needs a text");
        assert_eq!(awaited.option(), "other");
        let SessionCommand::Pressed(request, command) = awaited.command("green".to_owned()) else { panic!() };
        let session = view.record.name.clone();
        assert_eq!(request, Request::Agent { session, id: RequestId("q".to_owned()) });
        let options = vec!["1".to_owned(), "other".to_owned()];
        let text = Some("green".to_owned());
        assert_eq!(*command, SessionCommand::Answer { number: Some(7), options, text });
    }

    #[test]
    fn a_reply_completes_its_own_question() {
        let options = || vec![option("1", OptionText::No), option("other", OptionText::Required)];
        let (place, user) = (Place::new("telegram", "1"), UserId("ada".to_owned()));
        let awaited = AwaitedText::of(&answer(&["1", "other"]), &asking("q", options()), None).unwrap();
        let reply = |id: &str| AwaitedText::of_reply(&RequestId(id.to_owned()), &asking(id, options()));
        let answers = TextAnswers::default();
        assert_eq!(answers.take_for(None, &place, &user), None);
        answers.expect(place.clone(), user.clone(), awaited.clone());
        assert_eq!(answers.take_for(reply("p"), &place, &user), reply("p"), "the other answer keeps waiting");
        assert_eq!(answers.take_for(reply("q"), &place, &user), Some(awaited), "all choices count");
        assert_eq!(answers.take_for(None, &place, &user), None);
        assert_eq!(answers.take_for(reply("q"), &place, &user), reply("q"));
    }

    #[test]
    fn a_reply_is_the_text_of_the_option_that_requires_one() {
        let options = || vec![option("deny", OptionText::Optional), option("why", OptionText::Required)];
        let view = asking("q", options());
        let of_reply = |id: &str, view: &SessionView| AwaitedText::of_reply(&RequestId(id.to_owned()), view);
        assert_eq!(of_reply("q", &view).expect("an option needs a text").option(), "why");
        assert_eq!(of_reply("closed", &view), None);
        assert_eq!(of_reply("q", &asking("q", options()[..1].to_vec())), None);
    }
}
