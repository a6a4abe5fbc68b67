//! The personas of `[plugins.persona.config.personas]`, and `/persona [name]`, which selects one for the active
//! session. The plugin has no built-in personas.

mod config;
mod german;

use cordboard_plugin::{
    Call, Command, Persona, Reply, Session,
    catalog::{self, Choice, known_persona},
    command::Spec,
    config::parse,
    context,
    persona::{PersonaSettings, Summary},
    session_control,
    text::{code, escape, usage},
    tr,
};

use config::{Config, NONE};

/// The maximum number of personas that get a button.
const MAX_BUTTONS: usize = 8;

struct Personas;

impl Persona for Personas {
    fn summaries() -> Result<Vec<Summary>, String> {
        Ok(parse::<Config>()?.summaries())
    }

    fn resolve(name: &str, _session: Session) -> Result<PersonaSettings, String> {
        parse::<Config>()?.settings(name)
    }
}

impl Command for Personas {
    fn specs() -> Result<Vec<Spec>, String> {
        parse::<Config>()?;
        Ok(vec![Spec::new("persona", &tr!("Show or set the persona"), "/persona [name]")])
    }

    fn run(call: &Call) -> Result<Reply, String> {
        let session = context::session()?;
        let name = &session.name;
        match call.args.as_slice() {
            [] => Ok(persona_list(session.persona.as_deref(), &catalog::personas())),
            [word] if word == NONE => {
                session_control::set_persona(name, None)?;
                Ok(Reply::plain(&tr!("Session '{name}' has no persona now.", name)))
            }
            [persona] => {
                known_persona(persona)?;
                session_control::set_persona(name, Some(persona))?;
                Ok(Reply::plain(&tr!("Persona set to '{persona}' for session '{name}'.", persona, name)))
            }
            _ => Ok(Reply::plain(&usage("/persona [name]"))),
        }
    }
}

/// Builds a reply with the current persona, all known personas, and buttons for the first few others.
fn persona_list(current: Option<&str>, known: &[Choice]) -> Reply {
    let mut lines = vec![tr!("Persona: {}", current.map_or_else(|| tr!("none"), escape)), String::new()];
    lines.extend(known.iter().map(|choice| format!("{} - {}", code(&choice.name), escape(&choice.description))));
    lines.extend(["".to_owned(), escape(&tr!("Usage: /persona <name>, or /persona {none}", none = NONE))]);
    let others =
        known.iter().map(|choice| choice.name.as_str()).filter(|name| Some(*name) != current).take(MAX_BUTTONS);
    let mut reply = Reply::text(lines.join("\n"));
    for pair in others.collect::<Vec<_>>().chunks(2) {
        reply = reply.row(pair.iter().map(|name| ((*name).to_owned(), format!("/persona {name}"))));
    }
    reply
}

cordboard_plugin::export!(Personas: command, persona; german::GERMAN);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_persona_is_shown_with_the_others() {
        let known = ["default", "planner"].map(|name| Choice { name: name.into(), description: format!("As {name}") });
        let reply = persona_list(Some("planner"), &known);
        assert!(reply.text.starts_with("Persona: planner\n\n`default` - As default\n`planner` - As planner\n\nUsage:"));
        assert_eq!((reply.buttons.len(), reply.buttons[0][0].command.as_str()), (1, "/persona default"));
        assert!(persona_list(None, &known).text.starts_with("Persona: none\n"));
    }
}
