//! Makes every part of an untrusted text visible to the person who decides on it: shows invisible characters as codes,
//! long runs of blanks as a count, and only the start and the end of a long text.

use cordboard_core::render::{self, is_unseen, units};

/// The maximum number of consecutive blanks within a line, and of consecutive blank lines, to show as they are. Longer
/// runs could push the rest of the text out of sight.
const MAX_BLANKS: usize = 40;
const MAX_BLANK_LINES: usize = 3;

/// A text in which every character is visible.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Visible {
    pub text: String,
    /// Whether a long run of blanks or blank lines is replaced by its length.
    pub is_padded: bool,
    /// Whether the original contains invisible characters. `text` shows their code points, or the length of a long run.
    pub has_unseen: bool,
}

/// The kind of a text, which determines which lines are blank.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lines {
    Plain,
    /// The first character of a line says whether the line is added or removed.
    Diff,
}

impl Lines {
    /// Splits a line into its sign and its content.
    fn split(self, line: &str) -> (&str, &str) {
        match self {
            Self::Diff if line.starts_with(['+', '-']) => line.split_at(1),
            Self::Plain | Self::Diff => ("", line),
        }
    }
}

/// Replaces invisible characters with their codes, and long runs of blanks with a count.
pub fn visible(text: &str, lines: Lines) -> Visible {
    let all: Vec<(&str, &str)> = text.split('\n').map(|line| lines.split(line)).collect();
    let are_blank = |a: &(&str, &str), b: &(&str, &str)| a.0 == b.0 && [a, b].iter().all(|line| is_blank_line(line.1));
    let mut shown = Visible::default();
    for group in all.chunk_by(are_blank) {
        if group.len() > MAX_BLANK_LINES {
            shown.is_padded = true;
            shown.has_unseen |= group.iter().any(|line| line.1.contains(hides));
            shown.text.push_str(&format!("{}⟨{} blank lines⟩\n", group[0].0, group.len()));
            continue;
        }
        for (sign, line) in group {
            shown.text.push_str(sign);
            shown.push_line(line);
            shown.text.push('\n');
        }
    }
    shown.text.pop();
    shown
}

impl Visible {
    fn push_line(&mut self, line: &str) {
        let letters: Vec<char> = line.chars().collect();
        for run in letters.chunk_by(|a, b| is_blank(*a) == is_blank(*b)) {
            let unseen = run.iter().filter(|c| hides(**c)).count();
            self.has_unseen |= unseen > 0;
            if run.len() > MAX_BLANKS && is_blank(run[0]) {
                self.is_padded = true;
                let what = if unseen > 0 { "invisible characters" } else { "spaces" };
                self.text.push_str(&format!("⟨{} {what}⟩", run.len()));
            } else {
                run.iter().for_each(|c| self.push(*c));
            }
        }
    }

    fn push(&mut self, c: char) {
        if hides(c) {
            self.text.push_str(&format!("⟨U+{:04X}⟩", u32::from(c)));
        } else {
            self.text.push(c);
        }
    }

    /// Returns lines that explain the `⟨…⟩` notation in `text`, or an empty text.
    pub fn notes(&self) -> String {
        let padded = if self.is_padded { "\nThe input is padded: ⟨…⟩ shows the number of blanks." } else { "" };
        let unseen =
            if self.has_unseen { "\nThe input contains invisible characters: ⟨…⟩ shows them." } else { "" };
        format!("{padded}{unseen}")
    }
}

fn is_blank_line(line: &str) -> bool {
    line.chars().all(is_blank)
}

fn is_blank(c: char) -> bool {
    c == ' ' || c == '\t' || hides(c)
}

/// Returns whether `c` is invisible or looks like a space. Excludes ordinary spaces, tabs and line breaks, and the two
/// variation selectors that occur in ordinary emoji.
fn hides(c: char) -> bool {
    !matches!(c, ' ' | '\t' | '\n') && (is_unseen(c) || c.is_whitespace() || is_ignorable(c))
}

/// Returns whether `c` is blank or has no shape of its own, but also occurs in ordinary text, for example to join
/// letters.
const fn is_ignorable(c: char) -> bool {
    matches!(
        c,
        '\u{34f}'
            | '\u{61c}'
            | '\u{115f}'
            | '\u{1160}'
            | '\u{17b4}'
            | '\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200c}'..='\u{200f}'
            | '\u{2065}'
            | '\u{2800}'
            | '\u{fe00}'..='\u{fe0d}'
            | '\u{fff0}'..='\u{fff8}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

/// The beginning and the end of a text that is too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ends<'t> {
    pub start: &'t str,
    pub end: &'t str,
    /// The text between them, which is not shown.
    pub between: &'t str,
}

/// Splits a text that has more than `most` UTF-16 units or more than `lines` lines. Returns `None` for a shorter one.
pub fn ends(text: &str, most: usize, lines: usize) -> Option<Ends<'_>> {
    if units(text) <= most && text.split('\n').count() <= lines {
        return None;
    }
    let by_lines = text.match_indices('\n').nth((lines / 5 * 3).saturating_sub(1)).map_or(text.len(), |(at, _)| at);
    let start = fitting(&text[..by_lines], most / 5 * 3);
    let rest = &text[start.len()..];
    let by_lines = rest.rmatch_indices('\n').nth((lines / 5 * 2).saturating_sub(1)).map_or(0, |(at, _)| at + 1);
    let mut left = most / 5 * 2;
    let fits = |c: &char| left.checked_sub(c.len_utf16()).inspect(|rest| left = *rest).is_some();
    let bytes: usize = rest[by_lines..].chars().rev().take_while(fits).map(char::len_utf8).sum();
    let (between, end) = rest.split_at(rest.len() - bytes);
    Some(Ends { start, end, between })
}

