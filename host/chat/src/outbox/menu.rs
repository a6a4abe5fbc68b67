//! Keeps the front-end's menu up to date.

use std::sync::Arc;

use super::{Run, Shared};
use crate::{ChatError, MenuEntry, backoff::Pauses};

/// Sets each new menu. Retries with backoff until the front-end accepts or rejects it.
pub(super) async fn keep(shared: Arc<Shared>) {
    let (mut menus, mut closing) = (shared.menu.subscribe(), shared.closing.subscribe());
    let mut pauses = Pauses::default();
    // A menu that was set before this task started also counts as new.
    if shared.menu.borrow().is_empty() {
        menus.mark_unchanged();
    } else {
        menus.mark_changed();
    }
    loop {
        tokio::select! {
            biased;
            _ = closing.wait_for(|run| *run == Run::Off) => return,
            Ok(()) = menus.changed() => {}
        }
        loop {
            let commands: Vec<MenuEntry> = menus.borrow_and_update().clone();
            let pause = match shared.chat.menu(&commands).await {
                Ok(()) => break pauses.reset(),
                Err(ChatError::Later { after, .. }) => after,
                Err(error @ (ChatError::Refused { .. } | ChatError::Gone { .. } | ChatError::Forbidden { .. })) => {
                    tracing::error!(%error, "the command menu was rejected");
                    break;
                }
                Err(error @ (ChatError::Down { .. } | ChatError::Unauthorised { .. })) => {
                    tracing::debug!(%error, "failed to set the command menu: retrying later");
                    pauses.grow()
                }
            };
            tokio::select! {
                biased;
                _ = closing.wait_for(|run| *run == Run::Off) => return,
                () = tokio::time::sleep(pause) => {}
            }
        }
    }
}
