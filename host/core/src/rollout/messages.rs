//! The texts about rollouts: answers to commands, notices, and why a version isn't active.

use std::time::Duration;

use super::{Active, Admission, Decision, short};
use crate::{
    config::spell_duration,
    route,
    session::{ApiError, RefusalCode},
    types::Timestamp,
};

pub(super) fn invalid(text: impl Into<String>) -> ApiError {
    ApiError { code: RefusalCode::Invalid, text: text.into() }
}

pub(super) fn failed(text: impl Into<String>) -> ApiError {
    ApiError { code: RefusalCode::Failed, text: text.into() }
}

/// The refusal of a command that could not be stored.
#[must_use]
pub fn not_stored(error: &str) -> ApiError {
    failed(format!("Cordboard could not store the change: {error}"))
}

/// The refusal of a command about a plugin that doesn't exist.
#[must_use]
pub fn no_such_plugin<'a>(name: &str, names: impl IntoIterator<Item = &'a str>) -> ApiError {
    let near =
        route::nearest(name, names.into_iter()).map_or_else(String::new, |near| format!(" Did you mean '{near}'?"));
    let text = format!("There is no plugin '{name}'.{near} /plugins lists them.");
    ApiError { code: RefusalCode::Unknown, text }
}

/// Describes the active version, such as "generation 3, 0123456789ab".
pub(super) fn active_version(active: &Active) -> String {
    format!("generation {}, {}", active.number, short(&active.digest))
}

pub(super) fn stays_active(active: Option<&Active>) -> String {
    active.map_or_else(String::new, |one| format!("\nGeneration {} stays active.", one.number))
}

pub(super) fn compiling(name: &str, digest: &str) -> String {
    format!("Plugin '{name}', version {}, is being compiled. You get a message when it is done.", short(digest))
}

pub(super) fn superseded(name: &str) -> ApiError {
    failed(format!("A newer version or command for plugin '{name}' replaced this one. See /plugins."))
}

/// Describes failed calls, such as "3 calls failed within 5m of its activation, the last one trapped".
pub(super) fn failures(count: u32, probation: Duration, last: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} call{plural} failed within {} of its activation, the last one {last}", spell_duration(probation))
}

pub(super) fn revoked(name: &str, revoked: &str, active: Option<&Active>) -> String {
    let serves = match active {
        Some(active) => format!("Active now: {}.", active_version(active)),
        None => "No version is active without it.".to_owned(),
    };
    format!("Plugin '{name}' is no longer granted {revoked}. {serves}")
}

/// Explains why `digest` isn't admitted. `None` if it is.
#[must_use]
pub fn not_admitted(name: &str, digest: &str, admission: &Admission, now: Timestamp) -> Option<String> {
    let version = short(digest);
    Some(match admission {
        Admission::Admitted => return None,
        Admission::Disabled(word) => disabled(name, word),
        Admission::RolledBack => {
            format!("version {version} was rolled back: save a new version, or type /plugins reload {name}")
        }
        Admission::Abandoned { falls, why } => format!(
            "version {version} was rolled back {falls} times because its calls failed, the last one {why}; save a new version, or type \
             /plugins reload {name}"
        ),
        Admission::Backoff { until, falls, why } => {
            let times = if *falls == 1 { "once".to_owned() } else { format!("{falls} times in a row") };
            let pause = spell_duration(seconds(until.since(now)));
            format!(
                "version {version} is tried again in {pause}, because it was rolled back {times}: the last call {why}; \
                 /plugins reload {name} tries it at once"
            )
        }
    })
}

/// Says when `digest` is tried again, for a reader who knows why it was rolled back.
pub(super) fn next_chance(name: &str, digest: &str, admission: &Admission, now: Timestamp) -> String {
    let version = short(digest);
    match admission {
        Admission::Backoff { until, .. } => {
            let pause = spell_duration(seconds(until.since(now)));
            format!("version {version} is tried again in {pause}; /plugins reload {name} tries it at once")
        }
        Admission::Abandoned { falls, .. } => format!(
            "version {version} was rolled back {falls} times and is not tried again: save a new version, or type /plugins reload {name}"
        ),
        Admission::Admitted | Admission::Disabled(_) | Admission::RolledBack => {
            format!("/plugins reload {name} tries it again")
        }
    }
}

/// Rounds up to whole seconds.
const fn seconds(span: Duration) -> Duration {
    Duration::from_secs(span.as_millis().div_ceil(1000) as u64)
}

#[must_use]
pub fn disabled(name: &str, word: &Decision) -> String {
    format!("disabled by {}; /plugins enable {name} enables it again", word.who)
}

/// Explains why a version that differs from the pinned one isn't activated.
#[must_use]
pub fn pinned(plugin: &str, digest: &str, only: &str) -> String {
    format!("[plugins.{plugin}] sha256 does not allow this version: it has {digest}, allowed is {only}")
}

pub(super) fn no_version_before(name: &str, digest: &str, how: &str) -> String {
    format!(
        "Plugin '{name}', version {}: {how}. There is no earlier version, so it stays active. Use \
         /plugins disable {name} to disable it.",
        short(digest)
    )
}
