//! The remedies for plugin files that cannot be used.

use std::path::Path;

/// The start of the watcher's message about a file that it cannot read.
const UNREADABLE: &str = "it cannot be read: ";

/// The start of the watcher's message about a file that is too large.
const TOO_LARGE: &str = "it is larger than ";

/// Adds the path and the remedy to a known reason. Other reasons are unchanged.
pub fn unusable(path: &Path, why: &str) -> String {
    let path = path.display();
    match why.strip_prefix(UNREADABLE) {
        Some(cause) if cause.starts_with("Permission denied") => {
            format!("{why}; make it readable for the user that runs Cordboard, for example with `chmod u+r {path}`")
        }
        Some(_) => format!("{why}; check {path}, or copy it again"),
        None if why.starts_with(TOO_LARGE) => {
            format!("{why}; build {path} again with optimizations, and without debug information")
        }
        None => why.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn an_unusable_file_names_its_path_and_the_remedy() {
        let path = Path::new("/p/x.wasm");
        let unreadable = |error: io::Error| unusable(path, &format!("{UNREADABLE}{error}"));
        assert_eq!(
            unreadable(io::Error::from_raw_os_error(13)),
            "it cannot be read: Permission denied (os error 13); make it readable for the user that runs Cordboard, for example with `chmod u+r /p/x.wasm`"
        );
        assert!(unreadable(io::Error::from_raw_os_error(5)).ends_with("; check /p/x.wasm, or copy it again"));
        assert!(unusable(path, "it is larger than 64 MiB").contains("; build /p/x.wasm again with optimizations"));
        assert_eq!(unusable(path, "others may write to it"), "others may write to it");
    }
}
