//! Notifies systemd of the host's state and pings its watchdog. Does nothing if systemd didn't start this process.

use std::time::Duration;

use sd_notify::NotifyState;
use tokio::time::{Interval, MissedTickBehavior, interval};

/// The connection to systemd.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServiceManager {
    is_present: bool,
    /// The watchdog timeout: systemd restarts the host if it receives no ping for this long.
    watchdog: Option<Duration>,
}

impl ServiceManager {
    /// Detects systemd by the environment variables that it sets for services of type `notify`.
    #[must_use]
    pub fn detect() -> Self {
        Self { is_present: std::env::var_os("NOTIFY_SOCKET").is_some(), watchdog: sd_notify::watchdog_enabled() }
    }

    /// Returns a service manager that does nothing, for a process that systemd didn't start.
    #[must_use]
    pub const fn absent() -> Self {
        Self { is_present: false, watchdog: None }
    }

    #[must_use]
    pub const fn is_present(self) -> bool {
        self.is_present
    }

    /// Reports that the host accepts messages, or that a reload has begun to apply the changed files.
    pub fn notify_ready(self) {
        self.notify(&[NotifyState::Ready]);
    }

    /// Reports that the host is reloading. `systemctl reload` waits until [`Self::notify_ready`] is called.
    pub fn notify_reloading(self) {
        // systemd ignores RELOADING=1 without MONOTONIC_USEC.
        if let Ok(now) = NotifyState::monotonic_usec_now() {
            self.notify(&[NotifyState::Reloading, now]);
        }
    }

    pub fn notify_stopping(self) {
        self.notify(&[NotifyState::Stopping]);
    }

    fn notify(self, state: &[NotifyState<'_>]) {
        if !self.is_present {
            return;
        }
        if let Err(error) = sd_notify::notify(state) {
            tracing::warn!(%error, "failed to notify systemd");
        }
    }

    #[must_use]
    pub fn watchdog(self) -> Watchdog {
        let interval = self.watchdog.map(|limit| {
            // Half of the limit, as systemd recommends. A zero interval would panic.
            let mut interval = interval((limit / 2).max(Duration::from_millis(1)));
            interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
            interval
        });
        Watchdog { service_manager: self, interval }
    }
}

/// Pings systemd's watchdog as long as a loop calls [`Self::ping`], so that systemd restarts the host if the loop is
/// stuck.
#[derive(Debug)]
pub struct Watchdog {
    service_manager: ServiceManager,
    interval: Option<Interval>,
}

impl Watchdog {
    /// Waits until the next ping is due, and sends it. Never returns without a watchdog. Cancel safe.
    pub async fn ping(&mut self) {
        match &mut self.interval {
            Some(interval) => {
                interval.tick().await;
                self.service_manager.notify(&[NotifyState::Watchdog]);
            }
            None => std::future::pending().await,
        }
    }
}
