//! `/start [link]`: welcomes a user, or opens the session that a link such as `https://t.me/<bot>?start=s_<session>`
//! names. Telegram's Start button sends the command.

use cordboard_plugin::{Call, Place, Reply, Session, context, session_control as control, sessions, text::escape, tr};

use super::{has_buttons, list, messages};

/// The prefixes of links to a session and to one of its agent's questions.
const SESSION: &str = "s_";
const REQUEST: &str = "r_";

pub fn run(call: &Call) -> Result<Reply, String> {
    let place = context::place()?;
    match call.arg(0).map(Link::parse) {
        Some(Some(link)) => open(&link, &place),
        Some(None) => Err(tr!("This link is not valid. Use /sessions to list your sessions.")),
        None => Ok(welcome(&place, &sessions::recent(0, list::PAGE))),
    }
}

/// A link that opens a session.
#[derive(Debug, PartialEq, Eq)]
struct Link<'a> {
    session: &'a str,
    /// The number of a question of the session's agent.
    request: Option<u64>,
}

impl<'a> Link<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        if let Some(session) = text.strip_prefix(SESSION) {
            return Some(Self { session, request: None });
        }
        let (number, session) = text.strip_prefix(REQUEST)?.split_once('_')?;
        Some(Self { session, request: Some(number.parse().ok()?) })
    }
}

fn open(link: &Link<'_>, place: &Place) -> Result<Reply, String> {
    let name = link.session;
    let session = control::activate(place, name).map_err(|error| messages::refused(name, error))?;
    Ok(opened(&session, link.request))
}

fn opened(session: &Session, request: Option<u64>) -> Reply {
    let switched = messages::switched(session);
    Reply::plain(&match request {
        Some(number) => {
            let question = tr!("Its agent asks question #{number}. Use /requests to see the open questions.", number);
            format!("{switched}\n{question}")
        }
        None => switched,
    })
}

fn privacy_mode() -> String {
    tr!(
        "In a group, a bot in privacy mode gets only commands, replies to its messages, and messages that mention it. To \
         let it read all messages, send /setprivacy to @BotFather, choose Disable, and add the bot to the group again."
    )
}

fn welcome(place: &Place, recent: &[Session]) -> Reply {
    let is_group = place.front_end.starts_with("telegram") && place.chat.starts_with('-');
    let mut text = tr!("This is Cordboard. Your messages here go to a coding agent, and its answers come back.\n\n\
         `/new demo` starts a session. Any text after that goes to its agent. /help lists the commands.");
    if is_group {
        text = format!("{text}\n\n{}", escape(&privacy_mode()));
    }
    if !has_buttons(place) {
        return Reply::text(text);
    }
    let reply = Reply::text(text).button(tr!("New session"), "/new");
    let active = list::active(recent);
    list::buttons(reply, "/session", recent.iter().filter(|session| Some(session.name.as_str()) != active))
}

#[cfg(test)]
mod tests {
    use cordboard_plugin::testing::session;

    use super::*;

    #[test]
    fn a_link_names_a_session_and_possibly_a_question() {
        assert_eq!(Link::parse("s_fix-login_2"), Some(Link { session: "fix-login_2", request: None }));
        assert_eq!(Link::parse("r_12_my_web"), Some(Link { session: "my_web", request: Some(12) }));
        for invalid in ["", "web", "r_web", "r_x_web", "R_1_web"] {
            assert_eq!(Link::parse(invalid), None, "{invalid}");
        }
        assert!(opened(&session("web"), Some(3)).text.contains("3"));
    }

    #[test]
    fn a_group_learns_about_the_privacy_mode() {
        let place = |chat: &str| Place { front_end: "telegram".into(), chat: chat.into(), topic: None };
        assert!(welcome(&place("-100"), &[]).text.contains("/setprivacy"));
        assert!(!welcome(&place("100"), &[]).text.contains("/setprivacy"));
        let commands: Vec<_> = welcome(&place("1"), &[session("web")])
            .buttons
            .iter()
            .flatten()
            .map(|button| button.command.clone())
            .collect();
        assert_eq!(commands, ["/new", "/session web"]);
    }
}
