//! Builds the command line and the environment of an agent process.

use std::{ffi::OsString, path::PathBuf};

use super::{AgentKind, AgentSpec, Start, StartError};
use crate::process::{EnvTag, Environment, Spawn};

/// The flags of every start: a long-lived process, partial messages, acknowledged prompts, and permission requests
/// over stdio.
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

/// The CLI sets this variable in its shells. A CLI that finds it assumes that it runs nested.
const NESTED_VARIABLE: &str = "CLAUDECODE";

pub(super) fn spawn(start: &Start<'_>) -> Result<Spawn, StartError> {
    Ok(Spawn {
        program: program(start.spec)?,
        args: args(start),
        env: env(start.spec, start.environment),
        folder: start.folder.to_owned(),
        tag: EnvTag { host: start.host_id.to_owned(), session: start.session.clone() },
    })
}

pub(super) fn program(spec: &AgentSpec) -> Result<PathBuf, StartError> {
    match (&spec.command, spec.kind) {
        (Some(command), _) => Ok(command.clone()),
        (None, AgentKind::Claude) => Ok(PathBuf::from("claude")),
        (None, AgentKind::Demo) => Ok(std::env::current_exe()?),
    }
}

fn args(start: &Start<'_>) -> Vec<OsString> {
    let mut args: Vec<String> = Vec::new();
    if start.spec.kind == AgentKind::Demo {
        args.push("demo-agent".to_owned());
    }
    args.extend(PROTOCOL_FLAGS.map(str::to_owned));
    args.extend(["--permission-mode".to_owned(), start.spec.permission_mode.clone()]);
    // Use the `--name=value` form, so that a value that looks like an option stays a value.
    if let Some(model) = start.launch.model.as_ref().or(start.spec.model.as_ref()) {
        args.push(format!("--model={model}"));
    }
    args.push(match &start.launch.resume {
        Some(id) => format!("--resume={id}"),
        None => format!("--session-id={}", uuid::Uuid::new_v4()),
    });
    args.extend(start.spec.args.iter().cloned());
    args.into_iter().map(OsString::from).collect()
}

pub(super) fn env(spec: &AgentSpec, environment: &Environment) -> Vec<(String, String)> {
    let mut env = environment.pick(spec.pass_env.iter().map(String::as_str));
    env.extend(spec.env.iter().cloned());
    env.retain(|(name, _)| name != NESTED_VARIABLE);
    env
}
