//! Performs the effects of the machine, in order.

use std::{collections::VecDeque, sync::Arc};

use cordboard_core::{
    event::StartKind,
    messages,
    session::{Effect, Exit, Input, Launch, Run, Ticket},
    types::Place,
};

use super::{Question, Scene, actor::Actor, agent_process::Running};

impl Actor {
    /// Performs all effects. Returns the first error of the store, but performs the following effects anyway: a full
    /// disk must not keep an agent waiting for its answer.
    pub(super) async fn perform(&mut self, effects: Vec<Effect>) -> Result<(), String> {
        let mut outcome = Ok(());
        let mut waiting: VecDeque<Effect> = effects.into();
        while let Some(effect) = waiting.pop_front() {
            match self.perform_one(effect).await {
                Ok(more) => more.into_iter().rev().for_each(|effect| waiting.push_front(effect)),
                Err(error) => outcome = outcome.and(Err(error)),
            }
        }
        outcome
    }

    /// Performs one effect. Returns further effects if its outcome is an input for the machine.
    async fn perform_one(&mut self, effect: Effect) -> Result<Vec<Effect>, String> {
        match effect {
            Effect::Persist => self.ports.ledger.save(self.machine.record()).await?,
            Effect::Accept(prompt) => self.ports.ledger.accept(self.machine.record(), &prompt).await?,
            Effect::MarkSent(prompt) => self.ports.ledger.hand(&prompt).await?,
            Effect::MarkQueued(prompt) => {
                // The prompt may be sent again, wait for a decision of the user, or be dropped, so its working
                // indicator is removed now.
                if let Some((prompt, place)) = self.sent.take_if(|(sent, _)| *sent == prompt) {
                    self.unshown = false;
                    self.stage.show(Scene::Back(place, prompt));
                }
                self.ports.ledger.take_back(&prompt).await?;
            }
            Effect::Complete { prompt, how } => {
                tracing::debug!(?how, "prompt settled");
                self.chronicle.settled(&prompt);
                self.ports.ledger.settle(&prompt).await?;
            }
            Effect::LoadPersona { ticket, persona } => self.ask(ticket, Question::Resolve { persona }),
            Effect::Review { ticket, idle_for } => self.ask(ticket, Question::Review { idle_for }),
            Effect::RequestResumeNotice { ticket, idle_for } => self.ask(ticket, Question::WordResume { idle_for }),
            Effect::Spawn { run, launch } => return Ok(self.start(run, &launch)),
            Effect::Send { run, prompt } => {
                self.with(run, |running| running.send(&prompt));
                self.chronicle.prompt_sent(&prompt.id);
                self.chronicle.began(&prompt.place, self.machine.view(), self.ports.clock.now());
                self.sent = Some((prompt.id.clone(), prompt.place.clone()));
                // A frame shows at once that the agent is working, even if it stays silent for a long time.
                self.unshown = true;
            }
            Effect::TurnStarted(place) => self.began(&place),
            Effect::Interrupt { run } => {
                if let Some(turn) = self.machine.turn() {
                    self.stage.stopping(&turn.place, &turn.prompt);
                }
                self.with(run, Running::interrupt);
            }
            Effect::CloseInput { run } => self.with(run, |running| running.close_input()),
            Effect::Terminate { run } => self.with(run, |running| running.terminate()),
            Effect::Kill { run } => self.with(run, |running| running.kill()),
            Effect::ShowTurn => self.unshown = true,
            Effect::Finish(turn) => {
                self.unshown = false;
                self.chronicle.finished(&turn, self.machine.view(), self.ports.clock.now());
                self.stage.show(Scene::Final(turn, self.machine.view()));
            }
            Effect::CloseRequest { request, choice } => {
                self.stage.show(Scene::RequestClosed { request, choice, by: self.by.clone() });
            }
            Effect::FinishInterrupted(turn) => {
                self.unshown = false;
                self.chronicle.finished(&turn, self.machine.view(), self.ports.clock.now());
                self.stage.show(Scene::CutOff(turn, self.machine.view()));
            }
            Effect::Post { place, notice } => self.stage.show(Scene::Tell(place, notice)),
        }
        Ok(Vec::new())
    }

    fn began(&mut self, place: &Place) {
        if let Some(turn) = self.machine.turn() {
            self.chronicle.began_by_itself(&turn.prompt);
        }
        self.chronicle.began(place, self.machine.view(), self.ports.clock.now());
        self.unshown = true;
    }

    fn ask(&self, ticket: Ticket, question: Question) {
        if let Some(answer) = self.handle() {
            self.ports.advisor.ask(self.machine.view(), (ticket, question), answer);
        }
    }

    fn start(&mut self, run: Run, launch: &Launch) -> Vec<Effect> {
        let input = match Running::start(run, (self.machine.record(), launch), &self.ports) {
            Ok(running) => {
                let process = running.id().clone();
                self.chronicle.start = if launch.resume.is_some() { StartKind::Resumed } else { StartKind::New };
                tracing::info!(pid = process.pid, resumed = launch.resume.is_some(), "agent started");
                self.running = Some(running);
                Input::Spawned { run, process }
            }
            Err(why) => {
                let why = messages::system_error(why);
                tracing::warn!(%why, "failed to start the agent");
                Input::Exit { run, exit: Exit::NotStarted(why) }
            }
        };
        self.machine.handle(input, self.ports.clock.now())
    }

    fn with(&mut self, run: Run, act: impl FnOnce(&mut Running)) {
        if let Some(running) = self.running.as_mut().filter(|running| running.run == run) {
            act(running);
        }
    }

    pub(super) fn show_frame(&self) {
        if let Some(turn) = self.machine.turn() {
            self.stage.show(Scene::Frame(Arc::new(turn.clone()), self.machine.view()));
        }
    }
}
