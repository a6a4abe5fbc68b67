//! What the homelab commands share: how a server is asked, how its answer is read, how numbers are shown. It must never
//! know what a command shows: that stands in its plugin.

pub mod base64;
pub mod fetch;
pub mod json;
pub mod kuma;
pub mod pbs;
pub mod server;
pub mod show;
pub mod time;

pub use json::Json;
pub use server::{Answer, Server};

use cordboard_plugin::Reply;

/// A reply with a button that asks again, in the same message.
#[must_use]
pub fn fresh(text: String, command: &str) -> Reply {
    Reply::text(text).button("Again", command).in_place()
}

/// Asks a server for a path. Given to what makes a reply of the answers, so that it can be tried without a host.
pub type Ask<'a> = &'a dyn Fn(&str) -> Result<Answer, String>;
