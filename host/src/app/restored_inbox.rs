//! Resumes the work that the previous run of the host left unfinished.

use std::collections::HashMap;

use cordboard_core::{hub::HubEvent, updates_and_posts::InboxRow};

use crate::hub::{Dispatcher, Intake, RestoredInbox};

/// Restores queued prompts, dispatches the updates that the previous run of the host accepted but didn't complete, and
/// watches the terminals that have sessions open.
pub async fn resume(dispatcher: &Dispatcher, inbox: Vec<InboxRow>, intake: &Intake) {
    let own_modes = dispatcher.store.own_modes().await.unwrap_or_else(|error| {
        tracing::error!(%error, "failed to read the view modes of people");
        HashMap::new()
    });
    let shown = dispatcher.host.answers_to_continue().await;
    let mut restored = RestoredInbox::new(dispatcher.host.withdraw_at_start(inbox).await, &own_modes);
    if let Some(shown) = shown {
        restored.continue_turns(&shown);
    }
    dispatcher.host.sessions.restore(restored.prompts).await;
    dispatcher.host.sessions.watch_terminals();
    drop(intake.send(HubEvent::Restored(restored.updates)).await);
}
