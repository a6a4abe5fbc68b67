//! A schedule: `/remind 10m tea` posts "tea" after ten minutes, in the place where the command was sent, even if the
//! host restarts meanwhile. A job looks for due reminders every minute.

mod german;

use cordboard_plugin::{
    Call, Command, Place, Reply, Schedule, Timestamp, chat,
    command::Spec,
    context,
    language::with_language,
    schedule::{DueJob, Job},
    state,
    text::{escape, long_span, span, usage},
    tr,
};

/// The maximum number of reminders per place, so that a runaway script can't add reminders endlessly.
const MAX_REMINDERS: usize = 50;

/// The shortest delay in seconds, which is the interval of the job.
const MIN_DELAY: u64 = 60;

/// /// How long before its due time a reminder may be posted, in milliseconds. It is half of the job's interval, so the
/// run closest to the due time posts the reminder.
const TOLERANCE: Timestamp = 30 * 1000;

/// A post that is at least this late, in milliseconds, says when it was due. A post is late if the host was stopped or
/// the machine slept, for example.
const LATE: Timestamp = 2 * 60 * 1000;

/// /// A reminder that can't be posted is dropped when it is this late, in milliseconds. Its place is probably
/// abandoned.
const MAX_LATE: Timestamp = 7 * 24 * 60 * 60 * 1000;

/// The stored value of a reminder. Its key is the due time and a number, so that keys sort by due time.
#[derive(Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
struct Reminder {
    front_end: String,
    chat: String,
    topic: Option<String>,
    text: String,
    /// The locale of the person who set it. Reminders of earlier versions have none.
    #[serde(default)]
    locale: Option<String>,
}

struct Remind;

impl Command for Remind {
    fn specs() -> Result<Vec<Spec>, String> {
        Ok(vec![Spec::new("remind", &tr!("Set a reminder"), &tr!("/remind [<10m|2h|1d> <text>]"))])
    }

    fn run(call: &Call) -> Result<Reply, String> {
        let (place, now) = (context::place()?, context::now());
        match parse_arguments(&call.text) {
            Arguments::List => Ok(list(&reminders_in(&place), now)),
            Arguments::Drop(key) => {
                let exists = reminders_in(&place).iter().any(|(one, _)| *one == key);
                if exists {
                    state::delete(&key)?;
                }
                Ok(Reply::plain(&if exists { tr!("Dropped.") } else { tr!("That reminder no longer exists.") }))
            }
            Arguments::In(seconds, _) if seconds < MIN_DELAY => {
                Ok(Reply::plain(&format!("{}\n{}", tr!("The shortest time is one minute."), own_usage())))
            }
            Arguments::In(seconds, text) => {
                if reminders_in(&place).len() >= MAX_REMINDERS {
                    return Ok(Reply::plain(&too_many()));
                }
                let reminder = Reminder { locale: context::locale(), ..Reminder::new(place, text) };
                store(now + seconds * 1000, reminder)?;
                Ok(Reply::plain(&tr!("I will remind you in {}.", long_span(seconds))))
            }
            Arguments::Invalid => Ok(Reply::plain(&own_usage())),
        }
    }
}

impl Schedule for Remind {
    fn jobs() -> Result<Vec<Job>, String> {
        Ok(vec![Job::new("look", "* * * * *")])
    }

    fn run(job: DueJob) -> Result<(), String> {
        let (mut result, mut posted) = (Ok(()), 0);
        for key in state::keys("") {
            let Some(at) = due_time(&key).filter(|at| *at <= job.at + TOLERANCE) else { break };
            let Some(reminder) = read(&key) else { continue };
            let late = job.at.saturating_sub(at);
            // A place that refuses a post must not block the others. Posts that exceed the limits of this call wait for
            // the next run.
            let message = with_language(reminder.locale.as_deref(), || reminder.message(late));
            match chat::post(&reminder.place(), &message) {
                Ok(_) => posted += 1,
                Err(why) => {
                    result = Err(why);
                    if posted > 0 || late < MAX_LATE {
                        continue;
                    }
                }
            }
            // If the host is killed here, the reminder is posted twice, which is better than not at all.
            state::delete(&key)?;
        }
        result
    }
}

/// The parsed arguments.
#[derive(Debug, PartialEq, Eq)]
enum Arguments<'t> {
    List,
    Drop(String),
    In(u64, &'t str),
    Invalid,
}

fn parse_arguments(text: &str) -> Arguments<'_> {
    let text = text.trim();
    if text.is_empty() {
        return Arguments::List;
    }
    let Some((first, rest)) = text.split_once(char::is_whitespace) else { return Arguments::Invalid };
    match (first, span(first)) {
        ("drop", _) => Arguments::Drop(rest.trim().to_owned()),
        (_, Some(seconds)) => Arguments::In(seconds, rest.trim()),
        (_, None) => Arguments::Invalid,
    }
}

