//! What keeps a version out though nothing is wrong with it, in words for the operator.

use cordboard_core::{
    config::spell_duration,
    standing::{Admission, Word},
    types::Moment,
};

use crate::plugin::short;

/// Why `digest` is not let in; none where it is.
#[must_use]
pub fn held_off(name: &str, digest: &str, (admission, now): (&Admission, Moment)) -> Option<String> {
    let version = short(digest);
    Some(match admission {
        Admission::In => return None,
        Admission::Disabled(word) => disabled(name, word),
        Admission::RolledBack => {
            format!("version {version} was rolled back: save other bytes, or type /plugins reload {name}")
        }
        Admission::GivenUp { falls, why } => format!(
            "version {version} was rolled back {falls} times because its calls failed, the last one {why}; save other bytes, or type \
             /plugins reload {name}"
        ),
        Admission::Later { until, falls, why } => {
            let times = if *falls == 1 { "once".to_owned() } else { format!("{falls} times in a row") };
            let pause = spell_duration(seconds(until.since(now)));
            format!(
                "version {version} is tried in {pause}, because the plugin was rolled back {times}: the last call {why}; \
                 /plugins reload {name} tries it at once"
            )
        }
    })
}

/// When `digest` has its next chance, for who was told already why it fell.
#[must_use]
pub fn next_chance(name: &str, digest: &str, (admission, now): (&Admission, Moment)) -> String {
    let version = short(digest);
    match admission {
        Admission::Later { until, .. } => {
            let pause = spell_duration(seconds(until.since(now)));
            format!("version {version} is tried again in {pause}; /plugins reload {name} tries it at once")
        }
        Admission::GivenUp { falls, .. } => format!(
            "version {version} was rolled back {falls} times and is not tried again: save other bytes, or type /plugins reload {name}"
        ),
        Admission::In | Admission::Disabled(_) | Admission::RolledBack => {
            format!("/plugins reload {name} tries it again")
        }
    }
}

/// As people tell them.
const fn seconds(span: std::time::Duration) -> std::time::Duration {
    std::time::Duration::from_secs(span.as_millis().div_ceil(1000) as u64)
}

#[must_use]
pub fn disabled(name: &str, word: &Word) -> String {
    format!("disabled by {}; /plugins enable {name} brings it back", word.who)
}
