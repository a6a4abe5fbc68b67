//! Defines the rows in the JSON output of `cordboard sessions`, `plugins`, `requests` and `access`. The host also sends
//! the rows of the first three as responses.

use std::{path::PathBuf, sync::Arc};

use cordboard_core::{
    access_entries::ListedPerson,
    deep_link,
    types::{OpenRequest, SessionView},
};
use cordboard_runtime::{PluginStatus, Registry};
use serde::{Deserialize, Serialize};

use crate::{clock::Clock, session_registry::SessionRegistry};

/// A session in the JSON output.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SessionRow {
    pub name: String,
    pub phase: String,
    pub agent: String,
    pub persona: Option<String>,
    pub model: Option<String>,
    pub pid: Option<i32>,
    /// The pid of the process that holds the session for a terminal.
    #[serde(default)]
    pub terminal: Option<i32>,
    /// The idle timeout, in seconds.
    pub idle_timeout_s: u64,
    /// Milliseconds since the Unix epoch.
    pub last_active: u64,
    pub turns: u64,
    pub queued: u32,
    /// The agent's background work.
    #[serde(default)]
    pub background: Vec<String>,
    pub owner: String,
    pub folder: PathBuf,
    pub cost_usd: Option<f64>,
    /// The link that opens the bot and switches to the session. `None` if the host doesn't serve Telegram, or if the
    /// name is too long for a link.
    #[serde(default)]
    pub link: Option<String>,
}

/// A plugin in the JSON output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PluginRow {
    pub name: String,
    pub digest: String,
    pub generation: u32,
    pub health: String,
    pub note: String,
    /// Milliseconds since the Unix epoch.
    pub since: u64,
}

/// An agent's question in the JSON output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestRow {
    pub session: String,
    pub number: u64,
    pub kind: String,
    pub title: String,
    /// Milliseconds since the Unix epoch.
    pub since: u64,
    /// The link that opens the bot and switches to the session. `None` if the host doesn't serve Telegram, or if the
    /// name is too long for a link.
    #[serde(default)]
    pub link: Option<String>,
}

/// A person with access in the JSON output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PersonRow {
    /// The numeric Telegram id.
    pub id: u64,
    /// The last known name.
    pub name: Option<String>,
    pub role: &'static str,
    /// `configuration` or `chat`.
    pub source: &'static str,
    /// The only chat in which the entry gives access, such as `telegram:-100123`. Absent if it gives access everywhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chat: Option<String>,
    /// The only bot through which the entry gives access. Absent if it gives access through all bots.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bot: Option<String>,
    /// Whether an entry in the configuration overrides this entry, which then has no effect.
    pub overridden: bool,
}

impl PersonRow {
    #[must_use]
    pub fn new(person: &ListedPerson, name: Option<&String>) -> Self {
        Self {
            id: person.id,
            name: name.or(person.name.as_ref()).cloned(),
            role: person.role.as_str(),
            source: person.source.as_str(),
            chat: person.chat.as_ref().map(ToString::to_string),
            bot: person.bot.clone(),
            overridden: person.is_overridden,
        }
    }
}

impl From<&SessionView> for SessionRow {
    fn from(view: &SessionView) -> Self {
        let record = &view.record;
        Self {
            name: record.name.to_string(),
            phase: view.phase.as_str().to_owned(),
            agent: record.agent.clone(),
            persona: record.persona.clone(),
            model: view.model.clone(),
            pid: record.process.as_ref().map(|process| process.pid),
            terminal: record.terminal.as_ref().map(|terminal| terminal.process.pid),
            idle_timeout_s: view.idle_timeout.as_secs(),
            last_active: record.last_active.0,
            turns: record.turns,
            queued: view.queued,
            background: view.record.background.clone(),
            owner: record.owner.0.clone(),
            folder: record.folder.clone(),
            cost_usd: record.cost_usd,
            link: None,
        }
    }
}

impl From<PluginStatus> for PluginRow {
    fn from(status: PluginStatus) -> Self {
        Self {
            name: status.name,
            digest: status.digest,
            generation: status.generation,
            health: status.health.as_str().to_owned(),
            note: status.note,
            since: status.since.0,
        }
    }
}

/// Returns the user name of the Telegram bot, or `None` if the host doesn't serve Telegram or has not signed in yet.
pub type BotName = Arc<dyn Fn() -> Option<String> + Send + Sync>;

/// The parts of the running host from which rows are read.
#[derive(Clone)]
pub struct HostRows {
    pub sessions: Arc<SessionRegistry>,
    pub plugins: Arc<Registry>,
    pub clock: Clock,
    pub bot_name: BotName,
}

impl HostRows {
    /// Returns all sessions, the most recently active first.
    #[must_use]
    pub fn sessions(&self) -> Vec<SessionRow> {
        let mut rows: Vec<SessionRow> = self.sessions.views().iter().map(|view| self.session(view)).collect();
        rows.sort_by(|a, b| b.last_active.cmp(&a.last_active).then_with(|| a.name.cmp(&b.name)));
        rows
    }

    #[must_use]
    pub fn plugins(&self) -> Vec<PluginRow> {
        self.plugins.snapshot().statuses().map(PluginRow::from).collect()
    }

    pub(super) fn session(&self, view: &SessionView) -> SessionRow {
        let last_active = self.clock.to_wall(view.record.last_active).0;
        let link = (self.bot_name)().and_then(|bot| deep_link::session(&bot, &view.record.name));
        SessionRow { last_active, link, ..SessionRow::from(view) }
    }

    /// Returns the open questions of all agents, the oldest first.
    #[must_use]
    pub fn requests(&self) -> Vec<RequestRow> {
        let bot = (self.bot_name)();
        let of_session = |view: &Arc<SessionView>| {
            let name = &view.record.name;
            let row = |open: &OpenRequest| RequestRow {
                session: name.to_string(),
                number: open.number,
                kind: open.request.kind.to_owned(),
                title: open.request.title.clone(),
                since: self.clock.to_wall(open.since).0,
                link: bot.as_ref().and_then(|bot| deep_link::request(bot, name, open.number)),
            };
            view.requests.iter().map(row).collect::<Vec<_>>()
        };
        let mut rows: Vec<RequestRow> = self.sessions.views().iter().flat_map(of_session).collect();
        rows.sort_by_key(|row| row.since);
        rows
    }
}
