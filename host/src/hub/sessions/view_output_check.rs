//! Checks a view plugin's output before it is shown, so that a faulty view never hides an answer.

use cordboard_core::{
    messages,
    render::{self, is_blank, literal, units},
    turn::{Turn, TurnFrame, TurnPart, TurnState},
    types::Reply,
};
use cordboard_runtime::ViewLimits;

/// The maximum number of messages per turn, unless the turn rendered as plain text needs more. A chat accepts about one
/// message per second.
const MOST_MESSAGES: usize = 50;

/// The reason why a view's output can't be shown.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    #[error("it has {messages} messages; at most {MOST_MESSAGES} are allowed")]
    TooLong { messages: usize },
    #[error("it is empty, although the turn has finished")]
    Empty,
}

/// Checks that a view's output can be shown for the turn.
pub fn check(frame: &TurnFrame, turn: &Turn, limits: &ViewLimits) -> Result<(), Unfit> {
    let messages = count(frame, limits);
    if messages > MOST_MESSAGES && messages > count(&plain(turn), limits) {
        return Err(Unfit::TooLong { messages });
    }
    let is_over = match turn.state {
        TurnState::Running => false,
        TurnState::Done | TurnState::Failed(_) | TurnState::Stopped => true,
    };
    if is_over && !frame.messages.iter().any(shows_something) {
        return Err(Unfit::Empty);
    }
    Ok(())
}

/// Estimates the number of chat messages that a frame needs.
fn count(frame: &TurnFrame, limits: &ViewLimits) -> usize {
    let longest = usize::try_from(limits.text_units).unwrap_or(usize::MAX).max(1);
    frame.messages.iter().map(|message| units(&message.text).div_ceil(longest).max(1)).sum()
}

/// Returns whether a message has a button, an attachment or visible text.
pub fn shows_something(message: &Reply) -> bool {
    let has_text = || !is_blank(&message.text) && !is_blank(&render::plain(&message.text));
    !message.buttons.is_empty() || !message.attachments.is_empty() || has_text()
}

/// Renders a turn without a view plugin. A finished turn produces at least one message, unless the turn was stopped.
pub fn plain(turn: &Turn) -> TurnFrame {
    let texts = turn.parts.iter().filter_map(|part| match part {
        TurnPart::Text(text) => Some(text.trim().to_owned()),
        TurnPart::Action(_) => None,
    });
    let mut texts: Vec<String> = texts.filter(|text| shows_something(&Reply::text(text.as_str()))).collect();
    match &turn.state {
        TurnState::Failed(why) if is_blank(why) => texts.push(messages::failed()),
        TurnState::Failed(why) => texts.push(literal(why)),
        TurnState::Done if texts.is_empty() => texts.push(messages::done()),
        TurnState::Running | TurnState::Done | TurnState::Stopped => {}
    }
    let messages = if texts.is_empty() { Vec::new() } else { vec![Reply::text(texts.join("\n\n"))] };
    TurnFrame { live: None, messages }
}

#[cfg(test)]
mod tests {
    use cordboard_core::{
        agent_event::PromptId,
        types::{Place, Timestamp},
    };

    use super::*;

    const LIMITS: u32 = 100;

    fn limits() -> ViewLimits {
        ViewLimits { front_end: "test".to_owned(), text_units: LIMITS }
    }

    fn turn(text: &str, state: TurnState) -> Turn {
        let parts = vec![TurnPart::Text(text.to_owned())];
        Turn { parts, state, ..Turn::new(PromptId("1".to_owned()), Place::new("test", "home"), Timestamp(0)) }
    }

    fn frame(messages: &[&str]) -> TurnFrame {
        TurnFrame { live: None, messages: messages.iter().map(|text| Reply::text(*text)).collect() }
    }

    fn shown(turn: &Turn) -> Vec<String> {
        plain(turn).messages.into_iter().map(|message| message.text).collect()
    }

    #[test]
    fn an_oversized_view_is_not_shown() {
        let done = turn("short", TurnState::Done);
        assert_eq!(check(&frame(&["m"; MOST_MESSAGES]), &done, &limits()), Ok(()));
        let many = Err(Unfit::TooLong { messages: MOST_MESSAGES + 1 });
        assert_eq!(check(&frame(&["m"; MOST_MESSAGES + 1]), &done, &limits()), many);
        let long = "m".repeat(LIMITS as usize * MOST_MESSAGES + 1);
        assert_eq!(check(&frame(&[&long]), &done, &limits()), many);
        assert_eq!(
            check(&frame(&["m"; 3000]), &turn("", TurnState::Running), &limits()),
            Err(Unfit::TooLong { messages: 3000 })
        );
        assert_eq!(
            check(&frame(&[&long]), &turn(&long, TurnState::Done), &limits()),
            Ok(()),
            "the answer itself is long"
        );
    }

    #[test]
    fn an_empty_view_of_an_answer_is_not_shown() {
        for nothing in [
            &[][..],
            &[""],
            &[" \n", "\u{200b}"],
            &["**\u{2063}**"],
            &["```\n```"],
            &["&#8203;"],
            &["\u{2800}\u{3164}"],
        ] {
            assert_eq!(
                check(&frame(nothing), &turn("text", TurnState::Done), &limits()),
                Err(Unfit::Empty),
                "{nothing:?}"
            );
            assert_eq!(check(&frame(nothing), &turn("text", TurnState::Running), &limits()), Ok(()), "{nothing:?}");
        }
        let button = TurnFrame { live: None, messages: vec![Reply::default().button("Go", "/go")] };
        assert_eq!(check(&button, &turn("text", TurnState::Done), &limits()), Ok(()));
    }

    #[test]
    fn a_finished_turn_always_shows_some_text() {
        for nothing in
            ["", "  ", "\u{200b}\u{2063}", "\u{202e}\u{202c}", "\u{2800}", "\u{3164}", "```\n```", "**\u{200b}**"]
        {
            assert_eq!(shown(&turn(nothing, TurnState::Done)), ["Done."], "{nothing:?}");
            assert!(shown(&turn(nothing, TurnState::Running)).is_empty());
            assert_eq!(shown(&turn(nothing, TurnState::Failed("it _died_".to_owned()))), ["`it _died_`"]);
            assert_eq!(shown(&turn(nothing, TurnState::Failed(nothing.to_owned()))).len(), 1);
        }
        assert_eq!(shown(&turn("", TurnState::Failed(String::new()))), [messages::failed()]);
        assert_eq!(shown(&turn(" a ", TurnState::Done)), ["a"]);
    }
}
