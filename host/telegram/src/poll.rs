//! The polling loop: updates are parsed, stored and passed on, then synced, and then the next poll confirms them.
//!
//! The loop retries after network and store failures, and reports each problem once. After a failure, Telegram sends
//! the batch again, and the inbox drops duplicates by key.

use std::{convert::Infallible, time::Duration};

use cordboard_failpoints::{Failpoint, hit};
use serde::Serialize;
use serde_json::Value;
use teloxide_core::requests::Payload;

use super::{
    ReceiverSettings, Telegram,
    api::BotApiError,
    connection::{Connection, ReceiveError},
    receiver::Receiver,
    update,
};

pub(super) async fn run(telegram: &Telegram, settings: ReceiverSettings) -> Result<Infallible, ReceiveError> {
    let mut connection = Connection::new(telegram, &settings).await;
    let bot = connection.sign_in().await?;
    connection.load_migrations().await;
    tracing::info!(bot = bot.name, "polling Telegram");
    connection.begin_pairing(&bot).await;
    let mut receiver = Receiver::new(telegram, &settings, bot);
    let mut offset = None;
    loop {
        let batch = match telegram.api.call::<_, Vec<Value>>(&GetUpdates::new(telegram, offset)).await {
            Ok(batch) => {
                if offset.is_some() {
                    hit(Failpoint::UpdateConfirmed);
                }
                batch
            }
            Err(failure) => {
                tokio::time::sleep(connection.on_failure(&failure)?).await;
                continue;
            }
        };
        let Some(last) = batch.iter().filter_map(update::id).max() else {
            // Update ids may restart at a lower number after a week without updates. The last batch is confirmed, so no
            // offset is needed.
            offset = None;
            if batch.is_empty() {
                connection.on_success();
            } else {
                let why = "no update in the response has an id".to_owned();
                tokio::time::sleep(connection.on_failure(&BotApiError::Unavailable { why })?).await;
            }
            continue;
        };
        hit(Failpoint::UpdateRead);
        match receiver.store(batch).await {
            Ok(()) => {
                offset = Some(update::next_offset(last));
                connection.on_success();
            }
            Err(failure) => {
                let pause = connection.on_store_failure(&failure.error);
                receiver.send_not_stored(failure).await;
                tokio::time::sleep(pause).await;
            }
        }
    }
}

/// Replaces teloxide's payload, which limits the offset to an `i32`.
#[derive(Serialize)]
struct GetUpdates {
    #[serde(skip_serializing_if = "Option::is_none")]
    offset: Option<i64>,
    timeout: u64,
    allowed_updates: [&'static str; 4],
}

impl GetUpdates {
    fn new(telegram: &Telegram, offset: Option<i64>) -> Self {
        Self { offset, timeout: telegram.settings.poll_timeout.as_secs(), allowed_updates: update::ALLOWED_UPDATES }
    }
}

impl Payload for GetUpdates {
    type Output = Vec<Value>;

    const NAME: &'static str = "GetUpdates";

    fn timeout_hint(&self) -> Option<Duration> {
        Some(Duration::from_secs(self.timeout))
    }
}
