//! The messages about rollouts: answers to commands, notices, and the reasons why a version isn't active.

use std::time::Duration;

use tr::tr;

use super::{Active, Admission, Decision, TrialError, short};
use crate::{
    config::format_duration,
    route,
    session::{ApiError, ApiErrorCode},
    types::Timestamp,
};

pub(super) fn invalid(text: impl Into<String>) -> ApiError {
    ApiError { code: ApiErrorCode::Invalid, text: text.into() }
}

pub(super) fn failed(text: impl Into<String>) -> ApiError {
    ApiError { code: ApiErrorCode::Failed, text: text.into() }
}

/// Returns the error for a command whose change could not be stored.
#[must_use]
pub fn not_stored(error: &str) -> ApiError {
    failed(tr!("Cordboard could not store the change: {error}", error))
}

/// Returns the error for a command that names a plugin that doesn't exist.
#[must_use]
pub fn no_such_plugin<'a>(name: &str, names: impl IntoIterator<Item = &'a str>) -> ApiError {
    let near =
        route::nearest(name, names.into_iter()).map_or_else(String::new, |near| tr!(" Did you mean '{near}'?", near));
    let text = tr!("There is no plugin '{name}'.{near} /plugins lists them.", name, near);
    ApiError { code: ApiErrorCode::Unknown, text }
}

/// Describes the active version, such as "generation 3, 0123456789ab".
pub(super) fn active_version(active: &Active) -> String {
    tr!("generation {}, {}", active.number, short(&active.digest))
}

pub(super) fn stays_active(active: Option<&Active>) -> String {
    active.map_or_else(String::new, |one| tr!("\nGeneration {} stays active.", one.number))
}

pub(super) fn compiling(name: &str, digest: &str) -> String {
    tr!("Plugin '{name}', version {}, is being compiled. You get a message when it is done.", short(digest), name)
}

/// Returns the answer to a command whose version was rejected. `goal` is the digest of that version.
pub(super) fn not_rolled_out(name: &str, goal: &str, error: &TrialError, stays_active: &str) -> ApiError {
    if error.missing.is_empty() {
        let why = &error.reason.operator_text;
        return failed(tr!("Plugin '{name}' was rejected: {why}.{stays_active}", name, why, stays_active));
    }
    let (version, why) = (short(goal), &error.reason.why);
    invalid(tr!(
        "Plugin '{name}', version {version}, is pending approval: {why}.{stays_active}",
        name,
        version,
        why,
        stays_active
    ))
}

/// Returns the answer to a rollback. `reloads` is the plugin if a reload would activate the version again.
pub(super) fn rolled_back(name: &str, version: &str, active_now: Option<&str>, reloads: Option<&str>) -> String {
    let again = reloads.map_or_else(String::new, |name| {
        tr!(" To use version {version} again, type /plugins reload {name}.", version, name)
    });
    tr!(
        "Plugin '{name}', version {version}, is rolled back. Active now: {active_now}.{again}",
        name,
        version,
        active_now = active_now.unwrap_or_default(),
        again
    )
}

/// The reason why a job ends without an outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cancellation {
    /// Another job begins, for a newer version or command.
    Replaced,
    /// The plugin's file has changed, and the new file isn't rolled out.
    FileNotUsed,
    FileRemoved,
    Disabled,
}

/// Returns the answer to a command whose job ended without an outcome.
pub(super) fn canceled(name: &str, cancellation: Cancellation) -> ApiError {
    failed(match cancellation {
        Cancellation::Replaced => {
            tr!("A newer version or command for plugin '{name}' replaced this command. See /plugins.", name)
        }
        Cancellation::FileNotUsed => {
            tr!("This command was canceled, because the file of plugin '{name}' changed. See /plugins.", name)
        }
        Cancellation::FileRemoved => {
            tr!("This command was canceled, because the file of plugin '{name}' was removed. See /plugins.", name)
        }
        Cancellation::Disabled => {
            tr!("This command was canceled, because plugin '{name}' was disabled. See /plugins.", name)
        }
    })
}

/// Describes failed calls, such as "3 calls failed within 5m of its activation, the last one trapped".
pub(super) fn failed_calls(count: u32, probation: Duration, last: &str) -> String {
    let within = format_duration(probation);
    tr!(
        "1 call failed within {within} of its activation, the last one {last}"
            | "{n} calls failed within {within} of its activation, the last one {last}" % count,
        within,
        last
    )
}

