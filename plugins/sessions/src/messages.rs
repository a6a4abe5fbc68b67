//! The messages of this plugin. Pure: nothing here calls the host.

use cordboard_plugin::{Reply, Session, session_control::Error, tr};

/// The maximum length of a session name that the host accepts, in bytes.
const MAX_NAME: usize = 64;

pub fn is_name(text: &str) -> bool {
    (1..=MAX_NAME).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

pub fn invalid_name(text: &str) -> String {
    let text: String = text.chars().take(MAX_NAME).collect();
    tr!("'{text}' can't be a session's name. Use 1 to {most} of a-z, A-Z, 0-9, - and _.", text, most = MAX_NAME)
}

pub fn no_page(page: u32, pages: u32) -> String {
    if pages == 1 {
        tr!("There is no page {page}: /sessions lists all sessions.", page)
    } else {
        tr!("There is no page {page}: the last one is /sessions {pages}.", page, pages)
    }
}

pub fn created(name: &str, persona: Option<&str>, agent: Option<&str>) -> String {
    match (persona, agent) {
        (None, None) => tr!("Session '{name}' created.", name),
        (Some(persona), None) => tr!("Session '{name}' created with persona '{persona}'.", name, persona),
        (None, Some(agent)) => tr!("Session '{name}' created with agent '{agent}'.", name, agent),
        (Some(persona), Some(agent)) => {
            tr!("Session '{name}' created with persona '{persona}' and agent '{agent}'.", name, persona, agent)
        }
    }
}

pub fn renamed(from: &str, to: &str) -> String {
    tr!("Session '{from}' is now called '{to}'. Its folder and its conversation are unchanged.", from, to)
}

pub fn forked(from: &str, to: &str) -> String {
    tr!("Session '{to}' continues the conversation of '{from}' in the same folder.", to, from)
}

pub fn way_back(from: &str) -> String {
    tr!("Use /session {from} to go back.", from)
}

pub fn switched(session: &Session) -> String {
    let name = &session.name;
    match &session.persona {
        Some(persona) => tr!("Switched to session '{name}' (persona '{persona}').", name, persona),
        None => tr!("Switched to session '{name}'.", name),
    }
}

/// Returns the confirmation of a completed command, followed by the error if switching to the session or starting it
/// failed afterwards.
pub fn with_error(done: String, error: Option<Error>) -> Reply {
    Reply::plain(&error.map_or(done.clone(), |error| format!("{done}\n{}", error.message)))
}

pub fn done(command: &str, name: &str) -> Reply {
    Reply::plain(&match command {
        "archive" => tr!("Session '{name}' archived. Use /restore {name} to bring it back.", name),
        "restore" => tr!("Session '{name}' restored.", name),
        "suspend" => tr!("Session '{name}' suspended. The next message resumes it.", name),
        "retry" => tr!("Retrying in session '{name}'.", name),
        "fresh" => tr!(
            "Session '{name}' starts a new conversation. Its folder is unchanged; the previous conversation can't be resumed.",
            name
        ),
        _ => tr!("Dropped. Session '{name}' continues with the next message.", name),
    })
}

/// The argument that confirms a command that would end background work.
pub const ANYWAY: &str = "anyway";

/// Returns the label of the confirmation button, or `None` for a command that never ends background work.
pub fn confirm_label(command: &str) -> Option<String> {
    match command {
        "archive" => Some(tr!("Archive anyway")),
        "suspend" => Some(tr!("Suspend anyway")),
        "fresh" => Some(tr!("Start fresh anyway")),
        _ => None,
    }
}

/// If the host refused to end background work, returns a reply with a confirmation button. Returns any other refusal as
/// an error.
pub fn confirm_or_refuse(command: &str, name: &str, error: Error) -> Result<Reply, String> {
    match confirm_label(command).filter(|_| error.code == "background") {
        Some(label) => Ok(Reply::plain(&error.message).button(label, format!("/{command} {name} {ANYWAY}"))),
        None => Err(refused(name, error)),
    }
}

/// Explains a refusal. If only the host knows the reason, for example why a session can't be archived now, returns the
/// host's text.
pub fn refused(name: &str, error: Error) -> String {
    match error.code.as_str() {
        "unknown" => tr!("Session '{name}' doesn't exist. Use /new to create it.", name),
        "exists" => tr!("Session '{name}' already exists. Use /session {name} to switch to it.", name),
        "archived" => tr!("Session '{name}' is archived. Use /restore {name}.", name),
        _ => error.message,
    }
}

#[cfg(test)]
mod tests {
    use cordboard_plugin::testing::session;

    use super::*;

    fn error(code: &str) -> Error {
        Error { code: code.into(), message: "as the host says".into() }
    }

    #[test]
    fn a_name_is_short_and_plain() {
        assert!(["a", "fix-login_2", &"x".repeat(64)].into_iter().all(is_name));
        assert!(!["", "a b", "../x", "ä", &"x".repeat(65)].into_iter().any(is_name));
        assert_eq!(invalid_name("ä"), "'ä' can't be a session's name. Use 1 to 64 of a-z, A-Z, 0-9, - and _.");
    }

    #[test]
    fn completed_commands_are_confirmed() {
        assert_eq!(created("x", None, None), "Session 'x' created.");
        assert_eq!(created("x", Some("p"), None), "Session 'x' created with persona 'p'.");
        assert_eq!(created("x", Some("p"), Some("a")), "Session 'x' created with persona 'p' and agent 'a'.");
        assert_eq!(switched(&session("x")), "Switched to session 'x'.");
        let with_persona = Session { persona: Some("p".into()), ..session("x") };
        assert_eq!(switched(&with_persona), "Switched to session 'x' (persona 'p').");
        assert_eq!(done("archive", "x").text, "Session 'x' archived. Use /restore x to bring it back.");
    }

    #[test]
    fn irreversible_commands_say_so() {
        let text = done("fresh", "x").text;
        assert!(text.starts_with("Session 'x' starts a new conversation. Its folder is unchanged"), "{text}");
        assert!(text.ends_with("can't be resumed."), "{text}");
    }

    #[test]
    fn a_missing_page_names_the_last_one() {
        assert_eq!(no_page(3, 2), "There is no page 3: the last one is /sessions 2.");
        assert_eq!(no_page(2, 1), "There is no page 2: /sessions lists all sessions.");
    }

    #[test]
    fn a_failed_start_does_not_undo_the_switch() {
        let reply = with_error("Switched.".into(), Some(error("failed")));
        assert_eq!(reply.text, "Switched.\nas the host says");
        assert_eq!(with_error("Switched.".into(), None).text, "Switched.");
    }

    #[test]
    fn commands_that_end_background_work_ask_first() {
        let reply = confirm_or_refuse("suspend", "x", error("background")).unwrap();
        assert_eq!((reply.text.as_str(), &*reply.buttons[0][0].command), ("as the host says", "/suspend x anyway"));
        assert_eq!(confirm_or_refuse("suspend", "x", error("busy")).unwrap_err(), "as the host says");
        assert_eq!(confirm_or_refuse("retry", "x", error("background")).unwrap_err(), "as the host says");
    }

    #[test]
    fn a_refusal_says_what_to_do() {
        let refusal = |code| refused("x", error(code));
        assert_eq!(refusal("unknown"), "Session 'x' doesn't exist. Use /new to create it.");
        assert_eq!(refusal("exists"), "Session 'x' already exists. Use /session x to switch to it.");
        assert_eq!(refusal("archived"), "Session 'x' is archived. Use /restore x.");
        assert_eq!(refusal("busy"), "as the host says");
    }
}
