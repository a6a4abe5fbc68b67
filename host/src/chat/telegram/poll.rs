//! The loop that asks for updates: read, stored and synced, and only then confirmed by the next poll.
//!
//! A failure of the network or of the store is waited out and told once; the batch comes again, and its keys are known.

use std::{path::PathBuf, sync::Arc, time::Duration};

use cordboard_core::chat::{ButtonLine, Update, What};
use serde::Deserialize;
use teloxide_core::{
    payloads::{AnswerCallbackQuery, AnswerCallbackQuerySetters, GetMe, GetUpdates, GetUpdatesSetters},
    types::{self, AllowedUpdate, CallbackQueryId},
};
use tokio::task::JoinSet;

use super::{
    Access, Telegram,
    api::{Api, Failure},
    incoming::{Gate, Incoming},
};
use crate::chat::{InboxError, pause::Pauses};

/// For whoever presses a button whose command line is not stored any more.
const FORGOTTEN: &str = "This button no longer works.";

/// How far below the stored offset an update may lie to be one that we have: the Bot API repeats one batch of a hundred at most.
/// Numbers that began anew lie far away.
const REPEATED: i64 = 1000;

/// Why polling ended.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PollError {
    #[error(
        "sign in to Telegram: the Bot API does not know the token in {} ({why}); copy it again from @BotFather, or correct \
         [telegram] token_file and api_url",
        file.display()
    )]
    Unauthorised { file: PathBuf, why: String },
}

/// What keeps the loop from working. Each is told once, when it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trouble {
    Conflict,
    Flood,
    Network,
    Store,
}

struct Link {
    trouble: Option<Trouble>,
    pauses: Pauses,
}

impl Link {
    /// How long to wait; another poller is given more time than a network.
    fn failed(&mut self, failure: &Failure) -> Duration {
        match failure {
            Failure::Conflict { why } => {
                self.begins(Trouble::Conflict, || {
                    tracing::error!(why, "another program polls Telegram with this token, or a webhook is set: end it; meanwhile nothing comes in");
                });
                self.pauses.grow() * 2
            }
            Failure::Later { after, why } => {
                self.begins(Trouble::Flood, || tracing::warn!(why, ?after, "Telegram wants us to wait"));
                *after
            }
            Failure::Unauthorised { why }
            | Failure::Gone { why }
            | Failure::Refused { why }
            | Failure::Down { why } => {
                self.begins(Trouble::Network, || tracing::warn!(why, "Telegram does not answer; it is tried again"));
                self.pauses.grow()
            }
            Failure::Moved { .. } | Failure::NotModified => self.pauses.grow(),
        }
    }

    fn stalled(&mut self, error: &InboxError) -> Duration {
        self.begins(Trouble::Store, || {
            tracing::error!(%error, "messages could not be stored; they stay with Telegram and are fetched again");
        });
        self.pauses.grow()
    }

    fn begins(&mut self, trouble: Trouble, tell: impl FnOnce()) {
        if self.trouble.replace(trouble) != Some(trouble) {
            tell();
        }
    }

    fn works(&mut self) {
        self.pauses.reset();
        if self.trouble.take().is_some() {
            tracing::info!("Telegram answers again");
        }
    }
}

