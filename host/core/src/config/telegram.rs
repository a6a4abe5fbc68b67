//! `[telegram]`: access to the Bot API, and the limits on message timing and size.

// `SocketAddr` is only a value here: this crate opens no sockets.
use core::net::SocketAddr;
use std::{ops::RangeInclusive, path::PathBuf, time::Duration};

use toml::de::DeValue;

use super::{
    section::Section,
    value::{Value, ValueError, bytes, non_blank, number, one_of, path, shorten, span},
    webhook::loopback,
    webhook_url::{self, WebhookUrl},
};

/// With a shorter pause, the Bot API rejects edits with status 429; with a longer one, a streaming message looks stuck.
const EDIT_PAUSE: RangeInclusive<Duration> = Duration::from_millis(100)..=Duration::from_secs(60);

/// While a Bot API server is starting, it may reject a valid token for a few seconds, so the host must not give up
/// immediately.
const GIVE_UP: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(7 * 24 * 60 * 60);

/// The parts of a paste arrive within 100 ms of each other, and the parts of an album within 500 ms.
const GATHER: RangeInclusive<Duration> = Duration::ZERO..=Duration::from_secs(10);

const RING_AFTER: RangeInclusive<Duration> = Duration::ZERO..=Duration::from_secs(60 * 60);

/// With a lower limit, even the excerpt shown above the file would exceed it.
const DOCUMENT_OVER: RangeInclusive<usize> = 1000..=1_000_000;

/// Above the maximum, Telegram's own limit applies.
const PER_MINUTE: RangeInclusive<usize> = 1..=10_000;

/// The maximum is the limit of a self-hosted Bot API server.
const FILE_LIMIT: RangeInclusive<u64> = 1 << 20..=2000 << 20;

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Telegram {
    /// The path of the file that contains the bot's token, absolute or relative to the configuration's folder. `None`
    /// if there are no bots, or only those of `[telegram.NAME]`.
    pub token_file: Option<PathBuf>,
    /// The URL of the Bot API, without a trailing slash.
    pub api_url: String,
    /// The URL to which Telegram sends updates. `None` selects polling.
    pub webhook: Option<WebhookUrl>,
    /// The loopback address to listen on for updates if `webhook` is set. The default configuration sets this address.
    pub webhook_listen: Option<SocketAddr>,
    /// The minimum time between two updates of a streaming answer.
    pub edit_pause: Duration,
    pub stream: Stream,
    pub rich: RichMode,
    pub topics: TopicMode,
    /// The host exits when the Bot API has rejected the token continuously for this long.
    pub give_up: Duration,
    /// The time that a part of an album or of a long paste waits for the next part. Zero disables joining.
    pub gather: Duration,
    /// The end of a streamed answer triggers a notification if the turn took at least this long.
    pub ring_after: Duration,
    /// The length in characters above which an answer, or a block of code in it, is sent as a file.
    pub document_over: usize,
    /// The maximum size of a file that a user sends, in bytes.
    pub file_limit: u64,
    /// The maximum number of messages, button presses and edits that a member may send per minute. Immediate commands
    /// are counted separately.
    pub per_minute: Option<usize>,
}

/// Selects how an answer is shown while the agent works on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Stream {
    /// As a draft in private chats, and like `Edit` in groups.
    #[default]
    Draft,
    /// As a message that is edited.
    Edit,
    /// The answer isn't shown; the chat shows only that the agent is working.
    Off,
}

/// Selects whether answers may be rich messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RichMode {
    #[default]
    Off,
    /// Answers with a table or long code are rich messages.
    Auto,
}

impl RichMode {
    const ALL: &[Self] = &[Self::Off, Self::Auto];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Auto => "auto",
        }
    }
}

impl Stream {
    const ALL: &[Self] = &[Self::Draft, Self::Edit, Self::Off];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Edit => "edit",
            Self::Off => "off",
        }
    }
}

/// Selects whether the bot creates a topic for each new session in chats that have topics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TopicMode {
    #[default]
    Off,
    Create,
}

impl TopicMode {
    const ALL: &[Self] = &[Self::Off, Self::Create];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Create => "create",
        }
    }
}

/// The maximum size of a file that a bot may send through Telegram's own server, in bytes.
const MAX_UPLOAD_SIZE: u64 = 50 << 20;

impl Telegram {
    /// Returns the maximum size of a file that the bot may send, in bytes. A larger `file_limit` needs a self-hosted
    /// Bot API server, which also accepts larger files.
    #[must_use]
    pub fn largest_upload(&self) -> u64 {
        self.file_limit.max(MAX_UPLOAD_SIZE)
    }

    pub(super) fn merge(&mut self, section: &mut Section<'_, '_>) {
        section.set_some("token_file", &mut self.token_file, token_file);
        section.set_some("webhook", &mut self.webhook, webhook_url::parse);
        section.set_some("webhook_listen", &mut self.webhook_listen, loopback);
        self.merge_bot_keys(section);
    }

    /// Reads the keys that each bot of `[telegram.NAME]` may override.
    pub(super) fn merge_bot_keys(&mut self, section: &mut Section<'_, '_>) {
        section.set("api_url", &mut self.api_url, url);
        section.set("edit_pause", &mut self.edit_pause, span(EDIT_PAUSE));
        section.set("stream", &mut self.stream, one_of(Stream::ALL, Stream::as_str));
        section.set("rich", &mut self.rich, one_of(RichMode::ALL, RichMode::as_str));
        section.set("topics", &mut self.topics, one_of(TopicMode::ALL, TopicMode::as_str));
        section.set("gather", &mut self.gather, span(GATHER));
        section.set("ring_after", &mut self.ring_after, span(RING_AFTER));
        section.set("document_over", &mut self.document_over, number(DOCUMENT_OVER));
        section.set("file_limit", &mut self.file_limit, bytes(FILE_LIMIT));
        section.set_some("per_minute", &mut self.per_minute, number(PER_MINUTE));
        section.set("give_up", &mut self.give_up, span(GIVE_UP));
    }
}

/// Parses the path of the token file. If the value is a token instead of a path, the error doesn't show it.
pub(super) fn token_file(value: &Value<'_>) -> Result<PathBuf, ValueError> {
    let is_token = |text: &str| {
        // A pasted token may contain invisible characters.
        let text: String = text.trim().chars().filter(char::is_ascii_graphic).collect();
        text.split_once(':').is_some_and(|(bot, secret)| {
            !bot.is_empty()
                && bot.bytes().all(|byte| byte.is_ascii_digit())
                && secret.len() >= 20
                && !secret.contains('/')
        })
    };
    if let DeValue::String(text) = value.get_ref()
        && is_token(text)
    {
        return Err(ValueError::hidden("must be the path of a file with the token, not the token itself", value));
    }
    path(value)
}

fn url(value: &Value<'_>) -> Result<String, ValueError> {
    let url = non_blank(value)?;
    let host = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let plain = |host: &str| !host.is_empty() && !host.starts_with('/') && !host.contains(char::is_whitespace);
    if host.is_some_and(plain) {
        return Ok(url.trim_end_matches('/').to_owned());
    }
    let expected = "must begin with https:// or http:// and a host";
    if url.contains('@') {
        // The part before the `@` may be a password.
        return Err(ValueError::hidden(expected, value));
    }
    Err(ValueError::new(format!("{expected}, not \"{}\"", shorten(&url))))
}
