//! The extension points, one trait each. The functions don't take `self`, because an instance lives for only one call.
//! The traits replace the generated ones, which have no default implementations.

use crate::{
    Reply, Session, bindings,
    language::{self, Translated},
};

mod hooks_jobs_webhooks;

pub use hooks_jobs_webhooks::{Hook, Schedule, Webhook, hook, schedule, webhook};

/// The types of the extension point [`Command`](crate::Command).
pub mod command {
    pub use crate::bindings::command::exports::cordboard::plugin::command::{Order, Spec};

    impl Spec {
        /// Creates the spec of a command that every user may run, and that runs after the earlier commands of its
        /// place. `name` is `[a-z0-9_]{1,32}`, without a slash. `usage` is a line to copy, such as "/timeout
        /// \[minutes]", that starts with the command itself, or is empty.
        #[must_use]
        pub fn new(name: &str, summary: &str, usage: &str) -> Self {
            let (name, summary, usage) = (name.to_owned(), summary.to_owned(), usage.to_owned());
            Self { name, summary, usage, min_role: "member".to_owned(), order: Order::InOrder }
        }

        /// Restricts the command to this role and above. `role` is "admin" or "owner".
        #[must_use]
        pub fn min_role(mut self, role: &str) -> Self {
            self.min_role = role.to_owned();
            self
        }

        /// Makes the command run without waiting for the earlier commands of its place, as /stop does.
        #[must_use]
        pub fn at_once(mut self) -> Self {
            self.order = Order::AtOnce;
            self
        }
    }
}

/// The types of the extension point [`Lifecycle`](crate::Lifecycle).
pub mod lifecycle {
    pub use crate::bindings::lifecycle::exports::cordboard::plugin::lifecycle::{Status, Verdict};
}

/// The types of the extension point [`Approval`](crate::Approval).
pub mod approval {
    pub use crate::bindings::approval::exports::cordboard::plugin::approval::{Decision, Outcome, Permission};

    impl Permission {
        /// Returns a value of `facts`.
        #[must_use]
        pub fn fact(&self, name: &str) -> Option<&str> {
            self.facts.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
        }
    }

    impl Decision {
        /// Creates a decision that leaves the use to a user.
        #[must_use]
        pub const fn ask() -> Self {
            Self { outcome: Outcome::Ask, rule: None }
        }

        /// Creates a decision from an outcome and the rule that caused it. The audit log shows the rule.
        #[must_use]
        pub fn by_rule(outcome: Outcome, rule: &str) -> Self {
            Self { outcome, rule: Some(rule.to_owned()) }
        }
    }
}

/// The types of the extension point [`Filter`](crate::Filter).
pub mod filter {
    pub use crate::bindings::filter::exports::cordboard::plugin::filter::{Change, File, Message, Outcome};

    impl Change {
        /// Creates a change that shows no notice in the chat.
        #[must_use]
        pub fn silent(text: impl Into<String>) -> Self {
            Self { text: text.into(), notice: None, facts: Vec::new() }
        }

        /// Creates a change that shows a notice in the chat. `notice` is Markdown.
        #[must_use]
        pub fn with_notice(text: impl Into<String>, notice: impl Into<String>) -> Self {
            Self { text: text.into(), notice: Some(notice.into()), facts: Vec::new() }
        }
    }
}

/// The types of the extension point [`Persona`](crate::Persona).
pub mod persona {
    pub use crate::bindings::persona::exports::cordboard::plugin::persona::{PersonaSettings, Summary};
}

/// The types of the extension point [`View`](crate::View).
pub mod view {
    pub use crate::bindings::view::exports::cordboard::plugin::view::{Action, Limits, Part, Summary, Turn, TurnFrame};
}

/// A command and its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The name of the command, without the slash.
    pub command: String,
    /// The arguments, split as by a shell. Typographic quotes, dashes and full-width characters are replaced with
    /// ASCII, and the punctuation that ends a sentence is removed.
    pub args: Vec<String>,
    /// The arguments as typed. Use this field for free text, such as the text of a reminder.
    pub text: String,
}

impl Call {
    /// Returns the argument at `index`, counted from 0.
    #[must_use]
    pub fn arg(&self, index: usize) -> Option<&str> {
        self.args.get(index).map(String::as_str)
    }
}

/// Answers commands. The crate documentation has an example.
pub trait Command {
    /// Returns the plugin's commands. The host calls this during the trial of a version, when only `config`,
    /// `context` and `log` work: there is no caller, and [`context::now`](crate::context::now) is 0.
    ///
    /// # Errors
    /// The plugin can't run, for example because its configuration is invalid. The host rejects this version or this
    /// configuration, and shows the text.
    fn specs() -> Result<Vec<command::Spec>, String>;

