//! Messages to agents as filter plugins see them, and the plugins' decisions.

use super::ChatFile;

/// A message to an agent, as passed to a filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilterInput {
    /// Empty if the message contains only files.
    pub text: String,
    /// Files in the session folder.
    pub files: Vec<ChatFile>,
}

impl FilterInput {
    /// The kind of a message without files.
    pub const TEXT: &str = "text";
    /// Matches all kinds of messages.
    pub const ANY: &str = "*";
    /// The message kinds that a filter can select.
    pub const KINDS: [&str; 8] =
        [Self::TEXT, "photo", "file", ChatFile::VOICE_MESSAGE, "audio", "video", "animation", Self::ANY];

    /// Returns whether a filter for `kinds` applies to the message.
    #[must_use]
    pub fn is_one_of(&self, kinds: &[String]) -> bool {
        let is_this = |kind: &String| match kind.as_str() {
            Self::ANY => true,
            Self::TEXT => self.files.is_empty(),
            kind => self.files.iter().any(|file| file.kind == kind),
        };
        kinds.iter().any(is_this)
    }
}

/// A filter's decision about a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FilterOutcome {
    Pass,
    /// Replaces the message text.
    Replace(FilterChange),
    /// Adds text below the message text.
    Annotate(FilterChange),
    /// Withholds the message from the agent. Contains the reason shown to the author.
    Reject(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilterChange {
    pub text: String,
    /// A notice to the author, in Markdown.
    pub notice: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_sees_the_kinds_that_it_wants() {
        let file = |kind: &str| ChatFile::new("f", kind, "name", "1");
        let message =
            |kinds: &[&str]| FilterInput { text: String::new(), files: kinds.iter().map(|kind| file(kind)).collect() };
        let wants = |kinds: &[&str], files: &[&str]| {
            let kinds: Vec<String> = kinds.iter().map(|kind| (*kind).to_owned()).collect();
            message(files).is_one_of(&kinds)
        };
        assert!(wants(&["text"], &[]) && !wants(&["text"], &["photo"]) && !wants(&["photo"], &[]));
        assert!(wants(&["audio", "photo"], &["file", "photo"]) && !wants(&["audio"], &["photo"]));
        assert!(wants(&["*"], &[]) && wants(&["*"], &["photo"]) && !wants(&[], &[]));
    }
}
