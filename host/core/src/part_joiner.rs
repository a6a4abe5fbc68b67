//! Joins messages that a chat delivers in parts: the files of an album, and texts that are too long for one message.
//! All other updates are released immediately. A part waits at most `patience` for the next one.

use std::time::Duration;

use crate::{
    route::ChatInput,
    types::Timestamp,
    updates_and_posts::{InboxId, InboxRow, MessagePart, Update, UpdateKind},
};

/// The maximum number of parts that are joined into one update. The next part begins another update.
const MAX_PARTS: usize = 100;

/// The resolution of message dates, which chats report in whole seconds.
const DATE_RESOLUTION: Duration = Duration::from_secs(1);

/// The `kind` of an update that joins the files of an album.
const ALBUM: &str = "album";

/// An update, and the ids of the other inbox rows that were merged into its row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JoinedUpdate {
    pub row: InboxRow,
    pub absorbed: Vec<InboxId>,
    /// The parsed text, caption or button. `None` for an edit, and for a message with neither text nor caption.
    pub input: Option<ChatInput>,
}

impl JoinedUpdate {
    /// Parses a row without joining it with others.
    #[must_use]
    pub fn parse(row: InboxRow) -> Self {
        Self { input: parse(&row.update), row, absorbed: Vec::new() }
    }

    /// Joins rows, in the given order, into one update. Returns `None` if `rows` is empty.
    fn join(rows: Vec<InboxRow>, input: impl FnOnce(&Update) -> Option<ChatInput>) -> Option<Self> {
        let absorbed = rows.iter().skip(1).map(|row| row.id).collect();
        let updates = rows.iter().map(|row| row.update.clone()).collect();
        let first = rows.into_iter().next()?;
        let update = join(updates).unwrap_or_else(|| first.update.clone());
        Some(Self { input: input(&update), row: InboxRow { update, ..first }, absorbed })
    }
}

fn parse(update: &Update) -> Option<ChatInput> {
    match &update.what {
        // The host created this update for a prompt, so its text is never a host command.
        UpdateKind::Text(_) | UpdateKind::NotText { caption: Some(_), .. } if update.origin.prompt_kind.is_some() => {
            Some(ChatInput::Prompt)
        }
        UpdateKind::Text(text) | UpdateKind::NotText { caption: Some(text), .. } => Some(ChatInput::typed(text)),
        UpdateKind::Press { line, .. } => Some(ChatInput::pressed(&line.command, line.plugin.as_deref())),
        UpdateKind::NotText { caption: None, .. } | UpdateKind::Edited(_) => None,
    }
}

/// Joins parts, in their order, into one update. Returns `None` if `parts` is empty.
#[must_use]
pub fn join(parts: Vec<Update>) -> Option<Update> {
    let is_one = parts.len() == 1;
    let mut whole = parts.into_iter().reduce(|mut whole, next| {
        whole.what = match (whole.what, next.what) {
            (UpdateKind::Text(text), UpdateKind::Text(more)) => {
                let joint = if let MessagePart::Cut { joint } = &whole.origin.part { joint } else { "\n" };
                UpdateKind::Text(format!("{text}{joint}{more}"))
            }
            (
                UpdateKind::NotText { caption, files, .. },
                UpdateKind::NotText { caption: more, files: more_files, .. },
            ) => {
                let captions: Vec<String> = caption.into_iter().chain(more).collect();
                let caption = (!captions.is_empty()).then(|| captions.join("\n"));
                let files = files.into_iter().chain(more_files).collect();
                UpdateKind::NotText { kind: ALBUM.to_owned(), caption, files }
            }
            (what, _) => what,
        };
        whole.origin.part = next.origin.part;
        whole
    })?;
    if !is_one {
        whole.origin.part = MessagePart::Joined;
    }
    Some(whole)
}

/// Joins parts as they arrive.
#[derive(Debug, Default)]
pub struct PartJoiner {
    /// The incomplete updates, in the order in which their first parts arrived.
    pending: Vec<PendingParts>,
}

#[derive(Debug)]
struct PendingParts {
    /// Never empty.
    rows: Vec<InboxRow>,
    until: Timestamp,
}

