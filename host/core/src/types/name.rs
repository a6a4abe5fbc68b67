//! The names of sessions, plugins and models, and the ids of sessions. A session's id is also the name of the folder
//! that the host creates for the session, and a plugin's name is the stem of the plugin's file.

use std::{borrow::Borrow, fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// The name or the id of a session: `[A-Za-z0-9_-]{1,64}`, which needs no escaping as a folder name, a command-line
/// argument or an environment value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SessionName(String);

/// The maximum length in characters. Longer names are impractical in folder names and chat messages.
const MAX_LENGTH: usize = 64;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a session name: use 1 to 64 letters, digits, '-' and '_'")]
pub struct InvalidName(String);

/// The rule that [`is_plugin_name`] checks, in words.
pub const PLUGIN_NAME_RULE: &str = "1 to 32 of a-z, 0-9, '-' and '_'";

/// Returns whether `name` is a valid plugin name. A plugin's name is the stem of its file and the NAME in
/// `[plugins.NAME]`.
#[must_use]
pub fn is_plugin_name(name: &str) -> bool {
    let fits = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_');
    (1..=32).contains(&name.len()) && name.bytes().all(fits)
}

/// The rule that [`is_model_name`] checks, in words.
pub const MODEL_NAME_RULE: &str = "1 to 256 printable ASCII characters without spaces, not starting with '-'";

/// Returns whether `name` is a valid model name. Users and plugins can choose the name, and it may become part of an
/// agent's command line.
#[must_use]
pub fn is_model_name(name: &str) -> bool {
    (1..=256).contains(&name.len()) && !name.starts_with('-') && name.bytes().all(|byte| byte.is_ascii_graphic())
}

impl SessionName {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns this name if no session has it as its id, or else the first numbered name, such as `name-2`, that isn't
    /// an id.
    #[must_use]
    pub fn free_id(&self, is_taken: impl Fn(&Self) -> bool) -> Self {
        // Leave room for the number. Names are ASCII, so the cut is at a character boundary.
        let start = self.0.get(..50).unwrap_or(&self.0);
        let numbered = (2..).map(|number: u32| Self(format!("{start}-{number}")));
        let mut ids = std::iter::once(self.clone()).chain(numbered);
        ids.find(|id| !is_taken(id)).expect("there are fewer sessions than numbers")
    }
}

impl FromStr for SessionName {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let fits = (1..=MAX_LENGTH).contains(&text.len());
        let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
        if fits && plain {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidName(text.chars().take(MAX_LENGTH).collect()))
        }
    }
}

impl TryFrom<String> for SessionName {
    type Error = InvalidName;

    fn try_from(text: String) -> Result<Self, InvalidName> {
        text.parse()
    }
}

impl From<SessionName> for String {
    fn from(name: SessionName) -> Self {
        name.0
    }
}

impl Borrow<str> for SessionName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SessionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_short_and_plain() {
        for good in ["a", "fix-login_2", &"x".repeat(64)] {
            assert_eq!(good.parse::<SessionName>().expect(good).as_str(), good);
        }
        for bad in ["", "a b", "../x", "ä", ".", &"x".repeat(65)] {
            assert!(bad.parse::<SessionName>().is_err(), "{bad} is not a name");
        }
    }

    #[test]
    fn a_taken_id_gets_a_number() {
        let long: SessionName = "x".repeat(64).parse().expect("a name");
        let taken = |ids: &'static [&str]| move |id: &SessionName| ids.contains(&id.as_str());
        let name: SessionName = "a".parse().expect("a name");
        assert_eq!(name.free_id(taken(&[])).as_str(), "a");
        assert_eq!(name.free_id(taken(&["a", "a-2"])).as_str(), "a-3");
        assert_eq!(long.free_id(|id| *id == long).as_str(), format!("{}-2", "x".repeat(50)));
    }

    #[test]
    fn a_plugins_name_is_short_and_lower_case() {
        for good in ["a", "my-plugin_2", "-", &"x".repeat(32)] {
            assert!(is_plugin_name(good), "{good}");
        }
        for bad in ["", "X", "a b", "ä", "a.b", "../x", &"x".repeat(33)] {
            assert!(!is_plugin_name(bad), "{bad}");
        }
    }

    #[test]
    fn a_models_name_is_one_word_and_no_option() {
        for good in ["opus", "opus[1m]", "us.anthropic.claude-v1:0", "claude-sonnet@20250929", "arn:aws:bedrock:x/y"] {
            assert!(is_model_name(good), "{good}");
        }
        for bad in ["", "-", "--dangerously-skip-permissions", "a b", "a\n", "\0", "ä", &"x".repeat(257)] {
            assert!(!is_model_name(bad), "{bad}");
        }
    }
}
