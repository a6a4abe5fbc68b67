//! Lists the host's own files and folders, which sandboxed agents and plugins must not read.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use cordboard_agents::process::OwnFiles;
use cordboard_core::config::{Config, SecretSource};

use super::plugin_folder;
use crate::{cli::ResolvedPaths, hub::LiveConfig};

/// Returns a function that lists the host's files and folders that sandboxed agents and plugins must not read: its
/// state, plugins and configuration, the bot's token and the secrets.
pub fn own_files(paths: ResolvedPaths, config: LiveConfig) -> Arc<dyn Fn() -> OwnFiles + Send + Sync> {
    Arc::new(move || {
        let config = config.now();
        let secrets = config.secrets.values().filter_map(|source| match source {
            SecretSource::File(file) => Some(file.clone()),
            SecretSource::Credential(_) => None,
        });
        // The folder with the host's systemd credentials.
        let credentials = std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from);
        let token = token_file(&paths, &config);
        OwnFiles {
            folders: [paths.state.clone()]
                .into_iter()
                .chain(plugin_folder(&paths, &config))
                .chain(credentials)
                .collect(),
            files: paths.config.clone().into_iter().chain(token).chain(secrets).collect(),
        }
    })
}

/// Returns the path of the bot's token file. A relative path is resolved against the folder of the configuration file.
pub fn token_file(paths: &ResolvedPaths, config: &Config) -> Option<PathBuf> {
    let base = paths.config.as_deref().and_then(Path::parent).unwrap_or(Path::new(""));
    config.telegram.token_file.as_ref().map(|file| base.join(file))
}
