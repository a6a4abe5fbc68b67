//! Joins messages that a chat delivers in parts: the files of an album, and a text that is longer than a message. All
//! other updates pass through at once. A part waits at most `patience` for the next one.

use std::time::Duration;

use crate::{
    chat::{InboxId, InboxRow, Part, Update, UpdateKind},
    route::{self, Routed},
    types::Timestamp,
};

/// The maximum number of parts that are joined into one update. Further parts make further updates.
const MOST_PARTS: usize = 100;

/// The resolution of message dates: chats date messages to the second.
const DATED: Duration = Duration::from_secs(1);

/// The `kind` of an update that joins the files of an album.
const ALBUM: &str = "album";

/// One update, and the inbox rows that were merged into it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gathered {
    pub row: InboxRow,
    pub absorbed: Vec<InboxId>,
}

impl Gathered {
    /// Joins rows in their order. Returns `None` if `rows` is empty.
    fn of(rows: Vec<InboxRow>) -> Option<Self> {
        let absorbed = rows.iter().skip(1).map(|row| row.id).collect();
        let updates = rows.iter().map(|row| row.update.clone()).collect();
        let first = rows.into_iter().next()?;
        let update = join(updates).unwrap_or_else(|| first.update.clone());
        Some(Self { row: InboxRow { update, ..first }, absorbed })
    }
}

/// Joins parts, in their order, into one update.
#[must_use]
pub fn join(parts: Vec<Update>) -> Option<Update> {
    let is_one = parts.len() == 1;
    let mut whole = parts.into_iter().reduce(|mut whole, next| {
        whole.what = match (whole.what, next.what) {
            (UpdateKind::Text(text), UpdateKind::Text(more)) => {
                let joint = if let Part::Cut { joint } = &whole.origin.part { joint } else { "\n" };
                UpdateKind::Text(format!("{text}{joint}{more}"))
            }
            (UpdateKind::NotText { caption, .. }, UpdateKind::NotText { caption: more, .. }) => {
                let captions: Vec<String> = caption.into_iter().chain(more).collect();
                let caption = (!captions.is_empty()).then(|| captions.join("\n"));
                UpdateKind::NotText { kind: ALBUM.to_owned(), caption }
            }
            (what, _) => what,
        };
        whole.origin.part = next.origin.part;
        whole
    })?;
    if !is_one {
        whole.origin.part = Part::Joined;
    }
    Some(whole)
}

/// Holds the parts that wait for further parts.
#[derive(Debug, Default)]
pub struct Gather {
    /// Sorted by the arrival of their first parts.
    held: Vec<Held>,
}

#[derive(Debug)]
struct Held {
    /// Never empty.
    rows: Vec<InboxRow>,
    until: Timestamp,
}

impl Held {
    fn is_of(&self, update: &Update) -> bool {
        let first = &self.rows[0].update;
        first.place == update.place && first.caller.id == update.caller.id
    }

    fn is_continued_by(&self, update: &Update, patience: Duration) -> bool {
        let last = &self.rows[self.rows.len() - 1].update;
        match (&last.origin.part, &update.origin.part) {
            (Part::Album(album), Part::Album(next)) => album == next,
            (Part::Cut { .. }, Part::Cut { .. } | Part::Text) => update.at.since(last.at) <= patience + DATED,
            (Part::Alone | Part::Text | Part::Joined, _) | (Part::Album(_) | Part::Cut { .. }, _) => false,
        }
    }

    fn release(self) -> Vec<Gathered> {
        if !matches!(self.rows[0].update.origin.part, Part::Album(_)) {
            return Gathered::of(self.rows).into_iter().collect();
        }
        // A caption that is a command runs separately. The other files of its album are absorbed unless one of them has
        // a caption of its own.
        let (mut commands, others): (Vec<_>, Vec<_>) = self.rows.into_iter().partition(is_command);
        let has_words =
            others.iter().any(|row| matches!(row.update.what, UpdateKind::NotText { caption: Some(_), .. }));
        if !has_words && !commands.is_empty() {
            let first = std::iter::once(commands.remove(0)).chain(others).collect();
            return Gathered::of(first).into_iter().chain(commands.into_iter().map(alone)).collect();
        }
        commands.into_iter().map(alone).chain(Gathered::of(others)).collect()
    }
}

const fn alone(row: InboxRow) -> Gathered {
    Gathered { row, absorbed: Vec::new() }
}

fn is_command(row: &InboxRow) -> bool {
    match &row.update.what {
        UpdateKind::NotText { caption: Some(caption), .. } => {
            matches!(route::parse(caption, None), Routed::Command { .. })
        }
        UpdateKind::NotText { caption: None, .. }
        | UpdateKind::Text(_)
        | UpdateKind::Edited(_)
        | UpdateKind::Press { .. } => false,
    }
}

impl Gather {
    /// Adds a row and returns the updates that it completes. Each new part restarts the wait of `patience`.
    pub fn take(&mut self, row: InboxRow, now: Timestamp, patience: Duration) -> Vec<Gathered> {
        let until = now.after(patience);
        let continued =
            self.held.iter().position(|held| held.is_of(&row.update) && held.is_continued_by(&row.update, patience));
        if let Some(at) = continued {
            let held = &mut self.held[at];
            let is_last = row.update.origin.part == Part::Text;
            held.rows.push(row);
            held.until = until;
            let is_complete = is_last || held.rows.len() >= MOST_PARTS;
            return if is_complete { self.held.remove(at).release() } else { Vec::new() };
        }
        // Release this person's held parts first, so that updates keep their order.
        let mut out = self.release(|held| held.is_of(&row.update));
        match row.update.origin.part {
            Part::Album(_) | Part::Cut { .. } if !patience.is_zero() => self.held.push(Held { rows: vec![row], until }),
            Part::Alone | Part::Text | Part::Joined | Part::Album(_) | Part::Cut { .. } => out.push(alone(row)),
        }
        out
    }

    /// The next time at which [`due`](Self::due) has to be called.
    #[must_use]
    pub fn deadline(&self) -> Option<Timestamp> {
        self.held.iter().map(|held| held.until).min()
    }

    /// Releases the parts whose deadline has passed.
    pub fn due(&mut self, now: Timestamp) -> Vec<Gathered> {
        self.release(|held| held.until <= now)
    }

    /// Releases all held parts.
    pub fn flush(&mut self) -> Vec<Gathered> {
        self.release(|_| true)
    }

    fn release(&mut self, wanted: impl Fn(&Held) -> bool) -> Vec<Gathered> {
        self.held.extract_if(.., |held| wanted(held)).flat_map(Held::release).collect()
    }
}

#[cfg(test)]
mod tests;
