//! The host's capabilities, one module per capability. A component imports exactly the capabilities whose functions it
//! calls, so a function must use no capability other than its own module's.

/// The context of the current call. Granted to all plugins.
pub mod context {
    pub use crate::bindings::host_imports::cordboard::plugin::context::*;

    use crate::tr;

    /// Returns [`active_session`], or an error for the caller.
    ///
    /// # Errors
    /// There is no active session.
    pub fn session() -> Result<Session, String> {
        active_session().ok_or_else(|| tr!("No active session. Use /new to start one."))
    }

    /// Returns [`current_place`], or an error for the caller.
    ///
    /// # Errors
    /// The call has no place, because no person made it.
    pub fn place() -> Result<Place, String> {
        current_place().ok_or_else(|| tr!("This works only in a chat."))
    }
}

/// The host's log, under the plugin's name. Granted to all plugins.
pub mod log {
    pub use crate::bindings::host_imports::cordboard::plugin::log::*;

    /// Logs an error.
    pub fn error(message: &str) {
        write(Level::Error, message);
    }

    /// Logs a warning.
    pub fn warn(message: &str) {
        write(Level::Warn, message);
    }

    /// Logs information for operators.
    pub fn info(message: &str) {
        write(Level::Info, message);
    }

    /// Logs information for plugin authors.
    pub fn debug(message: &str) {
        write(Level::Debug, message);
    }
}

/// The plugin's own table `[plugins.NAME.config]`. Granted to all plugins.
pub mod config {
    pub use crate::bindings::host_imports::cordboard::plugin::config::*;

    /// Parses the table as the type `T`. Add `#[serde(deny_unknown_fields)]` to `T`, so that a misspelled key is an
    /// error. Also call this in `specs`, `summaries`, `modes` or `jobs`: the host then rejects an invalid table, and
    /// the previous one stays active. Needs the `json` feature.
    ///
    /// # Errors
    /// The table is invalid. The text names the key and the problem, as in `personas.poet.model: …`. The host adds the
    /// table's name.
    #[cfg(feature = "json")]
    pub fn parse<T: serde::de::DeserializeOwned>() -> Result<T, String> {
        parse_text(&read())
    }

    /// Like [`parse`], but parses the given text. For tests.
    ///
    /// # Errors
    /// See [`parse`].
    #[cfg(feature = "json")]
    pub fn parse_text<T: serde::de::DeserializeOwned>(json: &str) -> Result<T, String> {
        let mut table = serde_json::Deserializer::from_str(json);
        serde_path_to_error::deserialize(&mut table).map_err(|error| {
            let (key, text) = (error.path().to_string(), error.inner().to_string());
            // Drop the line number: it refers to the JSON text, not to the operator's file.
            let what = text.rsplit_once(" at line ").map_or(text.as_str(), |(what, _)| what);
            // The message already names an unknown key.
            let unknown = what.strip_prefix("unknown field `").and_then(|rest| rest.split('`').next());
            let table = unknown.and_then(|field| key.strip_suffix(field)).unwrap_or(&key).trim_end_matches('.');
            if table.is_empty() { what.to_owned() } else { format!("{table}: {what}") }
        })
    }
}

/// The plugin's own key-value store, which survives calls, new versions and restarts. Granted to all plugins.
pub mod state {
    pub use crate::bindings::host_imports::cordboard::plugin::state::*;

    use crate::Place;

    /// Stores a place under `key`.
    ///
    /// # Errors
    /// See [`set`].
    pub fn set_place(key: &str, place: &Place) -> Result<(), String> {
        set(key, format_place(place).as_bytes())
    }

    /// Returns the place stored under `key`.
    #[must_use]
    pub fn get_place(key: &str) -> Option<Place> {
        parse_place(&get_text(key)?)
    }

    pub(crate) fn format_place(place: &Place) -> String {
        let topic = place.topic.as_deref().map_or_else(String::new, |topic| format!("\n{topic}"));
        format!("{}\n{}{topic}", place.front_end, place.chat)
    }

    pub(crate) fn parse_place(text: &str) -> Option<Place> {
        let mut lines = text.lines().map(str::to_owned);
        Some(Place { front_end: lines.next()?, chat: lines.next()?, topic: lines.next() })
    }

    /// Returns the value of `key` as text. `None` if the key is missing or its value isn't UTF-8.
    #[must_use]
    pub fn get_text(key: &str) -> Option<String> {
        get(key).and_then(|bytes| String::from_utf8(bytes).ok())
    }
}

/// The plugins, the commands, personas and modes that they export, and the configured agents. Granted to all plugins.
pub mod catalog {
    pub use crate::bindings::host_imports::cordboard::plugin::catalog::*;

    use crate::tr;

    /// Checks that an active plugin provides the persona.
    ///
    /// # Errors
    /// No active plugin provides the persona. The text is for the caller and lists the known personas.
    pub fn known_persona(name: &str) -> Result<(), String> {
        check_persona(name, &personas())
    }

    /// Checks that the agent is configured.
    ///
    /// # Errors
    /// The agent isn't configured. The text is for the caller and lists the known agents.
    pub fn known_agent(name: &str) -> Result<(), String> {
        check(name, &agents()).map_err(|known| tr!("Unknown agent '{name}'. Known: {known}.", name, known))
    }

    pub(crate) fn check_persona(name: &str, known: &[Choice]) -> Result<(), String> {
        check(name, known).map_err(|known| tr!("Unknown persona '{name}'. Known: {known}.", name, known))
    }

