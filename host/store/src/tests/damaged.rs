//! Damages databases in many ways, and tests that the host starts with everything that can be read.

use std::{
    fs::{self, File},
    io::{Read as _, Seek as _, SeekFrom, Write as _},
};

use cordboard_core::{
    access_entries::{StoredChange, StoredPerson},
    database_damage::{DatabaseDamage, LostRecords, RecordKind},
};

use super::{backups::copy_as_killed, released_schemas::state_with_schema, *};

const SESSIONS: usize = 300;
const MESSAGES: usize = 400;
const PAGE: u64 = 4096;

fn database(state: &State) -> PathBuf {
    state.path().join("cordboard.db")
}

/// Returns a state directory with enough rows for several pages in each of the important tables.
async fn populated_state() -> State {
    let state = State::new();
    let (store, _) = state.open();
    for number in 0..SESSIONS {
        store.create_session(&record(&format!("s{number:03}"))).await.unwrap();
    }
    let updates = (0..MESSAGES).map(|number| update(&format!("{number}"))).collect();
    store.accept(updates, Some(("telegram".to_owned(), 77))).await.unwrap();
    store.finish(Vec::new(), (0..50).map(|number| post(&format!("post {number}"))).collect()).await.unwrap();
    store.close().await;
    state
}

/// Returns the numbers of the leaf pages of a table or an index, in the order of their keys.
fn leaf_pages(state: &State, table: &str) -> Vec<u64> {
    pages(state, table, "leaf")
}

fn pages(state: &State, table: &str, kind: &str) -> Vec<u64> {
    let db = Connection::open(database(state)).unwrap();
    let sql = "SELECT pageno FROM dbstat WHERE name = ? AND pagetype = ? ORDER BY path";
    let pages: Vec<i64> = rows::read_all(&db, sql, [table, kind], |row| Ok(row.get(0)?)).unwrap();
    pages.into_iter().map(i64::unsigned_abs).collect()
}

fn overwrite(file: &Path, at: u64, bytes: &[u8]) {
    let mut file = File::options().write(true).open(file).unwrap();
    file.seek(SeekFrom::Start(at)).unwrap();
    file.write_all(bytes).unwrap();
}

/// Fills a page with a byte that is invalid at every position of a page.
fn destroy_page(state: &State, page: u64) {
    overwrite(&database(state), (page - 1) * PAGE, &[0xa5; PAGE as usize]);
}

/// Replaces every occurrence of a text in the database file by one of the same length.
fn replace(state: &State, old: &str, new: &str) {
    assert_eq!(old.len(), new.len());
    let bytes = fs::read(database(state)).unwrap();
    let found = bytes.windows(old.len()).enumerate().filter(|(_, bytes)| *bytes == old.as_bytes());
    let found: Vec<usize> = found.map(|(at, _)| at).collect();
    assert!(!found.is_empty(), "the text is stored");
    found.into_iter().for_each(|at| overwrite(&database(state), at as u64, new.as_bytes()));
}

/// Makes the next start check the database, as after a kill.
fn request_check(state: &State) {
    integrity::request_check(&database(state));
}

/// Opens the state directory, and returns the damage that the operators are notified of.
fn open_damaged(state: &State) -> (Store, StoreSnapshot, DatabaseDamage) {
    let (store, mut contents) = state.open();
    let damage = contents.damage.pop().expect("the damage is reported");
    assert_eq!(contents.damage, []);
    (store, contents, damage)
}

fn lost_records(damage: &DatabaseDamage) -> &[LostRecords] {
    let DatabaseDamage::Database { lost, .. } = damage else { panic!("{damage:?}") };
    lost
}

fn lost(kind: RecordKind, count: Option<u64>) -> LostRecords {
    LostRecords { kind, count }
}

fn check_counts(contents: &StoreSnapshot, sessions: usize, messages: usize) {
    assert_eq!((contents.sessions.len(), contents.inbox.len(), contents.outbox.len()), (sessions, messages, 50));
}

