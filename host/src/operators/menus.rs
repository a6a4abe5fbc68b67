//! Builds the command menus: one for members, and one for the private chat of each person who has more rights.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError},
};

use cordboard_chat::{MenuEntry, Menus, outbox::Outbox};
use cordboard_core::{
    config::TextLanguage,
    language::Language,
    menu,
    types::{Place, Role, UserId},
};
use cordboard_runtime::{Offer, Registry, Snapshot};
use cordboard_store::Store;

use crate::hub::{self, LiveConfig};

pub struct CommandMenus {
    config: LiveConfig,
    plugins: Arc<Registry>,
    store: Store,
    outbox: Outbox,
    /// The number of calls of each command. Refreshed at most once a day, so that commands don't keep changing position
    /// in the menus.
    uses: Mutex<HashMap<String, u64>>,
}

impl CommandMenus {
    #[must_use]
    pub fn new(config: LiveConfig, plugins: Arc<Registry>, store: Store, outbox: Outbox) -> Self {
        Self { config, plugins, store, outbox, uses: Mutex::default() }
    }

    /// Reorders the commands by how often each has been called, and shows the menus.
    pub async fn reorder(&self) {
        match self.store.command_uses().await {
            Ok(uses) => *self.uses.lock().unwrap_or_else(PoisonError::into_inner) = uses,
            Err(error) => tracing::warn!(%error, "failed to order the command menu by use"),
        }
        self.show().await;
    }

    /// Sets the menus for the active plugins and the current roles.
    pub async fn show(&self) {
        let members = self.store.all_chat_members().await.unwrap_or_else(|error| {
            tracing::warn!(%error, "failed to set the command menus of private chats");
            Vec::new()
        });
        let uses = self.uses.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let snapshot = self.plugins.snapshot();
        let config = self.config.now();
        let (access, texts) = (&config.access, config.language.texts);
        let menu = |role| menu(&snapshot, &uses, MenuKind { role, texts });
        let chats = private_chats(&members).map(|(place, person)| {
            let role = hub::role(person, place, access).filter(|role| *role > Role::Member);
            (place.chat_place(), role.map(menu))
        });
        let chats: BTreeMap<_, _> = chats.collect();
        self.outbox.set_menus(Menus { everyone: menu(Role::Member), chats });
    }
}

/// Returns the places that are private chats, each with its user.
fn private_chats(members: &[(Place, UserId)]) -> impl Iterator<Item = (&Place, &UserId)> {
    let members = members.iter().map(|(place, person)| (place, person));
    members.filter(|(place, person)| hub::person_of(place).as_ref() == Some(*person))
}

/// The people who see a menu, and the configured language.
#[derive(Clone, Copy)]
struct MenuKind {
    role: Role,
    texts: TextLanguage,
}

impl MenuKind {
    fn entry(self, offer: &Offer) -> MenuEntry {
        let summary = |locale| offer.spec_in(self.texts.language(locale)).summary.clone();
        MenuEntry {
            name: offer.spec.name.clone(),
            summary: summary(None),
            translations: Language::ALL.map(|language| (language, summary(Some(language.tag())))).into(),
        }
    }
}

/// Returns the commands that these people may use, the most used first.
fn menu(snapshot: &Snapshot, uses: &HashMap<String, u64>, kind: MenuKind) -> Vec<MenuEntry> {
    let offers = snapshot.commands().filter(|offer| kind.role >= offer.spec.min_role);
    let mut entries: Vec<MenuEntry> = offers.map(|offer| kind.entry(offer)).collect();
    menu::sort_by_use(&mut entries, uses, |entry| &entry.name);
    entries
}
