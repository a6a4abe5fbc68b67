//! Configures a host with the real CLI as its agent.

use std::path::{Path, PathBuf};

pub use crate::agent_host::{AgentHost, eventually};

/// The environment variable that contains the CLI's path.
const CLI: &str = "CORDBOARD_TEST_CLAUDE";

/// Starts a host. If [`CLI`] isn't set, prints a line and returns `None`.
pub fn open(settings: &str) -> Option<AgentHost> {
    let Some(cli) = std::env::var_os(CLI).map(PathBuf::from) else {
        eprintln!("skipped: no claude CLI (set {CLI})");
        return None;
    };
    assert!(cli.is_file(), "{CLI} names {}, which is not a file", cli.display());
    let mut host = AgentHost::new(|home, url| agents(&cli, home, url), settings);
    host.start();
    Some(host)
}

fn agents(cli: &Path, home: &Path, url: &str) -> String {
    format!(
        r#"
[agents]
default = "claude"
[agents.claude]
command = {cli:?}
env = {{ ANTHROPIC_BASE_URL = "{url}", ANTHROPIC_API_KEY = "dummy", CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC = "1", DISABLE_TELEMETRY = "1", DISABLE_AUTOUPDATER = "1", CLAUDE_CODE_MAX_RETRIES = "2", CLAUDE_CODE_ENABLE_TODO_TOOLS = "1", HOME = {home:?}, TMPDIR = {home:?} }}
"#
    )
}

/// Returns the pids of the running agents whose `HOME` is this folder.
pub fn running(home: &Path) -> Vec<u32> {
    crate::agent_host::running(home, |command_line| command_line.contains("stream-json"))
}
