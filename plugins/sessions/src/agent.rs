//! `/agent [name]`: shows the agents, and selects the agent for the chat's new sessions. The active session also
//! switches to it, unless the session has a conversation.

use cordboard_plugin::{
    Call, Place, Reply, Session,
    catalog::{self, Choice, known_agent},
    context, session_control as control, state,
    text::{code, escape},
    tr,
};

/// The maximum number of agent buttons.
const MAX_BUTTONS: usize = 8;

pub fn run(call: &Call) -> Result<Reply, String> {
    let (session, place) = (context::active_session(), context::place()?);
    match call.args.as_slice() {
        [] => Ok(page(session.as_ref(), selected(&place).as_deref(), &catalog::agents())),
        [name] => {
            known_agent(name)?;
            select(name, session.as_ref(), &place).map(|text| Reply::plain(&text))
        }
        _ => Ok(super::usage(&call.command)),
    }
}

/// Returns the agent that was selected for new sessions of a chat, if it is still configured.
pub fn selected(place: &Place) -> Option<String> {
    state::get_text(&key(place)).filter(|name| known_agent(name).is_ok())
}

/// Selects the agent and returns a confirmation.
fn select(name: &str, session: Option<&Session>, place: &Place) -> Result<String, String> {
    state::set(&key(place), name.as_bytes())?;
    let selected = tr!("New sessions in this chat use agent '{name}'.", name);
    Ok(match session.map(|session| control::set_agent(&session.name, name)) {
        None => selected,
        Some(Ok(session)) => {
            tr!(
                "Session '{session}' uses agent '{name}', and so do new sessions in this chat.",
                session = session.name,
                name
            )
        }
        Some(Err(error)) => format!("{} {selected} {}", error.message, tr!("Use /new to create one.")),
    })
}

fn key(place: &Place) -> String {
    format!("agent/{}/{}/{}", place.front_end, place.chat, place.topic.as_deref().unwrap_or_default())
}

/// Lists the agents and marks the current one: the agent of the session, or else the one selected for new sessions.
/// Adds buttons for the others.
fn page(session: Option<&Session>, selected: Option<&str>, known: &[Choice]) -> Reply {
    let current = session.map(|session| session.agent.as_str()).or(selected);
    let line = |choice: &Choice| {
        let arrow = if current == Some(&choice.name) { "→ " } else { "" };
        let kind = if choice.description == choice.name {
            String::new()
        } else {
            format!(" - {}", escape(&choice.description))
        };
        format!("{arrow}{}{kind}", code(&choice.name))
    };
    let mut lines: Vec<_> = known.iter().map(line).collect();
    lines.push(String::new());
    lines.push(match selected {
        Some(agent) => tr!("New sessions in this chat use {}.", code(agent)),
        None => tr!("New sessions in this chat use the default agent of the configuration."),
    });
    lines.push(escape(&tr!("Usage: /agent <name>, or /new <name> none <agent>")));
    let others = known.iter().map(|choice| choice.name.as_str()).filter(|name| Some(*name) != current);
    let mut reply = Reply::text(lines.join("\n"));
    for pair in others.take(MAX_BUTTONS).collect::<Vec<_>>().chunks(2) {
        reply = reply.row(pair.iter().map(|name| ((*name).to_owned(), format!("/agent {name}"))));
    }
    reply
}

#[cfg(test)]
mod tests {
    use cordboard_plugin::testing::session;

    use super::*;

    #[test]
    fn the_current_agent_is_marked_and_the_others_have_buttons() {
        let known = [("claude", "claude"), ("demo", "demo"), ("gemini", "acp")]
            .map(|(name, kind)| Choice { name: name.into(), description: kind.into() });
        let reply = page(Some(&session("x")), Some("gemini"), &known);
        assert!(
            reply.text.starts_with("`claude`\n→ `demo`\n`gemini` - acp\n\nNew sessions in this chat use `gemini`.\n")
        );
        let commands: Vec<_> = reply.buttons.iter().flatten().map(|button| button.command.as_str()).collect();
        assert_eq!(commands, ["/agent claude", "/agent gemini"]);
        assert!(page(None, Some("claude"), &known).text.starts_with("→ `claude`\n"));
        assert!(page(None, None, &known).text.contains("the default agent"));
    }

    #[test]
    fn each_topic_has_its_own_choice() {
        let place = |topic: Option<&str>| Place {
            front_end: "telegram".into(),
            chat: "-1".into(),
            topic: topic.map(str::to_owned),
        };
        assert_eq!([key(&place(None)), key(&place(Some("7")))], ["agent/telegram/-1/", "agent/telegram/-1/7"]);
    }
}
