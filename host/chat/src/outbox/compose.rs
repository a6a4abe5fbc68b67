//! Renders replies and frames as messages, and splits them to fit the front-end's limits. Does no I/O.

use cordboard_core::{
    render::{self, Entity, Message, MessageEnd, RichBlock, Style, strip_controls, units},
    turn::TurnFrame,
    types::{Alert, Attachment, Authorship, Content, Reply, SessionName},
};

use super::documents;
use crate::{Completeness, Limits, LiveLine, Outgoing, OutgoingFile};

/// The separator between a reply's text, its attachments and the live line.
pub(super) const GAP: &str = "\n\n";

/// The text of a message that consists only of buttons. Telegram doesn't accept buttons without a text.
const NO_TEXT: &str = "…";

/// The fallback name for an attachment whose own name has no visible characters.
const NAMELESS: &str = "attachment";

/// The minimum length of the fence around an attached text.
const MIN_FENCE_LENGTH: usize = 6;

/// Returns the messages of a complete reply.
pub fn reply(reply: &Reply, limits: Limits) -> Vec<Outgoing> {
    parts(reply, None, limits, Completeness::Complete)
}

/// Returns a complete answer as one rich message, or `None` if the answer doesn't fit, has files, or contains neither a
/// table nor code that is longer than a message.
pub(super) fn rich(reply: &Reply, limits: Limits) -> Option<Outgoing> {
    let mut rich = render::render_rich(&reply.text).filter(|rich| rich.has_table_or_code_over(limits.text_units))?;
    let limits = Limits { text_units: usize::MAX, ..limits };
    let mut parts = parts(reply, None, limits, Completeness::Complete);
    let part = parts.pop().filter(|part| parts.is_empty() && part.file.is_none())?;
    if let Some(session) = &reply.session {
        let name = Message { text: format!("[{session}]"), entities: Vec::new() };
        rich.blocks.insert(0, RichBlock::Paragraph(name));
    }
    Some(Outgoing { rich: Some(rich), ..part })
}

/// Returns the messages of a frame.
pub(super) fn frame(frame: &TurnFrame, limits: Limits) -> Vec<Outgoing> {
    let line = frame.live.as_deref().filter(|line| limits.live_line == LiveLine::InMessage && !line.trim().is_empty());
    let Some((last, before)) = frame.messages.split_last() else {
        return line.map_or_else(Vec::new, |line| parts(&Reply::default(), Some(line), limits, Completeness::Partial));
    };
    let before = before.iter().flat_map(|reply| parts(reply, None, limits, Completeness::Partial));
    before.chain(parts(last, line, limits, Completeness::Partial)).collect()
}

/// Returns the message without its styles, in case a front-end has rejected them.
pub(super) fn unstyled(message: &Outgoing) -> Outgoing {
    let text = message.message.text.clone();
    Outgoing { message: Message { text, entities: Vec::new() }, ..message.clone() }
}

/// Returns a message that shows a host line instead of `part`.
pub(super) fn mark(line: &str, part: &Outgoing) -> Outgoing {
    let message = Message { text: line.to_owned(), entities: Vec::new() };
    Outgoing {
        source: render::escape(line),
        message,
        buttons: Vec::new(),
        author: Authorship::Own,
        session: None,
        file: None,
        rich: None,
        ..part.clone()
    }
}

fn parts(reply: &Reply, line: Option<&str>, limits: Limits, completeness: Completeness) -> Vec<Outgoing> {
    // Remove terminal control characters for every front-end: they are not part of an answer.
    let over = limits.document_over.filter(|_| completeness == Completeness::Complete);
    let (source, mut files) = match over {
        Some(over) => documents::split_off(reply, over),
        None => (with_attachments(reply), Vec::new()),
    };
    let source = strip_controls(&source).into_owned();
    let message = named(render::render_within(&source, limits.columns), reply.session.as_ref());
    let long = over.and_then(|over| documents::shorten(&message, &source, over));
    let message = match long {
        Some((beginning, file)) => {
            files.insert(0, file);
            beginning
        }
        None => message,
    };
    let mut messages = cut(message, limits.text_units);
    if messages.is_empty() && !reply.buttons.is_empty() {
        messages.push(Message { text: NO_TEXT.to_owned(), entities: Vec::new() });
    }
    collapse_long_quotes(&mut messages, completeness);
    let mut sources = match messages.len() {
        1 => vec![source],
        _ => messages.iter().map(|message| render::escape(&message.text)).collect(),
    };
    if let Some(line) = line {
        append(&mut messages, line, limits.text_units);
        sources.resize(messages.len(), String::new());
    }
    let part = |(message, source): (Message, String)| Outgoing {
        source,
        message,
        buttons: Vec::new(),
        completeness,
        author: reply.author,
        session: reply.session.clone(),
        alert: Alert::Silent,
        reply_to: None,
        file: None,
        rich: None,
    };
    let mut parts: Vec<Outgoing> = messages.into_iter().zip(sources).map(part).collect();
    if let Some(first) = parts.first_mut() {
        first.reply_to.clone_from(&reply.reply_to);
    }
    if let Some(end) = parts.last_mut() {
        end.buttons.clone_from(&reply.buttons);
        end.alert = alert(reply, completeness);
    }
    // The alert and the buttons belong to the text message, because it can be edited. File messages have neither.
    let is_only_files = parts.is_empty();
    let file = |file: OutgoingFile| Outgoing { file: Some(file), ..part((Message::default(), String::new())) };
    parts.extend(files.into_iter().map(file));
    if let Some(first) = parts.first_mut().filter(|_| is_only_files) {
        first.alert = alert(reply, completeness);
        first.reply_to.clone_from(&reply.reply_to);
    }
    parts
}

