//! Parses the agent's own commands, which a person types with two slashes, as in `//compact`, and checks them against
//! the commands that the agent has reported.

use crate::{
    messages::HostReply,
    route::{is_slash, nearest, to_half_width, trim_blank_start},
    types::{AgentCommand, SessionName},
};

/// The maximum length of a command name, in characters. The longest known names belong to Claude Code's plugin
/// commands, which start with the plugin's name, as in `plugin:review`.
const MAX_NAME_LENGTH: usize = 64;

/// An agent's command and its arguments, as a person typed them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentCommandLine {
    /// The name without slashes.
    pub name: String,
    pub arguments: String,
}

impl AgentCommandLine {
    /// Parses text typed by a person. An agent command starts with at least two slashes and a name, followed by white
    /// space or the end of the text. Trailing punctuation is dropped from the name. Returns `None` for any other text,
    /// such as `//etc/hosts` and `// a comment`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = trim_blank_start(text);
        let line = text.trim_start_matches(is_slash);
        text[..text.len() - line.len()].chars().nth(1)?;
        let (word, arguments) = line.split_at(line.find(char::is_whitespace).unwrap_or(line.len()));
        let word = to_half_width(word);
        let name = word.trim_end_matches(|letter: char| letter.is_ascii_punctuation() && letter != '_');
        is_name(name).then(|| Self { name: name.to_owned(), arguments: arguments.trim().to_owned() })
    }

    /// Returns the normalized line, starting with two slashes. `commands` are those that the agent has reported, or
    /// `None` if it hasn't reported any yet. The name is spelled as in `commands`, because phones capitalize the first
    /// letter of a line.
    ///
    /// # Errors
    /// Fails if the agent has no such command, or if the arguments name a file with an `@`, because the agent would read
    /// that file without asking, even outside the session folder.
    pub fn check(&self, session: &SessionName, commands: Option<&[AgentCommand]>) -> Result<String, HostReply> {
        if names_file(&self.arguments) {
            return Err(HostReply::AgentCommandWithFile { name: self.name.clone() });
        }
        let Some(commands) = commands else { return Ok(self.with_name(&self.name)) };
        let known = commands.iter().find(|command| command.name.eq_ignore_ascii_case(&self.name));
        known.map(|command| self.with_name(&command.name)).ok_or_else(|| {
            let names = commands.iter().map(|command| command.name.as_str());
            let nearest = nearest(&self.name.to_ascii_lowercase(), names).map(str::to_owned);
            HostReply::UnknownAgentCommand { name: self.name.clone(), session: session.clone(), nearest }
        })
    }

    fn with_name(&self, name: &str) -> String {
        format!("//{name} {}", self.arguments).trim_end().to_owned()
    }
}

/// Returns whether `name` is a valid Claude Code command name: words, as in `code-review`, with an optional plugin
/// prefix, as in `plugin:review`.
fn is_name(name: &str) -> bool {
    let begins = name.starts_with(|first: char| first.is_ascii_alphanumeric() || first == '_');
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b':');
    begins && name.len() <= MAX_NAME_LENGTH && name.bytes().all(is_allowed)
}

/// Returns whether a word of the text begins with an `@`, even after a quote or a bracket. The `@` in an address such
/// as `ada@example.com` doesn't count.
fn names_file(text: &str) -> bool {
    let mut before = None;
    text.chars().any(|letter| {
        let begins = before.replace(letter).is_none_or(|before: char| !before.is_alphanumeric());
        letter == '@' && begins
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Option<(String, String)> {
        AgentCommandLine::parse(text).map(|line| (line.name, line.arguments))
    }

    fn pair(name: &str, arguments: &str) -> Option<(String, String)> {
        Some((name.to_owned(), arguments.to_owned()))
    }

    #[test]
    fn two_slashes_and_a_name_are_an_agents_command() {
        assert_eq!(parsed("//compact"), pair("compact", ""));
        assert_eq!(parsed(" //code-review  src\n and tests "), pair("code-review", "src\n and tests"));
        assert_eq!(parsed("／／ｃｏｍｐａｃｔ。"), None, "full-width punctuation belongs to the word");
        assert_eq!(parsed("／／ｃｏｍｐａｃｔ"), pair("compact", ""));
        assert_eq!(parsed("///plugin:review"), pair("plugin:review", ""));
        assert_eq!(parsed("//compact!"), pair("compact", ""));
        for text in ["/compact", "//", "// a comment", "//etc/hosts", "//example.com/x", "a //b", "//-x", "//ä"] {
            assert_eq!(parsed(text), None, "{text}");
        }
        assert_eq!(parsed(&format!("//{}", "x".repeat(65))), None);
    }

    fn checked(text: &str, names: Option<&[&str]>) -> Result<String, String> {
        let command = |name: &&str| AgentCommand { name: (*name).to_owned(), description: String::new() };
        let commands = names.map(|names| names.iter().map(command).collect::<Vec<_>>());
        let line = AgentCommandLine::parse(text).expect("a command");
        line.check(&"alpha".parse().unwrap(), commands.as_deref()).map_err(|reply| reply.text())
    }

    #[test]
    fn a_command_is_spelled_as_the_agent_spells_it() {
        assert_eq!(checked("//Compact the tests", Some(&["compact"])), Ok("//compact the tests".to_owned()));
        assert_eq!(checked("//Compact", None), Ok("//Compact".to_owned()));
    }

    #[test]
    fn an_unknown_command_names_a_similar_one() {
        let error = checked("//compct", Some(&["clear", "compact"])).unwrap_err();
        assert_eq!(
            error,
            "The agent of session 'alpha' has no command //compct. Did you mean //compact? Use /commands to list its commands."
        );
        let error = checked("//TODO fix this", Some(&[])).unwrap_err();
        assert!(error.contains("no command //TODO. Use /commands"), "{error}");
    }

    #[test]
    fn a_command_cannot_name_a_file() {
        for text in ["//review @/etc/passwd", "//review \"@/etc/passwd\"", "//review\t@x", "//review (@x)"] {
            assert!(checked(text, None).unwrap_err().contains("can't contain a word that starts with '@'"), "{text}");
        }
        assert!(checked("//review mail ada@example.com", None).is_ok());
    }
}
