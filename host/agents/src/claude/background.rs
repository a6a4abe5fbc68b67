//! Reads the CLI's messages about background work: commands, subagents, and scheduled wake-ups, both one-time and
//! recurring. Background work outlives the turn that started it.

use std::time::Duration;

use cordboard_core::{
    agent_event::{AgentEvent, BackgroundTask},
    messages::{WAKE_UP, wake_ups},
    types::Timestamp,
};
use serde_json::Value;

use super::{is_main_agent, text};

/// The smallest number that is read as a Unix time in milliseconds; a smaller number is read as seconds. Times in
/// milliseconds have been greater since 1973, and times in seconds stay smaller for thousands of years.
const LEAST_MILLISECONDS: u64 = 100_000_000_000;

/// The `status` values of unfinished work. Any other value means that the work has ended.
const UNFINISHED: [&str; 4] = ["running", "pending", "in_progress", "paused"];

/// The age at which the CLI deletes a recurring job.
const JOB_EXPIRES: Duration = Duration::from_hours(7 * 24);

#[derive(Debug, Default)]
pub(super) struct Background {
    tasks: Vec<TrackedWork>,
    /// Prompts that the CLI sends to itself at scheduled times. The `CronCreate` tool creates them.
    jobs: Vec<TrackedWork>,
    /// The time at which the CLI continues a loop, as set by the last call to the `ScheduleWakeup` tool.
    wake_up: Option<Timestamp>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct TrackedWork {
    id: String,
    task: BackgroundTask,
}

impl Background {
    /// Reads a `system` message. Returns the complete list of background work if it has changed.
    pub(super) fn on_system(&mut self, message: &Value) -> Option<AgentEvent> {
        let before = self.list();
        let id = text(message, "task_id");
        match text(message, "subtype") {
            "background_tasks_changed" => {
                self.tasks = message["tasks"].as_array()?.iter().map(task).collect();
            }
            // Skip foreground tasks, which end with their turn.
            "task_started" if message["is_backgrounded"] != false && !has(&self.tasks, id) => {
                self.tasks.push(task(message));
            }
            "task_updated" if is_end(&message["patch"]) => remove(&mut self.tasks, id),
            "task_notification" if text(message, "status").is_empty() || is_end(message) => remove(&mut self.tasks, id),
            _ => return None,
        }
        self.changed(&before)
    }

    /// Reads a `user` message with the result of a tool that schedules, lists or deletes wake-ups. The names of the
    /// result's fields identify the tool, because only the CLI's own tools return objects. The result of a failed call
    /// is a string.
    pub(super) fn on_tool_result(&mut self, message: &Value) -> Option<AgentEvent> {
        let before = self.list();
        let result = &message["tool_use_result"];
        let id = text(result, "id");
        if !result["scheduledFor"].is_null() {
            // The time 0 means that the loop has ended. `time` then returns `None`.
            self.wake_up = time(&result["scheduledFor"]);
        } else if let Some(job) = job(result) {
            self.jobs.push(job);
        } else if let Some(jobs) = result["jobs"].as_array().filter(|_| is_main_agent(message)) {
            // Skip a subagent's list, which contains only the subagent's jobs.
            self.jobs = jobs.iter().filter_map(job).collect();
        } else if has(&self.jobs, id) {
            remove(&mut self.jobs, id);
        } else if result["endedLoopWakeup"] == true {
            self.wake_up = None;
        }
        self.changed(&before)
    }

    fn list(&self) -> Vec<BackgroundTask> {
        let wake_up = self.wake_up.map(|at| BackgroundTask { about: WAKE_UP.to_owned(), until: Some(at) });
        self.tasks.iter().chain(&self.jobs).map(|work| work.task.clone()).chain(wake_up).collect()
    }

    fn changed(&self, before: &[BackgroundTask]) -> Option<AgentEvent> {
        let list = self.list();
        (list != before).then_some(AgentEvent::Background(list))
    }
}

fn has(work: &[TrackedWork], id: &str) -> bool {
    work.iter().any(|work| work.id == id)
}

fn remove(work: &mut Vec<TrackedWork>, id: &str) {
    work.retain(|work| work.id != id);
}

fn is_end(task: &Value) -> bool {
    let status = text(task, "status");
    !status.is_empty() && !UNFINISHED.contains(&status)
}

fn task(task: &Value) -> TrackedWork {
    let about = ["description", "task_type", "task_id"].map(|name| text(task, name));
    let about = about.into_iter().find(|about| !about.is_empty()).unwrap_or("a task");
    TrackedWork { id: text(task, "task_id").to_owned(), task: BackgroundTask { about: about.to_owned(), until: None } }
}

/// Reads a scheduled job. Returns `None` if the value is not a job.
fn job(job: &Value) -> Option<TrackedWork> {
    let (id, when) = (text(job, "id"), job["humanSchedule"].as_str()?);
    let next = time(&job["nextFireAt"]);
    let task = if job["recurring"] == true {
        BackgroundTask { about: wake_ups(when), until: next.map(|next| next.after(JOB_EXPIRES)) }
    } else {
        BackgroundTask { about: WAKE_UP.to_owned(), until: next }
    };
    Some(TrackedWork { id: id.to_owned(), task })
}

fn time(time: &Value) -> Option<Timestamp> {
    let time = match time.as_f64() {
        // The cast drops fractions and clamps numbers out of range, which is harmless here.
        Some(number) => number as u64,
        None => Timestamp::parse(time.as_str()?)?.0,
    };
    let millis = if time < LEAST_MILLISECONDS { time.saturating_mul(1_000) } else { time };
    (millis > 0).then_some(Timestamp(millis))
}
