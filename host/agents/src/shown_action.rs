//! Describes the actions that views show in a turn: thinking, API retries, and tool calls with the tool's name and most
//! informative argument.

use std::time::Duration;

use cordboard_core::{
    agent_event::{Action, ActionState},
    messages::api_problem,
};
use serde_json::Value;

use crate::json_fields::text;

/// The maximum length of a title, in characters.
const LONGEST_TITLE: usize = 80;

/// The maximum length of a detail, in characters: enough for an error message, and short enough to pass to the view
/// plugin with every frame.
pub(super) const LONGEST_DETAIL: usize = 2_000;

/// Arguments that describe a call, most informative first.
const DESCRIPTIVE_ARGUMENTS: [&str; 12] = [
    "command",
    "file_path",
    "notebook_path",
    "path",
    "pattern",
    "url",
    "query",
    "description",
    "skill",
    "subject",
    "name",
    "prompt",
];

pub fn tool(id: &str, name: &str, input: &Value, folder: &str) -> Action {
    let argument = argument(input);
    Action {
        id: id.to_owned(),
        kind: "tool".to_owned(),
        title: title(name, relative_to(folder, argument)),
        detail: cut(argument, LONGEST_DETAIL),
        state: ActionState::Running,
    }
}

/// Returns a running action that has the agent's own title.
pub fn named(id: &str, title: &str, detail: &str) -> Action {
    Action {
        id: id.to_owned(),
        kind: "tool".to_owned(),
        title: cut(title, LONGEST_TITLE),
        detail: cut(detail, LONGEST_DETAIL),
        state: ActionState::Running,
    }
}

pub fn thinking(id: String) -> Action {
    Action {
        id,
        kind: "think".to_owned(),
        title: "Thinking".to_owned(),
        detail: String::new(),
        state: ActionState::Running,
    }
}

/// Marks a thought as done, and adds its text. A redacted thought has none.
pub fn complete_thinking(action: &mut Action, thought: &str) {
    action.detail = cut(thought.trim(), LONGEST_DETAIL);
    action.state = ActionState::Done;
}

pub fn retry(message: &Value) -> Action {
    let number = |name: &str| message[name].as_u64().unwrap_or_default();
    let (attempt, most) = (number("attempt"), number("max_retries"));
    let wait = Duration::from_millis(number("retry_delay_ms"));
    Action {
        id: "retry".to_owned(),
        kind: "retry".to_owned(),
        title: api_problem::retry(message["error_status"].as_u64(), attempt, most, &span(wait)),
        detail: text(message, "error").to_owned(),
        state: ActionState::Running,
    }
}

/// Formats a wait in seconds, or in minutes if it is at least two minutes long. Rounds up.
fn span(wait: Duration) -> String {
    let seconds = wait.as_millis().div_ceil(1_000);
    if seconds < 120 { format!("{seconds} s") } else { format!("{} min", seconds.div_ceil(60)) }
}

/// Returns the most informative argument of a call, or an empty string if no argument describes it.
pub fn argument(input: &Value) -> &str {
    DESCRIPTIVE_ARGUMENTS.iter().find_map(|name| input[name].as_str()).unwrap_or_default()
}

/// Makes a path inside the session's folder relative to the folder. Leaves any other argument unchanged.
pub fn relative_to<'a>(folder: &str, argument: &'a str) -> &'a str {
    let short = argument.strip_prefix(folder).and_then(|path| path.strip_prefix('/')).filter(|_| !folder.is_empty());
    short.unwrap_or(argument)
}

/// Returns the text of a tool's result, cut to [`LONGEST_DETAIL`] characters.
pub fn result_text(content: &Value) -> String {
    let blocks = content.as_array().into_iter().flatten();
    let text: Vec<&str> =
        content.as_str().into_iter().chain(blocks.filter_map(|block| block["text"].as_str())).collect();
    cut(&text.join("\n"), LONGEST_DETAIL)
}

/// Formats a title. A tool of an MCP server is named `mcp__SERVER__TOOL`.
fn title(name: &str, argument: &str) -> String {
    let name = match name.strip_prefix("mcp__").and_then(|rest| rest.split_once("__")) {
        Some((server, tool)) => format!("{server} {tool}"),
        None => name.to_owned(),
    };
    let line = argument.lines().next().unwrap_or_default().trim();
    if line.is_empty() { name } else { cut(&format!("{name}: {line}"), LONGEST_TITLE) }
}

/// Cuts the text to `longest` characters, and marks the cut with `…`.
pub(super) fn cut(text: &str, longest: usize) -> String {
    match text.char_indices().nth(longest) {
        None => text.to_owned(),
        Some(_) => text.chars().take(longest - 1).chain(['…']).collect(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_title_names_the_tool_and_its_subject() {
        let title = |name: &str, input: Value| tool("t", name, &input, "/home/ada/lab").title;
        assert_eq!(title("Bash", json!({"description": "list", "command": "ls -la\necho"})), "Bash: ls -la");
        assert_eq!(title("Write", json!({"content": "x", "file_path": "/home/ada/lab/a/b.rs"})), "Write: a/b.rs");
        assert_eq!(title("Read", json!({"file_path": "/home/ada/labels/b.rs"})), "Read: /home/ada/labels/b.rs");
        assert_eq!(title("mcp__telegram__send_file", json!({"path": "/x"})), "telegram send_file: /x");
        assert_eq!(title("TodoWrite", json!({"todos": []})), "TodoWrite");
        assert_eq!(title("Bash", json!({"command": "ä".repeat(200)})).chars().count(), LONGEST_TITLE);
    }

    #[test]
    fn a_retry_says_why_and_when() {
        let title = |status: Value, delay: u64| {
            retry(&json!({ "attempt": 2, "max_retries": 10, "retry_delay_ms": delay, "error_status": status })).title
        };
        assert_eq!(title(json!(529), 573), "API overloaded (529); retry 2 of 10 in 1 s");
        assert_eq!(title(json!(500), 33_558), "API server error (500); retry 2 of 10 in 34 s");
        assert_eq!(title(json!(429), 119_001), "Too many requests to the API (429); retry 2 of 10 in 2 min");
        assert_eq!(title(Value::Null, 119_000), "No response from the API; retry 2 of 10 in 119 s");
        assert_eq!(title(json!(409), 3_600_000), "Error from the API (409); retry 2 of 10 in 60 min");
    }

    #[test]
    fn a_long_thought_is_cut() {
        let mut action = thinking("think-0".to_owned());
        complete_thinking(&mut action, &format!("\n{}\n", "x".repeat(LONGEST_DETAIL + 1)));
        assert_eq!((action.detail.chars().count(), action.detail.starts_with('x')), (LONGEST_DETAIL, true));
    }
}
