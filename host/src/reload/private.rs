//! Whose a path is: what the host takes code and grants from must be writable by its owner alone. Never changes a mode.

use std::{
    io::ErrorKind,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use super::WatchError;

const GROUP_WRITE: u32 = 0o020;
const OTHERS_WRITE: u32 = 0o002;

/// Whether only this user, or root, may write to `path`. A path with nothing there passes.
///
/// # Errors
/// Names the path, who may write to it, and the command that changes it.
pub fn check_private(path: &Path) -> Result<(), WatchError> {
    let path = PathBuf::from(path);
    let metadata = match path.metadata() {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(source) => return Err(WatchError::Look { path, source }),
    };
    let me = rustix::process::geteuid().as_raw();
    let uid = metadata.uid();
    if uid != 0 && uid != me {
        return Err(WatchError::Foreign { path, uid, me });
    }
    match metadata.mode() {
        mode if mode & OTHERS_WRITE != 0 => Err(WatchError::Writable { path, who: "others" }),
        mode if mode & GROUP_WRITE != 0 => Err(WatchError::Writable { path, who: "its group" }),
        _ => Ok(()),
    }
}

/// What is wrong with a link to nothing; none where `path` is something else.
#[must_use]
pub fn leads_nowhere(path: &Path) -> Option<String> {
    let target = path.read_link().ok()?;
    let nothing = path.metadata().is_err_and(|error| error.kind() == ErrorKind::NotFound);
    nothing.then(|| {
        format!("it is a link to {}, and nothing is there: put the file there, or remove the link", target.display())
    })
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt};

    use super::*;

    fn refusal(mode: u32) -> Option<String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plugins");
        fs::create_dir(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let text = check_private(&path).err()?.to_string();
        Some(text.replace(&path.display().to_string(), "PATH"))
    }

    #[test]
    fn what_others_may_write_is_refused_with_the_remedy() {
        let said = |who: &str| {
            Some(format!("use PATH: {who} may write to it, and grants go with the file name; run `chmod go-w PATH`"))
        };
        assert_eq!(refusal(0o775), said("its group"));
        assert_eq!(refusal(0o757), said("others"));
    }

    #[test]
    fn only_a_link_to_nothing_leads_nowhere() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("file"), "").unwrap();
        std::os::unix::fs::symlink("gone", at("dangling")).unwrap();
        std::os::unix::fs::symlink("file", at("link")).unwrap();
        assert_eq!([at("file"), at("link"), at("none")].map(|path| leads_nowhere(&path)), [None, None, None]);
        assert!(leads_nowhere(&at("dangling")).unwrap().starts_with("it is a link to gone, and nothing is there: "));
    }

    #[test]
    fn readable_by_others_and_absent_are_fine() {
        assert_eq!(refusal(0o755), None);
        assert!(check_private(Path::new("/nowhere/at/all")).is_ok());
        assert!(check_private(Path::new("/usr/bin")).is_ok(), "root's");
    }
}
