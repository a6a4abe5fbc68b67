//! Remembers the latest warnings and errors in the log, for the status page.

use std::{
    borrow::Cow,
    collections::VecDeque,
    fmt::{Debug, Write as _},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{SystemTime, UNIX_EPOCH},
};

use cordboard_core::{
    render::{UNTRUSTED_LENGTH, one_line},
    scrub,
};
use serde::{Deserialize, Serialize};
use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{Layer, layer::Context};

/// The maximum number of remembered records.
const CAPACITY: usize = 30;

static RECENT: Mutex<VecDeque<LoggedProblem>> = Mutex::new(VecDeque::new());

/// A warning or an error in the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoggedProblem {
    /// Milliseconds since the Unix epoch.
    pub at: u64,
    /// `warning` or `error`.
    pub level: Cow<'static, str>,
    /// The message and its fields on one line, without secrets.
    pub text: String,
}

/// Returns the kept warnings and errors, newest first.
#[must_use]
pub fn recent_problems() -> Vec<LoggedProblem> {
    recent().iter().rev().cloned().collect()
}

fn recent() -> MutexGuard<'static, VecDeque<LoggedProblem>> {
    RECENT.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A layer that remembers warnings and errors.
pub struct RecentProblems;

impl<S: Subscriber> Layer<S> for RecentProblems {
    fn on_event(&self, event: &Event<'_>, _context: Context<'_, S>) {
        let level = *event.metadata().level();
        if level > Level::WARN {
            return;
        }
        let mut text = RecordText::default();
        event.record(&mut text);
        let at = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
        let problem = LoggedProblem {
            at: u64::try_from(at).unwrap_or(u64::MAX),
            level: if level == Level::ERROR { "error" } else { "warning" }.into(),
            // Remove secrets before the text is shortened, because a truncated secret may not be recognized.
            text: one_line(&scrub::text(format!("{}{}", text.message, text.fields)), UNTRUSTED_LENGTH),
        };
        let mut recent = recent();
        if recent.len() >= CAPACITY {
            recent.pop_front();
        }
        recent.push_back(problem);
    }
}

#[derive(Default)]
struct RecordText {
    message: String,
    fields: String,
}

impl Visit for RecordText {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        // Writing to a string can't fail.
        let _written = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name => write!(self.fields, " {name}={value:?}"),
        };
    }
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    #[test]
    fn only_the_latest_warnings_and_errors_are_kept() {
        scrub::remember("<log test>", "a-secret-of-the-log-test");
        let subscriber = tracing_subscriber::registry().with(RecentProblems);
        tracing::subscriber::with_default(subscriber, || {
            for number in 0..CAPACITY {
                tracing::warn!(number, "old");
            }
            tracing::info!("not a problem");
            tracing::error!(why = "a-secret-of-the-log-test", path = %"x\ny", "failed");
        });
        let problems = recent_problems();
        assert_eq!(problems.len(), CAPACITY);
        assert_eq!((&*problems[0].level, problems[0].text.as_str()), ("error", "failed why=<log test> path=x y"));
        assert_eq!((&*problems[1].level, problems[1].text.as_str()), ("warning", "old number=29"));
        assert!(problems[0].at > 1_700_000_000_000);
    }
}
