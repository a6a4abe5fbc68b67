//! Renders the `verbose` mode: the answer with the thoughts and actions of the agent, in order. The task list comes
//! last, so that its changes don't move or replace text that a console has already printed.

use cordboard_plugin::{
    Reply,
    text::{code, escape},
    view::{Action, Part, Turn, TurnFrame},
};

use super::{action_follows, close_code_block, live, with_end};

/// The kind of the action that shows the task list. Its title names the current task, and its detail has one line per
/// task.
const LIST: &str = "todo";

const THOUGHT: &str = "think";

/// The maximum number of lines of an error to show below a failed action.
const ERROR_LINES: usize = 3;

pub fn verbose(turn: &Turn) -> TurnFrame {
    let (text, list) = (transcript(turn), list(turn));
    if turn.done {
        let text = match list {
            Some(list) if text.is_empty() => list,
            Some(list) => format!("{}\n\n{list}", close_code_block(&text)),
            None => text,
        };
        return TurnFrame { live: None, messages: with_end(turn, text).map(Reply::text).into_iter().collect() };
    }
    let line = live(turn);
    let live = list.map_or_else(|| line.clone(), |list| format!("{line}\n{list}"));
    let text = if action_follows(turn) && !text.is_empty() { format!("{text}\n") } else { text };
    let message = Some(text).filter(|text| !text.is_empty());
    TurnFrame { live: Some(live), messages: message.map(Reply::text).into_iter().collect() }
}

/// Returns the texts, thoughts and finished actions. The line below the messages shows the running action.
fn transcript(turn: &Turn) -> String {
    let mut transcript = String::new();
    let mut follows_line = false;
    for part in &turn.parts {
        let (shown, is_line) = match part {
            Part::Text(text) => (text.trim_matches('\n').trim_end().to_owned(), false),
            Part::Action(action) if is_list(action) => continue,
            Part::Action(action) if action.kind == THOUGHT => (quote(&action.detail), false),
            Part::Action(action) if action.done => (line(action), true),
            Part::Action(_) => continue,
        };
        if shown.trim().is_empty() {
            continue;
        }
        if matches!(part, Part::Action(_)) && !follows_line {
            transcript = close_code_block(&transcript);
        }
        if !transcript.is_empty() {
            transcript.push_str(if is_line && follows_line { "\n" } else { "\n\n" });
        }
        transcript.push_str(&shown);
        follows_line = is_line;
    }
    transcript
}

/// Returns the task list, with a mark before each task.
fn list(turn: &Turn) -> Option<String> {
    turn.parts.iter().rev().find_map(|part| match part {
        Part::Action(action) if is_list(action) => Some(escape(action.detail.trim())),
        Part::Action(_) | Part::Text(_) => None,
    })
}

pub fn is_list(action: &Action) -> bool {
    action.kind == LIST
}

fn line(action: &Action) -> String {
    if !action.failed {
        return format!("✓ {}", escape(action.title.trim()));
    }
    let why = action.detail.lines().filter(|line| !line.trim().is_empty()).take(ERROR_LINES);
    let why: Vec<String> = why.map(|line| format!("\n{}", code(line.trim()))).collect();
    format!("✗ {}{}", escape(action.title.trim()), why.concat())
}

fn quote(thought: &str) -> String {
    let lines: Vec<String> = escape(thought.trim()).lines().map(|line| format!("> {line}")).collect();
    lines.join("\n")
}
