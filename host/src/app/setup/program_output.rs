//! Runs an installed program and collects its output, such as its version.

use std::{path::Path, time::Duration};

use cordboard_agents::process::{EnvTag, Environment, OutputError, OutputKind, OutputLimits, Spawn, collect_output};
use cordboard_core::{config::AgentLimits, types::SessionName};

/// The limits of a program that only prints its version or a setting.
const LIMITS: OutputLimits = OutputLimits { time: Duration::from_secs(10), bytes: 64 * 1024 };

/// Returns what the program prints to standard output.
///
/// # Errors
/// The program can't be started, fails, or takes too long.
pub async fn program_output(program: &Path, args: &[&str]) -> Result<String, OutputError> {
    // When the program ends, all processes that have its tag are ended too, so the tag must not be a session's tag.
    let run = format!("setup-{}", uuid::Uuid::new_v4().simple());
    let session: SessionName = run.parse().expect("it has only letters, digits and a hyphen");
    let output = collect_output(
        Spawn {
            program: program.to_owned(),
            args: args.iter().map(Into::into).collect(),
            env: Environment::read().not_secret(),
            folder: "/".into(),
            tag: EnvTag { host: uuid::Uuid::new_v4().to_string(), session },
            limits: AgentLimits::NONE,
            output: OutputKind::Lines,
        },
        LIMITS,
    );
    Ok(String::from_utf8_lossy(&output.await?).into_owned())
}
