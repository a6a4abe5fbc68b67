//! `/model [name]`: shows or sets the model of the active session's agent. The host checks the name against the models
//! that the agent has reported, if any.

use cordboard_plugin::{Call, Reply, Session, command::Spec, context, session_control, text::usage, tr};

const USAGE: &str = "/model [name]";

/// The argument that resets the model.
const DEFAULT: &str = "default";

/// The maximum number of buttons for known models. An agent may offer dozens of models.
const MAX_BUTTONS: usize = 8;

pub fn spec() -> Spec {
    Spec::new("model", &tr!("Show or set the model"), USAGE)
}

pub fn run(call: &Call) -> Result<Reply, String> {
    let session = context::session()?;
    let name = &session.name;
    match call.args.as_slice() {
        [] => Ok(model_list(&session)),
        [word] if word == DEFAULT => {
            session_control::set_model(name, None)?;
            Ok(Reply::plain(&tr!("Model set to the default for session '{name}'.", name)))
        }
        [model] => {
            session_control::set_model(name, Some(model))?;
            Ok(Reply::plain(&tr!("Model set to {model} for session '{name}'.", model, name)))
        }
        _ => Ok(Reply::plain(&usage(USAGE))),
    }
}

/// Builds a reply with the current model, the usage, and buttons for the first known models.
fn model_list(session: &Session) -> Reply {
    let model = session.model.clone().unwrap_or_else(|| tr!("the agent's default"));
    let usage = tr!("Usage: /model <name>, or /model {default}", default = DEFAULT);
    let mut reply = Reply::plain(&format!("{}\n\n{usage}", tr!("Model: {model}", model)));
    let known = session.fact("models").unwrap_or_default();
    for model in known.split(',').map(str::trim).filter(|model| !model.is_empty()).take(MAX_BUTTONS) {
        reply = reply.button(model, format!("/model {model}"));
    }
    reply
}

#[cfg(test)]
mod tests {
    use cordboard_plugin::testing::session;

    use super::*;

    #[test]
    fn the_model_is_shown_with_the_available_ones() {
        assert!(model_list(&session("x")).text.starts_with("Model: the agent's default\n"));
        let facts = vec![("models".to_owned(), "opus, sonnet,".to_owned())];
        let reply = model_list(&Session { model: Some("opus".into()), facts, ..session("x") });
        assert!(reply.text.starts_with("Model: opus\n"));
        let commands: Vec<_> = reply.buttons.iter().flatten().map(|button| button.command.as_str()).collect();
        assert_eq!(commands, ["/model opus", "/model sonnet"]);
    }
}
