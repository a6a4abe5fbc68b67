//! The source of a rule, as `/permissions` and the audit log show it.

use std::fmt;

use cordboard_plugin::{Timestamp, language::with_language, tr};

use crate::saved_rule::SavedRule;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    Configuration,
    /// The configuration for the sessions with this persona.
    Persona(String),
    /// The configuration for the session with this name.
    Session(String),
    Saved(SavedRule),
}

impl Source {
    /// Describes the source for users.
    pub fn label(&self) -> String {
        match self {
            Self::Configuration => tr!("configuration"),
            Self::Persona(name) => tr!("configuration of persona '{name}'", name),
            Self::Session(name) => tr!("configuration of session '{name}'", name),
            Self::Saved(SavedRule { session: None, by, at, .. }) => tr!("saved by {by}, {date}", by, date = date(*at)),
            Self::Saved(SavedRule { session: Some(name), by, at, .. }) => {
                tr!("saved for session '{name}' by {by}, {date}", name, by, date = date(*at))
            }
        }
    }
}

/// Describes the source in English, for the audit log and for agents.
impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&with_language(None, || self.label()))
    }
}

/// Formats the date in UTC, as in `2026-11-28`.
fn date(at: Timestamp) -> String {
    // Count from March 1 of year 0 in cycles of 400 years, so that a leap day is the last day of its year. See
    // https://howardhinnant.github.io/date_algorithms.html#civil_from_days
    let days = at / 86_400_000 + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year_of_era = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day_of_year = day - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day_of_month = day_of_year - (153 * from_march + 2) / 5 + 1;
    let (month, next_year) = if from_march < 10 { (from_march + 3, 0) } else { (from_march - 9, 1) };
    format!("{:04}-{month:02}-{day_of_month:02}", era * 400 + year_of_era + next_year)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        const DAY: Timestamp = 86_400_000;
        let dates = [0, 59 * DAY, 11_016 * DAY, 20_785 * DAY + 1, 20_819 * DAY - 1, 47_540 * DAY].map(date);
        assert_eq!(dates, ["1970-01-01", "1970-03-01", "2000-02-29", "2026-11-28", "2026-12-31", "2100-02-28"]);
    }
}
