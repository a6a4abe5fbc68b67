//! The `cordboard plugin` commands for plugin authors: create, build, check, call, test and watch a plugin. They affect
//! a running host only through its plugin folder. `check`, `call` and `test` run the plugin on a fake host, which
//! checks permissions as a real host does.

mod build;
mod call;
mod captured_log;
mod check;
mod error;
mod fake_host;
mod generated_files;
mod harness;
mod new;
mod progress;
mod project;
mod recorded_action;
mod sources;
mod subject;
mod test;
mod tool;
mod watch;

pub use build::build;
pub use call::call;
pub use check::check;
pub use error::DevError;
pub use fake_host::{AttachedFile, FakeHost, SessionSetup, SetupError, settle};
pub use harness::DevSettings;
pub use new::new;
pub use recorded_action::RecordedAction;
pub use test::test;
pub use watch::{Tests, WatchOptions, watch};

fn block_on<T>(work: impl Future<Output = Result<T, DevError>>) -> Result<T, DevError> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(work)
}
