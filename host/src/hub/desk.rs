//! The desk: what callers may see and do on the board, with their rights checked. Everything that changes a session goes through here.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use async_trait::async_trait;
use cordboard_core::{
    agent::PromptId,
    chat::{NewPost, Update, What},
    config::Config,
    happening::Trail,
    session::{Order, Prompt, Refusal, RefusalCode},
    text,
    types::{Caller, Moment, Place, Reply, SessionName, SessionRecord, SessionView},
};

use super::{lines::Lines, posts::Posts, setup::Live};
use crate::{
    clock::Clock,
    plugin::{Blueprint, Board, Choice, KeyValues, Orders, Outcome, PlugOrder, Plugs, Shelf, Swap},
    roster::Roster,
    session,
    store::{Limit, Store, StoreError},
};

#[derive(Clone)]
pub struct Desk {
    pub clock: Clock,
    pub config: Live,
    pub plugs: Arc<Plugs>,
    pub lines: Arc<Lines>,
    pub posts: Posts,
    pub store: Store,
    pub orders: Orders,
    /// The state directory.
    pub state: PathBuf,
    /// The hooks that led to what is done at this desk.
    pub trail: Trail,
}

fn refuse(code: RefusalCode, text: impl Into<String>) -> Refusal {
    Refusal { code, text: text.into() }
}

fn unknown(name: &str) -> Refusal {
    refuse(RefusalCode::Unknown, text::unknown(name))
}

fn not_stored(error: &StoreError) -> Refusal {
    refuse(RefusalCode::Failed, format!("Cordboard could not store it: {error}"))
}

impl Desk {
    pub fn lines(&self) -> &Lines {
        &self.lines
    }

    /// The same desk, for a call that these hooks led to.
    #[must_use]
    pub fn reached_by(&self, trail: Trail) -> Self {
        Self { trail, ..self.clone() }
    }

    pub fn config(&self) -> Arc<Config> {
        self.config.now()
    }

    fn roster(&self) -> &Roster {
        &self.lines.roster
    }

    /// A session that this caller may see; for everybody else it does not exist.
    fn seen(&self, caller: &Caller, name: &str) -> Result<Arc<SessionView>, Refusal> {
        let view = self.roster().view(name).filter(|view| caller.may_steer(&view.record.owner));
        view.ok_or_else(|| unknown(name))
    }

    async fn act(&self, name: &SessionName, order: Order) -> Result<SessionView, Refusal> {
        let line = self.lines.get(name).ok_or_else(|| unknown(name.as_str()))?;
        line.order(order, self.trail.clone()).await
    }

    /// The operator's folder of that name, the one that was asked for below a root, else one of its own.
    fn folder(&self, name: &SessionName, asked: Option<&str>) -> Result<PathBuf, Refusal> {
        let config = self.config();
        if let Some(asked) = asked {
            return below_roots(Path::new(asked), &config.sessions.roots);
        }
        let named = config.sessions.folder(name).map(Path::to_owned);
        Ok(named.unwrap_or_else(|| session::folder(&self.state, name)))
    }

    fn check_persona(&self, persona: Option<&str>) -> Result<(), Refusal> {
        let table = self.plugs.table();
        match persona {
            Some(persona) if table.persona(persona).is_none() => {
                let known: Vec<&str> = table.personas().map(|choice| choice.name.as_str()).collect();
                let text = format!("There is no persona '{persona}'. Known: {}.", known.join(", "));
                Err(refuse(RefusalCode::Invalid, text))
            }
            Some(_) | None => Ok(()),
        }
    }