fn own_usage() -> String {
    usage(&tr!("/remind <10m|2h|1d> <text>"))
}

fn too_many() -> String {
    tr!("You already have {most} reminders here. Use /remind to drop some.", most = MAX_REMINDERS)
}

fn list(reminders: &[(String, Reminder)], now: Timestamp) -> Reply {
    if reminders.is_empty() {
        return Reply::plain(&format!("{}\n\n{}", tr!("No reminders here."), own_usage()));
    }
    let line = |(key, reminder): &(String, Reminder)| {
        let left = due_time(key).unwrap_or(now).saturating_sub(now).div_ceil(1000);
        format!(
            "- {}",
            tr!("in {left}: {text}", left = long_span(left.div_ceil(60) * 60), text = escape(&reminder.text))
        )
    };
    let reply = Reply::text(reminders.iter().map(line).collect::<Vec<_>>().join("\n"));
    reminders.iter().fold(reply, |reply, (key, reminder)| {
        let label: String = reminder.text.chars().take(20).collect();
        reply.button(tr!("Drop {label}", label), format!("/remind drop {key}"))
    })
}

impl Reminder {
    fn new(place: Place, text: &str) -> Self {
        Self { front_end: place.front_end, chat: place.chat, topic: place.topic, text: text.to_owned(), locale: None }
    }

    fn place(&self) -> Place {
        Place { front_end: self.front_end.clone(), chat: self.chat.clone(), topic: self.topic.clone() }
    }

    fn message(&self, late: Timestamp) -> Reply {
        let mut text = format!("\u{23f0} {}", escape(&self.text));
        if late >= LATE {
            text = format!("{text} ({})", tr!("due {} ago", long_span(late / 1000 / 60 * 60)));
        }
        Reply::text(text)
    }
}

/// Returns the reminders of a place with their keys, in the order of their due times.
fn reminders_in(place: &Place) -> Vec<(String, Reminder)> {
    let all = state::keys("").into_iter().filter_map(|key| read(&key).map(|reminder| (key, reminder)));
    all.filter(|(_, reminder)| reminder.place() == *place).collect()
}

fn read(key: &str) -> Option<Reminder> {
    serde_json::from_str(&state::get_text(key)?).ok()
}

/// Stores a reminder under an unused key, because several reminders may be due at the same time.
fn store(at: Timestamp, reminder: Reminder) -> Result<(), String> {
    let value = serde_json::to_vec(&reminder).map_err(|error| error.to_string())?;
    for number in 0..MAX_REMINDERS {
        match state::compare_and_swap(&format!("{at:016}-{number}"), None, Some(&value)) {
            Ok(()) => return Ok(()),
            Err(state::SwapError::Changed(_)) => {}
            Err(state::SwapError::Failed(why)) => return Err(why),
        }
    }
    Err(tr!("Too many reminders are due at the same time."))
}

fn due_time(key: &str) -> Option<Timestamp> {
    key.split_once('-')?.0.parse().ok()
}

cordboard_plugin::export!(Remind: command, schedule; german::GERMAN);

#[cfg(test)]
mod tests {
    use super::*;

    fn reminder(text: &str) -> Reminder {
        Reminder::new(Place { front_end: "console".into(), chat: "local".into(), topic: None }, text)
    }

    #[test]
    fn a_span_and_a_text_are_required() {
        assert_eq!(parse_arguments(" 10m  tea is ready "), Arguments::In(600, "tea is ready"));
        assert_eq!(parse_arguments("1h30m bread"), Arguments::In(5400, "bread"));
        assert_eq!(
            [parse_arguments(""), parse_arguments("10m"), parse_arguments("tea in 10m"), parse_arguments("0m tea")],
            [Arguments::List, Arguments::Invalid, Arguments::Invalid, Arguments::Invalid]
        );
        assert_eq!(parse_arguments("drop 0000000000600000-0"), Arguments::Drop("0000000000600000-0".to_owned()));
    }

    #[test]
    fn late_reminders_say_so() {
        assert_eq!(reminder("tea").message(59_000).text, "\u{23f0} tea");
        assert_eq!(reminder("tea").message(3 * 3_600_000).text, "\u{23f0} tea (due 3 hours ago)");
    }

    #[test]
    fn the_limit_is_named() {
        assert_eq!(too_many(), "You already have 50 reminders here. Use /remind to drop some.");
    }

    #[test]
    fn reminders_are_listed_with_drop_buttons() {
        let key = format!("{:016}-0", 600_000);
        let reply = list(&[(key.clone(), reminder("tea_time"))], 0);
        assert_eq!(reply.text, "- in 10 minutes: tea_time");
        assert_eq!(list(&[(key.clone(), reminder("tea_time"))], 1).text, reply.text);
        assert_eq!(reply.buttons[0][0].command, format!("/remind drop {key}"));
        assert_eq!(due_time(&key), Some(600_000));
    }
}
