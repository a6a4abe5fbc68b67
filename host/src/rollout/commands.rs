//! Passes admin commands to the state machines, and the machines' answers to the callers. The caller's permissions have
//! already been checked.

use cordboard_core::{
    rollout::{self, Command, CommandId, Decision, Effect, Offers, RejectReason},
    types::Caller,
};
use cordboard_runtime::{AdminCommand, AuthorizedCommand, Outcome, config_only};
use tokio::sync::oneshot;

use super::Rollout;

/// A command's caller, and the channel for the answer. `answer` is `None` once the caller has been told that the
/// command is in progress.
pub struct RunningCommand {
    by: Caller,
    answer: Option<oneshot::Sender<Outcome>>,
}

impl Rollout {
    pub async fn on_command(&mut self, command: AuthorizedCommand) {
        let AuthorizedCommand { by, plugin: name, command, answer, language: _ } = command;
        tracing::info!(plugin = name, command = command.as_str(), by = %by.id, "admin command received");
        self.last_command += 1;
        let (id, decision) = (CommandId(self.last_command), Decision { who: by.id.clone(), at: self.clock.now() });
        self.commands.insert(id, RunningCommand { by, answer: Some(answer) });
        let snapshot = self.registry.snapshot();
        let Some(before) = self.machines.get(&name).filter(|_| snapshot.entry(&name).is_some()).cloned() else {
            return self.answer(id, Err(rollout::no_such_plugin(&name, snapshot.names()))).await;
        };
        let command = self.command(&name, command);
        let Some(machine) = self.machines.get_mut(&name) else { return };
        let effects = machine.command(command, id, decision);
        let (stores, others): (Vec<_>, Vec<_>) =
            effects.into_iter().partition(|effect| matches!(effect, Effect::Persist | Effect::PersistAnswer(_)));
        for effect in stores {
            if let Err(error) = self.persist(&name, &effect).await {
                self.machines.insert(name, before);
                return self.answer(id, Err(rollout::not_stored(&error.to_string()))).await;
            }
        }
        self.perform_all(&name, others).await;
    }

    /// Converts an admin command to the machine's command, adding the facts that the machine needs.
    fn command(&self, name: &str, command: AdminCommand) -> Command {
        match command {
            AdminCommand::Rollback => Command::Rollback,
            AdminCommand::Reload => Command::Reload,
            AdminCommand::Disable => Command::Disable(self.offers(name)),
            AdminCommand::Enable => Command::Enable,
            AdminCommand::Grant(digest) => {
                let rejected = self.machines.get(name).and_then(|machine| machine.rejected());
                let missing = match rejected.map(|one| &one.reason) {
                    Some(RejectReason::PendingApproval(missing) | RejectReason::Denied(missing)) => missing.as_slice(),
                    Some(RejectReason::Rejected | RejectReason::NotAdmitted) | None => &[],
                };
                let config_only_names = config_only(missing).into_iter().map(str::to_owned).collect();
                Command::Grant { digest, config_only_names }
            }
            AdminCommand::Refuse(digest) => Command::Refuse(digest),
            AdminCommand::Revoke => Command::Revoke,
        }
    }

    fn offers(&self, name: &str) -> Offers {
        let snapshot = self.registry.snapshot();
        let own = snapshot.commands().filter(|offer| offer.version.name == name);
        let commands: Vec<String> = own.map(|offer| format!("/{}", offer.spec.name)).collect();
        Offers {
            controls_plugins: commands.iter().any(|command| command == "/plugins"),
            commands,
            has_lifecycle: snapshot.has_lifecycle(name),
            has_approval: snapshot.has_approval(name),
        }
    }

    /// Replies to the caller that the command is in progress, and notifies the other operators.
    pub(super) async fn answer_progress(&mut self, id: CommandId, text: String) {
        let Some(running) = self.commands.get_mut(&id) else { return };
        if let Some(answer) = running.answer.take() {
            // The plugin call that sent the command may have ended.
            let _: Result<(), _> = answer.send(Ok(text.clone()));
        }
        let by = running.by.clone();
        if let Some(notifier) = self.notifier.clone() {
            notifier.notify(text, Some(&by)).await;
        }
    }

    /// Answers the caller, and notifies the other operators of a successful command. A caller who already received the
    /// progress reply is notified together with the operators, even if the command failed.
    pub(super) async fn answer(&mut self, id: CommandId, outcome: Outcome) {
        let Some(RunningCommand { by, answer }) = self.commands.remove(&id) else { return };
        // Send earlier notices first, so that messages keep their order.
        self.send_notices().await;
        let (done, text) = match &outcome {
            Ok(text) => (true, text.clone()),
            Err(refusal) => (false, refusal.text.clone()),
        };
        let knows_progress = answer.is_none();
        if let Some(answer) = answer {
            // The plugin call that sent the command may have ended.
            let _: Result<(), _> = answer.send(outcome);
        }
        if let Some(notifier) = self.notifier.clone().filter(|_| done || knows_progress) {
            notifier.notify(text, Some(&by).filter(|_| !knows_progress)).await;
        }
    }
}
