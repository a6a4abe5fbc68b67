//! Stores agent usage, one row per finished turn.

use std::path::Path;

use cordboard_core::types::{
    OriginUsage, SessionName, SessionRecord, Timestamp, Tokens, TurnOrigin, UsageEntry, UsageSum,
};
use rusqlite::{Connection, Row, params};

use super::{
    Store,
    error::{OpenError, StoreError, WorkError},
    inbox::to_column,
    rows::read_all,
    sessions,
    snapshot::open_read_only,
};

/// The maximum number of stored turns. Older turns are deleted.
const TURNS: i64 = 100_000;

const GROUPS: &str = "
    SELECT session, persona, agent, model, count(*), sum(cost_usd), sum(input), sum(output), sum(cache_read), sum(cache_write)
    FROM usage WHERE at >= ?1 AND (?2 IS NULL OR session = ?2)
    GROUP BY session, persona, agent, model ORDER BY session, persona, agent, model";

impl Store {
    /// Atomically stores the session's record and its finished turn's usage. Returns the cost of all turns since
    /// `since`, including this one.
    pub async fn save_turn(
        &self,
        record: &SessionRecord,
        usage: &UsageEntry,
        since: Timestamp,
    ) -> Result<f64, StoreError> {
        let (record, usage) = (record.clone(), usage.clone());
        self.run(format!("store a turn of session '{}'", record.name), move |db| {
            sessions::save(db, &record)?;
            append(db, &usage)?;
            cost(db, since)
        })
        .await
    }

    /// Returns the cost of all turns since `since` in US dollars.
    pub async fn cost_since(&self, since: Timestamp) -> Result<f64, StoreError> {
        self.run("read the cost of turns".to_owned(), move |db| cost(db, since)).await
    }

    /// Returns the usage since `since`, summed by session, persona, agent and model.
    pub async fn usage_since(&self, since: Timestamp) -> Result<Vec<OriginUsage>, StoreError> {
        self.run("read the usage of agents".to_owned(), move |db| {
            read_all(db, GROUPS, params![to_column(since), None::<String>], origin_usage)
        })
        .await
    }
}

/// Like [`Store::usage_since`], but reads the data from a state directory. Works even while a host is using the
/// directory. If `session` is set, returns only the usage of that session.
///
/// # Errors
/// Fails if the database cannot be read, is damaged, or has another schema version. The error text contains the reason
/// and the remedy.
pub fn usage_log(state: &Path, since: Timestamp, session: Option<&SessionName>) -> Result<Vec<OriginUsage>, OpenError> {
    let Some(db) = open_read_only(state)? else { return Ok(Vec::new()) };
    let session = session.map(ToString::to_string);
    let usage = read_all(&db.connection, GROUPS, params![to_column(since), session], origin_usage);
    Ok(usage.map_err(|error| error.during("read the usage of agents", db.file))?)
}

fn append(db: &Connection, usage: &UsageEntry) -> Result<(), WorkError> {
    let UsageEntry { at, turn, cost_usd, tokens } = usage;
    let sql = "INSERT INTO usage (at, session, persona, agent, model, cost_usd, input, output, cache_read, cache_write)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    db.prepare_cached(sql)?.execute(params![
        to_column(*at),
        turn.session.as_str(),
        turn.persona,
        turn.agent,
        turn.model,
        cost_usd,
        column(tokens.input),
        column(tokens.output),
        column(tokens.cache_read),
        column(tokens.cache_write),
    ])?;
    db.prepare_cached("DELETE FROM usage WHERE id <= ?")?.execute([db.last_insert_rowid() - TURNS])?;
    Ok(())
}

/// Caps a token count that an agent reported, so that the sum over all turns fits into a column.
fn column(tokens: u64) -> i64 {
    const LIMIT: i64 = i64::MAX / (TURNS + 1);
    i64::try_from(tokens).unwrap_or(LIMIT).min(LIMIT)
}

fn cost(db: &Connection, since: Timestamp) -> Result<f64, WorkError> {
    let sql = "SELECT total(cost_usd) FROM usage WHERE at >= ?";
    Ok(db.prepare_cached(sql)?.query_row([to_column(since)], |row| row.get(0))?)
}

fn origin_usage(row: &Row<'_>) -> Result<OriginUsage, WorkError> {
    let count = |column: usize| Ok::<_, WorkError>(u64::try_from(row.get::<_, i64>(column)?).unwrap_or_default());
    let origin = TurnOrigin {
        session: sessions::name(row.get(0)?)?,
        persona: row.get(1)?,
        agent: row.get(2)?,
        model: row.get(3)?,
    };
    let tokens = Tokens { input: count(6)?, output: count(7)?, cache_read: count(8)?, cache_write: count(9)? };
    Ok(OriginUsage { origin, sum: UsageSum { turns: count(4)?, cost_usd: row.get(5)?, tokens } })
}
