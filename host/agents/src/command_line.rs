//! Builds the command line and the environment of an agent process.

use std::{ffi::OsString, path::PathBuf};

use cordboard_core::config::{Agent, AgentKind};

use super::{Start, StartError};
use crate::process::{EnvTag, Environment, Spawn};

/// The flags that every agent process gets. They request a long-lived process, partial messages, acknowledged prompts,
/// and permission requests over stdio.
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
    })
}

pub(super) fn program(agent: &Agent) -> Result<PathBuf, StartError> {
    match (&agent.command, agent.kind) {
        (Some(command), _) => Ok(PathBuf::from(command)),
        (None, AgentKind::Claude) => Ok(PathBuf::from("claude")),
        (None, AgentKind::Demo) => Ok(std::env::current_exe()?),
    }
}

fn args(start: &Start<'_>) -> Vec<OsString> {
    let mut args: Vec<String> = Vec::new();
    if start.agent.kind == AgentKind::Demo {
        args.push("demo-agent".to_owned());
    }
    args.extend(PROTOCOL_FLAGS.map(str::to_owned));
    args.extend(["--permission-mode".to_owned(), start.launch.permission_mode.as_str().to_owned()]);
    if !start.agent.deny_tools.is_empty() {
        let rules: Vec<String> = start.agent.deny_tools.iter().map(ToString::to_string).collect();
        args.push(format!("--disallowedTools={}", rules.join(",")));
    }
    // Use the `--name=value` form, so that a value that looks like an option stays a value.
    if let Some(model) = start.launch.model.as_ref().or(start.agent.model.as_ref()) {
        args.push(format!("--model={model}"));
    }
    args.push(match &start.launch.resume {
        Some(id) => format!("--resume={id}"),
        None => format!("--session-id={}", uuid::Uuid::new_v4()),
    });
    args.extend(start.agent.args.iter().cloned());
    args.into_iter().map(OsString::from).collect()
}

pub(super) fn env(agent: &Agent, environment: &Environment) -> Vec<(String, String)> {
    let mut env = environment.pick(agent.pass_env.iter().map(String::as_str));
    env.extend(agent.env.clone());
    env.retain(|(name, _)| name != NESTED_VARIABLE);
    env
}
