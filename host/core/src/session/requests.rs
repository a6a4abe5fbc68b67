//! Questions from the agent to users, for example about a permission, a choice or a plan. Each question is closed
//! exactly once: when it is answered, expires or is withdrawn. Only one question is shown at a time. An agent with an
//! open question is not stopped at the idle timeout.

use super::{
    ApiError, ApiErrorCode, Effect, Machine, Run,
    state::{OpenTurn, Shutdown, State},
};
use crate::{
    messages::{self, SessionNotice},
    render,
    types::{
        AgentRequest, AskReason, Choice, DecidedBy, DecidedRequest, OpenRequest, OptionText, Place, RecordedRequest,
        Request, RequestAnswer, RequestId, RequestOption, SessionName, Timestamp,
    },
};

/// The maximum number of a session's questions that can wait for a user. Users can't keep track of more, so the host
/// answers further questions with [`RequestAnswer::Nobody`].
const MAX_WAITING: usize = 20;

/// The maximum number of a session's open questions, including those that the approval plugin is deciding. The host
/// answers further questions with [`RequestAnswer::Nobody`].
pub(super) const MAX_OPEN: usize = 1000;

/// The maximum size of a tool input that is passed to the approval plugin, in bytes. A larger input could exceed the
/// plugin call's limits, so a user decides instead.
pub(super) const MAX_INPUT: usize = 256 << 10;

/// The outcome that the audit log records for a question that is closed without a decision before it expires.
pub const WITHDRAWN: &str = "withdrawn";

impl Machine {
    pub(super) fn handle_requested(&mut self, mut request: AgentRequest, now: Timestamp) {
        if let Some(tool_use) = &mut request.tool_use {
            tool_use.home.clone_from(&self.settings.home);
        }
        if self.open_request(&request.id).is_some() {
            return;
        }
        if self.deny_by_configuration(&request) {
            return;
        }
        if self.place_of_questions().is_none() || self.open_requests().len() >= MAX_OPEN {
            self.audit(&request, "not shown", DecidedBy::Host, None);
            return self.send_answer(&request, RequestAnswer::Nobody);
        }
        let Some(live) = &mut self.live else { return };
        self.record.last_request += 1;
        let (number, tool_use) = (self.record.last_request, request.tool_use.clone());
        live.requests.push(OpenRequest { number, request, buttons: Vec::new(), reason: None, since: now });
        match tool_use {
            Some(tool_use) if tool_use.input.len() > MAX_INPUT => {
                self.ask_user_because(number, Some(AskReason::InputTooLarge), now);
            }
            Some(tool_use) => self.ask_policy(number, *tool_use),
            None => self.ask_user(number, now),
        }
    }

    /// Asks a user, unless too many questions are already waiting for users.
    pub(super) fn ask_user(&mut self, number: u64, now: Timestamp) {
        if self.answerable_requests().count() > MAX_WAITING
            && let Some(open) = self.take_request(number)
        {
            self.audit(&open.request, "not shown", DecidedBy::Host, None);
            self.send_answer(&open.request, RequestAnswer::Nobody);
        }
        self.show_next_request(now);
    }

    /// Shows the next question that a user has to decide, unless a question is already shown.
    pub(super) fn show_next_request(&mut self, now: Timestamp) {
        let place = self.place_of_questions();
        let Some((live, place)) = self.live.as_mut().zip(place) else { return };
        if live.requests.iter().any(|open| live.shown_request == Some(open.number)) {
            return;
        }
        let is_undecided = |open: &&mut OpenRequest| live.undecided.values().any(|number| *number == open.number);
        let Some(next) = live.requests.iter_mut().find(|open| !is_undecided(open)) else { return };
        let (number, request) = (next.number, Box::new(next.request.clone()));
        let (buttons, reason) = (next.buttons.clone(), next.reason.clone());
        live.shown_request = Some(number);
        // The user sees only this question, so the other questions' time limits restart too.
        live.requests.iter_mut().for_each(|open| open.since = now);
        let folder = self.record.folder.clone();
        self.post(place, SessionNotice::Asked { number, request, buttons, reason, folder });
    }

    /// Returns the place where questions are shown, or `None` if no user can answer them because no agent is ready, the
    /// turn is being interrupted, or the session has no place.
    pub(super) fn place_of_questions(&self) -> Option<Place> {
        match &self.state {
            State::Busy(OpenTurn { interrupt: Some(_), .. }) => None,
            State::Busy(open) => Some(open.turn.place.clone()),
            State::Idle(_) => self.record.place.clone(),
            State::Suspended | State::Starting(_) | State::Stopping(_) => None,
            State::Asking(_) | State::Broken(_) | State::Archived => None,
        }
    }

    pub(super) fn handle_request_canceled(&mut self, id: &RequestId, now: Timestamp) {
        if let Some(live) = &mut self.live {
            live.announced.retain(|_, announced| announced.id != *id);
        }
        let number = self.open_request(id).map(|open| open.number);
        if let Some(open) = number.and_then(|number| self.take_request(number)) {
            self.audit(&open.request, WITHDRAWN, DecidedBy::Agent, None);
            self.close_request(&open, Choice::Withdrawn);
            self.request_closed(now);
        }
    }

