//! Messages for the operator about versions that were not activated because of earlier decisions, and about files that
//! cannot be used.

use std::path::Path;

use cordboard_core::{
    config::spell_duration,
    rollout::{Admission, Decision},
    types::Timestamp,
};
use cordboard_runtime::short;

/// Explains why `digest` isn't admitted. `None` if it is.
#[must_use]
pub fn held_off(name: &str, digest: &str, (admission, now): (&Admission, Timestamp)) -> Option<String> {
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
#[must_use]
pub fn next_chance(name: &str, digest: &str, (admission, now): (&Admission, Timestamp)) -> String {
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
const fn seconds(span: std::time::Duration) -> std::time::Duration {
    std::time::Duration::from_secs(span.as_millis().div_ceil(1000) as u64)
}

#[must_use]
pub fn disabled(name: &str, word: &Decision) -> String {
    format!("disabled by {}; /plugins enable {name} enables it again", word.who)
}

/// The start of the watcher's message about a file that it cannot read.
pub const UNREADABLE: &str = "it cannot be read: ";

/// The start of the watcher's message about a file that is too large.
pub const TOO_LARGE: &str = "it is larger than ";

/// Adds the path and the remedy to a known reason. Other reasons are unchanged.
#[must_use]
pub fn unusable(path: &Path, why: &str) -> String {
    let path = path.display();
    match why.strip_prefix(UNREADABLE) {
        Some(cause) if cause.starts_with("Permission denied") => {
            format!("{why}; make it readable for the user that runs Cordboard, for example with `chmod u+r {path}`")
        }
        Some(_) => format!("{why}; check {path}, or copy it again"),
        None if why.starts_with(TOO_LARGE) => {
            format!("{why}; build {path} again with optimizations, and without debug information")
        }
        None => why.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn an_unusable_file_names_its_path_and_the_remedy() {
        let path = Path::new("/p/x.wasm");
        let unreadable = |error: io::Error| unusable(path, &format!("{UNREADABLE}{error}"));
        assert_eq!(
            unreadable(io::Error::from_raw_os_error(13)),
            "it cannot be read: Permission denied (os error 13); make it readable for the user that runs Cordboard, for example with `chmod u+r /p/x.wasm`"
        );
        assert!(unreadable(io::Error::from_raw_os_error(5)).ends_with("; check /p/x.wasm, or copy it again"));
        assert!(unusable(path, "it is larger than 64 MiB").contains("; build /p/x.wasm again with optimizations"));
        assert_eq!(unusable(path, "others may write to it"), "others may write to it");
    }
}
