//! `[log]`: the format of the host's log, and the levels of its parts.

use std::collections::BTreeMap;

use super::{
    section::Section,
    value::{ValueError, one_of},
};

/// The maximum length of a target, in bytes. The names of modules are shorter.
const MAX_TARGET_LENGTH: usize = 200;

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Log {
    pub format: LogFormat,
    /// The levels by target: a crate or a module path, such as `cordboard::hub`.
    pub levels: BTreeMap<String, LogLevel>,
}

/// Selects the format of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogFormat {
    /// `Journald` if systemd connects standard error to its journal, else `Text`.
    #[default]
    Auto,
    Text,
    Json,
    Journald,
}

impl LogFormat {
    const ALL: &[Self] = &[Self::Auto, Self::Text, Self::Json, Self::Journald];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Text => "text",
            Self::Json => "json",
            Self::Journald => "journald",
        }
    }
}

/// The least severe level that is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogLevel {
    Off,
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

impl LogLevel {
    const ALL: &[Self] = &[Self::Off, Self::Error, Self::Warn, Self::Info, Self::Debug, Self::Trace];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}

impl Log {
    pub(super) fn merge(&mut self, section: &mut Section<'_, '_>) {
        section.set("format", &mut self.format, one_of(LogFormat::ALL, LogFormat::as_str));
        section.free_table("levels", |target, value| {
            let name = target.get_ref();
            if !is_log_target(name) {
                let text = "must be the name of a crate or a module, such as cordboard::hub";
                return Err(ValueError::new(text).at(target.span()));
            }
            self.levels.insert(name.to_string(), one_of(LogLevel::ALL, LogLevel::as_str)(value)?);
            Ok(())
        });
    }
}

/// Returns whether the text can be a target. Other characters would change the meaning of the log filter.
#[must_use]
pub fn is_log_target(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':');
    (1..=MAX_TARGET_LENGTH).contains(&text.len()) && text.bytes().all(fits)
}
