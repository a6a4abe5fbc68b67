//! The host's messages about session topics.

use tr::tr;

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
        Some(link) => tr!("It has its own topic: [{name}]({link}).", name, link),
        None => tr!("It has its own topic, “{name}”.", name),
    }
}

/// Returns the first message in a session's topic.
#[must_use]
pub fn first_message(name: &SessionName) -> String {
    tr!("This topic belongs to session '{name}'. Your messages here go to its agent.", name)
}

/// Returns the explanation for a session without a topic if the chat refused to create one.
#[must_use]
pub fn refused(why: &str, remedy: &str) -> String {
    tr!("It is active here, because Telegram created no topic ({}). {remedy}", quote(why), remedy)
}

/// The suggested remedy if the chat is a group.
#[must_use]
pub fn group_remedy() -> String {
    tr!("Turn on topics in the group's settings, and make the bot an administrator with the right to manage topics.")
}

/// The suggested remedy if the chat is private.
#[must_use]
pub fn private_chat_remedy() -> String {
    tr!("Turn on Threaded Mode for the bot in the app of @BotFather, then restart Cordboard.")
}

/// Returns the explanation for a session without a topic if the chat's answer is unknown.
#[must_use]
pub fn unanswered(name: &SessionName, why: &str) -> String {
    tr!(
        "It is active here, because Telegram's answer about the topic is missing ({}). If the topic exists, send /session {name} there.",
        quote(why),
        name
    )
}

/// The suggested remedy if Telegram rate-limits the bot.
#[must_use]
pub fn rate_limit_remedy() -> String {
    tr!("To use a topic, create one and send /session with the session's name there.")
}

/// Returns the explanation for a session without a topic if the host was killed while requesting one.
#[must_use]
pub fn interrupted(name: &SessionName) -> String {
    tr!(
        "It is active here, because Cordboard stopped while it created the topic. If the topic exists, send /session {name} there.",
        name
    )
}

/// Returns the notice to the owner that a topic was deleted. `sessions` are the sessions whose messages went to the
/// topic.
#[must_use]
pub fn deleted(place: &Place, why: &str, sessions: &[SessionName]) -> String {
    let use_elsewhere = match sessions {
        [] => String::new(),
        [one] => tr!("\nSession '{one}' still exists: send /session {one} in another chat or topic.", one),
        several => {
            let names: Vec<_> = several.iter().map(|name| format!("'{name}'")).collect();
            tr!("\nThe sessions {} still exist: use /session in another chat or topic.", names.join(", "))
        }
    };
    tr!(
        "The topic {place} no longer exists: {}{use_elsewhere}\nMessages for the topic are not delivered, unless someone writes there again; `cordboard outbox` lists them.",
        quote(why),
        place,
        use_elsewhere
    )
}
