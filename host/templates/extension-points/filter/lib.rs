//! Processes messages before an agent receives them: expands shortcuts such as `!tests`, and rejects private keys.

use cordboard_plugin::{
    Filter,
    filter::{Change, Message, Outcome},
};

/// The shortcuts and their replacement texts.
const SHORTCUTS: [(&str, &str); 2] =
    [("!tests", "Run the tests, and fix what fails."), ("!review", "Review the changes since the last commit.")];

/// The rejection reason that the author sees.
const NO_KEYS: &str = "It contains a private key. Save the key in a file, and name the file.";

struct Plugin;

impl Filter for Plugin {
    /// Called during a version's trial. This filter handles all messages.
    fn kinds() -> Result<Vec<String>, String> {
        Ok(vec!["*".into()])
    }

    /// Called before the agent receives the message.
    fn prompt(message: Message) -> Outcome {
        if message.text.contains("PRIVATE KEY-----") {
            return Outcome::Reject(NO_KEYS.into());
        }
        match expanded(&message.text) {
            Some(text) => Outcome::Replace(Change::with_notice(text, format!("Sent: {text}"))),
            None => Outcome::Pass,
        }
    }
}

/// Returns a shortcut's text.
fn expanded(text: &str) -> Option<&'static str> {
    SHORTCUTS.iter().find(|(name, _)| *name == text.trim()).map(|(_, text)| *text)
}

cordboard_plugin::export!(Plugin: filter);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_message_is_a_shortcut() {
        assert_eq!(expanded(" !tests "), Some("Run the tests, and fix what fails."));
        assert_eq!(expanded("!tests now"), None);
        assert_eq!(expanded("tests"), None);
    }
}
