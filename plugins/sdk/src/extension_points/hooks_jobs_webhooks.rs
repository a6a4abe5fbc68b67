//! The extension points for events, scheduled jobs and HTTP requests.
//!
//! Calls to these extension points have no caller, and therefore no rights to sessions, unless the operator grants them
//! the owner's rights with `[plugins.NAME] acts_as = "owner"`.

use crate::{
    bindings,
    language::{self, Translated},
};

/// The types of the extension point [`Hook`](crate::Hook).
pub mod hook {
    pub use crate::bindings::hook::exports::cordboard::plugin::hook::Event;

    /// The kinds of events. Later versions may add kinds.
    pub mod kind {
        pub const HOST_STARTED: &str = "host-started";
        pub const CREATED: &str = "created";
        /// An agent is ready, in a new conversation.
        pub const STARTED: &str = "started";
        /// An agent is ready, with its earlier conversation.
        pub const RESUMED: &str = "resumed";
        pub const TURN_STARTED: &str = "turn-started";
        pub const TURN_FINISHED: &str = "turn-finished";
        pub const SUSPENDED: &str = "suspended";
        pub const ASKING: &str = "asking";
        pub const BROKEN: &str = "broken";
        pub const ARCHIVED: &str = "archived";
        pub const RESTORED: &str = "restored";
        pub const RENAMED: &str = "renamed";
    }

    impl Event {
        /// Parses `data` as the type `T`. Needs the `json` feature.
        ///
        /// # Errors
        /// A value is missing or has an unexpected type. The text contains the event's kind and the parser's message.
        #[cfg(feature = "json")]
        pub fn parse<T: serde::de::DeserializeOwned>(&self) -> Result<T, String> {
            serde_json::from_str(&self.data).map_err(|error| format!("the data of '{}': {error}", self.kind))
        }
    }
}

/// The types of the extension point [`Schedule`](crate::Schedule).
pub mod schedule {
    pub use crate::bindings::schedule::exports::cordboard::plugin::schedule::{DueJob, Job};

    impl Job {
        /// Creates a job. `cron` has the fields minute, hour, day of month, month and day of week, in the host's time
        /// zone, as in "30 7 * * mon-fri".
        #[must_use]
        pub fn new(name: &str, cron: &str) -> Self {
            Self { name: name.to_owned(), cron: cron.to_owned() }
        }
    }
}

/// The types of the extension point [`Webhook`](crate::Webhook).
pub mod webhook {
    pub use crate::bindings::webhook::exports::cordboard::plugin::webhook::{Request, Response};

    impl Request {
        /// Returns the value of the first header of that name. `name` must be in lower case.
        #[must_use]
        pub fn header(&self, name: &str) -> Option<&str> {
            self.headers.iter().find(|(one, _)| one == name).map(|(_, value)| value.as_str())
        }

        /// Parses the body as the type `T`. Needs the `json` feature.
        ///
        /// # Errors
        /// The body can't be parsed.
        #[cfg(feature = "json")]
        pub fn parse<T: serde::de::DeserializeOwned>(&self) -> Result<T, String> {
            serde_json::from_slice(&self.body).map_err(|error| format!("the body of the request: {error}"))
        }
    }

    impl Response {
        /// Creates a response with one line of plain text.
        #[must_use]
        pub fn text(status: u16, text: &str) -> Self {
            let headers = vec![("content-type".to_owned(), "text/plain; charset=utf-8".to_owned())];
            Self { status, headers, body: format!("{text}\n").into_bytes() }
        }
    }
}

/// Receives events after they have happened. A hook can't influence them.
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
    /// Handles an event. The host delivers events in order, but not those that this call causes.
    fn on_event(event: hook::Event);
}

/// Runs jobs at scheduled times.
///
/// ```
/// use cordboard_plugin::{Schedule, log, schedule::{DueJob, Job}};
///
/// struct Morning;
///
/// impl Schedule for Morning {
///     fn jobs() -> Result<Vec<Job>, String> {
///         Ok(vec![Job::new("greet", "30 7 * * mon-fri")])
///     }
///
///     fn run(job: DueJob) -> Result<(), String> {
///         log::info(&format!("{} is due, {} earlier runs were missed", job.name, job.missed));
///         Ok(())
///     }
/// }
///
/// cordboard_plugin::export!(Morning: schedule);
/// # fn main() {}
/// ```
pub trait Schedule {
    /// Returns the plugin's jobs. The host calls this during the trial of a version, when only `config`, `context` and
    /// `log` work: there is no caller, and [`context::now`](crate::context::now) is 0.
    ///
    /// # Errors
    /// See [`Command::specs`](crate::Command::specs).
    fn jobs() -> Result<Vec<schedule::Job>, String>;

    /// Runs a due job. A job's runs never overlap, and one run replaces all missed runs.
    ///
    /// # Errors
    /// The job failed. The host logs the text.
    fn run(job: schedule::DueJob) -> Result<(), String>;
}

/// Answers HTTP requests whose token or signature the host has checked.
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
    /// Handles a request. The same request may arrive twice, because senders may repeat a request that wasn't answered
    /// in time.
    ///
    /// # Errors
    /// The request can't be handled. The host logs the text, and the sender gets status 500.
    fn receive(request: webhook::Request) -> Result<webhook::Response, String>;
}

impl<T: Hook + Translated> bindings::hook::exports::cordboard::plugin::hook::Guest for T {
    fn on_event(event: hook::Event) {
        language::begin::<T>();
        <T as Hook>::on_event(event);
    }
}

impl<T: Schedule + Translated> bindings::schedule::exports::cordboard::plugin::schedule::Guest for T {
    fn jobs() -> Result<Vec<schedule::Job>, String> {
        language::begin::<T>();
        <T as Schedule>::jobs()
    }

    fn run(job: schedule::DueJob) -> Result<(), String> {
        language::begin::<T>();
        <T as Schedule>::run(job)
    }
}

impl<T: Webhook + Translated> bindings::webhook::exports::cordboard::plugin::webhook::Guest for T {
    fn receive(request: webhook::Request) -> Result<webhook::Response, String> {
        language::begin::<T>();
        <T as Webhook>::receive(request)
    }
}
