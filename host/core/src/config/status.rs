//! `[status]`: the address of the status page and the metrics, and who may read them.

// `SocketAddr` is only a value here: this crate opens no sockets.
use core::net::SocketAddr;
use std::{collections::BTreeSet, path::PathBuf};

use super::{
    section::Section,
    value::{Value, ValueError, list, non_blank, path, shorten},
    webhook::header,
};

/// The header in which `tailscale serve` passes the user's login.
const DEFAULT_USER_HEADER: &str = "tailscale-user-login";

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Status {
    /// The address to listen on. `None` disables the listener. It is a loopback address unless `token_file` is set.
    pub listen: Option<SocketAddr>,
    /// The path of the file that contains the access token, absolute or relative to the configuration's folder.
    pub token_file: Option<PathBuf>,
    /// The lower-case name of the header in which a reverse proxy passes the user. `None` selects the default header.
    user_header: Option<String>,
    /// The users who have access through the header. Set only together with a loopback address, because other machines
    /// could send the header themselves.
    pub users: BTreeSet<String>,
    /// The host names, in lower case, at which a reverse proxy serves the page.
    pub hosts: BTreeSet<String>,
}

impl Status {
    /// Returns the lower-case name of the header in which a reverse proxy passes the user.
    #[must_use]
    pub fn user_header(&self) -> &str {
        self.user_header.as_deref().unwrap_or(DEFAULT_USER_HEADER)
    }

    pub(super) fn merge(&mut self, section: &mut Section<'_, '_>) {
        let listen = section.set_some("listen", &mut self.listen, address);
        section.set_some("token_file", &mut self.token_file, path);
        let user_header = section.set_some("user_header", &mut self.user_header, header);
        section.set("users", &mut self.users, list(non_blank));
        section.set("hosts", &mut self.hosts, list(host_name));
        if let Some(at) = user_header.filter(|_| self.users.is_empty()) {
            let message = "'user_header' in [status] needs users: add users = [\"ada@example.com\"]".to_owned();
            section.report(at, message);
        }
        let is_open = self.listen.is_some_and(|address| !address.ip().is_loopback());
        let Some(at) = listen.filter(|_| is_open) else { return };
        if self.token_file.is_none() {
            let remedy = "set token_file, or use a loopback address, such as \"127.0.0.1:8788\"";
            section.report(at, format!("'listen' in [status] is reachable from other machines: {remedy}"));
        } else if !self.users.is_empty() {
            let why = "other machines can send the header of users themselves";
            section.report(at, format!("'listen' in [status] must be a loopback address if users is set: {why}"));
        }
    }
}

fn address(value: &Value<'_>) -> Result<SocketAddr, ValueError> {
    let written = non_blank(value)?;
    written.parse().map_err(|_| {
        let written = shorten(&written);
        ValueError::new(format!("must be an IP address with a port, such as \"127.0.0.1:8788\", not \"{written}\""))
    })
}

fn host_name(value: &Value<'_>) -> Result<String, ValueError> {
    let name = non_blank(value)?;
    let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.');
    if is_name {
        return Ok(name.to_ascii_lowercase());
    }
    Err(ValueError::new(format!(
        "must contain host names without scheme and port, such as \"host.example.com\", not \"{}\"",
        shorten(&name)
    )))
}
