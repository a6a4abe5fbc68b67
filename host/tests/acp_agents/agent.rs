//! Configures a host with one of the real agents.

use std::path::{Path, PathBuf};

use serde_json::json;

use crate::agent_host::{AgentHost, eventually, running};

/// The prompt of the `greet` command. Both agents read this command from their own configuration.
const GREETING: &str = "Good morning, $ARGUMENTS";

#[derive(Clone, Copy)]
pub enum Agent {
    /// The adapter `claude-agent-acp`, which starts its own claude CLI.
    Claude,
    Opencode,
}

impl Agent {
    /// Starts a host with this agent, runs `test`, stops the host, and checks that no agent process is left. If the
    /// agent's environment variable isn't set, only prints a line.
    pub fn run(self, settings: &str, test: impl FnOnce(&mut AgentHost)) {
        let variable = self.variable();
        let Some(program) = std::env::var_os(variable).map(PathBuf::from) else {
            eprintln!("skipped: no agent (set {variable})");
            return;
        };
        assert!(program.is_file(), "{variable} names {}, which is not a file", program.display());
        let mut host = AgentHost::new(|home, url| self.configuration(&program, home, url), settings);
        host.start();
        test(&mut host);
        assert_eq!(host.end(), Some(0), "{}", host.log());
        assert_eq!(processes(&host), Vec::<u32>::new());
    }

    /// The environment variable that contains the path of the agent's program.
    const fn variable(self) -> &'static str {
        match self {
            Self::Claude => "CORDBOARD_TEST_CLAUDE_ACP",
            Self::Opencode => "CORDBOARD_TEST_OPENCODE",
        }
    }

    fn configuration(self, program: &Path, home: &Path, url: &str) -> String {
        let (args, env) = match self {
            Self::Claude => {
                let commands = home.join(".claude/commands");
                std::fs::create_dir_all(&commands).unwrap();
                std::fs::write(commands.join("greet.md"), GREETING).unwrap();
                let env = format!(
                    r#"ANTHROPIC_BASE_URL = "{url}", ANTHROPIC_API_KEY = "dummy", CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC = "1", DISABLE_TELEMETRY = "1", DISABLE_AUTOUPDATER = "1", CLAUDE_CODE_MAX_RETRIES = "2""#
                );
                ("[]", env)
            }
            Self::Opencode => {
                let config = home.join("opencode.json");
                std::fs::write(&config, opencode_config(url)).unwrap();
                // No proxy listens at `HTTPS_PROXY`, so opencode's HTTPS requests to other hosts fail immediately.
                let env = format!(
                    r#"OPENCODE_CONFIG = {config:?}, OPENCODE_DISABLE_MODELS_FETCH = "1", OPENCODE_DISABLE_AUTOUPDATE = "1", OPENCODE_DISABLE_DEFAULT_PLUGINS = "1", OPENCODE_DISABLE_LSP_DOWNLOAD = "1", HTTPS_PROXY = "http://127.0.0.1:9", NO_PROXY = "127.0.0.1""#
                );
                (r#"["acp"]"#, env)
            }
        };
        format!(
            r#"
[agents]
default = "agent"
[agents.agent]
kind = "acp"
command = {program:?}
args = {args}
env = {{ {env}, HOME = {home:?}, TMPDIR = {home:?} }}
"#
        )
    }
}

/// Returns a configuration that makes opencode ask before it runs a command or edits a file. By default, it never asks.
fn opencode_config(url: &str) -> String {
    let config = json!({
        "provider": { "anthropic": { "options": { "baseURL": format!("{url}/v1"), "apiKey": "dummy" } } },
        "enabled_providers": ["anthropic"],
        "model": "anthropic/claude-sonnet-4-5",
        "small_model": "anthropic/claude-haiku-4-5",
        "command": { "greet": { "template": GREETING, "description": "Greets." } },
        "permission": { "bash": "ask", "edit": "ask" },
        "autoupdate": false,
        "share": "disabled",
    });
    config.to_string()
}

/// Returns the pids of the agent and all processes that it has started.
pub fn processes(host: &AgentHost) -> Vec<u32> {
    running(&host.home(), |command_line| !command_line.starts_with(env!("CARGO_BIN_EXE_cordboard")))
}

pub fn suspend(host: &mut AgentHost) {
    host.phase("idle");
    host.ask("/suspend", " suspended. The next message resumes it.");
    host.phase("suspended");
    eventually("the end of the agent", || processes(host).is_empty().then_some(()));
}
