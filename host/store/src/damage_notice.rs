//! Stores damage that the operators haven't been notified of yet. Uses a file next to the database, because the
//! database itself may be damaged. The file is deleted once the notice is stored in the outbox.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use cordboard_core::database_damage::DatabaseDamage;

use super::state_directory;

const FILE: &str = "database-damage.json";

/// Records damage, and syncs the file. `database` is the file of the database.
pub(super) fn add(database: &Path, damage: DatabaseDamage) -> io::Result<()> {
    let file = database.with_file_name(FILE);
    let mut all = stored(&file);
    all.push(damage);
    state_directory::create_private(&file)?;
    fs::write(&file, serde_json::to_vec(&all)?)?;
    File::open(&file)?.sync_all()
}

/// Returns the damage that the operators haven't been notified of yet.
pub(super) fn read(state: &Path) -> Vec<DatabaseDamage> {
    let has_ended = |damage: &DatabaseDamage| match damage {
        // Without the kept file, the host was killed before it completed this recovery, and the next start repeats it.
        DatabaseDamage::Database { kept, .. } | DatabaseDamage::Log { kept, .. } => kept.exists(),
    };
    stored(&state.join(FILE)).into_iter().filter(has_ended).collect()
}

/// Records that the operators were notified.
pub(super) fn clear(database: &Path) {
    drop(fs::remove_file(database.with_file_name(FILE)));
}

/// Reads the file. Treats a file that a crash left incomplete as empty, because the damage is also in the host's log.
fn stored(file: &PathBuf) -> Vec<DatabaseDamage> {
    fs::read(file).ok().and_then(|json| serde_json::from_slice(&json).ok()).unwrap_or_default()
}
