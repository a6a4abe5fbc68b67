//! The agent's task list, which its task tools change. The list is shown as one action in the turn. The codec reads the
//! results of the tools, because only they contain the ids of new tasks.

use cordboard_core::agent_event::{Action, ActionState};
use serde_json::Value;

use super::text;
use crate::shown_action;

/// The tools whose calls are shown as the task list.
const TOOLS: [&str; 3] = ["TodoWrite", "TaskCreate", "TaskUpdate"];

/// The maximum length of an item, in characters. Keeps an item to one or two lines in most chats.
const LONGEST_ITEM: usize = 80;

#[derive(Debug, Default)]
pub(super) struct Checklist {
    items: Vec<Item>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Item {
    /// Empty if the agent writes the whole list at once.
    id: String,
    subject: String,
    state: ItemState,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ItemState {
    Pending,
    InProgress,
    Completed,
}

/// Returns whether a tool's calls are shown as the task list instead of as individual actions.
pub(super) fn is_checklist_tool(name: &str) -> bool {
    TOOLS.contains(&name)
}

impl Checklist {
    /// Reads a `user` message with the result of a tool. Returns whether the list has changed. The names of the
    /// result's fields identify the tool. The result of a failed call is a string.
    pub(super) fn on_tool_result(&mut self, message: &Value) -> bool {
        let result = &message["tool_use_result"];
        let before = self.items.clone();
        let whole = [&result["newTodos"], &result["tasks"]].into_iter().find_map(Value::as_array);
        if let Some(items) = whole {
            self.items = items.iter().filter_map(item).collect();
        } else if let Some(created) = item(&result["task"]).filter(|created| !created.id.is_empty()) {
            // This may be the result of `TaskGet`, so the task may already be in the list.
            self.items.retain(|item| item.id != created.id);
            self.items.push(created);
            self.items.sort_by_key(|item| item.id.parse().unwrap_or(u64::MAX));
        } else if result["success"] == true {
            self.update(text(result, "taskId"), text(&result["statusChange"], "to"));
        }
        self.items != before
    }

    /// Changes a task's state. If the task isn't in the list, it was created in an earlier process and its subject is
    /// unknown.
    fn update(&mut self, id: &str, status: &str) {
        if id.is_empty() || status.is_empty() {
            return;
        }
        if status == "deleted" {
            return self.items.retain(|item| item.id != id);
        }
        let state = state(status);
        match self.items.iter_mut().find(|item| item.id == id) {
            Some(item) => item.state = state,
            None => self.items.push(Item { id: id.to_owned(), subject: format!("Task {id}"), state }),
        }
    }

    /// Returns the action that shows the list: the title names the current item, and the detail lists all items.
    /// Returns `None` if the list is empty.
    pub(super) fn action(&self) -> Option<Action> {
        let done = self.items.iter().filter(|item| item.state == ItemState::Completed).count();
        let all = self.items.len();
        let in_state = |state: ItemState| self.items.iter().find(|item| item.state == state);
        let current = in_state(ItemState::InProgress).or_else(|| in_state(ItemState::Pending));
        let lines: Vec<String> = self.items.iter().map(line).collect();
        (all > 0).then(|| Action {
            id: "todo".to_owned(),
            kind: "todo".to_owned(),
            title: match current {
                Some(item) => format!("{}/{all} {}", done + 1, item.subject),
                None => format!("{all}/{all} done"),
            },
            detail: shown_action::cut(&lines.join("\n"), shown_action::LONGEST_DETAIL),
            state: if current.is_some() { ActionState::Running } else { ActionState::Done },
        })
    }
}

/// Reads an item of a list. Returns `None` if the value has no subject.
fn item(item: &Value) -> Option<Item> {
    let subject = ["content", "subject"].map(|name| text(item, name)).into_iter().find(|text| !text.is_empty())?;
    let subject = subject.split_whitespace().collect::<Vec<_>>().join(" ");
    let subject = shown_action::cut(&subject, LONGEST_ITEM);
    Some(Item { id: text(item, "id").to_owned(), subject, state: state(text(item, "status")) })
}

fn state(status: &str) -> ItemState {
    match status {
        "completed" => ItemState::Completed,
        "in_progress" => ItemState::InProgress,
        _ => ItemState::Pending,
    }
}

fn line(item: &Item) -> String {
    let mark = match item.state {
        ItemState::Pending | ItemState::InProgress => '☐',
        ItemState::Completed => '☑',
    };
    format!("{mark} {}", item.subject)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn shown(list: &Checklist) -> Option<(String, String)> {
        list.action().map(|action| (action.title, action.detail))
    }

    fn result(list: &mut Checklist, result: Value) -> bool {
        list.on_tool_result(&json!({ "tool_use_result": result }))
    }

    #[test]
    fn tasks_change_by_their_ids() {
        let mut list = Checklist::default();
        let created = |id: &str, subject: &str| json!({ "task": { "id": id, "subject": subject } });
        let updated = |id: &str, to: &str| json!({ "success": true, "taskId": id, "statusChange": { "to": to } });
        assert!(result(&mut list, created("1", "Read\n  it")));
        assert!(result(&mut list, created("2", "Run it")));
        assert_eq!(shown(&list), Some(("1/2 Read it".into(), "☐ Read it\n☐ Run it".into())));
        assert!(result(&mut list, updated("1", "completed")));
        assert_eq!(shown(&list), Some(("2/2 Run it".into(), "☑ Read it\n☐ Run it".into())));
        assert!(!result(&mut list, json!({ "success": true, "taskId": "1", "updatedFields": ["owner"] })));
        assert!(!result(&mut list, json!({ "success": false, "taskId": "9", "statusChange": { "to": "completed" } })));
        assert!(result(&mut list, updated("9", "in_progress")));
        assert_eq!(shown(&list).unwrap().0, "2/3 Task 9");
        assert!(result(&mut list, json!({ "tasks": [{ "id": "1", "subject": "Read it", "status": "completed" }] })));
        assert_eq!(shown(&list), Some(("1/1 done".into(), "☑ Read it".into())));
        assert!(result(&mut list, updated("1", "deleted")));
        assert_eq!(shown(&list), None);
    }

    #[test]
    fn results_of_other_tools_change_nothing() {
        let mut list = Checklist::default();
        for other in [json!("Error"), json!({ "stdout": "hi" }), json!({ "task": "build" }), json!({ "success": true })]
        {
            assert!(!result(&mut list, other));
        }
        assert_eq!(shown(&list), None);
    }
}
