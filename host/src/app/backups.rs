//! Implements `cordboard backup` and `cordboard restore`.

use std::{
    io::{IsTerminal as _, Write, stderr},
    time::{Duration, Instant},
};

use cordboard_store::CopyProgress;

use super::{AppError, inspect::print_text};
use crate::{
    cli::{BackupCommand, BackupFile},
    logging,
};

/// The minimum time between two updates of the progress line.
const REDRAW_INTERVAL: Duration = Duration::from_millis(200);

/// The number of bytes in a megabyte.
const MEGABYTE: u64 = 1_000_000;

/// Writes or restores a backup.
///
/// # Errors
/// The database can't be read or is damaged, a host is running during a restore, or a file can't be used.
pub fn run_backup_command(command: &BackupCommand) -> Result<(), AppError> {
    match command {
        BackupCommand::Backup(options) => back_up(options),
        BackupCommand::Restore(options) => restore(options),
    }
}

fn back_up(options: &BackupFile) -> Result<(), AppError> {
    logging::start("warn");
    let (state, file) = (options.state.resolve()?, options.file());
    let mut line = ProgressLine::new();
    let size = cordboard_store::back_up(&state, &file, &mut |progress| line.show(progress, &mut stderr()));
    line.clear(&mut stderr());
    print_text(&format!("Backed up the database to {} ({} bytes).\n", file.display(), size?))
}

fn restore(options: &BackupFile) -> Result<(), AppError> {
    logging::start("warn");
    let (state, file) = (options.state.resolve()?, options.file());
    let mut line = ProgressLine::new();
    let kept = cordboard_store::restore(&state, &file, &mut |progress| line.show(progress, &mut stderr()));
    line.clear(&mut stderr());
    let kept = kept?.map(|kept| format!(" The previous database is kept as {}.", kept.display()));
    print_text(&format!("Restored the database from {}.{}\n", file.display(), kept.unwrap_or_default()))
}

/// A line on the terminal that shows the progress of a long copy.
struct ProgressLine {
    is_terminal: bool,
    last_drawn: Instant,
    is_shown: bool,
}

impl ProgressLine {
    fn new() -> Self {
        Self { is_terminal: stderr().is_terminal(), last_drawn: Instant::now(), is_shown: false }
    }

    /// Updates the line if at least [`REDRAW_INTERVAL`] has passed since the last update.
    fn show(&mut self, progress: CopyProgress, out: &mut impl Write) {
        if self.is_terminal && self.last_drawn.elapsed() >= REDRAW_INTERVAL {
            let CopyProgress { copied, total } = progress;
            // The copy continues even if standard error is closed.
            drop(write!(out, "\r\x1b[Kcopied {} of {} MB", copied / MEGABYTE, total / MEGABYTE));
            (self.last_drawn, self.is_shown) = (Instant::now(), true);
        }
    }

    /// Removes the line.
    fn clear(&self, out: &mut impl Write) {
        if self.is_shown {
            drop(write!(out, "\r\x1b[K"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_shown_on_a_terminal_at_intervals() {
        let progress = CopyProgress { copied: 12_345_678, total: 99_000_000 };
        let shown = |mut line: ProgressLine| {
            let mut out = Vec::new();
            line.show(progress, &mut out);
            line.show(progress, &mut out);
            line.clear(&mut out);
            String::from_utf8(out).expect("it is text")
        };
        let before = Instant::now().checked_sub(REDRAW_INTERVAL).expect("the machine runs longer");
        let line = |is_terminal, last_drawn| ProgressLine { is_terminal, last_drawn, is_shown: false };
        assert_eq!(shown(line(true, before)), "\r\x1b[Kcopied 12 of 99 MB\r\x1b[K");
        assert_eq!(shown(line(true, Instant::now())), "");
        assert_eq!(shown(line(false, before)), "");
    }
}
