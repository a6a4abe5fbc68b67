//! Checks each effect against the witness's records.

use std::time::Duration;

use super::{
    super::super::super::{Effect, Launch, Prompt, Run, Settled, Ticket},
    Fate, Open, Process, Witness,
};
use crate::{
    agent::PromptId,
    messages::{self, Notice},
    turn::TurnState,
    types::{Phase, Request, Timestamp},
};

impl Witness {
    pub(super) fn perform(&mut self, effects: &[Effect]) {
        for effect in effects {
            self.note(format!("    {effect:?}"));
            if matches!(effect, Effect::Persist | Effect::Accept(_)) {
                self.stored = self.machine.record().clone();
            }
            self.must(self.stored == *self.machine.record(), "a changed record is stored before anything else");
            self.perform_one(effect);
        }
    }

    fn perform_one(&mut self, effect: &Effect) {
        match effect {
            Effect::Persist => {}
            Effect::Hand(id) => {
                let first = self.queue.pop_front();
                self.must(first.as_ref() == Some(id), "prompts are sent in the order of acceptance");
                self.turn_fate(id, Fate::Waiting, Fate::Handed);
                self.step.handed = Some(id.clone());
            }
            Effect::TakeBack(id) => {
                let open = self.open.take();
                let fits =
                    open.is_some_and(|open| open.id == *id && (!open.taken || self.step.refuses_resume && !open.begun));
                self.must(fits, "a prompt that an agent received is not resent automatically");
                self.turn_fate(id, Fate::Handed, Fate::Waiting);
                self.queue.push_front(id.clone());
            }
            Effect::Accept(prompt) => {
                let kept = match self.step.pressed.take() {
                    Some(Request::Prompt(id)) => self.forget_kept(&id),
                    Some(Request::Start { .. } | Request::Grant { .. }) => None,
                    None => self.kept.pop(),
                };
                let kept = kept.map(|id| self.prompts[&id].0.text.clone());
                let is_kept = kept.as_ref() == Some(&prompt.text);
                self.must(
                    is_kept && self.step.prompts,
                    "only the user retries, once: the prompt of the button, else the latest",
                );
                let before = self.prompts.insert(prompt.id.clone(), (prompt.clone(), Fate::Waiting));
                self.must(before.is_none(), "a retried prompt has a new id");
                self.queue.push_front(prompt.id.clone());
            }
            Effect::Settle { prompt, how: Settled::Dropped(_) } => {
                self.turn_fate(prompt, Fate::Waiting, Fate::Settled);
                self.queue.retain(|id| id != prompt);
            }
            Effect::Settle { prompt, how: Settled::CutOff } => self.turn_fate(prompt, Fate::Handed, Fate::Settled),
            Effect::Resolve { ticket, persona } => {
                self.ask(*ticket, persona);
                let held = matches!(self.step.phase, Some(Phase::Asking | Phase::Broken));
                self.must(!held || self.step.has_the_word, "the user must decide first");
                self.must(self.ending == 0, "nothing is started during shutdown");
            }
            Effect::Review { ticket, idle_for } => self.perform_review(*ticket, *idle_for),
            Effect::WordResume { ticket, .. } => self.perform_words(*ticket),
            Effect::Spawn { run, launch } => self.perform_spawn(*run, launch),
            Effect::Send { run, prompt } => self.perform_send(*run, prompt),
            Effect::Interrupt { .. } | Effect::CloseInput { .. } | Effect::Terminate { .. } | Effect::Kill { .. } => {
                self.perform_end(effect);
            }
            Effect::Began(place) => {
                let own = self.open.as_ref().filter(|open| !self.prompts.contains_key(&open.id));
                let fits = own.is_some_and(|open| open.place == *place) && self.step.phase == Some(Phase::Idle);
                self.must(fits, "only an idle agent starts a turn by itself");
            }
            Effect::Show => self.must(self.machine.turn().is_some(), "only a turn is shown"),
            Effect::Finish(turn) => {
                self.must(turn.state != TurnState::Running, "a finished turn does not run");
                self.must(self.open() == Some(turn.prompt.clone()), "only the open turn is finished");
                let named = self.step.answered.as_ref().is_none_or(|answered| answered.contains(&turn.prompt));
                self.must(self.is_active_now(), "an answer is activity");
                self.must(named, "the answer ends its own turn");
                let told = self.open.as_ref().is_some_and(|open| open.told);
                let says = turn.state == TurnState::Failed(messages::STOPPED.to_owned());
                self.must(!(told && says), "the user who stopped the turn gets one notice");
                self.must(told || turn.state != TurnState::Stopped, "a stopped turn is reported as stopped");
                self.deaths = 0;
                self.open = None;
                if self.prompts.contains_key(&turn.prompt) {
                    self.turn_fate(&turn.prompt, Fate::Handed, Fate::Answered);
                    self.finished_last = Some(turn.prompt.clone());
                }
                self.finished += 1;
            }
            Effect::CloseRequest { request: Request::Start { failure, .. }, .. } => {
                self.must(self.machine.record().failures >= *failure, "a request about a failure has a number");
                self.failure.take_if(|asked| *asked == *failure);
            }
            Effect::CloseRequest { request: Request::Prompt(id), .. } => {
                let kept = self.machine.record().kept.iter().any(|kept| kept.id == *id);
                self.must(!kept, "a decided request is not asked again");
            }
            Effect::CloseRequest { request: Request::Grant { .. }, .. } => self.fail("a session grants nothing"),
            Effect::CutOff(turn) => {
                self.must(self.ending > 0, "only a shutdown interrupts a turn");
                self.must(self.open() == Some(turn.prompt.clone()), "only the open turn is interrupted");
                // The prompt stays handed, so the next host keeps it.
                self.open = None;
            }
            Effect::Tell { notice, .. } => {
                if let Some(request) = notice.reply().request {
                    if let Request::Start { failure, .. } = &request {
                        self.failure = Some(*failure);
                    }
                    self.requests.push(request);
                }
                self.perform_tell(notice);
            }
        }
    }

