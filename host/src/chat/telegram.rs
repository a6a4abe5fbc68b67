//! Telegram: the Bot API as a [`Chat`], and the loop that asks it for updates.
//!
//! An update is stored before it is confirmed, and nobody is heard whom the operator did not name. The token is in every URL, so no
//! error leaves [`api`] with it. Which message is sent when is the outbox's business.

use std::{
    collections::{HashMap, HashSet},
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use cordboard_core::types::Role;

use super::{Inbox, MenuEntry, backoff::Pauses};

mod api;
mod entities;
mod incoming;
mod keyboard;
mod moves;
mod poll;
mod prompt;
mod rate_limits;
mod sender;
mod token;
mod update;

use api::Api;
use keyboard::Keyboard;
use moves::Moves;
pub use poll::PollError;
use sender::{Calls, Spot};
pub use token::{TokenError, check as check_token};

/// The `front_end` of the places here.
pub const FRONT_END: &str = "telegram";

/// What the user of this id may do; none: not served.
pub type Access = Arc<dyn Fn(u64) -> Option<Role> + Send + Sync>;

/// Settings that polling reads at each use, so that changes take effect at once.
#[derive(Clone)]
pub struct PollSettings {
    pub access: Access,
    /// The time after which polling ends if the token is refused without interruption.
    pub give_up: Arc<dyn Fn() -> Duration + Send + Sync>,
}

/// The least time between two edits in a private chat, read before each edit so that it can change while the host runs.
pub type EditPause = Arc<dyn Fn() -> Duration + Send + Sync>;

#[derive(Clone)]
pub struct Settings {
    /// The file that holds the token.
    pub token_file: PathBuf,
    /// `https://api.telegram.org`, or a stand-in.
    pub api_url: String,
    /// The pause in a private chat. In a group it is five times as long.
    pub edit_pause: EditPause,
    /// How long the Bot API may hold a poll that has nothing to tell, in whole seconds.
    pub poll: Duration,
    /// How long an answer may take beyond that.
    pub patience: Duration,
    /// The pause after a first failure; it grows to a minute.
    pub first_pause: Duration,
}

impl Settings {
    /// What is right for the real Bot API.
    #[must_use]
    pub fn new(token_file: PathBuf, api_url: &str) -> Self {
        Self {
            token_file,
            api_url: api_url.trim_end_matches('/').to_owned(),
            edit_pause: Arc::new(|| Duration::from_secs(1)),
            poll: Duration::from_secs(50),
            patience: Duration::from_secs(20),
            first_pause: Duration::from_secs(1),
        }
    }
}

/// A bot.
pub struct Telegram {
    settings: Settings,
    api: Arc<Api>,
    inbox: Arc<dyn Inbox>,
    keyboard: Keyboard,
    moves: Arc<Moves>,
    calls: Calls,
    /// The places with a pending call that shows typing.
    typing: Arc<Mutex<HashSet<Spot>>>,
    /// The menu as it was last set.
    menu: Mutex<Option<Vec<MenuEntry>>>,
    /// What stands in the messages that were written last, as a hash: editing to the same needs no call.
    written: Mutex<HashMap<(String, String), u64>>,
}

impl Telegram {
    /// Reads the token; nothing is sent yet.
    ///
    /// # Errors
    /// Says what is wrong with the token's file, and what to do.
    pub fn open(settings: Settings, inbox: Arc<dyn Inbox>) -> Result<Self, TokenError> {
        let token = token::read(&settings.token_file)?;
        let api = Arc::new(Api::new(token, &settings.api_url, settings.patience));
        let keyboard = Keyboard::new(Arc::clone(&inbox));
        let (moves, menu, written) = (Arc::default(), Mutex::default(), Mutex::default());
        let (calls, typing) = (Calls::new(Arc::clone(&api)), Arc::default());
        Ok(Self { settings, api, inbox, keyboard, calls, typing, moves, menu, written })
    }

    /// Takes updates and stores them, for ever: network and store may fail and come back.
    ///
    /// It may be dropped at any moment; what was not stored will come again.
    ///
    /// # Errors
    /// The token was refused for [`PollSettings::give_up`], or is not valid. Only the operator can fix this.
    pub async fn poll(&self, settings: PollSettings) -> PollError {
        let pauses = Pauses::beginning_with(self.settings.first_pause);
        poll::run(self, settings, pauses).await
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is kept under these locks is whole at any moment.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
