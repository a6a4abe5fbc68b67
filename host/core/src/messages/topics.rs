//! The host's messages about session topics.

use super::quote;
use crate::{
    render::escape,
    types::{Place, SessionName},
};

/// Returns the Markdown line that says where to find a new session. `link` points to its topic.
#[must_use]
pub fn is_in_topic(name: &SessionName, link: Option<&str>) -> String {
    let name = escape(name.as_str());
    match link {
        Some(link) => format!("It has its own topic: [{name}]({link})."),
        None => format!("It has its own topic, “{name}”."),
    }
}

/// Returns the first message in a session's topic.
#[must_use]
pub fn first_message(name: &SessionName) -> String {
    format!("This topic belongs to session '{name}'. Your messages here go to its agent.")
}

/// Returns the explanation for a session without a topic if the chat refused to create one.
#[must_use]
pub fn refused(why: &str, remedy: &str) -> String {
    format!("It is active here, because Telegram created no topic ({}). {remedy}", quote(why))
}

/// The suggested remedy if the chat is a group.
pub const GROUP_REMEDY: &str =
    "Turn on topics in the group's settings, and make the bot an administrator with the right to manage topics.";

/// The suggested remedy if the chat is private.
pub const PRIVATE_CHAT_REMEDY: &str =
    "Turn on Threaded Mode for the bot in the app of @BotFather, then restart Cordboard.";

/// Returns the explanation for a session without a topic if the chat's answer is unknown.
#[must_use]
pub fn unanswered(name: &SessionName, why: &str) -> String {
    format!(
        "It is active here, because Telegram's answer about the topic is missing ({}). If the topic exists, send /session {name} there.",
        quote(why)
    )
}

/// The suggested remedy if Telegram rate-limits the bot.
pub const RATE_LIMIT_REMEDY: &str = "To use a topic, create one and send /session with the session's name there.";

/// Returns the explanation for a session without a topic if the host was killed while requesting one.
#[must_use]
pub fn interrupted(name: &SessionName) -> String {
    format!(
        "It is active here, because Cordboard stopped while it created the topic. If the topic exists, send /session {name} there."
    )
}

/// Returns the notice to the owner that a topic was deleted. `sessions` are the sessions whose messages went to the
/// topic.
#[must_use]
pub fn deleted(place: &Place, why: &str, sessions: &[SessionName]) -> String {
    let use_elsewhere = match sessions {
        [] => String::new(),
        [one] => format!("\nSession '{one}' still exists: send /session {one} in another chat or topic."),
        several => {
            let names: Vec<_> = several.iter().map(|name| format!("'{name}'")).collect();
            format!("\nThe sessions {} still exist: use /session in another chat or topic.", names.join(", "))
        }
    };
    format!(
        "The topic {place} no longer exists: {}{use_elsewhere}\nMessages for the topic are not delivered, unless someone writes there again; `cordboard outbox` lists them.",
        quote(why)
    )
}
