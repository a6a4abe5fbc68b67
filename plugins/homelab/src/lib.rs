//! Code that the homelab plugins share: querying servers, reading responses, formatting numbers. Code for only one
//! command belongs in its plugin.

pub mod base64;
pub mod fetch;
pub mod format;
pub mod german;
pub mod json;
pub mod kuma;
pub mod pbs;
pub mod response;
pub mod server;
pub mod testing;
pub mod time;

pub use json::Json;
pub use server::Server;

use cordboard_plugin::{Reply, http::Response, tr};

/// Builds a reply with a button that runs the command again. The new reply replaces the old one.
#[must_use]
pub fn refreshable(text: String, command: &str) -> Reply {
    Reply::text(text).button(tr!("Again"), command).in_place()
}

/// A function that requests a path from a server. The code that builds replies takes it as an argument, so that tests
/// don't need a network.
pub type Fetch<'a> = &'a dyn Fn(&str) -> Result<Response, String>;
