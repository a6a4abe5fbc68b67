//! Parses and formats sizes such as `64KiB` or `4MiB`.

const UNITS: [(&str, u64); 4] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];

/// Parses a number with a unit, and returns the number of bytes. Returns `None` if `text` is malformed, or if the
/// result overflows `u64`.
pub fn parse(text: &str) -> Option<u64> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let count: u64 = text[..digits].parse().ok()?;
    let (_, bytes) = UNITS.iter().find(|(unit, _)| *unit == text[digits..].trim_start())?;
    count.checked_mul(*bytes)
}

/// Formats a number of bytes in the largest unit that divides it evenly.
pub fn spell(bytes: u64) -> String {
    let fits = UNITS.iter().find(|(_, unit)| bytes >= *unit && bytes.is_multiple_of(*unit));
    fits.map_or_else(|| "0B".to_owned(), |(name, unit)| format!("{}{name}", bytes / unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_a_unit() {
        assert_eq!(parse("64KiB"), Some(65536));
        assert_eq!(parse("64 MiB"), Some(64 << 20));
        assert_eq!(parse("0B"), Some(0));
        for bad in ["", "64", "KiB", "64MB", "1.5MiB", "-1B", "99999999999GiB", "64KiB "] {
            assert_eq!(parse(bad), None, "{bad:?}");
        }
        for text in ["1B", "1023B", "64KiB", "1025KiB", "4GiB"] {
            assert_eq!(parse(text).map(spell).as_deref(), Some(text));
        }
    }
}
