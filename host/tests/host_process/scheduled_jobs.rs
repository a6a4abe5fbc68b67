//! Tests scheduled jobs: after downtime, a job runs once for all missed runs, and an invalid schedule is rejected.

use std::time::{SystemTime, UNIX_EPOCH};

use cordboard_core::types::Timestamp;
use rusqlite::{Connection, OpenFlags};

use super::support::{Home, until};

/// Returns the configuration of an hourly job. The job's minute is at least six minutes from now in every time zone,
/// because all UTC offsets are multiples of 15 minutes.
fn hourly() -> String {
    let minute = (now() / 60_000 + 37) % 60;
    format!("[plugins.scheduled_jobs.config.jobs]\nhourly = \"{minute} * * * *\"\n")
}

const HOUR: u64 = 3_600_000;

fn now() -> u64 {
    u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

/// Stores `at` as the job's last run, as if the host had been down since then.
fn down_since(home: &Home, at: u64) {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
        let (store, _) = cordboard_store::open(&home.state()).unwrap();
        store.begin_job("scheduled_jobs", "hourly", Timestamp(at)).await.unwrap();
        store.close().await;
    });
}

/// Returns whether the host has stored the job, which it does when it checks for missed runs.
fn is_taken_up(home: &Home) -> bool {
    let db = Connection::open_with_flags(home.state().join("cordboard.db"), OpenFlags::SQLITE_OPEN_READ_ONLY);
    let jobs = db.and_then(|db| db.query_row("SELECT count(*) FROM job", [], |row| row.get(0)));
    jobs.is_ok_and(|jobs: i64| jobs > 0)
}

#[test]
fn missed_runs_are_made_up_once_after_the_start() {
    let home = Home::with(&hourly());
    home.plug("scheduled_jobs", "scheduled_jobs");
    let mut host = home.start();
    until("the job is scheduled", || is_taken_up(&home));
    host.ask("/new a", "Session 'a' created.");
    host.close_input();
    host.wait();
    assert!(!host.rest().1.contains("ran hourly"), "a new job has missed nothing");
    down_since(&home, now() - 5 * HOUR);
    let mut host = home.start();
    let line = host.expect_logged("ran hourly at ");
    assert!(line.contains("missed 4"), "{line}");
    host.ask("/new b", "Session 'b' created.");
    assert_eq!(host.log().matches("ran hourly").count(), 1);
    host.close_input();
    host.wait();
    let mut host = home.start();
    host.ask("/new c", "Session 'c' created.");
    assert!(!host.log().contains("ran hourly"), "{}", host.log());
}

#[test]
fn an_invalid_schedule_is_refused_and_the_old_one_kept() {
    let home = Home::with(&hourly());
    home.plug("scheduled_jobs", "scheduled_jobs");
    let mut host = home.start();
    host.ask("/new a", "Session 'a' created.");
    home.configure("[plugins.scheduled_jobs.config.jobs]\nhourly = \"60 * * * *\"\n");
    host.expect("its job 'hourly' has the invalid schedule \"60 * * * *\": '60' is not a valid minute");
    let rows = home.plugins();
    let row = rows.as_array().unwrap().iter().find(|row| row["name"] == "scheduled_jobs").unwrap();
    assert_eq!(row["generation"], 1, "{row}");
}
