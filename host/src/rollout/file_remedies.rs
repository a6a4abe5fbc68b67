//! The remedies for plugin files that cannot be used.

use std::path::Path;

use cordboard_core::shell::quote_path;
use cordboard_watch::FileError;

/// Returns the error's text. If the file can't be read or is too large, adds the path and a remedy.
pub fn with_remedy(path: &Path, error: &FileError) -> String {
    let shown = path.display();
    match error {
        FileError::Io(cause) if cause.starts_with("Permission denied") => {
            let path = quote_path(path);
            format!("{error}; make it readable for the user that runs Cordboard, for example with `chmod u+r {path}`")
        }
        FileError::Io(_) => format!("{error}; check {shown}, or copy it again"),
        FileError::TooLarge { .. } => {
            format!("{error}, for example build {shown} again with optimizations and without debug information")
        }
        FileError::InvalidName
        | FileError::DanglingLink { .. }
        | FileError::CircularLink { .. }
        | FileError::NotRegular { .. }
        | FileError::NotPrivate(_) => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn an_unusable_file_names_its_path_and_the_remedy() {
        let text = |error| with_remedy(Path::new("/p/x.wasm"), &error);
        let unreadable = |code| text(FileError::Io(io::Error::from_raw_os_error(code).to_string()));
        assert_eq!(
            unreadable(13),
            "it cannot be read: Permission denied (os error 13); make it readable for the user that runs Cordboard, for example with `chmod u+r /p/x.wasm`"
        );
        let unreadable_name = FileError::Io(io::Error::from_raw_os_error(13).to_string());
        assert!(with_remedy(Path::new("/p/my x.wasm"), &unreadable_name).ends_with("`chmod u+r '/p/my x.wasm'`"));
        assert!(unreadable(5).ends_with("; check /p/x.wasm, or copy it again"));
        assert!(text(FileError::TooLarge { limit: 64 << 20 }).ends_with(
            "64 MiB: make it smaller, for example build /p/x.wasm again with optimizations and without debug information"
        ));
        assert_eq!(text(FileError::NotPrivate("others may write to it".to_owned())), "others may write to it");
    }
}
