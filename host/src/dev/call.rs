//! `cordboard plugin call`: runs one command on a fake host in memory. Prints the reply to standard output as the
//! console does, and the plugin's actions and log to standard error.

mod config_options;

use std::sync::Arc;

use cordboard_core::{config::Config, render, types::Role};
use cordboard_runtime::PluginError;

use super::{
    captured_log::Log,
    error::DevError,
    fake_host::FakeHost,
    harness::{DevSettings, GrantPolicy, Harness, person},
    progress,
    subject::Subject,
};
use crate::{cli, clock::Clock, stdout};

/// # Errors
/// The command or an option is invalid, the plugin can't be built or activated, or the command failed. In the last
/// case, the reply is printed anyway.
pub fn call(options: &cli::CallArgs, settings: DevSettings) -> Result<(), DevError> {
    let line = line(&options.line)?;
    let subject = Subject::find(&options.plugin)?;
    super::block_on(async {
        let config = settings.config.clone().unwrap_or_else(Config::defaults);
        let host = FakeHost::new(Clock::system().now(), config, None);
        let mut harness = Harness::new(Arc::new(settings.registry()?), Log::start(), subject, host);
        harness.caller = person("ada", Role::from(options.rank));
        let activated = activate(&harness, &settings, &options.options).await;
        print_actions(&harness);
        activated?;
        let response = harness.say(&line).await;
        harness.settle().await;
        print_actions(&harness);
        stdout::print(&cordboard_chat::console::preview(&response.reply, progress::out()))?;
        response.failed.map_or(Ok(()), |why| Err(DevError::CommandFailed(why)))
    })
}

/// Prints the plugin's actions and log lines that haven't been printed yet.
fn print_actions(harness: &Harness) {
    for action in harness.take_actions(Vec::new()) {
        progress::note(&format!("* {}", render::one_line(&action.to_string(), usize::MAX)));
    }
}

async fn activate(harness: &Harness, settings: &DevSettings, options: &cli::ConfigOptions) -> Result<(), DevError> {
    if let Some(config) = &settings.config {
        return Ok(harness.activate(config, GrantPolicy::AsConfigured).await?);
    }
    let name = &harness.subject.name;
    let config = config_options::config(name, options)?;
    if !options.grants.is_empty() {
        return Ok(harness.activate(&config, GrantPolicy::AsConfigured).await?);
    }
    let activated = harness.activate(&config, GrantPolicy::All).await;
    if let Err(PluginError::NotGranted { missing, .. }) = &activated {
        progress::note(&format!(
            "  to allow it in this call, add {}, or --config FILE",
            config_options::options(missing)
        ));
    }
    activated?;
    let info = harness.info().await?;
    let grants: Vec<String> = info.to_grant().map(|name| format!("\"{name}\"")).collect();
    if !grants.is_empty() {
        progress::note(&format!("  a host needs this line in [plugins.{name}]: grants = [{}]", grants.join(", ")));
    }
    Ok(())
}

/// Joins the arguments into a command line. Quotes empty arguments and those that contain whitespace, because the shell
/// has removed the original quotes.
fn line(words: &[String]) -> Result<String, DevError> {
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
    Err(DevError::Command { command: line, why: "a command begins with a slash, such as /hello" })
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
