//! Builds the command line of an agent that a user opens in a terminal. The agent writes the id of its current
//! conversation to a file after each answer, because `/clear` and `/resume` switch to another conversation.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use cordboard_core::{
    config::{Agent, AgentKind, SandboxKind},
    session::Launch,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    claude::stored_transcript::is_conversation_id,
    command_line,
    process::{Environment, SpawnError, exec_in_terminal},
};

/// The reason why the named agent can't run in a terminal.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoTerminal {
    #[error("agent '{0}' can't run in a terminal: use a session with an agent of kind \"claude\"")]
    Kind(String),
    #[error(
        "agent '{0}' can't run in a terminal, because it would run outside its sandbox: continue in the chat, or set \
         `sandbox = \"none\"` for this agent"
    )]
    Sandbox(String),
}

/// The command line of an agent for a terminal. The process in the terminal takes the variables in `pass_env` from its
/// own environment, so that the host doesn't send its own values, which may be secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TerminalCommand {
    program: PathBuf,
    args: Vec<String>,
    /// The names of the variables to take from the terminal's environment.
    pass_env: Vec<String>,
    /// More variables, which override those in `pass_env`.
    env: BTreeMap<String, String>,
    folder: PathBuf,
}

/// Variables that describe the terminal, which an agent on pipes doesn't need.
const TERMINAL_VARIABLES: [&str; 5] = ["TERM", "COLORTERM", "TERM_PROGRAM", "TERM_PROGRAM_VERSION", "NO_COLOR"];

/// Returns the command line that opens the session's conversation in a terminal. The agent writes its reports to
/// `report`; see [`reported_conversation`].
///
/// # Errors
/// The agent has no user interface for a terminal, or runs in a sandbox.
pub fn terminal_command(
    name: &str,
    agent: &Agent,
    launch: &Launch,
    folder: &Path,
    report: &Path,
) -> Result<TerminalCommand, NoTerminal> {
    let program = match (agent.kind, &agent.command) {
        (AgentKind::Claude, Some(command)) => command,
        (AgentKind::Claude, None) | (AgentKind::Demo | AgentKind::Acp | AgentKind::Plain, _) => {
            return Err(NoTerminal::Kind(name.to_owned()));
        }
    };
    match agent.sandbox.kind {
        SandboxKind::None => {}
        SandboxKind::Bwrap => return Err(NoTerminal::Sandbox(name.to_owned())),
    }
    let mut args = command_line::session_args(agent, launch);
    args.extend(report_hook(report));
    args.extend(agent.args.iter().cloned());
    Ok(TerminalCommand {
        program: program.into(),
        args,
        pass_env: TERMINAL_VARIABLES.map(str::to_owned).into_iter().chain(agent.pass_env.iter().cloned()).collect(),
        env: agent.env.clone(),
        folder: folder.to_owned(),
    })
}

/// Returns the argument that makes the agent write a report after each answer. Returns `None` if the path is not UTF-8.
/// The agent runs the argument's shell command, whose stdin is a JSON object with the id of the agent's conversation.
fn report_hook(report: &Path) -> Option<String> {
    let report = report.to_str()?;
    let quote = |path: &str| format!("'{}'", path.replace('\'', r"'\''"));
    let (new, report) = (quote(&format!("{report}.new")), quote(report));
    let command = format!("cat > {new} && mv {new} {report}");
    let hooks = json!({"hooks": {"Stop": [{"hooks": [{"type": "command", "command": command}]}]}});
    Some(format!("--settings={hooks}"))
}

/// Returns the id of the conversation in a report. Returns `None` if the text is not a report with a valid id.
#[must_use]
pub fn reported_conversation(report: &[u8]) -> Option<String> {
    let report: Value = serde_json::from_slice(report).ok()?;
    report["session_id"].as_str().filter(|id| is_conversation_id(id)).map(str::to_owned)
}

impl TerminalCommand {
    /// Replaces this process with the agent. Returns only if that fails.
    #[must_use]
    pub fn exec(&self, environment: &Environment) -> SpawnError {
        let env = command_line::merged_env(&self.pass_env, &self.env, environment);
        exec_in_terminal(&self.program, &self.args, env, &self.folder)
    }
}

#[cfg(test)]
mod tests {
    use cordboard_core::{
        config::Sandbox,
        types::{ConversationStart, PermissionMode},
    };

    use super::*;

    fn launch(resume: Option<&str>) -> Launch {
        Launch {
            conversation: resume.map_or(ConversationStart::New, |id| ConversationStart::Resume(id.to_owned())),
            model: Some("opus".to_owned()),
            permission_mode: PermissionMode::Plan,
            instructions: String::new(),
        }
    }

    #[test]
    fn a_terminal_gets_the_conversation_but_not_the_protocol() {
        let agent = Agent {
            command: Some("claude".to_owned()),
            args: vec!["--add-dir=/x".to_owned()],
            deny_tools: vec!["Bash".parse().unwrap()],
            ..Agent::new(AgentKind::Claude)
        };
        let report = Path::new("/it's/report");
        let command = terminal_command("claude", &agent, &launch(Some("c1")), Path::new("/work"), report).unwrap();
        let hook = r#"--settings={"hooks":{"Stop":[{"hooks":[{"type":"command","command":"cat > '/it'\\''s/report.new' && mv '/it'\\''s/report.new' '/it'\\''s/report'"}]}]}}"#;
        let expected = [
            "--permission-mode",
            "plan",
            "--disallowedTools=Bash",
            "--model=opus",
            "--resume=c1",
            hook,
            "--add-dir=/x",
        ];
        assert_eq!(command.args, expected);
        let fork = Launch { conversation: ConversationStart::Fork("c1".to_owned()), ..launch(None) };
        let fork = terminal_command("claude", &agent, &fork, Path::new("/work"), report).unwrap();
        assert_eq!(fork.args[4..6], ["--resume=c1", "--fork-session"]);
        let new = terminal_command("claude", &agent, &launch(None), Path::new("/work"), report).unwrap();
        assert!(new.args.iter().any(|arg| arg.starts_with("--session-id=")), "{:?}", new.args);
    }

    #[test]
    fn the_demo_agent_has_no_terminal() {
        let demo = Agent { command: Some("/x".to_owned()), ..Agent::new(AgentKind::Demo) };
        let refused = terminal_command("mine", &demo, &launch(None), Path::new("/work"), Path::new("/r"));
        assert_eq!(refused, Err(NoTerminal::Kind("mine".to_owned())));
    }

    #[test]
    fn an_agent_does_not_leave_its_sandbox_for_a_terminal() {
        let sandbox = Sandbox { kind: SandboxKind::Bwrap, ..Sandbox::NONE };
        let claude = Agent { command: Some("/x".to_owned()), sandbox, ..Agent::new(AgentKind::Claude) };
        let refused = terminal_command("mine", &claude, &launch(None), Path::new("/work"), Path::new("/r"));
        assert_eq!(refused, Err(NoTerminal::Sandbox("mine".to_owned())));
    }

    #[test]
    fn only_a_plausible_id_is_read_from_a_report() {
        let id = |report: &str| reported_conversation(report.as_bytes());
        assert_eq!(id(r#"{"session_id":"1b-2","hook_event_name":"Stop"}"#), Some("1b-2".to_owned()));
        for bad in ["", "{}", r#"{"session_id":""}"#, r#"{"session_id":"../x"}"#, r#"{"session_id":"a"#] {
            assert_eq!(id(bad), None, "{bad}");
        }
    }
}