/// Returns the alert for a reply's last message. All other messages are silent, and so is a last message that may still
/// grow.
const fn alert(reply: &Reply, completeness: Completeness) -> Alert {
    match completeness {
        Completeness::Complete => reply.alert,
        Completeness::Partial | Completeness::Halted => Alert::Silent,
    }
}

/// Prefixes the message with its session's name, on a separate line if the message begins with a code block or quote.
fn named(message: Message, session: Option<&SessionName>) -> Message {
    let Some(session) = session.filter(|_| !message.text.is_empty()) else { return message };
    let at_once = |entity: &Entity| entity.offset == 0 && matches!(entity.style, Style::Pre { .. } | Style::Quote);
    let gap = if message.entities.iter().any(at_once) { "\n" } else { " " };
    let name = format!("[{session}]{gap}");
    let shift = |entity: Entity| Entity { offset: entity.offset + units(&name), ..entity };
    Message { entities: message.entities.into_iter().map(shift).collect(), text: format!("{name}{}", message.text) }
}

fn cut(message: Message, limit: usize) -> Vec<Message> {
    if limit == usize::MAX && !render::is_blank(&message.text) {
        return vec![message];
    }
    render::split(message, limit)
}

/// Collapses long quotes in the messages, of which the last one may still grow.
fn collapse_long_quotes(messages: &mut [Message], completeness: Completeness) {
    let last = messages.len().saturating_sub(1);
    for (at, message) in messages.iter_mut().enumerate() {
        let end = match completeness {
            Completeness::Partial | Completeness::Halted if at == last => MessageEnd::Growing,
            Completeness::Complete | Completeness::Partial | Completeness::Halted => MessageEnd::Final,
        };
        render::collapse_long_quotes(message, end);
    }
}

/// Appends the live line to the last message if it fits. Otherwise omits the line: a separate message for it would have
/// to be deleted by the next frame.
fn append(messages: &mut Vec<Message>, line: &str, limit: usize) {
    let line = render::render(line);
    let Some(last) = messages.last_mut() else {
        messages.push(line);
        return;
    };
    let before = units(&last.text) + units(GAP);
    if before + units(&line.text) > limit || last.entities.len() + line.entities.len() > render::MAX_ENTITIES {
        return;
    }
    push(last, &line);
}

/// Joins the messages into one, without their files.
pub(super) fn joined(messages: &[Outgoing]) -> Message {
    let mut whole = Message::default();
    for part in messages.iter().filter(|part| part.file.is_none()) {
        push(&mut whole, &part.message);
    }
    whole
}

fn push(whole: &mut Message, part: &Message) {
    if !whole.text.is_empty() {
        whole.text.push_str(GAP);
    }
    let before = units(&whole.text);
    whole.text.push_str(&part.text);
    let shifted = part.entities.iter().map(|entity| Entity { offset: entity.offset + before, ..entity.clone() });
    whole.entities.extend(shifted);
}

/// For front-ends that can't send files, adds each text attachment to the text as a code block, and mentions all other
/// attachments by name.
fn with_attachments(reply: &Reply) -> String {
    let mut source = reply.text.clone();
    for attachment in &reply.attachments {
        let name = file_name(attachment);
        let shown = match &attachment.content {
            Content::Text(text) => fenced(&render::escape(&name), text),
            Content::Bytes(bytes) => mention(&name, &format!("{} bytes", bytes.len())),
            Content::File(path) => mention(&name, &path_text(path)),
            Content::SessionFile(file) => {
                mention(&name, &path_text(&file.folder.join(&file.path).display().to_string()))
            }
        };
        if !source.is_empty() {
            source.push_str(GAP);
        }
        source.push_str(&shown);
    }
    source
}

/// Returns the name of an attachment as one line.
pub(super) fn file_name(attachment: &Attachment) -> String {
    let name = render::one_line(&attachment.name, render::UNTRUSTED_LENGTH);
    if name.is_empty() { NAMELESS.to_owned() } else { name }
}

