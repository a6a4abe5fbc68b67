//! Renders turns. The mode `normal` shows the answer as one message, and below it a line with the current action and
//! the elapsed time. It must not send an empty message, or one that a later frame removes.

use std::borrow::Cow;

use cordboard_plugin::{
    Reply, View,
    text::{escape, literal, short_span},
    view::{Limits, Part, Summary, Turn, TurnFrame},
};

/// The maximum length of a title in the live line, in characters: one or two lines on a phone.
const MAX_TITLE: usize = 80;

const NO_REASON: &str = "The agent failed without giving a reason.";

struct Views;

impl View for Views {
    fn modes() -> Result<Vec<Summary>, String> {
        let description = "The answer, and one line about the current action of the agent".to_owned();
        Ok(vec![Summary { name: "normal".to_owned(), description }])
    }

    fn render(mode: &str, turn: Turn, _limits: Limits) -> Result<TurnFrame, String> {
        match mode {
            "normal" => Ok(normal(&turn)),
            other => Err(format!("unknown mode '{other}'")),
        }
    }
}

fn normal(turn: &Turn) -> TurnFrame {
    let answer = answer(turn);
    let live = (!turn.done).then(|| live(turn, &answer));
    let message = match (&turn.error, answer.is_empty()) {
        (Some(error), true) => Some(error_line(error)),
        (Some(error), false) => Some(format!("{}\n\n{}", close_code_block(&answer), error_line(error))),
        (None, true) if turn.done => Some("Done.".to_owned()),
        (None, true) => None,
        (None, false) if !turn.done && action_follows(turn) => Some(format!("{answer}\n")),
        (None, false) => Some(answer),
    };
    TurnFrame { live, messages: message.map(Reply::text).into_iter().collect() }
}

/// Joins the text parts as paragraphs.
fn answer(turn: &Turn) -> String {
    let texts = turn.parts.iter().filter_map(|part| match part {
        Part::Text(text) => Some(text.trim_matches('\n').trim_end()).filter(|text| !text.trim().is_empty()),
        Part::Action(_) => None,
    });
    texts.collect::<Vec<_>>().join("\n\n")
}

/// Whether an action follows the last text. Then the last line of the text is complete, so a console can print it.
fn action_follows(turn: &Turn) -> bool {
    let last = turn.parts.iter().rfind(|part| !matches!(part, Part::Text(text) if text.trim().is_empty()));
    matches!(last, Some(Part::Action(_)))
}

/// Returns the running action, or else "Writing" or "Thinking", with the elapsed time, so that a stalled answer isn't
/// mistaken for a complete one.
fn live(turn: &Turn, answer: &str) -> String {
    let running = turn.parts.iter().rev().find_map(|part| match part {
        Part::Action(action) if !action.done => Some(&action.title),
        Part::Action(_) | Part::Text(_) => None,
    });
    let what = match running {
        Some(title) => Cow::Owned(escape(&one_line(title))),
        None if answer.is_empty() || action_follows(turn) => Cow::Borrowed("Thinking"),
        None => Cow::Borrowed("Writing"),
    };
    if turn.elapsed == 0 { format!("{what}…") } else { format!("{what}… {}", short_span(turn.elapsed)) }
}

/// Cuts the title to one line and strips trailing dots, because the caller appends an ellipsis.
fn one_line(title: &str) -> String {
    let line = title.split_whitespace().collect::<Vec<_>>().join(" ");
    let short: String = line.chars().take(MAX_TITLE).collect();
    short.trim_end_matches(['…', '.', ' ']).to_owned()
}

fn error_line(error: &str) -> String {
    let error = error.trim();
    if error.is_empty() { format!("⚠ {NO_REASON}") } else { format!("⚠ {}", literal(error)) }
}

