//! Copies the readable rows of a damaged database to a new one. Reads only pages that belong to a table, because free
//! pages may contain deleted rows, such as the access entries of people who were removed.

use std::collections::{BTreeMap, VecDeque};

use cordboard_core::database_damage::{LostRecords, RecordKind};
use rusqlite::{
    Connection, ErrorCode, Row, params_from_iter,
    types::{Value, ValueRef},
};

use super::{
    error::WorkError,
    integrity::is_damage,
    key_range::{Key, KeyRange},
    rows::read_all,
};

/// The maximum number of unreadable key ranges that are split per table. A damaged page makes a range unreadable; it is
/// then split until the readable keys around the page are found.
const MAX_UNREADABLE_RANGES: usize = 2000;

/// Decides whether to copy a row of this table that has these values.
pub(super) type RowFilter<'a> = dyn FnMut(&Table, &[Value]) -> Result<bool, WorkError> + 'a;

/// The number of copied rows, and the tables that lost rows.
#[derive(Debug, Default)]
pub(super) struct Salvaged {
    pub rows: u64,
    /// The number of lost rows by table, or `None` if it is unknown.
    pub lost: BTreeMap<String, Option<u64>>,
}

impl Salvaged {
    /// Records that a table lost rows, in addition to those already recorded.
    pub fn add_lost(&mut self, table: &str, rows: Option<u64>) {
        let lost = self.lost.entry(table.to_owned()).or_insert(Some(0));
        *lost = lost.zip(rows).map(|(before, more)| before + more);
    }

    /// Returns the lost rows of all tables by kind.
    pub fn lost_records(&self) -> Vec<LostRecords> {
        let mut by_kind = BTreeMap::new();
        for (table, rows) in &self.lost {
            let count = by_kind.entry(record_kind(table).unwrap_or(RecordKind::Other)).or_insert(Some(0));
            *count = count.zip(*rows).map(|(before, more): (u64, u64)| before + more);
        }
        by_kind.into_iter().map(|(kind, count)| LostRecords { kind, count }).collect()
    }
}

/// Returns the kind of the records in a table, or `None` if there is no such table.
fn record_kind(table: &str) -> Option<RecordKind> {
    Some(match table {
        "session" => RecordKind::Sessions,
        "topic" => RecordKind::Topics,
        "inbox" => RecordKind::ReceivedMessages,
        "outbox" => RecordKind::UnsentMessages,
        "button" | "keyboard" => RecordKind::Buttons,
        "generation" => RecordKind::PluginVersions,
        "standing" | "grant_answer" => RecordKind::PluginDecisions,
        "plugin_state" => RecordKind::PluginData,
        "access" | "chat_access" => RecordKind::Access,
        "audit" => RecordKind::Audit,
        "usage" => RecordKind::Usage,
        "active" | "command_use" | "delivery_log" | "front_end" | "host" | "job" | "live" | "met" | "moved"
        | "own_mode" | "place_locale" | "unreachable" => RecordKind::Other,
        _ => return None,
    })
}

/// A table of the new database.
#[derive(Debug)]
pub(super) struct Table {
    pub name: String,
    columns: Vec<String>,
    /// The first column of the primary key if the table was created `WITHOUT ROWID`, otherwise `None`.
    key_column: Option<String>,
}

impl Table {
    pub fn insert(&self, into: &Connection, values: &[Value]) -> rusqlite::Result<usize> {
        let placeholders = vec!["?"; values.len()].join(", ");
        let sql = format!("INSERT INTO \"{}\" ({}) VALUES ({placeholders})", self.name, self.columns.join(", "));
        into.prepare_cached(&sql)?.execute(params_from_iter(values))
    }

