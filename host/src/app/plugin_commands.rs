//! Runs the `cordboard plugin` commands: resolves the paths, loads the configuration and calls the development kit
//! (`dev`).

use super::{AppError, load, plugin_folder};
use crate::{
    cli::{Paths, PluginCommand},
    dev::{self, DevSettings, Tests, WatchOptions},
};

/// Runs a `cordboard plugin` command.
///
/// # Errors
/// The command failed. The development kit has already printed the results of earlier steps.
pub fn run_plugin_command(command: &PluginCommand) -> Result<(), AppError> {
    let paths = |config: &Option<std::path::PathBuf>| Paths { config: config.clone(), state: None, plugins: None };
    match command {
        PluginCommand::New(new) => Ok(dev::new(new)?),
        PluginCommand::Build(build) => Ok(dev::build(&build.folder).map(drop)?),
        PluginCommand::Check(check) => {
            let resolved = paths(&check.config).resolve()?;
            let settings = DevSettings { cache: resolved.state.join("cache"), config: Some(load(&resolved)?) };
            Ok(dev::check(check, settings)?)
        }
        PluginCommand::Call(call) => {
            let resolved = paths(&call.config).resolve()?;
            let config = call.config.is_some().then(|| load(&resolved)).transpose()?;
            Ok(dev::call(call, DevSettings { cache: resolved.state.join("cache"), config })?)
        }
        PluginCommand::Test(test) => {
            let resolved = paths(&None).resolve()?;
            Ok(dev::test(test, DevSettings { cache: resolved.state.join("cache"), config: None })?)
        }
        PluginCommand::Watch(watch) => {
            let resolved = Paths { plugins: watch.plugins.clone(), ..paths(&watch.config) }.resolve()?;
            let folder = plugin_folder(&resolved, &load(&resolved)?);
            let folder = folder.ok_or(AppError::NoPluginFolder)?;
            let tests = if watch.test { Tests::Required } else { Tests::Skipped };
            Ok(dev::watch(&WatchOptions { folder: watch.folder.clone(), plugins: folder, tests })?)
        }
    }
}
