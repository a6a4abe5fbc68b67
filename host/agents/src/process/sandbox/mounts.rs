//! Decides which paths are visible in a sandbox, and how. A path is visible only if it, or a folder above it, is
//! listed.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    path::{Path, PathBuf},
};

use super::{OwnFiles, canonical};

/// The folders of the system. `/run` and `/var` are missing, because sockets in them, such as those of the D-Bus
/// session bus and of container engines, let their clients act outside of the sandbox. The exception is a folder below
/// `/var` that contains certificates on some systems.
const SYSTEM: [&str; 12] = [
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/etc",
    "/opt",
    "/nix/store",
    "/gnu/store",
    "/var/lib/ca-certificates",
];

/// Empty folders for temporary files.
const TEMPORARY: [&str; 2] = ["/tmp", "/var/tmp"];

/// A Cordboard file or folder that would be visible in the sandbox and can't be hidden.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "start the sandbox: {} belongs to Cordboard, but is inside {}, which the agent can access; move it out of that \
     folder, or choose another folder for the session",
    own.display(),
    shown.display()
)]
pub struct Exposed {
    own: PathBuf,
    shown: PathBuf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Access {
    Read,
    Write,
    /// An empty folder in memory, which the agent can use until it exits.
    Empty,
}

/// The mounts by path. The order of paths puts each folder before the paths below it, so that the latter are mounted
/// over the former.
#[derive(Debug)]
pub(super) struct Mounts(BTreeMap<PathBuf, Access>);

impl Mounts {
    pub(super) fn of_system() -> Self {
        // Links aren't resolved here, because programs use these paths.
        let system = SYSTEM.map(PathBuf::from).into_iter().filter(|path| path.exists());
        let mut mounts = Self(system.map(|path| (path, Access::Read)).collect());
        mounts.add_empty(TEMPORARY.map(PathBuf::from));
        mounts
    }

    pub(super) fn add_empty(&mut self, paths: impl IntoIterator<Item = PathBuf>) {
        self.add(paths, Access::Empty);
    }

    pub(super) fn add_readable(&mut self, paths: impl IntoIterator<Item = PathBuf>) {
        self.add(paths, Access::Read);
    }

    pub(super) fn add_writable(&mut self, paths: impl IntoIterator<Item = PathBuf>) {
        self.add(paths, Access::Write);
    }

    /// Adds the paths that exist. A path below a folder that the agent can change is skipped, because it is visible
    /// anyway, and because the agent could replace it with a link to any other path. So add the folders that the agent
    /// can change first. Adding such a folder again doesn't make it read-only.
    fn add(&mut self, paths: impl IntoIterator<Item = PathBuf>, access: Access) {
        for path in paths {
            let is_replaceable = path.ancestors().skip(1).any(|folder| self.is_writable(&canonical(folder)));
            let Ok(real) = path.canonicalize() else { continue };
            if !is_replaceable && self.0.get(&real) != Some(&Access::Write) {
                self.0.insert(real, access);
            }
        }
    }

    fn is_writable(&self, path: &Path) -> bool {
        self.nearest(path).is_some_and(|(_, access)| access == Access::Write)
    }

    /// Shows the program and its folder, and the folders in `PATH` with the tools that it runs. A folder that contains
    /// the home or Cordboard's own files stays hidden.
    pub(super) fn add_program(&mut self, program: &Path, path: Vec<PathBuf>, home: Option<&Path>, own: &OwnFiles) {
        let named = program.parent().map(canonical);
        let real = canonical(program);
        let is_too_wide = |folder: &Path| {
            let mut own = own.folders.iter().chain(&own.files).map(|path| canonical(path));
            own.any(|own| own.starts_with(folder)) || home.is_some_and(|home| home.starts_with(folder))
        };
        let folders = path.into_iter().filter(|path| path.is_absolute()).map(|path| canonical(&path));
        let folders = folders.chain(named).chain(real.parent().map(Path::to_owned)).filter(|path| !is_too_wide(path));
        for path in folders.collect::<Vec<_>>().into_iter().chain([real, program.to_owned()]) {
            if path.exists() && !self.shows(&path) {
                self.0.insert(path, Access::Read);
            }
        }
    }

    /// Hides Cordboard's own files. Hides the whole folder of a single file, because a mount over the file would vanish
    /// when the file is replaced outside. Fails for a folder that is itself shown, and for a folder below one that the
    /// agent can change, because the agent could rename it.
    pub(super) fn hide(&mut self, own: &OwnFiles) -> Result<(), Exposed> {
        let folders = own.folders.iter().map(|folder| (folder, canonical(folder)));
        let files = own.files.iter().filter_map(|file| Some((file, canonical(canonical(file).parent()?))));
        for (path, folder) in folders.chain(files) {
            let Some((shown, access)) = self.nearest(&folder) else { continue };
            match access {
                Access::Empty => {}
                // A missing folder can't be covered, and the agent can't create it.
                Access::Read if !folder.exists() => {}
                Access::Read if *shown != folder => {
                    // The session's own folder may be below this one; it stays visible.
                    self.0.insert(folder, Access::Empty);
                }
                Access::Read | Access::Write => {
                    return Err(Exposed { own: path.clone(), shown: shown.clone() });
                }
            }
        }
        Ok(())
    }

