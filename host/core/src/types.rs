//! The words that all parts share: names, places, people, moments, sessions, replies. Data alone, no decisions.

mod moment;
mod name;
mod people;
mod prompt;
mod reply;
mod request;
mod session;

pub use moment::Moment;
pub use name::{InvalidName, MODEL_NAME_RULE, PLUGIN_NAME_RULE, SessionName, is_model_name, is_plugin_name};
pub use people::{ActiveFor, Caller, Place, Role, UserId};
pub use prompt::{Kept, Prompt};
pub use reply::{Alert, Attachment, Button, Content, Reply, Words};
pub use request::{Choice, Request};
pub use session::{Phase, ProcessId, SessionRecord, SessionView};
