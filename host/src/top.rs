//! Shows the state of a running host at a terminal, like the status page. It only reads reports, and changes nothing in
//! the host.

mod draw;
mod format;
mod screen;
mod table;
mod tables;
#[cfg(test)]
mod tests;
mod view;

pub use format::snapshot;
pub use screen::run;
