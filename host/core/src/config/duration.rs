//! Parses and formats durations such as `10m`, `2s` or `1h30m`.

use std::time::Duration;

/// The units, in the order in which a duration lists them, and their lengths in milliseconds.
const UNITS: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// Parses numbers with the units `d`, `h`, `m`, `s` and `ms`, in this order and without spaces. Returns `None` if
/// `text` is malformed, or if its milliseconds overflow `u64`.
#[must_use]
pub fn parse(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut units = UNITS.iter();
    let mut total = 0u64;
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let count: u64 = rest[..digits].parse().ok()?;
        let after = &rest[digits..];
        let letters = after.len() - after.trim_start_matches(|c: char| c.is_ascii_alphabetic()).len();
        let (_, millis) = units.find(|(unit, _)| *unit == &after[..letters])?;
        total = total.checked_add(count.checked_mul(*millis)?)?;
        rest = &after[letters..];
    }
    (!text.is_empty()).then(|| Duration::from_millis(total))
}

/// Formats `span` so that [`parse`] reads it back, for example `1h30m`. Fractions of a millisecond are dropped.
#[must_use]
pub fn spell(span: Duration) -> String {
    let mut rest = u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
    let mut text = String::new();
    for (unit, millis) in UNITS {
        if rest >= millis {
            text.push_str(&format!("{}{unit}", rest / millis));
            rest %= millis;
        }
    }
    if text.is_empty() { "0s".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn durations_are_parsed_in_common_notations() {
        let seconds = |text| parse(text).map(|span| span.as_secs_f64());
        assert_eq!(seconds("10m"), Some(600.0));
        assert_eq!(seconds("1h30m"), Some(5400.0));
        assert_eq!(seconds("1m500ms"), Some(60.5));
        assert_eq!(seconds("0s"), Some(0.0));
        for bad in ["", "10", "m", "10 m", "1.5h", "-1s", "1m1h", "1m1m", "10M", "1w", "99999999999999999999s", "٣m"] {
            assert_eq!(parse(bad), None, "{bad:?}");
        }
        assert_eq!(parse("213503982335d"), None, "more milliseconds than fit into 64 bits");
    }

    proptest! {
        #[test]
        fn formatted_durations_parse_to_the_same_value(millis in any::<u64>()) {
            let span = Duration::from_millis(millis);
            prop_assert_eq!(parse(&spell(span)), Some(span));
        }

        #[test]
        fn any_text_is_parsed_without_panic(text in ".*") {
            let _ = parse(&text);
        }
    }
}
