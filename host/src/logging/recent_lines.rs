//! Remembers the latest records of the log, for `cordboard logs`.

use std::{
    collections::VecDeque,
    io::{self, Write},
    sync::{Arc, LazyLock, Mutex, PoisonError},
};

use tokio::sync::watch;

use super::line::one_json_line;

/// The maximum number of remembered records.
const LINES: usize = 2_000;

/// The maximum size of the remembered records, in bytes. Only a single longer record may exceed it.
const BYTES: usize = 1024 * 1024;

static RECENT: LazyLock<RecentLines> = LazyLock::new(RecentLines::new);

/// Returns the records that the running host remembers.
pub fn recent_lines() -> &'static RecentLines {
    &RECENT
}

/// The latest records, each as a line of JSON without secrets.
pub struct RecentLines {
    lines: Mutex<Lines>,
    /// Contains the number of records so far.
    written: watch::Sender<u64>,
}

#[derive(Default)]
struct Lines {
    lines: VecDeque<Arc<str>>,
    bytes: usize,
    /// The number of records so far.
    written: u64,
}

/// Records from a certain one on.
#[derive(Debug, PartialEq, Eq)]
pub struct LinesSince {
    pub lines: Vec<Arc<str>>,
    /// The number of records before the first of these lines that are no longer remembered.
    pub missing: u64,
    /// The number of the record after the last of these lines.
    pub next: u64,
}

impl RecentLines {
    fn new() -> Self {
        Self { lines: Mutex::default(), written: watch::Sender::new(0) }
    }

    /// Returns the records from the one with the number `first` on.
    pub fn since(&self, first: u64) -> LinesSince {
        let remembered = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let count = u64::try_from(remembered.lines.len()).unwrap_or(u64::MAX);
        let oldest = remembered.written - count;
        let missing = oldest.saturating_sub(first);
        let skipped = usize::try_from(first.saturating_sub(oldest)).unwrap_or(usize::MAX);
        LinesSince {
            lines: remembered.lines.iter().skip(skipped).cloned().collect(),
            missing,
            next: remembered.written,
        }
    }

    /// Returns a receiver of the number of records so far.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.written.subscribe()
    }

    fn push(&self, line: String) {
        let mut remembered = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        remembered.bytes += line.len();
        remembered.lines.push_back(line.into());
        remembered.written += 1;
        while remembered.lines.len() > LINES || remembered.bytes > BYTES && remembered.lines.len() > 1 {
            let Some(oldest) = remembered.lines.pop_front() else { break };
            remembered.bytes -= oldest.len();
        }
        self.written.send_replace(remembered.written);
    }
}

/// Remembers each record, which is a JSON object. Each record must be written in a single call.
pub struct RecentLineWriter;

impl Write for RecentLineWriter {
    fn write(&mut self, record: &[u8]) -> io::Result<usize> {
        RECENT.push(one_json_line(record).trim_end().to_owned());
        Ok(record.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(lines: &RecentLines, first: u64) -> (Vec<String>, u64, u64) {
        let LinesSince { lines, missing, next } = lines.since(first);
        (lines.iter().map(|line| line.to_string()).collect(), missing, next)
    }

    #[test]
    fn only_the_latest_lines_are_kept() {
        let lines = RecentLines::new();
        assert_eq!(texts(&lines, 0), (vec![], 0, 0));
        for number in 0..LINES + 3 {
            lines.push(number.to_string());
        }
        let (kept, missing, next) = texts(&lines, 0);
        assert_eq!((kept.len(), kept[0].as_str(), missing, next), (LINES, "3", 3, 2_003));
        assert_eq!(texts(&lines, 2_002), (vec!["2002".to_owned()], 0, 2_003));
        assert_eq!(texts(&lines, 2_003), (vec![], 0, 2_003));
        assert_eq!(*lines.changes().borrow(), 2_003);
    }

    #[test]
    fn long_lines_don_t_fill_the_memory() {
        let lines = RecentLines::new();
        for _ in 0..5 {
            lines.push("x".repeat(BYTES / 2));
        }
        assert_eq!(texts(&lines, 0).0.len(), 2);
        lines.push("x".repeat(2 * BYTES));
        lines.push("y".to_owned());
        assert_eq!(texts(&lines, 0), (vec!["y".to_owned()], 6, 7));
    }
}
