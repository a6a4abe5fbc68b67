//! The notices about changes to the configuration file.

use std::collections::BTreeSet;

pub const VALID_AGAIN: &str = "The configuration is valid again and active.";

#[must_use]
pub fn invalid(why: &str) -> String {
    format!("The new configuration can't be used, and the previous one stays active:\n{why}")
}

#[must_use]
pub fn at_next_start(keys: &BTreeSet<String>) -> String {
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    format!("These configuration keys take effect at the next start: {}.", keys.join(", "))
}
