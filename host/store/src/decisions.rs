//! Decisions of users about plugins: the rollout state of each plugin, and the capabilities that were granted or denied
//! in the chat.

use cordboard_core::{
    rollout::{Decision, GrantAnswer, RolloutState},
    types::{Timestamp, UserId},
};
use rusqlite::{Connection, params};

use super::{
    Store,
    error::{StoreError, WorkError},
    inbox::column,
};

/// All stored decisions.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Decisions {
    /// By plugin.
    pub standings: Vec<(String, RolloutState)>,
    /// Ordered by plugin, then by time.
    pub answers: Vec<GrantAnswer>,
}

impl Decisions {
    pub(super) fn read(db: &Connection) -> Result<Self, WorkError> {
        Ok(Self { standings: standings(db)?, answers: answers(db)? })
    }
}

/// Separates the names of capabilities, which contain no spaces.
const SEPARATOR: &str = " ";

impl Store {
    /// Stores the rollout state of a plugin, or deletes it if it is the default.
    ///
    /// # Errors
    /// The database cannot be read or written.
    pub async fn save_rollout_state(&self, plugin: &str, standing: &RolloutState) -> Result<(), StoreError> {
        let (plugin, standing) = (plugin.to_owned(), standing.clone());
        self.ask(format!("store the rollout state of plugin '{plugin}'"), move |db| {
            if standing.is_default() {
                db.prepare_cached("DELETE FROM standing WHERE plugin = ?")?.execute([&plugin])?;
                return Ok(());
            }
            let record = serde_json::to_string(&standing)?;
            db.prepare_cached("INSERT OR REPLACE INTO standing (plugin, record) VALUES (?, ?)")?
                .execute(params![plugin, record])?;
            Ok(())
        })
        .await
    }

    /// Stores an answer. It replaces an earlier answer to the same question.
    ///
    /// # Errors
    /// The database cannot be read or written.
    pub async fn save_answer(&self, answer: GrantAnswer) -> Result<(), StoreError> {
        self.ask(format!("store the grant decision for plugin '{}'", answer.plugin), move |db| {
            let sql =
                "INSERT OR REPLACE INTO grant_answer (plugin, capabilities, granted, who, at) VALUES (?, ?, ?, ?, ?)";
            let capabilities = answer.capabilities.join(SEPARATOR);
            let GrantAnswer { plugin, granted, decision, .. } = &answer;
            db.prepare_cached(sql)?.execute(params![
                plugin,
                capabilities,
                granted,
                decision.who.0,
                column(decision.at)
            ])?;
            Ok(())
        })
        .await
    }
}

fn standings(db: &Connection) -> Result<Vec<(String, RolloutState)>, WorkError> {
    let mut query = db.prepare("SELECT plugin, record FROM standing ORDER BY plugin")?;
    let mut rows = query.query([])?;
    let mut standings = Vec::new();
    while let Some(row) = rows.next()? {
        let record = serde_json::from_str(row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?)?;
        standings.push((row.get(0)?, record));
    }
    Ok(standings)
}

fn answers(db: &Connection) -> Result<Vec<GrantAnswer>, WorkError> {
    let sql = "SELECT plugin, capabilities, granted, who, at FROM grant_answer ORDER BY plugin, at, capabilities";
    let mut query = db.prepare(sql)?;
    let rows = query.query_map([], |row| {
        let capabilities: String = row.get(1)?;
        let at = Timestamp(row.get::<_, i64>(4)?.unsigned_abs());
        Ok(GrantAnswer {
            plugin: row.get(0)?,
            capabilities: capabilities.split(SEPARATOR).map(str::to_owned).collect(),
            granted: row.get(2)?,
            decision: Decision { who: UserId(row.get(3)?), at },
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
