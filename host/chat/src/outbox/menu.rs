//! Keeps the front-end's command menus up to date.

use std::sync::Arc;

use super::Shared;
use crate::{ChatError, Menus, backoff::Backoff};

/// Sets the newest menus. Retries with backoff until the front-end accepts or rejects them.
pub(super) async fn keep_up_to_date(shared: Arc<Shared>) {
    let (mut menus, mut closing) = (shared.menus.subscribe(), shared.closing.subscribe());
    let mut backoff = Backoff::default();
    // Menus that were set before this task started also count as new.
    if *shared.menus.borrow() == Menus::default() {
        menus.mark_unchanged();
    } else {
        menus.mark_changed();
    }
    loop {
        tokio::select! {
            biased;
            _ = closing.wait_for(|closing| *closing) => return,
            Ok(()) = menus.changed() => {}
        }
        loop {
            let newest: Menus = menus.borrow_and_update().clone();
            let pause = match shared.chat.set_menus(&newest).await {
                Ok(()) => break backoff.reset(),
                Err(ChatError::RateLimited { after, .. }) => after,
                Err(
                    error @ (ChatError::Rejected { .. }
                    | ChatError::Unreachable { .. }
                    | ChatError::Deleted { .. }
                    | ChatError::Forbidden { .. }),
                ) => {
                    tracing::error!(%error, "the command menu was rejected");
                    break;
                }
                Err(error @ (ChatError::Unavailable { .. } | ChatError::Unauthorised { .. })) => {
                    tracing::debug!(%error, "failed to set the command menu: retrying later");
                    backoff.next_delay()
                }
            };
            tokio::select! {
                biased;
                _ = closing.wait_for(|closing| *closing) => return,
                () = tokio::time::sleep(pause) => {}
            }
        }
    }
}
