//! Where the log goes: standard error, coloured on a terminal alone.

use std::io::{self, IsTerminal};

use tracing_subscriber::{EnvFilter, fmt};

/// Starts logging. `CORDBOARD_LOG` takes tracing's filters, as `debug` or `cordboard::plugin=trace`.
pub fn start(default: &str) {
    let wanted = std::env::var("CORDBOARD_LOG").ok().filter(|wanted| !wanted.is_empty());
    let parsed = wanted.as_ref().map(EnvFilter::try_new).transpose();
    let bad = parsed.as_ref().err().map(ToString::to_string);
    let filter = parsed.ok().flatten().unwrap_or_else(|| EnvFilter::new(default));
    let colours = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let lines = fmt().with_env_filter(filter).with_writer(io::stderr).with_ansi(colours).with_target(false);
    lines.init();
    if let Some(why) = bad {
        tracing::error!(why, "CORDBOARD_LOG is not used: it takes filters such as debug or cordboard::plugin=trace");
    }
}
