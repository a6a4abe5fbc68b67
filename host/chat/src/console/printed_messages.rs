//! Tracks the printed text of each message, and computes the lines that a newer version adds. Does no I/O. Output is
//! append-only and consists of complete lines, so that messages that grow concurrently never share a line. A message is
//! reprinted in full if its final text doesn't start with the printed text, or if it was forgotten.

use std::{borrow::Cow, collections::VecDeque};

use cordboard_core::{
    render::{
        one_line,
        terminal::{Colours, Styler},
        unescape,
    },
    types::{Authorship, Button, SessionName},
};

use super::super::{Completeness, MessageId, Outgoing};

/// The maximum number of complete messages to remember. Editing an older message prints all of it again.
const MAX_COMPLETE_MESSAGES: usize = 64;

/// The maximum number of messages to remember in total, far more than the number of concurrent turns.
const MAX_MESSAGES: usize = 1024;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OutputStyle {
    /// For programs: leaves agent Markdown unchanged, and removes Markdown escapes from other text.
    Source,
    /// For pipe mode when stdout is a terminal: omits styles and control characters.
    Neutral,
    Styled(Colours),
}

#[derive(Debug)]
pub(crate) struct PrintedMessages {
    style: OutputStyle,
    /// Messages in the order in which they were first printed.
    messages: VecDeque<(MessageId, Shown)>,
}

/// The printed part of one message.
#[derive(Debug)]
struct Shown {
    /// The printed part of the source.
    text: String,
    /// True if the last printed line is incomplete in the source. It was printed with a line break, so the rest of the
    /// line starts on a new line.
    halted: bool,
    buttons: Vec<Button>,
    styler: Option<Styler>,
    /// `Complete` if no more text will follow.
    completeness: Completeness,
}

impl OutputStyle {
    /// Returns the source to show. Without styles, removes backslash escapes from host and plugin text, because nothing
    /// would interpret them.
    fn source(self, message: &Outgoing) -> Cow<'_, str> {
        match (self, message.author) {
            (Self::Styled(Colours::On), _) | (_, Authorship::Agents) => Cow::Borrowed(&message.source),
            (Self::Source | Self::Neutral | Self::Styled(Colours::Off), Authorship::Own) => {
                Cow::Owned(unescape(&message.source))
            }
        }
    }
}

impl PrintedMessages {
    pub(crate) const fn new(style: OutputStyle) -> Self {
        Self { style, messages: VecDeque::new() }
    }

    /// Records a version of a message, and returns the lines to print for it. The result may be empty.
    pub(crate) fn put(&mut self, id: &MessageId, message: &Outgoing) -> String {
        let style = self.style;
        let source = self.style.source(message);
        let shown = self.shown(id);
        shown.completeness = message.completeness;
        let lines = match message.completeness {
            Completeness::Partial => shown.grow(complete_lines(&source)),
            Completeness::Halted => shown.grow(trim_line_breaks(&source).to_owned()),
            Completeness::Complete => {
                let mut lines = shown.finish(&source, style);
                lines.push_str(&shown.buttons(&message.buttons));
                lines
            }
        };
        name_session(&lines, message.session.as_ref())
    }

    fn shown(&mut self, id: &MessageId) -> &mut Shown {
        let found = self.messages.iter().position(|(other, _)| other == id);
        let index = found.unwrap_or_else(|| {
            self.make_room();
            self.messages.push_back((id.clone(), Shown::new(self.style)));
            self.messages.len() - 1
        });
        &mut self.messages[index].1
    }

    /// If there are too many messages, forgets the oldest complete one, because growing messages will be edited again.
    /// If none is complete, forgets the oldest one.
    fn make_room(&mut self) {
        let is_complete = |(_, shown): &(MessageId, Shown)| shown.completeness == Completeness::Complete;
        let complete = self.messages.iter().filter(|one| is_complete(one)).count();
        if complete >= MAX_COMPLETE_MESSAGES || self.messages.len() >= MAX_MESSAGES {
            let oldest = self.messages.iter().position(is_complete).unwrap_or_default();
            self.messages.remove(oldest);
        }
    }
}

