//! The `{{name}}` persona, which gives an agent its instructions.

use cordboard_plugin::{
    Persona, Session,
    persona::{PersonaSettings, Summary},
};

struct Plugin;

impl Persona for Plugin {
    fn summaries() -> Result<Vec<Summary>, String> {
        Ok(vec![Summary { name: "{{name}}".into(), description: "Answers in three sentences at most".into() }])
    }

    /// Called each time an agent with this persona starts. The settings may depend on the session.
    fn resolve(_name: &str, session: Session) -> Result<PersonaSettings, String> {
        Ok(PersonaSettings {
            instructions: format!(
                "Answer in three sentences at most, and say what you left out. You work in {}. Don't touch other folders.",
                session.folder
            ),
            model: None,
            idle_timeout: Some(30 * 60),
            greeting: None,
        })
    }
}

cordboard_plugin::export!(Plugin: persona);