    /// Runs a command.
    ///
    /// # Errors
    /// The command failed. The host shows the text to the caller.
    fn run(call: &Call) -> Result<Reply, String>;
}

/// Decides when an idle agent is stopped, if `[plugins] lifecycle` names this plugin.
///
/// The durations in a verdict count from the review that returns it. To suspend a session at its timeout, return
/// `SuspendAfter` with the remaining time.
/// ```
/// use cordboard_plugin::{Lifecycle, lifecycle::{Status, Verdict}};
///
/// struct Patient;
///
/// impl Lifecycle for Patient {
///     fn review(status: Status) -> Verdict {
///         match status.session.idle_timeout.saturating_sub(status.idle_for) {
///             0 if status.live_agents > 1 => Verdict::Suspend,
///             0 => Verdict::Keep,
///             left => Verdict::ReviewIn(left),
///         }
///     }
/// }
///
/// cordboard_plugin::export!(Patient: lifecycle);
/// # fn main() {}
/// ```
pub trait Lifecycle {
    /// Returns the verdict about an idle agent. The host calls this when a session becomes idle, when its idle time
    /// restarts, when a review is due, and when this plugin, its configuration or the host's settings for the session
    /// change.
    fn review(status: lifecycle::Status) -> lifecycle::Verdict;

    /// Returns the message to show when a session resumes. By default, no message is shown.
    fn resume_notice(_status: lifecycle::Status) -> Option<String> {
        None
    }
}

/// Decides on tool uses that an agent asks permission for, and on announced uses, if `[requests] approval` names this
/// plugin. If the call fails, the host asks a user.
///
/// ```
/// use cordboard_plugin::{Approval, approval::{Decision, Outcome, Permission}};
///
/// struct ReadOnly;
///
/// impl Approval for ReadOnly {
///     fn decide(permission: Permission) -> Decision {
///         match permission.tool.as_str() {
///             "Read" | "Grep" | "Glob" => Decision::by_rule(Outcome::Allow, "tools that only read"),
///             _ => Decision::ask(),
///         }
///     }
/// }
///
/// cordboard_plugin::export!(ReadOnly: approval);
/// # fn main() {}
/// ```
pub trait Approval {
    /// Decides on one tool use, before a user is asked.
    fn decide(permission: approval::Permission) -> approval::Decision;
}

/// Changes or rejects messages before an agent receives them, if `filters` in [plugins] lists this plugin. If the call
/// fails, or the plugin isn't active, the agent doesn't receive the message, and the host notifies its author.
///
/// ```
/// use cordboard_plugin::{Filter, filter::{Change, Message, Outcome}};
///
/// struct Polite;
///
/// impl Filter for Polite {
///     fn kinds() -> Result<Vec<String>, String> {
///         Ok(vec!["text".into()])
///     }
///
///     fn prompt(message: Message) -> Outcome {
///         if message.text.to_lowercase().contains("please") {
///             return Outcome::Pass;
///         }
///         Outcome::Replace(Change::silent(format!("Please: {}", message.text)))
///     }
/// }
///
/// cordboard_plugin::export!(Polite: filter);
/// # fn main() {}
/// ```
pub trait Filter {
    /// Returns the kinds of messages that the filter handles: "text" for messages without files, and kinds of files:
    /// "photo", "file", "voice message", "audio", "video", "animation". "*" matches all messages. The host rejects a
    /// filter that names an unknown kind.
    ///
    /// # Errors
    /// See [`Command::specs`].
    fn kinds() -> Result<Vec<String>, String>;

    /// Decides what happens to a message. Use [`attachments`](crate::attachments) to read its files.
    fn prompt(message: filter::Message) -> filter::Outcome;
}

/// Provides personas, which are sets of instructions for agents.
///
/// The `instructions` are added to the agent's own instructions. The `greeting` is shown in the chat once, when the
/// agent of a new session is ready, and again if the persona changes before the first turn. `model` and `idle_timeout`
/// apply unless the session sets them.
///
/// ```
/// use cordboard_plugin::{Persona, Session, persona::{PersonaSettings, Summary}};
///
/// struct Brevity;
///
/// impl Persona for Brevity {
///     fn summaries() -> Result<Vec<Summary>, String> {
///         Ok(vec![Summary { name: "brief".into(), description: "Says it in three sentences".into() }])
///     }
///
///     fn resolve(_name: &str, _session: Session) -> Result<PersonaSettings, String> {
///         let instructions = "Answer in three sentences at most.".into();
///         Ok(PersonaSettings { instructions, model: None, idle_timeout: None, greeting: None })
///     }
/// }
///
/// cordboard_plugin::export!(Brevity: persona);
/// # fn main() {}
/// ```
pub trait Persona {
    /// Returns the plugin's personas.
    ///
    /// # Errors
    /// See [`Command::specs`].
    fn summaries() -> Result<Vec<persona::Summary>, String>;

