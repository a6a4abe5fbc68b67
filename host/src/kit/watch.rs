//! `cordboard plugin watch`: builds and plugs in at each save. An error is told, and does not end it; Ctrl-C does.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use super::{build::place, error::KitError, progress, project::Project, sources::saved};

/// Between two looks. A plugin's sources are few: a look costs less than a watch that works on every file system.
const LOOK: Duration = Duration::from_millis(300);

/// `plugins`: the plugin folder of a host.
///
/// # Errors
/// Where there is no plugin in `folder`, or nowhere to plug it into.
pub fn watch(folder: &Path, plugins: &Path) -> Result<(), KitError> {
    let project = Project::open(folder)?;
    if !plugins.is_dir() {
        return Err(KitError::NoFolder { folder: plugins.to_owned() });
    }
    super::block_on(async {
        // Told to nobody but us, also while a build runs: its tools get theirs and end, and so do we.
        let mut interrupted = std::pin::pin!(tokio::signal::ctrl_c());
        let mut seen = None;
        loop {
            let now = sight(&project.folder);
            if seen.as_ref() != Some(&now) {
                seen = Some(now);
                // On its own thread, so that Ctrl-C is heard meanwhile.
                let (folder, plugins) = (project.folder.clone(), plugins.to_owned());
                let round = tokio::task::spawn_blocking(move || round(&folder, &plugins));
                tokio::select! {
                    _ = &mut interrupted => return Ok(()),
                    built = round => tell(built.unwrap_or_else(|error| Err(KitError::Start(std::io::Error::other(error))))),
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

fn round(folder: &Path, plugins: &Path) -> Result<PathBuf, KitError> {
    let component = super::build(folder)?;
    let to = plugins.join(component.file_name().unwrap_or_default());
    place(&component, &to)?;
    Ok(to)
}

fn tell(built: Result<PathBuf, KitError>) {
    match built {
        Ok(to) => progress::step(&format!("copied to {}; waiting for the next save (Ctrl-C ends)", to.display())),
        Err(error) => progress::step(&format!("failed to {error}\n    waiting for the next save (Ctrl-C ends)")),
    }
}

/// What lies there: every file with its time and size, in the order of their names.
fn sight(folder: &Path) -> Vec<(PathBuf, Option<SystemTime>, u64)> {
    let seen = |path: PathBuf| {
        let data = fs::metadata(&path).ok()?;
        Some((path, data.modified().ok(), data.len()))
    };
    saved(folder).into_iter().filter_map(seen).collect()
}
