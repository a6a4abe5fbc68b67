//! Finds the words of all commands in a text for a deny list, including commands inside substitutions and groups.
//! Accepts any text. If the text is ambiguous, finds too many commands rather than too few.
//!
//! Runs in time linear in the length of the text, without recursion.

/// Selects whether quotes are interpreted as in a shell. In a text that can't be parsed, a quote may be part of a
/// comment or a here-document.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Quotes {
    Respect,
    /// Read the text in quotes and comments as commands too.
    Ignore,
}

/// The maximum depth of nested substitutions and groups. Up to this depth, a command continues after a substitution
/// inside it. A deeper substitution ends the command around it.
const DEEPEST: usize = 256;

/// Returns the words of each command, without quotes and redirections and, with [`Quotes::Respect`], without comments.
pub fn scan(text: &str, quotes: Quotes) -> Vec<Vec<String>> {
    let mut scanner = Scanner { left: text, quotes, here: Command::default(), outer: Vec::new(), found: Vec::new() };
    while let Some(c) = scanner.left.chars().next() {
        scanner.left = &scanner.left[c.len_utf8()..];
        scanner.read(c);
    }
    while scanner.close() {}
    scanner.end_command();
    scanner.found
}

struct Scanner<'a> {
    left: &'a str,
    quotes: Quotes,
    here: Command,
    outer: Vec<(Command, Opened)>,
    found: Vec<Vec<String>>,
}

#[derive(Default)]
struct Command {
    words: Vec<String>,
    word: Option<String>,
    position: Position,
    next_word: NextWord,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Position {
    #[default]
    Outside,
    InDoubleQuotes,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum NextWord {
    #[default]
    Belongs,
    /// The next word is the target of a redirection.
    IsTarget,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Opened {
    Parenthesis,
    Backtick,
}

impl Scanner<'_> {
    fn read(&mut self, c: char) {
        let is_quoted = self.here.position == Position::InDoubleQuotes;
        match c {
            '\\' => self.escape(),
            '"' => self.double_quote(),
            '$' => self.dollar(),
            '`' => self.backtick(),
            // A substitution inside quotes is a separate command with its own position, so its end isn't quoted.
            _ if is_quoted => self.push(c),
            '\'' => self.single_quote(),
            ' ' | '\t' => self.end_word(),
            '#' if self.here.word.is_none() => self.comment(),
            '(' => {
                self.end_command();
                self.open(Opened::Parenthesis);
            }
            ')' => {
                if !self.close() {
                    self.end_command();
                }
            }
            '<' | '>' => self.redirect(c),
            ';' | '|' | '&' => self.end_command(),
            '{' | '}' if self.quotes == Quotes::Ignore => self.end_command(),
            '\n' | '\r' | '\0' => self.end_command(),
            _ if c.is_whitespace() || c.is_control() => self.end_word(),
            _ => self.push(c),
        }
    }

    fn push(&mut self, c: char) {
        self.here.word.get_or_insert_default().push(c);
    }

    fn take(&mut self, prefix: &str) -> bool {
        let rest = self.left.strip_prefix(prefix);
        self.left = rest.unwrap_or(self.left);
        rest.is_some()
    }

    fn escape(&mut self) {
        let is_in_backticks = self.outer.last().is_some_and(|(_, opened)| *opened == Opened::Backtick);
        if self.take("\n") || self.quotes == Quotes::Ignore {
            return;
        }
        if is_in_backticks && self.take("`") {
            self.end_command();
        } else if let Some(c) = self.left.chars().next() {
            self.left = &self.left[c.len_utf8()..];
            self.push(c);
        }
    }

    fn double_quote(&mut self) {
        if self.quotes == Quotes::Ignore {
            return;
        }
        self.here.word.get_or_insert_default();
        self.here.position = match self.here.position {
            Position::Outside => Position::InDoubleQuotes,
            Position::InDoubleQuotes => Position::Outside,
        };
    }

    fn single_quote(&mut self) {
        if self.quotes == Quotes::Ignore {
            return;
        }
        let (inside, left) = self.left.split_once('\'').unwrap_or((self.left, ""));
        self.here.word.get_or_insert_default().push_str(inside);
        self.left = left;
    }

    fn dollar(&mut self) {
        if self.take("(") {
            self.open(Opened::Parenthesis);
        } else if self.take("{IFS}") || self.take("IFS") {
            self.end_word();
        } else if !self.left.starts_with(['\'', '"']) {
            self.push('$');
        }
    }

    fn backtick(&mut self) {
        let closes = self.outer.last().is_some_and(|(_, opened)| *opened == Opened::Backtick);
        if closes {
            self.close();
        } else {
            self.open(Opened::Backtick);
        }
    }

    fn comment(&mut self) {
        self.end_command();
        if self.quotes == Quotes::Respect {
            self.left = self.left.find('\n').map_or("", |end| &self.left[end..]);
        }
    }

    fn redirect(&mut self, c: char) {
        if self.take("(") {
            self.open(Opened::Parenthesis);
            return;
        }
        if self.here.word.as_ref().is_some_and(|word| word.bytes().all(|byte| byte.is_ascii_digit())) {
            self.here.word = None;
        }
        self.end_word();
        // The word after `<<<` is the command's input. If the command is a shell, the shell runs the input.
        let is_input_text = c == '<' && self.take("<<");
        self.left = self.left.trim_start_matches(['<', '>', '&', '|', '-', '!']);
        self.here.next_word = if is_input_text { NextWord::Belongs } else { NextWord::IsTarget };
    }

    fn open(&mut self, opened: Opened) {
        if self.outer.len() == DEEPEST {
            self.end_command();
        } else {
            self.outer.push((std::mem::take(&mut self.here), opened));
        }
    }

    /// Ends the innermost substitution or group. Returns whether there was one.
    fn close(&mut self) -> bool {
        let Some((outer, _)) = self.outer.pop() else { return false };
        self.end_command();
        self.here = outer;
        // The word around the substitution continues; the substitution's output is unknown and left out.
        true
    }

    fn end_word(&mut self) {
        let Some(word) = self.here.word.take() else { return };
        match std::mem::take(&mut self.here.next_word) {
            NextWord::Belongs => self.here.words.push(word),
            NextWord::IsTarget => {}
        }
    }

    fn end_command(&mut self) {
        self.end_word();
        let command = std::mem::take(&mut self.here);
        if !command.words.is_empty() {
            self.found.push(command.words);
        }
    }
}