/// Closes an open code block, so that the following text isn't part of it.
fn close_code_block(text: &str) -> String {
    let mut open: Option<&str> = None;
    for line in text.lines().map(str::trim_start) {
        let ticks = line.len() - line.trim_start_matches('`').len();
        match open {
            None if ticks >= 3 => open = Some(&line[..ticks]),
            Some(fence) if ticks >= fence.len() && line[ticks..].trim().is_empty() => open = None,
            None | Some(_) => {}
        }
    }
    open.map_or_else(|| text.to_owned(), |fence| format!("{text}\n{fence}"))
}

cordboard_plugin::export!(Views: view);

#[cfg(test)]
mod tests {
    use cordboard_plugin::{testing::session, view::Action};

    use super::*;

    fn turn(parts: Vec<Part>) -> Turn {
        Turn { session: session("x"), elapsed: 12, parts, done: false, error: None, cost_usd: None, facts: vec![] }
    }

    fn text(text: &str) -> Part {
        Part::Text(text.to_owned())
    }

    fn action(title: &str, done: bool) -> Part {
        let (id, kind) = (title.to_owned(), "tool".to_owned());
        Part::Action(Action {
            id,
            kind,
            title: title.to_owned(),
            detail: String::new(),
            done,
            failed: false,
            facts: vec![],
        })
    }

    fn shown(turn: &Turn) -> (Option<String>, Vec<String>) {
        let screen = normal(turn);
        (screen.live, screen.messages.into_iter().map(|message| message.text).collect())
    }

    #[test]
    fn a_running_turn_shows_its_text_and_activity() {
        assert_eq!(shown(&turn(vec![])), (Some("Thinking… 12 s".into()), vec![]));
        assert_eq!(shown(&turn(vec![text("Hel")])), (Some("Writing… 12 s".into()), vec!["Hel".into()]));
        let mut parts = vec![text("I look.\n"), action("Read a.rs", true), action("Run  tests\nnow", false), text("")];
        assert_eq!(shown(&turn(parts.clone())), (Some("Run tests now… 12 s".into()), vec!["I look.\n".into()]));
        parts[2] = action("Run", true);
        assert_eq!(shown(&turn(parts)).0, Some("Thinking… 12 s".into()));
    }

    #[test]
    fn a_truncated_title_has_one_ellipsis() {
        let title = format!("Bash: {}…", "x".repeat(70));
        let now = Turn { elapsed: 0, ..turn(vec![action(&title, false)]) };
        assert_eq!(shown(&now).0, Some(title));
        let longer = Turn { elapsed: 0, ..turn(vec![action(&"y".repeat(200), false)]) };
        assert_eq!(shown(&longer).0, Some(format!("{}…", "y".repeat(MAX_TITLE))));
    }

    #[test]
    fn a_finished_turn_is_never_empty() {
        let done = |parts| Turn { done: true, ..turn(parts) };
        assert_eq!(shown(&done(vec![text("A"), action("x", false), text("B")])), (None, vec!["A\n\nB".into()]));
        assert_eq!(shown(&done(vec![action("x", true)])), (None, vec!["Done.".into()]));
    }

    #[test]
    fn an_error_is_shown_below_the_partial_text() {
        let failed = |parts| Turn { done: true, error: Some("it died".into()), ..turn(parts) };
        assert_eq!(shown(&failed(vec![])).1, ["⚠ it died"]);
        let mute = Turn { done: true, error: Some(" ".into()), ..turn(vec![]) };
        assert_eq!(shown(&mute).1, [format!("⚠ {NO_REASON}")]);
        assert_eq!(shown(&failed(vec![text("Half")])).1, ["Half\n\n⚠ it died"]);
        assert_eq!(shown(&failed(vec![text("```rust\nfn")])).1, ["```rust\nfn\n```\n\n⚠ it died"]);
        let nasty = Turn { done: true, error: Some("__x__ failed:\nno \\d+".into()), ..turn(vec![]) };
        assert_eq!(shown(&nasty).1, ["⚠ `__x__ failed:`\n`no \\d+`"]);
        assert_eq!(close_code_block("```\na\n```\nb"), "```\na\n```\nb");
    }
}
