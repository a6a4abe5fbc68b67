//! The polling loop: updates are parsed, stored and synced, and then the next poll confirms them.
//!
//! The loop retries after failures of the network and of the store, and reports each problem once. After a failure,
//! Telegram sends the batch again, and the inbox drops duplicates by key.

use std::{path::PathBuf, sync::Arc, time::Duration};

use cordboard_chat::{Chat as _, StorageError, backoff::Backoff, outbox};
use cordboard_core::{
    messages,
    types::Place,
    updates_and_posts::{ButtonAction, Update, UpdateKind},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use teloxide_core::{
    payloads::{AnswerCallbackQuery, AnswerCallbackQuerySetters, GetMe},
    requests::Payload,
    types::CallbackQueryId,
};
use tokio::{task::JoinSet, time::Instant};

use super::{
    PollSettings, Telegram,
    api::{Api, BotApiError},
    incoming::{Bot, Incoming, UpdateParser},
    update,
};

/// The reason that polling ended.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PollError {
    #[error(
        "sign in to Telegram: the Bot API does not know the token in {} ({why}); copy it again from @BotFather, or correct \
         [telegram] token_file and api_url",
        file.display()
    )]
    Unauthorised { file: PathBuf, why: String },
}

/// A problem that keeps the loop from receiving or storing updates. Each problem is reported once, when it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Problem {
    Conflict,
    Flood,
    Network,
    Rejected,
    Token,
    Store,
}

/// The state of the connection to the Bot API.
struct Connection {
    problem: Option<Problem>,
    backoff: Backoff,
    /// Whether the server accepted the token in an earlier run. If so, a refusal may be temporary, for example while
    /// the server restarts.
    was_accepted: bool,
    /// The time of the first refusal of the token since the last successful call or failure of another kind.
    rejected_since: Option<Instant>,
}

impl Connection {
    /// Logs a new problem, and returns the delay before the next attempt. The delay is twice as long after a conflict
    /// with another program or a webhook.
    fn on_failure(&mut self, failure: &BotApiError) -> Duration {
        self.rejected_since = None;
        match failure {
            BotApiError::Conflict { why } => {
                self.report_once(Problem::Conflict, || {
                    tracing::error!(why, "another program is polling Telegram with this token, or a webhook is set: no messages arrive until you stop the program or delete the webhook");
                });
                self.backoff.next_delay() * 2
            }
            BotApiError::RateLimited { after, why } => {
                self.report_once(Problem::Flood, || tracing::warn!(why, ?after, "rate limited by Telegram"));
                *after
            }
            BotApiError::Unauthorised { why } | BotApiError::Unreachable { why } | BotApiError::Rejected { why } => {
                self.report_once(Problem::Rejected, || tracing::warn!(why, "Telegram rejects the request: retrying"));
                self.backoff.next_delay()
            }
            BotApiError::Unavailable { why } => {
                self.report_once(Problem::Network, || tracing::warn!(why, "Telegram is unavailable: retrying"));
                self.backoff.next_delay()
            }
            BotApiError::Moved { .. } | BotApiError::NotModified => self.backoff.next_delay(),
        }
    }

    /// Returns the wait before the next attempt with a refused token, or `None` once it has been refused for `give_up`
    /// without interruption.
    fn on_rejected_token(&mut self, why: &str, give_up: Duration) -> Option<Duration> {
        let now = Instant::now();
        let left = (*self.rejected_since.get_or_insert(now) + give_up).checked_duration_since(now)?;
        self.report_once(Problem::Token, || {
            tracing::error!(why, ?give_up, "Telegram rejects the token: retrying until [telegram] give_up has passed");
        });
        (!left.is_zero()).then(|| self.backoff.next_delay().min(left))
    }

    fn on_store_failure(&mut self, error: &StorageError) -> Duration {
        self.report_once(Problem::Store, || {
            tracing::error!(%error, "failed to store messages: they are fetched again from Telegram");
        });
        self.backoff.next_delay()
    }

    fn report_once(&mut self, problem: Problem, report: impl FnOnce()) {
        if self.problem.replace(problem) != Some(problem) {
            report();
        }
    }

    fn on_success(&mut self) {
        self.rejected_since = None;
        self.backoff.reset();
        if self.problem.take().is_some() {
            tracing::info!("receiving messages from Telegram again");
        }
    }
}

