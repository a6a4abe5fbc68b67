//! Converts between timestamps and a time zone's calendar: day and month boundaries, dates, and the times in cron
//! expressions.

use jiff::{
    SignedDuration, Zoned,
    civil::DateTime,
    tz::{AmbiguousOffset, TimeZone},
};

use crate::types::{Timestamp, UsagePeriod};

const DAY_MILLIS: u64 = 86_400_000;

/// Returns the UTC time to the second for names of files, such as `20260131T090000Z`.
#[must_use]
pub fn utc_stamp(at: Timestamp) -> String {
    Zone::utc().zoned(at).map_or(String::new(), |time| time.strftime("%Y%m%dT%H%M%SZ").to_string())
}

/// A time zone: UTC, or a zone defined by a POSIX rule or a TZif file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone(TimeZone);

impl Zone {
    #[must_use]
    pub const fn utc() -> Self {
        Self(TimeZone::UTC)
    }

    /// Parses a rule in POSIX notation, such as `CET-1CEST,M3.5.0,M10.5.0/3`.
    #[must_use]
    pub fn posix(rule: &str) -> Option<Self> {
        TimeZone::posix(rule).ok().map(Self)
    }

    /// Parses the content of a TZif file, such as `/etc/localtime`.
    #[must_use]
    pub fn tzif(file: &[u8]) -> Option<Self> {
        TimeZone::tzif("", file).ok().map(Self)
    }

    /// Returns the calendar time to the minute, such as `2026-01-31 09:00`.
    #[must_use]
    pub fn minute(&self, at: Timestamp) -> String {
        self.zoned(at).map_or(String::new(), |time| time.strftime("%Y-%m-%d %H:%M").to_string())
    }

    /// Returns the beginning of the day that contains `at`: midnight, or the end of the gap if a clock change skips
    /// midnight.
    #[must_use]
    pub fn day_start(&self, at: Timestamp) -> Timestamp {
        self.start(at, Some).unwrap_or(Timestamp(at.0 - at.0 % DAY_MILLIS))
    }

    /// Returns the beginning of the next day.
    #[must_use]
    pub fn next_day(&self, at: Timestamp) -> Timestamp {
        self.start(at, |time| time.tomorrow().ok()).unwrap_or(Timestamp(at.0 - at.0 % DAY_MILLIS + DAY_MILLIS))
    }

    /// Returns the beginning of the first of `days` consecutive days, the last of which contains `at`.
    #[must_use]
    pub fn days_start(&self, at: Timestamp, days: u32) -> Timestamp {
        let before = jiff::Span::new().try_days(days.saturating_sub(1));
        self.start(at, |time| time.checked_sub(before.ok()?).ok()).unwrap_or_default()
    }

    /// Returns the beginning of a period that ends at `at`.
    #[must_use]
    pub fn period_start(&self, at: Timestamp, period: UsagePeriod) -> Timestamp {
        match period {
            UsagePeriod::Days(days) => self.days_start(at, days),
            UsagePeriod::Month => self.start(at, |time| time.first_of_month().ok()).unwrap_or_default(),
        }
    }

    /// Parses a date such as `2026-07-01` and returns the start of that day.
    #[must_use]
    pub fn parse_date(&self, text: &str) -> Option<Timestamp> {
        to_timestamp(
            text.parse::<jiff::civil::Date>().ok()?.to_zoned(self.0.clone()).ok()?.start_of_day().ok()?.timestamp(),
        )
    }

    /// Parses a date and time, such as `2026-07-01T09:30:00`. Without an offset, it is a time of this zone.
    #[must_use]
    pub fn parse_time(&self, text: &str) -> Option<Timestamp> {
        let local = || text.parse::<DateTime>().ok()?.to_zoned(self.0.clone()).ok();
        Timestamp::parse(text).or_else(|| to_timestamp(local()?.timestamp()))
    }

    /// Applies `day` to the time `at`, and returns the beginning of the resulting day. Returns `None` if the calendar
    /// can't represent that day.
    fn start(&self, at: Timestamp, day: impl FnOnce(Zoned) -> Option<Zoned>) -> Option<Timestamp> {
        to_timestamp(day(self.zoned(at)?)?.start_of_day().ok()?.timestamp())
    }

    pub(crate) fn zoned(&self, at: Timestamp) -> Option<Zoned> {
        let millis = i64::try_from(at.0).ok()?;
        Some(jiff::Timestamp::from_millisecond(millis).ok()?.to_zoned(self.0.clone()))
    }

    /// Converts a calendar time to a timestamp. A skipped time maps to the end of the gap, and a repeated time to its
    /// first occurrence, so later calendar times never map to earlier timestamps.
    pub(crate) fn timestamp_of(&self, time: DateTime) -> Option<Timestamp> {
        let ambiguous = self.0.to_ambiguous_timestamp(time);
        let is_gap = matches!(ambiguous.offset(), AmbiguousOffset::Gap { .. });
        let plain = ambiguous.compatible().ok()?;
        if !is_gap {
            return to_timestamp(plain);
        }
        // `compatible` shifts a skipped time by the length of the gap. The last transition at or before the result is
        // the end of the gap; `preceding` excludes its argument, hence the added nanosecond.
        let past = plain.checked_add(SignedDuration::from_nanos(1)).ok()?;
        to_timestamp(self.0.preceding(past).next()?.timestamp())
    }

