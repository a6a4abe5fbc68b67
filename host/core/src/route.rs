//! Parses chat text as a command or a prompt for the agent, and resolves commands to those that active plugins export.
//! No command names are built into the grammar.

use std::borrow::Cow;

use crate::{messages::HostReply, render::is_ignorable, typed_agent_command::AgentCommandLine, types::Role};

/// The maximum length of a command name in characters, as in Telegram's command menu.
const MAX_NAME_LENGTH: usize = 32;

/// The maximum edit distance between a mistyped name and the suggested one.
const MAX_DISTANCE: usize = 2;

/// A command and its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandLine {
    /// The name in lower case, without the slash.
    pub name: String,
    pub invocation: Invocation,
}

/// The text after a command's name, split into arguments and as typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invocation {
    /// The arguments, split as a shell does.
    pub args: Vec<String>,
    /// The text after the name, trimmed but otherwise as typed.
    pub text: String,
}

/// The parsed content of a message. The hub parses each message once and passes this value on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChatInput {
    Command(CommandLine),
    /// A pressed button.
    Button {
        /// `None` if the button's text is not a command.
        command: Option<CommandLine>,
        /// The plugin that shows the button, or `None` if the host shows it.
        plugin: Option<String>,
    },
    /// A text that begins with two slashes and a name, as in `//compact`. If a plugin exports a command with this name,
    /// that command runs; otherwise, the agent's own command runs. `None` if no plugin can export a command with this
    /// name.
    AgentCommand(Option<CommandLine>),
    /// Any other text.
    Prompt,
}

impl ChatInput {
    /// Parses a text that a person typed.
    #[must_use]
    pub fn typed(text: &str) -> Self {
        match (AgentCommandLine::parse(text), parse(text)) {
            (Some(_), line) => Self::AgentCommand(line),
            (None, Some(line)) => Self::Command(line),
            (None, None) => Self::Prompt,
        }
    }

    /// Returns whether the text may be sent to an agent. A plugin's command takes precedence over an agent's command
    /// with the same name.
    #[must_use]
    pub const fn is_prompt(&self) -> bool {
        matches!(self, Self::Prompt | Self::AgentCommand(_))
    }

    /// Parses the command of a button that `plugin` shows.
    #[must_use]
    pub fn pressed(command: &str, plugin: Option<&str>) -> Self {
        Self::Button { command: parse_button(command), plugin: plugin.map(str::to_owned) }
    }
}

/// The meaning of a text for one bot in a chat with several bots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BotText {
    /// A command for this bot, without the bot's name.
    Command(String),
    /// A command for another bot in the same group. The host ignores it.
    OtherBot,
    Text,
}

/// Removes the bot's name from a command such as `/new@bot alpha`. `bot` is the user name without the `@`.
#[must_use]
pub fn remove_bot_name(text: &str, bot: &str) -> BotText {
    let Some(Head { slashes, name, addressee, rest }) = head(text) else { return BotText::Text };
    match addressee {
        Some(other) if !other.eq_ignore_ascii_case(bot) => {
            if is_name(&other) {
                BotText::OtherBot
            } else {
                BotText::Text
            }
        }
        Some(_) | None => BotText::Command(format!("{slashes}{name} {rest}").trim_end().to_owned()),
    }
}

/// Parses a text that a person typed. Returns `None` if it is not a command.
///
/// A command is `/[a-z0-9_]{1,32}`, followed by white space or the end of the text. Phone keyboards and copied texts
/// also produce ` /New`, `//new`, `／ｎｅｗ` and `/new!`. The parser therefore ignores white space and invisible characters
/// before the slash, punctuation after the name, the kind and number of slashes, and the width and case of letters.
/// Anything else, such as `/etc/hosts is broken`, is plain text.
#[must_use]
pub fn parse(text: &str) -> Option<CommandLine> {
    command_line(text, |rest| {
        let words = normalize_arguments(rest);
        split_like_shell(&straighten_quotes(&words)).unwrap_or_else(|| split_words(&words))
    })
}

/// Parses the command of a button. The text comes from a plugin or the host, so typographic characters in the arguments
/// are kept.
#[must_use]
pub fn parse_button(text: &str) -> Option<CommandLine> {
    command_line(text, |rest| split_like_shell(rest).unwrap_or_else(|| split_words(rest)))
}

fn command_line(text: &str, arguments: impl Fn(&str) -> Vec<String>) -> Option<CommandLine> {
    let Head { name, addressee: None, rest, .. } = head(text)? else { return None };
    Some(CommandLine { name, invocation: Invocation { args: arguments(rest), text: rest.to_owned() } })
}

/// The parts of a text that begins like a command.
struct Head<'t> {
    /// One slash, or two if there are several.
    slashes: &'static str,
    name: String,
    /// The word after the `@`, if any.
    addressee: Option<String>,
    rest: &'t str,
}

