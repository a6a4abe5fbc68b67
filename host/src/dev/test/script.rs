//! Parses and rewrites conversation files: their steps and the expected results. This module doesn't run the steps.

use std::fmt;

/// One step of a conversation, with its expected results.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConversationStep {
    /// The line number, starting at 1.
    pub line: usize,
    pub kind: StepKind,
    pub expected: Expected,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StepKind {
    /// `> text`: sends a message.
    Say(String),
    /// `> [Label]`: presses a button of the last message that has buttons.
    Press(String),
    /// `@name words`: runs a directive.
    Directive { name: String, words: String },
}

/// The directives that only prepare a call. All other directives count as calls.
const PREPARATIONS: [&str; 15] = [
    "as", "budget", "clock", "config", "exchange", "header", "http", "locale", "plugin", "question", "secret",
    "session", "tcp", "usage", "with",
];

impl StepKind {
    /// Returns whether this step counts as a plugin call. A conversation without a call tests nothing.
    pub fn is_call(&self) -> bool {
        match self {
            Self::Say(_) | Self::Press(_) => true,
            Self::Directive { name, .. } => !PREPARATIONS.contains(&name.as_str()),
        }
    }
}

impl fmt::Display for StepKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Say(text) => write!(f, "> {text}"),
            Self::Press(label) => write!(f, "> [{label}]"),
            Self::Directive { name, words } => write!(f, "@{name} {words}"),
        }
    }
}

/// The expected results of a step: lines of the chat, and actions if the conversation lists any.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Expected {
    pub chat: Vec<String>,
    pub actions: Vec<String>,
    /// The numbers of the lines that contain the expected results. They are consecutive; the file's first line is
    /// number 1.
    pub lines: Vec<usize>,
}

/// A line that can't be parsed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    pub line: usize,
    pub why: String,
}

pub fn parse(text: &str) -> Result<Vec<ConversationStep>, Fault> {
    let mut steps: Vec<ConversationStep> = Vec::new();
    for (index, raw) in text.lines().enumerate() {
        let line = index + 1;
        let Some(first) = raw.chars().next() else { continue };
        let rest = raw[first.len_utf8()..].strip_prefix(' ').unwrap_or(&raw[first.len_utf8()..]);
        let fault = |why: &str| Fault { line, why: why.to_owned() };
        match first {
            '#' => {}
            '>' => steps.push(ConversationStep { line, kind: parse_message(rest), expected: Expected::default() }),
            '@' => {
                let (name, words) = rest.trim().split_once(char::is_whitespace).unwrap_or((rest.trim(), ""));
                let kind = StepKind::Directive { name: name.to_owned(), words: words.trim().to_owned() };
                steps.push(ConversationStep { line, kind, expected: Expected::default() });
            }
            '<' | '*' => {
                let step = steps.last_mut().ok_or_else(|| fault("an expected line has no message before it"))?;
                let expected = &mut step.expected;
                if expected.lines.last().is_some_and(|&last| last + 1 != line) {
                    return Err(fault("this line is separated from the other expected lines of its message"));
                }
                expected.lines.push(line);
                if first == '<' { &mut expected.chat } else { &mut expected.actions }.push(rest.to_owned());
            }
            _ if raw.trim().is_empty() => {}
            _ => return Err(fault("a line must begin with >, <, *, @ or #")),
        }
    }
    Ok(steps)
}

fn parse_message(text: &str) -> StepKind {
    match text.trim().strip_prefix('[').and_then(|label| label.strip_suffix(']')) {
        Some(label) => StepKind::Press(label.to_owned()),
        None => StepKind::Say(text.to_owned()),
    }
}

/// Returns whether a line matches a pattern; `{*}` matches any text.
pub fn matches_pattern(pattern: &str, line: &str) -> bool {
    let mut parts = pattern.split("{*}");
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = line.strip_prefix(first) else { return false };
    let Some(last) = pattern.contains("{*}").then(|| pattern.rsplit("{*}").next().unwrap_or_default()) else {
        return rest.is_empty();
    };
    let between: Vec<&str> = parts.collect();
    for part in &between[..between.len() - 1] {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

/// Replaces the expected results of some steps with other lines.
pub fn rewrite(text: &str, steps: &[(&ConversationStep, Vec<String>)]) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let mut written = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let number = index + 1;
        if !steps.iter().any(|(step, _)| step.expected.lines.contains(&number)) {
            written.push((*line).to_owned());
        }
        if let Some((_, new)) = steps.iter().find(|(step, _)| step.line == number) {
            written.extend(new.iter().cloned());
        }
    }
    written.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str =
        "# a remark\n@as member bob\n\n> /a  b\n< one\n<   [Go] /b\n* state delete k\n# more\n> [Go]\n<\n> hi\n";

    #[test]
    fn a_conversation_is_parsed() {
        let steps = parse(TEXT).expect("it is valid");
        let kinds: Vec<_> = steps.iter().map(|step| (step.line, step.kind.clone())).collect();
        let directive = StepKind::Directive { name: "as".into(), words: "member bob".into() };
        let say = |text: &str| StepKind::Say(text.into());
        assert_eq!(kinds, [(2, directive), (4, say("/a  b")), (9, StepKind::Press("Go".into())), (11, say("hi"))]);
        assert_eq!(steps[1].expected.chat, ["one", "  [Go] /b"]);
        assert_eq!((steps[1].expected.actions.len(), &steps[1].expected.lines[..]), (1, &[5, 6, 7][..]));
        assert_eq!(steps[2].expected.chat, [""]);
    }

    #[test]
    fn a_misplaced_line_is_an_error() {
        let why = |text: &str| parse(text).expect_err(text);
        assert_eq!(why("< a").line, 1);
        assert_eq!(why("> a\nb").why, "a line must begin with >, <, *, @ or #");
        assert_eq!(why("> a\n< b\n\n< c").line, 4);
    }

    #[test]
    fn a_star_in_braces_matches_any_text() {
        assert!(
            matches_pattern("a {*} c {*}", "a b c d") && matches_pattern("{*}", "") && matches_pattern("x{*}y", "xy")
        );
        assert!(
            !matches_pattern("a {*} c", "a b d") && !matches_pattern("a", "ab") && !matches_pattern("ab{*}b", "ab")
        );
    }

    #[test]
    fn new_expectations_replace_the_old_ones() {
        let steps = parse(TEXT).expect("it is valid");
        let new = rewrite(TEXT, &[(&steps[1], vec!["< two".into()]), (&steps[3], vec!["< three".into()])]);
        assert_eq!(new, "# a remark\n@as member bob\n\n> /a  b\n< two\n# more\n> [Go]\n<\n> hi\n< three\n");
    }
}