    pub(super) fn forget_kept(&mut self, id: &PromptId) -> Option<PromptId> {
        let index = self.kept.iter().position(|kept| kept == id)?;
        Some(self.kept.remove(index))
    }

    fn turn_fate(&mut self, id: &PromptId, from: Fate, to: Fate) {
        let fate = self.prompts.get(id).map(|(_, fate)| *fate);
        self.must(fate == Some(from), &format!("{} becomes {to:?} from {fate:?}", id.0));
        if let Some((_, fate)) = self.prompts.get_mut(id) {
            *fate = to;
        }
    }

    fn ask(&mut self, ticket: Ticket, about: &str) {
        self.must(ticket.0 > self.latest_ticket(), "each query has its own ticket");
        self.asked.insert(ticket, about.to_owned());
    }

    fn perform_review(&mut self, ticket: Ticket, idle_for: Duration) {
        self.ask(ticket, "review");
        if self.step.phase != Some(Phase::Idle) || self.step.restarts_clock {
            self.idle_since = self.now;
            let live = self.alive().and_then(|run| self.processes.get_mut(&run));
            live.into_iter().for_each(|process| process.forget_past_work(self.now));
        }
        let idle = self.now.since(self.idle_since);
        self.must(idle_for.as_secs() == idle.as_secs(), "the policy receives the idle time");
        self.must(idle_for.subsec_nanos() == 0, "the policy receives whole seconds");
        self.review = Some((ticket, self.idle_since.after(idle_for)));
        self.policy = None;
    }

    fn perform_words(&mut self, ticket: Ticket) {
        self.ask(ticket, "words");
        let away = matches!(self.step.phase, Some(Phase::Suspended | Phase::Stopping));
        self.must(self.step.prompts && away, "only a message to a suspended session announces a resume");
        self.must(self.machine.record().conversation.is_some(), "only a session that ran before is resumed");
        self.words = Some(ticket);
    }

    fn perform_tell(&mut self, notice: &Notice) {
        match notice {
            Notice::Resuming(_) => {
                let asked = self.words.take();
                self.must(
                    asked.is_some() && asked == self.step.worded,
                    "a resume is announced once, with the plugin's text",
                );
            }
            Notice::Died { .. } => self.kept.extend(self.finished_last.take()),
            Notice::Greeting(_)
            | Notice::Unasked(_)
            | Notice::QueueFull { .. }
            | Notice::KeptFull { .. }
            | Notice::ResumeRefused { .. } => {}
            Notice::FolderChanged { folder, .. } => {
                self.must(self.machine.record().folder == *folder, "a session works where it says");
            }
            Notice::Broken { .. } | Notice::Denied { .. } | Notice::PersonaFailed { .. } | Notice::CutOff { .. } => {}
            Notice::DiedUnasked { .. } => self.finished_last = None,
            Notice::CountsLater { .. } => {
                let works = self.alive().is_some_and(|run| self.processes[&run].works());
                self.must(works, "a change takes effect at once for an idle agent");
            }
            Notice::WorkEnded { .. } => {
                self.must(self.ending > 0 || self.step.left_work, "only the end of a host ends background work");
            }
            Notice::NotStarted { .. } | Notice::Archived { .. } | Notice::StillKept { .. } | Notice::Strays { .. } => {}
            Notice::StartFailed { .. } => self.must(self.deaths <= 1, "a failed start is reported at the first death"),
        }
    }