pub(super) fn revoked(name: &str, revoked: &str, active: Option<&Active>) -> String {
    let active_now = match active {
        Some(active) => tr!("Active now: {}.", active_version(active)),
        None if revoked.contains(", ") => tr!("No version is active without them."),
        None => tr!("No version is active without it."),
    };
    tr!("Plugin '{name}' is no longer granted {revoked}. {active_now}", name, revoked, active_now)
}

/// Explains why `digest` isn't admitted, or returns `None` if it is.
#[must_use]
pub fn not_admitted(name: &str, digest: &str, admission: &Admission, now: Timestamp) -> Option<String> {
    let version = short(digest);
    Some(match admission {
        Admission::Admitted => return None,
        Admission::Disabled(decision) => disabled(name, decision),
        Admission::RolledBack => {
            tr!("version {version} was rolled back: save a new version, or type /plugins reload {name}", version, name)
        }
        Admission::Abandoned { rollbacks, why } => tr!(
            "version {version} was rolled back {rollbacks} times because of failed calls, the last of which {why}; save a \
             new version, or type /plugins reload {name}",
            version,
            rollbacks,
            why,
            name
        ),
        Admission::Backoff { until, rollbacks, why } => {
            let pause = format_duration(round_up_to_seconds(until.since(now)));
            tr!(
                "version {version} will be tried again in {pause}, because it was rolled back once after failed calls, the last of which {why}; /plugins reload {name} tries it at once"
                    | "version {version} will be tried again in {pause}, because it was rolled back {n} times in a row after failed calls, the last of which {why}; /plugins reload {name} tries it at once"
                        % *rollbacks,
                version,
                pause,
                why,
                name
            )
        }
    })
}

/// Says when `digest` will be tried again, without repeating why it was rolled back.
pub(super) fn next_attempt(name: &str, digest: &str, admission: &Admission, now: Timestamp) -> String {
    let version = short(digest);
    match admission {
        Admission::Backoff { until, .. } => {
            let pause = format_duration(round_up_to_seconds(until.since(now)));
            tr!(
                "version {version} will be tried again in {pause}; /plugins reload {name} tries it at once",
                version,
                pause,
                name
            )
        }
        Admission::Abandoned { rollbacks, .. } => tr!(
            "version {version} was rolled back {rollbacks} times and won't be tried again: save a new version, or type /plugins reload {name}",
            version,
            rollbacks,
            name
        ),
        Admission::Admitted | Admission::Disabled(_) | Admission::RolledBack => {
            tr!("/plugins reload {name} tries it again", name)
        }
    }
}

const fn round_up_to_seconds(span: Duration) -> Duration {
    Duration::from_secs(span.as_millis().div_ceil(1000) as u64)
}

#[must_use]
pub fn disabled(name: &str, decision: &Decision) -> String {
    tr!("disabled by {}; /plugins enable {name} enables it again", decision.who, name)
}

/// Returns the notice that a disabled plugin's file has changed.
pub(super) fn new_file_while_disabled(name: &str, digest: &str, decision: &Decision) -> String {
    tr!(
        "Plugin '{name}' has a new file, {}, but {} disabled the plugin. Use /plugins enable {name} to enable it again.",
        short(digest),
        decision.who,
        name
    )
}

/// Explains why a version other than the pinned one isn't activated.
#[must_use]
pub fn pinned(plugin: &str, digest: &str, only: &str) -> String {
    tr!(
        "[plugins.{plugin}] sha256 does not allow this version: its digest is {digest}, the allowed one is {only}",
        plugin,
        digest,
        only
    )
}

pub(super) fn no_version_before(name: &str, digest: &str, how: &str) -> String {
    tr!(
        "Plugin '{name}', version {}: {how}. There is no earlier version, so it stays active. Use \
         /plugins disable {name} to disable it.",
        short(digest),
        name,
        how
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_revocation_counts_the_capabilities() {
        assert!(revoked("p", "chat", None).ends_with("granted chat. No version is active without it."));
        assert!(revoked("p", "chat, state", None).ends_with("granted chat, state. No version is active without them."));
    }
}
