//! Parses updates and stores them, and answers button presses. Both polling and the webhook use it, and confirm an
//! update to Telegram only after it is stored.

use std::sync::Arc;

use cordboard_chat::{Chat as _, StorageError, outbox};
use cordboard_core::{
    language::with_language,
    messages,
    types::Place,
    updates_and_posts::{ButtonAction, Update, UpdateKind},
};
use serde_json::Value;
use teloxide_core::{
    payloads::{AnswerCallbackQuery, AnswerCallbackQuerySetters},
    types::CallbackQueryId,
};
use tokio::task::JoinSet;

use super::{
    ReceiverSettings, Telegram,
    api::Api,
    incoming::{BotAccount, Incoming, Query, UpdateParser},
    pairing::PairingOutcome,
    update,
};

pub(super) struct Receiver<'t> {
    telegram: &'t Telegram,
    settings: &'t ReceiverSettings,
    parser: UpdateParser,
    pending_answers: JoinSet<()>,
}

/// A store failure. Telegram sends the updates again.
pub(super) struct StoreFailure {
    pub error: StorageError,
    /// The places whose messages are not stored.
    places: Vec<Place>,
}

impl From<StorageError> for StoreFailure {
    fn from(error: StorageError) -> Self {
        Self { error, places: Vec::new() }
    }
}

impl<'t> Receiver<'t> {
    pub fn new(telegram: &'t Telegram, settings: &'t ReceiverSettings, bot: BotAccount) -> Self {
        let parser = UpdateParser::new(telegram, settings, bot);
        Self { telegram, settings, parser, pending_answers: JoinSet::new() }
    }

    /// Stores the relevant updates of a batch, and then answers its button presses in the background. When this
    /// returns, the updates are on the disk and may be confirmed. The host starts handling them while they are being
    /// synced, because syncing may take several milliseconds. Skips a malformed update, because Telegram would send it
    /// again forever.
    ///
    /// # Errors
    /// The store failed.
    pub async fn store(&mut self, batch: Vec<Value>) -> Result<(), StoreFailure> {
        // Remove finished tasks, which log their own failures.
        while self.pending_answers.try_join_next().is_some() {}
        let stored = store_batch(self.telegram, self.settings, &mut self.parser, batch).await?;
        for answer in stored.answers {
            self.pending_answers.spawn(answer_press(Arc::clone(&self.telegram.api), answer));
        }
        if stored.has_updates {
            // Let the hub begin first, because starting the sync wakes another thread.
            tokio::task::yield_now().await;
            self.telegram.inbox.sync().await?;
        }
        Ok(())
    }

    /// Notifies each place once that its messages are not stored.
    pub async fn send_not_stored(&self, failure: StoreFailure) {
        for place in failure.places {
            if self.telegram.inbox.record_failure(&place) {
                send_not_stored(self.telegram, &place, &failure.error).await;
            }
        }
    }
}

/// A batch whose relevant updates are stored.
pub(super) struct StoredBatch {
    answers: Vec<PressAnswer>,
    /// True if the batch contains relevant updates.
    has_updates: bool,
}

/// The answer to a button press.
struct PressAnswer {
    query: CallbackQueryId,
    text: PressText,
}

/// The text that a user sees after pressing a button.
enum PressText {
    None,
    /// Shown for a moment.
    Notice(String),
    /// Shown until the user closes it.
    Alert(String),
}

impl PressText {
    /// Returns the answer to a button press by a user without access.
    fn refusal(query: Option<&Query>) -> Self {
        query.and_then(|query| query.refusal.clone()).map_or(Self::None, Self::Alert)
    }
}

/// Stores the relevant updates of a batch. Makes no requests to the Bot API.
pub(super) async fn store_batch(
    telegram: &Telegram,
    settings: &ReceiverSettings,
    parser: &mut UpdateParser,
    batch: Vec<Value>,
) -> Result<StoredBatch, StoreFailure> {
    let (mut updates, mut answers) = (Vec::new(), Vec::new());
    let next = batch.iter().filter_map(update::id).max().map(update::next_offset);
    for update in batch {
        let id = update::id(&update);
        let Ok(update) = serde_json::from_value(update) else {
            tracing::warn!(update = id, "skipped an invalid update");
            continue;
        };
        // Check for a pairing code first: the message must not be stored, because it may contain a valid code.
        if let (Some(pairing), Some(attempt)) = (&settings.pairing, parser.pairing_attempt(&update))
            && pairing.attempt(attempt).await? == PairingOutcome::Handled
        {
            continue;
        }
        let parsed = parser.parse(update);
        let mut text = PressText::refusal(parsed.query.as_ref());
        match parsed.incoming {
            Some(Incoming::Update(update)) => updates.push(update),
            Some(Incoming::Moved { from, to }) => {
                telegram.migrations.record(&*telegram.inbox, from, to).await?;
            }
            Some(Incoming::TopicChanged(topic)) => {
                telegram.inbox.on_topic_changed(&topic).await?;
            }
            Some(Incoming::Press { update, token }) => {
                let button = telegram.inbox.find_button(&token).await;
                let button = button.map_err(|error| StoreFailure { error, places: vec![update.place.clone()] })?;
                match press(settings, update, button) {
                    Ok(update) => updates.push(update),
                    Err(refusal) => text = refusal,
                }
            }
            Some(Incoming::StoppedDraft { update, chat, draft }) => {
                // Ignore presses that arrive after the turn has ended or the host has restarted, and presses that the
                // user isn't allowed to make.
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
    let has_updates = !updates.is_empty();
    if has_updates {
        accept(telegram, updates, next).await?;
    }
    Ok(StoredBatch { answers, has_updates })
}

/// Returns the update for a pressed button, or the text for the user, in the user's language, if there is nothing to do.
fn press(settings: &ReceiverSettings, update: Update, button: Option<ButtonAction>) -> Result<Update, PressText> {
    let language = (settings.language)(update.locale.as_deref());
    let gone = || PressText::Notice(with_language(language, messages::button_gone));
    let action = button.ok_or_else(gone)?;
    match with_language(language, || (settings.press_refusal)(&update.caller, &action)) {
        Some(why) => Err(PressText::Alert(why)),
        None => Ok(with_button(update, action)),
    }
}

async fn accept(telegram: &Telegram, updates: Vec<Update>, next: Option<i64>) -> Result<(), StoreFailure> {
    let places = updates.iter().map(|update| update.place.clone()).collect();
    telegram.inbox.accept(updates, next).await.map_err(|error| StoreFailure { error, places })
}

/// Notifies a place that its messages are not stored. Bypasses the outbox, which sends only stored posts.
async fn send_not_stored(telegram: &Telegram, place: &Place, error: &StorageError) {
    let reply = messages::plain(&messages::not_stored_yet(error));
    for message in outbox::messages(&reply, telegram.limits(place)) {
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
