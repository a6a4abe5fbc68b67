//! Tests backups and their restoration.

use std::fs;

use super::*;

/// Returns the names of the files in a folder, sorted.
pub fn file_names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn back_up_to(state: &State, file: &Path) -> Result<u64, String> {
    back_up(state.path(), file, &mut |_| {}).map_err(|error| format!("failed to {error}"))
}

fn restore_from(state: &State, file: &Path) -> Result<Option<PathBuf>, String> {
    restore(state.path(), file, &mut |_| {}).map_err(|error| format!("failed to {error}"))
}

/// Copies the database and the log of a running host, as they would be after a `kill -9`.
pub fn copy_as_killed(state: &State) -> State {
    let copy = State::new();
    for file in ["cordboard.db", "cordboard.db-wal"] {
        fs::copy(state.path().join(file), copy.path().join(file)).unwrap();
    }
    copy
}

#[tokio::test]
async fn a_backup_is_private_and_overwrites_no_file() {
    let (state, folder) = (State::new(), tempfile::tempdir().unwrap());
    let (store, _) = state.open();
    store.create_session(&record("alpha")).await.unwrap();
    let file = folder.path().join("backup.db");
    let size = back_up_to(&state, &file).unwrap();
    let metadata = fs::metadata(&file).unwrap();
    assert_eq!((metadata.len(), metadata.permissions().mode() & 0o777), (size, 0o600));
    assert_eq!(file_names(folder.path()), ["backup.db"]);
    fs::write(&file, "precious").unwrap();
    assert_eq!(
        back_up_to(&state, &file).unwrap_err(),
        format!(
            "failed to write the backup {}: the file already exists; choose another name, or remove the file",
            file.display()
        )
    );
    assert_eq!(fs::read(&file).unwrap(), b"precious");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_is_consistent_while_the_host_writes() {
    let (state, folder) = (State::new(), tempfile::tempdir().unwrap());
    let (store, _) = state.open();
    store.create_session(&record("alpha")).await.unwrap();
    // This is large enough for the copy to need several steps.
    store.save_version("big", "digest", &vec![7; 10_000_000]).await.unwrap();
    let (directory, file) = (state.path().to_owned(), folder.path().join("backup.db"));
    let (writer, to) = (store.clone(), file.clone());
    let copied = task::spawn_blocking(move || {
        let runtime = tokio::runtime::Handle::current();
        let mut copied = Vec::new();
        back_up(&directory, &to, &mut |progress| {
            copied.push(progress.copied);
            runtime.block_on(writer.create_session(&record(&format!("later{}", copied.len())))).unwrap();
        })
        .unwrap();
        copied
    });
    let copied = copied.await.unwrap();
    assert!(copied.len() > 2 && copied.is_sorted(), "it is never started again: {copied:?}");
    store.close().await;
    let restored = State::new();
    assert_eq!(restore_from(&restored, &file), Ok(None));
    assert_eq!(restored.open().1.sessions, [record("alpha")]);
    assert_eq!(state.open().1.sessions.len(), 1 + copied.len());
}

#[tokio::test]
async fn a_backup_that_cannot_be_made_creates_no_file() {
    let (state, folder) = (State::new(), tempfile::tempdir().unwrap());
    let file = folder.path().join("backup.db");
    let error = back_up_to(&state, &file).unwrap_err();
    assert!(error.contains("it contains no database cordboard.db"), "{error}");
    state.open().0.close().await;
    let missing = folder.path().join("missing/backup.db");
    let error = back_up_to(&state, &missing).unwrap_err();
    assert!(error.starts_with(&format!("failed to write the backup {}: ", missing.display())), "{error}");
    assert!(error.ends_with("check that its folder exists and that you may write to it"), "{error}");
    let database = state.path().join("cordboard.db");
    let intact = fs::metadata(&database).unwrap().len();
    fs::File::options().write(true).open(&database).unwrap().set_len(intact / 2).unwrap();
    let error = back_up_to(&state, &file).unwrap_err();
    assert!(error.contains("damaged") && error.contains("restart the host"), "{error}");
    assert_eq!(file_names(folder.path()), Vec::<String>::new());
}

#[tokio::test]
async fn a_restored_backup_replaces_the_database_and_keeps_it() {
    let state = State::new();
    let (store, _) = state.open();
    store.create_session(&record("alpha")).await.unwrap();
    let backup = state.path().join("backup.db");
    back_up_to(&state, &backup).unwrap();
    store.create_session(&record("beta")).await.unwrap();
    let error = restore_from(&state, &backup).unwrap_err();
    assert!(error.contains("another host uses it (pid "), "{error}");
    store.close().await;

    let kept = restore_from(&state, &backup).unwrap().unwrap();
    let stamped = kept.file_name().unwrap().to_str().unwrap().strip_prefix("cordboard.db.replaced-").unwrap();
    assert!(stamped.len() == 16 && stamped.ends_with('Z'), "{stamped}");
    let (store, contents) = state.open();
    assert_eq!(contents.sessions, [record("alpha")]);
    store.close().await;
    let again = restore_from(&state, &kept).unwrap().unwrap();
    assert_ne!(again, kept, "a name is used once");
    assert_eq!(state.open().1.sessions, [record("alpha"), record("beta")]);
    let databases: Vec<String> =
        file_names(state.path()).into_iter().filter(|name| name.starts_with("cordboard")).collect();
    assert_eq!(databases.len(), 5, "two kept databases, and the present one with its log: {databases:?}");
}

#[tokio::test]
async fn a_restore_after_a_kill_keeps_the_log_and_does_not_apply_it() {
    let source = State::new();
    let (store, _) = source.open();
    store.create_session(&record("alpha")).await.unwrap();
    let backup = source.path().join("backup.db");
    back_up_to(&source, &backup).unwrap();
    store.create_session(&record("beta")).await.unwrap();
    let state = copy_as_killed(&source);
    let kept = restore_from(&state, &backup).unwrap().unwrap();
    assert_eq!(state.open().1.sessions, [record("alpha")]);
    let other = State::new();
    fs::rename(kept, other.path().join("cordboard.db")).unwrap();
    assert_eq!(other.open().1.sessions, [record("alpha"), record("beta")]);

    // SQLite would delete the log of an empty file.
    let state = copy_as_killed(&source);
    fs::write(state.path().join("cordboard.db"), "").unwrap();
    let kept = restore_from(&state, &backup).unwrap().unwrap();
    assert_eq!(state.open().1.sessions, [record("alpha")]);
    assert_eq!(fs::metadata(&kept).unwrap().len(), 0);
    assert!(fs::read(wal::log_path(&kept)).unwrap() == fs::read(source.path().join("cordboard.db-wal")).unwrap());
}

#[tokio::test]
async fn an_unusable_backup_is_refused_and_changes_nothing() {
    let state = State::new();
    let (store, _) = state.open();
    store.create_session(&record("alpha")).await.unwrap();
    let path = |name: &str| state.path().join(name);
    for name in ["newer", "damaged", "foreign"] {
        back_up_to(&state, &path(name)).unwrap();
    }
    store.close().await;
    let set = |name: &str, sql: &str| Connection::open(path(name)).unwrap().execute_batch(sql).unwrap();
    set("newer", "PRAGMA user_version = 99");
    set("foreign", "DROP TABLE host");
    fs::File::options().write(true).open(path("damaged")).unwrap().set_len(8192).unwrap();
    fs::write(path("text"), "no database, but long enough to have a header ".repeat(20)).unwrap();
    fs::write(path("empty"), "").unwrap();
    let before = fs::read(path("cordboard.db")).unwrap();
    for (name, expected) in [
        ("missing", ": No such file or directory (os error 2); check the path"),
        ("newer", &format!("schema 99; this version supports up to {}); install the newer version", schema::VERSION)),
        ("damaged", "the backup is damaged ("),
        ("foreign", "the file is not a backup of Cordboard; name a file that `cordboard backup` wrote"),
        ("text", "the file is not a backup of Cordboard"),
        ("empty", "the file is not a backup of Cordboard"),
        ("", "the file is not a backup of Cordboard"),
    ] {
        let error = restore_from(&state, &path(name)).unwrap_err();
        assert!(error.contains(expected) && error.contains(&*path(name).to_string_lossy()), "{name}: {error}");
        assert_eq!(fs::read(path("cordboard.db")).unwrap(), before, "{name}");
    }
    assert_eq!(state.open().1.sessions, [record("alpha")]);
    assert!(!file_names(state.path()).iter().any(|file| file.contains("new-database") || file.contains("replaced")));
}
