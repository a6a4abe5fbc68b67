//! The witness's records of the questions that the agent asked.

use std::collections::{BTreeMap, BTreeSet};

use super::Witness;
use crate::{
    messages,
    session::{Decision, DecisionOutcome, Effect, Run, Ticket},
    types::{DecidedBy, DecidedRequest, Phase, RequestAnswer, RequestId, SessionView, Timestamp},
};

/// The open questions of the live agent.
#[derive(Debug, Default)]
pub(super) struct Asked {
    questions: BTreeMap<String, AskedQuestion>,
    /// The questions that the approval plugin has not decided yet.
    undecided: BTreeMap<Ticket, String>,
    /// The announced tool uses that the approval plugin has not decided yet.
    announced: BTreeMap<Ticket, RequestId>,
    /// The questions that ended without ever being shown, because the agent withdrew them or exited. Their withdrawal
    /// has to be logged.
    withdrawn: BTreeSet<String>,
}

#[derive(Debug)]
struct AskedQuestion {
    since: Timestamp,
    is_shown: bool,
    is_audited: bool,
    is_answered: bool,
}

impl Asked {
    pub fn is_open(&self, id: &RequestId) -> bool {
        self.questions.contains_key(&id.0)
    }

    pub fn is_empty(&self) -> bool {
        self.questions.is_empty()
    }

    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// Drops a question that was never shown.
    fn drop_question(&mut self, id: &RequestId) {
        self.questions.remove(&id.0);
        self.undecided.retain(|_, undecided| *undecided != id.0);
    }

    /// Drops the questions that were never shown, because the agent has exited.
    pub fn drop_hidden(&mut self) {
        let hidden = self.questions.extract_if(.., |_, asked| !asked.is_shown);
        self.withdrawn.extend(hidden.map(|(id, _)| id));
        self.undecided.clear();
        self.announced.clear();
    }
}

impl Witness {
    /// Returns the queries that the approval plugin has not answered yet.
    pub fn undecided(&self) -> Vec<Ticket> {
        self.asked.undecided.keys().chain(self.asked.announced.keys()).copied().collect()
    }

    pub(super) fn observe_canceled(&mut self, id: &RequestId) {
        self.step.cancels = Some(id.clone());
        self.asked.announced.retain(|_, announced| announced != id);
        self.step.restarts_clock = self.asked.is_open(id);
        if self.asked.questions.get(&id.0).is_some_and(|asked| !asked.is_shown) {
            self.asked.drop_question(id);
            self.asked.withdrawn.insert(id.0.clone());
        }
    }

    pub(super) fn observe_decision(&mut self, ticket: Ticket, decision: &Decision) {
        if let Some(announced) = self.asked.announced.remove(&ticket) {
            let expected = match (&decision.outcome, &decision.rule) {
                _ if !self.settings.deny_tools.is_empty() => {
                    RequestAnswer::Denied(messages::denied_by_configuration(&self.settings.deny_tools[0]))
                }
                (DecisionOutcome::Deny(why), _) => RequestAnswer::Denied(why.clone()),
                (DecisionOutcome::Failed, _) | (DecisionOutcome::Ask(_), Some(_)) => RequestAnswer::MustAsk,
                (DecisionOutcome::Allow | DecisionOutcome::AllowForSession | DecisionOutcome::Ask(_), _) => {
                    RequestAnswer::NoObjection
                }
            };
            self.step.decides_announced = Some((announced, expected));
            return;
        }
        let decided = self.asked.undecided.remove(&ticket).filter(|id| self.asked.questions.contains_key(id));
        let outcome = decided.map(|_| decision.outcome.clone());
        self.step.restarts_clock = outcome
            .as_ref()
            .is_some_and(|outcome| !matches!(outcome, DecisionOutcome::Ask(_) | DecisionOutcome::Failed));
        self.step.policy_decides = outcome;
    }

    pub(super) fn perform_decide(&mut self, ticket: Ticket) {
        self.must(self.settings.deny_tools.is_empty(), "the plugin can't lift a rule of the configuration");
        if let Some(id) = self.step.announces.take() {
            self.asked.announced.insert(ticket, id);
            return;
        }
        let Some(id) = self.step.asks.clone() else { self.fail("only about a new question is the plugin asked") };
        self.must(!self.asked.is_open(&id), "the plugin is asked once about a question");
        self.asked.undecided.insert(ticket, id.0);
    }

    pub(super) fn perform_asked(&mut self, id: &RequestId) {
        let is_live = self.alive().is_some() && matches!(self.machine.phase(), Phase::Busy | Phase::Idle);
        self.must(is_live, "only a running agent asks");
        let is_interrupted = self.open.as_ref().is_some_and(|open| open.interrupted);
        self.must(!is_interrupted, "no user is asked during an interrupt");
        self.must(!self.is_undecided(&id.0), "a user is asked after the approval plugin");
        if self.step.asks.as_ref() == Some(id) {
            self.add_question(id.clone());
        }
        let now = self.now;
        self.asked.questions.values_mut().for_each(|asked| asked.since = now);
        let asked = self.asked.questions.get_mut(&id.0);
        let was_hidden = asked.map(|asked| !std::mem::replace(&mut asked.is_shown, true));
        self.must(was_hidden == Some(true), "an open question is shown once");
    }

    fn is_undecided(&self, id: &str) -> bool {
        self.asked.undecided.values().any(|undecided| undecided == id)
    }

    fn add_question(&mut self, id: RequestId) {
        let asked = AskedQuestion { since: self.now, is_shown: false, is_audited: false, is_answered: false };
        let before = self.asked.questions.insert(id.0, asked);
        self.must(before.is_none(), "a question is asked once");
    }

