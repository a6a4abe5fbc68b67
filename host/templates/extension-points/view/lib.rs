//! Shows progress while the agent works, and the answer only once it is complete. `/{{command}}` turns this view on and
//! off for a session.

use cordboard_plugin::{
    Call, Command, Reply, View,
    command::Spec,
    context, session_control, text,
    view::{Limits, Part, Summary, Turn, TurnFrame},
};

/// The view mode's name.
const MODE: &str = "{{name}}";

struct Plugin;

impl Command for Plugin {
    fn specs() -> Result<Vec<Spec>, String> {
        Ok(vec![Spec::new("{{command}}", "Switch between complete answers and the usual view", "/{{command}}")])
    }

    fn run(_call: &Call) -> Result<Reply, String> {
        let session = context::session()?;
        let mode = if session.mode.as_deref() == Some(MODE) { None } else { Some(MODE) };
        session_control::set_mode(&session.name, mode)?;
        let how = if mode.is_some() { "when they are complete" } else { "as usual" };
        Ok(Reply::text(format!("Answers of {} are shown {how}.", text::code(&session.name))))
    }
}

impl View for Plugin {
    fn modes() -> Result<Vec<Summary>, String> {
        Ok(vec![Summary { name: MODE.into(), description: "The answer, once it is complete".into() }])
    }

    /// Called for each frame, with the whole turn so far. Each message replaces the previous frame's message with the
    /// same index.
    fn render(_mode: &str, turn: Turn, _limits: Limits) -> Result<TurnFrame, String> {
        if !turn.done {
            return Ok(TurnFrame { live: Some(progress(&turn)), messages: vec![] });
        }
        let mut answer = answer_texts(&turn);
        if let Some(why) = &turn.error {
            answer.push(format!("⚠ {}", text::escape(why)));
        }
        let message = if answer.is_empty() { "Done.".into() } else { answer.join("\n\n") };
        Ok(TurnFrame { live: None, messages: vec![Reply::text(message)] })
    }
}

fn progress(turn: &Turn) -> String {
    let steps = turn.parts.iter().filter(|part| matches!(part, Part::Action(_))).count() as u64;
    match steps {
        0 => "Working…".into(),
        _ => format!("Working… {}, {}", text::counted(steps, "step"), text::long_span(turn.elapsed)),
    }
}

/// Returns the agent's texts, which are separated by its actions.
fn answer_texts(turn: &Turn) -> Vec<String> {
    let texts = turn.parts.iter().filter_map(|part| match part {
        Part::Text(text) => Some(text.trim().to_owned()),
        Part::Action(_) => None,
    });
    texts.filter(|text| !text.is_empty()).collect()
}

cordboard_plugin::export!(Plugin: command, view);
