//! Cron expressions with five fields, evaluated in a time zone.
//!
//! If the clock skips a job's fixed time, the job runs at the end of the gap. If the clock is set back and a job's
//! fixed time occurs twice, the job runs only the first time. A job with `*` or `/` in the minute or hour field follows
//! the wall clock: it doesn't run during the gap, and it runs both times if a time occurs twice.

use std::fmt;

use croner::{
    Direction,
    parser::{CronParser, Seconds, Year},
};
use jiff::{SignedDuration, civil::DateTime, tz::TimeZone};

use crate::{
    time_zone::{Zone, to_timestamp},
    types::Timestamp,
};

/// The field names used in error messages.
const FIELDS: [&str; 5] = ["minute", "hour", "day of month", "month", "day of week"];

/// The maximum that [`Cron::between`] returns. Counting a year's runs of `* * * * *` would take seconds, and callers
/// don't need a larger number.
const COUNTED: usize = 10_000;

/// A parsed cron expression. Two expressions are equal if their texts are equal.
#[derive(Clone)]
pub struct Cron {
    text: String,
    times: croner::Cron,
    /// Whether the minute and hour fields contain only fixed values. If so, clock changes neither skip nor repeat runs.
    fixed: bool,
}

/// The reason why an expression is invalid, as a message for its author.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CronError {
    #[error(
        "it has {0} fields instead of five (minute, hour, day of month, month, day of week); an example is \"30 7 * * mon-fri\""
    )]
    Fields(usize),
    #[error("'{text}' is not a valid {field}")]
    Field { field: &'static str, text: String },
    #[error("its fields contradict each other")]
    Together,
    #[error("its date never occurs")]
    Never,
}

impl Cron {
    /// Parses a cron expression.
    ///
    /// # Errors
    /// Fails if the number of fields is not five, if a field is invalid, if the fields contradict each other, or if the
    /// expression never matches a time.
    pub fn parse(text: &str) -> Result<Self, CronError> {
        let fields: Vec<&str> = text.split_whitespace().collect();
        let [minute, hour, _, _, _] = fields.as_slice() else { return Err(CronError::Fields(fields.len())) };
        let Some(times) = parse(&fields) else { return Err(wrong_field(&fields)) };
        let fixed = [minute, hour].iter().all(|field| lists_values(field));
        let cron = Self { text: text.to_owned(), times, fixed };
        if cron.next(&Zone::utc(), Timestamp(0)).is_none() { Err(CronError::Never) } else { Ok(cron) }
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns whether the minute and hour fields contain only fixed values.
    #[must_use]
    pub const fn is_fixed(&self) -> bool {
        self.fixed
    }

    /// Returns the first run after `at`.
    #[must_use]
    pub fn next(&self, zone: &Zone, at: Timestamp) -> Option<Timestamp> {
        let from = zone.zoned(at)?;
        if !self.fixed {
            return to_timestamp(self.times.find_next_occurrence(&from, false).ok()?.timestamp());
        }
        // Skip timestamps up to `at`: several calendar times may map to the end of a gap, and after the clock is set
        // back, the next calendar times may map to timestamps before `at`.
        let times = std::iter::successors(Some(from.datetime()), |time| self.adjacent(*time, Direction::Forward));
        times.skip(1).map_while(|time| zone.timestamp_of(time)).find(|time| *time > at)
    }

    /// Returns the last run at or before `at`.
    #[must_use]
    pub fn last(&self, zone: &Zone, at: Timestamp) -> Option<Timestamp> {
        let from = zone.zoned(at)?;
        if !self.fixed {
            return to_timestamp(self.times.find_previous_occurrence(&from, true).ok()?.timestamp());
        }
        // The search excludes its starting time, so start one second later.
        let beyond = zone.latest_shown(&from)?.checked_add(SignedDuration::from_secs(1)).ok()?;
        let times = std::iter::successors(Some(beyond), |time| self.adjacent(*time, Direction::Backward));
        times.skip(1).map_while(|time| zone.timestamp_of(time)).find(|time| *time <= at)
    }

    /// Returns the next or previous matching calendar time, ignoring clock changes.
    fn adjacent(&self, time: DateTime, direction: Direction) -> Option<DateTime> {
        let time = time.to_zoned(TimeZone::UTC).ok()?;
        let found = match direction {
            Direction::Forward => self.times.find_next_occurrence(&time, false),
            Direction::Backward => self.times.find_previous_occurrence(&time, false),
        };
        found.ok().map(|found| found.datetime())
    }

    /// Counts the runs strictly between `from` and `to`, up to 10,000.
    #[must_use]
    pub fn between(&self, zone: &Zone, from: Timestamp, to: Timestamp) -> u32 {
        let times = std::iter::successors(self.next(zone, from), |time| self.next(zone, *time));
        let count = times.take(COUNTED).take_while(|time| *time < to).count();
        u32::try_from(count).unwrap_or(u32::MAX)
    }
}

/// Returns whether a field consists only of numbers, lists and ranges.
fn lists_values(field: &str) -> bool {
    field.bytes().all(|byte| byte.is_ascii_digit() || byte == b',' || byte == b'-')
}

/// Parses the fields as crontab(5) does. If one of the two day fields starts with a star, such as `*/2`, a day must
/// match both fields; otherwise, a day must match at least one of them.
fn parse(fields: &[&str]) -> Option<croner::Cron> {
    let begins_with_star = |at: usize| fields.get(at).is_some_and(|field| field.starts_with(['*', '?']));
    let both = begins_with_star(2) || begins_with_star(4);
    let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).dom_and_dow(both).build();
    parser.parse(&fields.join(" ")).ok()
}

