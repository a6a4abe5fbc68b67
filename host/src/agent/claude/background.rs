//! What the CLI says of work that goes on after the turn that began it: commands, subagents, wake-ups.

use cordboard_core::{agent::AgentEvent, types::Moment};
use serde_json::Value;

use super::text;

/// A number of seconds since 1970 is smaller for some thousand years, one of milliseconds was so until 1973.
const MILLISECONDS: u64 = 100_000_000_000;

/// Other values of `status` are ends.
const UNDER_WAY: [&str; 4] = ["running", "pending", "in_progress", "paused"];

#[derive(Debug, Default)]
pub(super) struct Background {
    /// Ids, and what each is about.
    tasks: Vec<(String, String)>,
}

impl Background {
    /// A `system` message: all that runs from now on, where that has changed.
    pub(super) fn read(&mut self, message: &Value) -> Option<AgentEvent> {
        let before = self.tasks.clone();
        let id = text(message, "task_id");
        match text(message, "subtype") {
            "background_tasks_changed" => {
                self.tasks = message["tasks"].as_array()?.iter().map(task).collect();
            }
            // One in the foreground ends with its turn.
            "task_started" if message["is_backgrounded"] != false && !self.has(id) => self.tasks.push(task(message)),
            "task_updated" if is_end(&message["patch"]) => self.tasks.retain(|(of, _)| of != id),
            "task_notification" if text(message, "status").is_empty() || is_end(message) => {
                self.tasks.retain(|(of, _)| of != id);
            }
            _ => return None,
        }
        let tasks = || self.tasks.iter().map(|(_, about)| about.clone()).collect();
        (self.tasks != before).then(|| AgentEvent::Background(tasks()))
    }

    fn has(&self, id: &str) -> bool {
        self.tasks.iter().any(|(of, _)| of == id)
    }
}

fn is_end(task: &Value) -> bool {
    let status = text(task, "status");
    !status.is_empty() && !UNDER_WAY.contains(&status)
}

fn task(task: &Value) -> (String, String) {
    let about = ["description", "task_type", "task_id"].map(|name| text(task, name));
    let about = about.into_iter().find(|about| !about.is_empty()).unwrap_or("a task");
    (text(task, "task_id").to_owned(), about.to_owned())
}

/// The result of a tool call that was to begin a turn later on.
pub(super) fn wake_up(message: &Value) -> Option<AgentEvent> {
    let time = &message["tool_use_result"]["scheduledFor"];
    let time = match time.as_f64() {
        // Fractions and what is out of range do not matter.
        Some(number) => number as u64,
        None => u64::try_from(time.as_str()?.parse::<jiff::Timestamp>().ok()?.as_millisecond()).ok()?,
    };
    let millis = if time < MILLISECONDS { time.saturating_mul(1_000) } else { time };
    (millis > 0).then_some(AgentEvent::WakesAt(Moment(millis)))
}
