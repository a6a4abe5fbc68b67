//! The witness's records of the questions that the agent asked.

use std::collections::BTreeMap;

use super::{
    super::super::super::{Effect, Run},
    Witness,
};
use crate::types::{OpenRequest, Phase, RequestAnswer, RequestId, Timestamp};

/// The open questions of the live agent.
#[derive(Debug, Default)]
pub(super) struct Asked(BTreeMap<String, AskedQuestion>);

#[derive(Debug)]
struct AskedQuestion {
    since: Timestamp,
    is_shown: bool,
    is_answered: bool,
}

impl Asked {
    pub fn is_open(&self, id: &RequestId) -> bool {
        self.0.contains_key(&id.0)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn clear(&mut self) {
        self.0.clear();
    }
}

impl Witness {
    pub(super) fn observe_cancelled(&mut self, id: &RequestId) {
        self.step.cancels = Some(id.clone());
        self.step.restarts_clock = self.asked.is_open(id);
    }

    pub(super) fn perform_asked(&mut self, id: &RequestId) {
        let is_live = self.alive().is_some() && matches!(self.machine.phase(), Phase::Busy | Phase::Idle);
        self.must(is_live, "only a running agent asks");
        let is_interrupted = self.open.as_ref().is_some_and(|open| open.interrupted);
        self.must(!is_interrupted, "no user is asked during an interrupt");
        if self.step.asks.as_ref() == Some(id) {
            self.add_question(id.clone(), true);
            return;
        }
        let now = self.now;
        self.asked.0.values_mut().for_each(|asked| asked.since = now);
        let was_hidden = self.asked.0.get_mut(&id.0).map(|asked| !std::mem::replace(&mut asked.is_shown, true));
        self.must(was_hidden == Some(true), "an open question is shown once");
    }

    fn add_question(&mut self, id: RequestId, is_shown: bool) {
        let asked = AskedQuestion { since: self.now, is_shown, is_answered: false };
        let before = self.asked.0.insert(id.0, asked);
        self.must(before.is_none(), "a question is asked once");
    }

    /// Records a question that waits behind the one that is shown.
    pub(super) fn observe_waiting_question(&mut self) {
        let Some(id) = self.step.asks.clone().filter(|id| !self.asked.is_open(id)) else { return };
        if self.machine.view().requests.iter().any(|open| open.request.id == id) {
            self.add_question(id, false);
        }
    }

    pub(super) fn perform_answer(&mut self, run: Run, id: &RequestId, answer: &RequestAnswer) {
        self.must(self.alive() == Some(run), "an answer to another process");
        let by_user = self.step.user_answers;
        let is_answer = matches!(answer, RequestAnswer::Options { .. });
        self.must(is_answer == by_user, "exactly the answers of users are answers");
        match self.asked.0.get_mut(&id.0) {
            Some(asked) => {
                let is_first = !std::mem::replace(&mut asked.is_answered, true);
                self.must(is_first, "a question is answered once");
            }
            None => self.must(self.step.asks.as_ref() == Some(id), "only a question that was asked is answered"),
        }
    }

    pub(super) fn perform_close(&mut self, id: &RequestId) {
        let Some(asked) = self.asked.0.remove(&id.0) else { self.fail("only an open question is closed") };
        let is_cancelled = self.step.cancels.as_ref() == Some(id);
        let fits = asked.is_answered || is_cancelled || self.alive().is_none();
        self.must(fits, "a question is closed by its answer, by the agent or by its exit");
    }

    pub(super) fn inspect_questions(&self) {
        let view = self.machine.view();
        let is_shown = |open: &OpenRequest| self.asked.0.get(&open.request.id.0).is_some_and(|asked| asked.is_shown);
        let (first, others) = view.requests.split_at(view.requests.len().min(1));
        let holds = first.iter().all(is_shown) && !others.iter().any(is_shown);
        self.must(holds, "exactly the first open question is shown");
        let mut open: Vec<&str> = view.requests.iter().map(|open| open.request.id.0.as_str()).collect();
        open.sort_unstable();
        self.must(open.iter().eq(self.asked.0.keys()), "the open questions are listed");
        let answerable = matches!(view.phase, Phase::Busy | Phase::Idle);
        self.must(open.is_empty() || answerable, "a question is never left open");
    }

    /// The time at which the oldest question expires.
    pub(super) fn next_expiry(&self) -> Option<Timestamp> {
        self.asked.0.values().map(|asked| asked.since.after(self.settings.request_expiry)).min()
    }

    /// Whether the effects close the input of an agent that waits for an answer, although neither a user nor a shutdown
    /// demands it.
    pub(super) fn abandons_question(&self, effects: &[Effect]) -> bool {
        let closes = effects.iter().any(|effect| matches!(effect, Effect::CloseInput { .. }));
        closes && !self.asked.is_empty() && self.step.is_automatic
    }
}
