//! The turn in progress: everything the agent has said and done for one prompt so far. What a view is asked to show.

use crate::{
    agent::{Action, Change, PromptId},
    types::{Place, Timestamp},
};

#[derive(Debug, Clone, PartialEq)]
pub struct Turn {
    pub prompt: PromptId,
    /// Where the prompt came from, and the answer goes.
    pub place: Place,
    pub began: Timestamp,
    pub parts: Vec<Part>,
    pub state: TurnState,
    /// What this turn cost, where the agent counts.
    pub cost_usd: Option<f64>,
    /// How it is shown, from its beginning to its end; none: the default.
    pub mode: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    Text(String),
    Action(Action),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TurnState {
    Running,
    Done,
    /// Ended early; for the user to read.
    Failed(String),
    /// Ended by `/stop` before it said anything, and whoever reads its answer was told so as `/stop` was answered.
    Stopped,
}

impl Turn {
    #[must_use]
    pub const fn new(prompt: PromptId, place: Place, began: Timestamp) -> Self {
        Self { prompt, place, began, parts: Vec::new(), state: TurnState::Running, cost_usd: None, mode: None }
    }

    /// Whether there is anything of an answer to be read.
    #[must_use]
    pub fn says_something(&self) -> bool {
        self.parts.iter().any(|part| matches!(part, Part::Text(text) if !text.trim().is_empty()))
    }

    /// Applies what the agent told of part `at`. A part that is not there yet is added at the end, so that a codec's gap in its
    /// numbers costs nothing.
    pub fn change(&mut self, at: u32, change: Change) {
        let index = usize::try_from(at).unwrap_or(usize::MAX).min(self.parts.len());
        if index == self.parts.len() {
            self.parts.push(Part::Text(String::new()));
        }
        let part = &mut self.parts[index];
        match (change, &mut *part) {
            (Change::Append(more), Part::Text(text)) => text.push_str(&more),
            (Change::Append(text) | Change::Text(text), _) => *part = Part::Text(text),
            (Change::Action(action), _) => *part = Part::Action(action),
            // The place stays, so that the numbers of later parts hold.
            (Change::Gone, _) => *part = Part::Text(String::new()),
        }
    }
}
