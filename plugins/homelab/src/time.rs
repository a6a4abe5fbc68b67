//! Parses timestamps from servers and durations from the configuration.

use cordboard_plugin::{Seconds, Timestamp, text::span as read_span};

const DAY: Seconds = 86_400;

/// Parses a UTC time such as `2026-11-21 13:45:36.008Z`. The separator is `T` or a space; the fraction and the `Z` are
/// optional. Returns `None` for anything else.
#[must_use]
pub fn parse_timestamp(text: &str) -> Option<Timestamp> {
    let text = text.strip_suffix('Z').unwrap_or(text);
    let (date, clock) = text.split_once(['T', ' '])?;
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    let [year, month, day] = numbers(date, '-')?;
    let [hour, minute, second] = numbers(clock, ':')?;
    if !(1970..=9999).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let digits: String = fraction.chars().chain("000".chars()).take(3).collect();
    let millis: Timestamp = digits.parse().ok()?;
    let seconds = days(year, month, day) * DAY + hour * 3600 + minute * 60 + second;
    Some(seconds * 1000 + millis)
}

/// Parses a duration from the configuration, such as "90m", "26h" or "8d".
///
/// # Errors
/// The text isn't a duration. The error contains examples.
pub fn parse_span(text: &str) -> Result<Seconds, String> {
    read_span(text).ok_or_else(|| format!("\"{text}\" is not a duration; write it as \"90m\", \"26h\" or \"8d\""))
}

/// Formats a limit exactly, in the largest unit that divides it: `26 h`, `8 d`, `90 min`.
#[must_use]
pub fn exact_span(seconds: Seconds) -> String {
    let units = [(DAY, "d"), (3600, "h"), (60, "min")];
    let unit = units.into_iter().find(|(length, _)| seconds > 0 && seconds.is_multiple_of(*length));
    unit.map_or_else(|| format!("{seconds} s"), |(length, name)| format!("{} {name}", seconds / length))
}

fn numbers(text: &str, between: char) -> Option<[u64; 3]> {
    let mut parts = text.split(between).map(|part| part.parse().ok());
    let all = [parts.next()??, parts.next()??, parts.next()??];
    parts.next().is_none().then_some(all)
}

/// Returns the days since 1970-01-01 in the Gregorian calendar. Years are counted from March, so that the leap day is
/// the last day of a year.
const fn days(year: u64, month: u64, day: u64) -> u64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let before = year * 365 + year / 4 - year / 100 + year / 400;
    // From 0000-03-01 to 1970-01-01 there are 719468 days.
    before + (month * 153 + 2) / 5 + day - 1 - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_of_servers_are_parsed() {
        assert_eq!(parse_timestamp("1970-01-01 00:00:00"), Some(0));
        assert_eq!(parse_timestamp("2026-11-21 13:45:36.008"), Some(1_795_268_736_008));
        assert_eq!(parse_timestamp("2026-11-21T13:45:36.5Z"), Some(1_795_268_736_500));
        assert_eq!(parse_timestamp("2024-02-29 23:59:59.123456Z"), Some(1_709_251_199_123));
        assert_eq!(parse_timestamp("2000-03-01 00:00:00Z"), Some(951_868_800_000));
        for invalid in [
            "",
            "yesterday",
            "2026-11-21",
            "2026-13-01 00:00:00",
            "2026-11-21 25:00:00",
            "2026-11-21 1:2",
            "1-1-1 0:0:0",
        ] {
            assert_eq!(parse_timestamp(invalid), None, "{invalid}");
        }
    }

    #[test]
    fn an_invalid_span_is_reported_with_examples() {
        assert_eq!(parse_span("26h"), Ok(93_600));
        assert_eq!([93_600, 691_200, 5400, 61, 0].map(exact_span), ["26 h", "8 d", "90 min", "61 s", "0 s"]);
        assert_eq!(
            parse_span("soon"),
            Err("\"soon\" is not a duration; write it as \"90m\", \"26h\" or \"8d\"".to_owned())
        );
    }
}
