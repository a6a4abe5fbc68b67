//! `[webhook]`, which configures the listener for HTTP requests, and `[plugins.NAME.webhook]`, which configures the
//! authentication of requests to a plugin.

// `SocketAddr` is only a value here: this crate opens no sockets.
use core::net::SocketAddr;
use std::ops::RangeInclusive;

use super::{
    network_grants::{Secrets, secret_name},
    section::{Section, is_plain},
    value::{Value, ValueError, bytes, non_blank, shorten},
};

/// The maximum bounds the host's memory use, because the host buffers each request's whole body.
const BODY: RangeInclusive<u64> = 1 << 10..=64 << 20;

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Webhook {
    /// The loopback address to listen on. `None` disables the listener.
    pub listen: Option<SocketAddr>,
    /// The maximum size of a request's body in bytes.
    pub body: u64,
}

/// The authentication of requests to a plugin by a token or a signature. If both are configured, a request needs only
/// one of them; if neither is configured, all requests are rejected.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WebhookAuth {
    /// The name of the secret that the request must contain as a token.
    pub token: Option<String>,
    /// The name of the secret that the sender uses to sign the body (HMAC-SHA-256).
    pub hmac: Option<String>,
    /// The lower-case name of the header that contains the signature, or the token if `hmac` isn't set. `None` selects
    /// the default header.
    pub header: Option<String>,
}

impl Webhook {
    pub(super) fn merge(&mut self, section: &mut Section<'_, '_>) {
        section.set_some("listen", &mut self.listen, loopback);
        section.set("body", &mut self.body, bytes(BODY));
    }
}

impl WebhookAuth {
    /// Returns whether neither a token nor a signature is configured.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.token.is_none() && self.hmac.is_none()
    }

    pub(super) fn merge(&mut self, section: &mut Section<'_, '_>, secrets: &Secrets) {
        section.set_some("token", &mut self.token, |value| secret_name(value, secrets));
        section.set_some("hmac", &mut self.hmac, |value| secret_name(value, secrets));
        section.set_some("header", &mut self.header, header);
    }
}

/// Parses a loopback address with a port. Rejects all other addresses, because other machines must connect through a
/// reverse proxy, which terminates TLS.
pub(super) fn loopback(value: &Value<'_>) -> Result<SocketAddr, ValueError> {
    let written = non_blank(value)?;
    let address = written.parse::<SocketAddr>().ok().filter(|address| address.ip().is_loopback());
    address.ok_or_else(|| {
        let written = shorten(&written);
        ValueError::new(format!(
            "must be a loopback address with a port, such as \"127.0.0.1:8787\", not \"{written}\"; for access from other machines use a reverse proxy"
        ))
    })
}

/// Parses the name of a header, and returns it in lower case.
pub(super) fn header(value: &Value<'_>) -> Result<String, ValueError> {
    let name = non_blank(value)?;
    if is_plain(&name) {
        return Ok(name.to_ascii_lowercase());
    }
    Err(ValueError::new(format!(
        "must be the name of a header, such as \"X-Hub-Signature-256\", not \"{}\"",
        shorten(&name)
    )))
}
