//! The notices about changes of the configuration file.

pub const VALID_AGAIN: &str = "The configuration is valid again, and in use.";

#[must_use]
pub fn invalid(why: &str) -> String {
    format!("The new configuration can't be used, and the previous one stays active:\n{why}")
}

#[must_use]
pub fn at_next_start(keys: &[String]) -> String {
    format!("These configuration keys take effect at the next start: {}.", keys.join(", "))
}
