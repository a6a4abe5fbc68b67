//! Where the log goes: standard error, coloured on a terminal alone.

use std::io::{self, IsTerminal};

use tracing_subscriber::{EnvFilter, fmt};

/// Starts logging. `CORDBOARD_LOG` takes tracing's filters, as `debug` or `cordboard::plugin=trace`.
pub fn start(default: &str) {
    let filter = EnvFilter::try_from_env("CORDBOARD_LOG").unwrap_or_else(|_| EnvFilter::new(default));
    let colours = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let lines = fmt().with_env_filter(filter).with_writer(io::stderr).with_ansi(colours).with_target(false);
    lines.init();
}