    /// If the name isn't known, returns the known names as an error.
    fn check(name: &str, known: &[Choice]) -> Result<(), String> {
        if known.iter().any(|choice| choice.name == name) {
            return Ok(());
        }
        let names: Vec<_> = known.iter().map(|choice| choice.name.as_str()).collect();
        Err(if names.is_empty() { tr!("none") } else { names.join(", ") })
    }
}

/// The sessions that the caller may see.
pub mod sessions {
    pub use crate::bindings::host_imports::cordboard::plugin::sessions::*;
}

/// Controls sessions with the caller's rights. `?` converts an [`Error`](session_control::Error) to a `String` with its
/// message.
pub mod session_control {
    pub use crate::bindings::host_imports::cordboard::plugin::session_control::*;

    impl From<Error> for String {
        fn from(error: Error) -> Self {
            error.message
        }
    }

    impl SessionSpec {
        /// Creates a spec for a session with that name and the host's defaults.
        #[must_use]
        pub fn named(name: &str) -> Self {
            Self { name: name.to_owned(), agent: None, persona: None, model: None, folder: None }
        }
    }
}

/// The open requests of agents: questions that wait for an answer, such as a request for permission. `?` converts an
/// [`Error`](requests::Error) to a `String` with its message.
pub mod requests {
    pub use crate::bindings::host_imports::cordboard::plugin::requests::*;

    impl From<Error> for String {
        fn from(error: Error) -> Self {
            error.message
        }
    }

    impl Request {
        /// Returns the choice with this id. Ignores case if no id matches exactly.
        #[must_use]
        pub fn choice(&self, id: &str) -> Option<&Choice> {
            let exact = self.choices.iter().find(|choice| choice.id == id);
            exact.or_else(|| self.choices.iter().find(|choice| choice.id.eq_ignore_ascii_case(id)))
        }
    }
}

/// Manages plugins with the caller's rights. `?` converts an [`Error`](plugin_control::Error) to a `String` with its
/// message.
pub mod plugin_control {
    pub use crate::bindings::host_imports::cordboard::plugin::plugin_control::*;

    impl From<Error> for String {
        fn from(error: Error) -> Self {
            error.message
        }
    }
}

/// Lists and changes who has access, if the owner made the call. `?` converts an [`Error`](access_control::Error) to a
/// `String` with its message.
pub mod access_control {
    pub use crate::bindings::host_imports::cordboard::plugin::access_control::*;

    impl From<Error> for String {
        fn from(error: Error) -> Self {
            error.message
        }
    }
}

/// Reads the files attached to the message that a [filter](crate::Filter) receives.
pub mod attachments {
    pub use crate::bindings::host_imports::cordboard::plugin::attachments::*;

    use crate::filter::File;

    /// The number of bytes that the host returns per call.
    const PART: u32 = 1 << 20;

    /// Reads a whole file, which must fit within the plugin's `memory` limit.
    ///
    /// # Errors
    /// See [`read`].
    pub fn read_all(file: &File) -> Result<Vec<u8>, String> {
        let mut content = Vec::with_capacity(usize::try_from(file.size.unwrap_or_default()).unwrap_or_default());
        loop {
            let part = read(&file.id, content.len() as u64, PART)?;
            if part.is_empty() {
                return Ok(content);
            }
            content.extend(part);
        }
    }
}

/// Posts messages that aren't replies to a command.
pub mod chat {
    pub use crate::bindings::host_imports::cordboard::plugin::chat::*;
}

/// The secrets that the plugin may send but not read. `[plugins.NAME] secrets` grants them.
pub mod secrets {
    /// Returns a placeholder for the secret, valid only in this call. Put it into a header or the body of a
    /// [request](crate::http::Request) to a host listed in `[plugins.NAME] http`, as in `format!("Bearer {token}")`.
    /// The host replaces the placeholder with the secret when it sends the request.
    ///
    /// # Errors
    /// The secret isn't granted or can't be read. The text says what to change.
    pub fn placeholder(name: &str) -> Result<String, String> {
        crate::bindings::host_imports::cordboard::plugin::secrets::placeholder(name)
    }
}

/// Tests whether a TCP port accepts connections. `[plugins.NAME] tcp` grants the ports.
pub mod tcp {
    use std::time::Duration;

    /// Connects without sending anything, and returns how long that took.
    ///
    /// # Errors
    /// The port isn't granted, or the connection failed. The text gives the reason.
    pub fn connect_time(host: &str, port: u16) -> Result<Duration, String> {
        crate::bindings::host_imports::cordboard::plugin::tcp::connect_time(host, port).map(Duration::from_nanos)
    }
}

#[cfg(test)]
mod tests {
    use super::{
        catalog::{Choice, check_persona},
        state::{format_place, parse_place},
    };
    use crate::Place;

    #[test]
    fn a_place_survives_a_round_trip() {
        for topic in [None, Some("7".to_owned())] {
            let place = Place { front_end: "telegram".into(), chat: "-100".into(), topic };
            assert_eq!(parse_place(&format_place(&place)), Some(place));
        }
        assert_eq!(parse_place(""), None);
    }

    #[test]
    fn an_unknown_persona_is_refused_with_the_known_ones() {
        let known = ["a", "b"].map(|name| Choice { name: name.into(), description: String::new() });
        assert_eq!(check_persona("b", &known), Ok(()));
        assert_eq!(check_persona("c", &known), Err("Unknown persona 'c'. Known: a, b.".into()));
        assert_eq!(check_persona("c", &[]), Err("Unknown persona 'c'. Known: none.".into()));
    }
}