impl Shown {
    fn new(style: OutputStyle) -> Self {
        let styler = match style {
            OutputStyle::Source => None,
            OutputStyle::Neutral => Some(Styler::new(Colours::Off)),
            OutputStyle::Styled(colours) => Some(Styler::new(colours)),
        };
        Self { text: String::new(), halted: false, buttons: Vec::new(), styler, completeness: Completeness::Partial }
    }

    /// Returns the part of `whole` after the printed text, and records it as printed. If `whole` doesn't begin with the
    /// printed text, returns an empty string, and [`finish`](Self::finish) prints the final text later.
    fn grow(&mut self, whole: String) -> String {
        let Some(new) = whole.strip_prefix(&self.text) else { return String::new() };
        if new.is_empty() {
            return String::new();
        }
        let new = if self.halted { new.strip_prefix('\n').unwrap_or(new) } else { new };
        let mut lines = style(self.styler.as_mut(), new);
        self.halted = !whole.ends_with('\n');
        if self.halted && !lines.ends_with('\n') {
            lines.push('\n');
        }
        self.text = whole;
        lines
    }

    fn finish(&mut self, source: &str, style: OutputStyle) -> String {
        let whole = end_line(source);
        if self.text.trim_end() == whole.trim_end() {
            return String::new();
        }
        if !whole.starts_with(&self.text) {
            *self = Self {
                buttons: std::mem::take(&mut self.buttons),
                completeness: self.completeness,
                ..Self::new(style)
            };
        }
        self.grow(whole)
    }

    fn buttons(&mut self, rows: &[Vec<Button>]) -> String {
        let buttons: Vec<Button> = rows.iter().flatten().cloned().collect();
        if buttons == self.buttons {
            return String::new();
        }
        // Labels and commands may contain line breaks or escape sequences, so print each on one line, even on a pipe.
        // Don't truncate them.
        let whole = |text: &str| one_line(text, usize::MAX);
        let line = |button: &Button| format!("  [{}] {}\n", whole(&button.label), whole(&button.command));
        let lines = buttons.iter().map(line).collect();
        self.buttons = buttons;
        lines
    }
}

/// If the session isn't the active one, prefixes each non-empty line with the session's name, so that users can tell
/// concurrent sessions apart.
fn name_session(lines: &str, session: Option<&SessionName>) -> String {
    let Some(session) = session else { return lines.to_owned() };
    let name = |line: &str| if line.is_empty() { "\n".to_owned() } else { format!("[{session}] {line}\n") };
    lines.lines().map(name).collect()
}

/// Returns the complete lines of a growing text. Omits trailing blank lines, because the final text may not have them.
fn complete_lines(source: &str) -> String {
    end_line(&source[..source.rfind('\n').unwrap_or_default()])
}

fn trim_line_breaks(text: &str) -> &str {
    text.trim_end_matches(['\n', '\r'])
}

/// Makes the text end with exactly one line break. Text that consists only of line breaks becomes empty.
fn end_line(text: &str) -> String {
    let text = trim_line_breaks(text);
    if text.is_empty() { String::new() } else { format!("{text}\n") }
}

fn style(styler: Option<&mut Styler>, lines: &str) -> String {
    let Some(styler) = styler else { return lines.to_owned() };
    lines.lines().map(|line| styler.line(line) + "\n").collect()
}

#[cfg(test)]
mod tests {
    use super::{super::tests::message, *};

    fn id(name: &str) -> MessageId {
        MessageId(name.to_owned())
    }

    /// Returns the lines that each version of one message prints. The last version is complete.
    fn versions(style: OutputStyle, sources: &[&str]) -> Vec<String> {
        let mut printed = PrintedMessages::new(style);
        let last = sources.len() - 1;
        let put = |(index, source): (usize, &&str)| {
            let last = if index == last { Completeness::Complete } else { Completeness::Partial };
            printed.put(&id("m"), &message(source, last))
        };
        sources.iter().enumerate().map(put).collect()
    }

    #[test]
    fn completed_lines_are_printed_at_once() {
        assert_eq!(
            versions(
                OutputStyle::Source,
                &["li", "line 1\nli", "line 1\nline 2\n", "line 1\nline 2\nli", "line 1\nline 2\nline 3"]
            ),
            ["", "line 1\n", "line 2\n", "", "line 3\n"]
        );
        assert_eq!(versions(OutputStyle::Source, &["one"]), ["one\n"]);
        assert_eq!(versions(OutputStyle::Source, &["one\n\n"]), ["one\n"]);
        assert_eq!(versions(OutputStyle::Source, &[""]), [""]);
    }

