//! Times that come again: cron expressions of five fields, read in the host's time zone. The only place that knows calendars.
//!
//! Where the clock is put forward, a job of a fixed hour that would fall into the gap runs right after it; where it is put back, such a
//! job runs once. Jobs with `*` or `/` in minute or hour follow the clock on the wall: they skip the gap, and run in both hours.

use std::fmt;

use cordboard_core::types::Moment;
use croner::parser::{CronParser, Seconds, Year};
use jiff::{Timestamp, Zoned, tz::TimeZone};

/// The fields of an expression, as an error names them.
const FIELDS: [&str; 5] = ["minute", "hour", "day of month", "month", "day of week"];

/// The most times that are counted between two moments: a year of minutes would take seconds, and past this nobody wants the number.
const COUNTED: usize = 10_000;

/// The time zone of the host.
#[derive(Debug, Clone)]
pub struct Zone(TimeZone);

impl Zone {
    /// As `TZ` and `/etc/localtime` have it now; UTC where they say nothing.
    #[must_use]
    pub fn system() -> Self {
        Self(TimeZone::try_system().unwrap_or(TimeZone::UTC))
    }

    /// The zone of that name, where the system knows it.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        TimeZone::get(name).ok().map(Self)
    }

    fn zoned(&self, moment: Moment) -> Option<Zoned> {
        let millis = i64::try_from(moment.0).ok()?;
        Some(Timestamp::from_millisecond(millis).ok()?.to_zoned(self.0.clone()))
    }
}

/// An expression that was understood. Two are the same where they are written the same.
#[derive(Clone)]
pub struct Cron {
    text: String,
    times: croner::Cron,
}

/// Why an expression is no such thing; for its author.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CronError {
    #[error(
        "it has {0} fields: write five, minute, hour, day of month, month and day of week, as \"30 7 * * mon-fri\""
    )]
    Fields(usize),
    #[error("'{text}' is not a valid {field}")]
    Field { field: &'static str, text: String },
    #[error("its fields do not go together")]
    Together,
    #[error("the day that it names never comes")]
    Never,
}

impl Cron {
    /// # Errors
    /// Which field is wrong.
    pub fn parse(text: &str) -> Result<Self, CronError> {
        let fields: Vec<&str> = text.split_whitespace().collect();
        let [_, _, _, _, _] = fields.as_slice() else { return Err(CronError::Fields(fields.len())) };
        let Some(times) = parse(&fields.join(" ")) else { return Err(wrong_field(&fields)) };
        let cron = Self { text: text.to_owned(), times };
        let since = Zone(TimeZone::UTC);
        if cron.next(&since, Moment(0)).is_none() { Err(CronError::Never) } else { Ok(cron) }
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The first time after `moment`.
    #[must_use]
    pub fn next(&self, zone: &Zone, moment: Moment) -> Option<Moment> {
        self.times.find_next_occurrence(&zone.zoned(moment)?, false).ok().as_ref().and_then(of)
    }

    /// The last time at or before `moment`.
    #[must_use]
    pub fn last(&self, zone: &Zone, moment: Moment) -> Option<Moment> {
        self.times.find_previous_occurrence(&zone.zoned(moment)?, true).ok().as_ref().and_then(of)
    }

    /// How many times lie between the two, neither of them counted.
    #[must_use]
    pub fn between(&self, zone: &Zone, from: Moment, to: Moment) -> u32 {
        let times = std::iter::successors(self.next(zone, from), |time| self.next(zone, *time));
        let count = times.take(COUNTED).take_while(|time| *time < to).count();
        u32::try_from(count).unwrap_or(u32::MAX)
    }
}

fn parse(text: &str) -> Option<croner::Cron> {
    let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
    parser.parse(text).ok()
}

/// The one that cannot be understood even where all others say nothing.
fn wrong_field(fields: &[&str]) -> CronError {
    let alone = |at: usize| {
        let mut others = ["*"; FIELDS.len()];
        others[at] = fields[at];
        parse(&others.join(" ")).is_none()
    };
    let wrong = (0..FIELDS.len()).find(|at| alone(*at));
    wrong.map_or(CronError::Together, |at| CronError::Field { field: FIELDS[at], text: fields[at].to_owned() })
}

fn of(zoned: &Zoned) -> Option<Moment> {
    u64::try_from(zoned.timestamp().as_millisecond()).ok().map(Moment)
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
        // Written as POSIX has it, so that no test needs the system's tables.
        Zone(TimeZone::posix(name).expect("a zone"))
    }

