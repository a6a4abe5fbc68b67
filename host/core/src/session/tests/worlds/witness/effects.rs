//! Checks each effect against the witness's records.

use std::{rc::Rc, time::Duration};

use super::{Fate, OpenTurn, Process, Witness};
use crate::{
    agent_event::PromptId,
    messages::{self, SessionNotice},
    session::{Completion, Effect, Launch, Prompt, Run, Ticket},
    turn::TurnState,
    types::{ConversationStart, Phase, Request, Timestamp},
};

/// An effect that interrupts a turn or stops a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Signal {
    Interrupt,
    CloseInput,
    Terminate,
    Kill,
}

impl Witness {
    pub(super) fn perform_all(&mut self, effects: &Rc<[Effect]>) {
        self.perform(effects, u64::MAX);
    }

    /// Performs at most `count` of the effects.
    pub(super) fn perform(&mut self, effects: &Rc<[Effect]>, count: u64) {
        let count = effects.len().min(usize::try_from(count).unwrap_or(usize::MAX));
        self.log.request(effects);
        for effect in &effects[..count] {
            self.log.perform_one();
            if matches!(effect, Effect::Persist | Effect::PersistTurn(_) | Effect::Accept(_)) {
                self.stored = self.machine.record().clone();
            }
            self.must(self.stored == *self.machine.record(), "a changed record is stored before anything else");
            self.perform_one(effect);
        }
    }

