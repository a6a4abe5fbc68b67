//! Turns a Telegram message into a prompt: restores the Markdown that the client converted to entities, and adds the
//! message being replied to, or the author of a forwarded message.

use std::ops::Range;

use cordboard_core::{
    render::{code, one_line},
    route::trim_blank_start,
};

use super::update::{Entity, Message, MessageOrigin};

/// The maximum number of characters to quote from the message being replied to. A quote selected by the user is never
/// truncated.
const LONGEST_QUOTE: usize = 500;

/// The maximum number of characters of a person's or chat's name.
const LONGEST_NAME: usize = 64;

/// The Markdown to restore in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Markup {
    /// Links and code.
    All,
    /// Links only. A command takes its arguments literally, so backticks would become part of them.
    Links,
}

/// Restores links as `[text](url)` and code in backticks.
pub(super) fn restore_markdown(text: &str, entities: &[Entity], markup: Markup) -> String {
    let mut found: Vec<(Range<usize>, &Entity)> = entities
        .iter()
        .filter(|entity| match entity.kind.as_str() {
            "text_link" => entity.url.is_some(),
            "code" | "pre" => markup == Markup::All,
            _ => false,
        })
        .filter_map(|entity| Some((byte_range(text, entity)?, entity)))
        .collect();
    found.sort_by_key(|(range, _)| range.start);
    let (mut whole, mut at) = (String::with_capacity(text.len()), 0);
    for (range, entity) in found {
        // Skip entities inside another entity.
        if range.start < at {
            continue;
        }
        whole.push_str(&text[at..range.start]);
        let words = &text[range.clone()];
        match (entity.kind.as_str(), &entity.url) {
            ("text_link", Some(url)) if url.trim_end_matches('/') == words => whole.push_str(words),
            ("text_link", Some(url)) => whole.push_str(&format!("[{words}]({url})")),
            ("code", _) if !words.contains('\n') => whole.push_str(&code(words)),
            (_, _) => push_block(&mut whole, words, entity.language.as_deref().unwrap_or_default(), &text[range.end..]),
        }
        at = range.end;
    }
    whole.push_str(&text[at..]);
    whole
}

/// Appends a code block on separate lines, with a fence that is longer than any run of backticks in the code.
fn push_block(whole: &mut String, words: &str, language: &str, rest: &str) {
    let longest = words.split(|letter| letter != '`').map(str::len).max().unwrap_or_default();
    let fence = "`".repeat(3.max(longest + 1));
    if !whole.is_empty() && !whole.ends_with('\n') {
        whole.push('\n');
    }
    let language = language.lines().next().unwrap_or_default();
    whole.push_str(&format!("{fence}{language}\n{}\n{fence}", words.trim_end_matches('\n')));
    if !rest.is_empty() && !rest.starts_with('\n') {
        whole.push('\n');
    }
}

/// Returns the byte range of an entity, or `None` if it is empty, is outside the text or splits a character.
fn byte_range(text: &str, entity: &Entity) -> Option<Range<usize>> {
    let start = byte_at(text, entity.offset)?;
    let length = byte_at(&text[start..], entity.length)?;
    (length > 0).then_some(start..start + length)
}

fn byte_at(text: &str, unit: usize) -> Option<usize> {
    let mut units = 0;
    for (at, letter) in text.char_indices() {
        if units >= unit {
            return (units == unit).then_some(at);
        }
        units += letter.len_utf16();
    }
    (units == unit).then_some(text.len())
}

/// Strips a leading mention of the bot from `text`, and moves the entities accordingly. Changes nothing if no other
/// text would be left.
pub(super) fn without_name(text: &str, entities: &[Entity], bot: &str) -> (String, Vec<Entity>) {
    let unchanged = || (text.to_owned(), entities.to_vec());
    let Some(rest) = after_name(text, bot) else { return unchanged() };
    let rest = rest.trim_start().trim_start_matches([',', ':']).trim_start();
    if rest.is_empty() {
        return unchanged();
    }
    let cut = cordboard_core::render::units(&text[..text.len() - rest.len()]);
    let moved = |entity: &Entity| Some(Entity { offset: entity.offset.checked_sub(cut)?, ..entity.clone() });
    (rest.to_owned(), entities.iter().filter_map(moved).collect())
}

/// Returns the text after a leading mention of the bot, or `None` if the text doesn't start with one.
fn after_name<'a>(text: &'a str, bot: &str) -> Option<&'a str> {
    let (name, rest) = mention(trim_blank_start(text))?;
    name.eq_ignore_ascii_case(bot).then_some(rest)
}

/// Splits a leading `@name` from the rest of the text.
pub(super) fn mention(text: &str) -> Option<(&str, &str)> {
    let rest = text.strip_prefix('@')?;
    let end = rest.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_').unwrap_or(rest.len());
    (end > 0).then(|| rest.split_at(end))
}

/// Returns the name in an `@name` that precedes all words of a text, as in `(@bob) …` and `→ @bob`.
pub(super) fn opening_mention(text: &str) -> Option<&str> {
    let (name, _) = mention(text.trim_start_matches(|letter: char| letter != '@' && !letter.is_alphanumeric()))?;
    Some(name)
}

