//! Makes the Bot API calls that concern a chat, within the chat's rate limit.

use std::{sync::Arc, time::Duration};

use reqwest::multipart::Form;
use serde::{Serialize, de::DeserializeOwned};
use teloxide_core::requests::Payload;

use super::{
    super::{
        api::{Api, BotApiError},
        rate_limited_chats::RateLimitedChats,
    },
    documents::FileKind,
};

/// Makes Bot API calls, each for one chat, and remembers the chats' rate limits, which all clones share.
#[derive(Clone)]
pub(in super::super) struct Calls {
    api: Arc<Api>,
    rate_limits: Arc<RateLimitedChats>,
}

impl Calls {
    pub fn new(api: Arc<Api>) -> Self {
        Self { api, rate_limits: Arc::default() }
    }

    /// Makes a call for one chat, unless the chat is rate limited.
    pub(super) async fn make<P, T>(&self, chat: i64, payload: &P) -> Result<T, BotApiError>
    where
        P: Payload + Serialize + Sync,
        T: DeserializeOwned,
    {
        self.within_limits(chat, self.api.call(payload)).await
    }

    /// Sends a file to a chat, unless the chat is rate limited.
    pub(super) async fn upload<T: DeserializeOwned>(
        &self,
        chat: i64,
        kind: FileKind,
        form: Form,
        time: Duration,
    ) -> Result<T, BotApiError> {
        self.within_limits(chat, self.api.send_form(kind.method(), form, time)).await
    }

    /// Makes a call that has a separate rate limit, unless the chat is rate limited. If the call exceeds its own limit,
    /// that isn't recorded, so other calls for the chat continue.
    pub(super) async fn make_with_own_limit<P, T>(&self, chat: i64, payload: &P) -> Result<T, BotApiError>
    where
        P: Payload + Serialize + Sync,
        T: DeserializeOwned,
    {
        self.check_limit(chat)?;
        self.api.call(payload).await
    }

    fn check_limit(&self, chat: i64) -> Result<(), BotApiError> {
        match self.rate_limits.remaining(chat) {
            Some(after) => Err(BotApiError::RateLimited { after, why: "the chat is rate limited".to_owned() }),
            None => Ok(()),
        }
    }

    async fn within_limits<T>(
        &self,
        chat: i64,
        call: impl Future<Output = Result<T, BotApiError>>,
    ) -> Result<T, BotApiError> {
        self.check_limit(chat)?;
        let outcome = call.await;
        if let Err(BotApiError::RateLimited { after, .. }) = &outcome {
            self.rate_limits.set(chat, *after);
        }
        outcome
    }
}
