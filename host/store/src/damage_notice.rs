//! Stores damage that the operators haven't been notified of yet. Uses a file next to the database, because the
//! database itself may be damaged. The file is deleted once the notice is stored in the outbox.

use std::{
    fs,
    io::{self, Write as _},
    path::Path,
};

use cordboard_core::database_damage::DatabaseDamage;
use serde::{Deserialize, Serialize};

use super::{replacement, state_directory};

const FILE: &str = "database-damage.json";

/// Stored damage.
#[derive(Serialize, Deserialize)]
struct Entry {
    #[serde(flatten)]
    damage: DatabaseDamage,
    /// Whether the recovery is known to be complete. The operator may then move the kept file.
    #[serde(default)]
    is_complete: bool,
}

/// Records damage. `database` is the file of the database.
pub(super) fn add(database: &Path, damage: DatabaseDamage) -> io::Result<()> {
    let file = database.with_file_name(FILE);
    let mut entries = read_file(&file);
    entries.push(Entry { damage, is_complete: false });
    replace_file(&file, &entries)
}

/// Returns the damage that the operators haven't been notified of yet. Call this when no recovery is running.
pub(super) fn read(state: &Path) -> Vec<DatabaseDamage> {
    let file = state.join(FILE);
    let mut entries = read_file(&file);
    if entries.iter().any(|entry| !entry.is_complete) {
        // Without the kept file, the host was killed before it completed this recovery, and has now repeated it.
        entries.retain(|entry| entry.is_complete || entry.damage.kept().exists());
        entries.iter_mut().for_each(|entry| entry.is_complete = true);
        if let Err(error) = replace_file(&file, &entries) {
            tracing::warn!(%error, "failed to store that the recovery of the database is complete");
        }
    }
    entries.into_iter().map(|entry| entry.damage).collect()
}

/// Records that the operators were notified.
pub(super) fn clear(database: &Path) {
    drop(fs::remove_file(database.with_file_name(FILE)));
}

/// Reads the file. Treats an unreadable file as empty, because the damage is also in the host's log.
fn read_file(file: &Path) -> Vec<Entry> {
    fs::read(file).ok().and_then(|json| serde_json::from_slice(&json).ok()).unwrap_or_default()
}

/// Replaces the file with a synced one, so that a crash doesn't lose the entries that it already contains.
fn replace_file(file: &Path, entries: &[Entry]) -> io::Result<()> {
    let new = file.with_extension("new");
    let mut opened = state_directory::open_private(&new)?;
    opened.set_len(0)?;
    opened.write_all(&serde_json::to_vec(entries)?)?;
    opened.sync_all()?;
    fs::rename(&new, file)?;
    replacement::sync_folder_of(file)
}
