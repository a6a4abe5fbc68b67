//! The directives that describe a turn: the agent's text and actions, rendered frame by frame with the view plugin.

use cordboard_core::{
    agent::{Action, ActionState, PromptId},
    turn::{Part, Turn, TurnFrame, TurnState},
    types::Reply,
};
use cordboard_runtime::{HostApi as _, ViewLimits};

use super::{actor::Actor, unasked::told};

/// The mode of sessions without a mode.
const USUAL: &str = "normal";

/// The longest message, in UTF-16 units, as in Telegram.
const TEXT_UNITS: u32 = 4096;

/// Marks the live line below the messages.
const LIVE: &str = "~ ";

/// A turn and its session.
pub struct Shown {
    session: String,
    mode: String,
    turn: Turn,
}

impl Actor {
    /// `SESSION [MODE]`: starts a turn.
    pub async fn turn(&mut self, words: &str) -> Result<Reply, String> {
        let (session, mode) = words.split_once(' ').unwrap_or((words, ""));
        let view = self.session(session)?;
        let chosen = Some(mode.trim()).filter(|mode| !mode.is_empty()).or(view.record.mode.as_deref());
        let mode = chosen.unwrap_or(USUAL).to_owned();
        let turn = Turn::new(PromptId("1".to_owned()), self.stage.place.clone(), self.stage.board.now());
        self.turn = Some(Shown { session: session.to_owned(), mode, turn });
        self.frame().await
    }

    /// Adds text, with `\n` for line breaks. It continues the text of the previous `@says`.
    pub async fn says(&mut self, words: &str) -> Result<Reply, String> {
        let said = words.replace("\\n", "\n");
        let turn = self.running()?;
        complete(turn);
        match turn.parts.last_mut() {
            Some(Part::Text(text)) => text.push_str(&said),
            Some(Part::Action(_)) | None => turn.parts.push(Part::Text(said)),
        }
        self.frame().await
    }

    /// Starts an action. It runs until the next `@says` or `@does`.
    pub async fn does(&mut self, words: &str) -> Result<Reply, String> {
        let (title, state) = (words.to_owned(), ActionState::Running);
        let turn = self.running()?;
        complete(turn);
        let id = turn.parts.len().to_string();
        turn.parts.push(Part::Action(Action { id, kind: "tool".to_owned(), title, detail: String::new(), state }));
        self.frame().await
    }

    /// Ends the turn. `why` is the reason if it failed.
    pub async fn over(&mut self, why: Option<&str>) -> Result<Reply, String> {
        let turn = self.running()?;
        complete(turn);
        turn.state = why.map_or(TurnState::Done, |why| TurnState::Failed(why.to_owned()));
        self.frame().await
    }

    fn running(&mut self) -> Result<&mut Turn, String> {
        let running = self.turn.as_mut().map(|shown| &mut shown.turn);
        running
            .filter(|turn| turn.state == TurnState::Running)
            .ok_or_else(|| "no turn is running: start one with @turn".to_owned())
    }

    async fn frame(&mut self) -> Result<Reply, String> {
        self.plug().await?;
        let Some(Shown { session, mode, turn }) = &self.turn else { return Ok(Reply::default()) };
        let (view, now) = (self.session(session)?, self.stage.board.now());
        let limits = ViewLimits { front_end: self.stage.place.front_end.clone(), text_units: TEXT_UNITS };
        let screen = self.stage.plugs.render(mode, (turn, &view, now), &limits).await;
        Ok(match screen {
            Ok(screen) => spelt(screen),
            Err(error) => told(Err(error)),
        })
    }
}

/// Marks all actions as done.
fn complete(turn: &mut Turn) {
    for part in &mut turn.parts {
        if let Part::Action(action) = part {
            action.state = ActionState::Done;
        }
    }
}

/// Joins all messages of a frame, because a conversation compares lines.
fn spelt(screen: TurnFrame) -> Reply {
    let mut lines: Vec<String> = screen.messages.iter().map(|message| message.text.trim_end().to_owned()).collect();
    lines.extend(screen.live.map(|live| format!("{LIVE}{live}")));
    let buttons = screen.messages.into_iter().flat_map(|message| message.buttons).collect();
    Reply { buttons, ..Reply::text(lines.join("\n")) }
}
