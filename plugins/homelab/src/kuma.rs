//! Uptime Kuma's monitors, and its description for error messages. Uptime Kuma offers two APIs for reading monitors.
//! Each has its own plugin, because only one of the APIs needs a secret.

use cordboard_plugin::{
    Timestamp,
    text::{ago, escape},
    tr,
};

use crate::{Server, format::Light};

/// A heartbeat older than this is shown with its age: one hour, in milliseconds. The monitor may be paused, and a
/// paused monitor keeps its last state forever.
const STALE_AFTER: Timestamp = 3_600_000;

/// A certificate's expiry is shown if it is at most this many days away.
const CERTIFICATE_WARNING: i64 = 14;

/// The configuration keys that an error names.
#[derive(Debug, Clone, Copy)]
pub struct ServerKeys<'a> {
    pub location: &'a str,
    pub login: &'a str,
}

/// Describes Uptime Kuma at `url` for error messages.
#[must_use]
pub const fn server<'a>(plugin: &'a str, url: &'a str, keys: ServerKeys<'a>, permission_hint: &'a str) -> Server<'a> {
    let ServerKeys { location: location_keys, login: login_keys } = keys;
    let (title, supported) = ("Uptime Kuma", "Uptime Kuma 1.23 to 2");
    Server { title, plugin, url, supported, location_keys, login_keys, permission_hint }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MonitorState {
    Down,
    Up,
    Pending,
    Maintenance,
    /// The monitor has had no heartbeat yet, or reports a number that isn't a known state.
    Unknown,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Monitor {
    pub name: String,
    pub state: MonitorState,
    /// The duration of the last response, in milliseconds.
    pub ping: Option<f64>,
    /// The fraction of the last 24 hours in which the monitor was up, from 0 to 1.
    pub uptime: Option<f64>,
    /// The number of days until the monitored server's certificate expires.
    pub certificate: Option<i64>,
    /// The time of the last heartbeat, if known.
    pub last_beat: Option<Timestamp>,
}

impl MonitorState {
    /// Converts Uptime Kuma's numeric state.
    #[must_use]
    pub const fn of(number: i64) -> Self {
        match number {
            0 => Self::Down,
            1 => Self::Up,
            2 => Self::Pending,
            3 => Self::Maintenance,
            _ => Self::Unknown,
        }
    }

    const fn light(self) -> Light {
        match self {
            Self::Up => Light::Good,
            Self::Down => Light::Bad,
            Self::Pending => Light::Warning,
            Self::Maintenance | Self::Unknown => Light::Inactive,
        }
    }
}

/// Formats the number of monitors in each state, such as `4 monitors: 2 up, 1 down, 1 in maintenance`.
#[must_use]
pub fn summary<'a>(monitors: impl Iterator<Item = &'a Monitor> + Clone) -> String {
    let of = |state| monitors.clone().filter(|monitor| monitor.state == state).count();
    let kinds = [
        (MonitorState::Up, tr!("up")),
        (MonitorState::Down, tr!("down")),
        (MonitorState::Pending, tr!("pending")),
        (MonitorState::Maintenance, tr!("in maintenance")),
        (MonitorState::Unknown, tr!("without a heartbeat")),
    ];
    let parts: Vec<_> =
        kinds.into_iter().map(|(state, name)| (of(state), name)).filter(|(count, _)| *count > 0).collect();
    let parts: Vec<_> = parts.into_iter().map(|(count, name)| format!("{count} {name}")).collect();
    format!("{}: {}", tr!("{n} monitor" | "{n} monitors" % monitors.count()), parts.join(", "))
}

#[must_use]
pub fn line(monitor: &Monitor, now: Timestamp) -> String {
    let expiring = monitor.certificate.filter(|days| *days <= CERTIFICATE_WARNING);
    let light = match (monitor.state.light(), expiring) {
        (Light::Good, Some(_)) => Light::Warning,
        (light, _) => light,
    };
    let mut parts = vec![format!("{} {}", light.symbol(), escape(&monitor.name))];
    match monitor.state {
        MonitorState::Down => parts.push(tr!("down")),
        MonitorState::Pending => parts.push(tr!("pending")),
        MonitorState::Maintenance => parts.push(tr!("in maintenance")),
        MonitorState::Unknown => parts.push(tr!("no heartbeat yet")),
        MonitorState::Up => parts.extend(monitor.ping.map(|ping| format!("{ping:.0} ms"))),
    }
    parts.extend(monitor.uptime.map(|share| tr!("24 h uptime {}%", percent_of(share))));
    parts.extend(expiring.map(|days| match days {
        ..0 => tr!("its certificate has expired"),
        0.. => {
            tr!("its certificate expires in {n} day" | "its certificate expires in {n} days" % days.unsigned_abs())
        }
    }));
    let late = monitor.last_beat.filter(|beat| now.saturating_sub(*beat) > STALE_AFTER);
    parts.extend(late.map(|beat| tr!("last heartbeat {}", ago(now, beat))));
    parts.join(", ")
}

/// Formats a fraction of 1 in percent, rounded down, so that 100 means no downtime at all: `99.97`, `100`.
fn percent_of(share: f64) -> String {
    let hundredths = (share.clamp(0.0, 1.0) * 10_000.0 + 1e-6).floor() / 100.0;
    format!("{hundredths}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn monitor(state: MonitorState) -> Monitor {
        Monitor { name: "a".into(), state, ping: Some(12.4), uptime: None, certificate: None, last_beat: None }
    }

    #[test]
    fn each_field_of_a_monitor_is_shown() {
        let shown = |monitor: &Monitor| line(monitor, 10_000_000);
        assert_eq!(shown(&monitor(MonitorState::Up)), "🟢 a, 12 ms");
        assert_eq!(shown(&monitor(MonitorState::Down)), "🔴 a, down");
        assert_eq!(shown(&monitor(MonitorState::Pending)), "🟡 a, pending");
        assert_eq!(shown(&monitor(MonitorState::Maintenance)), "⚪ a, in maintenance");
        assert_eq!(shown(&monitor(MonitorState::of(9))), "⚪ a, no heartbeat yet");
        let full =
            Monitor { uptime: Some(0.99979), certificate: Some(1), last_beat: Some(1), ..monitor(MonitorState::Up) };
        assert_eq!(
            shown(&full),
            "🟡 a, 12 ms, 24 h uptime 99.97%, its certificate expires in 1 day, last heartbeat 2h ago"
        );
        let fresh = Monitor {
            certificate: Some(15),
            last_beat: Some(9_000_000),
            uptime: Some(1.0),
            ..monitor(MonitorState::Up)
        };
        assert_eq!(shown(&fresh), "🟢 a, 12 ms, 24 h uptime 100%");
        let ended = Monitor { certificate: Some(-1), ..monitor(MonitorState::Down) };
        assert_eq!(shown(&ended), "🔴 a, down, its certificate has expired");
    }

    #[test]
    fn shares_are_rounded_down_to_hundredths() {
        assert_eq!([0.0, 0.5, 0.999_999, 0.9997, 1.0].map(percent_of), ["0", "50", "99.99", "99.97", "100"]);
    }

    #[test]
    fn the_summary_counts_each_state() {
        let all = [MonitorState::Up, MonitorState::Up, MonitorState::Down, MonitorState::Maintenance].map(monitor);
        assert_eq!(summary(all.iter()), "4 monitors: 2 up, 1 down, 1 in maintenance");
        assert_eq!(summary(all[..1].iter()), "1 monitor: 1 up");
    }
}