    /// Returns the open question with this number. If there is no number, returns the only open question.
    pub(super) fn numbered_request(&self, number: Option<u64>) -> Result<RequestId, ApiError> {
        let open: Vec<&OpenRequest> = self.answerable_requests().collect();
        let found = match (number, open.as_slice()) {
            (Some(number), open) => open.iter().find(|open| open.number == number),
            (None, [only]) => Some(only),
            (None, []) => None,
            (None, several) => return Err(invalid(messages::several_requests(&self.record.name, several))),
        };
        let id = found.map(|open| open.request.id.clone());
        id.ok_or_else(|| invalid(messages::no_open_request(&self.record.name, number)))
    }

    /// Answers an open question. Returns an error and changes nothing if the question isn't open or doesn't offer these
    /// options, if the last option doesn't accept the given text, or if it requires a text and none was given.
    pub(super) fn answer(
        &mut self,
        id: &RequestId,
        options: Vec<String>,
        text: Option<String>,
        now: Timestamp,
    ) -> Result<(), ApiError> {
        let open = self.answerable_requests().find(|open| open.request.id == *id);
        let open = open.ok_or_else(|| invalid(messages::not_open()))?.clone();
        let text = text.filter(|text| !text.trim().is_empty());
        let labels = labels_of(&self.record.name, &open, &options, text.as_deref())?;
        let decided = text.as_ref().map_or_else(|| labels.clone(), |text| format!("{labels}: {text}"));
        self.take_request(open.number);
        let reason = text.clone().or_else(|| rules_of(&open.request, &options));
        self.audit(&open.request, &labels, DecidedBy::User, reason);
        self.send_answer(&open.request, RequestAnswer::Options { ids: options, text });
        self.close_request(&open, Choice::Offered(decided));
        self.request_closed(now);
        Ok(())
    }

    /// Closes the questions that were not answered in time.
    pub(super) fn expire_requests(&mut self, now: Timestamp) {
        let expiry = self.settings.request_expiry;
        let is_expired = |open: &OpenRequest| open.since.after(expiry) <= now;
        let expired: Vec<_> = self.open_requests().iter().filter(|open| is_expired(open)).cloned().collect();
        let place = self.place_of_questions();
        for open in expired {
            self.take_request(open.number);
            self.audit(&open.request, "expired", DecidedBy::Host, None);
            self.answer_for_nobody(&open, Choice::Expired);
            if let Some(place) = place.clone() {
                self.post(place, SessionNotice::RequestExpired { title: open.request.title, after: expiry });
            }
        }
        self.request_closed(now);
    }

    /// Closes the questions that users were asked, because users can no longer answer them. The agent continues without
    /// the answers.
    pub(super) fn withdraw_unanswerable(&mut self, now: Timestamp) {
        let unanswerable: Vec<_> = self.answerable_requests().cloned().collect();
        if unanswerable.is_empty() {
            return;
        }
        let place = self.place_of_questions();
        for open in unanswerable {
            self.take_request(open.number);
            self.audit(&open.request, WITHDRAWN, DecidedBy::Host, Some(messages::INPUT_ENDED.to_owned()));
            self.answer_for_nobody(&open, Choice::Withdrawn);
            if let Some(place) = place.clone() {
                self.post(place, SessionNotice::RequestWithdrawn { title: open.request.title });
            }
        }
        self.request_closed(now);
    }

    /// Closes all questions without waiting for a user's decision, because the turn is being interrupted or the process
    /// is being stopped.
    pub(super) fn withdraw_requests(&mut self) {
        if self.shutdown != Shutdown::No {
            // The record still contains the questions as of the last input, including their places.
            for recorded in std::mem::take(&mut self.record.open_requests) {
                self.post_lost(&recorded);
            }
        }
        for open in self.take_requests() {
            self.audit(&open.request, WITHDRAWN, DecidedBy::Host, None);
            self.answer_for_nobody(&open, Choice::Withdrawn);
        }
    }

    /// If the process that exited was an agent left over from a killed host, reports the questions that were open.
    pub(super) fn report_unclosed_requests(&mut self) {
        if !self.is_live(Run::LEFT_OVER) {
            return;
        }
        for request in std::mem::take(&mut self.record.open_requests) {
            self.post_lost(&request);
            self.emit(Effect::AuditUnclosed(Box::new(request)));
        }
    }

    fn post_lost(&mut self, request: &RecordedRequest) {
        if let Some(place) = request.place.clone() {
            self.post(place, SessionNotice::RequestLost { title: request.title.clone() });
        }
    }

    /// Returns the open questions in the form stored in the record.
    pub(super) fn recorded_requests(&self) -> Vec<RecordedRequest> {
        if self.is_live(Run::LEFT_OVER) {
            return self.record.open_requests.clone();
        }
        // The next host reports the questions only if the record names the process that it has to clean up.
        if self.record.process.is_none() {
            return Vec::new();
        }
        let place = self.place_of_questions();
        let stored = |OpenRequest { request, .. }: &OpenRequest| RecordedRequest {
            kind: request.kind.to_owned(),
            title: request.title.clone(),
            tool: request.tool_use.as_ref().map(|tool_use| tool_use.tool.clone()),
            place: place.clone(),
        };
        self.open_requests().iter().map(stored).collect()
    }