impl PendingParts {
    fn is_of(&self, update: &Update) -> bool {
        let first = &self.rows[0].update;
        first.place == update.place && first.caller.id == update.caller.id
    }

    fn is_continued_by(&self, update: &Update, patience: Duration) -> bool {
        let last = &self.rows[self.rows.len() - 1].update;
        match (&last.origin.part, &update.origin.part) {
            (MessagePart::Album(album), MessagePart::Album(next)) => album == next,
            (MessagePart::Cut { .. }, MessagePart::Cut { .. } | MessagePart::Text) => {
                update.at.since(last.at) <= patience + DATE_RESOLUTION
            }
            (MessagePart::Alone | MessagePart::Text | MessagePart::Joined, _)
            | (MessagePart::Album(_) | MessagePart::Cut { .. }, _) => false,
        }
    }

    fn release(self) -> Vec<JoinedUpdate> {
        if !matches!(self.rows[0].update.origin.part, MessagePart::Album(_)) {
            return JoinedUpdate::join(self.rows, parse).into_iter().collect();
        }
        // Each file whose caption is a command becomes a separate update, and the other files become one. If no other
        // file has a caption and there is a command, the other files are merged into the first command.
        let is_command = |update: &JoinedUpdate| matches!(update.input, Some(ChatInput::Command(_)));
        let (mut commands, others): (Vec<_>, Vec<_>) =
            self.rows.into_iter().map(JoinedUpdate::parse).partition(is_command);
        let has_caption = others.iter().any(|update| update.input.is_some());
        let rows = others.into_iter().map(|update| update.row);
        if !has_caption && !commands.is_empty() {
            let JoinedUpdate { row, input, .. } = commands.remove(0);
            let first = JoinedUpdate::join(std::iter::once(row).chain(rows).collect(), |_| input);
            return first.into_iter().chain(commands).collect();
        }
        // The remaining captions aren't commands, so together they form a prompt.
        let others = JoinedUpdate::join(rows.collect(), |_| has_caption.then_some(ChatInput::Prompt));
        commands.into_iter().chain(others).collect()
    }
}

impl PartJoiner {
    /// Adds a row and returns the updates that are now complete. Each new part restarts the `patience` timeout.
    pub fn push(&mut self, row: InboxRow, now: Timestamp, patience: Duration) -> Vec<JoinedUpdate> {
        let until = now.after(patience);
        let continued = self
            .pending
            .iter()
            .position(|parts| parts.is_of(&row.update) && parts.is_continued_by(&row.update, patience));
        if let Some(at) = continued {
            let parts = &mut self.pending[at];
            let is_last = row.update.origin.part == MessagePart::Text;
            parts.rows.push(row);
            parts.until = until;
            let is_complete = is_last || parts.rows.len() >= MAX_PARTS;
            return if is_complete { self.pending.remove(at).release() } else { Vec::new() };
        }
        // Release this person's pending parts first, so that updates keep their order.
        let mut joined = self.release(|parts| parts.is_of(&row.update));
        match row.update.origin.part {
            MessagePart::Album(_) | MessagePart::Cut { .. } if !patience.is_zero() => {
                self.pending.push(PendingParts { rows: vec![row], until })
            }
            MessagePart::Alone
            | MessagePart::Text
            | MessagePart::Joined
            | MessagePart::Album(_)
            | MessagePart::Cut { .. } => joined.push(JoinedUpdate::parse(row)),
        }
        joined
    }

    /// Returns when to call [`due`](Self::due) next, or `None` if no parts are waiting.
    #[must_use]
    pub fn deadline(&self) -> Option<Timestamp> {
        self.pending.iter().map(|parts| parts.until).min()
    }

    /// Releases the parts whose deadline has passed.
    pub fn due(&mut self, now: Timestamp) -> Vec<JoinedUpdate> {
        self.release(|parts| parts.until <= now)
    }

    /// Releases all pending parts.
    pub fn flush(&mut self) -> Vec<JoinedUpdate> {
        self.release(|_| true)
    }

    fn release(&mut self, wanted: impl Fn(&PendingParts) -> bool) -> Vec<JoinedUpdate> {
        self.pending.extract_if(.., |parts| wanted(parts)).flat_map(PendingParts::release).collect()
    }
}

#[cfg(test)]
mod tests;