    fn read_columns(db: &Connection, name: String, without_row_ids: bool) -> Result<Self, WorkError> {
        let sql = "SELECT '\"' || name || '\"', pk FROM pragma_table_info(?) ORDER BY cid";
        let columns: Vec<(String, i64)> = read_all(db, sql, [&name], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let first_of_key = columns.iter().find(|(_, key)| *key == 1).map(|(column, _)| column.clone());
        let key_column = first_of_key.filter(|_| without_row_ids);
        Ok(Self { name, columns: columns.into_iter().map(|(column, _)| column).collect(), key_column })
    }

    fn query(&self, order: &str) -> String {
        let (key, low, high) = match &self.key_column {
            Some(column) => (column.as_str(), "CAST(?1 AS TEXT)", "CAST(?2 AS TEXT)"),
            None => ("rowid", "?1", "?2"),
        };
        let (name, columns) = (&self.name, self.columns.join(", "));
        format!(
            "SELECT {key}, {columns} FROM \"{name}\" WHERE {key} >= {low} AND {key} < {high} ORDER BY {key} {order}"
        )
    }
}

/// Returns the tables of a database, except SQLite's own.
pub(super) fn tables(db: &Connection) -> Result<Vec<Table>, WorkError> {
    let sql = "SELECT name, wr FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name";
    let found: Vec<(String, bool)> = read_all(db, sql, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
    found.into_iter().map(|(name, without_row_ids)| Table::read_columns(db, name, without_row_ids)).collect()
}

/// Copies the rows of all tables that `target` has.
pub(super) fn copy_rows(
    source: &Connection,
    target: &Connection,
    filter: &mut RowFilter<'_>,
) -> Result<Salvaged, WorkError> {
    let mut salvaged = Salvaged::default();
    let tx = target.unchecked_transaction()?;
    for table in tables(target)? {
        let mut copy = TableCopy { source, target, table: &table, filter: &mut *filter, copied: 0, rejected: 0 };
        let has_damage = copy.run()?;
        let (copied, rejected) = (copy.copied, copy.rejected);
        salvaged.rows += copied;
        // Counting may succeed although the table is damaged, because SQLite can count the entries of an index instead.
        let lost =
            if has_damage { count_rows(source, &table)?.map(|all| all.saturating_sub(copied)) } else { Some(rejected) };
        if lost != Some(0) {
            salvaged.add_lost(&table.name, lost);
        }
    }
    copy_sequences(source, &tx)?;
    tx.commit()?;
    Ok(salvaged)
}

/// Returns the number of rows of a table, or `None` if it can't be counted.
fn count_rows(source: &Connection, table: &Table) -> Result<Option<u64>, WorkError> {
    let counted = source.query_row(&format!("SELECT count(*) FROM \"{}\"", table.name), [], |row| row.get::<_, i64>(0));
    Ok(unless_unreadable(counted)?.map(i64::unsigned_abs))
}

/// Copies the last id of each table, so that the ids of deleted rows aren't used again.
fn copy_sequences(source: &Connection, target: &Connection) -> Result<(), WorkError> {
    let sequences = read_all(source, "SELECT name, seq FROM sqlite_sequence", [], |row| Ok((row.get(0)?, row.get(1)?)));
    let sequences: Vec<(String, i64)> = match sequences {
        Err(WorkError::Sql(error)) => unless_unreadable(Err(error))?.unwrap_or_default(),
        read => read?,
    };
    for (table, last) in sequences {
        let sql = "UPDATE sqlite_sequence SET seq = max(seq, ?2) WHERE name = ?1";
        if target.execute(sql, (&table, last))? == 0 {
            let sql = "INSERT INTO sqlite_sequence (name, seq) SELECT name, ?2 FROM sqlite_schema WHERE type = 'table' AND name = ?1";
            target.execute(sql, (&table, last))?;
        }
    }
    Ok(())
}

/// Returns `None` if the error means that this part of the database can't be read: because the file or its schema is
/// damaged, or because the disk can't read this part of the file.
fn unless_unreadable<T>(result: rusqlite::Result<T>) -> Result<Option<T>, WorkError> {
    match result {
        Err(error) if is_unreadable(&error) => Ok(None),
        result => Ok(Some(result?)),
    }
}

fn is_unreadable(error: &rusqlite::Error) -> bool {
    let is_disk_error = error.sqlite_error_code() == Some(ErrorCode::SystemIoFailure);
    // SQLite uses this code if the table or a column is missing, which means that the schema is damaged.
    let is_missing = error.sqlite_error_code() == Some(ErrorCode::Unknown);
    is_damage(error) || is_disk_error || is_missing
}

/// The state of copying one table.
struct TableCopy<'a> {
    source: &'a Connection,
    target: &'a Connection,
    table: &'a Table,
    filter: &'a mut RowFilter<'a>,
    copied: u64,
    /// The number of rows that violate a constraint or that the filter rejects.
    rejected: u64,
}

/// The outcome of a scan.
enum Scan {
    Complete,
    /// The scan ended at damage, after the row with this key.
    Damaged(Option<Key>),
}

impl TableCopy<'_> {
    /// Copies all readable rows. Returns whether a part of the table is unreadable.
    fn run(&mut self) -> Result<bool, WorkError> {
        let all = if self.table.key_column.is_some() { KeyRange::all_texts() } else { KeyRange::all_integers() };
        let mut ranges = VecDeque::from([all]);
        let (mut unreadable_ranges, mut has_damage) = (0, false);
        while let Some(range) = ranges.pop_front() {
            let Some(unreadable) = self.copy_range(range)? else { continue };
            unreadable_ranges += 1;
            let parts = if unreadable_ranges < MAX_UNREADABLE_RANGES { unreadable.split() } else { Vec::new() };
            has_damage = has_damage || parts.is_empty();
            ranges.extend(parts);
        }
        Ok(has_damage)
    }