    /// Returns an upper bound on the calendar times that the clock has shown up to `at`. After the clock is set back,
    /// it repeats times, so the calendar time at `at` may be earlier than one already shown.
    pub(crate) fn latest_shown(&self, at: &Zoned) -> Option<DateTime> {
        let shown = at.datetime();
        if let AmbiguousOffset::Fold { before, after } = self.0.to_ambiguous_timestamp(shown).offset()
            && at.offset() == after
        {
            let fold = SignedDuration::from_secs((before.seconds() - after.seconds()).into());
            return shown.checked_add(fold).ok();
        }
        Some(shown)
    }
}

pub(crate) fn to_timestamp(timestamp: jiff::Timestamp) -> Option<Timestamp> {
    u64::try_from(timestamp.as_millisecond()).ok().map(Timestamp)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_begin_at_midnight_of_the_zone() {
        let berlin = Zone::posix("CET-1CEST,M3.5.0,M10.5.0/3").expect("a zone");
        let timestamp = |text: &str| Timestamp::parse(text).expect("a time");
        for (at, day, next, week) in [
            ("2026-07-01T21:59:00Z", "2026-06-30T22:00:00Z", "2026-07-01T22:00:00Z", "2026-06-24T22:00:00Z"),
            ("2026-07-01T22:00:00Z", "2026-07-01T22:00:00Z", "2026-07-02T22:00:00Z", "2026-06-25T22:00:00Z"),
            // The clock changes on these days, so they are 23 and 25 hours long.
            ("2026-03-29T12:00:00Z", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z", "2026-03-22T23:00:00Z"),
            ("2026-10-25T12:00:00Z", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z", "2026-10-18T22:00:00Z"),
        ] {
            let at = timestamp(at);
            assert_eq!(berlin.day_start(at), timestamp(day));
            assert_eq!(berlin.next_day(at), timestamp(next));
            assert_eq!(berlin.days_start(at, 1), timestamp(day));
            assert_eq!(berlin.days_start(at, 7), timestamp(week));
        }
    }

    #[test]
    fn a_stamp_for_files_is_in_utc() {
        assert_eq!(utc_stamp(Timestamp::parse("2026-01-31T10:00:09+01:00").expect("a time")), "20260131T090009Z");
    }

    #[test]
    fn a_month_begins_at_midnight_of_the_zone() {
        let berlin = Zone::posix("CET-1CEST,M3.5.0,M10.5.0/3").expect("a zone");
        let timestamp = |text: &str| Timestamp::parse(text).expect("a time");
        for (at, start) in [
            ("2026-06-30T21:59:00Z", "2026-05-31T22:00:00Z"),
            ("2026-06-30T22:00:00Z", "2026-06-30T22:00:00Z"),
            // Daylight saving time begins within this month.
            ("2026-03-31T12:00:00Z", "2026-02-28T23:00:00Z"),
        ] {
            assert_eq!(berlin.period_start(timestamp(at), UsagePeriod::Month), timestamp(start));
        }
    }

    #[test]
    fn a_time_beyond_the_calendar_has_a_day() {
        let at = Timestamp(u64::MAX - DAY_MILLIS);
        assert!(Zone::utc().day_start(at) <= at && Zone::utc().next_day(at) > at);
        assert_eq!(Zone::utc().days_start(Timestamp(DAY_MILLIS), u32::MAX), Timestamp(0));
    }

    #[test]
    fn a_date_is_a_day_of_the_zone() {
        let berlin = Zone::posix("CET-1CEST,M3.5.0,M10.5.0/3").expect("a zone");
        assert_eq!(berlin.parse_date("2026-07-01"), Timestamp::parse("2026-06-30T22:00:00Z"));
        for text in ["", "2026-02-30", "yesterday", "2026-07"] {
            assert_eq!(berlin.parse_date(text), None, "{text}");
        }
    }

    #[test]
    fn a_time_without_an_offset_is_of_the_zone() {
        let berlin = Zone::posix("CET-1CEST,M3.5.0,M10.5.0/3").expect("a zone");
        let parsed = Timestamp::parse("2026-07-01T07:30:00.25Z");
        for text in ["2026-07-01T09:30:00.25", "2026-07-01 09:30:00.250000", "2026-07-01T03:30:00.25-04:00"] {
            assert_eq!(berlin.parse_time(text), parsed, "{text}");
        }
        for text in ["", "now", "2026-13-01T00:00:00"] {
            assert_eq!(berlin.parse_time(text), None, "{text}");
        }
    }
}
