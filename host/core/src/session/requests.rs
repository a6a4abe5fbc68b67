//! Questions of the agent to users: a permission, a choice, a plan. Each question is closed once: it is answered,
//! expires or is withdrawn. Of several open questions, only the first is shown, as at a terminal. An agent with an open
//! question is not stopped at the idle timeout.

use super::{
    ApiError, ApiErrorCode, Effect, Machine,
    state::{OpenTurn, State},
};
use crate::{
    messages::{self, SessionNotice},
    types::{
        AgentRequest, Choice, OpenRequest, OptionText, Place, Request, RequestAnswer, RequestId, RequestOption,
        SessionName, Timestamp,
    },
};

/// The maximum number of open questions of a session. Further questions are answered without a decision of a user,
/// because users can't keep track of more.
const MAX_OPEN: usize = 20;

impl Machine {
    pub(super) fn handle_requested(&mut self, request: AgentRequest, now: Timestamp) {
        let place = self.place_of_questions().filter(|_| self.open_requests().len() < MAX_OPEN);
        let Some(live) =
            self.live.as_mut().filter(|live| live.requests.iter().all(|open| open.request.id != request.id))
        else {
            return;
        };
        if place.is_none() {
            let run = live.run;
            return self.emit(Effect::Answer { run, id: request.id, answer: RequestAnswer::Nobody });
        }
        self.last_request += 1;
        live.requests.push(OpenRequest { number: self.last_request, request, since: now });
        if live.requests.len() == 1 {
            self.show_first_request();
        }
    }

    fn show_first_request(&mut self) {
        let (Some(place), [OpenRequest { number, request, .. }, ..]) =
            (self.place_of_questions(), self.open_requests())
        else {
            return;
        };
        let (number, request) = (*number, Box::new(request.clone()));
        self.post(place, SessionNotice::Asked { number, request, folder: self.record.folder.clone() });
    }

    /// Shows the next question if `before`, the number of the one that was shown, has been closed.
    fn show_next_request(&mut self, before: Option<u64>, now: Timestamp) {
        if self.shown_request() != before {
            // The user saw only the question before, so the time to answer the others begins now.
            self.live.iter_mut().flat_map(|live| &mut live.requests).for_each(|open| open.since = now);
            self.show_first_request();
        }
        self.restart_idle_clock(now);
    }

    fn shown_request(&self) -> Option<u64> {
        self.open_requests().first().map(|open| open.number)
    }

    /// The place in which a question is shown. `None` if no user can answer it: the process is being stopped, its turn
    /// is being interrupted, or no place shows the session.
    fn place_of_questions(&self) -> Option<Place> {
        match &self.state {
            State::Busy(OpenTurn { interrupt: Some(_), .. }) => None,
            State::Busy(open) => Some(open.turn.place.clone()),
            State::Idle(_) => self.record.place.clone(),
            State::Suspended | State::Starting(_) | State::Stopping(_) => None,
            State::Asking(_) | State::Broken(_) | State::Archived => None,
        }
    }

    pub(super) fn handle_request_cancelled(&mut self, id: &RequestId, now: Timestamp) {
        let shown = self.shown_request();
        if self.take_request(id).is_some() {
            self.close_request(id.clone(), Choice::Withdrawn);
            self.show_next_request(shown, now);
        }
    }

    /// Returns the open question with this number, or else the only one.
    pub(super) fn numbered_request(&self, number: Option<u64>) -> Result<RequestId, ApiError> {
        let found = match (number, self.open_requests()) {
            (Some(number), open) => open.iter().find(|open| open.number == number),
            (None, [only]) => Some(only),
            (None, []) => None,
            (None, several) => return Err(invalid(messages::several_requests(&self.record.name, several))),
        };
        let id = found.map(|open| open.request.id.clone());
        id.ok_or_else(|| invalid(messages::no_open_request(&self.record.name, number)))
    }

    /// Answers an open question. Changes nothing if the options or the text don't fit.
    pub(super) fn answer(
        &mut self,
        id: &RequestId,
        options: Vec<String>,
        text: Option<String>,
        now: Timestamp,
    ) -> Result<(), ApiError> {
        let open = self.open_requests().iter().find(|open| open.request.id == *id);
        let open = open.ok_or_else(|| invalid(messages::NOT_OPEN.to_owned()))?;
        let text = text.filter(|text| !text.trim().is_empty());
        let label = label_of(&self.record.name, open, &options, text.as_deref())?;
        let shown = self.shown_request();
        self.take_request(id);
        let answer = RequestAnswer::Options { ids: options, text };
        self.emit_live(|run| Effect::Answer { run, id: id.clone(), answer });
        self.close_request(id.clone(), Choice::Offered(label));
        self.show_next_request(shown, now);
        Ok(())
    }

    /// Closes the questions that no user has answered in time.
    pub(super) fn expire_requests(&mut self, now: Timestamp) {
        let expiry = self.settings.request_expiry;
        let is_expired = |open: &OpenRequest| open.since.after(expiry) <= now;
        let expired: Vec<_> = self.open_requests().iter().filter(|open| is_expired(open)).cloned().collect();
        let (place, shown) = (self.place_of_questions(), self.shown_request());
        for OpenRequest { request, .. } in expired {
            self.take_request(&request.id);
            self.answer_for_nobody(request.id, Choice::Expired);
            if let Some(place) = place.clone() {
                self.post(place, SessionNotice::RequestExpired { title: request.title, after: expiry });
            }
        }
        self.show_next_request(shown, now);
    }

    /// Closes all questions without a user's decision, because the turn is being interrupted or the process is being
    /// stopped.
    pub(super) fn withdraw_requests(&mut self) {
        for open in self.take_requests() {
            self.answer_for_nobody(open.request.id, Choice::Withdrawn);
        }
    }

    /// Closes the questions of a process that has exited.
    pub(super) fn close_requests(&mut self) {
        for open in self.take_requests() {
            self.close_request(open.request.id, Choice::Withdrawn);
        }
    }

    fn answer_for_nobody(&mut self, id: RequestId, choice: Choice) {
        let asked = id.clone();
        self.emit_live(|run| Effect::Answer { run, id: asked, answer: RequestAnswer::Nobody });
        self.close_request(id, choice);
    }

    fn close_request(&mut self, id: RequestId, choice: Choice) {
        let request = Request::Agent { session: self.record.name.clone(), id };
        self.emit(Effect::CloseRequest { request, choice });
    }

    fn take_request(&mut self, id: &RequestId) -> Option<OpenRequest> {
        let requests = &mut self.live.as_mut()?.requests;
        let index = requests.iter().position(|open| open.request.id == *id)?;
        Some(requests.remove(index))
    }

    fn take_requests(&mut self) -> Vec<OpenRequest> {
        self.live.as_mut().map(|live| std::mem::take(&mut live.requests)).unwrap_or_default()
    }

    pub(super) fn open_requests(&self) -> &[OpenRequest] {
        self.live.as_ref().map_or(&[], |live| &live.requests)
    }

    pub(super) fn next_expiry(&self) -> Option<Timestamp> {
        self.open_requests().iter().map(|open| open.since.after(self.settings.request_expiry)).min()
    }
}

fn invalid(text: String) -> ApiError {
    ApiError { code: ApiErrorCode::Invalid, text }
}

/// Returns the text that replaces the buttons of the question, or an error if the options or the text don't fit.
fn label_of(
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
    let labels = labels.join(", ");
    Ok(text.map_or_else(|| labels.clone(), |text| format!("{labels}: {text}")))
}
