//! `cordboard plugin watch`: builds a plugin on each save, tests it if requested, and copies it into a plugin folder.
//! Build and test errors are printed, but the command continues until Ctrl-C.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use cordboard_runtime::THIS_PROGRAM;

use super::{build::install, error::DevError, progress, project::Project, sources::source_files, tool::Tool};

/// The folder to build, the folder to install into, and whether the tests must pass first.
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
    /// A component that fails its tests is not installed.
    Required,
    Skipped,
}

/// The interval between scans. A plugin has few source files, so scanning is cheap, and unlike file events, it works on
/// every file system.
const SCAN_INTERVAL: Duration = Duration::from_millis(300);

/// # Errors
/// The folder doesn't contain a plugin, or the plugin folder doesn't exist.
pub fn watch(options: &WatchOptions) -> Result<(), DevError> {
    let project = Project::open(&options.folder)?;
    if !options.plugins.is_dir() {
        return Err(DevError::NoFolder { folder: options.plugins.clone() });
    }
    super::block_on(async {
        // Handle Ctrl-C here, even during a build. The build tools also receive the signal and exit.
        let mut interrupted = std::pin::pin!(tokio::signal::ctrl_c());
        let mut known = None;
        loop {
            let current = file_states(&project.folder);
            if known.as_ref() != Some(&current) {
                known = Some(current);
                // Build on a separate thread, so that Ctrl-C is handled meanwhile.
                let options = options.clone();
                let run = tokio::task::spawn_blocking(move || options.run());
                tokio::select! {
                    _ = &mut interrupted => return Ok(()),
                    built = run => report(built.unwrap_or_else(|error| Err(DevError::Start(std::io::Error::other(error))))),
                }
                continue;
            }
            tokio::select! {
                _ = &mut interrupted => return Ok(()),
                () = tokio::time::sleep(SCAN_INTERVAL) => {}
            }
        }
    })
}

impl WatchOptions {
    fn run(&self) -> Result<PathBuf, DevError> {
        let component = super::build(&self.folder)?;
        match self.tests {
            Tests::Required => self.test(&component)?,
            Tests::Skipped => {}
        }
        let to = self.plugins.join(component.file_name().unwrap_or_default());
        install(&component, &to)?;
        Ok(to)
    }

    /// Runs the tests in a child process, so that Ctrl-C ends them too.
    fn test(&self, component: &Path) -> Result<(), DevError> {
        let arguments = ["plugin".as_ref(), "test".as_ref(), self.folder.as_os_str(), "--component".as_ref()];
        let test = Tool::new(THIS_PROGRAM, "install cordboard").args(arguments).args([component]);
        if test.succeeds()? { Ok(()) } else { Err(DevError::TestsDidNotPass) }
    }
}

fn report(built: Result<PathBuf, DevError>) {
    match built {
        Ok(to) => progress::step(&format!("copied to {}; waiting for the next save (Ctrl-C ends)", to.display())),
        Err(error) => progress::step(&format!("failed to {error}\n    waiting for the next save (Ctrl-C ends)")),
    }
}

/// Returns the source files with their modification times and sizes, sorted by path.
fn file_states(folder: &Path) -> Vec<(PathBuf, Option<SystemTime>, u64)> {
    let state = |path: PathBuf| {
        let data = fs::metadata(&path).ok()?;
        Some((path, data.modified().ok(), data.len()))
    };
    source_files(folder).into_iter().filter_map(state).collect()
}
