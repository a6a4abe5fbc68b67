//! Lists the host's own files and folders, which sandboxed agents and plugins must not read.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use cordboard_agents::process::OwnFiles;
use cordboard_core::config::{SecretSource, Telegram};

use super::plugin_folder;
use crate::{cli::ResolvedPaths, hub::LiveConfig};

/// Returns a function that lists the host's own files and folders: its state, plugins, configuration, bot tokens and
/// secrets. Sandboxed agents and plugins must not read them.
pub fn own_files_lister(paths: ResolvedPaths, config: LiveConfig) -> Arc<dyn Fn() -> OwnFiles + Send + Sync> {
    Arc::new(move || {
        let config = config.now();
        let secrets = config.secrets.values().filter_map(|source| match source {
            SecretSource::File(file) => Some(file.clone()),
            SecretSource::Credential(_) => None,
        });
        // The configured token file is listed even if the host reads the token from a systemd credential, because the
        // file still contains the token.
        let tokens = config.telegram_bots().flat_map(|(front_end, telegram)| {
            token_file(&paths, &front_end, telegram).into_iter().chain(configured_token_file(&paths, telegram))
        });
        let status_token = config.status.token_file.as_ref().map(|file| base(&paths).join(file));
        OwnFiles {
            folders: [paths.state.clone()]
                .into_iter()
                .chain(plugin_folder(&paths, &config))
                .chain(credentials_folder())
                .collect(),
            files: paths.config.clone().into_iter().chain(tokens).chain(status_token).chain(secrets).collect(),
        }
    })
}

/// Returns the path of the token file of the bot with this front-end: the systemd credential that is named after the
/// front-end, such as `telegram.token`, or else the configured file.
pub fn token_file(paths: &ResolvedPaths, front_end: &str, telegram: &Telegram) -> Option<PathBuf> {
    let configured = configured_token_file(paths, telegram)?;
    let credential =
        credentials_folder().map(|folder| folder.join(credential_name(front_end))).filter(|file| file.exists());
    Some(credential.unwrap_or(configured))
}

/// Returns the path of the token file that the configuration names. A relative path is resolved against the folder of
/// the configuration file.
pub fn configured_token_file(paths: &ResolvedPaths, telegram: &Telegram) -> Option<PathBuf> {
    telegram.token_file.as_ref().map(|file| base(paths).join(file))
}

/// Returns the folder against which relative paths in the configuration are resolved.
pub fn base(paths: &ResolvedPaths) -> &Path {
    paths.config.as_deref().and_then(Path::parent).unwrap_or(Path::new(""))
}

/// Returns the name of the systemd credential that contains the token of the bot with this front-end.
pub fn credential_name(front_end: &str) -> String {
    format!("{front_end}.token")
}

/// Returns the folder that contains the host's systemd credentials.
fn credentials_folder() -> Option<PathBuf> {
    std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from)
}