pub(super) async fn run(telegram: &Telegram, settings: PollSettings, backoff: Backoff) -> PollError {
    // A stored offset proves that the token was valid before.
    let was_accepted = telegram.inbox.offset().await.is_ok_and(|offset| offset.is_some());
    let mut connection = Connection { problem: None, backoff, was_accepted, rejected_since: None };
    let bot = match sign_in(telegram, &settings, &mut connection).await {
        Ok(bot) => bot,
        Err(error) => return error,
    };
    while let Err(error) = telegram.migrations.load(&*telegram.inbox).await {
        tokio::time::sleep(connection.on_store_failure(&error)).await;
    }
    tracing::info!(bot = bot.name, "polling Telegram");
    let mut parser = UpdateParser::new(&settings, bot, Arc::clone(&telegram.migrations));
    let mut pending_answers = JoinSet::new();
    let mut offset = None;
    loop {
        // Remove finished tasks, which log their own failures.
        while pending_answers.try_join_next().is_some() {}
        let batch = match telegram.api.call::<_, Vec<Value>>(&GetUpdates::new(telegram, offset)).await {
            Ok(batch) => batch,
            Err(failure) => match pause(telegram, &settings, &mut connection, &failure) {
                Ok(pause) => {
                    tokio::time::sleep(pause).await;
                    continue;
                }
                Err(error) => return error,
            },
        };
        let Some(last) = batch.iter().filter_map(update::id).max() else {
            // Update ids may restart at a lower number after a week without updates. The last batch is confirmed, so no
            // offset is needed.
            offset = None;
            if batch.is_empty() {
                connection.on_success();
            } else {
                let why = "no update in the response has an id".to_owned();
                tokio::time::sleep(connection.on_failure(&BotApiError::Unavailable { why })).await;
            }
            continue;
        };
        match store_batch(telegram, &settings, &mut parser, batch).await {
            Ok(answers) => {
                offset = Some(last + 1);
                connection.on_success();
                for answer in answers {
                    pending_answers.spawn(answer_press(Arc::clone(&telegram.api), answer));
                }
            }
            Err((error, places)) => {
                let pause = connection.on_store_failure(&error);
                for place in places {
                    if telegram.inbox.record_failure(&place) {
                        send_not_stored(telegram, &place, &error).await;
                    }
                }
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
        let allowed_updates = ["message", "edited_message", "callback_query", "stopped_message_generation"];
        Self { offset, timeout: telegram.settings.poll_timeout.as_secs(), allowed_updates }
    }
}

impl Payload for GetUpdates {
    type Output = Vec<Value>;

    const NAME: &'static str = "GetUpdates";

    fn timeout_hint(&self) -> Option<Duration> {
        Some(Duration::from_secs(self.timeout))
    }
}

#[derive(Deserialize)]
struct Me {
    id: u64,
    username: String,
}

/// Fetches the bot's own account, and retries after failures. Returns an error at once if the server rejects a token
/// that it has never accepted.
async fn sign_in(telegram: &Telegram, settings: &PollSettings, connection: &mut Connection) -> Result<Bot, PollError> {
    loop {
        match telegram.api.call::<_, Me>(&GetMe::new()).await {
            Ok(me) => {
                connection.on_success();
                return Ok(Bot { id: me.id, name: me.username });
            }
            Err(BotApiError::Unauthorised { why }) if !connection.was_accepted => {
                return Err(unauthorised(telegram, why));
            }
            Err(failure) => tokio::time::sleep(pause(telegram, settings, connection, &failure)?).await,
        }
    }
}

/// Returns the delay after a failure, or the error that ends polling.
fn pause(
    telegram: &Telegram,
    settings: &PollSettings,
    connection: &mut Connection,
    failure: &BotApiError,
) -> Result<Duration, PollError> {
    let BotApiError::Unauthorised { why } = failure else { return Ok(connection.on_failure(failure)) };
    connection.on_rejected_token(why, (settings.give_up)()).ok_or_else(|| unauthorised(telegram, why.clone()))
}

fn unauthorised(telegram: &Telegram, why: String) -> PollError {
    PollError::Unauthorised { file: telegram.settings.token_file.clone(), why }
}

/// The answer to a button press.
struct PressAnswer {
    query: CallbackQueryId,
    text: PressText,
}

/// The text that a user sees after pressing a button.
#[derive(Clone, Copy)]
enum PressText {
    None,
    /// Shown for a moment.
    Notice(&'static str),
    /// Shown until the user closes it.
    Alert(&'static str),
}

/// Stores the relevant updates of a batch and returns the answers to its button presses. Skips a malformed update,
/// because Telegram would send it again forever.
///
/// # Errors
/// The store failed, so Telegram sends the batch again. The error contains the places to notify.
async fn store_batch(
    telegram: &Telegram,
    settings: &PollSettings,
    parser: &mut UpdateParser,
    batch: Vec<Value>,
) -> Result<Vec<PressAnswer>, (StorageError, Vec<Place>)> {
    let (mut updates, mut answers) = (Vec::new(), Vec::new());
    let next = batch.iter().filter_map(update::id).max().map(|last| last + 1);
    for update in batch {
        let id = update::id(&update);
        let Ok(update) = serde_json::from_value(update) else {
            tracing::warn!(update = id, "skipped an invalid update");
            continue;
        };
        let parsed = parser.parse(update);
        let refusal = parsed.query.as_ref().and_then(|query| query.refusal);
        let mut text = refusal.map_or(PressText::None, PressText::Alert);
        match parsed.incoming {
            Some(Incoming::Update(update)) => updates.push(update),
            Some(Incoming::Moved { from, to }) => {
                telegram.migrations.record(&*telegram.inbox, from, to).await.map_err(|error| (error, Vec::new()))?;
            }
            Some(Incoming::Press { update, token }) => {
                match telegram.inbox.find_button(&token).await.map_err(|error| (error, vec![update.place.clone()]))? {
                    Some(action) => match (settings.press_refusal)(&update.caller, &action) {
                        Some(why) => text = PressText::Alert(why),
                        None => updates.push(with_button(update, action)),
                    },
                    None => text = PressText::Notice(messages::BUTTON_GONE),
                }
            }
            Some(Incoming::StoppedDraft { update, chat, draft }) => {
                // Ignore a press after the end of the turn or a restart of the host, and one that the user has no right
                // to.
                if let Some(action) = telegram.stop_buttons.find(chat, draft)
                    && (settings.press_refusal)(&update.caller, &action).is_none()
                {
                    updates.push(Update { what: UpdateKind::Press { line: action, message: None }, ..update });
                }
            }
            None => {}
        }
        answers.extend(parsed.query.map(|query| PressAnswer { query: CallbackQueryId(query.id), text }));
    }
    // A batch without relevant updates needs no commit.
    if !updates.is_empty() {
        let places = updates.iter().map(|update| update.place.clone()).collect();
        telegram.inbox.accept(updates, next).await.map_err(|error| (error, places))?;
    }
    Ok(answers)
}

/// Notifies a place that its messages are not stored. Bypasses the outbox, which sends only stored posts.
async fn send_not_stored(telegram: &Telegram, place: &Place, error: &StorageError) {
    let reply = messages::plain(&messages::not_stored_yet(error));
    for message in outbox::messages(&reply, telegram.limits()) {
        if let Err(error) = telegram.send(place, &message).await {
            tracing::debug!(%place, %error, "failed to notify that messages are not stored");
        }
    }
}

fn with_button(update: Update, action: ButtonAction) -> Update {
    let message = match update.what {
        UpdateKind::Press { message, .. } => message,
        UpdateKind::Text(_) | UpdateKind::NotText { .. } | UpdateKind::Edited(_) => None,
    };
    Update { what: UpdateKind::Press { line: action, message }, ..update }
}

/// Ends the progress indicator of a pressed button. A failure is harmless, because the indicator times out.
async fn answer_press(api: Arc<Api>, PressAnswer { query, text }: PressAnswer) {
    let payload = AnswerCallbackQuery::new(query);
    let payload = match text {
        PressText::None => payload,
        PressText::Notice(text) => payload.text(text),
        PressText::Alert(text) => payload.text(text).show_alert(true),
    };
    if let Err(error) = api.call::<_, serde_json::Value>(&payload).await {
        tracing::debug!(%error, "failed to answer a button press");
    }
}