    /// Closes the questions of a process that has exited.
    pub(super) fn close_requests(&mut self) {
        for open in self.take_requests() {
            self.audit(&open.request, WITHDRAWN, DecidedBy::Agent, None);
            self.close_request(&open, Choice::Withdrawn);
        }
    }

    fn answer_for_nobody(&mut self, open: &OpenRequest, choice: Choice) {
        self.send_answer(&open.request, RequestAnswer::Nobody);
        self.close_request(open, choice);
    }

    pub(super) fn audit(&mut self, request: &AgentRequest, outcome: &str, by: DecidedBy, reason: Option<String>) {
        let (request, outcome) = (request.clone(), outcome.to_owned());
        self.emit(Effect::Audit(Box::new(DecidedRequest { request, outcome, by, reason })));
    }

    pub(super) fn send_answer(&mut self, request: &AgentRequest, answer: RequestAnswer) {
        let id = request.id.clone();
        self.emit_live(|run| Effect::Answer { run, id, answer });
    }

    /// Closes a question's message. Only the currently shown question has a message.
    pub(super) fn close_request(&mut self, open: &OpenRequest, choice: Choice) {
        let Some(live) = &mut self.live else { return };
        if live.shown_request.take_if(|shown| *shown == open.number).is_some() {
            let request = Request::Agent { session: self.record.id().clone(), id: open.request.id.clone() };
            self.emit(Effect::CloseRequest { request, choice });
        }
    }

    /// Shows the next question after one was closed, and restarts the idle and silence clocks.
    pub(super) fn request_closed(&mut self, now: Timestamp) {
        self.show_next_request(now);
        self.end_silence(now);
        self.restart_idle_clock(now);
    }

    pub(super) fn take_request(&mut self, number: u64) -> Option<OpenRequest> {
        let live = self.live.as_mut()?;
        let index = live.requests.iter().position(|open| open.number == number)?;
        live.undecided.retain(|_, undecided| *undecided != number);
        Some(live.requests.remove(index))
    }

    fn take_requests(&mut self) -> Vec<OpenRequest> {
        let Some(live) = &mut self.live else { return Vec::new() };
        live.undecided.clear();
        std::mem::take(&mut live.requests)
    }

    /// Returns the questions that a user can answer: all open ones except those that the approval plugin has yet to
    /// decide.
    pub(super) fn answerable_requests(&self) -> impl Iterator<Item = &OpenRequest> {
        let undecided = self.live.as_ref().map(|live| &live.undecided);
        let is_decided =
            move |open: &&OpenRequest| undecided.is_none_or(|all| all.values().all(|number| *number != open.number));
        self.open_requests().iter().filter(is_decided)
    }

    pub(super) fn open_requests(&self) -> &[OpenRequest] {
        self.live.as_ref().map_or(&[], |live| &live.requests)
    }

    fn open_request(&self, id: &RequestId) -> Option<&OpenRequest> {
        self.open_requests().iter().find(|open| open.request.id == *id)
    }

    pub(super) fn next_expiry(&self) -> Option<Timestamp> {
        self.open_requests().iter().map(|open| open.since.after(self.settings.request_expiry)).min()
    }
}

fn invalid(text: String) -> ApiError {
    ApiError { code: ApiErrorCode::Invalid, text }
}

/// Returns the rules that the chosen options add for the session, if the agent named them.
fn rules_of(request: &AgentRequest, chosen: &[String]) -> Option<String> {
    let mut options = request.options.iter().filter(|option| chosen.contains(&option.id));
    let rules = render::plain(request.session_rules.whole()).trim().to_owned();
    Some(rules).filter(|rules| !rules.is_empty() && options.any(RequestOption::is_lasting))
}

/// Returns the labels of the chosen options, or an error if the options or the text are invalid.
fn labels_of(
    session: &SessionName,
    open: &OpenRequest,
    options: &[String],
    text: Option<&str>,
) -> Result<String, ApiError> {
    let OpenRequest { number, request, .. } = open;
    let find = |id: &String| request.options.iter().find(|offered| offered.id == *id);
    let chosen: Option<Vec<&RequestOption>> = options.iter().map(find).collect();
    let chosen = chosen.filter(|chosen| chosen.len() == 1 || request.multiple && !chosen.is_empty());
    let Some((chosen, last)) = chosen.as_ref().and_then(|chosen| Some((chosen, chosen.last()?))) else {
        return Err(invalid(messages::no_such_option(request)));
    };
    match (last.text, text) {
        (OptionText::No, Some(_)) => return Err(invalid(messages::option_without_text(&last.label))),
        (OptionText::Required, None) => return Err(invalid(messages::option_needs_text(session, *number, &last.id))),
        (OptionText::No | OptionText::Optional | OptionText::Required, _) => {}
    }
    let labels: Vec<&str> = chosen.iter().map(|option| option.label.as_str()).collect();
    Ok(labels.join(", "))
}
