//! The notices about changes to the configuration file.

use tr::tr;

use std::collections::BTreeSet;

#[must_use]
pub fn valid_again() -> String {
    tr!("The configuration is valid again and active.")
}

#[must_use]
pub fn invalid(why: &str) -> String {
    tr!("The new configuration can't be used, and the previous one stays active:\n{why}", why)
}

/// Returns the notice that the status page's new address can't be used.
#[must_use]
pub fn status_page_off(why: &str) -> String {
    tr!("The status page is off: {why}. Set another address in `[status] listen`.", why)
}

#[must_use]
pub fn at_next_start(keys: &BTreeSet<String>) -> String {
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    tr!("These configuration keys take effect at the next start: {}.", keys.join(", "))
}