    fn perform_one(&mut self, effect: &Effect) {
        match effect {
            Effect::Persist | Effect::PersistTurn(_) => {}
            Effect::MarkSent(id) => {
                let first = self.queue.pop_front();
                self.urgent.remove(id);
                self.must(
                    first.as_ref() == Some(id),
                    "urgent prompts are sent first, others in the order of acceptance",
                );
                self.change_fate(id, Fate::Queued, Fate::Sent);
                self.step.sent = Some(id.clone());
            }
            Effect::MarkQueued(id) => {
                if !self.requeue_steered(id) {
                    self.must(self.steered().is_empty(), "requeued prompts keep their order");
                    let open = self.open.take();
                    let fits = open.is_some_and(|open| {
                        open.id == *id && (!open.accepted || self.step.refuses_resume && !open.begun)
                    });
                    self.must(fits, "a prompt that an agent received is not resent automatically");
                }
                self.change_fate(id, Fate::Sent, Fate::Queued);
                self.queue.push_front(id.clone());
            }
            Effect::Accept(note) if self.step.restores => self.perform_continuation(note),
            Effect::Accept(prompt) => {
                let kept = match self.step.pressed.take() {
                    Some(Request::Prompt(id)) => self.forget_interrupted(&id),
                    Some(Request::Stall { .. }) => self.open(),
                    Some(Request::Start { .. } | Request::Grant { .. } | Request::Agent { .. }) => None,
                    None => self.interrupted.pop(),
                };
                let kept = kept.map(|id| self.prompts[&id].0.text.clone());
                let is_kept = kept.as_ref() == Some(&prompt.text);
                self.must(
                    is_kept && self.step.prompts,
                    "only the user retries, once: the prompt of the button, else the latest",
                );
                let before = self.prompts.insert(prompt.id.clone(), (prompt.clone(), Fate::Queued));
                self.must(before.is_none(), "a retried prompt has a new id");
                self.retried.insert(prompt.id.clone());
                self.queue.push_front(prompt.id.clone());
            }
            Effect::Complete { prompt, how: Completion::Dropped(_) | Completion::Rejected(_) } => {
                let is_forgotten = self.step.forgotten.contains(prompt);
                let is_wanted = self.step.stops || self.step.lost_access.contains(prompt);
                self.must(!is_forgotten || is_wanted, "only /stop or a loss of access drops a sent prompt");
                let from = if is_forgotten { Fate::Sent } else { Fate::Queued };
                self.change_fate(prompt, from, Fate::Completed);
                self.queue.retain(|id| id != prompt);
            }
            Effect::Complete { prompt, how: Completion::Interrupted } => {
                self.must(self.interrupted.contains(prompt), "an interrupted prompt is kept");
                self.change_fate(prompt, Fate::Sent, Fate::Completed)
            }
            Effect::Complete { prompt, how: Completion::Superseded } => self.perform_superseded(prompt),
            Effect::CompleteWithNotice { prompt, how, place, notice } => {
                self.perform_one(&Effect::Post { place: place.clone(), notice: notice.clone() });
                self.perform_one(&Effect::Complete { prompt: prompt.clone(), how: how.clone() });
            }
            Effect::LoadPersona { ticket, persona } => {
                self.ask(*ticket, persona);
                let is_blocked = matches!(self.step.phase, Some(Phase::Asking | Phase::Broken));
                self.must(!is_blocked || self.step.user_decided, "the user must decide first");
                self.must(self.shutdowns == 0, "nothing is started during shutdown");
            }
            Effect::Review { ticket, idle_for } => self.perform_review(*ticket, *idle_for),
            Effect::RequestResumeNotice { ticket, .. } => self.perform_resume_request(*ticket),
            Effect::Decide { ticket, .. } => self.perform_decide(*ticket),
            Effect::WatchTerminal(process) => {
                let recorded = self.stored.terminal.as_ref().is_some_and(|terminal| terminal.process == *process);
                self.must(recorded, "a terminal is stored before it is watched");
            }
            Effect::Spawn { run, launch } => self.perform_spawn(*run, launch),
            Effect::Steer { run, prompt } => self.perform_steer(*run, prompt),
            Effect::Forget { prompt, .. } => self.perform_forget(prompt),
            Effect::SteeredTurnStarted { prompt, place } => {
                self.begin_steered_turn();
                let fits = self.open.as_ref().is_some_and(|open| open.id == *prompt && open.place == *place);
                self.must(fits, "the next turn is the one of the first prompt that is left");
            }
            Effect::Send { run, prompt } => self.perform_send(*run, prompt),
            Effect::Audit(decided) => self.perform_audit(decided),
            Effect::AuditUnclosed(request) => {
                let was_stored = self.unclosed.pop_front().is_some_and(|stored| stored == **request);
                self.must(was_stored, "the open questions of a killed host are logged once");
            }
            Effect::Answer { run, id, answer } => self.perform_answer(*run, id, answer),
            Effect::SetPermissionMode { run, .. } => {
                self.must(self.alive() == Some(*run), "a mode for another process")
            }
            Effect::Interrupt { run } => self.perform_signal(Signal::Interrupt, *run),
            Effect::CloseInput { run } => self.perform_signal(Signal::CloseInput, *run),
            Effect::Terminate { run } => self.perform_signal(Signal::Terminate, *run),
            Effect::Kill { run } => self.perform_signal(Signal::Kill, *run),
            Effect::TurnStarted(place) => {
                let own = self.open.as_ref().filter(|open| !self.prompts.contains_key(&open.id));
                let fits = own.is_some_and(|open| open.place == *place) && self.step.phase == Some(Phase::Idle);
                self.must(fits, "only an idle agent starts a turn by itself");
            }
            Effect::ShowTurn => self.must(self.machine.turn().is_some(), "only a turn is shown"),
            Effect::Finish(turn) => {
                self.must(turn.state != TurnState::Running, "a finished turn does not run");
                self.must(self.open() == Some(turn.prompt.clone()), "only the open turn is finished");
                let is_named = |answered: &Vec<PromptId>| turn.prompts().any(|prompt| answered.contains(prompt));
                let named = self.step.answered.as_ref().is_none_or(is_named);
                self.must(self.is_active_now(), "an answer is activity");
                self.must(named, "the answer ends its own turn");
                let text_shown = self.open.as_ref().is_some_and(|open| open.stopped_here || open.lost_access);
                let says = turn.state == TurnState::Failed(messages::stopped());
                self.must(!(text_shown && says), "the user who stopped the turn gets one notice");
                self.must(text_shown || turn.state != TurnState::Stopped, "a stopped turn is reported as stopped");
                self.failed_starts = 0;
                self.step.ends_lost_turn = self.open.as_ref().is_some_and(|open| open.lost_access);
                self.end_steered(turn);
                self.complete_steered(turn);
                self.open = None;
                if self.prompts.contains_key(&turn.prompt) {
                    self.change_fate(&turn.prompt, Fate::Sent, Fate::Answered);
                    self.finished_last = Some(turn.prompt.clone());
                }
                self.finished += 1;
            }
            Effect::CloseRequest { request: Request::Start { failure, .. }, .. } => {
                self.must(self.machine.record().failures >= *failure, "a request about a failure has a number");
                self.failure.take_if(|asked| *asked == *failure);
            }
            Effect::CloseRequest { request: Request::Prompt(id), .. } => {
                let kept = self.machine.record().interrupted.iter().any(|kept| kept.id == *id);
                self.must(!kept, "a decided request is not asked again");
            }
            Effect::CloseRequest { request: Request::Stall { since, .. }, .. } => {
                let is_open = self.stall.take_if(|asked| asked == since).is_some();
                self.must(is_open, "a question about a silence is closed once");
            }
            Effect::CloseRequest { request: Request::Agent { id, .. }, .. } => self.perform_close(id),
            Effect::CloseRequest { request: Request::Grant { .. }, .. } => self.fail("a session grants nothing"),
            Effect::FinishInterrupted(turn) => {
                self.must(self.shutdowns > 0, "only a shutdown interrupts a turn");
                self.must(self.open() == Some(turn.prompt.clone()), "only the open turn is interrupted");
                // The prompts stay marked as sent, so the next host keeps them.
                self.end_steered(turn);
                self.cut_off.extend(turn.prompts().cloned());
                self.open = None;
            }
            Effect::Post { notice, .. } => {
                let record = self.machine.record();
                if let Some(request) = notice.reply(&record.name).bind_to_session(record.id()).request {
                    if let Request::Start { failure, .. } = &request {
                        self.failure = Some(*failure);
                    }
                    self.requests.push(request);
                }
                self.perform_post(notice);
            }
        }
    }

