//! Converts tool calls to actions for views, to tool uses for permission rules, and to text for the person who decides.
//! Agents name tools and arguments differently, so this module translates them to the names that claude and the rules
//! use.

use agent_client_protocol_schema::v1::{
    ContentBlock, Diff, Meta, ToolCall, ToolCallContent, ToolCallStatus, ToolCallUpdate, ToolKind,
};
use cordboard_core::{
    agent_event::{Action, ActionState},
    types::{QuestionText, ToolUse},
};
use serde_json::{Map, Value, json};

use crate::{
    shown_action,
    tool_input::{self, UNREADABLE},
};

/// The maximum size, in bytes, of the old and new text of a change to show as a diff. Diffing longer texts takes too
/// long.
const MAX_DIFF: usize = 256 << 10;

/// Applies an update to a call. An update contains only the fields that have changed.
pub fn apply(call: &mut ToolCall, update: ToolCallUpdate) {
    if claude_name(update.meta.as_ref()).is_some() {
        call.meta = update.meta;
    }
    call.update(update.fields);
}

/// Creates a call from its announcement or, if the agent didn't announce it, from its first update.
pub fn new(update: ToolCallUpdate) -> ToolCall {
    let mut call = ToolCall::new(update.tool_call_id.clone(), "");
    apply(&mut call, update);
    call
}

/// Returns the name of the tool, which claude's adapter adds to its calls.
fn claude_name(meta: Option<&Meta>) -> Option<&str> {
    meta?.get("claudeCode")?["toolName"].as_str()
}

pub fn action(call: &ToolCall, folder: &str) -> Action {
    let input = call.raw_input.as_ref().unwrap_or(&Value::Null);
    let argument = shown_action::argument(input);
    let detail = match (call.status, diffs(call).next()) {
        (ToolCallStatus::Failed, _) => result(call),
        (_, Some(_)) => diffs(call).map(|diff| shown_diff(diff, folder)).collect::<Vec<_>>().join("\n"),
        _ if argument.is_empty() => paths(call).next().unwrap_or_default(),
        _ => argument.to_owned(),
    };
    let title = Some(title(call)).filter(|title| !title.is_empty()).unwrap_or_else(|| tool_name(call));
    let state = match call.status {
        ToolCallStatus::Completed => ActionState::Done,
        ToolCallStatus::Failed => ActionState::Failed,
        ToolCallStatus::Pending | ToolCallStatus::InProgress | _ => ActionState::Running,
    };
    Action { state, ..shown_action::named(&call.tool_call_id.0, &title, &detail) }
}

/// Returns the first line of the agent's own title for the call, without the backticks that some agents put around
/// commands.
pub fn title(call: &ToolCall) -> String {
    let line = call.title.lines().next().unwrap_or_default().trim();
    line.strip_prefix('`').and_then(|line| line.strip_suffix('`')).unwrap_or(line).to_owned()
}

fn shown_diff(diff: &Diff, folder: &str) -> String {
    let (path, old) = (diff.path.to_string_lossy(), diff.old_text.as_deref().unwrap_or_default());
    let path = shown_action::relative_to(folder, &path);
    if is_long(diff) {
        format!("{path}\nThis change is too long to show.")
    } else {
        format!("{path}\n{}", tool_input::diff(old, &diff.new_text))
    }
}

fn is_long(diff: &Diff) -> bool {
    diff.new_text.len() + diff.old_text.as_ref().map_or(0, String::len) > MAX_DIFF
}

fn diffs(call: &ToolCall) -> impl Iterator<Item = &Diff> {
    call.content.iter().filter_map(|content| if let ToolCallContent::Diff(diff) = content { Some(diff) } else { None })
}

/// Returns the texts in the call's content.
pub fn texts(call: &ToolCall) -> String {
    let texts = call.content.iter().filter_map(|content| {
        let ToolCallContent::Content(content) = content else { return None };
        if let ContentBlock::Text(text) = &content.content { Some(text.text.as_str()) } else { None }
    });
    texts.collect::<Vec<_>>().join("\n")
}

/// Returns the call's output.
fn result(call: &ToolCall) -> String {
    let texts = texts(call);
    match &call.raw_output {
        _ if !texts.is_empty() => texts,
        Some(Value::String(output)) => output.clone(),
        Some(output) => output.to_string(),
        None => texts,
    }
}

/// Returns the files named in the call's locations and diffs.
fn paths(call: &ToolCall) -> impl Iterator<Item = String> {
    let located = call.locations.iter().map(|location| &location.path);
    located.chain(diffs(call).map(|diff| &diff.path)).map(|path| path.to_string_lossy().into_owned())
}

/// Returns the name that permission rules use for the tool. The rules use the names of claude's tools. If the call
/// contains neither such a name nor an MCP tool's, the tool's kind determines the name. If the kind has no name in the
/// rules, returns the agent's own name for the tool, or else the call's title.
fn tool_name(call: &ToolCall) -> String {
    let name = call.name.as_deref().filter(|name| !name.is_empty());
    let fixed = claude_name(call.meta.as_ref()).or(name.filter(|name| name.starts_with("mcp__")));
    let by_kind = match call.kind {
        ToolKind::Read => Some("Read"),
        ToolKind::Edit | ToolKind::Delete | ToolKind::Move => Some("Edit"),
        ToolKind::Search => Some("Grep"),
        ToolKind::Execute => Some("Bash"),
        ToolKind::Fetch => Some("WebFetch"),
        ToolKind::Think | ToolKind::SwitchMode | ToolKind::Other | _ => None,
    };
    fixed.or(by_kind).or(name).map_or_else(|| title(call), str::to_owned)
}

