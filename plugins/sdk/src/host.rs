//! What the host lends, a module a capability. A component imports exactly the modules whose functions it calls, and the
//! operator grants them by name: nothing here may call a capability behind its caller's back.

/// The call that is being answered. Granted to all.
pub mod context {
    pub use crate::bindings::lent::cordboard::plugin::context::*;

    /// What every command on the active session answers where there is none.
    pub const NO_ACTIVE_SESSION: &str = "No active session. Use /new to start one.";

    /// The active session of the place of this call.
    ///
    /// # Errors
    /// [`NO_ACTIVE_SESSION`], to be shown as it is.
    pub fn active_session() -> Result<Session, String> {
        active().ok_or_else(|| NO_ACTIVE_SESSION.to_owned())
    }

    /// The place of this call.
    ///
    /// # Errors
    /// Where nobody called, as in a review: a sentence for the log.
    pub fn place() -> Result<Place, String> {
        here().ok_or_else(|| "This works in a chat only.".to_owned())
    }
}

/// The host's log, under the plugin's name. Granted to all.
pub mod log {
    pub use crate::bindings::lent::cordboard::plugin::log::*;

    /// Logs what went wrong.
    pub fn error(message: &str) {
        write(Level::Error, message);
    }

    /// Logs what may go wrong.
    pub fn warn(message: &str) {
        write(Level::Warn, message);
    }

    /// Logs what an operator may want to know.
    pub fn info(message: &str) {
        write(Level::Info, message);
    }

    /// Logs what an author may want to know.
    pub fn debug(message: &str) {
        write(Level::Debug, message);
    }
}

/// The plugin's own table `[plugins.NAME.config]`. Granted to all.
pub mod config {
    pub use crate::bindings::lent::cordboard::plugin::config::*;

    /// The table as the type `T`; give `T` `#[serde(deny_unknown_fields)]`, so that a misspelt key is told, and call this in
    /// `specs`, `summaries` or `modes` too: then the host refuses a wrong table and keeps the one before. Needs the feature
    /// `json`.
    ///
    /// # Errors
    /// What is wrong with the table, behind the key that it is wrong with, as `personas.poet.model`. The host says in which table.
    #[cfg(feature = "json")]
    pub fn parse<T: serde::de::DeserializeOwned>() -> Result<T, String> {
        parse_text(&read())
    }

    /// [`parse`] of a given text, for tests.
    ///
    /// # Errors
    /// As [`parse`].
    #[cfg(feature = "json")]
    pub fn parse_text<T: serde::de::DeserializeOwned>(json: &str) -> Result<T, String> {
        let mut table = serde_json::Deserializer::from_str(json);
        serde_path_to_error::deserialize(&mut table).map_err(|error| {
            let (key, text) = (error.path().to_string(), error.inner().to_string());
            // The text that the plugin gets is not the operator's file: its lines are nobody's.
            let what = text.rsplit_once(" at line ").map_or(text.as_str(), |(what, _)| what);
            // A key that is not known is named by what is said of it.
            let unknown = what.strip_prefix("unknown field `").and_then(|rest| rest.split('`').next());
            let table = unknown.and_then(|field| key.strip_suffix(field)).unwrap_or(&key).trim_end_matches('.');
            if table.is_empty() { what.to_owned() } else { format!("{table}: {what}") }
        })
    }
}

/// The plugin's own keys, kept across calls, swaps and restarts. Granted to all.
pub mod state {
    pub use crate::bindings::lent::cordboard::plugin::state::*;

    use crate::Place;

    /// Keeps a place under `key`.
    ///
    /// # Errors
    /// As [`set`].
    pub fn set_place(key: &str, place: &Place) -> Result<(), String> {
        set(key, spell_place(place).as_bytes())
    }

    /// The place that was kept under `key`.
    #[must_use]
    pub fn get_place(key: &str) -> Option<Place> {
        read_place(&get_text(key)?)
    }

    pub(crate) fn spell_place(place: &Place) -> String {
        let topic = place.topic.as_deref().map_or_else(String::new, |topic| format!("\n{topic}"));
        format!("{}\n{}{topic}", place.front_end, place.chat)
    }

