//! Tests which state directories are rejected, and that each error states the path and the remedy.

use std::fs::{self, Permissions};

use super::*;

fn open_error(state: &Path) -> String {
    format!("failed to {}", open(state).expect_err("it is rejected"))
}

#[tokio::test]
async fn a_state_directory_is_created_private() {
    let state = State::new();
    let inner = state.path().join("a/b");
    let (store, _) = open(&inner).unwrap();
    store.create_session(&record("alpha")).await.unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&inner), 0o700);
    for file in ["lock", "cordboard.db", "cordboard.db-wal", "cordboard.db-shm"] {
        assert_eq!(mode(&inner.join(file)), 0o600, "{file}");
    }
}

#[test]
fn a_state_directory_writable_by_others_is_refused() {
    let state = State::new();
    for mode in [0o770, 0o702, 0o777] {
        fs::set_permissions(state.path(), Permissions::from_mode(mode)).unwrap();
        let path = state.path().display();
        assert_eq!(
            open_error(state.path()),
            format!(
                "failed to use state directory {path}: other users may write to it (mode {mode:03o}); run `chmod go-w {path}`"
            )
        );
    }
    fs::set_permissions(state.path(), Permissions::from_mode(0o755)).unwrap();
    open(state.path()).unwrap();
}

#[test]
fn an_unwritable_state_directory_is_refused() {
    // Not even root can create a file in this directory.
    let kernel = Path::new("/sys/kernel");
    assert!(kernel.is_dir(), "the test needs sysfs");
    let text = open_error(kernel);
    assert!(text.starts_with("failed to use state directory /sys/kernel: user "), "{text}");
    assert!(text.ends_with("; change its owner, or choose another directory with --state"), "{text}");
    assert!(text.contains(" cannot write to it ("), "{text}");
}

#[test]
fn a_file_as_state_directory_is_refused() {
    let state = State::new();
    let file = state.path().join("file");
    fs::write(&file, "").unwrap();
    for path in [file.clone(), file.join("below")] {
        let text = open_error(&path);
        assert!(text.contains("(it is not a directory)"), "{text}");
    }
}

#[tokio::test]
async fn a_second_host_is_refused() {
    let state = State::new();
    let (store, _) = state.open();
    let (path, pid) = (state.path().display(), std::process::id());
    assert_eq!(
        open_error(state.path()),
        format!(
            "failed to use state directory {path}: another host uses it (pid {pid}); stop that host, or choose another directory with --state"
        )
    );
    store.close().await;
    let (store, _) = state.open();
    store.close().await;
}

#[tokio::test]
async fn a_newer_schema_is_refused() {
    let state = State::new();
    state.open().0.close().await;
    let db = Connection::open(state_directory::database(state.path())).unwrap();
    db.pragma_update(None, "user_version", 99).unwrap();
    drop(db);
    let text = format!(
        "failed to use state directory {}: it was written by a newer Cordboard (schema 99; this version supports up to {}); install the \
         newer version, or choose another directory with --state",
        state.path().display(),
        schema::VERSION
    );
    assert_eq!(open_error(state.path()), text);
    assert_eq!(format!("failed to {}", read_only(state.path()).unwrap_err()), text);
}

#[test]
fn a_reader_names_a_damaged_file() {
    let state = State::new();
    fs::write(
        state_directory::database(state.path()),
        "no database at all, but long enough to have a header".repeat(20),
    )
    .unwrap();
    let text = format!("failed to {}", read_only(state.path()).unwrap_err());
    let file = state_directory::database(state.path());
    assert!(
        text.starts_with(&format!("failed to read the store in {}: the file is damaged (", file.display())),
        "{text}"
    );
    assert!(
        text.contains("restart the host, which recovers the readable data, or stop the host and restore"),
        "{text}"
    );
}

#[tokio::test]
async fn a_damaged_record_is_refused_and_not_dropped() {
    let state = State::new();
    let (store, _) = state.open();
    store.create_session(&record("alpha")).await.unwrap();
    store.run(String::new(), |db| Ok(db.execute("UPDATE session SET record = '{'", [])?)).await.unwrap();
    store.close().await;
    let error = open(state.path()).unwrap_err();
    assert!(matches!(error, OpenError::Store(StoreError::InvalidRecord { .. })), "{error}");
}

#[tokio::test]
async fn reading_works_with_and_without_a_running_host() {
    let state = State::new();
    let nothing = state.path().join("none");
    assert_eq!(read_only(&nothing).unwrap(), StoreSnapshot::default());
    assert!(!nothing.exists(), "reading creates nothing");
    let (store, _) = state.open();
    store.create_session(&record("alpha")).await.unwrap();
    let while_running = read_only(state.path()).unwrap();
    assert_eq!(while_running.sessions, [record("alpha")]);
    store.create_session(&record("beta")).await.unwrap();
    store.close().await;
    assert_eq!(read_only(state.path()).unwrap().sessions, [record("alpha"), record("beta")]);
    let (_store, contents) = state.open();
    assert_eq!(contents.host_id, while_running.host_id);
}

#[tokio::test]
async fn a_reader_refuses_an_empty_database_with_sessions() {
    let state = State::new();
    fs::create_dir_all(state.path().join("sessions/alpha")).unwrap();
    fs::write(state.path().join("cordboard.db"), "").unwrap();
    let text = read_only(state.path()).unwrap_err().to_string();
    assert!(text.contains("cordboard.db is empty, but sessions/ contains 1 session folder,"), "{text}");
    assert!(text.contains("restore a backup with `cordboard restore`, or start the host without sessions"), "{text}");
    let (store, contents) = state.open();
    assert_eq!(contents.damage.len(), 1, "the host starts, and notifies its owner");
    store.clear_damage();
    store.close().await;
    assert_eq!(read_only(state.path()).unwrap().sessions, []);
    fs::remove_file(state.path().join("cordboard.db")).unwrap();
    assert_eq!(state.open().1.damage, [], "the file was removed on purpose");
}
