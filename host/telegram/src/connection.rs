//! The state of the connection to the Bot API: retries calls after failures, and reports each problem once.

use std::{path::PathBuf, time::Duration};

use cordboard_chat::{StorageError, backoff::Backoff};
use serde::Deserialize;
use teloxide_core::payloads::GetMe;
use tokio::time::Instant;

use super::{ReceiverSettings, Telegram, api::BotApiError, incoming::BotAccount};

/// The reason that the host no longer receives updates.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReceiveError {
    #[error(
        "sign in to Telegram: the Bot API does not know the token in {} ({why}); copy it again from @BotFather, or correct \
         [telegram] token_file and api_url",
        file.display()
    )]
    Unauthorised { file: PathBuf, why: String },
}

/// A problem that keeps the host from receiving or storing updates. Each problem is reported once, when it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Problem {
    Conflict,
    Flood,
    Network,
    Rejected,
    Token,
    Store,
    UpdateWebhook,
}

pub(super) struct Connection<'t> {
    telegram: &'t Telegram,
    settings: &'t ReceiverSettings,
    problem: Option<Problem>,
    backoff: Backoff,
    /// True if the server accepted the token in an earlier run. In that case, a refusal may be temporary, for example
    /// while the server restarts.
    was_accepted: bool,
    /// The time of the first refusal of the token since the last successful call or failure of another kind.
    rejected_since: Option<Instant>,
}

#[derive(Deserialize)]
struct Me {
    id: u64,
    username: String,
    /// Whether Threaded Mode is on, so that the bot's private chats have topics.
    #[serde(default)]
    has_topics_enabled: bool,
}

impl<'t> Connection<'t> {
    pub async fn new(telegram: &'t Telegram, settings: &'t ReceiverSettings) -> Self {
        // A stored offset proves that the token was valid before.
        let was_accepted = telegram.inbox.offset().await.is_ok_and(|offset| offset.is_some());
        let backoff = Backoff::starting_at(telegram.settings.first_retry);
        Self { telegram, settings, problem: None, backoff, was_accepted, rejected_since: None }
    }

    /// Fetches the bot's own account, and retries after failures.
    ///
    /// # Errors
    /// The server rejects a token that it has never accepted, or has rejected the token for the whole
    /// [`ReceiverSettings::give_up`].
    pub async fn sign_in(&mut self) -> Result<BotAccount, ReceiveError> {
        loop {
            match self.telegram.api.call::<_, Me>(&GetMe::new()).await {
                Ok(me) => {
                    self.on_success();
                    self.telegram.topics.set_in_private_chats(me.has_topics_enabled);
                    self.telegram.bot_name.get_or_init(|| me.username.clone());
                    return Ok(BotAccount { id: me.id, name: me.username });
                }
                Err(BotApiError::Unauthorised { why }) if !self.was_accepted => return Err(self.unauthorised(why)),
                Err(failure) => tokio::time::sleep(self.on_failure(&failure)?).await,
            }
        }
    }

    /// Begins pairing if the host doesn't have an owner.
    pub async fn begin_pairing(&self, bot: &BotAccount) {
        if let Some(pairing) = &self.settings.pairing {
            pairing.begin(&bot.name).await;
        }
    }

    /// Loads the stored chat migrations, and retries after store failures.
    pub async fn load_migrations(&mut self) {
        while let Err(error) = self.telegram.migrations.load(&*self.telegram.inbox).await {
            tokio::time::sleep(self.on_store_failure(&error)).await;
        }
    }

    /// Logs a new problem, and returns the delay before the next attempt. The delay is twice as long after a conflict
    /// with another program or a webhook.
    ///
    /// # Errors
    /// The server has rejected the token for the whole [`ReceiverSettings::give_up`].
    pub fn on_failure(&mut self, failure: &BotApiError) -> Result<Duration, ReceiveError> {
        if let BotApiError::Unauthorised { why } = failure {
            return self.on_rejected_token(why).ok_or_else(|| self.unauthorised(why.clone()));
        }
        self.rejected_since = None;
        Ok(match failure {
            BotApiError::Conflict { why } => {
                self.report_once(Problem::Conflict, || report_conflict(why));
                self.backoff.next_delay() * 2
            }
            BotApiError::RateLimited { after, why } => {
                self.report_once(Problem::Flood, || tracing::warn!(why, ?after, "rate limited by Telegram"));
                *after
            }
            BotApiError::Unauthorised { why }
            | BotApiError::Unreachable { why }
            | BotApiError::TopicDeleted { why }
            | BotApiError::Rejected { why } => {
                self.report_once(Problem::Rejected, || tracing::warn!(why, "Telegram rejects the request: retrying"));
                self.backoff.next_delay()
            }
            BotApiError::Unavailable { why } => {
                self.report_once(Problem::Network, || tracing::warn!(why, "Telegram is unavailable: retrying"));
                self.backoff.next_delay()
            }
            BotApiError::Moved { .. } | BotApiError::NotModified => self.backoff.next_delay(),
        })
    }

    /// Returns the delay before a refused token is tried again, or `None` once the token has been refused for `give_up`
    /// without interruption.
    fn on_rejected_token(&mut self, why: &str) -> Option<Duration> {
        let (now, give_up) = (Instant::now(), (self.settings.give_up)());
        let left = (*self.rejected_since.get_or_insert(now) + give_up).checked_duration_since(now)?;
        self.report_once(Problem::Token, || {
            tracing::error!(why, ?give_up, "Telegram rejects the token: retrying until [telegram] give_up has passed");
        });
        (!left.is_zero()).then(|| self.backoff.next_delay().min(left))
    }

    /// Logs that Telegram refuses the webhook, and returns the delay before the next attempt.
    pub fn on_refused_webhook(&mut self, why: &str) -> Duration {
        self.rejected_since = None;
        self.report_once(Problem::UpdateWebhook, || {
            tracing::error!(why, "Telegram refuses the webhook: retrying; correct [telegram] webhook and restart, or check that the host in it has a public IPv4 address");
        });
        self.backoff.next_delay()
    }

    pub fn on_store_failure(&mut self, error: &StorageError) -> Duration {
        self.report_once(Problem::Store, || {
            tracing::error!(%error, "failed to store messages: Telegram sends them again");
        });
        self.backoff.next_delay()
    }

    pub fn on_success(&mut self) {
        self.rejected_since = None;
        self.backoff.reset();
        if self.problem.take().is_some() {
            tracing::info!("receiving messages from Telegram again");
        }
    }

    fn report_once(&mut self, problem: Problem, report: impl FnOnce()) {
        if self.problem.replace(problem) != Some(problem) {
            report();
        }
    }

    fn unauthorised(&self, why: String) -> ReceiveError {
        ReceiveError::Unauthorised { file: self.telegram.settings.token_file.clone(), why }
    }
}

/// Logs that a webhook or another program receives the updates. Only the error's description tells which of the two it
/// is.
fn report_conflict(why: &str) {
    if why.contains("webhook") {
        tracing::error!(
            why,
            "a webhook that this host has not set receives the messages: set [telegram] webhook to replace it, or delete it by opening api.telegram.org/botTOKEN/deleteWebhook"
        );
    } else {
        tracing::error!(
            why,
            "another program is polling Telegram with this token: no messages arrive until you stop it"
        );
    }
}
