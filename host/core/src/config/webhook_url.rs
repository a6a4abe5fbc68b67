//! Parses the URL in `[telegram] webhook` according to the rules of the Bot API.

use super::value::{Value, ValueError, non_blank, shorten};

/// The ports to which Telegram sends updates. The first one is the default.
const PORTS: [u16; 4] = [443, 80, 88, 8443];

/// The URL to which Telegram sends updates: `https`, a host, an optional port from [`PORTS`], and a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookUrl {
    url: String,
    /// The position of the path in `url`.
    path: usize,
}

impl WebhookUrl {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.url
    }

    /// Returns the webhook URL for the bot of `[telegram.NAME]`: this URL with the bot's name appended to the path. Bot
    /// names follow the rule for plugin names, so they need no encoding.
    #[must_use]
    pub(super) fn of_bot(&self, name: &str) -> Self {
        Self { url: format!("{}/{name}", self.url.trim_end_matches('/')), path: self.path }
    }

    /// Returns the path, which begins with a slash and has at least one more character.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.url[self.path..]
    }
}

pub(super) fn parse(value: &Value<'_>) -> Result<WebhookUrl, ValueError> {
    let url = non_blank(value)?;
    let wrong = |what: &str| {
        Err(ValueError::new(format!("{what}, such as \"https://bot.example.org/telegram\", not \"{}\"", shorten(&url))))
    };
    if url.contains('@') {
        // The part before the `@` may be a password.
        return Err(ValueError::hidden("must not contain a user name or a password", value));
    }
    let Some(rest) = url.strip_prefix("https://") else {
        return wrong("must begin with https://, because Telegram sends updates only over HTTPS");
    };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let (host, port) = authority.split_once(':').map_or((authority, None), |(host, port)| (host, Some(port)));
    let is_name = |host: &str| host.chars().all(|char| char.is_alphanumeric() || char == '.' || char == '-');
    if host.is_empty() || !is_name(host) {
        return wrong("must have the name or the IPv4 address of a host");
    }
    if port.is_some_and(|port| !port.parse().is_ok_and(|port| PORTS.contains(&port))) {
        return wrong("must have one of the ports to which Telegram sends updates (443, 80, 88 or 8443) or none");
    }
    if path.len() < 2 {
        return wrong("must have a path");
    }
    // Telegram might encode other characters, and the path of its requests would not match.
    if !path.bytes().all(|byte| byte.is_ascii_graphic() && !b"?#\"<>\\^`{|}".contains(&byte)) {
        return wrong("must have a path of plain characters, without a query");
    }
    let path = url.len() - path.len();
    Ok(WebhookUrl { url, path })
}
