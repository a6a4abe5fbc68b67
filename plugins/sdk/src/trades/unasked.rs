//! The trades that nobody in a chat asks for: events, times, requests from the net.
//!
//! Such a call has no caller, and so no rights on sessions, unless the operator gives it the owner's by `[plugins.NAME] acts_as = "owner"`.

use crate::bindings;

/// The records of the trade [`Hook`](crate::Hook).
pub mod hook {
    pub use crate::bindings::hook::exports::cordboard::plugin::hook::Event;

    /// The kinds of events that there are now; more may come.
    pub mod kind {
        pub const HOST_STARTED: &str = "host-started";
        pub const CREATED: &str = "created";
        /// An agent is ready, without a memory.
        pub const STARTED: &str = "started";
        /// An agent is ready, and remembers.
        pub const RESUMED: &str = "resumed";
        pub const TURN_STARTED: &str = "turn-started";
        pub const TURN_FINISHED: &str = "turn-finished";
        pub const SUSPENDED: &str = "suspended";
        pub const ASKING: &str = "asking";
        pub const BROKEN: &str = "broken";
        pub const ARCHIVED: &str = "archived";
        pub const RESTORED: &str = "restored";
    }

    impl Event {
        /// `data` as the type `T`. Needs the feature `json`.
        ///
        /// # Errors
        /// What is missing or of another type.
        #[cfg(feature = "json")]
        pub fn parse<T: serde::de::DeserializeOwned>(&self) -> Result<T, String> {
            serde_json::from_str(&self.data).map_err(|error| format!("the data of '{}': {error}", self.kind))
        }
    }
}

/// The records of the trade [`Schedule`](crate::Schedule).
pub mod schedule {
    pub use crate::bindings::schedule::exports::cordboard::plugin::schedule::{Due, Job};

    impl Job {
        /// `cron`: minute, hour, day of month, month, day of week, in the host's time zone, as "30 7 * * mon-fri".
        #[must_use]
        pub fn new(name: &str, cron: &str) -> Self {
            Self { name: name.to_owned(), cron: cron.to_owned() }
        }
    }
}

/// The records of the trade [`Webhook`](crate::Webhook).
pub mod webhook {
    pub use crate::bindings::webhook::exports::cordboard::plugin::webhook::{Request, Response};

    impl Request {
        /// The first header of that name, in lower case.
        #[must_use]
        pub fn header(&self, name: &str) -> Option<&str> {
            self.headers.iter().find(|(one, _)| one == name).map(|(_, value)| value.as_str())
        }

        /// The body as the type `T`. Needs the feature `json`.
        ///
        /// # Errors
        /// What is wrong with it.
        #[cfg(feature = "json")]
        pub fn parse<T: serde::de::DeserializeOwned>(&self) -> Result<T, String> {
            serde_json::from_slice(&self.body).map_err(|error| format!("the body of the request: {error}"))
        }
    }

    impl Response {
        /// One line of plain text.
        #[must_use]
        pub fn text(status: u16, text: &str) -> Self {
            let headers = vec![("content-type".to_owned(), "text/plain; charset=utf-8".to_owned())];
            Self { status, headers, body: format!("{text}\n").into_bytes() }
        }
    }
}

/// Hears of events, and has no say in them.
///
/// ```
/// use cordboard_plugin::{Hook, hook::{Event, kind}, log};
///
/// struct Watch;
///
/// impl Hook for Watch {
///     fn on_event(event: Event) {
///         if event.kind == kind::BROKEN {
///             log::warn(&format!("broken: {}", event.session.map_or_else(String::new, |session| session.name)));
///         }
///     }
/// }
///
/// cordboard_plugin::export!(Watch: hook);
/// # fn main() {}
/// ```
pub trait Hook {
    /// Called after the fact, in order. What this call brings about is not told to this plugin.
    fn on_event(event: hook::Event);
}

/// Runs at set times.
///
/// ```
/// use cordboard_plugin::{Schedule, log, schedule::{Due, Job}};
///
/// struct Morning;
///
/// impl Schedule for Morning {
///     fn jobs() -> Result<Vec<Job>, String> {
///         Ok(vec![Job::new("greet", "30 7 * * mon-fri")])
///     }
///
///     fn run(due: Due) -> Result<(), String> {
///         log::info(&format!("{} was due, {} times before unheard", due.job, due.missed));
///         Ok(())
///     }
/// }
///
/// cordboard_plugin::export!(Morning: schedule);
/// # fn main() {}
/// ```
pub trait Schedule {
    /// When to run what. The host asks at the trial, where `config`, `context` and `log` alone work: nobody has called,
    /// and [`context::now`](crate::context::now) is 0.
    ///
    /// # Errors
    /// As [`Command::specs`](crate::Command::specs).
    fn jobs() -> Result<Vec<schedule::Job>, String>;

    /// Called when a job is due; a job never runs twice at once. What was missed is made up for by one run.
    ///
    /// # Errors
    /// A sentence for the log.
    fn run(due: schedule::Due) -> Result<(), String>;
}

/// Answers requests from the net, whose token or signature the host has checked.
///
/// ```
/// use cordboard_plugin::{Webhook, log, webhook::{Request, Response}};
///
/// struct Bell;
///
/// impl Webhook for Bell {
///     fn receive(request: Request) -> Result<Response, String> {
///         log::info(&format!("{} {}", request.method, request.path));
///         Ok(Response::text(202, "taken"))
///     }
/// }
///
/// cordboard_plugin::export!(Bell: webhook);
/// # fn main() {}
/// ```
pub trait Webhook {
    /// The same request may come twice: senders repeat what was not answered in time.
    ///
    /// # Errors
    /// A sentence for the log; who asked reads status 500.
    fn receive(request: webhook::Request) -> Result<webhook::Response, String>;
}

impl<T: Hook> bindings::hook::exports::cordboard::plugin::hook::Guest for T {
    fn on_event(event: hook::Event) {
        <T as Hook>::on_event(event);
    }
}

impl<T: Schedule> bindings::schedule::exports::cordboard::plugin::schedule::Guest for T {
    fn jobs() -> Result<Vec<schedule::Job>, String> {
        <T as Schedule>::jobs()
    }

    fn run(due: schedule::Due) -> Result<(), String> {
        <T as Schedule>::run(due)
    }
}

impl<T: Webhook> bindings::webhook::exports::cordboard::plugin::webhook::Guest for T {
    fn receive(request: webhook::Request) -> Result<webhook::Response, String> {
        <T as Webhook>::receive(request)
    }
}
