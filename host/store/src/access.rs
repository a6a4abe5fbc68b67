//! Stores the people who were granted access in the chat or by pairing. [`cordboard_core::access_entries`] decides
//! which changes are allowed.

use cordboard_core::{
    access_entries::{StoredChange, StoredPerson},
    types::{Caller, Role},
    updates_and_posts::{NewPost, OutboxRow},
};
use rusqlite::{Connection, params};
use uuid::Uuid;

use super::{
    Store, chat_members,
    error::{StoreError, WorkError},
    inbox::{now, to_column},
    outbox,
    rows::{json, read_all},
    writer::Durability,
};

/// A person who has sent the correct pairing code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PairedOwner {
    /// The numeric Telegram id.
    pub id: u64,
    pub caller: Caller,
    /// The key of the update that contained the code. The update itself is not stored, because that would store the
    /// code.
    pub key: String,
    /// The welcome message, to be sent to the person's private chat.
    pub welcome: NewPost,
}

impl Store {
    /// Saves or deletes a person's entry, and returns all entries.
    pub async fn change_access(&self, change: StoredChange) -> Result<Vec<StoredPerson>, StoreError> {
        self.run("store a change of access".to_owned(), move |db| {
            match &change {
                StoredChange::Save(person) => save(db, person)?,
                StoredChange::Delete(id) => {
                    db.prepare_cached("DELETE FROM access WHERE person = ?")?.execute([column(*id)])?;
                    db.prepare_cached("DELETE FROM chat_access WHERE person = ?")?.execute([column(*id)])?;
                }
                StoredChange::DeleteInChat { id, chat } => {
                    db.prepare_cached("DELETE FROM chat_access WHERE person = ? AND place = ?")?
                        .execute(params![column(*id), serde_json::to_string(chat)?])?;
                }
            }
            people(db)
        })
        .await
    }

    /// Stores the owner together with the welcome message, and marks the update that contained the code as handled, so
    /// that it is ignored if it is repeated after a crash. Syncs to disk. Returns all entries and the stored welcome
    /// message. Returns `None` and stores nothing if there is already a paired owner.
    pub async fn set_paired_owner(
        &self,
        owner: PairedOwner,
    ) -> Result<Option<(Vec<StoredPerson>, OutboxRow)>, StoreError> {
        self.run_with_durability(Durability::Power, "store the owner".to_owned(), move |db| {
            let has_owner = "SELECT count(*) > 0 FROM access WHERE role = 'owner'";
            if db.prepare_cached(has_owner)?.query_row([], |row| row.get(0))? {
                return Ok(None);
            }
            let name = Some(owner.caller.name.clone());
            save(db, &StoredPerson { id: owner.id, role: Role::Owner, name, chat: None })?;
            let sql = "INSERT OR IGNORE INTO inbox (front_end, key, prompt, state, accepted, record) VALUES (?, ?, ?, 'done', ?, '')";
            let front_end = &owner.welcome.place.front_end;
            let handled = params![front_end, owner.key, Uuid::new_v4().to_string(), to_column(now())];
            db.prepare_cached(sql)?.execute(handled)?;
            chat_members::save(db, &owner.welcome.place, &owner.caller)?;
            Ok(Some((people(db)?, outbox::insert(db, &owner.welcome)?)))
        })
        .await
    }
}

fn save(db: &Connection, person: &StoredPerson) -> Result<(), WorkError> {
    let (id, since) = (column(person.id), to_column(now()));
    match &person.chat {
        None => {
            let sql = "INSERT OR REPLACE INTO access (person, role, name, since) VALUES (?, ?, ?, ?)";
            db.prepare_cached(sql)?.execute(params![id, person.role.as_str(), person.name, since])?;
        }
        Some(chat) => {
            let sql = "INSERT OR REPLACE INTO chat_access (place, person, name, since) VALUES (?, ?, ?, ?)";
            db.prepare_cached(sql)?.execute(params![serde_json::to_string(chat)?, id, person.name, since])?;
        }
    }
    Ok(())
}

/// Returns all entries, first those that apply to all chats, then those that apply to one chat. Both groups are ordered
/// by the person's id.
pub(super) fn people(db: &Connection) -> Result<Vec<StoredPerson>, WorkError> {
    let mut people = everywhere(db)?;
    people.extend(read_all(db, "SELECT person, name, place FROM chat_access ORDER BY person, place", [], |row| {
        let id = row.get::<_, i64>(0)?.unsigned_abs();
        Ok(StoredPerson { id, role: Role::Member, name: row.get(1)?, chat: Some(json(row, 2)?) })
    })?);
    Ok(people)
}

fn everywhere(db: &Connection) -> Result<Vec<StoredPerson>, WorkError> {
    read_all(db, "SELECT person, role, name FROM access ORDER BY person", [], |row| {
        let role: String = row.get(1)?;
        // The CHECK constraint allows only role names. For a damaged row, fall back to the role with the fewest rights.
        let role = role.parse().unwrap_or(Role::Member);
        Ok(StoredPerson { id: row.get::<_, i64>(0)?.unsigned_abs(), role, name: row.get(2)?, chat: None })
    })
}

/// Returns the id as SQLite stores it. Ids have at most 63 bits.
fn column(id: u64) -> i64 {
    i64::try_from(id).unwrap_or(i64::MAX)
}
