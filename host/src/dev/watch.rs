//! `cordboard plugin watch`: builds a plugin at each save, tests it if requested, and copies it into a plugin folder.
//! Errors are printed and don't end it; only Ctrl-C does.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use cordboard_runtime::THIS_PROGRAM;

use super::{build::place, error::KitError, progress, project::Project, sources::saved, tool::Tool};

/// The work at each save.
#[derive(Debug, Clone)]
pub struct WatchOptions {
    /// The plugin's source folder.
    pub folder: PathBuf,
    /// A host's plugin folder.
    pub plugins: PathBuf,
    pub tests: Tests,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tests {
    /// A build that fails its tests is not copied.
    Held,
    Skipped,
}

/// The interval of scans. A plugin has few sources, so scanning is cheap, and it works on every file system.
const LOOK: Duration = Duration::from_millis(300);

/// # Errors
/// The folder has no plugin, or the plugin folder doesn't exist.
pub fn watch(round: &WatchOptions) -> Result<(), KitError> {
    let project = Project::open(&round.folder)?;
    if !round.plugins.is_dir() {
        return Err(KitError::NoFolder { folder: round.plugins.clone() });
    }
    super::block_on(async {
        // Handle Ctrl-C here, also during a build. Its tools get the signal too and exit.
        let mut interrupted = std::pin::pin!(tokio::signal::ctrl_c());
        let mut seen = None;
        loop {
            let now = sight(&project.folder);
            if seen.as_ref() != Some(&now) {
                seen = Some(now);
                // Run on a separate thread, so that Ctrl-C is handled in the meantime.
                let round = round.clone();
                let run = tokio::task::spawn_blocking(move || round.run());
                tokio::select! {
                    _ = &mut interrupted => return Ok(()),
                    built = run => tell(built.unwrap_or_else(|error| Err(KitError::Start(std::io::Error::other(error))))),
                }
                continue;
            }
            tokio::select! {
                _ = &mut interrupted => return Ok(()),
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    })
}

impl WatchOptions {
    fn run(&self) -> Result<PathBuf, KitError> {
        let component = super::build(&self.folder)?;
        match self.tests {
            Tests::Held => self.test(&component)?,
            Tests::Skipped => {}
        }
        let to = self.plugins.join(component.file_name().unwrap_or_default());
        place(&component, &to)?;
        Ok(to)
    }

    /// Runs the tests in a child process, so that Ctrl-C ends them too.
    fn test(&self, component: &Path) -> Result<(), KitError> {
        let arguments = ["plugin".as_ref(), "test".as_ref(), self.folder.as_os_str(), "--component".as_ref()];
        let test = Tool::new(THIS_PROGRAM, "install cordboard").args(arguments).args([component]);
        if test.succeeds()? { Ok(()) } else { Err(KitError::Untested) }
    }
}

fn tell(built: Result<PathBuf, KitError>) {
    match built {
        Ok(to) => progress::step(&format!("copied to {}; waiting for the next save (Ctrl-C ends)", to.display())),
        Err(error) => progress::step(&format!("failed to {error}\n    waiting for the next save (Ctrl-C ends)")),
    }
}

/// Returns the files with their modification times and sizes, sorted by path.
fn sight(folder: &Path) -> Vec<(PathBuf, Option<SystemTime>, u64)> {
    let seen = |path: PathBuf| {
        let data = fs::metadata(&path).ok()?;
        Some((path, data.modified().ok(), data.len()))
    };
    saved(folder).into_iter().filter_map(seen).collect()
}