    /// Returns the settings of a persona. The host calls this at each start of an agent with a persona of this plugin.
    ///
    /// # Errors
    /// The persona isn't available. The host shows the text to the user.
    fn resolve(name: &str, session: Session) -> Result<persona::PersonaSettings, String>;
}

/// Renders turns. Each mode is a different presentation.
///
/// ```
/// use cordboard_plugin::{Reply, View, view::{Limits, Part, Summary, Turn, TurnFrame}};
///
/// struct Last;
///
/// impl View for Last {
///     fn modes() -> Result<Vec<Summary>, String> {
///         Ok(vec![Summary { name: "last".into(), description: "The last text of the agent".into() }])
///     }
///
///     fn render(_mode: &str, turn: Turn, _limits: Limits) -> Result<TurnFrame, String> {
///         let last = turn.parts.iter().rev().find_map(|part| match part {
///             Part::Text(text) => Some(Reply::text(text.clone())),
///             Part::Action(_) => None,
///         });
///         Ok(TurnFrame { live: (!turn.done).then(|| "Working…".into()), messages: last.into_iter().collect() })
///     }
/// }
///
/// cordboard_plugin::export!(Last: view);
/// # fn main() {}
/// ```
pub trait View {
    /// Returns the plugin's modes.
    ///
    /// # Errors
    /// See [`Command::specs`].
    fn modes() -> Result<Vec<view::Summary>, String>;

    /// Renders one frame. `turn` is the whole turn so far. Only `config`, `context` and `log` work, as in
    /// [`Command::specs`].
    ///
    /// # Errors
    /// The turn can't be rendered. The host logs the text, and shows the turn's plain text instead.
    fn render(mode: &str, turn: view::Turn, limits: view::Limits) -> Result<view::TurnFrame, String>;
}

impl<T: Command + Translated> bindings::command::exports::cordboard::plugin::command::Guest for T {
    fn specs() -> Result<Vec<command::Spec>, String> {
        language::begin::<T>();
        <T as Command>::specs()
    }

    fn run(command: String, args: Vec<String>, text: String) -> Result<Reply, String> {
        language::begin::<T>();
        <T as Command>::run(&Call { command, args, text })
    }
}

impl<T: Lifecycle + Translated> bindings::lifecycle::exports::cordboard::plugin::lifecycle::Guest for T {
    fn review(status: lifecycle::Status) -> lifecycle::Verdict {
        language::begin::<T>();
        <T as Lifecycle>::review(status)
    }

    fn resume_notice(status: lifecycle::Status) -> Option<String> {
        language::begin::<T>();
        <T as Lifecycle>::resume_notice(status)
    }
}

impl<T: Approval + Translated> bindings::approval::exports::cordboard::plugin::approval::Guest for T {
    fn decide(permission: approval::Permission) -> approval::Decision {
        language::begin::<T>();
        <T as Approval>::decide(permission)
    }
}

impl<T: Filter + Translated> bindings::filter::exports::cordboard::plugin::filter::Guest for T {
    fn kinds() -> Result<Vec<String>, String> {
        language::begin::<T>();
        <T as Filter>::kinds()
    }

    fn prompt(message: filter::Message) -> filter::Outcome {
        language::begin::<T>();
        <T as Filter>::prompt(message)
    }
}

impl<T: Persona + Translated> bindings::persona::exports::cordboard::plugin::persona::Guest for T {
    fn summaries() -> Result<Vec<persona::Summary>, String> {
        language::begin::<T>();
        <T as Persona>::summaries()
    }

    fn resolve(name: String, session: Session) -> Result<persona::PersonaSettings, String> {
        language::begin::<T>();
        <T as Persona>::resolve(&name, session)
    }
}

impl<T: View + Translated> bindings::view::exports::cordboard::plugin::view::Guest for T {
    fn modes() -> Result<Vec<view::Summary>, String> {
        language::begin::<T>();
        <T as View>::modes()
    }

    fn render(mode: String, turn: view::Turn, limits: view::Limits) -> Result<view::TurnFrame, String> {
        language::begin::<T>();
        <T as View>::render(&mode, turn, limits)
    }
}