fn head(text: &str) -> Option<Head<'_>> {
    let text = trim_blank_start(text);
    let line = text.trim_start_matches(is_slash);
    if line.len() == text.len() {
        return None;
    }
    let (word, rest) = line.split_at(line.find(char::is_whitespace).unwrap_or(line.len()));
    let word = to_half_width(word.trim_matches(is_blank).trim_end_matches(ends_name));
    let (name, addressee) = match word.split_once('@') {
        Some((name, addressee)) => (name, Some(addressee.to_owned())),
        None => (&*word, None),
    };
    let has_one = text[..text.len() - line.len()].chars().nth(1).is_none();
    let slashes = if has_one { "/" } else { "//" };
    is_name(name).then(|| Head { slashes, name: name.to_ascii_lowercase(), addressee, rest: rest.trim() })
}

/// Matches the solidus, its full-width form, the fraction slash and the division slash.
pub(crate) const fn is_slash(letter: char) -> bool {
    matches!(letter, '/' | '／' | '⁄' | '∕')
}

/// Strips leading white space and invisible characters, which come from keyboards and copied text.
#[must_use]
pub fn trim_blank_start(text: &str) -> &str {
    text.trim_start_matches(is_blank)
}

fn is_blank(letter: char) -> bool {
    letter.is_whitespace() || is_ignorable(letter)
}

/// Returns whether to drop `letter` from the end of a command name. This applies to all symbols and punctuation except
/// `_`, slashes (which make the text a path) and `@` (which introduces a bot name).
fn ends_name(letter: char) -> bool {
    !letter.is_alphanumeric() && !matches!(letter, '_' | '@') && !is_slash(letter)
}

/// Converts the full-width forms of ASCII characters in `word` to ASCII, if the whole word then is ASCII. Japanese and
/// Chinese prose therefore keeps its full-width punctuation.
pub(crate) fn to_half_width(word: &str) -> Cow<'_, str> {
    let narrow = |letter: char| match letter {
        // The full-width forms are in the same order as the ASCII characters.
        '！'..='～' => char::from_u32(u32::from(letter) - 0xfee0).unwrap_or(letter),
        _ => letter,
    };
    if word.is_ascii() {
        return Cow::Borrowed(word);
    }
    let narrow: String = word.chars().map(narrow).collect();
    if narrow.is_ascii() { Cow::Owned(narrow) } else { Cow::Borrowed(word) }
}

/// Returns whether `word` can be the name of a command or a bot. Telegram's rules for both names are the same.
fn is_name(word: &str) -> bool {
    (1..=MAX_NAME_LENGTH).contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Splits text with quotes and backslashes as a shell does. Returns `None` if a quote is not closed, as in the word
/// `don't`.
fn split_like_shell(text: &str) -> Option<Vec<String>> {
    // A shell drops the text after a `#`, but in a chat `#42` is an argument. The placeholder is a noncharacter, which
    // does not occur in text.
    const HASH: char = '\u{fdd0}';
    if !text.contains('#') {
        return shell_words::split(text).ok();
    }
    let words = shell_words::split(&text.replace('#', HASH.encode_utf8(&mut [0; 4]))).ok()?;
    Some(words.into_iter().map(|word| word.replace(HASH, "#")).collect())
}

fn split_words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

/// Normalizes typed arguments: uses ASCII dashes and spaces, and half-width letters and digits, and removes punctuation
/// at the end of the sentence.
fn normalize_arguments(text: &str) -> Cow<'_, str> {
    map_words(strip_end_punctuation(text), |word| restore_dash(&to_half_width(word.trim_matches(is_ignorable))))
}

/// Replaces typographic quotes with the ASCII ones.
fn straighten_quotes(text: &str) -> Cow<'_, str> {
    map_words(text, |word| straighten_single_quotes(word).replace(is_double_quote, "\""))
}

/// Applies `map`, which doesn't change ASCII words, to the words of a text. Replaces non-ASCII white space between them
/// with a space.
fn map_words(text: &str, map: impl Fn(&str) -> String) -> Cow<'_, str> {
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    let words = text.split_inclusive(char::is_whitespace).map(|word| {
        let (word, space) = word.split_at(word.trim_end_matches(char::is_whitespace).len());
        map(word) + if space.is_ascii() { space } else { " " }
    });
    words.collect()
}

/// Drops the punctuation at the end of a sentence if a letter, a digit or a quote precedes it. Otherwise, as in `..`
/// and `a/*.`, it may be part of the argument and is kept.
fn strip_end_punctuation(text: &str) -> &str {
    let sentence = text.trim_end_matches(|letter| ends_sentence(letter) || is_ignorable(letter));
    let is_end =
        |letter: char| letter.is_alphanumeric() || is_double_quote(letter) || matches!(letter, '"' | '\'' | '’');
    if sentence.ends_with(is_end) { sentence } else { text }
}

const fn ends_sentence(letter: char) -> bool {
    matches!(
        letter,
        '.' | '!' | '?' | ',' | ';' | ':' | '…' | '。' | '！' | '？' | '，' | '、' | '；' | '：' | '．' | '¡' | '¿'
    )
}

