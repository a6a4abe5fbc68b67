//! The author's kit: makes a new plugin, builds it, says whether a host would take it, calls and tests it on a board in memory, and plugs
//! it in at each save. It must never touch a running host but through its plugin folder, and never invent an answer that the host
//! would not give.

mod board;
mod build;
mod call;
mod check;
mod deed;
mod diff;
mod error;
mod far;
mod log;
mod new;
mod progress;
mod project;
mod script;
mod sources;
mod stage;
mod test;
mod tool;
mod watch;

pub use board::{MemoryBoard, at_rest};
pub use build::build;
pub use call::call;
pub use check::check;
pub use deed::Deed;
pub use error::KitError;
pub use new::new;
pub use stage::Bench;
pub use test::test;
pub use watch::{Round, Tests, watch};

fn block_on<T>(work: impl Future<Output = Result<T, KitError>>) -> Result<T, KitError> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(work)
}