/// Returns the facts that permission rules compare: the command, the URL, and all files that the agent names anywhere
/// in the call.
pub fn tool_use(call: &ToolCall, folder: &str) -> ToolUse {
    let (tool, input) = (tool_name(call), arguments(call));
    let mut tool_use = tool_input::tool_use(&tool, &input, folder);
    for path in paths(call) {
        if !tool_use.paths.contains(&path) {
            tool_use.paths.push(path);
        }
    }
    if tool_use.paths.is_empty() && ["Read", "Edit"].contains(&tool.as_str()) {
        tool_use.paths.push(UNREADABLE.to_owned());
    }
    if tool == "Bash" && tool_use.command.is_none() {
        // The title is usually the command, so rules may deny it. They must not allow it, because the title may be
        // incomplete.
        tool_use.command = Some(format!("{}\n{UNREADABLE}", call.title));
    }
    tool_use
}

/// Describes the call as Markdown.
pub fn describe(call: &ToolCall, folder: &str) -> QuestionText {
    let (tool, input) = (tool_name(call), arguments(call));
    if tool_input::is_readable(&tool, &input) {
        return tool_input::describe(&tool, &input, folder);
    }
    if let Some((tool, input)) = changes(call, &input, folder) {
        return tool_input::describe(tool, &input, folder);
    }
    let mut shown = input;
    if tool == "Bash" {
        shown["command"] = call.title.clone().into();
    } else if shown.as_object().is_none_or(Map::is_empty) {
        let (files, text) = (paths(call).collect::<Vec<_>>(), texts(call));
        shown = json!({ "title": title(call) });
        if !files.is_empty() {
            shown["files"] = files.into();
        }
        if !text.is_empty() {
            shown["text"] = text.into();
        }
    }
    tool_input::describe(&tool, &shown, folder)
}

/// Returns the call's arguments. Renames known arguments to claude's names, and joins a command given as a list of
/// words into one string.
fn arguments(call: &ToolCall) -> Value {
    let mut arguments = match &call.raw_input {
        Some(Value::Object(arguments)) => arguments.clone(),
        Some(Value::Null) | None => Map::new(),
        Some(other) => Map::from_iter([("input".to_owned(), other.clone())]),
    };
    for (theirs, ours) in [
        ("filePath", "file_path"),
        ("filepath", "file_path"),
        ("absolute_path", "file_path"),
        ("oldString", "old_string"),
        ("newString", "new_string"),
        ("replaceAll", "replace_all"),
    ] {
        if !arguments.contains_key(ours)
            && let Some(value) = arguments.shift_remove(theirs)
        {
            arguments.insert(ours.to_owned(), value);
        }
    }
    if let Some(command) = arguments.get("command").and_then(Value::as_array).and_then(|words| command(words)) {
        arguments.insert("command".to_owned(), command.into());
    }
    Value::Object(arguments)
}

/// Returns the shell command of an argument list.
fn command(words: &[Value]) -> Option<String> {
    let words: Vec<&str> = words.iter().map(Value::as_str).collect::<Option<_>>()?;
    match words.as_slice() {
        [_, "-c" | "-lc", script] => Some((*script).to_owned()),
        words => Some(words.join(" ")),
    }
}

/// Returns the changes that the agent shows, in the form of a call to one of claude's tools. Keeps the other arguments,
/// except those whose values the changes already contain.
fn changes(call: &ToolCall, input: &Value, folder: &str) -> Option<(&'static str, Value)> {
    let diffs: Vec<&Diff> = diffs(call).collect();
    let path = diffs.first()?.path.to_string_lossy();
    let is_shown = |value: &Value| {
        let is_text =
            |text: &str| diffs.iter().any(|diff| text == diff.new_text || diff.old_text.as_deref() == Some(text));
        value.as_str().is_some_and(|text| text == path || is_text(text))
    };
    let mut shown = input.clone();
    if let Some(shown) = shown.as_object_mut() {
        shown.retain(|_, value| !is_shown(value));
    }
    if diffs.iter().any(|diff| diff.path != diffs[0].path || is_long(diff)) {
        shown["diff"] = diffs.iter().map(|diff| shown_diff(diff, folder)).collect::<Vec<_>>().join("\n").into();
        return Some(("Edit", shown));
    }
    shown["file_path"] = path.as_ref().into();
    let edit = |diff: &Diff| json!({ "old_string": diff.old_text.as_deref().unwrap_or_default(), "new_string": diff.new_text });
    match diffs.as_slice() {
        [Diff { old_text: None, new_text, .. }] => {
            shown["content"] = new_text.clone().into();
            Some(("Write", shown))
        }
        [diff] => {
            let edit = edit(diff);
            (shown["old_string"], shown["new_string"]) = (edit["old_string"].clone(), edit["new_string"].clone());
            Some(("Edit", shown))
        }
        several => {
            shown["edits"] = several.iter().map(|diff| edit(diff)).collect();
            Some(("MultiEdit", shown))
        }
    }
}
