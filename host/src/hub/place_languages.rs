//! The language of each place, for posts that don't answer a user: the language of the last user who wrote there. It is
//! stored, so that it survives a restart.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use cordboard_core::{language::Language, types::Place, updates_and_posts::Update};
use cordboard_store::{Store, StoreError};

use super::live_config::LiveConfig;

#[derive(Clone)]
pub struct PlaceLanguages {
    config: LiveConfig,
    store: Store,
    /// The locale that the chat app of the last user reported.
    locales: Arc<Mutex<HashMap<Place, String>>>,
}

impl PlaceLanguages {
    #[must_use]
    pub fn new(config: LiveConfig, store: Store, stored: HashMap<Place, String>) -> Self {
        Self { config, store, locales: Arc::new(Mutex::new(stored)) }
    }

    /// Returns the language of a place. A topic without messages has the language of its chat.
    #[must_use]
    pub fn of(&self, place: &Place) -> Option<Language> {
        let locales = self.locales();
        let locale = locales.get(place).or_else(|| locales.get(&place.chat_place()));
        self.config.now().language.texts.language(locale.map(String::as_str))
    }

    /// Returns the language of plugin calls without a user and a place.
    #[must_use]
    pub fn default(&self) -> Option<Language> {
        self.config.now().language.texts.language(None)
    }

    /// Stores the locales of users who write.
    ///
    /// # Errors
    /// The store failed.
    pub async fn record(&self, updates: &[Update]) -> Result<(), StoreError> {
        let mut changed: HashMap<Place, String> = HashMap::new();
        for (update, locale) in updates.iter().filter_map(|update| Some((update, update.locale.as_ref()?))) {
            for place in [&update.place, &update.place.chat_place()] {
                changed.insert(place.clone(), locale.clone());
            }
        }
        let is_known = |place: &Place, locale: &String| self.locales().get(place) == Some(locale);
        changed.retain(|place, locale| !is_known(place, locale));
        if changed.is_empty() {
            return Ok(());
        }
        self.store.set_place_locales(changed.clone().into_iter().collect()).await?;
        self.locales().extend(changed);
        Ok(())
    }

    fn locales(&self) -> MutexGuard<'_, HashMap<Place, String>> {
        // Each change is a single call, so the data is consistent even after a panic.
        self.locales.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use cordboard_core::{
        config::{self, Config},
        types::{Caller, Role, Timestamp, UserId},
        updates_and_posts::{Origin, UpdateKind},
    };

    use super::*;

    fn update(place: &Place, locale: Option<&str>) -> Update {
        Update {
            key: "1".to_owned(),
            caller: Caller { id: UserId("test:1".to_owned()), name: "Ada".to_owned(), role: Role::Member },
            place: place.clone(),
            what: UpdateKind::Text("hello".to_owned()),
            at: Timestamp(0),
            locale: locale.map(str::to_owned),
            origin: Origin::default(),
        }
    }

    #[tokio::test]
    async fn a_place_has_the_language_of_its_last_user() {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("state");
        let (store, _) = cordboard_store::open(&state).unwrap();
        let languages = PlaceLanguages::new(LiveConfig::new(Config::defaults()), store.clone(), HashMap::new());
        let chat = Place::new("test", "-1");
        let topic = |topic: &str| Place { topic: Some(topic.to_owned()), ..chat.clone() };
        assert_eq!(languages.of(&chat), None);
        languages.record(&[update(&topic("5"), Some("en")), update(&topic("5"), Some("de-AT"))]).await.unwrap();
        assert_eq!(languages.of(&topic("5")), Some(Language::German));
        assert_eq!(languages.of(&topic("6")), Some(Language::German), "an unused topic has the language of its chat");
        languages.record(&[update(&topic("6"), Some("en"))]).await.unwrap();
        languages.record(&[update(&topic("6"), None)]).await.unwrap();
        let of = |languages: &PlaceLanguages| ["5", "6"].map(|one| languages.of(&topic(one)));
        assert_eq!(of(&languages), [Some(Language::German), Some(Language::English)]);
        drop(languages);
        store.close().await;
        let (store, contents) = cordboard_store::open(&state).unwrap();
        let config = LiveConfig::new(Config::defaults());
        let languages = PlaceLanguages::new(config.clone(), store, contents.locales);
        assert_eq!(of(&languages), [Some(Language::German), Some(Language::English)], "it survives a restart");
        config.replace(config::load("[language]\ntexts = \"de\"\n").unwrap());
        assert_eq!(of(&languages), [Some(Language::German); 2]);
        assert_eq!(
            (languages.of(&Place::new("test", "2")), languages.default()),
            (Some(Language::German), Some(Language::German))
        );
    }
}
