//! When a saved value acts. Each key is listed here: a test compares the list with the keys that there are, and saves each of them.

/// From when on a new value counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Acts {
    /// From its next use on, also in a turn that runs.
    AtOnce,
    /// From the next turn on: an answer that runs is not disturbed.
    NextTurn,
    /// From the next start of the host on; the chat says so.
    NextStart,
}

/// By table; `NAME` stands for what the operator names.
const KEYS: [(&str, &[&str], Acts); 13] = [
    ("telegram", &["token_file", "api_url"], Acts::NextStart),
    ("telegram", &["edit_pause", "gather", "give_up"], Acts::AtOnce),
    ("access", &["owner", "admins", "members"], Acts::AtOnce),
    ("sessions", &["default", "idle_timeout", "queue", "kept", "roots", "folders"], Acts::AtOnce),
    ("console", &["drain"], Acts::AtOnce),
    ("webhook", &["listen"], Acts::NextStart),
    ("webhook", &["body"], Acts::AtOnce),
    ("agents", &["default"], Acts::AtOnce),
    // A name that is new in `pass_env` is the exception: the host has forgotten that variable.
    ("agents.NAME", &["kind", "command", "args", "model", "permission_mode", "pass_env", "env"], Acts::NextTurn),
    ("plugins", &["folder", "parallel", "cache"], Acts::NextStart),
    (
        "plugins",
        &[
            "lifecycle",
            "rescan",
            "time",
            "memory",
            "calls",
            "log",
            "reply",
            "state",
            "http_body",
            "http_time",
            "probation",
            "probation_traps",
            "drain",
        ],
        Acts::AtOnce,
    ),
    (
        "plugins.NAME",
        &[
            "grants",
            "acts_as",
            "http",
            "private",
            "ca",
            "secrets",
            "tcp",
            "sha256",
            "time",
            "memory",
            "calls",
            "log",
            "reply",
            "state",
            "http_body",
            "http_time",
            "config",
            "webhook",
        ],
        Acts::AtOnce,
    ),
    ("plugins.NAME.webhook", &["hmac", "token", "header"], Acts::AtOnce),
];

/// When a new value of `key` in `table` acts; none: there is no such key.
#[must_use]
pub fn acts(table: &str, key: &str) -> Option<Acts> {
    KEYS.iter().find(|(of, keys, _)| *of == table && keys.contains(&key)).map(|(.., acts)| *acts)
}