    pub(super) fn forget_interrupted(&mut self, id: &PromptId) -> Option<PromptId> {
        let index = self.interrupted.iter().position(|kept| kept == id)?;
        Some(self.interrupted.remove(index))
    }

    pub(super) fn change_fate(&mut self, id: &PromptId, from: Fate, to: Fate) {
        match self.prompts.get_mut(id) {
            Some((_, fate)) if *fate == from => *fate = to,
            other => {
                let fate = other.map(|(_, fate)| *fate);
                self.fail(&format!("{} becomes {to:?} from {fate:?}", id.0));
            }
        }
        if to == Fate::Sent {
            self.sent.insert(id.clone());
        } else {
            self.sent.remove(id);
        }
    }

    fn ask(&mut self, ticket: Ticket, about: &str) {
        self.must(ticket.0 > self.latest_ticket(), "each query has its own ticket");
        self.questions.insert(ticket, about.to_owned());
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

    fn perform_resume_request(&mut self, ticket: Ticket) {
        self.ask(ticket, "resume notice");
        let away = matches!(self.step.phase, Some(Phase::Suspended | Phase::Stopping));
        self.must(self.step.prompts && away, "only a message to a suspended session announces a resume");
        self.must(self.machine.record().conversation.is_some(), "only a session that ran before is resumed");
        self.resume_notice = Some(ticket);
    }

    fn perform_post(&mut self, notice: &SessionNotice) {
        match notice {
            SessionNotice::Resuming(_) => {
                let asked = self.resume_notice.take();
                self.must(
                    asked.is_some() && asked == self.step.announces_resume,
                    "a resume is announced once, with the plugin's text",
                );
            }
            SessionNotice::NotAnswered { id, .. } => self.interrupted.push(id.clone()),
            SessionNotice::Died { .. } => self.interrupted.extend(self.finished_last.take()),
            SessionNotice::Greeting(_)
            | SessionNotice::UnpromptedText(_)
            | SessionNotice::QueueFull { .. }
            | SessionNotice::TooManyInterrupted { .. } => {}
            SessionNotice::ResumeRefused { .. } | SessionNotice::ForkRefused { .. } | SessionNotice::Broken { .. } => {
                self.is_startable = false
            }
            SessionNotice::FolderChanged { folder, .. } => {
                self.must(self.machine.record().folder == *folder, "a session works where it says");
            }
            SessionNotice::AboutAgent(_) => self.must(false, "no agent of these worlds is too old"),
            SessionNotice::StateLost => self.must(false, "no agent of these worlds loses its state"),
            SessionNotice::PermissionModeRefused { .. } => {}
            SessionNotice::Denied { .. } | SessionNotice::Interrupted { .. } => {}
            SessionNotice::DiedInBackground { .. } => self.finished_last = None,
            SessionNotice::AppliesLater { .. } => {
                let works = self.alive().is_some_and(|run| self.processes[&run].works());
                self.must(works, "a change takes effect at once for an idle agent");
            }
            SessionNotice::WorkEnded { .. } => {
                self.must(self.shutdowns > 0 || self.step.left_work, "only the end of a host ends background work");
            }
            SessionNotice::Stalled { since, silent, .. } => {
                let due = self.stall_deadline();
                self.must(
                    due.is_some_and(|at| at <= self.now),
                    "a question about a silence is asked once, and in time",
                );
                let begin = self.open.as_ref().map(|open| open.silent_since);
                self.must(begin == Some(*since) && *silent == self.settings.stall, "a silence begins after output");
                self.stall = Some(*since);
            }
            SessionNotice::Asked { request, .. } => self.perform_asked(&request.id),
            SessionNotice::OpenInTerminal => {
                self.must(self.machine.record().terminal.is_some(), "only a terminal makes prompts wait for it");
            }
            SessionNotice::NotStarted { .. }
            | SessionNotice::PersonaFailed { .. }
            | SessionNotice::RequestExpired { .. }
            | SessionNotice::RequestLost { .. }
            | SessionNotice::RequestWithdrawn { .. }
            | SessionNotice::Archived { .. }
            | SessionNotice::EarlierInterrupted { .. }
            | SessionNotice::TurnContinues { .. }
            | SessionNotice::Budget(_)
            | SessionNotice::Strays { .. } => {}
            SessionNotice::StartFailed { .. } => {
                self.must(self.failed_starts <= 1, "a failed start is reported at the first death")
            }
        }
    }

    fn perform_spawn(&mut self, run: Run, launch: &Launch) {
        let record = self.machine.record().clone();
        let is_blocked = matches!(self.step.phase, Some(Phase::Asking | Phase::Broken));
        self.must(!is_blocked || self.step.user_decided, "the user must decide first");
        self.must(self.alive().is_none(), "a session has one process");
        self.must(self.terminal.is_none(), "no agent starts while a terminal holds the session");
        self.must(self.shutdowns == 0 && !record.archived, "nothing is started during shutdown or while archived");
        self.must(!self.processes.contains_key(&run), "each process has its own number");
        let own = record.conversation.filter(|_| record.resumable).map(ConversationStart::Resume);
        let forked = record.fork.map(|fork| ConversationStart::Fork(fork.conversation));
        let expected = own.or(forked).unwrap_or(ConversationStart::New);
        self.must(
            launch.conversation == expected,
            "a stored conversation is resumed; until the fork is stored, each start forks again",
        );
        self.must(
            !self.fresh || launch.conversation == ConversationStart::New,
            "a discarded conversation is not resumed",
        );
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
        self.must(self.alive() == Some(run), "a prompt goes to the live process");
        let process = &self.processes[&run];
        self.must(process.ready, "an agent gets no prompt before it is ready");
        let leaves = process.closed.is_some() || process.terminated.is_some() || process.killed;
        self.must(!leaves && self.shutdowns == 0, "an agent that is being stopped gets no prompt");
        let fits = process.persona == record.persona && process.model == self.machine.view().model;
        let fits = (fits && process.agent == self.settings.agent) || process.works();
        self.must(fits, "a new persona, model or command line applies before the next prompt");
        self.must(self.open.is_none(), "an agent has one prompt at a time");
        self.check_first_delivery(prompt);
        let sent = self.step.sent.take();
        self.must(sent.as_ref() == Some(&prompt.id), "a prompt is stored as sent before the agent gets it");
        self.open = Some(OpenTurn::new(prompt.id.clone(), prompt.place.clone(), self.now));
    }

    fn perform_signal(&mut self, signal: Signal, run: Run) {
        let (now, ending, open) = (self.now, self.shutdowns > 0, self.open.is_some());
        self.must(self.alive() == Some(run), "a signal goes to the live process");
        let past = |since: Option<Timestamp>, seconds| {
            since.is_some_and(|since| now.since(since) >= Duration::from_secs(seconds))
        };
        let process = self.processes.get_mut(&run).expect("it is alive");
        let fits = match signal {
            Signal::Interrupt => {
                (process.interrupted, process.interrupt_accepted) = (Some(now), false);
                open && process.closed.is_none() && !self.open.as_ref().is_some_and(|open| open.interrupted)
            }
            Signal::CloseInput => {
                let first = process.closed.replace(now).is_none() && process.terminated.is_none();
                let agent_ends = self.step.refuses_resume || self.step.fails_start;
                let spared = !process.works() || ending || self.step.user_ends_work || agent_ends;
                spared && first && (!open || ending && past(process.interrupted, 2))
            }
            Signal::Terminate => {
                let is_overdue = past(process.closed, 2)
                    || past(process.interrupted, if process.interrupt_accepted { 30 } else { 5 })
                    || self.step.ends_lost_turn && past(process.interrupted, 5);
                process.terminated.replace(now).is_none() && is_overdue
            }
            Signal::Kill => {
                let is_overdue = past(process.terminated, 5) || past(Some(process.began), 60) && !process.ready;
                !std::mem::replace(&mut process.killed, true) && (is_overdue || self.shutdowns > 1)
            }
        };
        if let (Signal::Interrupt, Some(open)) = (signal, &mut self.open) {
            open.interrupted = true;
        }
        self.must(fits, "the stop sequence advances one step at a time, and not during a turn");
    }
}
