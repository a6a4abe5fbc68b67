//! Text helpers for plugins. Pure: nothing here calls the host.

use crate::tr;

pub use crate::escape::{code, escape, literal};
use crate::{Seconds, Timestamp};

const MINUTE: Seconds = 60;
const HOUR: Seconds = 60 * MINUTE;
const DAY: Seconds = 24 * HOUR;

/// Formats how long ago `then` was: `just now`, `5m ago`, `3h ago`, `2d ago`.
#[must_use]
pub fn ago(now: Timestamp, then: Timestamp) -> String {
    match now.saturating_sub(then) / 1000 {
        0..MINUTE => tr!("just now"),
        seconds @ MINUTE..HOUR => tr!("{}m ago", seconds / MINUTE),
        seconds @ HOUR..DAY => tr!("{}h ago", seconds / HOUR),
        seconds @ DAY.. => tr!("{}d ago", seconds / DAY),
    }
}

/// Formats a duration in its largest unit, rounded down: `40 s`, `15 min`, `3 h`, `2 d`.
#[must_use]
pub fn short_span(seconds: Seconds) -> String {
    match seconds {
        0..MINUTE => format!("{seconds} s"),
        MINUTE..HOUR => format!("{} min", seconds / MINUTE),
        HOUR..DAY => format!("{} h", seconds / HOUR),
        DAY.. => format!("{} d", seconds / DAY),
    }
}

/// Formats a duration in words: `10 minutes`, `2 hours`, `2 seconds`, `1 minute 30 seconds`, `1 day 6 hours`.
#[must_use]
pub fn long_span(seconds: Seconds) -> String {
    let [days, hours, minutes] = [seconds / DAY, seconds % DAY / HOUR, seconds % HOUR / MINUTE];
    let mut words = Vec::new();
    if days > 0 {
        words.push(tr!("{n} day" | "{n} days" % days));
    }
    if hours > 0 {
        words.push(tr!("{n} hour" | "{n} hours" % hours));
    }
    if minutes > 0 {
        words.push(tr!("{n} minute" | "{n} minutes" % minutes));
    }
    let seconds = seconds % MINUTE;
    if seconds > 0 || words.is_empty() {
        words.push(tr!("{n} second" | "{n} seconds" % seconds));
    }
    words.join(" ")
}

/// Parses a duration as written in a configuration, such as "30s", "10m", "1h30m" or "2d". Returns `None` if the text
/// isn't a duration, or if the duration is zero.
#[must_use]
pub fn span(text: &str) -> Option<Seconds> {
    let mut total: Seconds = 0;
    let mut rest = text.trim();
    while !rest.is_empty() {
        let unit = rest.find(|letter: char| !letter.is_ascii_digit())?;
        let number: Seconds = rest[..unit].parse().ok()?;
        let factor = match rest.as_bytes()[unit] {
            b's' => 1,
            b'm' => MINUTE,
            b'h' => HOUR,
            b'd' => DAY,
            _ => return None,
        };
        total = total.checked_add(number.checked_mul(factor)?)?;
        rest = rest[unit + 1..].trim_ascii_start();
    }
    (total > 0).then_some(total)
}

/// Encodes one part of a URL: a path segment, or a query name or value. Each byte except ASCII letters, digits and
/// `-._~` becomes `%XX`, so don't pass a whole URL.
///
/// ```
/// # use cordboard_plugin::text::url_encode;
/// let url = format!("https://hub.example/search?q={}", url_encode("Zürich & co"));
/// assert_eq!(url, "https://hub.example/search?q=Z%C3%BCrich%20%26%20co");
/// ```
#[must_use]
pub fn url_encode(text: &str) -> String {
    const DIGITS: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F'];
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            encoded.push(char::from(byte));
        } else {
            encoded.extend(['%', DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
        }
    }
    encoded
}

/// Formats the usage of a command: `Usage: /hello [name]`.
#[must_use]
pub fn usage(usage: &str) -> String {
    tr!("Usage: {usage}", usage)
}

/// Formats a number and its English noun: `1 minute`, `2 minutes`. For a text in several languages, use
/// `tr!("{n} minute" | "{n} minutes" % number)`.
#[must_use]
pub fn counted(number: u64, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_and_ages_round_down() {
        let ages: Vec<_> =
            [0, 59_999, 60_000, 3_599_000, 3_600_000, 86_399_000, 2 * 86_400_000].map(|now| ago(now, 0)).into();
        assert_eq!(ages, ["just now", "just now", "1m ago", "59m ago", "1h ago", "23h ago", "2d ago"]);
        assert_eq!(ago(0, 5_000), "just now", "a clock that was set back gives no negative age");
        assert_eq!([59, 900, 3600, 200_000].map(short_span), ["59 s", "15 min", "1 h", "2 d"]);
        let long = [0, 1, 2, 60, 90, 600].map(long_span);
        assert_eq!(long, ["0 seconds", "1 second", "2 seconds", "1 minute", "1 minute 30 seconds", "10 minutes"]);
        assert_eq!([7200, 108_000].map(long_span), ["2 hours", "1 day 6 hours"]);
    }

    #[test]
    fn spans_have_units() {
        assert_eq!(["30s", "10m", " 2d ", "1h 1s", "1d12h"].map(span), [30, 600, 172_800, 3601, 129_600].map(Some));
        for bad in ["", "10", "m", "0s", "5 apples", "99999999999999999999d", "9999999999999999999d", "1ä"] {
            assert_eq!(span(bad), None, "{bad}");
        }
    }

    #[test]
    fn an_encoded_text_is_one_url_component() {
        assert_eq!(url_encode("aZ09-._~"), "aZ09-._~");
        assert_eq!(url_encode("a b/c?d=e&f#g%h+i:j@k"), "a%20b%2Fc%3Fd%3De%26f%23g%25h%2Bi%3Aj%40k");
        assert_eq!(url_encode("ü🎉\n"), "%C3%BC%F0%9F%8E%89%0A");
        assert_eq!(url_encode(""), "");
    }

    #[test]
    fn untrusted_text_is_shown_literally() {
        assert_eq!(literal("exit code 3 (a_b)\n  1. one\n\\d+\n\nend"), "exit code 3 (a_b)\n`1. one`\n`\\d+`\n\nend");
        assert_eq!(escape("a_b _c_ [d](e) `f`\n- g - h"), "a_b \\_c\\_ [d\\](e) \\`f\\`\n\\- g - h");
        assert_eq!([code("plain"), code("a``b"), code("`x")], ["`plain`", "```a``b```", "`` `x ``"]);
    }
}
