//! Performs the effects of the machines in order, and shows their states.

use std::collections::VecDeque;

use cordboard_core::{
    rollout::{self, Effect, Input, Machine, RejectReason, Ticket, TryMode, short},
    types::Reply,
};
use cordboard_runtime::{Artifact, PendingApproval, PluginError, RolloutStatus, joint_question};
use cordboard_store::StoreError;
use tokio::time::Instant;

use super::{Rollout, jobs::Outcome, notices::Message};

impl Rollout {
    pub(super) async fn feed(&mut self, name: &str, input: Input) {
        let now = self.clock.now();
        let Some(machine) = self.machines.get_mut(name) else { return };
        let effects = machine.handle(input, now);
        self.run(name, effects).await;
    }

    pub(super) async fn run(&mut self, name: &str, effects: Vec<Effect>) {
        let number = |rollout: &Self| rollout.plugs.table().generation(name).map(|one| one.number);
        let before = number(self);
        self.show(name).await;
        let mut effects = VecDeque::from(effects);
        while let Some(effect) = effects.pop_front() {
            let Some(input) = self.perform(name, effect).await else { continue };
            let now = self.clock.now();
            let Some(machine) = self.machines.get_mut(name) else { return };
            effects.extend(machine.handle(input, now));
            self.show(name).await;
        }
        if !self.machines.get(name).is_some_and(Machine::is_working) {
            self.built.remove(name);
            self.candidates.retain(|(plugin, _), _| plugin != name);
        }
        if before != number(self)
            && let Some(audience) = self.audience.clone()
        {
            audience.changed(name).await;
        }
    }

    /// Returns the result of an activation.
    async fn perform(&mut self, name: &str, effect: Effect) -> Option<Input> {
        match effect {
            Effect::Persist | Effect::PersistAnswer(_) => {
                if let Err(error) = self.persist(name, &effect).await {
                    tracing::error!(plugin = name, %error, "failed to store the rollout state of a plugin");
                }
            }
            Effect::Keep { digest, replaced } => self.sources.keep(name, &digest, replaced.as_deref()).await,
            Effect::Forget => self.sources.delete(name).await,
            Effect::Build { ticket, digest } => {
                tracing::info!(plugin = name, digest = short(&digest), "compiling");
                self.jobs.build(&self.plugs, &self.sources, name, (ticket, digest));
            }
            Effect::Try { ticket, digest, mode } => self.try_version(name, &digest, (ticket, mode)),
            Effect::Cancel { ticket } => self.jobs.cancel(name, ticket),
            Effect::Activate { ticket, drain } => {
                let result = match self.candidates.remove(&(name.to_owned(), ticket)) {
                    Some(candidate) => self.plugs.publish(candidate, drain, self.clock.now()).await,
                    None => Err(bug("a version was not tried")),
                };
                let result = result.map_err(|why| self.trial_error(name, &why));
                return Some(Input::Activated { ticket, result });
            }
            Effect::Deactivate { drain } => self.plugs.remove_plugin(name, drain).await,
            Effect::Ask { digest, missing } => {
                self.ask(PendingApproval { plugin: name.to_owned(), digest, missing }).await;
            }
            Effect::Notify { kind, text } => self.notices.add(name, (kind, text), Instant::now()),
            Effect::Progress { command, text } => self.answer_progress(command, text).await,
            Effect::Answer { command, answer } => self.answer(command, answer).await,
        }
        None
    }

    /// Stores what a `Persist` or `PersistAnswer` names.
    pub(super) async fn persist(&self, name: &str, effect: &Effect) -> Result<(), StoreError> {
        let (Some(store), Some(machine)) = (self.sources.store(), self.machines.get(name)) else { return Ok(()) };
        match effect {
            Effect::PersistAnswer(answer) => store.save_answer(answer.clone()).await,
            _ => store.save_rollout_state(name, machine.state()).await,
        }
    }

    fn try_version(&mut self, name: &str, digest: &str, (ticket, mode): (Ticket, TryMode)) {
        let is_it = |artifact: &Artifact| artifact.digest == digest;
        let active = self.plugs.artifact(name).filter(is_it);
        match active.or_else(|| self.built.get(name).cloned().filter(is_it)) {
            Some(artifact) => self.jobs.try_version(&self.plugs, artifact, self.settings_of(name), (ticket, mode)),
            None => self.jobs.fail(name, ticket, Outcome::Tried(Err(bug("a version was not built")))),
        }
    }

    async fn ask(&mut self, approval: PendingApproval) {
        tracing::info!(
            plugin = approval.plugin,
            digest = short(&approval.digest),
            missing = approval.missing.join(", "),
            "version pending approval: asking the owner"
        );
        if let Some(audience) = self.audience.clone() {
            audience.supersede(&approval.request()).await;
        }
        self.notices.add_approval(approval, Instant::now());
    }

    /// Shows the state of a plugin's rollout in the status.
    pub(super) async fn show(&self, name: &str) {
        let Some(machine) = self.machines.get(name) else { return };
        let table = self.plugs.table();
        let shown = table.entry(name).and_then(|entry| entry.rollout.rejected.as_ref());
        if let Some(rejected) = machine.rejected().filter(|rejected| Some(*rejected) != shown) {
            let (digest, why) = (short(&rejected.digest), &rejected.why);
            let serves = table.generation(name).map(|one| one.number);
            match rejected.hold {
                // This isn't a warning, because the owner gets an approval request.
                RejectReason::PendingApproval(_) => {
                    tracing::info!(plugin = name, digest, serves, %why, "version pending approval");
                }
                RejectReason::NotAdmitted => {
                    tracing::warn!(plugin = name, digest, serves, %why, "version not admitted")
                }
                RejectReason::Rejected | RejectReason::Denied(_) => {
                    tracing::warn!(plugin = name, digest, serves, %why, "version rejected");
                }
            }
        }
        let disabled = machine.state().disabled.as_ref();
        let status = RolloutStatus {
            rejected: machine.rejected().cloned(),
            disabled: disabled.map(|word| (rollout::disabled(name, word), word.at)),
            compiling: machine.compiling().map(|(digest, at)| (digest.to_owned(), at)),
        };
        self.plugs.show(name, status).await;
    }

    /// Sends the next message.
    pub(super) async fn tell_notice(&mut self) {
        let Some(audience) = self.audience.clone() else { return };
        let machines = &self.machines;
        let is_open = |approval: &PendingApproval| {
            let rejected = machines.get(&approval.plugin).and_then(|machine| machine.rejected());
            rejected.is_some_and(|one| {
                one.digest == approval.digest && matches!(one.hold, RejectReason::PendingApproval(_))
            })
        };
        match self.notices.take(Instant::now(), is_open) {
            Some(Message::Changes(text)) => audience.tell(text, None).await,
            Some(Message::Approvals(approval)) => audience.ask(self.question(&approval)).await,
            None => {}
        }
    }

    /// The question to the owner about these versions.
    fn question(&self, approvals: &[PendingApproval]) -> Reply {
        match approvals {
            [only] => only.question(self.plugs.table().generation(&only.plugin).map(|one| one.number)),
            several => joint_question(several, self.notices.listed()),
        }
    }

    /// Sends all pending messages.
    pub(super) async fn tell_notices(&mut self) {
        while self.audience.is_some() && self.notices.due().is_some() {
            self.tell_notice().await;
        }
    }
}

fn bug(what: &str) -> PluginError {
    PluginError::Compile(format!("Cordboard has a bug: {what}"))
}
