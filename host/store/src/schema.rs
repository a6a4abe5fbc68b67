//! The tables, as a list of migrations. Never change a released migration; append a new one instead.

use std::path::Path;

use rusqlite::Connection;

use super::{
    error::{OpenError, WorkError},
    rows::read_all,
};

/// Migration N changes `user_version` from N to N+1.
const MIGRATIONS: [&str; 19] = [
    FIRST,
    DECISIONS,
    JOBS,
    BUTTON_PLUGINS,
    MET,
    ACTIVE,
    MOVED,
    LIVE_TEXT,
    KEYBOARDS,
    UNREACHABLE,
    AUDIT,
    USAGE,
    OWN_MODES,
    TOPICS,
    ACCESS,
    ANSWERED,
    DELIVERY_LOG,
    CHAT_ACCESS,
    PLACE_LOCALES,
];

const FIRST: &str = "
    CREATE TABLE host (only INTEGER PRIMARY KEY CHECK (only = 1), id TEXT NOT NULL, syncs INTEGER NOT NULL DEFAULT 0) STRICT;
    CREATE TABLE session (
        name TEXT PRIMARY KEY, owner TEXT NOT NULL, archived INTEGER NOT NULL, record TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE place (place TEXT PRIMARY KEY, session TEXT NOT NULL) STRICT, WITHOUT ROWID;
    CREATE INDEX place_session ON place (session);
    CREATE TABLE front_end (name TEXT PRIMARY KEY, next INTEGER NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE inbox (
        id INTEGER PRIMARY KEY AUTOINCREMENT, front_end TEXT NOT NULL, key TEXT NOT NULL, prompt TEXT NOT NULL UNIQUE,
        state TEXT NOT NULL CHECK (state IN ('new', 'waiting', 'handed', 'done')), session TEXT, accepted INTEGER NOT NULL,
        record TEXT NOT NULL, UNIQUE (front_end, key)
    ) STRICT;
    CREATE INDEX inbox_open ON inbox (id) WHERE state <> 'done';
    CREATE TABLE outbox (
        id INTEGER PRIMARY KEY AUTOINCREMENT, place TEXT NOT NULL, turn TEXT, reply TEXT NOT NULL, delivery TEXT NOT NULL
    ) STRICT;
    CREATE TABLE live (
        id INTEGER PRIMARY KEY, prompt TEXT NOT NULL, place TEXT NOT NULL, message TEXT NOT NULL, UNIQUE (prompt, place, message)
    ) STRICT;
    CREATE TABLE plugin_state (
        plugin TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL, PRIMARY KEY (plugin, key)
    ) STRICT;
    CREATE TABLE generation (
        id INTEGER PRIMARY KEY AUTOINCREMENT, plugin TEXT NOT NULL, digest TEXT NOT NULL, stored INTEGER NOT NULL,
        wasm BLOB NOT NULL, UNIQUE (plugin, digest)
    ) STRICT;
    CREATE TABLE button (id INTEGER PRIMARY KEY AUTOINCREMENT, token TEXT NOT NULL UNIQUE, command TEXT NOT NULL) STRICT;
";

/// The rollout state of each plugin (`standing`), and the answers to its capability requests.
const DECISIONS: &str = "
    CREATE TABLE standing (plugin TEXT PRIMARY KEY, record TEXT NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE grant_answer (
        plugin TEXT NOT NULL, capabilities TEXT NOT NULL, granted INTEGER NOT NULL, who TEXT NOT NULL, at INTEGER NOT NULL,
        PRIMARY KEY (plugin, capabilities)
    ) STRICT, WITHOUT ROWID;
";

/// For each plugin job, the time up to which its runs were started or skipped.
const JOBS: &str = "
    CREATE TABLE job (
        plugin TEXT NOT NULL, name TEXT NOT NULL, cron TEXT NOT NULL, until INTEGER NOT NULL, PRIMARY KEY (plugin, name)
    ) STRICT, WITHOUT ROWID;
";

/// The plugin of each button. Existing buttons are not assigned a plugin; those that run `/plugins` or send text that
/// isn't a command are deleted.
const BUTTON_PLUGINS: &str = "
    ALTER TABLE button ADD COLUMN plugin TEXT;
    DELETE FROM button WHERE command LIKE '/plugins%' OR command NOT LIKE '/%';
";

/// The users who have written in each place. An unknown user ('') is added to each existing place that has an active
/// session, because at least one user has written there.
const MET: &str = "
    CREATE TABLE met (place TEXT NOT NULL, person TEXT NOT NULL, PRIMARY KEY (place, person)) STRICT, WITHOUT ROWID;
    INSERT INTO met (place, person) SELECT place, '' FROM place;
";

/// The active session of each place and person. In a group without topics, each person has their own active session;
/// elsewhere, one session is active for everybody (''). Older versions of the host stored one session per place; in a
/// group without topics, that session stays active only for its owner.
const ACTIVE: &str = "
    CREATE TABLE active (
        place TEXT NOT NULL, person TEXT NOT NULL, session TEXT NOT NULL, PRIMARY KEY (place, person)
    ) STRICT, WITHOUT ROWID;
    INSERT INTO active (place, person, session)
        SELECT place, iif(place ->> '$.chat' LIKE '-%' AND place ->> '$.topic' IS NULL, owner, ''), session
        FROM place JOIN session ON name = session;
    DROP TABLE place;
    CREATE INDEX active_session ON active (session);
";

/// Chats whose id has changed. All places use `home`, the original id.
const MOVED: &str = "
    CREATE TABLE moved (
        front_end TEXT NOT NULL, chat TEXT NOT NULL, home TEXT NOT NULL, PRIMARY KEY (front_end, chat)
    ) STRICT, WITHOUT ROWID;
";

/// The part of the answer that a streamed message shows.
const LIVE_TEXT: &str = "ALTER TABLE live ADD COLUMN text TEXT;";

/// The session and the post (`keyboard`) of each button, and the posts with buttons. Existing buttons could act on the
/// wrong session, so they are deleted.
const KEYBOARDS: &str = "
    ALTER TABLE button ADD COLUMN session TEXT;
    ALTER TABLE button ADD COLUMN keyboard INTEGER;
    DELETE FROM button;
    CREATE TABLE keyboard (
        id INTEGER PRIMARY KEY, place TEXT NOT NULL, request TEXT, reply TEXT NOT NULL, messages TEXT NOT NULL DEFAULT '[]',
        outcome TEXT
    ) STRICT;
    CREATE INDEX keyboard_open ON keyboard (request) WHERE outcome IS NULL;
";

/// The places that the host can't write to.
const UNREACHABLE: &str = "CREATE TABLE unreachable (place TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;";

/// Decisions about agents' requests.
const AUDIT: &str = "
    CREATE TABLE audit (
        id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, session TEXT NOT NULL, record TEXT NOT NULL
    ) STRICT;
    CREATE INDEX audit_session ON audit (session);
";

/// The agent usage of each finished turn.
const USAGE: &str = "
    CREATE TABLE usage (
        id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, session TEXT NOT NULL, persona TEXT, agent TEXT NOT NULL,
        model TEXT, cost_usd REAL, input INTEGER NOT NULL, output INTEGER NOT NULL, cache_read INTEGER NOT NULL,
        cache_write INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX usage_at ON usage (at);
";

/// The view modes that people have chosen for the answers to their own prompts.
const OWN_MODES: &str = "
    CREATE TABLE own_mode (person TEXT PRIMARY KEY, mode TEXT NOT NULL) STRICT, WITHOUT ROWID;
";

/// The topics that the bot creates, by the id of the session.
const TOPICS: &str = "
    CREATE TABLE topic (session TEXT PRIMARY KEY, record TEXT NOT NULL) STRICT, WITHOUT ROWID;
";

/// The people who were granted access in the chat or by pairing, the last known names of everyone who has written in a
/// place, and the number of calls to each command.
const ACCESS: &str = "
    CREATE TABLE access (
        person INTEGER PRIMARY KEY, role TEXT NOT NULL CHECK (role IN ('owner', 'admin', 'member')), name TEXT,
        since INTEGER NOT NULL
    ) STRICT;
    CREATE UNIQUE INDEX access_owner ON access (role) WHERE role = 'owner';
    ALTER TABLE met ADD COLUMN name TEXT;
    CREATE TABLE command_use (command TEXT PRIMARY KEY, uses INTEGER NOT NULL) STRICT, WITHOUT ROWID;
";

/// Messages that were sent to agents and whose text is still stored.
const ANSWERED: &str = "CREATE INDEX inbox_answered ON inbox (id) WHERE state = 'done' AND record <> '';";

/// The time at which each post was stored, the reason why a place is unreachable, and the log of failed and degraded
/// deliveries.
const DELIVERY_LOG: &str = "
    ALTER TABLE outbox ADD COLUMN stored INTEGER;
    ALTER TABLE unreachable ADD COLUMN why TEXT;
    CREATE TABLE delivery_log (id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, record TEXT NOT NULL) STRICT;
";

/// The people who have access only in one chat. `place` has no topic.
const CHAT_ACCESS: &str = "
    CREATE TABLE chat_access (
        place TEXT NOT NULL, person INTEGER NOT NULL, name TEXT, since INTEGER NOT NULL, PRIMARY KEY (place, person)
    ) STRICT, WITHOUT ROWID;
";

/// The locale of the last user who wrote in each place, as the chat app reports it.
const PLACE_LOCALES: &str = "
    CREATE TABLE place_locale (place TEXT PRIMARY KEY, locale TEXT NOT NULL) STRICT, WITHOUT ROWID;
";

/// The schema version that this version of the program reads and writes.
pub(super) const VERSION: i64 = MIGRATIONS.len() as i64;

pub(super) fn version(db: &Connection) -> Result<i64, WorkError> {
    Ok(db.pragma_query_value(None, "user_version", |row| row.get(0))?)
}

/// Rejects a database that was written by a newer version of the program.
pub(super) fn check_known(found: i64, state: &Path) -> Result<(), OpenError> {
    if found > VERSION {
        return Err(OpenError::Newer { path: state.to_owned(), found, known: VERSION });
    }
    Ok(())
}

/// Applies the missing migrations in one transaction, so that no other process reads an intermediate schema.
pub(super) fn migrate(db: &mut Connection, found: i64) -> Result<(), WorkError> {
    let tx = db.transaction()?;
    for (_, migration) in (0..VERSION).zip(MIGRATIONS).filter(|(at, _)| *at >= found) {
        tx.execute_batch(migration)?;
    }
    tx.pragma_update(None, "user_version", VERSION)?;
    tx.commit()?;
    Ok(())
}

/// Creates the tables of schema `version` in an empty database.
pub(super) fn create(db: &Connection, version: i64) -> Result<(), WorkError> {
    for (_, migration) in (0..version).zip(MIGRATIONS) {
        db.execute_batch(migration)?;
    }
    Ok(db.pragma_update(None, "user_version", version)?)
}

/// Determines a database's schema version from its tables, for a database whose version number is unreadable. Returns
/// the current version if no schema has exactly these tables.
pub(super) fn infer_version(db: &Connection) -> Result<i64, WorkError> {
    let found = statements(db)?;
    for version in (1..VERSION).rev() {
        let example = Connection::open_in_memory()?;
        create(&example, version)?;
        if statements(&example)? == found {
            return Ok(version);
        }
    }
    Ok(VERSION)
}

fn statements(db: &Connection) -> Result<Vec<String>, WorkError> {
    read_all(db, "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name", [], |row| Ok(row.get(0)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn migration_assigns_groups_to_the_session_owner() {
        let mut db = Connection::open_in_memory().expect("a new database");
        MIGRATIONS[..5].iter().for_each(|migration| db.execute_batch(migration).expect("a valid migration"));
        db.execute("INSERT INTO session (name, owner, archived, record) VALUES ('alpha', 'telegram:7', 0, '')", ())
            .expect("it fits");
        for place in [
            r#"{"front_end":"telegram","chat":"-100"}"#,
            r#"{"front_end":"telegram","chat":"-100","topic":"5"}"#,
            r#"{"front_end":"telegram","chat":"7"}"#,
        ] {
            db.execute("INSERT INTO place (place, session) VALUES (?, 'alpha')", [place]).expect("it fits");
        }
        migrate(&mut db, 5).expect("it can be migrated");
        let mut people = db.prepare("SELECT person FROM active ORDER BY place").expect("valid input");
        let people = people.query_map([], |row| row.get(0)).expect("it is read");
        assert_eq!(people.map(|row| row.expect("it is read")).collect::<Vec<String>>(), ["", "telegram:7", ""]);
    }

    #[test]
    fn migration_drops_buttons_and_keeps_places() {
        let mut db = Connection::open_in_memory().expect("a new database");
        MIGRATIONS[..3].iter().for_each(|migration| db.execute_batch(migration).expect("a valid migration"));
        for (at, command) in ["/retry alpha", "/plugins grant x 0", "plain words"].iter().enumerate() {
            db.execute("INSERT INTO button (token, command) VALUES (?, ?)", (at.to_string(), command))
                .expect("it fits");
        }
        db.execute("INSERT INTO place (place, session) VALUES ('here', 'alpha')", ()).expect("it fits");
        migrate(&mut db, 3).expect("it can be migrated");
        let left: i64 = db.query_row("SELECT count(*) FROM button", (), |row| row.get(0)).expect("it is read");
        assert_eq!(left, 0, "a button with only a command would apply to any request");
        let met = db.query_row("SELECT place, person FROM met", (), |row| Ok((row.get(0)?, row.get(1)?)));
        assert_eq!(met.expect("there is one"), ("here".to_owned(), String::new()));
    }

    #[test]
    fn migration_adds_the_tables_of_turns_and_own_modes() {
        let mut db = Connection::open_in_memory().expect("a new database");
        MIGRATIONS[..11].iter().for_each(|migration| db.execute_batch(migration).expect("a valid migration"));
        migrate(&mut db, 11).expect("it can be migrated");
        let turns: i64 = db.query_row("SELECT count(*) FROM usage", (), |row| row.get(0)).expect("it is read");
        let modes: i64 = db.query_row("SELECT count(*) FROM own_mode", (), |row| row.get(0)).expect("it is read");
        assert_eq!((turns, modes, version(&db).expect("it is read")), (0, 0, VERSION));
    }

    #[test]
    fn migration_adds_the_table_of_topics_and_keeps_sessions() {
        let mut db = Connection::open_in_memory().expect("a new database");
        MIGRATIONS[..13].iter().for_each(|migration| db.execute_batch(migration).expect("a valid migration"));
        db.execute("INSERT INTO session (name, owner, archived, record) VALUES ('alpha', 'telegram:7', 0, '')", ())
            .expect("it fits");
        migrate(&mut db, 13).expect("it can be migrated");
        let count = |table: &str| -> i64 {
            db.query_row(&format!("SELECT count(*) FROM {table}"), (), |row| row.get(0)).expect("it is read")
        };
        assert_eq!((count("topic"), count("session"), version(&db).expect("it is read")), (0, 1, VERSION));
    }

    #[test]
    fn migration_adds_access_and_keeps_chat_members() {
        let mut db = Connection::open_in_memory().expect("a new database");
        MIGRATIONS[..14].iter().for_each(|migration| db.execute_batch(migration).expect("a valid migration"));
        db.execute("INSERT INTO met (place, person) VALUES ('here', 'telegram:7')", ()).expect("it fits");
        migrate(&mut db, 14).expect("it can be migrated");
        let met = db.query_row("SELECT person, name FROM met", (), |row| Ok((row.get(0)?, row.get(1)?)));
        assert_eq!(met.expect("there is one"), ("telegram:7".to_owned(), None::<String>));
        let add = |person: i64, role: &str| {
            db.execute("INSERT INTO access (person, role, since) VALUES (?, ?, 0)", (person, role))
        };
        assert!(add(1, "owner").is_ok() && add(2, "admin").is_ok() && add(3, "admin").is_ok());
        assert!(add(4, "owner").is_err(), "there is one owner");
        assert!(add(5, "boss").is_err());
    }

    #[test]
    fn migration_keeps_posts_and_unreachable_places() {
        let mut db = Connection::open_in_memory().expect("a new database");
        MIGRATIONS[..16].iter().for_each(|migration| db.execute_batch(migration).expect("a valid migration"));
        db.execute("INSERT INTO outbox (place, reply, delivery) VALUES ('here', '', '')", ()).expect("it fits");
        db.execute("INSERT INTO unreachable (place) VALUES ('here')", ()).expect("it fits");
        migrate(&mut db, 16).expect("it can be migrated");
        let sql = "SELECT stored, why FROM outbox JOIN unreachable USING (place)";
        let kept = db.query_row(sql, (), |row| Ok((row.get(0)?, row.get(1)?)));
        assert_eq!(kept.expect("there is one"), (None::<i64>, None::<String>));
        let logged: i64 = db.query_row("SELECT count(*) FROM delivery_log", (), |row| row.get(0)).expect("it is read");
        assert_eq!(logged, 0);
    }

    #[test]
    fn migration_adds_chat_access_and_keeps_people() {
        let mut db = Connection::open_in_memory().expect("a new database");
        MIGRATIONS[..17].iter().for_each(|migration| db.execute_batch(migration).expect("a valid migration"));
        db.execute("INSERT INTO access (person, role, since) VALUES (7, 'admin', 0)", ()).expect("it fits");
        migrate(&mut db, 17).expect("it can be migrated");
        let kept: String = db.query_row("SELECT role FROM access", (), |row| row.get(0)).expect("it is read");
        assert_eq!((kept.as_str(), version(&db).expect("it is read")), ("admin", VERSION));
        let add = || db.execute("INSERT INTO chat_access (place, person, since) VALUES ('here', 7, 0)", ());
        assert!(add().is_ok());
        assert!(add().is_err(), "a person has one entry for each chat");
    }

    #[test]
    fn migration_adds_the_locales_of_places() {
        let mut db = Connection::open_in_memory().expect("a new database");
        MIGRATIONS[..18].iter().for_each(|migration| db.execute_batch(migration).expect("a valid migration"));
        db.execute("INSERT INTO met (place, person) VALUES ('here', 'telegram:7')", ()).expect("it fits");
        migrate(&mut db, 18).expect("it can be migrated");
        let count = |table: &str| -> i64 {
            db.query_row(&format!("SELECT count(*) FROM {table}"), (), |row| row.get(0)).expect("it is read")
        };
        assert_eq!((count("place_locale"), count("met"), version(&db).expect("it is read")), (0, 1, VERSION));
    }
}
