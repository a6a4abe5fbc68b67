//! `[telegram.NAME]`: additional bots of the host. Each has its own token, and may override settings of `[telegram]`.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

use super::{
    access::user,
    agents::Agents,
    nearest::suggestion,
    section::Section,
    telegram::{Telegram, token_file},
    value::{list, non_blank, shorten},
};
use crate::types::{Place, Role};

/// A bot that is configured in `[telegram.NAME]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bot {
    /// The settings of `[telegram]`, overridden by those of the bot. `token_file` is always set.
    pub telegram: Telegram,
    /// The agent for sessions that are created through this bot. `None` selects the default agent.
    pub agent: Option<String>,
    /// The persona of sessions that are created through this bot.
    pub persona: Option<String>,
}

/// The people who have access through one bot, besides the owner. Replaces `admins` and `members` of `[access]`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BotAccess {
    pub admins: BTreeSet<u64>,
    pub members: BTreeSet<u64>,
}

impl BotAccess {
    /// Returns the role of the Telegram user `id`, who is not the owner.
    pub(super) fn role_of(&self, id: u64) -> Option<Role> {
        let member = || self.members.contains(&id).then_some(Role::Member);
        if self.admins.contains(&id) { Some(Role::Admin) } else { member() }
    }
}

/// The bots that are configured in `[telegram.NAME]`, by name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Bots {
    pub by_name: BTreeMap<String, Bot>,
}

/// A bot's `agent` setting, with its position in the configuration text.
pub(super) struct AgentOfBot {
    bot: String,
    agent: String,
    at: Range<usize>,
}

impl Bots {
    /// Returns the bot of a place. `None` for the bot of `[telegram]` and for a bot that is not configured.
    #[must_use]
    pub fn of(&self, place: &Place) -> Option<&Bot> {
        self.by_name.get(place.bot()?)
    }

    /// Reads the `[telegram.NAME]` tables. `telegram` contains the settings of `[telegram]`. Adds an entry for each bot
    /// to `access`: `None` if `[access]` applies to the bot. Returns the bots' `agent` settings, which the caller has
    /// to check.
    pub(super) fn merge(
        &mut self,
        telegram: &Telegram,
        access: &mut BTreeMap<String, Option<BotAccess>>,
        section: &mut Section<'_, '_>,
    ) -> Vec<AgentOfBot> {
        let mut agents = Vec::new();
        section.named_tables("telegram.NAME", |name, at, section| {
            let (mut bot, mut of_bot) = (Bot::new(name, telegram), None);
            let agent = bot.merge(&mut of_bot, at, section);
            agents.extend(agent.zip(bot.agent.clone()).map(|(at, agent)| AgentOfBot {
                bot: name.to_owned(),
                agent,
                at,
            }));
            access.insert(name.to_owned(), of_bot);
            self.by_name.insert(name.to_owned(), bot);
        });
        agents
    }
}

impl Bot {
    fn new(name: &str, telegram: &Telegram) -> Self {
        let webhook = telegram.webhook.as_ref().map(|url| url.of_bot(name));
        let telegram = Telegram { token_file: None, webhook, ..telegram.clone() };
        Self { telegram, agent: None, persona: None }
    }

    /// Reads the bot's table. Returns the position of the `agent` value, if it is set.
    fn merge(
        &mut self,
        access: &mut Option<BotAccess>,
        at: Range<usize>,
        section: &mut Section<'_, '_>,
    ) -> Option<Range<usize>> {
        if section.set_some("token_file", &mut self.telegram.token_file, token_file).is_none() {
            let message = format!(
                "[{}] has no token_file: add the path of a file with the token of this bot, such as token_file = \"work.token\"",
                section.name()
            );
            section.report(at, message);
        }
        self.telegram.merge_bot_keys(section);
        section.inner_table("access", "telegram.NAME.access", |section| {
            let mut people = BotAccess::default();
            section.set("admins", &mut people.admins, list(user));
            section.set("members", &mut people.members, list(user));
            *access = Some(people);
        });
        section.set_some("persona", &mut self.persona, non_blank);
        section.set_some("agent", &mut self.agent, non_blank)
    }
}

impl AgentOfBot {
    /// Reports the agent if it is not configured.
    pub(super) fn check(self, agents: &Agents, root: &mut Section<'_, '_>) {
        if agents.get(&self.agent).is_some() {
            return;
        }
        let names = || agents.by_name.keys().map(String::as_str);
        let (name, hint) = (shorten(&self.agent), suggestion(&self.agent, names()));
        let known = names().collect::<Vec<_>>().join(", ");
        let message = format!(
            "agent = \"{name}\" in [telegram.{}] is not an agent: [agents.{name}] is missing. Known agents: {known}{hint}",
            self.bot
        );
        root.report(self.at, message);
    }
}
