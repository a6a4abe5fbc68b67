//! `cordboard plugin …`: finds the configuration and runs the command of the plugin development kit.

use super::{AppError, load, plugin_folder};
use crate::{
    cli::{Paths, Task},
    dev::{self, DevSettings, Tests, WatchOptions},
};

/// Runs a `cordboard plugin` command.
///
/// # Errors
/// The part that failed. The development kit has already printed the results of the other parts.
pub fn author(task: &Task) -> Result<(), AppError> {
    let paths = |config: &Option<std::path::PathBuf>| Paths { config: config.clone(), state: None, plugins: None };
    match task {
        Task::New(new) => Ok(dev::new(new)?),
        Task::Build(build) => Ok(dev::build(&build.folder).map(drop)?),
        Task::Check(check) => {
            let places = paths(&check.config).places()?;
            let settings = DevSettings { cache: places.state.join("cache"), config: Some(load(&places)?) };
            Ok(dev::check(check, settings)?)
        }
        Task::Call(call) => {
            let places = paths(&call.config).places()?;
            let config = call.config.is_some().then(|| load(&places)).transpose()?;
            Ok(dev::call(call, DevSettings { cache: places.state.join("cache"), config })?)
        }
        Task::Test(test) => {
            let places = paths(&None).places()?;
            Ok(dev::test(test, DevSettings { cache: places.state.join("cache"), config: None })?)
        }
        Task::Watch(watch) => {
            let places = Paths { plugins: watch.plugins.clone(), ..paths(&watch.config) }.places()?;
            let folder = plugin_folder(&places, &load(&places)?);
            let folder = folder.ok_or_else(|| {
                AppError::Plugin("there is no plugin folder to install into: set one with --plugins".to_owned())
            })?;
            let tests = if watch.test { Tests::Required } else { Tests::Skipped };
            Ok(dev::watch(&WatchOptions { folder: watch.folder.clone(), plugins: folder, tests })?)
        }
    }
}