/// Returns whether an entity precedes all words of a text.
pub(super) fn is_opening(text: &str, entity: &Entity) -> bool {
    byte_range(text, entity).is_some_and(|range| !text[..range.start].contains(char::is_alphanumeric))
}

/// Adds the context of a message to its text.
pub(super) struct PromptContext<'a> {
    pub message: &'a Message,
    /// The bot's user id.
    pub bot: u64,
}

impl PromptContext<'_> {
    pub fn prompt(&self, words: &str) -> String {
        if let Some(origin) = &self.message.forward_origin {
            return format!("Forwarded from {}:\n\n{}", origin_name(origin), quoted(words));
        }
        match self.answered() {
            Some((whose, text)) => format!("In reply to {whose}:\n\n{}\n\n{words}", quoted(&text)),
            None => words.to_owned(),
        }
    }

    /// Returns the author and the text of the message being replied to.
    fn answered(&self) -> Option<(String, String)> {
        let quote = self.message.quote.as_ref().map(|quote| quote.text.clone());
        if let Some(reply) = &self.message.reply_to_message {
            let whole = || reply.text.as_ref().or(reply.caption.as_ref()).map(|text| shortened(text));
            let whose = match &reply.from {
                Some(from) if from.id == self.bot => "your message".to_owned(),
                Some(from) => format!("a message of {}", display_name(&from.full_name())),
                None => "a message".to_owned(),
            };
            return Some((whose, quote.or_else(whole)?));
        }
        let external = self.message.external_reply.as_ref();
        let origin = external.and_then(|reply| reply.origin.as_ref());
        Some((origin.map_or_else(|| "a message".to_owned(), |of| format!("a message of {}", origin_name(of))), quote?))
    }
}

fn origin_name(origin: &MessageOrigin) -> String {
    origin.name().map_or_else(|| "somebody".to_owned(), |of| display_name(&of))
}

/// Formats a name on one line, for use in a sentence.
pub(super) fn display_name(of: &str) -> String {
    let name = one_line(of, LONGEST_NAME);
    if name.is_empty() { "somebody".to_owned() } else { name }
}

fn quoted(text: &str) -> String {
    text.lines().map(|line| format!("> {line}")).collect::<Vec<_>>().join("\n")
}

fn shortened(text: &str) -> String {
    let mut letters = text.chars();
    let mut short: String = letters.by_ref().take(LONGEST_QUOTE).collect();
    if letters.next().is_some() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entity(kind: &str, offset: usize, length: usize) -> Entity {
        let (url, language) = (Some("https://a.b/c".to_owned()), Some("py".to_owned()));
        Entity { kind: kind.to_owned(), offset, length, url, language, user: None }
    }

    fn all(text: &str, entities: &[Entity]) -> String {
        restore_markdown(text, entities, Markup::All)
    }

    #[test]
    fn links_and_code_are_restored_from_entities() {
        assert_eq!(all("see here now", &[entity("text_link", 4, 4)]), "see [here](https://a.b/c) now");
        assert_eq!(all("https://a.b/c", &[entity("text_link", 0, 13)]), "https://a.b/c");
        assert_eq!(all("👋 run ls", &[entity("code", 7, 2)]), "👋 run `ls`");
        assert_eq!(all("a ` b", &[entity("code", 0, 5)]), "``a ` b``");
        assert_eq!(all("x = 1\n", &[entity("pre", 0, 5)]), "```py\nx = 1\n```\n");
        assert_eq!(all("do: x", &[entity("pre", 4, 1)]), "do: \n```py\nx\n```");
        assert_eq!(all("```", &[entity("pre", 0, 3)]), "````py\n```\n````");
        assert_eq!(all("bold", &[entity("bold", 0, 4), entity("of_the_future", 0, 4)]), "bold");
        assert_eq!(restore_markdown("/x a b", &[entity("code", 3, 1)], Markup::Links), "/x a b");
    }

    #[test]
    fn entities_outside_of_the_text_are_ignored() {
        for (offset, length) in [(0, 99), (99, 1), (usize::MAX, usize::MAX), (1, 1), (0, 1), (2, 0)] {
            for kind in ["code", "pre", "text_link"] {
                assert_eq!(all("👋a", &[entity(kind, offset, length)]), "👋a", "{offset} {length}");
            }
        }
        let nested = [entity("text_link", 0, 3), entity("code", 1, 1)];
        assert_eq!(all("abc", &nested), "[abc](https://a.b/c)");
    }

    #[test]
    fn a_leading_bot_name_is_removed() {
        let cut = |text: &str| without_name(text, &[entity("code", 11, 2)], "cord_bot");
        for text in ["@cord_bot  hi", "@Cord_Bot, hi", "@cord_bot: hi", "@cord_bot\n hi"] {
            let (words, entities) = cut(text);
            assert_eq!((words.as_str(), entities[0].offset), ("hi", 0), "{text}");
        }
        assert_eq!(cut("\u{200b} @cord_bot hi").0, "hi");
        for text in ["@cord_bots hi", "hi @cord_bot", "@cord_bot", "@cord_bot ,", "@"] {
            assert_eq!(cut(text).0, text);
        }
    }
}
