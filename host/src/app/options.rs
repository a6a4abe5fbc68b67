//! The options of `cordboard run`, resolved before the tokio runtime starts.

use cordboard_agents::process::Environment;
use cordboard_watch::ConfigFile;

use crate::{
    cli::{ChatKind, ResolvedPaths},
    hub::LiveConfig,
    logging::LogLevels,
    service_manager::ServiceManager,
};

/// The paths, the configuration, the front-end and the environment that the host starts with.
pub struct StartOptions {
    pub paths: ResolvedPaths,
    pub config: LiveConfig,
    /// The file that `config` was read from, if there is one.
    pub config_file: Option<ConfigFile>,
    pub chat: ChatKind,
    pub environment: Environment,
    pub log_levels: LogLevels,
    pub service_manager: ServiceManager,
}
