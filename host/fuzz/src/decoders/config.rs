//! Reads configuration files: a valid one has the same meaning with a comment at its end, and each error names a
//! position in the file.

use cordboard_core::{
    config::{self, Config, ConfigError},
    text_file,
};

/// The maximum number of faults in an error.
const MAX_FAULTS: usize = 20;

/// The maximum length of the two lines of an excerpt together, in characters.
const MAX_EXCERPT: usize = 400;

pub fn check(data: &[u8]) {
    let text = match text_file::text(data.to_vec()) {
        Ok(text) => text,
        Err(why) => return assert!(!why.to_string().is_empty()),
    };
    match config::load(&text) {
        Ok(config) => check_valid(&text, &config),
        Err(error) => check_error(&text, &error),
    }
}

fn check_valid(text: &str, config: &Config) {
    let commented = config::load(&format!("{text}\n# a comment"));
    assert_eq!(commented.as_ref(), Ok(config), "a comment changes the configuration");
    let changes = config::diff(config, config);
    assert!(changes.areas.is_empty() && changes.agents.is_empty() && changes.plugins.is_empty(), "{text:?}");
    assert!(config.agents.get(&config.agents.default).is_some(), "{text:?}");
    for span in [config.sessions.idle_timeout, config.requests.expire] {
        assert_eq!(config::parse_duration(&config::format_duration(span)), Some(span));
    }
    assert_eq!(config::parse_size(&config::format_size(config.webhook.body)), Some(config.webhook.body));
}

fn check_error(text: &str, error: &ConfigError) {
    assert!((1..=MAX_FAULTS).contains(&error.faults().len()), "{error}");
    let lines: Vec<&str> = text.split('\n').collect();
    for fault in error.faults() {
        let line = lines.get(fault.line - 1).unwrap_or_else(|| panic!("{fault} is below the last line"));
        assert!((1..=line.chars().count() + 1).contains(&fault.column), "{fault} is outside the line {line:?}");
        assert!(!fault.message.trim().is_empty(), "{fault}");
        let excerpt = fault.excerpt();
        assert_eq!(excerpt.matches('\n').count(), 1, "{excerpt:?}");
        assert!(!excerpt.contains(|c: char| c.is_control() && c != '\n'), "{excerpt:?}");
        assert!(excerpt.chars().count() <= MAX_EXCERPT, "{excerpt:?}");
    }
}