#[tokio::test]
async fn an_overwritten_header_loses_nothing() {
    let state = populated_state().await;
    overwrite(&database(&state), 0, &[0; 100]);
    let before = fs::read(database(&state)).unwrap();
    let (store, contents, damage) = open_damaged(&state);
    check_counts(&contents, SESSIONS, MESSAGES);
    let DatabaseDamage::Database { kept, recovered, lost, .. } = &damage else { panic!("{damage:?}") };
    assert_eq!((lost.len(), fs::read(kept).unwrap()), (0, before), "{damage:?}");
    assert!(*recovered > (SESSIONS + MESSAGES + 50) as u64, "{recovered}");
    assert_eq!(store.offset("telegram").await.unwrap(), Some(77));
    // The notice stays until the operators have been notified.
    assert_eq!(state.after(store).await.damage, [damage]);
    let (store, _) = state.open();
    store.clear_damage();
    assert_eq!(state.after(store).await.damage, []);
    let own = backups::file_names(state.path());
    assert_eq!(own.len(), 3, "the lock, the database and the damaged one: {own:?}");
}

#[tokio::test]
async fn an_overwritten_header_of_an_older_schema_loses_nothing() {
    for version in [1, 8, 14, 18] {
        let state = state_with_schema(version);
        overwrite(&database(&state), 0, &[0xff; 100]);
        let (_, contents, damage) = open_damaged(&state);
        assert_eq!(lost_records(&damage), [], "{version}");
        assert_eq!((contents.sessions.len(), contents.inbox.len(), contents.active.len()), (2, 2, 2), "{version}");
    }
}

#[tokio::test]
async fn damaged_pages_lose_only_their_own_rows() {
    let state = populated_state().await;
    let pages = leaf_pages(&state, "session");
    assert!(pages.len() > 12, "{pages:?}");
    for page in [pages[3], pages[8], *pages.last().unwrap()] {
        destroy_page(&state, page);
    }
    let (_, contents, damage) = open_damaged(&state);
    assert_eq!(lost_records(&damage), [lost(RecordKind::Sessions, None)]);
    let per_page = SESSIONS / pages.len();
    let found = contents.sessions.len();
    assert!((SESSIONS - 5 * per_page..SESSIONS).contains(&found), "{found} sessions, {per_page} on each page");
    assert!(contents.sessions.iter().any(|session| *session == record("s150")), "rows between two damaged pages");
    check_counts(&contents, found, MESSAGES);
}

#[tokio::test]
async fn lost_rows_are_counted_if_an_index_is_readable() {
    let state = populated_state().await;
    let pages = leaf_pages(&state, "inbox");
    assert!(pages.len() > 8, "{pages:?}");
    destroy_page(&state, pages[2]);
    destroy_page(&state, pages[6]);
    let (store, contents, damage) = open_damaged(&state);
    let found = contents.inbox.len();
    assert!(found > MESSAGES / 2 && found < MESSAGES, "{found}");
    assert_eq!(lost_records(&damage), [lost(RecordKind::ReceivedMessages, Some((MESSAGES - found) as u64))]);
    check_counts(&contents, SESSIONS, found);
    let middle: Vec<i64> = contents.inbox.iter().map(|row| row.id.0).collect();
    assert!(middle.contains(&(MESSAGES as i64 / 4 + 60)), "rows between two damaged pages: {middle:?}");
    // Messages that arrive again are accepted, with new ids.
    let again = store.accept((0..MESSAGES).map(|number| update(&format!("{number}"))).collect(), None).await.unwrap();
    assert_eq!(again.len(), MESSAGES - found);
    assert!(again.iter().all(|row| row.id.0 > MESSAGES as i64));
}

