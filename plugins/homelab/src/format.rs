//! Formats sizes, percentages and states (as colored lights), and shortens text from servers.

/// The length of a gauge in characters.
const GAUGE: usize = 10;

/// Formats a size with at most three digits, in powers of 1000 as disk vendors do: `512 B`, `4.9 TB`, `48 GB`.
#[must_use]
pub fn size(bytes: u64) -> String {
    let units = ["B", "kB", "MB", "GB", "TB", "PB", "EB"];
    let bytes = u128::from(bytes);
    let mut unit = 1_u128;
    let mut place = 0;
    while place + 1 < units.len() && rounded(bytes, unit) >= 1000 {
        unit *= 1000;
        place += 1;
    }
    let tenths = rounded(bytes * 10, unit);
    if place == 0 || tenths >= 100 {
        format!("{} {}", rounded(bytes, unit), units[place])
    } else {
        format!("{}.{} {}", tenths / 10, tenths % 10, units[place])
    }
}

const fn rounded(bytes: u128, unit: u128) -> u128 {
    (bytes + unit / 2) / unit
}

/// Formats a percentage without decimals: `62%`. A value between 0 and 1 becomes `<1%`.
#[must_use]
pub fn percent(share: f64) -> String {
    if share > 0.0 && share < 1.0 { "<1%".to_owned() } else { format!("{share:.0}%") }
}

/// Checks a percentage from the configuration.
///
/// # Errors
/// The value isn't between 1 and 100.
pub fn check_percent(key: &str, share: f64) -> Result<f64, String> {
    let fits = (1.0..=100.0).contains(&share);
    fits.then_some(share).ok_or_else(|| format!("{key} = {share} is not a percentage from 1 to 100"))
}

/// Formats a percentage as a gauge of ten characters: `▓▓▓▓▓▓░░░░`.
#[must_use]
pub fn gauge(share: f64) -> String {
    let full = (share.clamp(0.0, 100.0) / 10.0).round() as usize;
    "▓".repeat(full) + &"░".repeat(GAUGE.saturating_sub(full))
}

/// A state, shown as a colored light.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Light {
    Good,
    /// Paused, in maintenance, without data yet, or not checked.
    Inactive,
    Warning,
    Bad,
}

impl Light {
    #[must_use]
    pub const fn symbol(self) -> &'static str {
        match self {
            Self::Good => "🟢",
            Self::Inactive => "⚪",
            Self::Warning => "🟡",
            Self::Bad => "🔴",
        }
    }
}

/// Returns the first line of untrusted text without control characters. A line of more than `most` characters is cut,
/// and an ellipsis is added.
#[must_use]
pub fn first_line(text: &str, most: usize) -> String {
    let line = text.trim().lines().next().unwrap_or_default().trim_end();
    let mut short: String = line.chars().filter(|letter| !letter.is_control()).take(most).collect();
    if line.chars().count() > most {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_decimal_units() {
        let sizes =
            [0, 999, 1000, 1500, 999_950, 9_949_999, 9_950_000, 48_000_000_000, 4_912_345_678_901, 8_000_000_000_000];
        let sizes: Vec<_> = sizes.into_iter().map(size).collect();
        assert_eq!(
            sizes,
            ["0 B", "999 B", "1.0 kB", "1.5 kB", "1.0 MB", "9.9 MB", "10 MB", "48 GB", "4.9 TB", "8.0 TB"]
        );
        assert_eq!(size(u64::MAX), "18 EB");
    }

    #[test]
    fn shares_are_whole_and_gauges_full_at_a_hundred() {
        assert_eq!([0.0, 0.2, 0.5, 61.6, 100.0].map(percent), ["0%", "<1%", "<1%", "62%", "100%"]);
        assert_eq!(gauge(62.0), "▓▓▓▓▓▓░░░░");
        assert_eq!([gauge(-5.0), gauge(250.0), gauge(f64::NAN)], ["░░░░░░░░░░", "▓▓▓▓▓▓▓▓▓▓", "░░░░░░░░░░"]);
    }

    #[test]
    fn untrusted_text_is_one_short_line() {
        assert_eq!(first_line("  one\ntwo", 10), "one");
        assert_eq!(first_line("a\u{7}bäcd", 3), "abä…");
        assert_eq!(first_line("", 3), "");
    }
}