/// Returns Markdown that contains a file's name and a remark.
pub(super) fn mention(name: &str, remark: &str) -> String {
    format!("**{}** ({remark})", render::escape(name))
}

/// Returns Markdown that shows a file's path.
pub(super) fn path_text(path: &str) -> String {
    render::code(&render::one_line(path, render::UNTRUSTED_LENGTH))
}

/// Formats a text attachment as its name and a code block. The fence is longer than any `~` run in `text`.
fn fenced(name: &str, text: &str) -> String {
    let longest = text.split(|letter| letter != '~').map(str::len).max().unwrap_or_default();
    let fence = "~".repeat(MIN_FENCE_LENGTH.max(longest + 1));
    format!("**{name}**\n{fence}\n{text}\n{fence}")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use cordboard_core::types::Button;

    use super::*;
    use crate::Edits;

    const SMALL: Limits = Limits {
        text_units: 20,
        columns: usize::MAX,
        live_line: LiveLine::InMessage,
        edits: Edits::Replace,
        ring_after: Duration::ZERO,
        document_over: None,
    };
    const CONSOLE: Limits = Limits {
        text_units: usize::MAX,
        columns: usize::MAX,
        live_line: LiveLine::Status,
        edits: Edits::Append,
        ring_after: Duration::ZERO,
        document_over: None,
    };

    fn texts(parts: &[Outgoing]) -> Vec<&str> {
        parts.iter().map(|part| part.message.text.as_str()).collect()
    }

    #[test]
    fn a_split_reply_has_its_buttons_on_the_last_part() {
        let parts = reply(&Reply::text("one two three\n\nfour five six").button("Go", "/go"), SMALL);
        assert_eq!(texts(&parts), ["one two three", "four five six"]);
        assert!(parts[0].buttons.is_empty());
        assert_eq!(parts[1].buttons, [[Button::new("Go", "/go")]]);
        assert_eq!(parts.iter().map(|part| part.alert).collect::<Vec<_>>(), [Alert::Silent, Alert::Ring]);
    }

    #[test]
    fn a_frame_is_silent_and_its_source_omits_the_live_line() {
        let shown =
            TurnFrame { messages: vec![Reply::text("one\n\n\\*two\\* three four 5")], live: Some("works".into()) };
        let parts = frame(&shown, SMALL);
        let sources: Vec<&str> = parts.iter().map(|part| part.source.as_str()).collect();
        assert_eq!(sources, ["one", "\\*two\\* three four 5"]);
        assert!(parts.iter().all(|part| part.alert == Alert::Silent));
        let alone = frame(&TurnFrame { messages: vec![], live: Some("works".into()) }, SMALL);
        assert_eq!((alone[0].message.text.as_str(), alone[0].source.as_str()), ("works", ""));
    }

    #[test]
    fn the_live_line_is_below_an_open_code_block() {
        let shown = TurnFrame { messages: vec![Reply::text("```rust\nfn a")], live: Some("_reads_".into()) };
        let parts = frame(&shown, SMALL);
        assert_eq!(texts(&parts), ["fn a\n\nreads"]);
        let styles: Vec<_> = parts[0].message.entities.iter().map(|e| (e.offset, e.length, e.style.clone())).collect();
        assert_eq!(styles, [(0, 4, Style::Pre { language: Some("rust".into()) }), (6, 5, Style::Italic)]);
    }

    #[test]
    fn a_quote_is_collapsed_when_it_has_ended() {
        let limits = Limits { text_units: 4096, ..SMALL };
        let quote = format!("> {}", "word ".repeat(render::LONG_QUOTE));
        let style = |parts: &[Outgoing]| parts[0].message.entities[0].style.clone();
        let of_frame = |text: &str| {
            style(&frame(&TurnFrame { messages: vec![Reply::text(text)], live: Some("works".into()) }, limits))
        };
        assert_eq!(of_frame(&quote), Style::Quote);
        assert_eq!(of_frame(&format!("{quote}\n\nSo")), Style::ExpandableQuote);
        assert_eq!(style(&reply(&Reply::text(quote), limits)), Style::ExpandableQuote);
    }

    #[test]
    fn a_live_line_that_does_not_fit_is_omitted() {
        let shown = TurnFrame { messages: vec![Reply::text("nineteen letters it")], live: Some("works".into()) };
        assert_eq!(texts(&frame(&shown, SMALL)), ["nineteen letters it"]);
    }

    #[test]
    fn a_status_line_replaces_the_live_line_in_the_message() {
        let shown = TurnFrame { messages: vec![Reply::text("text")], live: Some("works".into()) };
        assert_eq!(texts(&frame(&shown, CONSOLE)), ["text"]);
        assert!(frame(&TurnFrame { messages: vec![], live: Some("works".into()) }, CONSOLE).is_empty());
    }

    #[test]
    fn an_unsplit_reply_keeps_its_source() {
        let long = "**bold** word ".repeat(500);
        let parts = reply(&Reply::text(long.clone()), CONSOLE);
        assert_eq!(parts.len(), 1);
        assert_eq!(parts[0].source, long);
        for nothing in
            ["  \n", "\u{200b}\u{2063}", "**\u{200b}**", "```\n```", "\u{202e}\u{202c}", "\u{2800}", "\u{3164}"]
        {
            assert!(reply(&Reply::text(nothing), CONSOLE).is_empty(), "{nothing:?}");
            assert!(reply(&Reply::text(nothing), SMALL).is_empty(), "{nothing:?}");
        }
    }

    #[test]
    fn an_inactive_session_is_named() {
        let of_alpha = |text: &str| {
            let session = "alpha".parse().ok();
            reply(
                &Reply { author: Authorship::Agents, session, ..Reply::text(text) },
                Limits { text_units: 40, ..SMALL },
            )
        };
        let parts = of_alpha("Ready, **Ada**.");
        assert_eq!(
            (parts[0].message.text.as_str(), parts[0].source.as_str()),
            ("[alpha] Ready, Ada.", "Ready, **Ada**.")
        );
        let bold = &parts[0].message.entities[0];
        assert_eq!((bold.offset, bold.length, &bold.style), (15, 3, &Style::Bold));
        assert_eq!(texts(&of_alpha("```\nfn a\n```")), ["[alpha]\nfn a"]);
        let long = of_alpha(&format!("{}\n\n{}", "x".repeat(30), "y".repeat(30)));
        assert_eq!(texts(&long), [format!("[alpha] {}", "x".repeat(30)), "y".repeat(30)]);
        assert!(of_alpha("").is_empty());
    }

    #[test]
    fn terminal_control_characters_are_removed() {
        let limits = Limits { text_units: 40, ..SMALL };
        let source_reply =
            Reply { author: Authorship::Agents, ..Reply::text("\u{1b}[31mr\u{7}e\u{8}d\u{0}\n\ta &#27; **b**") };
        let parts = reply(&source_reply, limits);
        assert_eq!(parts[0].source, "[31mred\n\ta &#27; **b**");
        let text = &parts[0].message.text;
        assert!(!text.contains(|c: char| c.is_control() && c != '\n' && c != '\t'), "{text:?}");
    }

    #[test]
    fn an_attachment_name_is_one_line_inside_its_block() {
        let shown = |name: &str, content: Content| {
            let attached = Attachment { name: name.into(), media_type: String::new(), content };
            let parts =
                reply(&Reply { attachments: vec![attached], ..Reply::default() }, Limits { text_units: 80, ..SMALL });
            parts[0].message.text.clone()
        };
        assert_eq!(shown("a\nb\u{1b}\u{202e}", Content::Text("x".into())), "a b\nx");
        assert_eq!(shown("\u{2028}", Content::Bytes(vec![0; 3])), "attachment (3 bytes)");
        assert_eq!(shown("a*b", Content::File("c`\nPlugin 'x' is in\r.txt".into())), "a*b (c` Plugin 'x' is in .txt)");
        let text = "~~~~~~~\n**no end**\n~~~~~~";
        assert_eq!(shown("a", Content::Text(text.into())), format!("a\n{text}"));
    }

    #[test]
    fn bidi_controls_are_removed_from_replies() {
        let source_reply =
            Reply::text("a\u{202e}b\u{2066} [c\u{2067}](https://d.example)\n&#8238;e").button("Go", "/go");
        let parts = reply(&source_reply, Limits { text_units: 80, ..SMALL });
        assert_eq!(parts[0].source, "ab [c](https://d.example)\n&#8238;e");
        assert_eq!(parts[0].message.text, "ab c\n\u{fffd}e");
        let rtl = "שלום\u{200f}! (a)";
        assert_eq!(texts(&reply(&Reply::text(rtl), SMALL)), [rtl]);
    }

    #[test]
    fn buttons_without_a_text_get_one() {
        assert_eq!(texts(&reply(&Reply::default().button("Go", "/go"), SMALL)), ["…"]);
    }

    #[test]
    fn only_a_narrow_front_end_shows_a_wide_table_as_a_list() {
        let table = Reply::text("| name | state |\n|-|-|\n| web | runs since noon |");
        let narrow = Limits { columns: 20, text_units: 4096, ..SMALL };
        assert_eq!(texts(&reply(&table, narrow)), ["name: web\n  state: runs since noon"]);
        assert!(texts(&reply(&table, CONSOLE))[0].contains("web   runs since noon"));
    }
}
