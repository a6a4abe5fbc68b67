//! Pairs a host that has no owner: the first person who sends the one-time code from the log becomes the owner. The
//! code exists only in the log and in memory.

use std::sync::Arc;

use async_trait::async_trait;
use cordboard_chat::StorageError;
use cordboard_core::{
    deep_link, language, messages,
    pairing::{self, AttemptOutcome, CodeCheck, PairingState},
    types::{Caller, Place, Role, UserId},
    updates_and_posts::NewPost,
};
use cordboard_store::{PairedOwner, Store};
use cordboard_telegram::{AttemptKind, PairingAttempt, PairingHandler, PairingOutcome};
use tokio::{
    sync::{Mutex, OnceCell},
    time::sleep,
};

use crate::{
    clock::Clock,
    constant_time,
    hub::{LiveConfig, Outbound},
};

/// The code for this run of the host. It is kept after pairing has ended, so that a late message containing the code
/// isn't stored.
struct OneTimeCode {
    code: String,
    pairing: PairingState,
}

pub struct OwnerPairing {
    config: LiveConfig,
    store: Store,
    pub clock: Clock,
    /// Sends the welcome message. Set before the front-end begins to poll.
    outbound: OnceCell<Outbound>,
    code: Arc<Mutex<Option<OneTimeCode>>>,
}

impl OwnerPairing {
    #[must_use]
    pub fn new(config: LiveConfig, store: Store, clock: Clock) -> Self {
        Self { config, store, clock, outbound: OnceCell::new(), code: Arc::default() }
    }

    pub fn set_outbound(&self, outbound: Outbound) {
        drop(self.outbound.set(outbound));
    }

    fn has_owner(&self) -> bool {
        self.config.now().access.owner.is_some()
    }

    /// Stores the owner, then publishes the new access and sends the welcome message.
    async fn set_paired_owner(&self, attempt: PairedOwner) -> Result<(), StorageError> {
        let _changing = self.config.lock_people().await;
        let user = attempt.id;
        let paired =
            self.store.set_paired_owner(attempt).await.map_err(|error| StorageError::Failed(error.to_string()))?;
        if let Some((people, welcome)) = paired {
            self.config.set_people(people);
            tracing::info!(user, "paired: the user is the owner now");
            if let Some(outbound) = self.outbound.get() {
                outbound.post_stored(vec![welcome]);
            }
        }
        Ok(())
    }

    /// When the code expires, ends pairing and, if there is still no owner, logs the expiry.
    fn expire_later(&self) {
        let (code, config) = (Arc::clone(&self.code), self.config.clone());
        tokio::spawn(async move {
            sleep(pairing::VALIDITY).await;
            if let Some(OneTimeCode { pairing, .. }) = code.lock().await.as_mut().filter(|one| !one.pairing.has_ended())
            {
                pairing.end();
                if config.now().access.owner.is_none() {
                    tracing::warn!("the pairing code has expired; restart Cordboard for a new one");
                }
            }
        });
    }
}

fn new_owner(key: String, user: u64, name: String, place: Place) -> PairedOwner {
    let id = UserId(format!("{}:{user}", cordboard_telegram::FRONT_END));
    let welcome = NewPost::new(place, messages::access::paired());
    PairedOwner { id: user, caller: Caller { id, name, role: Role::Owner }, key, welcome }
}

/// Returns 64 bits from the random source of the operating system, which `Uuid` uses. The upper two bits are constant.
fn random() -> u64 {
    uuid::Uuid::new_v4().as_u64_pair().1
}

#[async_trait]
impl PairingHandler for OwnerPairing {
    async fn begin(&self, bot: &str) {
        if self.has_owner() {
            return;
        }
        let code = pairing::code(random());
        tracing::warn!(
            command = pairing::command(&code),
            link = deep_link::pairing(bot, &code),
            bot,
            "the bot has no owner; to become the owner, send the command to the bot within 15 minutes, or open the link"
        );
        let pairing = PairingState::begin(self.clock.now());
        *self.code.lock().await = Some(OneTimeCode { code, pairing });
        self.expire_later();
    }

    async fn attempt(&self, attempt: PairingAttempt) -> Result<PairingOutcome, StorageError> {
        let mut code = self.code.lock().await;
        let Some(OneTimeCode { code, pairing }) = code.as_mut() else { return Ok(PairingOutcome::NotPairing) };
        if self.has_owner() {
            pairing.end();
        }
        let (now, PairingAttempt { key, kind, code: typed }) = (self.clock.now(), attempt);
        let check = if constant_time::is_equal(code, &typed) { CodeCheck::Right } else { CodeCheck::Wrong };
        let AttemptKind::Private { user, name, place, locale } = kind else {
            // Such a message can't complete pairing. It is dropped while pairing is open; later, it is dropped only if
            // it contains the code, which must not be stored.
            let is_other = pairing.is_over(now) && check == CodeCheck::Wrong;
            return Ok(if is_other { PairingOutcome::NotPairing } else { PairingOutcome::Handled });
        };
        match pairing.attempt(check, &key, now) {
            AttemptOutcome::Pair => {
                let language = self.config.now().language.texts.language(locale.as_deref());
                let owner = language::with_language(language, || new_owner(key, user, name, place));
                self.set_paired_owner(owner).await?;
                pairing.end();
            }
            AttemptOutcome::Wrong { left } => tracing::warn!(user, left, "wrong pairing code"),
            AttemptOutcome::TooManyWrong => {
                tracing::warn!(
                    user,
                    "too many wrong pairing codes: pairing has ended; restart Cordboard for a new code"
                );
            }
            AttemptOutcome::Ended if check == CodeCheck::Right => {}
            AttemptOutcome::Ended => return Ok(PairingOutcome::NotPairing),
        }
        Ok(PairingOutcome::Handled)
    }
}
