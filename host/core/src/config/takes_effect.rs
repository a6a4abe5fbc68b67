//! Lists, for each configuration key, when a new value takes effect. Tests compare this list with the keys that the
//! parser knows.

/// When a new value takes effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TakesEffect {
    /// At the next use of the value, even during a turn.
    AtOnce,
    /// At the next turn; a running turn is not interrupted.
    NextTurn,
    /// At the next start of the host. The host reports the change in the chat.
    NextStart,
}

/// The call limits, which `[plugins.NAME]` may override.
const CALL_LIMITS: &[&str] = &["time", "memory", "calls", "log", "reply", "state", "http_body", "http_time"];

/// The keys by table. `NAME` is a placeholder for a name that the operator chooses.
const KEYS: [(&str, &[&str], TakesEffect); 28] = [
    ("telegram", &["token_file", "api_url", "webhook", "webhook_listen"], TakesEffect::NextStart),
    (
        "telegram",
        &[
            "document_over",
            "edit_pause",
            "file_limit",
            "gather",
            "give_up",
            "per_minute",
            "rich",
            "ring_after",
            "stream",
            "topics",
        ],
        TakesEffect::AtOnce,
    ),
    ("telegram.NAME", &["token_file", "api_url"], TakesEffect::NextStart),
    (
        "telegram.NAME",
        &[
            "access",
            "agent",
            "document_over",
            "edit_pause",
            "file_limit",
            "gather",
            "give_up",
            "per_minute",
            "persona",
            "rich",
            "ring_after",
            "stream",
            "topics",
        ],
        TakesEffect::AtOnce,
    ),
    ("telegram.NAME.access", &["admins", "members"], TakesEffect::AtOnce),
    ("access", &["owner", "admins", "members", "deny_tools"], TakesEffect::AtOnce),
    (
        "sessions",
        &["default", "idle_timeout", "stall", "busy", "interrupted", "queue", "kept", "roots", "folders"],
        TakesEffect::AtOnce,
    ),
    ("requests", &["expire", "approval"], TakesEffect::AtOnce),
    ("voice", &["command", "timeout"], TakesEffect::AtOnce),
    ("limits", &["agent_memory", "cost_per_day", "free_memory", "live_agents"], TakesEffect::AtOnce),
    ("console", &["drain"], TakesEffect::AtOnce),
    ("language", &["texts"], TakesEffect::AtOnce),
    ("log", &["format"], TakesEffect::NextStart),
    ("log", &["levels"], TakesEffect::AtOnce),
    ("webhook", &["listen"], TakesEffect::NextStart),
    ("webhook", &["body"], TakesEffect::AtOnce),
    ("status", &["hosts", "listen", "token_file", "user_header", "users"], TakesEffect::AtOnce),
    ("agents", &["default"], TakesEffect::AtOnce),
    ("agents.NAME", &["kind", "command", "args", "model", "permission_mode", "pass_env", "env"], TakesEffect::NextTurn),
    ("agents.NAME", &["sandbox", "sandbox_network", "sandbox_read", "sandbox_write"], TakesEffect::NextTurn),
    ("agents.NAME", &["max_memory", "max_processes", "max_cpu_percent"], TakesEffect::NextTurn),
    ("agents.NAME", &["prompt", "silence"], TakesEffect::NextTurn),
    ("plugins", &["folder", "parallel", "cache"], TakesEffect::NextStart),
    ("plugins", &["filters", "lifecycle", "rescan", "probation", "probation_traps", "drain"], TakesEffect::AtOnce),
    ("plugins", CALL_LIMITS, TakesEffect::AtOnce),
    (
        "plugins.NAME",
        &["grants", "acts_as", "http", "private", "ca", "secrets", "tcp", "sha256", "config", "webhook"],
        TakesEffect::AtOnce,
    ),
    ("plugins.NAME", CALL_LIMITS, TakesEffect::AtOnce),
    ("plugins.NAME.webhook", &["hmac", "token", "header"], TakesEffect::AtOnce),
];

/// Returns all keys as pairs of table and key.
pub fn keys() -> impl Iterator<Item = (&'static str, &'static str)> {
    KEYS.iter().flat_map(|(table, keys, _)| keys.iter().map(|key| (*table, *key)))
}

/// Returns when a new value of `key` in `table` takes effect, or `None` if there is no such key.
#[must_use]
pub fn takes_effect(table: &str, key: &str) -> Option<TakesEffect> {
    KEYS.iter().find(|(of, keys, _)| *of == table && keys.contains(&key)).map(|(.., acts)| *acts)
}
