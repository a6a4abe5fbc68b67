//! Reads the CLI's messages about background work, which outlives the turn that started it: commands, subagents,
//! wake-ups.

use cordboard_core::{agent::AgentEvent, types::Timestamp};
use serde_json::Value;

use super::text;

/// Distinguishes seconds since 1970, which stay below this for thousands of years, from milliseconds, which have
/// exceeded it since 1973.
const MILLISECONDS: u64 = 100_000_000_000;

/// The values of `status` of unfinished work. All others mean that it has ended.
const UNDER_WAY: [&str; 4] = ["running", "pending", "in_progress", "paused"];

#[derive(Debug, Default)]
pub(super) struct Background {
    /// Pairs of id and description.
    tasks: Vec<(String, String)>,
}

impl Background {
    /// Reads a `system` message. Returns the complete list of running work if it has changed.
    pub(super) fn read(&mut self, message: &Value) -> Option<AgentEvent> {
        let before = self.tasks.clone();
        let id = text(message, "task_id");
        match text(message, "subtype") {
            "background_tasks_changed" => {
                self.tasks = message["tasks"].as_array()?.iter().map(task).collect();
            }
            // A foreground task ends with its turn.
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

/// Reads the result of a tool call that schedules a turn.
pub(super) fn wake_up(message: &Value) -> Option<AgentEvent> {
    let time = &message["tool_use_result"]["scheduledFor"];
    let time = match time.as_f64() {
        // Fractions and numbers out of range don't matter.
        Some(number) => number as u64,
        None => u64::try_from(time.as_str()?.parse::<jiff::Timestamp>().ok()?.as_millisecond()).ok()?,
    };
    let millis = if time < MILLISECONDS { time.saturating_mul(1_000) } else { time };
    (millis > 0).then_some(AgentEvent::WakesAt(Timestamp(millis)))
}
