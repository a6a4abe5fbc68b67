//! Messages about voice messages: the transcribed text, and why a recording was not transcribed.

use tr::tr;

use crate::render::escape;

/// The maximum length of the transcript shown in the chat, in characters.
const SHOWN: usize = 1000;

/// Returns the notice that contains a recording's transcript, in Markdown. `missing` says why another recording in the
/// message was not transcribed.
#[must_use]
pub fn understood(spoken: &str, missing: Option<&str>) -> String {
    let shown: String = spoken.chars().take(SHOWN).collect();
    let end = if shown.len() < spoken.len() { "…" } else { "" };
    let rest = missing.map_or_else(String::new, |why| tr!("\nA part was not transcribed: {}", escape(why)));
    format!("🎤 {}{end}{rest}", escape(&shown))
}

/// Returns the notice for a message if none of its recordings was transcribed, in Markdown.
#[must_use]
pub fn not_transcribed(why: &str) -> String {
    tr!("🎤 Not transcribed, so the agent gets the recording itself: {}", escape(why))
}

/// Returns the line that tells the agent that a recording was not transcribed.
#[must_use]
pub fn note_for_agent(why: &str) -> String {
    format!("[The recording could not be transcribed: {why}]")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chat_shows_the_beginning_of_a_long_text() {
        assert_eq!(understood("Buy *milk*.", None), "🎤 Buy \\*milk\\*.");
        let long = understood(&"é".repeat(SHOWN + 1), Some("exit *1*"));
        assert_eq!(long, format!("🎤 {}…\nA part was not transcribed: exit \\*1\\*", "é".repeat(SHOWN)));
    }
}
