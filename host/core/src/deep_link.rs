//! Creates links to the bot's private chat. There, Telegram's *Start* button sends `/start` with the link's payload.

use crate::types::SessionName;

/// The prefix of a pairing link's payload.
pub const PAIRING_PREFIX: &str = "p_";

/// The prefix of a session link's payload. The `sessions` plugin handles these payloads, and those of request links.
const SESSION_PREFIX: &str = "s_";
const REQUEST_PREFIX: &str = "r_";

/// The maximum length of a payload, in characters. Payloads may contain all characters that session names may contain.
const MAX_PAYLOAD_LENGTH: usize = 64;

/// Returns a link with the same effect as `/pair` with this code. `bot` is the bot's user name.
#[must_use]
pub fn pairing(bot: &str, code: &str) -> String {
    link(bot, &format!("{PAIRING_PREFIX}{code}"))
}

/// Returns the link that switches to a session, or `None` if its name is too long for a link.
#[must_use]
pub fn session(bot: &str, name: &SessionName) -> Option<String> {
    checked_link(bot, &format!("{SESSION_PREFIX}{name}"))
}

/// Returns a link that switches to a session and points out the agent's question with this number, or `None` if the
/// session's name is too long for a link.
#[must_use]
pub fn request(bot: &str, name: &SessionName, number: u64) -> Option<String> {
    checked_link(bot, &format!("{REQUEST_PREFIX}{number}_{name}"))
}

fn checked_link(bot: &str, payload: &str) -> Option<String> {
    (payload.len() <= MAX_PAYLOAD_LENGTH).then(|| link(bot, payload))
}

fn link(bot: &str, payload: &str) -> String {
    format!("https://t.me/{bot}?start={payload}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_too_long_for_telegram_has_no_link() {
        let name = |text: &str| text.parse::<SessionName>().unwrap();
        assert_eq!(session("cord_bot", &name("fix-it_2")).as_deref(), Some("https://t.me/cord_bot?start=s_fix-it_2"));
        assert_eq!(request("cord_bot", &name("web"), 12).as_deref(), Some("https://t.me/cord_bot?start=r_12_web"));
        assert_eq!(session("cord_bot", &name(&"a".repeat(62))).map(|link| link.len()), Some(92));
        assert_eq!(session("cord_bot", &name(&"a".repeat(63))), None);
    }
}
