//! Stores each plugin's rollout state, and the answers to its capability requests.

use cordboard_core::{
    rollout::{Decision, GrantAnswer, RolloutState},
    types::{Timestamp, UserId},
};
use rusqlite::{Connection, params};

use super::{
    Store,
    error::{StoreError, WorkError},
    inbox::to_column,
    rows::{json, read_all},
};

/// The stored rollout states and answers of all plugins.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Decisions {
    /// Ordered by plugin.
    pub rollout_states: Vec<(String, RolloutState)>,
    /// Ordered by plugin, then by time.
    pub grant_answers: Vec<GrantAnswer>,
}

impl Decisions {
    pub(super) fn read(db: &Connection) -> Result<Self, WorkError> {
        Ok(Self { rollout_states: rollout_states(db)?, grant_answers: grant_answers(db)? })
    }
}

/// The separator between capability names, which never contain spaces.
const SEPARATOR: &str = " ";

impl Store {
    /// Stores the rollout state of a plugin, or deletes it if it is the default.
    pub async fn save_rollout_state(&self, plugin: &str, state: &RolloutState) -> Result<(), StoreError> {
        let (plugin, state) = (plugin.to_owned(), state.clone());
        self.run(format!("store the rollout state of plugin '{plugin}'"), move |db| {
            if state.is_default() {
                db.prepare_cached("DELETE FROM standing WHERE plugin = ?")?.execute([&plugin])?;
                return Ok(());
            }
            let record = serde_json::to_string(&state)?;
            db.prepare_cached("INSERT OR REPLACE INTO standing (plugin, record) VALUES (?, ?)")?
                .execute(params![plugin, record])?;
            Ok(())
        })
        .await
    }

    /// Stores the answer to a capability request. Replaces an earlier answer about the same plugin and capabilities.
    pub async fn save_grant_answer(&self, answer: GrantAnswer) -> Result<(), StoreError> {
        self.run(format!("store the grant decision for plugin '{}'", answer.plugin), move |db| {
            let sql =
                "INSERT OR REPLACE INTO grant_answer (plugin, capabilities, granted, who, at) VALUES (?, ?, ?, ?, ?)";
            let capabilities = answer.capabilities.join(SEPARATOR);
            let GrantAnswer { plugin, granted, decision, .. } = &answer;
            db.prepare_cached(sql)?.execute(params![
                plugin,
                capabilities,
                granted,
                decision.who.0,
                to_column(decision.at)
            ])?;
            Ok(())
        })
        .await
    }
}

fn rollout_states(db: &Connection) -> Result<Vec<(String, RolloutState)>, WorkError> {
    let sql = "SELECT plugin, record FROM standing ORDER BY plugin";
    read_all(db, sql, [], |row| Ok((row.get(0)?, json(row, 1)?)))
}

fn grant_answers(db: &Connection) -> Result<Vec<GrantAnswer>, WorkError> {
    let sql = "SELECT plugin, capabilities, granted, who, at FROM grant_answer ORDER BY plugin, at, capabilities";
    read_all(db, sql, [], |row| {
        let capabilities: String = row.get(1)?;
        let at = Timestamp(row.get::<_, i64>(4)?.unsigned_abs());
        Ok(GrantAnswer {
            plugin: row.get(0)?,
            capabilities: capabilities.split(SEPARATOR).map(str::to_owned).collect(),
            granted: row.get(2)?,
            decision: Decision { who: UserId(row.get(3)?), at },
        })
    })
}