#[tokio::test]
async fn a_damaged_index_loses_nothing() {
    let state = populated_state().await;
    destroy_page(&state, leaf_pages(&state, "sqlite_autoindex_inbox_1")[0]);
    // No row is read through this index at the start.
    state.open().0.close().await;
    request_check(&state);
    let (store, contents, damage) = open_damaged(&state);
    assert_eq!(lost_records(&damage), []);
    check_counts(&contents, SESSIONS, MESSAGES);
    assert_eq!(store.accept(vec![update("0")], None).await.unwrap(), [], "the new index contains the message");
}

#[tokio::test]
async fn damage_found_while_running_is_repaired_at_the_next_start() {
    let state = populated_state().await;
    leaf_pages(&state, "sqlite_autoindex_inbox_2").into_iter().for_each(|page| destroy_page(&state, page));
    let (store, _) = state.open();
    let error = store.accept(vec![update("new")], None).await.unwrap_err();
    assert!(error.to_string().contains("restart the host, which recovers the readable data"), "{error}");
    store.close().await;
    let (store, contents, damage) = open_damaged(&state);
    assert_eq!(lost_records(&damage), []);
    check_counts(&contents, SESSIONS, MESSAGES);
    assert_eq!(store.accept(vec![update("new")], None).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_truncated_file_keeps_the_rows_before_its_end() {
    let state = populated_state().await;
    let length = fs::metadata(database(&state)).unwrap().len();
    File::options().write(true).open(database(&state)).unwrap().set_len(length * 3 / 4 + 100).unwrap();
    let (_, contents, damage) = open_damaged(&state);
    assert!(!lost_records(&damage).is_empty());
    let found = contents.sessions.len() + contents.inbox.len() + contents.outbox.len();
    assert!(found > SESSIONS && found < SESSIONS + MESSAGES + 50, "{found}");
    assert_eq!(contents.sessions[0], record("s000"));
}

#[tokio::test]
async fn a_file_without_a_readable_row_starts_an_empty_database() {
    type Destruction = fn(&Path);
    let destructions: [Destruction; 3] = [
        |file| fs::write(file, "").unwrap(),
        |file| fs::write(file, "not a database, but long enough to be one. ".repeat(500)).unwrap(),
        |file| overwrite(file, 0, &[0xa5; PAGE as usize]),
    ];
    for (number, destruction) in destructions.iter().enumerate() {
        let state = populated_state().await;
        fs::create_dir_all(state.path().join("sessions/s000")).unwrap();
        destruction(&database(&state));
        let before = fs::read(database(&state)).unwrap();
        let (store, contents, damage) = open_damaged(&state);
        assert_eq!((contents.sessions.len(), contents.inbox.len()), (0, 0), "{number}");
        let DatabaseDamage::Database { kept, recovered: 0, lost: all, .. } = damage else { panic!("{damage:?}") };
        assert!(all.contains(&lost(RecordKind::Sessions, None)) && all.len() == 12, "{all:?}");
        assert!(fs::read(kept).unwrap() == before, "{number}");
        store.create_session(&record("alpha")).await.unwrap();
        assert_eq!(state.after(store).await.sessions, [record("alpha")], "{number}");
    }
}

#[tokio::test]
async fn a_damaged_log_keeps_the_changes_before_the_damage() {
    let state = State::new();
    let (store, _) = state.open();
    for number in 0..100 {
        store.create_session(&record(&format!("s{number:03}"))).await.unwrap();
    }
    let dead = copy_as_killed(&state);
    let log = wal::log_path(&database(&dead));
    let length = fs::metadata(&log).unwrap().len();
    overwrite(&log, length / 2, &[0xa5; 500]);
    let before = fs::read(&log).unwrap();
    let (store, contents, damage) = open_damaged(&dead);
    let DatabaseDamage::Log { kept, lost_transactions: Some(lost_transactions) } = &damage else {
        panic!("{damage:?}")
    };
    assert_eq!(contents.sessions.len() + *lost_transactions as usize, 100, "each session was a transaction");
    assert!((20..80).contains(lost_transactions), "{lost_transactions}");
    assert!(fs::read(kept).unwrap() == before);
    store.clear_damage();
    store.create_session(&record("new")).await.unwrap();
    // The damage isn't found again, even if this process is killed, too.
    let (_, contents) = copy_as_killed(&dead).open();
    assert_eq!(contents.damage, []);
}

#[tokio::test]
async fn damage_is_reported_even_after_the_kept_file_was_moved() {
    let state = populated_state().await;
    destroy_page(&state, leaf_pages(&state, "sqlite_autoindex_inbox_1")[0]);
    request_check(&state);
    let (store, _, damage) = open_damaged(&state);
    store.close().await;
    let DatabaseDamage::Database { kept, .. } = &damage else { panic!("{damage:?}") };
    fs::rename(kept, state.path().join("moved")).unwrap();
    assert_eq!(open_damaged(&state).2, damage);
}

#[test]
fn the_list_of_damage_is_replaced_in_one_step() {
    let state = State::new();
    let kept = state.path().join("kept");
    fs::write(&kept, "").unwrap();
    let damage = |lost_transactions| DatabaseDamage::Log { kept: kept.clone(), lost_transactions };
    damage_notice::add(&database(&state), damage(Some(1))).unwrap();
    let mut before = File::open(state.path().join("database-damage.json")).unwrap();
    damage_notice::add(&database(&state), damage(Some(2))).unwrap();
    let mut text = String::new();
    before.read_to_string(&mut text).unwrap();
    assert!(text.contains("\"lost_transactions\":1") && !text.contains("\"lost_transactions\":2"), "{text}");
    assert_eq!(damage_notice::read(state.path()), [damage(Some(1)), damage(Some(2))]);
    assert_eq!(backups::file_names(state.path()), ["database-damage.json", "kept"]);
}

#[tokio::test]
async fn a_log_with_a_damaged_header_is_reported() {
    let state = populated_state().await;
    let (store, _) = state.open();
    store.create_session(&record("alpha")).await.unwrap();
    let dead = copy_as_killed(&state);
    overwrite(&wal::log_path(&database(&dead)), 8, &[0xff; 8]);
    let (_, contents, damage) = open_damaged(&dead);
    assert!(matches!(damage, DatabaseDamage::Log { lost_transactions: None, .. }), "{damage:?}");
    check_counts(&contents, SESSIONS, MESSAGES);
}

#[tokio::test]
async fn the_intact_log_of_a_killed_host_is_not_damage() {
    let state = State::new();
    let (store, _) = state.open();
    let mut sessions = Vec::new();
    for number in 0..300 {
        let session = record(&format!("s{number:03}"));
        store.create_session(&session).await.unwrap();
        sessions.push(session);
        if number % 50 == 0 {
            let (_, contents) = copy_as_killed(&state).open();
            assert_eq!((contents.damage, contents.sessions), (Vec::new(), sessions.clone()));
        }
    }
    // A kill in the middle of a write leaves an incomplete frame.
    let dead = copy_as_killed(&state);
    let log = wal::log_path(&database(&dead));
    File::options().write(true).open(&log).unwrap().set_len(fs::metadata(&log).unwrap().len() - 1000).unwrap();
    let (_, contents) = dead.open();
    assert_eq!(contents.damage, []);
}

#[tokio::test]
async fn damage_after_a_kill_is_found_in_pages_that_the_start_does_not_read() {
    let state = populated_state().await;
    let (store, _) = state.open();
    store.save_version("echo", "d1", &vec![1; 40_000]).await.unwrap();
    // The log is written to the database file at this point.
    store.checkpoint().await.unwrap();
    store.create_session(&record("alpha")).await.unwrap();
    let dead = copy_as_killed(&state);
    let overflow = pages(&state, "generation", "overflow")[0];
    destroy_page(&dead, overflow);
    let (store, contents, damage) = open_damaged(&dead);
    assert_eq!(lost_records(&damage), [lost(RecordKind::PluginVersions, Some(1))]);
    check_counts(&contents, SESSIONS + 1, MESSAGES);
    assert_eq!(store.version("echo", "d1").await.unwrap(), None);
}

#[tokio::test]
async fn rows_with_invalid_contents_are_left_out() {
    let state = populated_state().await;
    let (store, _) = state.open();
    for (id, role) in [(7, Role::Admin), (8, Role::Member)] {
        let person = StoredPerson { id, role, name: Some("Ada".to_owned()), chat: None };
        store.change_access(StoredChange::Save(person)).await.unwrap();
    }
    store.close().await;
    replace(&state, r#"{"name":"s007""#, r#"{"name":"s0~7""#);
    replace(&state, "adminAda", "adm\u{7f}nAda");
    replace(&state, "post 12", "po\"t 12");
    destroy_page(&state, leaf_pages(&state, "sqlite_autoindex_inbox_1")[0]);
    request_check(&state);
    let (_, contents, damage) = open_damaged(&state);
    assert_eq!(
        lost_records(&damage),
        [
            lost(RecordKind::Sessions, Some(1)),
            lost(RecordKind::UnsentMessages, Some(1)),
            lost(RecordKind::Access, Some(1))
        ]
    );
    assert_eq!((contents.sessions.len(), contents.outbox.len()), (SESSIONS - 1, 49));
    assert_eq!(contents.people.iter().map(|person| person.id).collect::<Vec<_>>(), [8]);
}

#[tokio::test]
async fn references_to_a_lost_session_are_removed() {
    let state = State::new();
    let (store, _) = state.open();
    let rows = store.accept(vec![update("1"), update("2")], None).await.unwrap();
    for session in ["alpha", "beta"] {
        store.create_session(&record(session)).await.unwrap();
        store.set_active_session(&ActiveScope::everybody(&place(session)), Some(&name(session))).await.unwrap();
    }
    for (row, session) in rows.iter().zip(["alpha", "beta"]) {
        store.assign(row.id, &name(session), &row.update.what, &row.update).await.unwrap();
    }
    store.close().await;
    replace(&state, r#"{"name":"beta""#, r#"{"name":"be~a""#);
    destroy_page(&state, leaf_pages(&state, "sqlite_autoindex_inbox_1")[0]);
    request_check(&state);
    let (_, contents, damage) = open_damaged(&state);
    assert_eq!(lost_records(&damage), [lost(RecordKind::Sessions, Some(1))]);
    assert_eq!(contents.active, [(ActiveScope::everybody(&place("alpha")), name("alpha"))]);
    let states: Vec<_> = contents.inbox.into_iter().map(|row| row.state).collect();
    assert_eq!(states, [InboxState::Queued { session: name("alpha") }, InboxState::New]);
}

#[tokio::test]
async fn an_interrupted_recovery_is_repeated() {
    let state = populated_state().await;
    destroy_page(&state, leaf_pages(&state, "sqlite_autoindex_inbox_1")[0]);
    // Create the state that a recovery leaves if it is killed after deleting the log and before replacing the database.
    request_check(&state);
    fs::create_dir(state.path().join("new-database-x")).unwrap();
    fs::hard_link(database(&state), state.path().join("cordboard.db.damaged-x")).unwrap();
    let kept = state.path().join("gone");
    let gone = DatabaseDamage::Database { why: String::new(), kept, recovered: 0, lost: Vec::new() };
    damage_notice::add(&database(&state), gone).unwrap();
    let (_, contents, damage) = open_damaged(&state);
    assert_eq!(lost_records(&damage), []);
    check_counts(&contents, SESSIONS, MESSAGES);
    assert!(!state.path().join("new-database-x").exists());
    assert!(!integrity::needs_check(&database(&state)) || wal::log_path(&database(&state)).exists());
}
