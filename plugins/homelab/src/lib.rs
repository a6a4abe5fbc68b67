//! Code that the homelab plugins share: querying servers, reading responses, formatting numbers. Contains nothing
//! about a specific command, which belongs in its plugin.

pub mod base64;
pub mod fetch;
pub mod format;
pub mod json;
pub mod kuma;
pub mod pbs;
pub mod server;
pub mod testing;
pub mod time;

pub use json::Json;
pub use server::Server;

use cordboard_plugin::{Reply, http::Response};

/// A reply with a button that repeats the command in the same message.
#[must_use]
pub fn refreshable(text: String, command: &str) -> Reply {
    Reply::text(text).button("Again", command).in_place()
}

/// Sends a request for a path to a server. Passed to the code that builds replies, so that tests don't need a host.
pub type Fetch<'a> = &'a dyn Fn(&str) -> Result<Response, String>;