    #[test]
    fn blank_lines_wait_for_following_text() {
        assert_eq!(versions(OutputStyle::Source, &["a\n\n\n", "a\n\nb\n", "a\n\nb"]), ["a\n", "\nb\n", ""]);
    }

    #[test]
    fn a_different_final_text_is_printed_again() {
        assert_eq!(
            versions(OutputStyle::Source, &["working\n", "other\n", "the answer"]),
            ["working\n", "", "the answer\n"]
        );
        assert_eq!(versions(OutputStyle::Source, &["a\nb\n", "a"]), ["a\nb\n", "a\n"]);
    }

    #[test]
    fn an_edit_prints_only_the_new_text() {
        let mut printed = PrintedMessages::new(OutputStyle::Source);
        let put = |printed: &mut PrintedMessages, source: &str| {
            printed.put(&id("m"), &message(source, Completeness::Complete))
        };
        assert_eq!(put(&mut printed, "one"), "one\n");
        assert_eq!(put(&mut printed, "one"), "");
        assert_eq!(put(&mut printed, "one\ntwo"), "two\n");
        assert_eq!(put(&mut printed, "three"), "three\n");
    }

    #[test]
    fn growing_messages_interleave_only_between_lines() {
        let mut printed = PrintedMessages::new(OutputStyle::Source);
        let mut out = printed.put(&id("a"), &message("a 1\na ", Completeness::Partial));
        out += &printed.put(&id("b"), &message("notice", Completeness::Complete));
        out += &printed.put(&id("a"), &message("a 1\na 2", Completeness::Complete));
        assert_eq!(out, "a 1\nnotice\na 2\n");
    }

    #[test]
    fn a_halted_line_is_continued_without_repetition() {
        for style in [OutputStyle::Source, OutputStyle::Neutral, OutputStyle::Styled(Colours::Off)] {
            let mut printed = PrintedMessages::new(style);
            let mut put = |source: &str, last| printed.put(&id("a"), &message(source, last));
            assert_eq!(put("a 1\na ", Completeness::Partial), "a 1\n");
            assert_eq!(put("a 1\na 2", Completeness::Halted), "a 2\n");
            assert_eq!(put("a 1\na 2", Completeness::Halted), "");
            assert_eq!(put("a 1\na 2, a", Completeness::Partial), "");
            assert_eq!(put("a 1\na 2, a 3\na", Completeness::Partial), ", a 3\n");
            assert_eq!(put("a 1\na 2, a 3\na 4", Completeness::Halted), "a 4\n");
            assert_eq!(put("a 1\na 2, a 3\na 4\na 5\n", Completeness::Partial), "a 5\n");
            assert_eq!(put("a 1\na 2, a 3\na 4\na 5\na 6", Completeness::Halted), "a 6\n");
            assert_eq!(put("a 1\na 2, a 3\na 4\na 5\na 6", Completeness::Complete), "");
            assert_eq!(put("a 1\na 2, a 3\na 4\na 5\na 6\n\nthe end", Completeness::Complete), "\nthe end\n");
        }
    }

    #[test]
    fn host_messages_are_printed_without_markdown_escapes() {
        let own =
            Outgoing { author: Authorship::Own, ..message(r"Session '\_\_x\_\_' has `\_`.", Completeness::Complete) };
        let printed = |style, message: &Outgoing| PrintedMessages::new(style).put(&id("m"), message);
        let plain = "Session '__x__' has `\\_`.\n";
        for style in [OutputStyle::Source, OutputStyle::Neutral, OutputStyle::Styled(Colours::Off)] {
            assert_eq!(printed(style, &own), plain);
        }
        assert!(printed(OutputStyle::Styled(Colours::On), &own).starts_with("Session '__x__' has "));
        let agents = Outgoing { author: Authorship::Agents, ..own };
        assert_eq!(printed(OutputStyle::Source, &agents), format!("{}\n", agents.source));
    }

