//! Recognizes output that only repeats the input.

/// The program's echo behavior: some programs repeat their input if they have no terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Echo {
    Unknown,
    Yes,
    No,
}

/// Returns whether an output line repeats a line that was sent. The program may have wrapped it.
pub fn is_echo_of(sent: &str, line: &str) -> bool {
    let letters = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
    letters(sent) == letters(line)
}

/// Returns whether a line that equals its input may be a result: a single word or a literal, such as `5` or `[1, 2]`.
pub fn may_be_result(line: &str) -> bool {
    let line = line.trim();
    !line.contains(char::is_whitespace) || line.starts_with(|first: char| !first.is_alphabetic() && first != '.')
}