    fn berlin() -> Zone {
        zone("CET-1CEST,M3.5.0,M10.5.0/3")
    }

    fn moment(text: &str) -> Moment {
        let time: Timestamp = text.parse().expect("a time");
        Moment(u64::try_from(time.as_millisecond()).expect("after 1970"))
    }

    fn next(cron: &str, zone: &Zone, after: &str) -> String {
        let next = Cron::parse(cron).unwrap().next(zone, moment(after)).expect("it comes");
        Timestamp::from_millisecond(i64::try_from(next.0).unwrap()).unwrap().to_string()
    }

    #[test]
    fn a_time_is_the_hosts() {
        assert_eq!(next("30 7 * * mon-fri", &berlin(), "2026-11-21T12:00:00Z"), "2026-11-23T06:30:00Z");
        assert_eq!(next("30 7 * * *", &berlin(), "2026-07-01T12:00:00Z"), "2026-07-02T05:30:00Z");
        assert_eq!(next("*/15 * * * *", &zone("UTC0"), "2026-07-01T12:00:00Z"), "2026-07-01T12:15:00Z");
    }

    #[test]
    fn a_fixed_hour_in_the_gap_runs_after_it_and_in_the_fold_once() {
        let berlin = berlin();
        assert_eq!(next("30 2 * * *", &berlin, "2026-03-28T12:00:00Z"), "2026-03-29T01:00:00Z");
        assert_eq!(next("30 2 * * *", &berlin, "2026-10-24T12:00:00Z"), "2026-10-25T00:30:00Z");
        assert_eq!(next("30 2 * * *", &berlin, "2026-10-25T00:30:00Z"), "2026-10-26T01:30:00Z");
    }

    #[test]
    fn steps_follow_the_clock_on_the_wall() {
        let berlin = berlin();
        assert_eq!(next("*/30 * * * *", &berlin, "2026-03-29T00:45:00Z"), "2026-03-29T01:00:00Z");
        let both = Cron::parse("*/30 * * * *").unwrap();
        let (from, to) = (moment("2026-10-25T00:00:00Z"), moment("2026-10-25T02:00:00Z"));
        assert_eq!(both.between(&berlin, from, to), 3);
    }

    #[test]
    fn what_lies_between_is_counted() {
        let hourly = Cron::parse("0 * * * *").unwrap();
        let utc = zone("UTC0");
        let (from, to) = (moment("2026-01-01T00:00:00Z"), moment("2026-01-01T05:00:00Z"));
        assert_eq!(hourly.between(&utc, from, to), 4);
        assert_eq!(hourly.last(&utc, moment("2026-01-01T05:59:59Z")), Some(to));
        assert_eq!(hourly.last(&utc, to), Some(to));
        let minutes = Cron::parse("* * * * *").unwrap();
        assert_eq!(minutes.between(&utc, from, moment("2030-01-01T00:00:00Z")), 10_000);
    }

    #[test]
    fn a_wrong_expression_is_refused_with_its_field() {
        let why = |text| Cron::parse(text).unwrap_err().to_string();
        assert_eq!(why("61 * * * *"), "'61' is not a valid minute");
        assert_eq!(why("0 7 * * someday"), "'someday' is not a valid day of week");
        assert_eq!(why("0 7 32 13 *"), "'32' is not a valid day of month");
        assert_eq!(why("0 0 30 2 *"), "the day that it names never comes");
        for few in ["", "* * * *", "* * * * * *", "@hourly"] {
            assert!(why(few).contains("write five"), "{few}");
        }
    }
}