    #[test]
    fn each_line_of_a_background_session_has_its_name() {
        let mut printed = PrintedMessages::new(OutputStyle::Source);
        let put = |printed: &mut PrintedMessages, name: &str, source: &str, session: Option<&str>| {
            let session = session.map(|session| session.parse().unwrap());
            printed.put(&id(name), &Outgoing { session, ..message(source, Completeness::Partial) })
        };
        let mut out = put(&mut printed, "a", "a 1\n", None);
        out += &put(&mut printed, "b", "switched\n", None);
        out += &put(&mut printed, "a", "a 1\na 2\n", Some("alpha"));
        out += &put(&mut printed, "a", "a 1\na 2\na 3\n", Some("alpha"));
        out += &put(&mut printed, "c", "You said: hello\n", None);
        out += &put(&mut printed, "a", "a 1\na 2\na 3\n\na 4\n", Some("alpha"));
        out += &put(&mut printed, "a", "a 1\na 2\na 3\n\na 4\na 5\n", None);
        out += &put(&mut printed, "d", "```\ncode\n", Some("beta"));
        assert_eq!(
            out,
            "a 1\nswitched\n[alpha] a 2\n[alpha] a 3\nYou said: hello\n\n[alpha] a 4\na 5\n[beta] ```\n[beta] code\n"
        );
    }

    #[test]
    fn buttons_are_printed_once_as_commands() {
        let mut printed = PrintedMessages::new(OutputStyle::Source);
        let mut question = message("It failed.", Completeness::Complete);
        question.buttons =
            vec![vec![Button::new("Try again", "/retry alpha"), Button::new("No\n\x1b[2J\u{202e}", "/fresh alpha")]];
        let expected = "It failed.\n  [Try again] /retry alpha\n  [No [2J] /fresh alpha\n";
        assert_eq!(printed.put(&id("m"), &question), expected);
        assert_eq!(printed.put(&id("m"), &question), "");
    }

    #[test]
    fn a_terminal_gets_styles_but_no_untrusted_controls() {
        let styled = versions(
            OutputStyle::Styled(Colours::On),
            &[
                "**bold** \x1b]0;title\x07\n",
                "**bold** \x1b]0;title\x07\n```\ncode\n",
                "**bold** \x1b]0;title\x07\n```\ncode\n```",
            ],
        );
        let all = styled.concat();
        assert!(all.contains("\x1b[1mbold"), "{all:?}");
        assert!(!all.contains("\x1b]") && !all.contains('\x07'), "{all:?}");
        let plain = versions(OutputStyle::Neutral, &["**bold** \x1b[2J"]);
        assert_eq!(plain, ["**bold** [2J\n"]);
        let off = versions(OutputStyle::Styled(Colours::Off), &["**bold**\x1b[2J"]);
        assert_eq!(off, ["**bold**[2J\n"]);
    }

    #[test]
    fn a_growing_message_is_remembered_under_many_others() {
        let mut printed = PrintedMessages::new(OutputStyle::Source);
        assert_eq!(printed.put(&id("live"), &message("line 1\nli", Completeness::Partial)), "line 1\n");
        for index in 0..MAX_COMPLETE_MESSAGES * 3 {
            printed.put(&id(&index.to_string()), &message("x", Completeness::Complete));
        }
        assert_eq!(printed.put(&id("live"), &message("line 1\nline 2\nli", Completeness::Partial)), "line 2\n");
        assert_eq!(printed.put(&id("live"), &message("line 1\nline 2\nline 3", Completeness::Complete)), "line 3\n");
        for index in 0..MAX_MESSAGES * 2 {
            printed.put(&id(&format!("live {index}")), &message("x", Completeness::Partial));
        }
        assert_eq!(printed.messages.len(), MAX_MESSAGES);
    }

    #[test]
    fn the_number_of_remembered_messages_is_limited() {
        let mut printed = PrintedMessages::new(OutputStyle::Source);
        for index in 0..MAX_COMPLETE_MESSAGES * 2 {
            printed.put(&id(&index.to_string()), &message("x", Completeness::Complete));
        }
        assert_eq!(printed.messages.len(), MAX_COMPLETE_MESSAGES);
    }
}