/// Restores the ASCII form of a leading dash. Keyboards replace `--` with a long dash and `-` with a short one. Before
/// a number, any dash is a minus.
fn restore_dash(word: &str) -> String {
    let mut letters = word.chars();
    let (Some(dash), rest) = (letters.next(), letters.as_str()) else { return String::new() };
    let is_option = rest.starts_with(char::is_alphabetic);
    match dash {
        '—' | '―' if is_option => format!("--{rest}"),
        '—' | '―' | '–' | '−' | '‒' | '‐' | '‑' | '－' if is_option || rest.starts_with(char::is_numeric) =>
        {
            format!("-{rest}")
        }
        _ => word.to_owned(),
    }
}

const fn is_double_quote(letter: char) -> bool {
    matches!(letter, '“' | '”' | '„' | '‟' | '«' | '»' | '＂')
}

/// Replaces a curved quote at the start or the end of a word with `'`. Inside a word, it is an apostrophe and is kept.
fn straighten_single_quotes(word: &str) -> String {
    let opened = word.strip_prefix(['‘', '‚']).map(|rest| format!("'{rest}"));
    let word = opened.as_deref().unwrap_or(word);
    let closed = word.strip_suffix(['’', '‘']).map(|rest| format!("{rest}'"));
    closed.unwrap_or_else(|| word.to_owned())
}

/// Returns the known name most likely meant by `name`, or `None` if no known name is similar.
///
/// This is the shortest name that begins with `name`. If there is none, it is the name with the smallest edit distance
/// (insertions, deletions, substitutions and transpositions). The distance must be at most two, and at most a third of
/// the length of the longer name.
#[must_use]
pub fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let known: Vec<&str> = known.collect();
    // Don't treat a single letter as a prefix, because it would almost always match a command.
    let by_prefix =
        known.iter().filter(|whole| name.len() > 1 && whole.starts_with(name)).min_by_key(|whole| whole.len());
    by_prefix
        .or_else(|| known.iter().filter(|word| is_near(name, word)).min_by_key(|word| edit_distance(name, word)))
        .copied()
}

fn is_near(typed: &str, word: &str) -> bool {
    let (distance, length) = (edit_distance(typed, word), typed.chars().count().max(word.chars().count()));
    distance <= MAX_DISTANCE && distance * 3 <= length
}

fn edit_distance(typed: &str, word: &str) -> usize {
    strsim::osa_distance(typed, word)
}

/// A command that an active plugin exports.
pub trait ActiveCommand {
    fn name(&self) -> &str;
    /// Returns the name of the plugin that exports the command.
    fn plugin(&self) -> &str;
    fn min_role(&self) -> Role;
    /// Returns whether the command runs without waiting for earlier commands in the same place.
    fn is_immediate(&self) -> bool;
}

/// The commands of the active plugins.
pub trait CommandTable {
    type Command: ActiveCommand;

    fn command(&self, name: &str) -> Option<&Self::Command>;
    fn commands(&self) -> impl Iterator<Item = &Self::Command>;
}

#[derive(Debug, PartialEq, Eq)]
pub enum Resolution<'a, C> {
    Command {
        command: &'a C,
        invocation: &'a Invocation,
    },
    Prompt,
    /// The host replies with this message instead of calling a plugin.
    Rejected(HostReply),
}

/// Resolves a message from a user who has this role.
#[must_use]
pub fn resolve<'a, T: CommandTable>(input: &'a ChatInput, role: Role, table: &'a T) -> Resolution<'a, T::Command> {
    let (line, owner) = match input {
        ChatInput::Prompt => return Resolution::Prompt,
        ChatInput::AgentCommand(line) => match line.as_ref().filter(|line| table.command(&line.name).is_some()) {
            Some(line) => (line, None),
            None => return Resolution::Prompt,
        },
        ChatInput::Command(line) => (line, None),
        ChatInput::Button { command: Some(line), plugin } => (line, plugin.as_deref()),
        // Button text is never sent to an agent.
        ChatInput::Button { command: None, .. } => return Resolution::Rejected(HostReply::OldButton),
    };
    let CommandLine { name, invocation } = line;
    let Some(command) = table.command(name) else {
        let allowed = table.commands().filter(|command| role >= command.min_role());
        let nearest = nearest(name, allowed.map(ActiveCommand::name)).map(str::to_owned);
        return Resolution::Rejected(HostReply::UnknownCommand { name: name.clone(), nearest });
    };
    if let Some(plugin) = owner.filter(|owner| *owner != command.plugin()) {
        return Resolution::Rejected(HostReply::NotItsButton { name: name.clone(), plugin: plugin.to_owned() });
    }
    if role < command.min_role() {
        return Resolution::Rejected(HostReply::NotAllowed { name: name.clone(), role: command.min_role() });
    }
    Resolution::Command { command, invocation }
}

#[cfg(test)]
pub(crate) mod tests;