/// Returns the error for the first field that is invalid by itself, or [`CronError::Together`] if each field is valid
/// by itself.
fn wrong_field(fields: &[&str]) -> CronError {
    let alone = |at: usize| {
        let mut others = ["*"; FIELDS.len()];
        others[at] = fields[at];
        parse(&others).is_none()
    };
    let wrong = (0..FIELDS.len()).find(|at| alone(*at));
    wrong.map_or(CronError::Together, |at| CronError::Field { field: FIELDS[at], text: fields[at].to_owned() })
}

impl PartialEq for Cron {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Cron {}

impl fmt::Debug for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Cron").field(&self.text).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone(name: &str) -> Zone {
        Zone::posix(name).expect("a zone")
    }

    fn berlin() -> Zone {
        zone("CET-1CEST,M3.5.0,M10.5.0/3")
    }

    fn timestamp(text: &str) -> Timestamp {
        let time: jiff::Timestamp = text.parse().expect("a time");
        Timestamp(u64::try_from(time.as_millisecond()).expect("after 1970"))
    }

    fn next(cron: &str, zone: &Zone, after: &str) -> String {
        let next = Cron::parse(cron).unwrap().next(zone, timestamp(after)).expect("a next run");
        jiff::Timestamp::from_millisecond(i64::try_from(next.0).unwrap()).unwrap().to_string()
    }

    #[test]
    fn times_are_in_the_hosts_time_zone() {
        assert_eq!(next("30 7 * * mon-fri", &berlin(), "2026-11-21T12:00:00Z"), "2026-11-23T06:30:00Z");
        assert_eq!(next("30 7 * * *", &berlin(), "2026-07-01T12:00:00Z"), "2026-07-02T05:30:00Z");
        assert_eq!(next("*/15 * * * *", &zone("UTC0"), "2026-07-01T12:00:00Z"), "2026-07-01T12:15:00Z");
    }

    #[test]
    fn a_fixed_hour_runs_once_across_clock_changes() {
        let berlin = berlin();
        assert_eq!(next("30 2 * * *", &berlin, "2026-03-28T12:00:00Z"), "2026-03-29T01:00:00Z");
        assert_eq!(next("30 2 * * *", &berlin, "2026-10-24T12:00:00Z"), "2026-10-25T00:30:00Z");
        assert_eq!(next("30 2 * * *", &berlin, "2026-10-25T00:30:00Z"), "2026-10-26T01:30:00Z");
    }

    #[test]
    fn several_fixed_times_run_once_each_across_clock_changes() {
        let berlin = berlin();
        let all = |cron: &str, from: &str, to: &str| {
            let (cron, from, to) = (Cron::parse(cron).unwrap(), timestamp(from), timestamp(to));
            let all: Vec<_> = std::iter::successors(cron.next(&berlin, from), |time| cron.next(&berlin, *time))
                .take_while(|time| *time < to)
                .collect();
            assert_eq!(usize::try_from(cron.between(&berlin, from, to)).unwrap(), all.len());
            for time in &all {
                assert_eq!(cron.last(&berlin, *time), Some(*time), "also found backwards");
                assert_eq!(cron.last(&berlin, Timestamp(time.0 + 59_999)), Some(*time));
            }
            let shown = |time: &Timestamp| {
                jiff::Timestamp::from_millisecond(i64::try_from(time.0).unwrap()).unwrap().to_string()
            };
            all.iter().map(shown).map(|text| text[11..16].to_owned()).collect::<Vec<_>>()
        };
        let spring = ("2026-03-29T00:00:00Z", "2026-03-29T03:00:00Z");
        let autumn = ("2026-10-25T00:00:00Z", "2026-10-25T03:00:00Z");
        for (cron, in_spring, in_autumn) in [
            ("30 2 * * *", &["01:00"][..], &["00:30"][..]),
            ("30 2,14 * * *", &["01:00"], &["00:30"]),
            ("0,30 2 * * *", &["01:00"], &["00:30"]),
            ("15,45 2,3 * * *", &["01:00", "01:15", "01:45"], &["00:15", "00:45", "02:15", "02:45"]),
            ("15 2-3 * * *", &["01:00", "01:15"], &["00:15", "02:15"]),
        ] {
            assert_eq!(all(cron, spring.0, spring.1), in_spring, "{cron}");
            assert_eq!(all(cron, autumn.0, autumn.1), in_autumn, "{cron}");
        }
        // At 01:15 UTC on 2026-10-25, the clock shows 02:15 for the second time.
        let twice = Cron::parse("0,30 2 * * *").unwrap();
        assert_eq!(twice.last(&berlin, timestamp("2026-10-25T01:15:00Z")), Some(timestamp("2026-10-25T00:30:00Z")));
        assert_eq!(twice.next(&berlin, timestamp("2026-10-25T01:15:00Z")), Some(timestamp("2026-10-26T01:00:00Z")));
        assert_eq!(twice.last(&berlin, timestamp("2026-03-29T00:59:59Z")), Some(timestamp("2026-03-28T01:30:00Z")));
    }

    #[test]
    fn steps_follow_the_wall_clock() {
        let berlin = berlin();
        assert_eq!(next("*/30 * * * *", &berlin, "2026-03-29T00:45:00Z"), "2026-03-29T01:00:00Z");
        let both = Cron::parse("*/30 * * * *").unwrap();
        let (from, to) = (timestamp("2026-10-25T00:00:00Z"), timestamp("2026-10-25T02:00:00Z"));
        assert_eq!(both.between(&berlin, from, to), 3);
    }

    #[test]
    fn a_day_must_match_both_fields_if_one_starts_with_a_star() {
        // 2026-06-01 is a Monday.
        let all = |cron: &str| {
            let (cron, zone, end) = (Cron::parse(cron).unwrap(), zone("UTC0"), timestamp("2026-06-17T00:00:00Z"));
            let from = timestamp("2026-05-31T12:00:00Z");
            let times = std::iter::successors(cron.next(&zone, from), |time| cron.next(&zone, *time));
            let days = times.take_while(|time| *time < end).map(|time| 1 + (time.0 - from.0) / 86_400_000);
            days.collect::<Vec<_>>()
        };
        for (cron, days) in [
            ("0 9 */2 * 1", &[1, 15][..]),
            ("0 9 */2 * mon,tue", &[1, 9, 15]),
            ("0 9 */5 * */3", &[6]),
            ("0 9 2-10 * */2", &[2, 4, 6, 7, 9]),
            ("0 9 * * 1", &[1, 8, 15]),
            ("0 9 5,9 * *", &[5, 9]),
            ("0 9 5,9 * 1", &[1, 5, 8, 9, 15]),
            ("0 9 1-31/5 * 1", &[1, 6, 8, 11, 15, 16]),
        ] {
            assert_eq!(all(cron), days, "{cron}");
        }
    }

    #[test]
    fn missed_times_are_counted() {
        let hourly = Cron::parse("0 * * * *").unwrap();
        let utc = zone("UTC0");
        let (from, to) = (timestamp("2026-01-01T00:00:00Z"), timestamp("2026-01-01T05:00:00Z"));
        assert_eq!(hourly.between(&utc, from, to), 4);
        assert_eq!(hourly.last(&utc, timestamp("2026-01-01T05:59:59Z")), Some(to));
        assert_eq!(hourly.last(&utc, to), Some(to));
        let minutes = Cron::parse("* * * * *").unwrap();
        assert_eq!(minutes.between(&utc, from, timestamp("2030-01-01T00:00:00Z")), 10_000);
    }

    #[test]
    fn an_invalid_expression_names_its_field() {
        let why = |text| Cron::parse(text).unwrap_err().to_string();
        assert_eq!(why("61 * * * *"), "'61' is not a valid minute");
        assert_eq!(why("0 7 * * someday"), "'someday' is not a valid day of week");
        assert_eq!(why("0 7 32 13 *"), "'32' is not a valid day of month");
        assert_eq!(why("0 0 30 2 *"), "its date never occurs");
        for few in ["", "* * * *", "* * * * * *", "@hourly"] {
            assert!(why(few).contains("instead of five"), "{few}");
        }
    }
}
