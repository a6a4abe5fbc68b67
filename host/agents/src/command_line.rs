//! Builds the command line and the environment of an agent process.

use std::{collections::BTreeMap, ffi::OsString, path::PathBuf};

use cordboard_core::{
    config::{Agent, AgentKind},
    session::Launch,
    types::ConversationStart,
};

use super::{Start, StartError};
use crate::process::{EnvTag, Environment, OutputKind, Spawn};

/// The flags for agents that speak stream-json. They request a long-lived process, partial messages, acknowledged
/// prompts, and permission requests over stdio.
const PROTOCOL_FLAGS: [&str; 10] = [
    "-p",
    "--input-format",
    "stream-json",
    "--output-format",
    "stream-json",
    "--verbose",
    "--include-partial-messages",
    "--replay-user-messages",
    "--permission-prompt-tool",
    "stdio",
];

/// The settings of a claude process on pipes. Otherwise, in plan mode, one of the CLI's classifiers would decide about
/// permissions instead of the user.
const SETTINGS: &str = r#"{"useAutoModeDuringPlan":false}"#;

/// The CLI sets this variable for the shells that it starts. A CLI that finds the variable assumes that it runs inside
/// another CLI.
const NESTED_VARIABLE: &str = "CLAUDECODE";

pub(super) fn spawn_parameters(start: &Start<'_>) -> Result<Spawn, StartError> {
    Ok(Spawn {
        program: program(start.agent)?,
        args: args(start),
        env: env(start.agent, start.environment),
        folder: start.folder.to_owned(),
        tag: EnvTag { host: start.host_id.to_owned(), session: start.session.clone() },
        limits: start.agent.limits,
        output: match start.agent.kind {
            AgentKind::Demo | AgentKind::Claude | AgentKind::Acp => OutputKind::Lines,
            AgentKind::Plain => OutputKind::Merged,
        },
    })
}

pub(super) fn program(agent: &Agent) -> Result<PathBuf, StartError> {
    match (&agent.command, agent.kind) {
        (Some(command), _) => Ok(PathBuf::from(command)),
        (None, AgentKind::Claude) => Ok(PathBuf::from("claude")),
        (None, AgentKind::Acp | AgentKind::Plain) => Err(StartError::NoCommand),
        (None, AgentKind::Demo) => Ok(std::env::current_exe()?),
    }
}

fn args(start: &Start<'_>) -> Vec<OsString> {
    let mut args: Vec<String> = match start.agent.kind {
        AgentKind::Demo => vec!["demo-agent".to_owned()],
        AgentKind::Claude => Vec::new(),
        // An ACP agent gets its settings over the protocol, and a plain program has none.
        AgentKind::Acp | AgentKind::Plain => return start.agent.args.iter().map(OsString::from).collect(),
    };
    args.extend(PROTOCOL_FLAGS.map(str::to_owned));
    args.extend(session_args(start.agent, start.launch));
    let has_settings = |arg: &String| arg == "--settings" || arg.starts_with("--settings=");
    if start.agent.kind == AgentKind::Claude && !start.agent.args.iter().any(has_settings) {
        args.push(format!("--settings={SETTINGS}"));
    }
    args.extend(start.agent.args.iter().cloned());
    args.into_iter().map(OsString::from).collect()
}

/// Returns the arguments for the conversation, the model and the permissions of a session, for a process on pipes or in
/// a terminal.
pub(super) fn session_args(agent: &Agent, launch: &Launch) -> Vec<String> {
    let mut args = vec!["--permission-mode".to_owned(), launch.permission_mode.as_str().to_owned()];
    if !agent.deny_tools.is_empty() {
        let rules: Vec<String> = agent.deny_tools.iter().map(ToString::to_string).collect();
        args.push(format!("--disallowedTools={}", rules.join(",")));
    }
    // Use the `--name=value` form, so that a value that looks like an option stays a value.
    if let Some(model) = launch.model.as_ref().or(agent.model.as_ref()) {
        args.push(format!("--model={model}"));
    }
    match &launch.conversation {
        ConversationStart::New => args.push(format!("--session-id={}", uuid::Uuid::new_v4())),
        ConversationStart::Resume(id) => args.push(format!("--resume={id}")),
        ConversationStart::Fork(id) => args.extend([format!("--resume={id}"), "--fork-session".to_owned()]),
    }
    args
}

pub(super) fn env(agent: &Agent, environment: &Environment) -> Vec<(String, String)> {
    merged_env(&agent.pass_env, &agent.env, environment)
}

/// Returns the variables in `environment` that `pass_env` names, overridden by those in `own`, but never
/// [`NESTED_VARIABLE`].
pub(super) fn merged_env(
    pass_env: &[String],
    own: &BTreeMap<String, String>,
    environment: &Environment,
) -> Vec<(String, String)> {
    let mut env = environment.pick(pass_env.iter().map(String::as_str));
    env.extend(own.clone());
    env.retain(|(name, _)| name != NESTED_VARIABLE);
    env
}