    pub(crate) fn read_place(text: &str) -> Option<Place> {
        let mut lines = text.lines().map(str::to_owned);
        Some(Place { front_end: lines.next()?, chat: lines.next()?, topic: lines.next() })
    }

    /// The value of `key` as text; none where it is absent or no UTF-8.
    #[must_use]
    pub fn get_text(key: &str) -> Option<String> {
        get(key).and_then(|bytes| String::from_utf8(bytes).ok())
    }
}

/// What is plugged in now. Granted to all.
pub mod catalog {
    pub use crate::bindings::lent::cordboard::plugin::catalog::*;

    /// Refuses a persona that no plugin offers.
    ///
    /// # Errors
    /// A sentence for the caller, with the personas that there are.
    pub fn known_persona(name: &str) -> Result<(), String> {
        check_persona(name, &personas())
    }

    pub(crate) fn check_persona(name: &str, known: &[Choice]) -> Result<(), String> {
        if known.iter().any(|choice| choice.name == name) {
            return Ok(());
        }
        let names: Vec<_> = known.iter().map(|choice| choice.name.as_str()).collect();
        let known = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        Err(format!("Unknown persona '{name}'. Known: {known}."))
    }
}

/// Sessions that the caller may see.
pub mod sessions {
    pub use crate::bindings::lent::cordboard::plugin::sessions::*;
}

/// Acts on sessions with the caller's rights. Its [`Error`](session_control::Error) turns into its text with `?`.
pub mod session_control {
    pub use crate::bindings::lent::cordboard::plugin::session_control::*;

    impl From<Error> for String {
        fn from(error: Error) -> Self {
            error.text
        }
    }

    impl Blueprint {
        /// A session of that name, the rest as the host has it by default.
        #[must_use]
        pub fn named(name: &str) -> Self {
            Self { name: name.to_owned(), agent: None, persona: None, model: None, folder: None }
        }
    }
}

/// Steers what is plugged in, with the caller's rights. Its [`Error`](plugin_control::Error) turns into its text with `?`.
pub mod plugin_control {
    pub use crate::bindings::lent::cordboard::plugin::plugin_control::*;

    impl From<Error> for String {
        fn from(error: Error) -> Self {
            error.text
        }
    }
}

/// Says something in a chat without being asked.
pub mod chat {
    pub use crate::bindings::lent::cordboard::plugin::chat::*;
}

/// What the plugin may send and never see, by `[plugins.NAME] secrets`.
pub mod secrets {
    /// A text that stands for the secret in this call: put it into a header or the body of a [request](crate::http::Request) to a
    /// host of `[plugins.NAME] http`, as `format!("Bearer {token}")`, and the host puts the secret in its place on the way.
    ///
    /// # Errors
    /// Why there is none, for people.
    pub fn placeholder(name: &str) -> Result<String, String> {
        crate::bindings::lent::cordboard::plugin::secrets::placeholder(name)
    }
}

/// Whether somebody is there: ports of `[plugins.NAME] tcp`.
pub mod tcp {
    use std::time::Duration;

    /// How long it took until a connection stood. Nothing is sent.
    ///
    /// # Errors
    /// Why none came about, for people.
    pub fn connect_time(host: &str, port: u16) -> Result<Duration, String> {
        crate::bindings::lent::cordboard::plugin::tcp::connect_time(host, port).map(Duration::from_nanos)
    }
}

#[cfg(test)]
mod tests {
    use super::{
        catalog::{Choice, check_persona},
        state::{read_place, spell_place},
    };
    use crate::Place;

    #[test]
    fn a_place_is_kept_as_it_is() {
        for topic in [None, Some("7".to_owned())] {
            let place = Place { front_end: "telegram".into(), chat: "-100".into(), topic };
            assert_eq!(read_place(&spell_place(&place)), Some(place));
        }
        assert_eq!(read_place(""), None);
    }

    #[test]
    fn an_unknown_persona_is_refused_with_the_known_ones() {
        let known = ["a", "b"].map(|name| Choice { name: name.into(), description: String::new() });
        assert_eq!(check_persona("b", &known), Ok(()));
        assert_eq!(check_persona("c", &known), Err("Unknown persona 'c'. Known: a, b.".into()));
        assert_eq!(check_persona("c", &[]), Err("Unknown persona 'c'. Known: none.".into()));
    }
}
