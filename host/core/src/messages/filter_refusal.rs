//! Replies to the authors of messages and edits that a filter stopped.

use tr::tr;

use super::{host_reply::quoting, quote};

/// The reason that a message or an edit was withheld from the agent. `message` is the beginning of its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FilterRefusal {
    Rejected {
        why: String,
        message: String,
    },
    /// The plugin call failed.
    Failed {
        plugin: String,
        why: String,
        message: String,
    },
}

impl FilterRefusal {
    /// Returns the answer to the author of a message.
    #[must_use]
    pub fn of_message(&self) -> String {
        match self {
            Self::Rejected { why, message } => quoting(&tr!("Not sent to the agent: {}", quote(why)), message),
            Self::Failed { plugin, why, message } => {
                let text = tr!(
                    "Not sent to the agent: the filter '{plugin}' {why}. Send the message again, or ask the owner to remove the filter from `filters` in [plugins].",
                    plugin,
                    why
                );
                quoting(&text, message)
            }
        }
    }

    /// Returns the answer to the author of an edit.
    #[must_use]
    pub fn of_edit(&self) -> String {
        match self {
            Self::Rejected { why, message } => {
                let why = quote(why);
                let text = tr!(
                    "A filter rejected your edit, so the previous text stays until you edit the message again: {why}",
                    why
                );
                quoting(&text, message)
            }
            Self::Failed { plugin, why, message } => {
                let text = tr!(
                    "The filter '{plugin}' {why}, so the previous text stays: edit the message again, or ask the owner to remove the filter from `filters` in [plugins].",
                    plugin,
                    why
                );
                quoting(&text, message)
            }
        }
    }
}

/// Returns the reason why a message that the filters have emptied is rejected.
#[must_use]
pub fn no_text_left() -> String {
    tr!("the filters left no text.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_edit_is_one_sentence() {
        let (why, message) = ("it contains a key".to_owned(), "key=1".to_owned());
        let rejected = FilterRefusal::Rejected { why, message: message.clone() };
        let text = "A filter rejected your edit, so the previous text stays until you edit the message again: it contains a key";
        assert_eq!(rejected.of_edit(), format!("{text}\n“key=1”"));
        assert_eq!(rejected.of_message(), "Not sent to the agent: it contains a key\n“key=1”");
        let failed = FilterRefusal::Failed { plugin: "keys".to_owned(), why: "is not active".to_owned(), message };
        let text = "The filter 'keys' is not active, so the previous text stays: edit the message again, or ask the owner to remove the filter from `filters` in [plugins].";
        assert_eq!(failed.of_edit(), format!("{text}\n“key=1”"));
    }
}
