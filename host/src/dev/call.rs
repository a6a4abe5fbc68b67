//! `cordboard plugin call`: runs one command on a fake host in memory. Prints the reply to standard output as the
//! console does, and the plugin's actions and log to standard error.

mod inline;

use std::sync::Arc;

use cordboard_core::{config::Config, render, types::Role};
use cordboard_runtime::PluginError;

use super::{
    error::KitError,
    harness::{Harness, Lending, PluginHarness, World, person},
    log::Log,
    progress,
    subject::Subject,
};
use crate::{cli, clock::Clock};

/// # Errors
/// The command has no valid reply. The reply that explains it was printed.
pub fn call(wanted: &cli::Call, bench: Harness) -> Result<(), KitError> {
    let line = line(&wanted.line)?;
    let subject = Subject::find(&wanted.plugin)?;
    super::block_on(async {
        let config = bench.config.clone().unwrap_or_else(Config::defaults);
        let world = World { now: Clock::system().now(), config, far: None };
        let mut stage = PluginHarness::new(Arc::new(bench.plugs()?), Log::start(), subject, world);
        stage.caller = person("ada", Role::from(wanted.rank));
        let plugged = plug(&stage, &bench, &wanted.inline).await;
        tell(&stage);
        plugged?;
        let said = stage.say(&line).await;
        stage.settle().await;
        tell(&stage);
        progress::print(&cordboard_chat::preview(&said.reply, progress::out()));
        said.failed.map_or(Ok(()), |why| Err(KitError::Answered(why)))
    })
}

/// Prints the plugin's actions and log since the last call.
fn tell(stage: &PluginHarness) {
    for deed in stage.take_deeds() {
        progress::note(&format!("* {}", render::one_line(&deed.to_string(), usize::MAX)));
    }
}

async fn plug(stage: &PluginHarness, bench: &Harness, inline: &cli::Inline) -> Result<(), KitError> {
    if let Some(config) = &bench.config {
        return Ok(stage.plug(config, Lending::AsGranted).await?);
    }
    let name = &stage.subject.name;
    let config = inline::config(name, inline)?;
    if !inline.grants.is_empty() {
        return Ok(stage.plug(&config, Lending::AsGranted).await?);
    }
    let plugged = stage.plug(&config, Lending::All).await;
    if let Err(PluginError::NotGranted { missing, .. }) = &plugged {
        progress::note(&format!("  for a call: {}, or --config FILE", inline::options(missing)));
    }
    plugged?;
    let look = stage.look().await?;
    let asked: Vec<String> = look.to_grant().map(|name| format!("\"{name}\"")).collect();
    if !asked.is_empty() {
        progress::note(&format!("  a host needs in [plugins.{name}]: grants = [{}]", asked.join(", ")));
    }
    Ok(())
}

/// Joins the arguments to a command line, and quotes arguments with whitespace that the shell has unquoted.
fn line(words: &[String]) -> Result<String, KitError> {
    let line = match words {
        [line] => line.clone(),
        [command, args @ ..] => {
            let quoted = args.iter().map(|arg| match arg.contains(char::is_whitespace) || arg.is_empty() {
                true => format!("\"{}\"", arg.replace('\\', "\\\\").replace('"', "\\\"")),
                false => arg.clone(),
            });
            format!("{command} {}", quoted.collect::<Vec<_>>().join(" "))
        }
        [] => String::new(),
    };
    if line.starts_with('/') {
        return Ok(line);
    }
    Err(KitError::Command { command: line, why: "a command begins with a slash, such as /hello" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_joined_as_they_would_be_typed() {
        let of = |words: &[&str]| line(&words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>());
        assert_eq!(of(&["/a", "b", "c d", "e\"f g"]).expect("a line"), "/a b \"c d\" \"e\\\"f g\"");
        assert_eq!(of(&["/a  b 'c d'"]).expect("a line"), "/a  b 'c d'");
        assert!(of(&["a"]).is_err());
    }
}
