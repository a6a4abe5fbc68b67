//! Counts and logs the lines of an agent that are not JSON.

use cordboard_core::render::{UNTRUSTED_LENGTH, one_line};

/// The maximum number of bytes that [`excerpt`] reads, enough for [`UNTRUSTED_LENGTH`] characters of UTF-8.
const EXCERPT_BYTES: usize = 4 * UNTRUSTED_LENGTH;

/// Returns the beginning of a line without control characters, or `None` if nothing visible is left.
pub fn excerpt(line: &[u8]) -> Option<String> {
    let excerpt = one_line(&String::from_utf8_lossy(&line[..line.len().min(EXCERPT_BYTES)]), UNTRUSTED_LENGTH);
    (!excerpt.is_empty()).then_some(excerpt)
}

/// Counts and logs lines that are not JSON.
#[derive(Debug, Default)]
pub struct SkippedLines {
    pub count: u64,
}

impl SkippedLines {
    pub fn add(&mut self, line: &[u8], error: &serde_json::Error) {
        self.count += 1;
        let line = excerpt(line).unwrap_or_default();
        // One line is enough to show the problem; more warnings would only flood the log.
        if self.count == 1 {
            tracing::warn!(
                line,
                "skipped a line of the agent that is not JSON; further such lines are logged at level debug"
            );
        }
        tracing::debug!(%error, line, skipped = self.count, "skipped a line of the agent that is not JSON");
    }
}
