//! Implements the directives that describe a turn: what the agent says and does. Each directive renders a frame with
//! the view plugin.

use cordboard_core::{
    agent_event::{Action, ActionState, AgentEvent, Change, Outcome, PromptId},
    turn::{Turn, TurnFrame, TurnPart, TurnState},
    types::{Phase, Reply, SessionName, TurnUsage, Urgency},
};
use cordboard_runtime::{HostApi as _, RenderInput, ViewLimits};

use super::{hooks_jobs_webhooks::outcome_reply, step_error::StepError, step_runner::StepRunner};

/// The view mode to use if neither the directive nor the session sets one.
const DEFAULT_MODE: &str = "normal";

/// The maximum length of a message, in UTF-16 code units, as in Telegram.
const TEXT_UNITS: u32 = 4096;

/// The prefix of the live line below the messages.
const LIVE: &str = "~ ";

/// The prompt text of a turn that is started by a conversation.
const PROMPT: &str = "a message";

/// The turn shown by the last `@turn` directive, and its view mode.
pub struct ShownTurn {
    session: SessionName,
    mode: String,
    prompt: PromptId,
}

impl StepRunner {
    /// `SESSION [MODE]`: shows the running turn of a session, or starts one with a prompt.
    pub async fn turn(&mut self, words: &str) -> Result<Reply, StepError> {
        let (session, mode) = words.split_once(' ').unwrap_or((words, ""));
        let view = self.session(session)?;
        let name = view.record.name;
        if view.phase != Phase::Busy {
            self.harness.host.send(&name, &self.harness.place, PROMPT, Urgency::Normal);
            self.harness.settle().await;
        }
        let running = self.harness.host.turn(&name).filter(|turn| turn.state == TurnState::Running);
        let turn = running.ok_or_else(|| {
            let phase = self.session(session).map_or("unknown", |view| view.phase.as_str());
            StepError::NoTurnStarts { session: session.to_owned(), phase }
        })?;
        let chosen = Some(mode.trim()).filter(|mode| !mode.is_empty()).or(turn.mode.as_deref());
        let mode = chosen.unwrap_or(DEFAULT_MODE).to_owned();
        self.turn = Some(ShownTurn { session: name, mode, prompt: turn.prompt.clone() });
        self.frame(&turn).await
    }

    /// Adds text from the agent; `\n` becomes a line break. If the turn's last part is text, the new text is appended
    /// to it.
    pub async fn says(&mut self, words: &str) -> Result<Reply, StepError> {
        let text = words.replace("\\n", "\n");
        let turn = self.complete_actions()?;
        let last = turn.parts.len().checked_sub(1).filter(|&at| matches!(turn.parts[at], TurnPart::Text(_)));
        match last {
            Some(at) => self.part(at, Change::Append(text)),
            None => self.part(turn.parts.len(), Change::Text(text)),
        }
        let turn = self.running()?;
        self.frame(&turn).await
    }

    /// Starts an action. It runs until the next `@says` or `@does`, or until the turn ends.
    pub async fn does(&mut self, words: &str) -> Result<Reply, StepError> {
        let (title, state) = (words.to_owned(), ActionState::Running);
        let at = self.complete_actions()?.parts.len();
        let action = Action { id: at.to_string(), kind: "tool".to_owned(), title, detail: String::new(), state };
        self.part(at, Change::Action(action));
        let turn = self.running()?;
        self.frame(&turn).await
    }

    /// Ends the turn. `why` is the reason if it failed.
    pub async fn end_turn(&mut self, why: Option<&str>) -> Result<Reply, StepError> {
        let turn = self.complete_actions()?;
        let outcome = why.map_or(Outcome::Done, |why| Outcome::Failed(why.to_owned()));
        self.agent(AgentEvent::Finished { answered: vec![turn.prompt.clone()], outcome, usage: TurnUsage::default() });
        let ended = self.turn.as_ref().and_then(|shown| self.harness.host.ended_turn(&shown.session));
        self.frame(&ended.unwrap_or(turn)).await
    }

    fn running(&self) -> Result<Turn, StepError> {
        let turn = self.turn.as_ref().and_then(|shown| {
            let turn = self.harness.host.turn(&shown.session)?;
            (turn.prompt == shown.prompt && turn.state == TurnState::Running).then_some(turn)
        });
        turn.ok_or(StepError::NoTurn)
    }

    /// Marks all actions of the running turn as done, and returns the turn.
    fn complete_actions(&self) -> Result<Turn, StepError> {
        let turn = self.running()?;
        for (at, part) in turn.parts.iter().enumerate() {
            match part {
                TurnPart::Action(action) if action.state == ActionState::Running => {
                    let done = Action { state: ActionState::Done, ..action.clone() };
                    self.part(at, Change::Action(done));
                }
                TurnPart::Action(_) | TurnPart::Text(_) => {}
            }
        }
        self.running()
    }

    fn part(&self, at: usize, change: Change) {
        self.agent(AgentEvent::Part { at: u32::try_from(at).unwrap_or(u32::MAX), change });
    }

    fn agent(&self, event: AgentEvent) {
        if let Some(shown) = &self.turn {
            self.harness.host.agent(&shown.session, event);
        }
    }

    async fn frame(&mut self, turn: &Turn) -> Result<Reply, StepError> {
        self.activate().await?;
        let Some(ShownTurn { session, mode, .. }) = &self.turn else { return Ok(Reply::default()) };
        let (view, now) = (self.session(session.as_str())?, self.harness.host.now());
        let limits = ViewLimits { front_end: self.harness.place.front_end.clone(), text_units: TEXT_UNITS };
        let frame = self.harness.registry.render(mode, RenderInput { turn, session: &view, now }, &limits).await;
        Ok(match frame {
            Ok(frame) => frame_reply(frame),
            Err(error) => outcome_reply(Err(error)),
        })
    }
}

/// Joins the messages of a frame into one reply, because a conversation compares lines.
fn frame_reply(frame: TurnFrame) -> Reply {
    let mut plugin_lines: Vec<String> =
        frame.messages.iter().map(|message| message.text.trim_end().to_owned()).collect();
    plugin_lines.extend(frame.live.map(|live| format!("{LIVE}{live}")));
    let buttons = frame.messages.into_iter().flat_map(|message| message.buttons).collect();
    Reply { buttons, ..Reply::text(plugin_lines.join("\n")) }
}
