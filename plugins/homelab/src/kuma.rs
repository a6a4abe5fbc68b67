//! Uptime Kuma: its error messages, and the monitors, independent of their source. Two plugins query it, because one
//! of its APIs needs a secret and the other doesn't.

use cordboard_plugin::{
    Timestamp,
    text::{ago, counted, escape},
};

use crate::{Server, show::Light};

/// An older last heartbeat is shown: a paused monitor keeps its last state forever. An hour, in milliseconds.
const STALE: Timestamp = 3_600_000;

/// The remaining days from which on a certificate is shown.
const CERTIFICATE: i64 = 14;

/// Describes Uptime Kuma at `url` for error messages.
#[must_use]
pub const fn server<'a>(plugin: &'a str, url: &'a str, keys: [&'a str; 2], rights: &'a str) -> Server<'a> {
    let [place, login] = keys;
    Server { title: "Uptime Kuma", plugin, url, known: "Uptime Kuma 1.23 to 2", place, login, rights }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Down,
    Up,
    Pending,
    Maintenance,
    /// The monitor had no heartbeat yet.
    Unknown,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Monitor {
    pub name: String,
    pub state: State,
    /// The duration of the last response, in milliseconds.
    pub ping: Option<f64>,
    /// The fraction of the last 24 hours in which the monitor was up, from 0 to 1.
    pub uptime: Option<f64>,
    /// The remaining days of the certificate.
    pub certificate: Option<i64>,
    /// The time of the last beat, if known.
    pub beat: Option<Timestamp>,
}

impl State {
    /// Converts Uptime Kuma's number.
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
            Self::Up => Light::Well,
            Self::Down => Light::Broken,
            Self::Pending => Light::Warning,
            Self::Maintenance | Self::Unknown => Light::Resting,
        }
    }
}

/// Counts the monitors by state, such as `4 monitors: 2 up, 1 down, 1 in maintenance`.
#[must_use]
pub fn summary<'a>(monitors: impl Iterator<Item = &'a Monitor> + Clone) -> String {
    let of = |state| monitors.clone().filter(|monitor| monitor.state == state).count();
    let kinds = [
        (State::Up, "up"),
        (State::Down, "down"),
        (State::Pending, "pending"),
        (State::Maintenance, "in maintenance"),
        (State::Unknown, "without a heartbeat"),
    ];
    let parts: Vec<_> =
        kinds.into_iter().map(|(state, name)| (of(state), name)).filter(|(count, _)| *count > 0).collect();
    let parts: Vec<_> = parts.into_iter().map(|(count, name)| format!("{count} {name}")).collect();
    format!("{}: {}", counted(monitors.count() as u64, "monitor"), parts.join(", "))
}

#[must_use]
pub fn line(monitor: &Monitor, now: Timestamp) -> String {
    let expiring = monitor.certificate.filter(|days| *days <= CERTIFICATE);
    let light = match monitor.state.light() {
        Light::Well if expiring.is_some() => Light::Warning,
        light => light,
    };
    let mut parts = vec![format!("{} {}", light.letter(), escape(&monitor.name))];
    match monitor.state {
        State::Down => parts.push("down".to_owned()),
        State::Pending => parts.push("pending".to_owned()),
        State::Maintenance => parts.push("in maintenance".to_owned()),
        State::Unknown => parts.push("no heartbeat yet".to_owned()),
        State::Up => parts.extend(monitor.ping.map(|ping| format!("{ping:.0} ms"))),
    }
    parts.extend(monitor.uptime.map(|share| format!("{} % of 24 h", hundredths(share))));
    parts.extend(expiring.map(|days| match days {
        ..0 => "its certificate has expired".to_owned(),
        0.. => format!("its certificate expires in {}", counted(days.unsigned_abs(), "day")),
    }));
    let late = monitor.beat.filter(|beat| now.saturating_sub(*beat) > STALE);
    parts.extend(late.map(|beat| format!("last heartbeat {}", ago(now, beat))));
    parts.join(", ")
}

/// Formats a fraction of 1 in percent, rounded down, so that 100 means no downtime at all: `99.97`, `100`.
fn hundredths(share: f64) -> String {
    let hundredths = (share.clamp(0.0, 1.0) * 10_000.0 + 1e-6).floor() / 100.0;
    format!("{hundredths}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn monitor(state: State) -> Monitor {
        Monitor { name: "a".into(), state, ping: Some(12.4), uptime: None, certificate: None, beat: None }
    }

    #[test]
    fn each_field_of_a_monitor_is_shown() {
        let shown = |monitor: &Monitor| line(monitor, 10_000_000);
        assert_eq!(shown(&monitor(State::Up)), "🟢 a, 12 ms");
        assert_eq!(shown(&monitor(State::Down)), "🔴 a, down");
        assert_eq!(shown(&monitor(State::Pending)), "🟡 a, pending");
        assert_eq!(shown(&monitor(State::Maintenance)), "⚪ a, in maintenance");
        assert_eq!(shown(&monitor(State::of(9))), "⚪ a, no heartbeat yet");
        let full = Monitor { uptime: Some(0.99979), certificate: Some(1), beat: Some(1), ..monitor(State::Up) };
        assert_eq!(
            shown(&full),
            "🟡 a, 12 ms, 99.97 % of 24 h, its certificate expires in 1 day, last heartbeat 2h ago"
        );
        let fresh = Monitor { certificate: Some(15), beat: Some(9_000_000), uptime: Some(1.0), ..monitor(State::Up) };
        assert_eq!(shown(&fresh), "🟢 a, 12 ms, 100 % of 24 h");
        let ended = Monitor { certificate: Some(-1), ..monitor(State::Down) };
        assert_eq!(shown(&ended), "🔴 a, down, its certificate has expired");
    }

    #[test]
    fn shares_are_rounded_down_to_hundredths() {
        assert_eq!([0.0, 0.5, 0.999_999, 0.9997, 1.0].map(hundredths), ["0", "50", "99.99", "99.97", "100"]);
    }

    #[test]
    fn the_summary_counts_each_state() {
        let all = [State::Up, State::Up, State::Down, State::Maintenance].map(monitor);
        assert_eq!(summary(all.iter()), "4 monitors: 2 up, 1 down, 1 in maintenance");
        assert_eq!(summary(all[..1].iter()), "1 monitor: 1 up");
    }
}
