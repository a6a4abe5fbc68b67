//! Owns the decisions of people about plugins, in memory and in the store. A decision is stored before it takes
//! effect. Never grants on its own.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

use cordboard_core::{
    rollout::{Decision, RolloutState},
    types::Timestamp,
};
use cordboard_store::{Decisions, GrantAnswer, Store, StoreError};

pub struct DecisionStore {
    /// `None` if nothing is stored, as in a check.
    store: Option<Store>,
    now: Mutex<Now>,
}

#[derive(Default)]
struct Now {
    standings: BTreeMap<String, RolloutState>,
    /// By plugin and set of capabilities.
    answers: BTreeMap<(String, Vec<String>), (bool, Decision)>,
}

impl DecisionStore {
    #[must_use]
    pub fn new(store: Option<Store>, decisions: Decisions) -> Self {
        let answer = |one: GrantAnswer| ((one.plugin, one.capabilities), (one.granted, one.word));
        let now = Now {
            standings: decisions.standings.into_iter().collect(),
            answers: decisions.answers.into_iter().map(answer).collect(),
        };
        Self { store, now: Mutex::new(now) }
    }

    fn now(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[must_use]
    pub fn standing(&self, plugin: &str) -> RolloutState {
        self.now().standings.get(plugin).cloned().unwrap_or_default()
    }

    /// Returns the disabled plugins, each with the decision.
    #[must_use]
    pub fn disabled(&self) -> Vec<(String, Decision)> {
        let now = self.now();
        let disabled =
            now.standings.iter().filter_map(|(name, standing)| Some((name.clone(), standing.disabled.clone()?)));
        disabled.collect()
    }

    /// Changes the rollout state of a plugin.
    ///
    /// # Errors
    /// The store failed; the state is unchanged.
    pub async fn change(&self, plugin: &str, change: impl FnOnce(&mut RolloutState)) -> Result<(), StoreError> {
        let before = self.standing(plugin);
        let mut standing = before.clone();
        change(&mut standing);
        if standing == before {
            return Ok(());
        }
        if let Some(store) = &self.store {
            store.save_rollout_state(plugin, &standing).await?;
        }
        self.now().standings.insert(plugin.to_owned(), standing);
        Ok(())
    }

    /// Changes the decisions about a plugin at once, even if the store fails.
    ///
    /// # Errors
    /// The store failed; the change is lost at the next restart.
    pub async fn note(&self, plugin: &str, change: impl FnOnce(&mut RolloutState)) -> Result<(), StoreError> {
        let before = self.standing(plugin);
        let mut standing = before.clone();
        change(&mut standing);
        if standing == before {
            return Ok(());
        }
        self.now().standings.insert(plugin.to_owned(), standing.clone());
        match &self.store {
            Some(store) => store.save_rollout_state(plugin, &standing).await,
            None => Ok(()),
        }
    }

    /// The earliest end of a version's backoff, with the plugin's name.
    #[must_use]
    pub fn due(&self) -> Option<(Timestamp, String)> {
        let now = self.now();
        let due = now.standings.iter().filter_map(|(name, standing)| Some((standing.due()?, name.clone())));
        due.min()
    }

    /// Returns the capabilities that a plugin was granted in the chat.
    #[must_use]
    pub fn granted(&self, plugin: &str) -> BTreeSet<String> {
        let now = self.now();
        let of = now.answers.iter().filter(|((name, _), (granted, _))| name == plugin && *granted);
        of.flat_map(|((_, capabilities), _)| capabilities).cloned().collect()
    }

    /// Returns the decision that refused all of these capabilities, if there is one.
    #[must_use]
    pub fn refused(&self, plugin: &str, missing: &[String]) -> Option<Decision> {
        let now = self.now();
        let covers = |refused: &[String]| missing.iter().all(|name| refused.contains(name));
        let mut of = now.answers.iter().filter(|((name, _), (granted, _))| name == plugin && !granted);
        of.find(|((_, capabilities), _)| covers(capabilities)).map(|(_, (_, word))| word.clone())
    }

    /// Stores the owner's answer about a plugin.
    ///
    /// # Errors
    /// The store failed; nothing is granted.
    pub async fn answer(&self, mut answer: GrantAnswer) -> Result<(), StoreError> {
        answer.capabilities.sort();
        if let Some(store) = &self.store {
            store.save_answer(answer.clone()).await?;
        }
        let GrantAnswer { plugin, capabilities, granted, word } = answer;
        self.now().answers.insert((plugin, capabilities), (granted, word));
        Ok(())
    }

    /// Turns every grant of a plugin into a refusal, so that the owner isn't asked again. Returns the revoked
    /// capabilities.
    ///
    /// # Errors
    /// The store failed; the grants that were revoked before the failure stay revoked.
    pub async fn revoke(&self, plugin: &str, word: &Decision) -> Result<BTreeSet<String>, StoreError> {
        let granted: Vec<Vec<String>> = {
            let now = self.now();
            let of = now.answers.iter().filter(|((name, _), (granted, _))| name == plugin && *granted);
            of.map(|((_, capabilities), _)| capabilities.clone()).collect()
        };
        for capabilities in &granted {
            let (plugin, capabilities) = (plugin.to_owned(), capabilities.clone());
            self.answer(GrantAnswer { plugin, capabilities, granted: false, word: word.clone() }).await?;
        }
        Ok(granted.into_iter().flatten().collect())
    }
}

#[cfg(test)]
mod tests {
    use cordboard_core::types::UserId;

    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    fn word() -> Decision {
        Decision { who: UserId("console:local".to_owned()), at: Timestamp(1) }
    }

    async fn say(decided: &DecisionStore, capabilities: &[&str], granted: bool) {
        let (plugin, capabilities) = ("p".to_owned(), names(capabilities));
        decided.answer(GrantAnswer { plugin, capabilities, granted, word: word() }).await.expect("nothing is stored");
    }

    #[tokio::test]
    async fn grants_accumulate_and_refusals_cover_lesser_requests() {
        let decided = DecisionStore::new(None, Decisions::default());
        say(&decided, &["sessions", "chat"], true).await;
        say(&decided, &["session-control", "state"], false).await;
        assert_eq!(decided.granted("p").into_iter().collect::<Vec<_>>(), ["chat", "sessions"]);
        assert!(decided.granted("q").is_empty() && decided.refused("q", &names(&["state"])).is_none());
        for (asked, covered) in
            [(&["state"][..], true), (&["state", "session-control"], true), (&["state", "http"], false)]
        {
            assert_eq!(decided.refused("p", &names(asked)).is_some(), covered, "{asked:?}");
        }
        assert!(decided.refused("p", &names(&["chat"])).is_none(), "it was granted");
    }

    #[tokio::test]
    async fn a_revoked_grant_is_refused_until_granted_again() {
        let decided = DecisionStore::new(None, Decisions::default());
        say(&decided, &["chat"], true).await;
        say(&decided, &["sessions"], true).await;
        let taken = decided.revoke("p", &word()).await.expect("nothing is stored");
        assert_eq!(taken.into_iter().collect::<Vec<_>>(), ["chat", "sessions"]);
        assert!(decided.granted("p").is_empty() && decided.refused("p", &names(&["chat"])).is_some());
        assert!(decided.revoke("p", &word()).await.expect("nothing is stored").is_empty());
        say(&decided, &["chat"], true).await;
        assert_eq!(decided.granted("p").into_iter().collect::<Vec<_>>(), ["chat"]);
    }
}