    fn record(&self, caller: &Caller, blueprint: Blueprint) -> Result<SessionRecord, Refusal> {
        let name: SessionName = blueprint
            .name
            .parse()
            .map_err(|error: cordboard_core::types::InvalidName| refuse(RefusalCode::Invalid, sentence(&error)))?;
        if let Some(there) = self.roster().view(name.as_str()) {
            return Err(taken(&there));
        }
        self.check_persona(blueprint.persona.as_deref())?;
        let config = self.config();
        let agent = blueprint.agent.unwrap_or_else(|| config.agents.default.clone());
        if config.agents.get(&agent).is_none() {
            let known: Vec<&str> = config.agents.by_name.keys().map(String::as_str).collect();
            let text = format!("There is no agent '{agent}'. Known: {}.", known.join(", "));
            return Err(refuse(RefusalCode::Invalid, text));
        }
        let folder = self.folder(&name, blueprint.folder.as_deref())?;
        let mut record = SessionRecord::new(name, caller.id.clone(), folder, &agent, self.clock.now());
        record.persona = blueprint.persona;
        record.model = blueprint.model;
        Ok(record)
    }

    fn choose(agent: (&String, &cordboard_core::config::Agent)) -> Choice {
        Choice { name: agent.0.clone(), description: agent.1.kind.as_str().to_owned() }
    }
}

fn sentence(error: &impl std::fmt::Display) -> String {
    format!("{error}.")
}

fn taken(there: &SessionView) -> Refusal {
    let name = &there.record.name;
    if there.record.archived {
        refuse(RefusalCode::Archived, text::archived(name))
    } else {
        refuse(RefusalCode::Exists, text::exists(name))
    }
}

/// Resolved before it is compared, so that neither `..` nor a link leads out.
fn below_roots(asked: &Path, roots: &[PathBuf]) -> Result<PathBuf, Refusal> {
    let denied = || {
        let text = format!("{} is not below one of `[sessions] roots`.", asked.display());
        refuse(RefusalCode::Denied, text)
    };
    let real = asked.canonicalize().map_err(|_| denied())?;
    let inside = roots.iter().filter_map(|root| root.canonicalize().ok()).any(|root| real.starts_with(root));
    if inside && real.is_dir() { Ok(real) } else { Err(denied()) }
}

#[async_trait]
impl Board for Desk {
    fn now(&self) -> Moment {
        self.clock.wall()
    }

    fn active(&self, caller: &Caller, place: &Place) -> Option<SessionView> {
        let view = self.roster().active(place)?;
        caller.may_steer(&view.record.owner).then(|| SessionView::clone(&view))
    }

    fn count(&self, caller: &Caller) -> usize {
        self.roster().seen_by(caller, false).len()
    }

    fn page(&self, caller: &Caller, shelf: Shelf, skip: usize, count: usize) -> Vec<SessionView> {
        let mut views = self.roster().seen_by(caller, shelf == Shelf::Archived);
        views.sort_by(|a, b| {
            b.record.last_active.cmp(&a.record.last_active).then_with(|| a.record.name.cmp(&b.record.name))
        });
        views.into_iter().skip(skip).take(count).map(|view| SessionView::clone(&view)).collect()
    }

    fn find(&self, caller: &Caller, name: &str) -> Option<SessionView> {
        self.seen(caller, name).ok().map(|view| SessionView::clone(&view))
    }

    fn agents(&self) -> Vec<Choice> {
        self.config().agents.by_name.iter().map(Self::choose).collect()
    }

    async fn create(&self, caller: &Caller, blueprint: Blueprint) -> Result<SessionView, Refusal> {
        let record = self.record(caller, blueprint)?;
        match self.store.create(&record).await {
            Ok(()) => {}
            Err(StoreError::Exists { .. }) => {
                let there = self.roster().view(record.name.as_str());
                return Err(there.map_or_else(|| unknown(record.name.as_str()), |there| taken(&there)));
            }
            Err(error) => return Err(not_stored(&error)),
        }
        let view = self.lines.at_rest(record);
        self.roster().add(view.clone());
        self.lines.tell_created(view.clone(), self.trail.clone());
        Ok(view)
    }

