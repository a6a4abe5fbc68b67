//! Renders the modes that show the final answer without the text between the agent's actions. `quiet` shows nothing
//! until the turn ends. `smart` shows the text before the first action as it is written, then hides the work and sums
//! it up in one line above the answer.

use cordboard_plugin::{
    Reply,
    text::{escape, short_span},
    tr,
    view::{Action, Part, Turn, TurnFrame},
};

use super::{close_code_block, joined, live, with_end};

/// The kind of a tool use.
const TOOL: &str = "tool";

/// The maximum number of tools to name in the summary.
const MAX_TOOLS: usize = 4;

pub fn quiet(turn: &Turn) -> TurnFrame {
    if !turn.done {
        return TurnFrame { live: None, messages: Vec::new() };
    }
    let after = joined(after_actions(turn));
    // If the turn ends with an action, show all text.
    let text = if after.is_empty() { joined(&turn.parts) } else { after };
    TurnFrame { live: None, messages: with_end(turn, text).map(Reply::text).into_iter().collect() }
}

pub fn smart(turn: &Turn) -> TurnFrame {
    let first_action = turn.parts.iter().position(|part| tool(part).is_some());
    let beginning = joined(&turn.parts[..first_action.unwrap_or(turn.parts.len())]);
    if !turn.done {
        let message = if first_action.is_some() { format!("{beginning}\n") } else { beginning.clone() };
        let message = Some(message).filter(|_| !beginning.is_empty());
        return TurnFrame { live: Some(live(turn)), messages: message.map(Reply::text).into_iter().collect() };
    }
    let mut text = beginning;
    if first_action.is_some() {
        let paragraphs = [close_code_block(&text), summary(turn), joined(after_actions(turn))];
        text = paragraphs.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join("\n\n");
    }
    TurnFrame { live: None, messages: with_end(turn, text).map(Reply::text).into_iter().collect() }
}

/// Returns the parts after the last action.
fn after_actions(turn: &Turn) -> &[Part] {
    let last = turn.parts.iter().rposition(|part| tool(part).is_some());
    &turn.parts[last.map_or(0, |last| last + 1)..]
}

/// Returns the action if it is a tool use, not a thought, a task list or an API retry.
fn tool(part: &Part) -> Option<&Action> {
    match part {
        Part::Action(action) if action.kind == TOOL => Some(action),
        Part::Action(_) | Part::Text(_) => None,
    }
}

/// Summarizes the turn: the most used tools, the number of failures, and the duration.
fn summary(turn: &Turn) -> String {
    let mut counts: Vec<(&str, usize)> = Vec::new();
    let mut failures = 0;
    for action in turn.parts.iter().filter_map(tool) {
        failures += usize::from(action.failed);
        let name = action.title.split(':').next().unwrap_or_default().trim();
        match counts.iter_mut().find(|(known, _)| *known == name) {
            Some((_, count)) => *count += 1,
            None => counts.push((name, 1)),
        }
    }
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let others: usize = counts.iter().skip(MAX_TOOLS).map(|(_, count)| count).sum();
    let mut items: Vec<String> =
        counts.iter().take(MAX_TOOLS).map(|(name, count)| format!("{count}× {}", escape(name))).collect();
    if others > 0 {
        items.push(tr!("{n} other use" | "{n} other uses" % others));
    }
    let failed = if failures > 0 { format!(" ({})", tr!("{failures} failed", failures)) } else { String::new() };
    format!("✓ {}{failed}, {}", items.join(", "), short_span(turn.elapsed))
}