impl Ends<'_> {
    /// Returns a sentence that says how much is not shown.
    pub fn note(&self) -> String {
        let inner = self.between.strip_prefix('\n').unwrap_or(self.between);
        let lines = inner.strip_suffix('\n').unwrap_or(inner).split('\n').count();
        match (self.between.chars().count(), lines) {
            (1, _) => "1 character between these parts is not shown.".to_owned(),
            (characters, 1) => format!("{characters} characters between these parts are not shown."),
            (characters, _) => format!("{lines} lines ({characters} characters) between these parts are not shown."),
        }
    }

    /// Returns the start, with an ellipsis if its last line is cut.
    pub fn marked_start(&self) -> String {
        let is_cut = !self.between.starts_with('\n');
        format!("{}{}", self.start, if is_cut { "…" } else { "" })
    }

    /// Returns the end, with an ellipsis if its first line is cut.
    pub fn marked_end(&self) -> String {
        let is_cut = !self.between.ends_with('\n') && !self.end.starts_with('\n');
        format!("{}{}", if is_cut { "…" } else { "" }, self.end.trim_start_matches('\n'))
    }
}

/// Formats a short text as code on one line. For a text with more than `most` UTF-16 units, shows both ends and the
/// number of omitted characters.
pub fn code(text: &str, most: usize) -> String {
    let shown = visible(text, Lines::Plain).text.replace('\n', "⟨U+000A⟩");
    let cut = ends(&shown, most.saturating_sub(NUMBER), 1);
    let cut =
        cut.map(|Ends { start, end, between }| format!("{start}⟨{} more characters⟩{end}", between.chars().count()));
    render::code(&cut.unwrap_or(shown))
}

/// The maximum length of the note about omitted characters in [`code`], in UTF-16 units.
const NUMBER: usize = 30;

/// Returns as much of the start of `text` as fits into `most` UTF-16 units.
pub fn fitting(text: &str, most: usize) -> &str {
    let mut left = most;
    let fits = |c: &char| left.checked_sub(c.len_utf16()).inspect(|rest| left = *rest).is_some();
    let bytes = text.chars().take_while(fits).map(char::len_utf8).sum();
    &text[..bytes]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        visible(text, Lines::Plain).text
    }

    #[test]
    fn ordinary_text_is_not_changed() {
        for text in ["", "\n", "a\n\n\n\nb\n", "if x:\n\ty = 'é😀❤\u{fe0f}'\n", &" ".repeat(40)] {
            assert_eq!(visible(text, Lines::Plain), Visible { text: text.to_owned(), ..Visible::default() });
        }
    }

    #[test]
    fn blanks_are_counted() {
        assert_eq!(shown(&format!("a{}b", " ".repeat(41))), "a⟨41 spaces⟩b");
        assert_eq!(shown(&format!("a{}b", " \u{a0}".repeat(30))), "a⟨60 invisible characters⟩b");
        assert_eq!(shown("a\n\n \n\u{2800}\n\nb"), "a\n⟨4 blank lines⟩\nb");
        assert_eq!(visible("+a\n+\n+\n+\n+\n-\n-b", Lines::Diff).text, "+a\n+⟨4 blank lines⟩\n-\n-b");
        assert!(visible(&"\n".repeat(9), Lines::Plain).is_padded && visible("\u{ad}", Lines::Plain).has_unseen);
    }

    #[test]
    fn both_ends_and_the_rest_are_the_whole_text() {
        let texts = [
            "a\n".repeat(100),
            "é\u{1f600} ".repeat(2_000),
            format!("{}\n\nb", "x".repeat(2_400)),
            "y\n".repeat(61),
            format!("{}{}", "z\n".repeat(40), "z".repeat(5_000)),
        ];
        for text in texts {
            let cut = ends(&text, 2_000, 60).expect("it is too long");
            assert_eq!(format!("{}{}{}", cut.start, cut.between, cut.end), text);
            let shown = format!("{}\n{}", cut.marked_start(), cut.marked_end());
            assert!(units(&shown) <= 2_003 && shown.lines().count() <= 61, "{shown}");
            assert!(!cut.between.is_empty() && !cut.end.is_empty(), "{cut:?}");
        }
        assert_eq!(ends(&"y\n".repeat(59), 2_000, 60), None);
    }

    #[test]
    fn a_note_says_how_much_is_not_shown() {
        let note = |between| Ends { start: "", end: "", between }.note();
        assert_eq!(note("x"), "1 character between these parts is not shown.");
        assert_eq!(note("\nab\n\n"), "2 lines (5 characters) between these parts are not shown.");
    }
}
