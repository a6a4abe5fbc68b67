//! A minimal Rust scanner that separates code from text by blanking out comments, string literals and character
//! literals.

/// Returns the part of a file before its unit tests.
pub fn without_tests(text: &str) -> &str {
    text.find("#[cfg(test)]\nmod ").map_or(text, |end| &text[..end])
}

/// Replaces comments, string literals and character literals with blanks. Line numbers don't change.
pub fn bare(text: &str) -> String {
    let mut left = text;
    let mut bare = String::with_capacity(text.len());
    while let Some(first) = left.chars().next() {
        let inside_a_word = bare.ends_with(|c: char| c.is_alphanumeric() || c == '_');
        let length = match skipped(left, inside_a_word) {
            Some(length) => {
                bare.extend(left[..length].chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
                length
            }
            None => {
                bare.push(first);
                first.len_utf8()
            }
        };
        left = &left[length..];
    }
    bare
}

/// Returns the length of a comment or literal at the beginning of `text`, in bytes.
fn skipped(text: &str, inside_a_word: bool) -> Option<usize> {
    if text.starts_with("//") {
        return Some(text.find('\n').unwrap_or(text.len()));
    }
    if text.starts_with("/*") {
        return Some(block(text));
    }
    let prefix = if inside_a_word { 0 } else { text.len() - text.trim_start_matches(['b', 'c', 'r']).len() };
    let literal = &text[prefix..];
    if text[..prefix].contains('r') && literal.starts_with(['#', '"']) {
        let hashes = literal.len() - literal.trim_start_matches('#').len();
        return literal[hashes..].starts_with('"').then(|| prefix + raw(literal, hashes));
    }
    if literal.starts_with('"') {
        return Some(prefix + string(literal));
    }
    literal.starts_with('\'').then(|| character(literal).map(|length| prefix + length)).flatten()
}

fn block(text: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while at < text.len() {
        if text[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if text[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                break;
            }
        } else {
            at += text[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    at
}

fn raw(text: &str, hashes: usize) -> usize {
    let end = format!("\"{}", "#".repeat(hashes));
    text[hashes + 1..].find(&end).map_or(text.len(), |at| hashes + 1 + at + end.len())
}

fn string(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// Returns the length of a character literal. Returns `None` for a lifetime, which begins the same way.
fn character(text: &str) -> Option<usize> {
    let mut inside = text[1..].chars();
    match inside.next()? {
        '\\' => text[3..].find('\'').map(|at| at + 4),
        c => (inside.next() == Some('\'')).then(|| c.len_utf8() + 2),
    }
}

/// Returns the byte offsets at which `word` occurs as a whole word.
pub fn occurrences<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(word).map(|(at, _)| at).filter(move |at| {
        let goes_on = word.ends_with(is_part) && code[at + word.len()..].starts_with(is_part);
        !goes_on && !code[..*at].ends_with(is_part)
    })
}

/// Returns the 1-based line number of a byte offset.
pub fn line_of(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}

#[test]
fn literals_and_comments_become_blanks() {
    let cases = [
        ("a // b\nc", "a     \nc"),
        ("a /* /* b */ \n */ c", "a            \n    c"),
        (r#"f("a \" {", b"x", c"y")"#, r#"f(        ,     ,     )"#),
        ("f(r#\"a\" }\"#, g)", "f(         , g)"),
        (r"f('{', '\'', '\u{1F600}', &'a str, b'\n')", "f(   ,     ,            , &'a str,      )"),
        ("for number in r#type", "for number in r#type"),
        ("abc\"d\"", "abc   "),
    ];
    for (text, expected) in cases {
        assert_eq!(bare(text), expected, "{text}");
    }
}

#[test]
fn only_whole_words_are_found() {
    assert_eq!(occurrences("notify::x renotify::x notify::y", "notify::").collect::<Vec<_>>(), [0, 22]);
    assert_eq!(occurrences("todo!() my_todo!()", "todo!").collect::<Vec<_>>(), [0]);
    assert_eq!(occurrences("tokio tokio_util", "tokio").collect::<Vec<_>>(), [0]);
}
