//! Waits while another process, such as a shell or a backup program, has locked the database. SQLite's busy timeout
//! isn't enough, because it doesn't apply to a transaction that reads before it writes.

use std::{
    thread,
    time::{Duration, Instant},
};

/// The maximum time to wait for another process. After this time, requests fail with an error that names the remedy.
pub(super) const MAX_WAIT: Duration = Duration::from_secs(60);

/// The first and the maximum delay between two attempts.
const DELAYS: [Duration; 2] = [Duration::from_millis(1), Duration::from_millis(100)];

/// The time after which the wait is logged.
const LOG_AFTER: Duration = Duration::from_secs(1);

/// Repeats `work` until it succeeds, it fails for a reason other than a lock, or `timeout` has passed. Blocks the
/// thread.
pub(super) fn retry<T, E>(
    timeout: Duration,
    is_locked: impl Fn(&E) -> bool,
    mut work: impl FnMut() -> Result<T, E>,
) -> Result<T, E> {
    let began = Instant::now();
    let [mut delay, max_delay] = DELAYS;
    let mut is_logged = false;
    loop {
        match work() {
            Err(error) if is_locked(&error) && began.elapsed() < timeout => {
                if began.elapsed() > LOG_AFTER && !is_logged {
                    tracing::warn!("another process has locked the database; the host waits for it");
                    is_logged = true;
                }
                thread::sleep(delay);
                delay = (delay * 2).min(max_delay);
            }
            done => {
                if is_logged && done.is_ok() {
                    tracing::info!(waited = ?began.elapsed(), "the database is no longer locked");
                }
                return done;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_waited_for_until_the_timeout() {
        let mut attempts = 0;
        let done = retry(
            MAX_WAIT,
            |_| true,
            || {
                attempts += 1;
                if attempts < 4 { Err(()) } else { Ok(attempts) }
            },
        );
        assert_eq!(done, Ok(4));
        let mut attempts = 0;
        let failed: Result<(), i32> = retry(
            DELAYS[0] * 3,
            |_| true,
            || {
                attempts += 1;
                Err(attempts)
            },
        );
        assert!(failed.is_err_and(|attempts| attempts > 1));
    }

    #[test]
    fn other_errors_are_not_retried() {
        let mut attempts = 0;
        let failed: Result<(), i32> = retry(
            MAX_WAIT,
            |_| false,
            || {
                attempts += 1;
                Err(attempts)
            },
        );
        assert_eq!(failed, Err(1));
    }
}
