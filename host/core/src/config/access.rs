//! `[access]`: the Telegram users with access, and the rules for tools that agents must not use. The console's user is
//! always the owner and is not listed.

use std::collections::{BTreeMap, BTreeSet};

use cordboard_permission_rules::{Rule, RuleError};
use toml::de::DeValue;

use super::{
    bots::BotAccess,
    section::Section,
    value::{Value, ValueError, list, number, text},
};
use crate::types::{Place, Role, UserId};

/// The numeric ids of the Telegram users with access, by role, and the rules for tools that agents must not use. The
/// host ignores the messages of all other Telegram users.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Access {
    pub owner: Option<u64>,
    pub admins: BTreeSet<u64>,
    pub members: BTreeSet<u64>,
    /// The members of single chats, who have no access elsewhere. The configuration can't contain them: the owner adds
    /// them in the chat.
    pub chat_members: BTreeMap<Place, BTreeSet<u64>>,
    /// The bots of `[telegram.NAME]`, by name, with the people who have access through them. `None` if `admins` and
    /// `members` apply to the bot.
    pub bots: BTreeMap<String, Option<BotAccess>>,
    /// Rules for tools that agents must not use. For agents of kind `acp`, they apply only to tools for which the agent
    /// asks permission. They don't apply to agents of kind `plain`.
    pub deny_tools: Vec<Rule>,
}

impl Access {
    pub(super) fn merge(&mut self, section: &mut Section<'_, '_>) {
        section.set_some("owner", &mut self.owner, user);
        section.set("admins", &mut self.admins, list(user));
        section.set("members", &mut self.members, list(user));
        section.set("deny_tools", &mut self.deny_tools, list(rule));
    }

    /// Returns the id of the operator: the owner, or the user of the console if there is no owner.
    #[must_use]
    pub fn operator(&self) -> UserId {
        UserId(self.owner.map_or_else(|| "console:local".to_owned(), |id| format!("telegram:{id}")))
    }

    /// Returns whether any Telegram user has access.
    #[must_use]
    pub fn has_users(&self) -> bool {
        self.owner.is_some()
            || [&self.admins, &self.members].into_iter().chain(self.chat_members.values()).any(|ids| !ids.is_empty())
    }

    /// Returns the role of the Telegram user `id` in a chat: the highest role that the user has in all chats of the
    /// bot, or in this one. `None` if the user has no access there.
    #[must_use]
    pub fn role_in(&self, id: u64, place: &Place) -> Option<Role> {
        let chat = self.chat_members.get(&place.chat_place());
        let here = chat.is_some_and(|members| members.contains(&id)).then_some(Role::Member);
        self.role_in_all_chats(id, place.bot())?.max(here)
    }

    /// Returns the role in all chats of a bot. The outer `None` means that the bot is no longer configured; it serves
    /// no one until it stops.
    fn role_in_all_chats(&self, id: u64, bot: Option<&str>) -> Option<Option<Role>> {
        let Some(bot) = bot else { return Some(self.role_of(id)) };
        Some(match self.bots.get(bot)? {
            Some(_) if self.owner == Some(id) => Some(Role::Owner),
            Some(people) => people.role_of(id),
            None => self.role_of(id),
        })
    }

    /// Returns the highest role that the Telegram user `id` has in all chats. Rights depend on the place, so code that
    /// checks them uses [`Self::role_in`].
    #[must_use]
    pub(crate) fn role_of(&self, id: u64) -> Option<Role> {
        if self.owner == Some(id) {
            Some(Role::Owner)
        } else if self.admins.contains(&id) {
            Some(Role::Admin)
        } else {
            self.members.contains(&id).then_some(Role::Member)
        }
    }
}

fn rule(value: &Value<'_>) -> Result<Rule, ValueError> {
    text(value)?.parse().map_err(|error: RuleError| ValueError::new(error.to_string()))
}

pub(super) fn user(value: &Value<'_>) -> Result<u64, ValueError> {
    match value.get_ref() {
        DeValue::Integer(id) if id.as_str().starts_with('-') => {
            Err(ValueError::new(format!("must be a user's id, not {id}: negative ids belong to groups")))
        }
        DeValue::Integer(id) => number(1..=i64::MAX.unsigned_abs())(value)
            .map_err(|_| ValueError::new(format!("must be a user's id, such as 123456789, not {id}"))),
        DeValue::String(_)
        | DeValue::Float(_)
        | DeValue::Boolean(_)
        | DeValue::Datetime(_)
        | DeValue::Array(_)
        | DeValue::Table(_) => Err(ValueError::new(
            "must be a user's numeric id without quotes, such as 123456789: a username can be transferred to another person",
        )),
    }
}
