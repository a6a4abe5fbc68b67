//! Formats the report of `cordboard plugin check` for people: each heading is on a line of its own, followed by its
//! items in columns.

use cordboard_core::{
    render::{UNTRUSTED_LENGTH, one_line, terminal::Colours},
    rollout::short,
};

use super::report::{Import, ImportGrant, Report, Verdict};
use crate::dev::{
    build::size,
    progress::{BOLD, GREEN, RED, paint},
};

/// The indentation of items, as wide as a heading.
const INDENT: &str = "          ";

impl Report {
    /// Formats the report. `terminal` is `None` if the output is not a terminal.
    pub fn text(&self, terminal: Option<Colours>) -> String {
        let colours = terminal.unwrap_or(Colours::Off);
        let mut text = String::new();
        heading(&mut text, "plugin", &format!("{}, {}, {}", self.name, size(self.bytes), self.path));
        heading(&mut text, "digest", &format!("sha256 {}", short(&self.digest)));
        heading(&mut text, "compiled", &self.compiled());
        heading(&mut text, "memory", &self.memory());
        heading(&mut text, "offers", &self.extension_points.join(", "));
        let offers = self.offers.iter().map(|one| vec![untrusted(&one.name), untrusted(&one.text), one.terms.clone()]);
        items(&mut text, &offers.collect::<Vec<_>>());
        heading(&mut text, "imports", &self.missing_grants());
        let (wasi, others): (Vec<&Import>, Vec<&Import>) =
            self.imports.iter().partition(|import| import.grant == ImportGrant::Empty);
        let mut imports: Vec<_> = others.iter().map(|one| vec![untrusted(&one.name), grant(one, colours)]).collect();
        if !wasi.is_empty() {
            imports.push(vec![
                format!("WASI, {} interfaces", wasi.len()),
                "granted to all, without access to data".to_owned(),
            ]);
        }
        items(&mut text, &imports);
        heading(&mut text, "limits", "of a call, by key");
        let limits: Vec<String> = self.limits.iter().map(|(key, value)| format!("{key} {value}")).collect();
        items(&mut text, &limits.chunks(4).map(<[String]>::to_vec).collect::<Vec<_>>());
        for (number, why) in self.idle.iter().enumerate() {
            heading(&mut text, if number == 0 { "idle" } else { "" }, why);
        }
        if !self.approval.is_empty() {
            let granted_by = &self.granted_by;
            let approval = self.approval.join(", ");
            let how = format!("{approval}: {granted_by}");
            heading(&mut text, "approval", &how);
        }
        for (number, why) in self.rejected.iter().enumerate() {
            heading(&mut text, if number == 0 { "rejected" } else { "" }, why);
        }
        let verdict = match self.verdict() {
            Verdict::Accepted => paint("a host would accept it", GREEN, colours),
            Verdict::NeedsApproval => {
                paint(&format!("a host would ask for approval of: {}", self.approval.join(", ")), BOLD, colours)
            }
            Verdict::Rejected => paint("a host would reject it", RED, colours),
        };
        heading(&mut text, "verdict", &verdict);
        text
    }

    fn compiled(&self) -> String {
        let bytes = size(self.compiled.bytes);
        match self.compiled.seconds {
            Some(seconds) => format!("{bytes}, in {seconds:.1} s"),
            None => format!("{bytes}, cached"),
        }
    }

    fn memory(&self) -> String {
        let limit = size(usize::try_from(self.memory.limit).unwrap_or(usize::MAX));
        match self.memory.started {
            Some(started) => format!("{} at the start of a call, {limit} at most", size(started)),
            None => format!("{limit} at most"),
        }
    }

    fn missing_grants(&self) -> String {
        match self.imports.iter().filter(|import| import.grant == ImportGrant::NotGranted).count() {
            0 => "all are granted".to_owned(),
            1 => "one is not granted".to_owned(),
            missing => format!("{missing} are not granted"),
        }
    }
}

/// Escapes text from the component, which is untrusted.
fn untrusted(words: &str) -> String {
    one_line(words, UNTRUSTED_LENGTH)
}

fn grant(import: &Import, colours: Colours) -> String {
    match import.grant {
        ImportGrant::ForAll | ImportGrant::Empty => "for all".to_owned(),
        ImportGrant::Granted => "granted".to_owned(),
        ImportGrant::NotGranted => paint("NOT GRANTED", RED, colours),
    }
}

fn heading(text: &mut String, word: &str, value: &str) {
    text.push_str(format!("{word:<8}  {value}").trim_end());
    text.push('\n');
}

/// Appends rows in columns. Each column is as wide as its widest cell.
fn items(text: &mut String, rows: &[Vec<String>]) {
    let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or_default()).collect();
    for row in rows {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        let line = format!("{INDENT}{}", cells.collect::<Vec<_>>().join("  "));
        text.push_str(line.trim_end());
        text.push('\n');
    }
}