    pub(super) fn into_args(self) -> impl Iterator<Item = OsString> {
        self.0.into_iter().flat_map(|(path, access)| {
            let path = path.into_os_string();
            match access {
                Access::Read => vec!["--ro-bind".into(), path.clone(), path],
                Access::Write => vec!["--bind".into(), path.clone(), path],
                Access::Empty => vec!["--tmpfs".into(), path],
            }
        })
    }

    /// Returns the mount that applies to a path: its own, or that of the nearest folder above it.
    fn nearest(&self, path: &Path) -> Option<(&PathBuf, Access)> {
        path.ancestors().find_map(|path| self.0.get_key_value(path)).map(|(path, access)| (path, *access))
    }

    fn shows(&self, path: &Path) -> bool {
        self.nearest(path).is_some_and(|(_, access)| access != Access::Empty)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// A folder with the folders `etc/cord/sessions/a`, `work/tmp` and `state`.
    struct Disk(tempfile::TempDir);

    impl Disk {
        fn new() -> Self {
            let disk = tempfile::tempdir().unwrap();
            for folder in ["etc/cord/sessions/a", "work/tmp", "state"] {
                fs::create_dir_all(disk.path().join(folder)).unwrap();
            }
            Self(disk)
        }

        fn mounts(&self, paths: &[(&str, Access)]) -> Mounts {
            Mounts(paths.iter().map(|(path, access)| (self.0.path().join(path), *access)).collect())
        }

        /// Hides a folder, and the folder that contains a file. Returns the arguments, or the reason why that isn't
        /// possible.
        fn hide(&self, mut mounts: Mounts, folder: &str, file: &str) -> Result<String, String> {
            let at = |path: &str| vec![self.0.path().join(path)];
            let own = OwnFiles { folders: at(folder), files: at(file) };
            let short = |text: String| text.replace(&format!("{}/", self.0.path().display()), "");
            mounts
                .hide(&own)
                .map_err(|error| short(format!("{} in {}", error.own.display(), error.shown.display())))?;
            let args: Vec<String> = mounts.into_args().map(|arg| arg.into_string().unwrap()).collect();
            Ok(short(args.join(" ")))
        }
    }

    #[test]
    fn a_path_below_a_hidden_folder_is_mounted_after_it() {
        let disk = Disk::new();
        let mounts = disk.mounts(&[("etc/cord/sessions/a", Access::Write), ("etc", Access::Read)]);
        assert_eq!(
            disk.hide(mounts, "etc/cord", "state/token").unwrap(),
            "--ro-bind etc etc --tmpfs etc/cord --bind etc/cord/sessions/a etc/cord/sessions/a"
        );
    }

    #[test]
    fn a_path_that_the_agent_can_replace_is_not_followed() {
        let disk = Disk::new();
        let at = |path: &str| disk.0.path().join(path);
        std::os::unix::fs::symlink(at("state"), at("work/out")).unwrap();
        std::os::unix::fs::symlink(at("work"), at("alias")).unwrap();
        let mut mounts = Mounts(BTreeMap::new());
        mounts.add_writable([at("work")]);
        mounts.add_writable([at("work/out"), at("alias/out")]);
        mounts.add_readable([at("alias/out"), at("alias"), at("etc")]);
        let shown: Vec<_> = mounts.0.into_iter().collect();
        assert_eq!(shown, [(at("etc"), Access::Read), (at("work"), Access::Write)]);
    }

    #[test]
    fn own_files_that_cannot_be_hidden_are_refused() {
        let disk = Disk::new();
        let mounts = || disk.mounts(&[("etc", Access::Read), ("work", Access::Write), ("work/tmp", Access::Empty)]);
        let shown = "--ro-bind etc etc --bind work work --tmpfs work/tmp";
        assert_eq!(disk.hide(mounts(), "state", "work/tmp/token").as_deref(), Ok(shown));
        assert_eq!(disk.hide(mounts(), "etc/missing", "state/token").as_deref(), Ok(shown));
        let refused = |folder, file| disk.hide(mounts(), folder, file).unwrap_err();
        assert_eq!(refused("work/state", "state/token"), "work/state in work");
        assert_eq!(refused("work", "state/token"), "work in work");
        assert_eq!(refused("state", "work/deep/token"), "work/deep/token in work");
        assert_eq!(refused("state", "etc/token"), "etc/token in etc");
    }
}
