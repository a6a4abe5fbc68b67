//! Splits a command into simple commands for an allow list. Rejects everything that it doesn't fully understand:
//! substitutions, redirections to files, groups, keywords, comments and the like.
//!
//! Runs in time linear in the length of the text, without recursion.

use std::{iter::Peekable, str::Chars};

use super::special_words::{is_evaluator, is_keyword};

/// A simple command in canonical form: one space between words, and a backslash before each quoted character that is
/// special to a shell. Redirections are omitted. Commands with the same text run the same program with the same
/// arguments.
#[derive(Debug, PartialEq, Eq)]
pub struct Simple {
    pub text: String,
    /// The words of `text`.
    pub words: Vec<String>,
}

/// Returns the simple commands in `text`. Each command runs only the program that its first word names, with the other
/// words as arguments. Returns `None` if the text is empty or isn't fully understood.
pub fn split(command: &str) -> Option<Vec<Simple>> {
    let commands = lex(command)?;
    commands.iter().all(runs_its_first_word).then_some(commands)
}

/// Splits a text into simple commands. Unlike [`split`], accepts any first word, because the text of a rule may begin
/// with a wildcard.
pub fn lex(text: &str) -> Option<Vec<Simple>> {
    let mut lexer = Lexer { left: text.chars().peekable(), word: None, words: Vec::new(), commands: Vec::new() };
    let mut last = Separator::End;
    while let Some(c) = lexer.left.next() {
        if let Some(separator) = lexer.read(c)? {
            last = lexer.separate(separator, last)?;
        }
    }
    lexer.separate(Separator::End, last)?;
    Some(lexer.commands)
}

fn runs_its_first_word(command: &Simple) -> bool {
    let Some(first) = command.words.first() else { return false };
    !first.contains(['*', '?', '[', '{', '}', '=', '!', '\\', '\'']) && !is_keyword(first) && !is_evaluator(first)
}

/// Returns whether a shell takes the character literally. An `=` in the first word is an exception, which
/// `runs_its_first_word` rejects.
pub fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_-./:,@%+=^".contains(c) || !c.is_ascii() && !c.is_whitespace()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Separator {
    /// `&&`, `||`, `|`, `|&`: another command must follow.
    Operator,
    /// `;`, `&`.
    Terminator,
    Newline,
    /// The beginning or the end of the text.
    End,
}

struct Lexer<'a> {
    left: Peekable<Chars<'a>>,
    word: Option<Word>,
    words: Vec<String>,
    commands: Vec<Simple>,
}

#[derive(Default)]
struct Word {
    text: String,
    is_quoted: bool,
}

impl Lexer<'_> {
    /// Reads the token that begins with `c`. Returns `None` if the token isn't understood, or `Some(None)` if it isn't
    /// a separator.
    fn read(&mut self, c: char) -> Option<Option<Separator>> {
        match c {
            ' ' | '\t' => self.end_word(),
            '\n' => return Some(Some(Separator::Newline)),
            ';' => return Some(Some(Separator::Terminator)),
            '&' if self.next_is('&') => return Some(Some(Separator::Operator)),
            '&' if self.left.peek() == Some(&'>') => {
                self.end_word();
                self.left.next();
                self.redirect_to_null()?;
                // A POSIX shell reads `&` as a separator, and runs the words after the target as another command.
                self.skip_blanks();
                return self.left.peek().is_none_or(|c| "\n;|&".contains(*c)).then_some(None);
            }
            '&' => return Some(Some(Separator::Terminator)),
            '|' => {
                let _ = self.next_is('|') || self.next_is('&');
                return Some(Some(Separator::Operator));
            }
            '>' => self.redirect()?,
            '\'' => self.single_quotes()?,
            '"' => self.double_quotes()?,
            '\\' => match self.left.next()? {
                '\n' => {}
                escaped => self.push_quoted(escaped)?,
            },
            '#' if self.word.is_none() => return None,
            // A literal dollar at the end of a word, as in a regular expression.
            '$' if self.left.peek().is_none_or(|next| " \t\n".contains(*next)) => self.push_quoted('$')?,
            '$' | '`' | '(' | ')' | '<' => return None,
            _ if c.is_control() || c.is_whitespace() => return None,
            _ => self.word.get_or_insert_default().text.push(c),
        }
        Some(None)
    }

    fn next_is(&mut self, c: char) -> bool {
        self.left.next_if_eq(&c).is_some()
    }

    fn push_quoted(&mut self, c: char) -> Option<()> {
        if c == '\0' || c.is_control() && c != '\n' && c != '\t' {
            return None;
        }
        let word = self.word.get_or_insert_default();
        word.is_quoted = true;
        if !is_plain(c) {
            word.text.push('\\');
        }
        word.text.push(c);
        Some(())
    }

    fn single_quotes(&mut self) -> Option<()> {
        self.word.get_or_insert_default().is_quoted = true;
        loop {
            match self.left.next()? {
                '\'' => return Some(()),
                c => self.push_quoted(c)?,
            }
        }
    }

    fn double_quotes(&mut self) -> Option<()> {
        self.word.get_or_insert_default().is_quoted = true;
        loop {
            match self.left.next()? {
                '"' => return Some(()),
                '`' => return None,
                '$' if self.left.peek() != Some(&'"') => return None,
                '\\' => match self.left.next()? {
                    '\n' => {}
                    c @ ('$' | '`' | '"' | '\\') => self.push_quoted(c)?,
                    c => {
                        self.push_quoted('\\')?;
                        self.push_quoted(c)?;
                    }
                },
                c => self.push_quoted(c)?,
            }
        }
    }

    /// Reads the rest of a redirection after `>`. Accepts only redirections to standard output, standard error and
    /// `/dev/null`.
    fn redirect(&mut self) -> Option<()> {
        match self.word.take() {
            None => {}
            Some(word) if !word.is_quoted && (word.text == "1" || word.text == "2") => {}
            Some(_) => return None,
        }
        if self.next_is('&') {
            self.left.next_if(|c| *c == '1' || *c == '2')?;
            return self.is_at_boundary().then_some(());
        }
        self.redirect_to_null()
    }

    fn redirect_to_null(&mut self) -> Option<()> {
        self.next_is('>');
        self.skip_blanks();
        for expected in "/dev/null".chars() {
            self.left.next_if_eq(&expected)?;
        }
        self.is_at_boundary().then_some(())
    }

    fn skip_blanks(&mut self) {
        while self.next_is(' ') || self.next_is('\t') {}
    }

    fn is_at_boundary(&mut self) -> bool {
        self.left.peek().is_none_or(|c| " \t\n;|&".contains(*c))
    }

    fn end_word(&mut self) {
        if let Some(word) = self.word.take() {
            self.words.push(if word.text.is_empty() { "''".to_owned() } else { word.text });
        }
    }

    /// Ends the current command. Returns the separator before the next command, or `None` if a command is missing.
    fn separate(&mut self, separator: Separator, last: Separator) -> Option<Separator> {
        self.end_word();
        if self.words.is_empty() {
            return match separator {
                Separator::Newline => Some(last),
                Separator::End if last != Separator::Operator && !self.commands.is_empty() => Some(separator),
                Separator::Operator | Separator::Terminator | Separator::End => None,
            };
        }
        let words = std::mem::take(&mut self.words);
        self.commands.push(Simple { text: words.join(" "), words });
        Some(separator)
    }
}