    fn perform_spawn(&mut self, run: Run, launch: &Launch) {
        let record = self.machine.record().clone();
        let held = matches!(self.step.phase, Some(Phase::Asking | Phase::Broken));
        self.must(!held || self.step.has_the_word, "the user must decide first");
        self.must(self.alive().is_none(), "two processes for a session");
        self.must(self.ending == 0 && !record.archived, "nothing is started during shutdown or while archived");
        self.must(!self.processes.contains_key(&run), "each process has its own number");
        let conversation = record.conversation.filter(|_| record.resumable);
        self.must(launch.resume == conversation, "exactly the resumable conversations are resumed");
        self.must(!self.fresh || launch.resume.is_none(), "a discarded conversation is resumed");
        self.must(
            launch.instructions == record.persona.clone().unwrap_or_default(),
            "an agent runs with its persona's instructions",
        );
        let folder = self.settings.folder.as_ref();
        self.must(folder.is_none_or(|folder| *folder == record.folder), "an agent starts in the configured folder");
        self.must(record.model.is_none() || launch.model == record.model, "an agent runs with its session's model");
        self.fresh = false;
        let (persona, model, agent) = (record.persona, launch.model.clone(), self.settings.agent.clone());
        self.processes.insert(run, Process { began: self.now, persona, model, agent, ..Process::default() });
    }

    fn perform_send(&mut self, run: Run, prompt: &Prompt) {
        let record = self.machine.record();
        self.must(self.alive() == Some(run), "a prompt for a dead process");
        let process = &self.processes[&run];
        self.must(process.ready, "a prompt before the agent is ready");
        let leaves = process.closed.is_some() || process.terminated.is_some() || process.killed;
        self.must(!leaves && self.ending == 0, "a prompt after the end has begun");
        let fits = process.persona == record.persona && process.model == self.machine.view().model;
        let fits = (fits && process.agent == self.settings.agent) || process.works();
        self.must(fits, "a new persona, model or command line applies before the next prompt");
        self.must(self.open.is_none(), "two prompts with an agent");
        let handed = self.step.handed.take();
        self.must(handed.as_ref() == Some(&prompt.id), "a prompt is stored as handed before it is sent");
        self.open = Some(Open::new(prompt.id.clone(), prompt.place.clone()));
    }

    fn perform_end(&mut self, effect: &Effect) {
        let (now, ending, open) = (self.now, self.ending > 0, self.open.is_some());
        let (Effect::Interrupt { run } | Effect::CloseInput { run } | Effect::Terminate { run } | Effect::Kill { run }) =
            effect
        else {
            return;
        };
        self.must(self.alive() == Some(*run), "a signal for another process");
        let past = |since: Option<Timestamp>, seconds| {
            since.is_some_and(|since| now.since(since) >= Duration::from_secs(seconds))
        };
        let process = self.processes.get_mut(run).expect("it is alive");
        let fits = match effect {
            Effect::Interrupt { .. } => {
                (process.interrupted, process.heard) = (Some(now), false);
                open && process.closed.is_none() && !self.open.as_ref().is_some_and(|open| open.interrupted)
            }
            Effect::CloseInput { .. } => {
                let first = process.closed.replace(now).is_none() && process.terminated.is_none();
                let spared = !process.works() || ending || self.step.gives_up || self.step.refuses_resume;
                spared && first && (!open || ending && past(process.interrupted, 2))
            }
            Effect::Terminate { .. } => {
                let unheard = past(process.closed, 2) || past(process.interrupted, if process.heard { 30 } else { 5 });
                process.terminated.replace(now).is_none() && unheard
            }
            _ => {
                let unheard = past(process.terminated, 5) || past(Some(process.began), 60) && !process.ready;
                !std::mem::replace(&mut process.killed, true) && (unheard || self.ending > 1)
            }
        };
        if let (Effect::Interrupt { .. }, Some(open)) = (effect, &mut self.open) {
            open.interrupted = true;
        }
        self.must(fits, "the stop sequence advances one step at a time, and not during a turn");
    }
}