    /// Copies the rows from both ends of a range. Returns the range between them if it can't be read.
    fn copy_range(&mut self, mut range: KeyRange) -> Result<Option<KeyRange>, WorkError> {
        match self.scan(&range, "ASC")? {
            Scan::Complete => return Ok(None),
            Scan::Damaged(Some(last)) => range.low = last.successor(),
            Scan::Damaged(None) => {}
        }
        match self.scan(&range, "DESC")? {
            Scan::Complete => return Ok(None),
            Scan::Damaged(Some(first)) => range.high = first,
            Scan::Damaged(None) => {}
        }
        Ok(Some(range))
    }

    /// Copies the rows of a range in the given order, until it reaches damage.
    fn scan(&mut self, range: &KeyRange, order: &str) -> Result<Scan, WorkError> {
        let mut last = None;
        let source = self.source;
        let Some(mut query) = unless_unreadable(source.prepare_cached(&self.table.query(order)))? else {
            return Ok(Scan::Damaged(None));
        };
        let mut rows = query.query((&range.low, &range.high))?;
        loop {
            let Some(row) = unless_unreadable(rows.next())? else { return Ok(Scan::Damaged(last)) };
            let Some(row) = row else { return Ok(Scan::Complete) };
            last = row_key(row)?.or(last);
            self.copy_row(row)?;
        }
    }

    fn copy_row(&mut self, row: &Row<'_>) -> Result<(), WorkError> {
        let values = (1..=self.table.columns.len()).map(|column| row.get_ref(column).map(to_value));
        let is_copied = match values.collect::<rusqlite::Result<Option<Vec<Value>>>>()? {
            Some(values) if (self.filter)(self.table, &values)? => match self.table.insert(self.target, &values) {
                Err(error) if error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) => false,
                inserted => inserted? > 0,
            },
            Some(_) | None => false,
        };
        if is_copied {
            self.copied += 1;
        } else {
            self.rejected += 1;
        }
        Ok(())
    }
}

fn row_key(row: &Row<'_>) -> Result<Option<Key>, WorkError> {
    Ok(match row.get_ref(0)? {
        ValueRef::Integer(number) => Some(Key::Integer(number)),
        ValueRef::Text(text) => Some(Key::Text(text.to_vec())),
        ValueRef::Null | ValueRef::Real(_) | ValueRef::Blob(_) => None,
    })
}

/// Returns the value, or `None` if it is a text that isn't UTF-8.
fn to_value(value: ValueRef<'_>) -> Option<Value> {
    Some(match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => Value::Integer(number),
        ValueRef::Real(number) => Value::Real(number),
        ValueRef::Text(text) => Value::Text(String::from_utf8(text.to_vec()).ok()?),
        ValueRef::Blob(bytes) => Value::Blob(bytes.to_vec()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema;

    #[test]
    fn every_table_has_a_kind_of_record() {
        let db = Connection::open_in_memory().unwrap();
        schema::create(&db, schema::VERSION).unwrap();
        let tables = tables(&db).unwrap();
        let unknown: Vec<_> = tables.iter().filter(|table| record_kind(&table.name).is_none()).collect();
        assert!(tables.len() > 20 && unknown.is_empty(), "{unknown:?}");
    }

    #[test]
    fn lost_rows_of_several_tables_are_added_up() {
        let mut salvaged = Salvaged::default();
        for (table, rows) in [("access", Some(2)), ("chat_access", Some(1)), ("button", Some(3)), ("keyboard", None)] {
            salvaged.add_lost(table, rows);
        }
        let lost = |kind, count| LostRecords { kind, count };
        assert_eq!(salvaged.lost_records(), [lost(RecordKind::Buttons, None), lost(RecordKind::Access, Some(3))]);
    }
}
