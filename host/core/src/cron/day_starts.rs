//! The beginnings of days and months in a time zone.

use jiff::Zoned;

use super::{Zone, of};
use crate::types::{Timestamp, UsagePeriod};

const DAY_MILLIS: u64 = 86_400_000;

impl Zone {
    /// Returns the beginning of the day that contains `at`. This is midnight, or the end of a gap that contains
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

    /// Parses a date, such as `2026-07-01`, as the beginning of that day.
    #[must_use]
    pub fn parse_date(&self, text: &str) -> Option<Timestamp> {
        of(text.parse::<jiff::civil::Date>().ok()?.to_zoned(self.0.clone()).ok()?.start_of_day().ok()?.timestamp())
    }

    /// Applies `day` to the time `at`, and returns the beginning of the resulting day. Returns `None` if the calendar
    /// can't represent that day.
    fn start(&self, at: Timestamp, day: impl FnOnce(Zoned) -> Option<Zoned>) -> Option<Timestamp> {
        of(day(self.zoned(at)?)?.start_of_day().ok()?.timestamp())
    }
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
            // The clock changes on these days, so they have 23 and 25 hours.
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
    fn a_month_begins_at_midnight_of_the_zone() {
        let berlin = Zone::posix("CET-1CEST,M3.5.0,M10.5.0/3").expect("a zone");
        let timestamp = |text: &str| Timestamp::parse(text).expect("a time");
        for (at, start) in [
            ("2026-06-30T21:59:00Z", "2026-05-31T22:00:00Z"),
            ("2026-06-30T22:00:00Z", "2026-06-30T22:00:00Z"),
            // The clock changes within this month.
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
}
