//! Writes inline elements: text, emphasis, code and links.

use std::ops::Range;

use url::Url;

use super::{Writer, spoilers::DelimiterRole};
use crate::render::{Style, table::Table};

/// An open link or image.
pub struct Link {
    url: String,
    title: String,
    /// The length of the text that [`Writer::written`] returned at the start of the link.
    start: usize,
    display: LinkDisplay,
}

/// The parts of a link that are shown as text.
#[derive(Clone, Copy, PartialEq, Eq)]
enum LinkDisplay {
    TextAlone,
    TextAndUrl,
}

impl Writer<'_> {
    pub(super) fn text(&mut self, text: &str) {
        if let Some((_, code)) = &mut self.code {
            code.push_str(text);
            return;
        }
        match &mut self.table {
            Some(table) => table.push(text),
            None => self.builder.push(text),
        }
    }

    /// Writes text from the source, opening and closing the spoilers in it.
    pub(super) fn text_with_spoilers(&mut self, text: &str, range: &Range<usize>) {
        let (pieces, rest) = self.spoilers.split(text, range);
        for (piece, bars) in pieces {
            self.text(piece);
            match bars {
                DelimiterRole::Open => self.builder.open(Style::Spoiler),
                DelimiterRole::Close => self.builder.close(),
            }
        }
        self.text(rest);
    }

    pub(super) fn code_span(&mut self, code: &str) {
        match &mut self.table {
            Some(table) => table.push(code),
            None => self.builder.push_code(code),
        }
    }

    /// Returns the text written so far in the current table cell, or in the message if no table is open.
    pub(super) fn written(&self) -> &str {
        self.table.as_ref().map_or_else(|| self.builder.text(), Table::cell)
    }

    pub(super) fn open_span(&mut self, style: Style, range: &Range<usize>) {
        self.inline(&(range.start..range.start), |writer| writer.builder.open(style));
    }

    pub(super) fn close_span(&mut self, range: &Range<usize>) {
        self.builder.close();
        self.seen = self.seen.max(range.end);
    }

    /// Opens a link. A link inside another link or a table shows its URL as text, because Telegram doesn't allow link
    /// entities there.
    pub(super) fn start_link(&mut self, url: &str, title: &str, range: &Range<usize>) {
        self.inline(&(range.start..range.start), |writer| {
            let nested = writer.table.is_some() || writer.builder.has_open(|style| matches!(style, Style::Link { .. }));
            let display = if nested || !is_web(url) { LinkDisplay::TextAndUrl } else { LinkDisplay::TextAlone };
            if display == LinkDisplay::TextAlone {
                writer.builder.open(Style::Link { url: url.to_owned() });
            }
            let start = writer.written().len();
            writer.links.push(Link { url: url.to_owned(), title: title.to_owned(), start, display });
        });
    }

    /// Closes a link. If the link has no entity, for example because Telegram can't link to `src/main.rs`, writes the
    /// address after the link text. Then writes the title.
    pub(super) fn end_link(&mut self, range: &Range<usize>) {
        let Some(Link { url, title, start, display }) = self.links.pop() else { return };
        let text = self.written().get(start..).unwrap_or_default().trim();
        if text.is_empty() {
            self.text(&url);
        } else if display == LinkDisplay::TextAndUrl && text != url && !url.is_empty() {
            self.text(&format!(" ({url})"));
        }
        if display == LinkDisplay::TextAlone {
            self.builder.close();
        }
        if !title.is_empty() {
            self.text(&format!(" ({title})"));
        }
        self.seen = self.seen.max(range.end);
    }
}

/// Returns whether Telegram accepts the address in a link. Telegram drops link entities with other addresses, such as
/// `http://localhost`.
fn is_web(url: &str) -> bool {
    let Some((_, rest)) = url.split_once("://") else { return false };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let plain = !url.contains(|c: char| c.is_whitespace() || c.is_control());
    // An entity can contain only a parsable address.
    let Some(parsed) = Url::parse(url).ok().filter(|_| plain) else { return false };
    match parsed.scheme() {
        "http" | "https" => host.contains('.') || host.starts_with('['),
        "tg" => !host.is_empty(),
        _ => false,
    }
}