pub(super) async fn run(telegram: &Telegram, access: Access, pauses: Pauses) -> PollError {
    let mut link = Link { trouble: None, pauses };
    let bot = match sign_in(telegram, &mut link).await {
        Ok(bot) => bot,
        Err(error) => return error,
    };
    tracing::info!(bot, "Telegram is polled");
    let (mut gate, mut answers) = (Gate::new(access, bot), JoinSet::new());
    let known = telegram.inbox.offset().await.ok().flatten();
    let mut offset = None;
    loop {
        // Ended ones make room; their outcome is told by themselves.
        while answers.try_join_next().is_some() {}
        let batch = match telegram.api.call::<_, Vec<types::Update>>(&request(telegram, offset)).await {
            Ok(batch) => batch,
            Err(failure) => match unauthorised(telegram, &failure) {
                Some(error) => return error,
                None => {
                    tokio::time::sleep(link.failed(&failure)).await;
                    continue;
                }
            },
        };
        let Some(last) = batch.iter().map(|update| i64::from(update.id.0)).max() else {
            // After a week without updates their numbers begin anew, perhaps below: what is confirmed needs no offset any more.
            offset = None;
            link.works();
            continue;
        };
        let is_new = |update: &types::Update| {
            known.is_none_or(|next| !(next - REPEATED..next).contains(&i64::from(update.id.0)))
        };
        let batch = batch.into_iter().filter(is_new).collect();
        match take(telegram, &mut gate, batch, last + 1).await {
            Ok(queries) => {
                offset = Some(last + 1);
                link.works();
                for (query, text) in queries {
                    answers.spawn(answer(Arc::clone(&telegram.api), query, text));
                }
            }
            Err(error) => tokio::time::sleep(link.stalled(&error)).await,
        }
    }
}

fn request(telegram: &Telegram, offset: Option<i64>) -> GetUpdates {
    let timeout = u32::try_from(telegram.settings.poll.as_secs()).unwrap_or_default();
    let kinds = [AllowedUpdate::Message, AllowedUpdate::CallbackQuery];
    let mut request = GetUpdates::new().timeout(timeout).allowed_updates(kinds);
    request.offset = offset.and_then(|offset| i32::try_from(offset).ok());
    request
}

#[derive(Deserialize)]
struct Me {
    username: String,
}

/// Our own user name, however long the network takes.
async fn sign_in(telegram: &Telegram, link: &mut Link) -> Result<String, PollError> {
    loop {
        match telegram.api.call::<_, Me>(&GetMe::new()).await {
            Ok(me) => {
                link.works();
                return Ok(me.username);
            }
            Err(failure) => match unauthorised(telegram, &failure) {
                Some(error) => return Err(error),
                None => tokio::time::sleep(link.failed(&failure)).await,
            },
        }
    }
}

fn unauthorised(telegram: &Telegram, failure: &Failure) -> Option<PollError> {
    let Failure::Unauthorised { why } = failure else { return None };
    Some(PollError::Unauthorised { file: telegram.settings.token_file.clone(), why: why.clone() })
}

type Queries = Vec<(CallbackQueryId, Option<&'static str>)>;

/// Stores what concerns us of a batch, and returns the presses that wait for an answer.
async fn take(
    telegram: &Telegram,
    gate: &mut Gate,
    batch: Vec<types::Update>,
    next: i64,
) -> Result<Queries, InboxError> {
    let (mut updates, mut queries) = (Vec::new(), Queries::new());
    for update in batch {
        let read = gate.read(update);
        let mut text = None;
        match read.incoming {
            Some(Incoming::Update(update)) => updates.push(update),
            Some(Incoming::Press { update, token }) => match telegram.inbox.line_of(&token).await? {
                Some(line) => updates.push(pressed(update, line)),
                None => text = Some(FORGOTTEN),
            },
            None => {}
        }
        queries.extend(read.query.map(|query| (query, text)));
    }
    // What concerns nobody here costs no commit.
    if !updates.is_empty() {
        telegram.inbox.accept(updates, Some(next)).await?;
    }
    Ok(queries)
}

fn pressed(update: Update, line: ButtonLine) -> Update {
    let message = match update.what {
        What::Press { message, .. } => message,
        What::Text(_) | What::NotText { .. } => None,
    };
    Update { what: What::Press { line, message }, ..update }
}

/// Ends the waiting that the presser sees. It does no harm where it fails: the waiting ends by itself.
async fn answer(api: Arc<Api>, query: CallbackQueryId, text: Option<&'static str>) {
    let mut payload = AnswerCallbackQuery::new(query);
    if let Some(text) = text {
        payload = payload.text(text);
    }
    if let Err(error) = api.call::<_, serde_json::Value>(&payload).await {
        tracing::debug!(%error, "a press was not answered");
    }
}
