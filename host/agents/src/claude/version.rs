//! Detects a CLI that is older than the tested versions.

use serde_json::Value;

use crate::json_fields::text;

/// The oldest version whose behavior is known from recordings. Version 2.1.197, which npm installs on old versions of
/// Node.js, ignores `client_composed` and `cancel_queued`, and its messages lack prompt ids.
const OLDEST: Version = Version([2, 1, 329]);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Version([u64; 3]);

impl Version {
    /// Parses the numbers of a version such as `2.1.329` or `2.1.329-beta.1`.
    fn parse(text: &str) -> Option<Self> {
        let numbers = text.split_once(['-', '+', ' ']).map_or(text, |(numbers, _)| numbers);
        let numbers: Vec<u64> = numbers.split('.').map(|number| number.parse().ok()).collect::<Option<_>>()?;
        numbers.try_into().ok().map(Self)
    }
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self([major, minor, patch]) = self;
        write!(f, "{major}.{minor}.{patch}")
    }
}

/// Checks the version in a process's first `init`.
#[derive(Debug, Default)]
pub struct VersionCheck {
    is_done: bool,
}

impl VersionCheck {
    /// Returns a warning for the user if the CLI is too old. The demo agent doesn't report a version.
    pub fn on_init(&mut self, init: &Value) -> Option<String> {
        if std::mem::replace(&mut self.is_done, true) {
            return None;
        }
        let version = Version::parse(text(init, "claude_code_version")).filter(|version| *version < OLDEST)?;
        Some(format!(
            "Claude Code {version} is older than {OLDEST}, the oldest version that Cordboard is tested with. An old version \
             may read files that a message mentions with @ without asking, run a message that begins with a slash as a \
             command, and mix up the answers with busy = \"steer\". Update Claude Code with `claude update`, or \
             with `npm install -g @anthropic-ai/claude-code` and a current version of Node.js, then use /suspend: \
             the next message starts the new version."
        ))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_older_versions_are_reported_and_only_once() {
        for (version, is_old) in [
            ("2.1.197", true),
            ("2.1.328-beta.1", true),
            ("1.9.999", true),
            ("2.1.329", false),
            ("2.1.332", false),
            ("2.2.0", false),
            ("3.0.0", false),
            ("next", false),
            ("", false),
        ] {
            let mut check = VersionCheck::default();
            let init = json!({ "claude_code_version": version });
            assert_eq!(check.on_init(&init).is_some(), is_old, "{version}");
            assert_eq!(check.on_init(&init), None);
        }
    }
}
