//! Tests backups, damaged databases, and databases that another process has locked, with real hosts.

use std::{
    fs::{self, File},
    os::unix::fs::PermissionsExt,
};

use rusqlite::Connection;

use super::host::{Ended, Home, QUICK};

/// Runs `cordboard backup` or `cordboard restore` with this home's state directory.
fn run(home: &Home, subcommand: &str, file: &str) -> Ended {
    let state = home.path("state").display().to_string();
    home.once(&[subcommand, file, "--state", &state])
}

#[test]
fn a_backup_of_a_running_host_is_restored() {
    let home = Home::new(QUICK);
    let mut host = home.run();
    host.exchange("/new a", "Session 'a' created.");
    let file = home.path("backup.db");
    // The file's path is relative to the working directory, which is the home folder.
    let ended = run(&home, "backup", "backup.db");
    assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""));
    let metadata = fs::metadata(&file).unwrap();
    assert_eq!(ended.out, format!("Backed up the database to {} ({} bytes).\n", file.display(), metadata.len()));
    assert_eq!(metadata.permissions().mode() & 0o777, 0o600);

    host.exchange("/new b", "Session 'b' created.");
    let ended = run(&home, "restore", "backup.db");
    assert_eq!(ended.code, Some(1));
    assert!(ended.err.contains(&format!("another host uses it (pid {}); stop that host", host.pid())), "{}", ended.err);
    host.exchange("unharmed", "You said: unharmed");
    assert_eq!(host.end().code, Some(0));

    let ended = run(&home, "restore", "backup.db");
    assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""));
    let kept = ended.out.strip_prefix(&format!("Restored the database from {}. ", file.display())).unwrap();
    assert!(kept.contains("The previous database is kept as ") && kept.contains("/cordboard.db.replaced-"), "{kept}");
    let ended = home.talk(&["/session a", "/session b"]);
    assert_eq!(ended.out.lines().next(), Some("Switched to session 'a'."), "{ended:?}");
    assert!(ended.out.contains("'b'") && !ended.out.contains("Switched to session 'b'."), "{ended:?}");
}

#[test]
fn a_backup_replaces_no_file_and_works_without_a_host() {
    let home = Home::new(QUICK);
    let ended = run(&home, "backup", "early.db");
    assert_eq!(ended.code, Some(1));
    assert!(ended.err.contains("it contains no database cordboard.db, so no host has used it"), "{}", ended.err);
    assert!(!home.path("early.db").exists());
    assert_eq!(home.talk(&["/new a"]).code, Some(0));
    assert_eq!(run(&home, "backup", "backup.db").code, Some(0));
    let ended = run(&home, "backup", "backup.db");
    assert_eq!(ended.code, Some(1));
    assert!(ended.err.contains("the file already exists; choose another name, or remove the file"), "{}", ended.err);
}

#[test]
fn a_damaged_database_is_kept_and_the_owner_is_notified() {
    let home = Home::new(QUICK);
    assert_eq!(home.talk(&["/new a", "hello"]).code, Some(0));
    let database = home.path("state/cordboard.db");
    let mut bytes = fs::read(&database).unwrap();
    bytes[..100].fill(0);
    fs::write(&database, &bytes).unwrap();
    let ended = home.ask("sessions", &[]);
    assert!(ended.err.contains("restart the host, which recovers the readable data"), "{}", ended.err);

    let mut host = home.run();
    host.log("the database is damaged; recovering the readable data");
    host.hear("Cordboard's database was damaged: ");
    host.hear("No record was lost.");
    host.hear("The damaged database is kept as ");
    host.exchange("/session a", "Switched to session 'a'.");
    host.exchange("still there?", "You said: still there?");
    assert_eq!(host.end().code, Some(0));
    let kept = fs::read_dir(home.path("state")).unwrap().map(|entry| entry.unwrap().path());
    let kept: Vec<_> = kept.filter(|path| path.to_string_lossy().contains("cordboard.db.damaged-")).collect();
    assert_eq!(kept.len(), 1, "{kept:?}");
    assert!(fs::read(&kept[0]).unwrap() == bytes);
    let ended = home.talk(&["/session a"]);
    assert_eq!((ended.code, ended.out.as_str()), (Some(0), "Switched to session 'a'.\n"), "the notice appears once");
}

#[test]
fn prompts_wait_for_a_process_that_locks_the_database() {
    let home = Home::new(QUICK);
    let mut host = home.run();
    host.exchange("/new a", "Session 'a' created.");
    let other = Connection::open(home.path("state/cordboard.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    host.say("first");
    // The host logs this after a second.
    host.log("another process has locked the database; the host waits for it");
    host.say("second");
    let listed = home.ask("sessions", &[]);
    assert_eq!((listed.code, listed.err.as_str()), (Some(0), ""), "the host still answers");
    other.execute_batch("COMMIT").unwrap();
    host.log("the database is no longer locked");
    host.hear("You said: first");
    host.hear("You said: second");
    assert_eq!(host.end().code, Some(0));
}

#[test]
fn a_truncated_backup_is_refused() {
    let home = Home::new(QUICK);
    assert_eq!(home.talk(&["/new a"]).code, Some(0));
    assert_eq!(run(&home, "backup", "backup.db").code, Some(0));
    File::options().write(true).open(home.path("backup.db")).unwrap().set_len(9000).unwrap();
    let ended = run(&home, "restore", "backup.db");
    assert_eq!(ended.code, Some(1));
    assert!(ended.err.contains("the backup is damaged (") && ended.err.contains("use another backup"), "{}", ended.err);
    assert_eq!(home.talk(&["/session a"]).out, "Switched to session 'a'.\n");
}
