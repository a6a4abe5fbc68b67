//! The times at which people write, and their reactions to the host's messages.

use std::time::Duration;

use super::agenda::between;
use crate::{
    messages::SessionNotice,
    random_worlds::Dice,
    types::{SessionName, Timestamp},
};

const SECOND: u64 = 1000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
pub const DAY: u64 = 24 * HOUR;

/// The hours between which people write.
const EVENING: u64 = 23;
const MORNING: u64 = 7;
/// From this time on, nothing fails until the inspection.
const CALM: u64 = 2 * HOUR;
/// The time at which people send the last command of a day.
pub const LAST_STOP: u64 = 3 * HOUR + 30 * MINUTE;
pub const INSPECTION: u64 = 4 * HOUR;
pub const REPLACEMENT: u64 = 4 * HOUR + 30 * MINUTE;

/// Returns the time since midnight in milliseconds.
const fn time_of_day(at: Timestamp) -> u64 {
    at.0 % DAY
}

/// Returns whether no fault may begin or continue at this time.
pub fn is_calm(at: Timestamp) -> bool {
    (CALM..MORNING * HOUR).contains(&time_of_day(at))
}

/// Returns the time of the next message: soon during a conversation, else some hours later, but not at night.
pub fn next_message(dice: &mut Dice, now: Timestamp) -> Timestamp {
    let pause = if dice.one_in(2) { between(dice, HOUR, 6 * HOUR) } else { between(dice, 5 * SECOND, 10 * MINUTE) };
    by_day(dice, now.after(pause))
}

/// Returns the time, or one in the next morning if people sleep at that time.
pub fn by_day(dice: &mut Dice, at: Timestamp) -> Timestamp {
    let time = time_of_day(at);
    let wait = match time / HOUR {
        EVENING.. => DAY - time + MORNING * HOUR,
        0..MORNING => MORNING * HOUR - time,
        _ => return at,
    };
    at.after(Duration::from_millis(wait)).after(between(dice, 0, 2 * HOUR))
}

/// Returns the first time after `now` that is this long after midnight.
pub fn next_time(now: Timestamp, after_midnight: u64) -> Timestamp {
    let today = Timestamp(now.0 - time_of_day(now) + after_midnight);
    if today > now { today } else { Timestamp(today.0 + DAY) }
}

/// Returns a user's reaction to a message from the session and the delay of the reaction. Users ignore some messages.
pub fn reaction(dice: &mut Dice, session: &SessionName, notice: &SessionNotice) -> Option<(Duration, &'static str)> {
    use SessionNotice as Notice;
    let commands: &[&str] = if matches!(notice, Notice::Asked { .. }) {
        &["/yes", "/yes", "/yes", "/no"]
    } else if matches!(notice, Notice::Stalled { .. }) {
        &["/stop", "/stop all", "/retry"]
    } else if matches!(notice, Notice::ResumeRefused { .. } | Notice::Broken { .. }) {
        &["/retry", "/fresh"]
    } else if matches!(notice, Notice::StartFailed { .. } | Notice::NotStarted { .. } | Notice::PersonaFailed { .. }) {
        &["/retry"]
    } else if notice.reply(session).request.is_some() {
        &["/retry", "/retry", "/leave"]
    } else {
        return None;
    };
    let command = dice.pick(commands);
    (!dice.one_in(6)).then(|| (between(dice, 5 * SECOND, 20 * MINUTE), command))
}
