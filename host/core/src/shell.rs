//! Quotes paths in the commands that Cordboard prints.

use std::path::Path;

/// Returns the path as one word of a shell command. Adds quotes only if the path needs them.
#[must_use]
pub fn quote_path(path: &Path) -> String {
    shell_words::quote(&path.to_string_lossy()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_stays_one_word() {
        for path in ["/etc/cordboard.toml", "/home/a b/it's", "/$HOME/`x`", "/a\nb"] {
            assert_eq!(shell_words::split(&quote_path(Path::new(path))).unwrap(), [path]);
        }
        assert_eq!(quote_path(Path::new("/etc/cordboard.toml")), "/etc/cordboard.toml");
    }
}