    /// Records a question that is open but not shown yet.
    pub(super) fn observe_waiting_question(&mut self) {
        let Some(id) = self.step.asks.clone().filter(|id| !self.asked.is_open(id)) else { return };
        let is_answerable = self.machine.view().requests.iter().any(|open| open.request.id == id);
        if is_answerable || self.is_undecided(&id.0) {
            self.add_question(id);
        }
    }

    pub(super) fn perform_audit(&mut self, decided: &DecidedRequest) {
        let id = &decided.request.id;
        if decided.by == DecidedBy::Configuration {
            self.must(!self.settings.deny_tools.is_empty(), "only rules deny");
            self.step.configuration_denies = true;
            self.step.restarts_clock |= self.asked.is_open(id);
            if self.step.announces.as_ref() == Some(id) {
                return;
            }
            if self.step.asks.as_ref() == Some(id) && !self.asked.is_open(id) {
                return;
            }
        }
        if self.step.decides_announced.as_ref().is_some_and(|(announced, _)| announced == id) {
            self.must(decided.outcome == "denied", "only the denial of an announced use is logged");
            return;
        }
        if decided.by == DecidedBy::Host && self.step.asks.as_ref() == Some(id) && !self.asked.is_open(id) {
            self.must(decided.outcome == "not shown", "a question without an answer is not shown");
            self.step.is_not_shown = true;
            return;
        }
        if decided.by == DecidedBy::Agent && self.asked.withdrawn.remove(&id.0) {
            return;
        }
        let is_audited =
            self.asked.questions.get_mut(&id.0).map(|asked| std::mem::replace(&mut asked.is_audited, true));
        self.must(is_audited == Some(false), "a decision about an open question is logged once");
    }

    pub(super) fn perform_answer(&mut self, run: Run, id: &RequestId, answer: &RequestAnswer) {
        self.must(self.alive() == Some(run), "an answer to another process");
        if let Some((announced, expected)) = self.step.decides_announced.take_if(|(announced, _)| announced == id) {
            if *answer != expected {
                self.fail(&format!("the plugin's decision about {announced:?} reaches the agent"));
            }
            return;
        }
        if self.step.announces.take_if(|announced| announced == id).is_some() {
            let is_denied = matches!(answer, RequestAnswer::Denied(_)) && self.step.configuration_denies;
            self.must(is_denied, "without a rule of the configuration, the plugin decides");
            return;
        }
        let policy = self.step.policy_decides.as_ref();
        let fits = match answer {
            RequestAnswer::Options { .. } => {
                let allows = [DecisionOutcome::Allow, DecisionOutcome::AllowForSession];
                self.step.user_answers || policy.is_some_and(|outcome| allows.contains(outcome))
            }
            RequestAnswer::Denied(_) => {
                self.step.configuration_denies || matches!(policy, Some(DecisionOutcome::Deny(_)))
            }
            RequestAnswer::Nobody => !self.step.user_answers && policy.is_none(),
            RequestAnswer::NoObjection | RequestAnswer::MustAsk => false,
        };
        self.must(fits, "an answer comes from a user, from the approval plugin or from the lack of both");
        let is_audited = self.asked.questions.get(&id.0).is_some_and(|asked| asked.is_audited);
        self.must(
            is_audited || self.step.configuration_denies || self.step.is_not_shown,
            "a decision is logged before the agent gets it",
        );
        match self.asked.questions.get_mut(&id.0) {
            Some(asked) if asked.is_shown => {
                let is_first = !std::mem::replace(&mut asked.is_answered, true);
                self.must(is_first, "a question is answered once");
            }
            Some(_) => self.asked.drop_question(id),
            None => self.must(self.step.asks.as_ref() == Some(id), "only a question that was asked is answered"),
        }
    }

    pub(super) fn perform_close(&mut self, id: &RequestId) {
        let Some(asked) = self.asked.questions.remove(&id.0) else { self.fail("only an open question is closed") };
        let is_canceled = self.step.cancels.as_ref() == Some(id);
        let fits = asked.is_answered || is_canceled || self.alive().is_none();
        self.must(asked.is_audited, "a decision is logged before its message is closed");
        self.must(fits && asked.is_shown, "a shown question is closed by its answer, by the agent or by its exit");
    }

    pub(super) fn inspect_questions(&self, view: &SessionView) {
        let shown = self.asked.questions.values().filter(|asked| asked.is_shown).count();
        self.must(shown == view.requests.len().min(1), "one of the questions to users is shown");
        let mut ids: Vec<&str> = view.requests.iter().map(|open| open.request.id.0.as_str()).collect();
        ids.sort_unstable();
        let decided = self.asked.questions.keys().filter(|id| !self.is_undecided(id));
        self.must(ids.iter().eq(decided), "the questions that a user can answer are listed");
        let answerable = matches!(view.phase, Phase::Busy | Phase::Idle);
        self.must(self.asked.is_empty() || answerable, "a question is never left open");
        self.must(self.asked.withdrawn.is_empty(), "the withdrawal of a question is logged");
        let is_pending = self.step.announces.is_some() || self.step.decides_announced.is_some();
        self.must(!is_pending || self.alive().is_none(), "each announced use gets one answer");
    }

    /// Returns the time at which the oldest question expires.
    pub(super) fn next_expiry(&self) -> Option<Timestamp> {
        self.asked.questions.values().map(|asked| asked.since.after(self.settings.request_expiry)).min()
    }

    /// Returns whether the effects close the input of an agent that is waiting for an answer, although neither a user
    /// nor a shutdown requires it.
    pub(super) fn abandons_question(&self, effects: &[Effect]) -> bool {
        let closes = effects.iter().any(|effect| matches!(effect, Effect::CloseInput { .. }));
        closes && !self.asked.is_empty() && self.step.is_automatic
    }
}