    async fn activate(&self, caller: &Caller, place: &Place, name: &SessionName) -> Result<SessionView, Refusal> {
        let view = self.seen(caller, name.as_str())?;
        if view.record.archived {
            return Err(taken(&view));
        }
        self.store.bind(place, Some(name)).await.map_err(|error| not_stored(&error))?;
        self.roster().bind(place, name);
        self.act(name, Order::Touch(place.clone())).await
    }

    async fn order(&self, caller: &Caller, name: &SessionName, order: Order) -> Result<SessionView, Refusal> {
        self.seen(caller, name.as_str())?;
        if let Order::SetPersona(persona) = &order {
            self.check_persona(persona.as_deref())?;
        }
        let archives = order == Order::Archive;
        let view = self.act(name, order).await?;
        if archives {
            self.store.archive(&view.record).await.map_err(|error| not_stored(&error))?;
            self.roster().unbind(name);
        }
        Ok(view)
    }

    /// A prompt that a plugin sends is accepted and stored like one that a person typed.
    async fn prompt(&self, caller: &Caller, name: &SessionName, text: String) -> Result<(), Refusal> {
        let view = self.seen(caller, name.as_str())?;
        let place = view.record.place.clone().ok_or_else(|| {
            refuse(
                RefusalCode::Failed,
                format!("Nobody has opened session '{name}' in a chat: the answer would go nowhere."),
            )
        })?;
        let at = self.clock.now();
        let key = format!("plugin:{}", uuid::Uuid::new_v4());
        let update = Update { key, caller: caller.clone(), place, what: What::Text(text.clone()), at, locale: None };
        let rows = self.store.accept(vec![update], None).await.map_err(|error| not_stored(&error))?;
        let row = rows.into_iter().next().ok_or_else(|| unknown(name.as_str()))?;
        self.store.assign(row.id, name).await.map_err(|error| not_stored(&error))?;
        let line = self.lines.get(name).ok_or_else(|| unknown(name.as_str()))?;
        let PromptId(id) = row.prompt;
        line.prompt(Prompt { id: PromptId(id), place: row.update.place, text }, self.trail.clone()).await;
        Ok(())
    }

    async fn post(&self, place: &Place, reply: Reply) -> Result<(), String> {
        self.posts.finish(Vec::new(), vec![NewPost::new(place.clone(), reply)]).await;
        Ok(())
    }

    async fn steer_plugin(&self, caller: Option<&Caller>, plugin: &str, order: PlugOrder) -> Outcome {
        self.orders.give(caller, plugin, order).await
    }
}

#[async_trait]
impl KeyValues for Desk {
    async fn get(&self, plugin: &str, key: &str) -> Result<Option<Vec<u8>>, String> {
        self.store.state_get(plugin, key).await.map_err(|error| error.to_string())
    }

    async fn set(&self, plugin: &str, key: &str, value: Option<Vec<u8>>, limit: usize) -> Result<(), String> {
        let done = match value {
            Some(value) => self.store.state_set(plugin, key, value, state_limit(plugin, limit)).await,
            None => self.store.state_delete(plugin, key).await,
        };
        done.map_err(|error| error.to_string())
    }

    async fn keys(&self, plugin: &str, prefix: &str) -> Result<Vec<String>, String> {
        self.store.state_keys(plugin, prefix).await.map_err(|error| error.to_string())
    }

    async fn swap(
        &self,
        plugin: &str,
        key: &str,
        change: Swap,
        limit: usize,
    ) -> Result<Result<(), Option<Vec<u8>>>, String> {
        let Swap { expected, value } = change;
        let swap = crate::store::Swap { expected, value };
        self.store.state_swap(plugin, key, swap, state_limit(plugin, limit)).await.map_err(|error| error.to_string())
    }
}

fn state_limit(plugin: &str, bytes: usize) -> Limit {
    Limit { key: format!("plugins.{plugin}.state"), bytes: bytes as u64 }
}
