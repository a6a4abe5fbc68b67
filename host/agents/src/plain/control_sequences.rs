//! Removes the control sequences that programs print for terminals.

/// Returns a line as a terminal would show it: without escape sequences, control characters and overwritten text, such
/// as the earlier states of a progress bar.
pub(super) fn strip_control_sequences(line: &[u8]) -> String {
    let line = String::from_utf8_lossy(line);
    let mut text = String::with_capacity(line.len());
    let mut rest = line.chars();
    while let Some(c) = rest.next() {
        match c {
            '\u{1b}' => skip_escape(&mut rest),
            '\u{9b}' => skip_control_sequence(&mut rest),
            '\u{90}' | '\u{98}' | '\u{9d}'..='\u{9f}' => skip_string(&mut rest),
            '\r' if !rest.as_str().trim_start_matches('\r').is_empty() => text.clear(),
            '\u{8}' => drop(text.pop()),
            '\t' => text.push(c),
            _ if c.is_control() => {}
            _ => text.push(c),
        }
    }
    text
}

/// Skips the rest of an escape sequence after `ESC`.
fn skip_escape(rest: &mut std::str::Chars<'_>) {
    match rest.next() {
        Some('[') => skip_control_sequence(rest),
        Some(']' | 'P' | 'X' | '^' | '_') => skip_string(rest),
        // Intermediate characters, and one final character.
        Some(' '..='/') => skip_to(rest, |c| !matches!(c, ' '..='/')),
        Some(_) | None => {}
    }
}

/// Skips the parameters and the final character.
fn skip_control_sequence(rest: &mut std::str::Chars<'_>) {
    skip_to(rest, |c| matches!(c, '@'..='~'));
}

/// Skips characters through the first one for which `is_last` returns true.
fn skip_to(rest: &mut std::str::Chars<'_>, is_last: fn(char) -> bool) {
    while rest.next().is_some_and(|c| !is_last(c)) {}
}

/// Skips a string, such as a window title, and its terminator.
fn skip_string(rest: &mut std::str::Chars<'_>) {
    while let Some(c) = rest.next() {
        match c {
            '\u{7}' | '\u{9c}' => return,
            '\u{1b}' => {
                rest.next();
                return;
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::strip_control_sequences;

    #[test]
    fn a_line_is_shown_as_in_a_terminal() {
        for (line, shown) in [
            (&b"plain \xc3\xa4\ttext"[..], "plain ä\ttext"),
            (b"\x1b[1;31mred\x1b[0m", "red"),
            (b"\x1b]0;title\x07after", "after"),
            (b"\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
            (b"\x1b(Btext\x1b=\x1bM", "text"),
            (b"\x1b[?2004h>>> ", ">>> "),
            (b"10 %\r20 %\r", "20 %"),
            (b"windows\r", "windows"),
            (b"ab\x08c\x07", "ac"),
            (b"\xff\x00", "\u{fffd}"),
            ("\u{9b}31mred".as_bytes(), "red"),
            (b"cut \x1b[3", "cut "),
        ] {
            assert_eq!(strip_control_sequences(line), shown, "{}", line.escape_ascii());
        }
    }
}
