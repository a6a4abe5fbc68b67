//! A turn: the agent's output so far, for display.

use crate::{
    agent_event::{Action, Change, PromptId},
    types::{Alert, Place, Reply, Timestamp},
};

#[derive(Debug, Clone, PartialEq)]
pub struct Turn {
    pub prompt: PromptId,
    /// The other prompts that this turn completes, which the agent received during this turn or an earlier one. Empty
    /// while the turn is running.
    pub also_answers: Vec<PromptId>,
    /// The place where the answer is shown. If the turn has a prompt, this is also the place of the prompt.
    pub place: Place,
    pub began: Timestamp,
    pub parts: Vec<TurnPart>,
    pub state: TurnState,
    /// The cost of this turn, if the agent reports costs.
    pub cost_usd: Option<f64>,
    /// The display mode, fixed for the whole turn. `None` selects the default.
    pub mode: Option<String>,
    /// The alert at the end of the turn. `Silent` after a `/stop` in the same place, because people there see the reply
    /// to `/stop`.
    pub alert: Alert,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TurnPart {
    Text(String),
    Action(Action),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TurnState {
    Running,
    Done,
    /// The turn failed or was interrupted. Contains the reason, as a message for the user.
    Failed(String),
    /// The turn ended without a final message. Either the prompt's author lost access, or `/stop` ended the turn before
    /// it produced text, so the reply to `/stop` is enough.
    Stopped,
}

impl Turn {
    #[must_use]
    pub const fn new(prompt: PromptId, place: Place, began: Timestamp) -> Self {
        Self {
            prompt,
            also_answers: Vec::new(),
            place,
            began,
            parts: Vec::new(),
            state: TurnState::Running,
            cost_usd: None,
            mode: None,
            alert: Alert::Ring,
        }
    }

    #[must_use]
    pub fn runs_tool(&self) -> bool {
        self.parts.iter().any(|part| matches!(part, TurnPart::Action(action) if action.is_running_tool()))
    }

    /// Returns the prompts that this turn completes.
    pub fn prompts(&self) -> impl Iterator<Item = &PromptId> {
        std::iter::once(&self.prompt).chain(&self.also_answers)
    }

    /// Returns whether the answer contains any text.
    #[must_use]
    pub fn has_text(&self) -> bool {
        self.parts.iter().any(|part| matches!(part, TurnPart::Text(text) if !text.trim().is_empty()))
    }

    /// Returns the agent's final text as Markdown: the paragraphs after the last tool call that is followed by text.
    /// Empty if the agent wrote none.
    #[must_use]
    pub fn final_text(&self) -> String {
        let (mut texts, mut follows_call) = (Vec::new(), false);
        for part in &self.parts {
            match part {
                TurnPart::Action(action) => follows_call |= action.kind == "tool",
                TurnPart::Text(text) if text.trim().is_empty() => {}
                TurnPart::Text(text) => {
                    if std::mem::take(&mut follows_call) {
                        texts.clear();
                    }
                    texts.push(text.trim_matches('\n'));
                }
            }
        }
        texts.join("\n\n")
    }

    /// Applies the change to the part at index `at`. An index past the end appends a part, so gaps in a codec's part
    /// numbers are harmless.
    pub fn change(&mut self, at: u32, change: Change) {
        let index = usize::try_from(at).unwrap_or(usize::MAX).min(self.parts.len());
        if index == self.parts.len() {
            self.parts.push(TurnPart::Text(String::new()));
        }
        let part = &mut self.parts[index];
        match (change, &mut *part) {
            (Change::Append(more), TurnPart::Text(text)) => text.push_str(&more),
            (Change::Append(text) | Change::Text(text), _) => *part = TurnPart::Text(text),
            (Change::Action(action), _) => *part = TurnPart::Action(action),
            // The part stays as a placeholder, so that the numbers of later parts remain valid.
            (Change::Remove, _) => *part = TurnPart::Text(String::new()),
        }
    }
}

/// A snapshot of a running turn for display.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TurnFrame {
    /// Each message replaces the message with the same index in the previous frame.
    pub messages: Vec<Reply>,
    /// The current activity of the agent, as one line of Markdown.
    pub live: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent_event::ActionState;

    #[test]
    fn the_final_text_follows_the_last_tool_call() {
        let action = |kind: &str| {
            let (id, title) = ("1".to_owned(), "ls".to_owned());
            TurnPart::Action(Action {
                id,
                kind: kind.to_owned(),
                title,
                detail: String::new(),
                state: ActionState::Done,
            })
        };
        let text = |text: &str| TurnPart::Text(text.to_owned());
        let final_text = |parts: Vec<TurnPart>| {
            let turn = Turn::new(PromptId("1".to_owned()), Place::new("test", "home"), Timestamp(0));
            Turn { parts, ..turn }.final_text()
        };
        let parts =
            vec![text("I look."), action("tool"), text("\n# Four\n"), action("think"), text(" "), text("  code\n")];
        assert_eq!(final_text(parts), "# Four\n\n  code");
        assert_eq!(final_text(vec![text("Four."), action("tool")]), "Four.", "no text follows the last call");
        assert_eq!(final_text(vec![action("tool"), text("\n")]), "");
    }
}
