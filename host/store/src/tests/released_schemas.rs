//! Opens databases of all earlier schema versions. `schemas/NN.sql` is a dump of a database with schema version NN. The
//! database was migrated from version 1, and rows were added at each version. Never change a dump; add one with each
//! migration.

use super::*;

const SESSION: &str = "alpha";

/// Creates a state directory whose database has this schema version.
pub fn state_with_schema(version: i64) -> State {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("src/tests/schemas/{version:02}.sql"));
    let dump = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let state = State::new();
    let db = Connection::open(state_directory::database(state.path())).unwrap();
    db.execute_batch(&dump).unwrap();
    assert_eq!(schema::version(&db).unwrap(), version);
    state
}

fn statements(db: &Connection) -> Vec<String> {
    let sql = "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' ORDER BY name";
    rows::read_all(db, sql, [], |row| Ok(row.get(0)?)).unwrap()
}

#[tokio::test]
async fn each_released_schema_is_migrated_with_its_rows() {
    let current = Connection::open_in_memory().unwrap();
    schema::create(&current, schema::VERSION).unwrap();
    for version in 1..=schema::VERSION {
        let state = state_with_schema(version);
        let (store, contents) = state.open();
        check(&contents, version);
        assert_eq!(store.version("echo", "d1").await.unwrap().as_deref(), Some(b"\0asm".as_slice()), "{version}");
        assert_eq!(store.offset("telegram").await.unwrap(), Some(1001), "{version}");
        store.create_session(&record("gamma")).await.unwrap();
        let new = store.accept(vec![update("1001")], None).await.unwrap();
        assert_eq!(new[0].id.0, 7, "{version}: ids aren't used again");
        assert_eq!(state.after(store).await.sessions.len(), 3, "{version}");
        let db = Connection::open(state_directory::database(state.path())).unwrap();
        assert_eq!(statements(&db), statements(&current), "{version}");
        assert_eq!(integrity::find_damage(&db).unwrap(), None, "{version}");
    }
}

/// Checks the rows that a host reads when it starts.
fn check(contents: &StoreSnapshot, version: i64) {
    assert_eq!(contents.host_id, "host-1", "{version}");
    assert_eq!(contents.damage, [], "{version}");
    let sessions: Vec<_> = contents.sessions.iter().map(|record| (record.name.as_str(), record.archived)).collect();
    assert_eq!(sessions, [(SESSION, false), ("beta", true)], "{version}");
    // In a group without topics, the session is active only for its owner.
    let active: Vec<_> = contents
        .active
        .iter()
        .map(|(scope, session)| (&*scope.place.chat, scope.person.is_some(), session.as_str()))
        .collect();
    assert_eq!(active, [("-100", true, SESSION), ("42", false, SESSION)], "{version}");
    let inbox: Vec<_> = contents.inbox.iter().map(|row| (row.id.0, row.state.clone())).collect();
    assert_eq!(inbox, [(5, InboxState::Queued { session: name(SESSION) }), (6, InboxState::New)], "{version}");
    let [post] = &contents.outbox[..] else { panic!("{version}: {:?}", contents.outbox) };
    assert_eq!((&*post.reply.text, post.state.shown), ("an unsent answer", 1), "{version}");
    assert_eq!(contents.decisions.rollout_states.len(), usize::from(version >= 2), "{version}");
    assert_eq!(contents.decisions.grant_answers.len(), usize::from(version >= 2), "{version}");
    assert_eq!(contents.unreachable.len(), usize::from(version >= 10), "{version}");
    assert_eq!(contents.people.len(), usize::from(version >= 15) + usize::from(version >= 18), "{version}");
    assert_eq!(contents.locales.len(), usize::from(version >= 19), "{version}");
}

#[tokio::test]
async fn a_backup_with_any_released_schema_is_restored() {
    for version in 1..=schema::VERSION {
        let (old, new) = (state_with_schema(version), State::new());
        let backup = old.path().join("backup");
        back_up(old.path(), &backup, &mut |_| {}).unwrap();
        restore(new.path(), &backup, &mut |_| {}).unwrap();
        check(&new.open().1, version);
    }
}
