//! Restricts the buttons that a plugin may show. A button's command runs with the rights of the user who presses it, so
//! a misleading label could make a user run another plugin's command. A plugin's buttons may therefore only run that
//! plugin's own commands, and all other buttons are removed before the result of a call leaves this crate. On each
//! press, the host checks again that the command belongs to the button's plugin.

use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
};

use cordboard_core::{
    render::{is_blank, one_line},
    route::{self, CommandLine},
    types::{Button, Reply, SessionName},
};

use super::{
    call_settings::CallSettings,
    grant_request_message::{self, PLUGINS_COMMAND},
    guest_log::LOG_TARGET,
    plugin_catalog::Directory,
};

/// The maximum length of a button's command in a log record, in characters.
const LOGGED_COMMAND: usize = 60;

/// The maximum length of a label, in characters. Longer labels don't fit on a phone screen, and Telegram truncates
/// them.
const MAX_LABEL: usize = 100;

/// The maximum number of buttons in a message. Telegram rejects messages with more.
const MAX_BUTTONS: usize = 100;

/// The maximum number of button warnings per version, so that a plugin whose buttons differ in each call can't fill the
/// log.
const MAX_LOGGED: usize = 16;

/// The keys of the warnings already logged, such as a removed button's command.
#[derive(Default)]
pub struct RemovedButtons(Mutex<BTreeSet<String>>);

impl RemovedButtons {
    /// Returns whether to log that a button with this command was removed or relabeled: only once per command, and only
    /// for the first [`MAX_LOGGED`] commands.
    fn should_log(&self, command: &str) -> bool {
        let mut logged = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        logged.len() < MAX_LOGGED && logged.insert(command.to_owned())
    }
}

/// Returns `reply` with only the buttons that the plugin may show, at most [`MAX_BUTTONS`], each marked with the name
/// of the plugin and bound to `session`, the session that the reply is about. A button with a blank label shows its
/// command instead. Logs removed and relabeled buttons, at most once per command.
pub fn restrict(
    mut reply: Reply,
    call_settings: &CallSettings,
    directory: &dyn Directory,
    session: Option<&SessionName>,
) -> Reply {
    let plugin: &str = &call_settings.name;
    let warn = |key: &str, message: &'static str, why: &str| {
        if call_settings.removed_buttons.should_log(key) {
            tracing::warn!(target: LOG_TARGET, plugin, why, "{message}");
        }
    };
    let mut room = MAX_BUTTONS;
    for row in &mut reply.buttons {
        row.retain_mut(|button| {
            if let Some(why) = refusal(button, plugin, directory) {
                warn(&button.command, "omitted a button", &why);
                return false;
            }
            if room == 0 {
                let why = format!("a message has at most {MAX_BUTTONS} buttons: split the rest into pages");
                warn("", "omitted buttons", &why);
                return false;
            }
            room -= 1;
            button.label = one_line(&button.label, MAX_LABEL - 1);
            if is_blank(&button.label) {
                let command = one_line(&button.command, MAX_LABEL - 1);
                let why =
                    format!("the label of {:?} is blank, so it shows its command: set a label", short(&button.command));
                warn(&format!("blank {command}"), "blank button label", &why);
                button.label = command;
            }
            button.plugin = Some(plugin.to_owned());
            true
        });
    }
    reply.buttons.retain(|row| !row.is_empty());
    reply.bound_to(session)
}

fn short(command: &str) -> String {
    command.chars().take(LOGGED_COMMAND).collect()
}

/// Returns the reason why `plugin` may not show this button, or `None` if it may.
fn refusal(button: &Button, plugin: &str, directory: &dyn Directory) -> Option<String> {
    let short = short(&button.command);
    let Some(CommandLine { name, invocation }) = route::parse_button(&button.command) else {
        return Some(format!("{short:?} is not a command: use a command of the plugin, such as \"/{plugin} again\""));
    };
    if name == PLUGINS_COMMAND && grant_request_message::is_grant_answer(&invocation.text) {
        return Some(format!("{short:?} answers an approval request, which only the host's own buttons may do"));
    }
    match directory.owner(&name) {
        Some(owner) if owner == plugin => None,
        Some(owner) => Some(format!(
            "{short:?} is a command of plugin '{owner}': use only commands of '{plugin}' in buttons, and name other commands in the text"
        )),
        None => Some(format!("{short:?} is a command that no plugin exports")),
    }
}
